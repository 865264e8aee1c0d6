/* SPDX-License-Identifier: Apache-2.0 */
#include "net/multipart.h"

#include "base/str.h"
#include "test.h"

#define TYPE "multipart/form-data; boundary=XX"
#define HEAD "Content-Disposition: form-data; name=\"file\"; filename=\"a.jsonl\"\r\n\r\n"

static int on_part(void *ctx, const char *name, const char *filename, struct err *e)
{
	(void)e;
	buf_addf(ctx, "<%s %s>", name, filename ? filename : "-");
	return 0;
}

static int on_data(void *ctx, struct bytes piece, struct err *e)
{
	(void)e;
	buf_add(ctx, piece.p, piece.n);
	return 0;
}

/* Cut after every `step` bytes. */
static int parse(const char *type, struct bytes text, size_t step, struct buf *out, struct err *e)
{
	const struct multipart_sink sink = { .ctx = out, .on_part = on_part, .on_data = on_data };
	AUTO_MULTIPART struct multipart *m = NULL;
	int r = multipart_new(type, &sink, &m, e);

	for (size_t i = 0; r == 0 && i < text.n; i += step) {
		size_t n = text.n - i < step ? text.n - i : step;

		r = multipart_feed(m, (struct bytes){ text.p + i, n }, e);
	}
	return r < 0 ? r : multipart_finish(m, e);
}

TEST(what_is_written_is_read_back_however_it_is_cut)
{
	static const char file[] = "{\"a\":1}\r\n--X\r\n\r\r\n--\r\n";
	AUTO_BUF struct buf form = BUF_INIT(10000);
	struct err e = { 0 };

	multipart_add_head(&form, "XX", "file", "a.jsonl");
	buf_adds(&form, file);
	multipart_add_tail(&form, "XX");
	for (size_t step = 1; step <= form.n; step++) {
		AUTO_BUF struct buf out = BUF_INIT(10000);

		CHECK_OK(parse(TYPE, buf_bytes(&form), step, &out, &e));
		CHECK_STR(buf_str(&out), "<file a.jsonl>{\"a\":1}\r\n--X\r\n\r\r\n--\r\n");
	}
}

TEST(a_form_that_ends_early_is_corrupt_at_every_byte)
{
	static const char form[] = "--XX\r\n" HEAD "text\r\n--XX--";
	struct err e = { 0 };

	for (size_t n = 0; n < sizeof(form) - 1; n++) {
		AUTO_BUF struct buf out = BUF_INIT(10000);

		CHECK_ERR(parse(TYPE, (struct bytes){ form, n }, 7, &out, &e), ERR_CORRUPT);
	}
}

TEST(types_without_a_usable_boundary_are_refused)
{
	static const char *const types[] = { NULL,
					     "",
					     "text/plain; boundary=XX",
					     "multipart/form-data",
					     "multipart/form-data; boundary=",
					     "multipart/form-data; x=\";boundary=XX\"" };
	AUTO_FREE char *longest = xasprintf("multipart/form-data; boundary=%070d", 1);
	AUTO_FREE char *longer = xasprintf("multipart/form-data; boundary=%071d", 1);
	AUTO_BUF struct buf out = BUF_INIT(10000);
	struct err e = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		CHECK_ERR(parse(types[i], bytes_of("--XX--"), 1, &out, &e), ERR_CORRUPT);
		CHECK_HAS(e.msg, "with a boundary");
	}
	CHECK_ERR(parse(longest, bytes_of("x"), 1, &out, &e), ERR_CORRUPT);
	CHECK_HAS(e.msg, "cut short");
	CHECK_ERR(parse(longer, bytes_of("x"), 1, &out, &e), ERR_CORRUPT);
	CHECK_HAS(e.msg, "with a boundary");
}

static int many_parts(unsigned n, struct err *e)
{
	AUTO_BUF struct buf form = BUF_INIT(100000);
	AUTO_BUF struct buf out = BUF_INIT(100000);

	for (unsigned i = 0; i < n; i++)
		buf_adds(&form, "--XX\r\n" HEAD "\r\n");
	buf_adds(&form, "--XX--");
	return parse(TYPE, buf_bytes(&form), 100, &out, e);
}

TEST(parts_and_their_heads_have_a_limit)
{
	AUTO_BUF struct buf form = BUF_INIT(100000);
	AUTO_BUF struct buf out = BUF_INIT(100000);
	struct err e = { 0 };

	CHECK_OK(many_parts(MULTIPART_PARTS_MAX, &e));
	CHECK_ERR(many_parts(MULTIPART_PARTS_MAX + 1, &e), ERR_LIMIT);
	buf_adds(&form, "--XX\r\nX: ");
	for (size_t i = 0; i < MULTIPART_HEAD_MAX; i++)
		buf_addc(&form, 'a');
	CHECK_ERR(parse(TYPE, buf_bytes(&form), 100, &out, &e), ERR_LIMIT);
}

TEST(a_quoted_name_is_unquoted_and_a_missing_one_refused)
{
	AUTO_BUF struct buf out = BUF_INIT(10000);
	struct err e = { 0 };

	CHECK_OK(
		parse(TYPE,
		      bytes_of("--XX\r\ncontent-disposition: form-data; filename=\"a\\\"; name=x\";"
			       " name=\"n\"\r\n\r\n\r\n--XX--"),
		      3, &out, &e));
	CHECK_STR(buf_str(&out), "<n a\"; name=x>");
	CHECK_ERR(parse(TYPE, bytes_of("--XX\r\nContent-Type: x\r\n\r\n\r\n--XX--"), 3, &out, &e),
		  ERR_CORRUPT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_is_written_is_read_back_however_it_is_cut),
		CASE(a_form_that_ends_early_is_corrupt_at_every_byte),
		CASE(types_without_a_usable_boundary_are_refused),
		CASE(parts_and_their_heads_have_a_limit),
		CASE(a_quoted_name_is_unquoted_and_a_missing_one_refused),
	};

	return RUN(tests);
}
