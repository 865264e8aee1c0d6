/* SPDX-License-Identifier: Apache-2.0 */
#include "net/sse.h"

#include "test.h"

static int collect(void *ctx, struct bytes data, struct err *e)
{
	struct buf *out = ctx;

	(void)e;
	buf_addc(out, '[');
	buf_add(out, data.p, data.n);
	buf_addc(out, ']');
	return 0;
}

/* Cut at every place, it must give the same. */
static void check(const char *stream, const char *wanted)
{
	size_t n = strlen(stream);

	for (size_t step = 1; step <= n; step++) {
		AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
		AUTO_SSE struct sse sse = SSE_INIT(collect, &out);
		struct err e = { 0 };

		for (size_t at = 0; at < n; at += step) {
			size_t left = n - at;

			CHECK_OK(sse_add(&sse,
					 (struct bytes){ stream + at, left < step ? left : step },
					 &e));
		}
		CHECK_STR(buf_str(&out), wanted);
	}
}

TEST(an_event_is_its_data_lines)
{
	check("data: a\n\n", "[a]");
	check("event: x\ndata: a\nid: 7\ndata: b\n\ndata:c\n\n", "[a\nb][c]");
	check("data:\n\n", "[]");
	check("data:  two blanks\n\n", "[ two blanks]");
}

TEST(line_ends_may_be_of_any_system)
{
	check("data: a\r\n\r\ndata: b\r\rdata: c\n\n", "[a][b][c]");
}

TEST(comments_and_events_without_data_are_nothing)
{
	check(": hello\n\nevent: ping\n\n\n\ndatax: no\n\n", "");
}

TEST(what_was_not_ended_is_no_event)
{
	check("data: a\n\ndata: b\n", "[a]");
	check("data: a\n\ndata: b", "[a]");
}

TEST(an_endless_line_is_refused)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	AUTO_SSE struct sse sse = SSE_INIT(collect, &out);
	AUTO_FREE char *piece = xmalloc(SSE_EVENT_MAX);
	struct err e = { 0 };

	memset(piece, 'x', SSE_EVENT_MAX);
	CHECK_OK(sse_add(&sse, (struct bytes){ piece, SSE_EVENT_MAX }, &e));
	CHECK_ERR(sse_add(&sse, (struct bytes){ piece, 1 }, &e), ERR_LIMIT);
}

struct named {
	struct sse sse;
	struct buf out;
};

static int collect_named(void *ctx, struct bytes data, struct err *e)
{
	struct named *n = ctx;

	(void)e;
	buf_addf(&n->out, "[%s %s %.*s]", buf_str(&n->sse.name), buf_str(&n->sse.id), (int)data.n,
		 data.p);
	return 0;
}

TEST(an_event_has_its_name_and_the_last_id)
{
	struct named n = { .out = BUF_INIT(BUF_OWN_MAX) };
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct err e = { 0 };

	n.sse = (struct sse)SSE_INIT(collect_named, &n);
	buf_adds(&text, "event: ready\nid: 7\ndata: a\n\ndata: b\n\nid:8\nevent:x\ndata: c\n\n");
	buf_adds(&text, "event: gone with the blank line\n\ndata: d\n\nevent: ");
	for (size_t i = 0; i < SSE_NAME_MAX; i++)
		buf_addc(&text, 'n'); /* too long for a name */
	buf_adds(&text, "\ndata: e\n\n");
	CHECK_OK(sse_add(&n.sse, buf_bytes(&text), &e));
	CHECK_STR(buf_str(&n.out), "[ready 7 a][ 7 b][x 8 c][ 8 d][ 8 e]");
	sse_release(&n.sse);
	buf_release(&n.out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_event_is_its_data_lines),
		CASE(an_event_has_its_name_and_the_last_id),
		CASE(line_ends_may_be_of_any_system),
		CASE(comments_and_events_without_data_are_nothing),
		CASE(what_was_not_ended_is_no_event),
		CASE(an_endless_line_is_refused),
	};

	return RUN(tests);
}
