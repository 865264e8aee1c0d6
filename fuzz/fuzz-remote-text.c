/* SPDX-License-Identifier: Apache-2.0 */
/* A statement made plain: of the same length, and again itself; cut into tokens that are all of it. */
#include "remote/text.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void add_string(struct buf *out, struct bytes text)
{
	buf_add(out, text.p, text.n);
}

static int add_path(struct buf *out, const struct json *spec, struct err *e)
{
	(void)out;
	(void)spec;
	(void)e;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct far_dialect dialect = { sql_quote_name, add_string, add_path, "AS" };
	static const struct far_table tables[] = { { .name = "a" }, { .name = "b.c" } };
	AUTO_FREE char *sql = xstrndup((const char *)p, n);
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *plain = NULL;
	AUTO_FREE char *again = NULL;
	struct far_token token;
	struct err e = { 0 };
	size_t at = 0, before = 0;

	if (far_plain(sql, &plain, &e) < 0)
		return 0;
	assert(strlen(plain) == strlen(sql));
	assert(far_plain(plain, &again, &e) == 0 && str_eq(plain, again));
	while (far_token_next(plain, &at, &token)) {
		assert(token.text.p == plain + before && token.text.n > 0);
		before += token.text.n;
		assert(at == before);
	}
	assert(before == strlen(plain));
	(void)far_render(&(struct far_statement){ plain, tables, 2 }, &dialect, &out, &e);
	return 0;
}
