/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON: what was read and printed is read and printed the same again; any bytes written as a text
 * give JSON that can be read.
 */
#include "base/json.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = { (const char *)data, size };
	AUTO_JSON struct json *doc = NULL;
	struct err e = { 0 };

	check_written(text);
	if (json_parse(text, INPUT_MAX, &doc, &e) < 0) {
		assert(!doc && e.msg[0]);
		return 0;
	}
	(void)walk(doc);
	check_printed(doc, false);
	check_printed(doc, true);
	return 0;
}
