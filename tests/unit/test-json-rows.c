/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json-rows.h"

#include "base/str.h"
#include "test.h"

struct heard {
	struct buf text;
	int refuse_after; /* 0: nothing is refused */
	int rows;
};

static int on_head(void *ctx, const struct json *head, struct err *e)
{
	struct heard *h = ctx;

	(void)e;
	buf_adds(&h->text, "head ");
	json_print(head, &h->text, false);
	return 0;
}

static int on_row(void *ctx, const struct json *row, struct err *e)
{
	struct heard *h = ctx;

	buf_adds(&h->text, " row ");
	json_print(row, &h->text, false);
	return ++h->rows == h->refuse_after ? err_set(e, ERR_IO, "enough") : 0;
}

static struct json_rows *reader(struct heard *h, size_t row_max)
{
	const struct json_rows_options o = { .member = "rows",
					     .row_max = row_max,
					     .rest_max = 200,
					     .ctx = h,
					     .on_head = on_head,
					     .on_row = on_row };

	h->text = (struct buf)BUF_INIT(BUF_OWN_MAX);
	return json_rows_new(&o);
}

/* The text in pieces of `step` bytes; what was heard, with the rest, is the caller's. */
static int read_all(const char *text, size_t step, char **ret_heard, struct err *e)
{
	struct heard h = { 0 };
	AUTO_JSON_ROWS struct json_rows *rows = reader(&h, 100);
	AUTO_JSON struct json *rest = NULL;
	size_t n = strlen(text);
	int r = 0;

	*e = (struct err){ 0 };
	for (size_t at = 0; r == 0 && at < n; at += step)
		r = json_rows_add(rows, (struct bytes){ text + at, n - at < step ? n - at : step },
				  e);
	if (r == 0)
		r = json_rows_end(rows, &rest, e);
	if (r == 0) {
		buf_adds(&h.text, " rest ");
		json_print(rest, &h.text, false);
	}
	*ret_heard = buf_take(&h.text);
	return r;
}

TEST(rows_come_one_by_one_however_the_text_is_cut)
{
	static const char *const cases[][2] = {
		{ "{\"a\":[1,\"]\"],\"rows\":[[1,\"x]\\\"\"],[[2],{\"b\":\"}\"}]],\"n\":2}",
		  "head {\"a\":[1,\"]\"]} row [1,\"x]\\\"\"] row [[2],{\"b\":\"}\"}] rest {\"n\":2}" },
		{ "{\"rows\":[]}", "head {} rest {}" },
		{ " { \"a\" : 1 , \"rows\" : [ [ 1 ] , {} ] , \"b\" : 2 } \n",
		  "head {\"a\":1} row [1] row {} rest {\"b\":2}" },
		{ "{\"a\":{\"rows\":[1]},\"x\\\"rows\":[2],\"rows\":[[3]],\"rows\":4}",
		  "head {\"a\":{\"rows\":[1]},\"x\\\"rows\":[2]} row [3] rest {\"rows\":4}" },
		{ "{\"detail\":\"no rows\"}", "head {\"detail\":\"no rows\"} rest {}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t step = 1; step < 90; step++) {
			AUTO_FREE char *heard = NULL;
			struct err e = { 0 };

			CHECK_OK(read_all(cases[i][0], step, &heard, &e));
			CHECK_STR(heard, cases[i][1]);
		}
}

TEST(what_is_no_such_object_is_an_error)
{
	static const char *const cases[] = {
		"",
		"[]",
		"{\"rows\":[[1]",
		"{\"rows\":[[1]]",
		"{\"rows\":[[1]]}x",
		"{\"rows\":[1]}",
		"{\"rows\":[[1][2]]}",
		"{\"rows\":[[1],]}",
		"{\"rows\":[,[1]]}",
		"{\"rows\":[[1}]}",
		"{\"a\":1 \"rows\":[[1]]",
		"{\"rows\":[[1],,[2]]}",
		"{\"rows\":[[nan]]}",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t step = 1; step < 20; step += 6) {
			AUTO_FREE char *heard = NULL;
			struct err e = { 0 };

			CHECK_ERR(read_all(cases[i], step, &heard, &e), ERR_CORRUPT);
		}
}

TEST(limits_hold_at_their_edge)
{
	for (size_t n = 90; n < 110; n++) {
		AUTO_FREE char *row = xcalloc(n + 1, 1);
		AUTO_FREE char *text = NULL;
		AUTO_FREE char *heard = NULL;
		struct err e = { 0 };

		memset(row, '1', n);
		row[0] = '[';
		row[n - 1] = ']';
		text = xasprintf("{\"rows\":[%s]}", row);
		CHECK_INT(read_all(text, 7, &heard, &e), n > 100 ? ERR_LIMIT : 0);
	}
	for (size_t n = 150; n < 250; n += 10) {
		AUTO_FREE char *head = xcalloc(n + 1, 1);
		AUTO_FREE char *heard = NULL;
		struct err e = { 0 };

		memset(head, ' ', n);
		head[0] = '{';
		CHECK(read_all(head, 7, &heard, &e) == (n > 200 ? ERR_LIMIT : ERR_CORRUPT));
	}
}

TEST(a_reader_that_refuses_a_row_ends_it)
{
	struct heard h = { .refuse_after = 2 };
	AUTO_JSON_ROWS struct json_rows *rows = reader(&h, 100);
	struct err e = { 0 };

	CHECK_ERR(json_rows_add(rows, BYTES_LITERAL("{\"rows\":[[1],[2],[3]]}"), &e), ERR_IO);
	CHECK_INT(h.rows, 2);
	buf_release(&h.text);
}

TEST(what_broke_off_behind_its_rows_can_still_be_read)
{
	struct heard h = { 0 };
	AUTO_JSON_ROWS struct json_rows *rows = reader(&h, 100);
	AUTO_JSON struct json *rest = NULL;
	struct err e = { 0 };

	CHECK_OK(json_rows_add(rows, BYTES_LITERAL("{\"rows\":[[1]"), &e));
	CHECK(!json_rows_broken(rows));
	CHECK_OK(json_rows_add(rows, BYTES_LITERAL("],\"error\":{\"detail\":\"no disk\"}"), &e));
	rest = json_rows_broken(rows);
	CHECK_STR(json_text(json_get(json_get(rest, "error"), "detail")), "no disk");
	buf_release(&h.text);
	json_rows_free(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(rows_come_one_by_one_however_the_text_is_cut),
		CASE(what_is_no_such_object_is_an_error),
		CASE(limits_hold_at_their_edge),
		CASE(a_reader_that_refuses_a_row_ends_it),
		CASE(what_broke_off_behind_its_rows_can_still_be_read),
	};

	return RUN(tests);
}
