/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/sse.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_event_is_its_data_lines),
		CASE(line_ends_may_be_of_any_system),
		CASE(comments_and_events_without_data_are_nothing),
		CASE(what_was_not_ended_is_no_event),
		CASE(an_endless_line_is_refused),
	};

	return RUN(tests);
}
