/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON: what was read and printed is read and printed the same again; any bytes written as a text
 * give JSON that can be read.
 */
#include "base/json-rows.h"

#include <assert.h>

#define INPUT_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reaches every value through the getters, as a caller that expects any kind would. */
static size_t walk(const struct json *v)
{
	struct json_iter it = json_iter(v);
	const char *text = json_text(v);
	size_t n = text ? strlen(text) : 0;

	assert(!text || n == json_bytes(v).n);
	n += json_int(v, 0) > 1;
	n += json_size(v) > 1;
	n += json_double(v, 0) > 1;
	n += json_flag(v, false);
	while (json_next(&it))
		n += strlen(it.key) + walk(it.value);
	for (size_t i = 0; json_kind(v) == JSON_ARRAY && i < json_size(v); i++)
		n += walk(json_at(v, i));
	return n;
}

static void check_printed(const struct json *v, bool pretty)
{
	AUTO_BUF struct buf first = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf second = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *again = NULL;
	struct err e = { 0 };
	int r;

	json_print(v, &first, pretty);
	r = json_parse(buf_bytes(&first), BUF_OWN_MAX, &again, &e);
	assert(r == 0);
	json_print(again, &second, pretty);
	assert(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
}

static void check_written(struct bytes text)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *doc = NULL;
	struct json_out o = json_out(&out);
	struct err e = { 0 };
	int r;

	json_open(&o, NULL, '[');
	json_add_bytes(&o, NULL, text);
	json_close(&o);
	r = json_parse(buf_bytes(&out), BUF_OWN_MAX, &doc, &e);
	assert(r == 0 && json_kind(json_at(doc, 0)) == JSON_TEXT);
}

static int ignore(void *ctx, const struct json *v, struct err *e)
{
	(void)ctx, (void)v, (void)e;
	return 0;
}

/* Cut by its first byte: the parts are what the parser takes, whatever the whole is. */
static void check_rows(struct bytes text)
{
	const struct json_rows_options o = { .member = "rows",
					     .row_max = INPUT_MAX,
					     .rest_max = INPUT_MAX,
					     .on_head = ignore,
					     .on_row = ignore };
	AUTO_JSON_ROWS struct json_rows *rows = json_rows_new(&o);
	AUTO_JSON struct json *rest = NULL;
	AUTO_JSON struct json *broken = NULL;
	size_t step = text.n ? (unsigned char)text.p[0] % 8 + 1 : 1;
	struct err e = { 0 };
	int r = 0;

	for (size_t at = 0; r == 0 && at < text.n; at += step)
		r = json_rows_add(
			rows,
			(struct bytes){ text.p + at, text.n - at < step ? text.n - at : step }, &e);
	broken = json_rows_broken(rows);
	if (r == 0)
		(void)json_rows_end(rows, &rest, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = { (const char *)data, size };
	AUTO_JSON struct json *doc = NULL;
	struct err e = { 0 };

	check_written(text);
	check_rows(text);
	if (json_parse(text, INPUT_MAX, &doc, &e) < 0) {
		assert(!doc && e.msg[0]);
		return 0;
	}
	(void)walk(doc);
	check_printed(doc, false);
	check_printed(doc, true);
	return 0;
}
