/* SPDX-License-Identifier: Apache-2.0 */
/* A statement is cut into words: within its bounds, and always forward. */
#include "base/base.h"
#include "duck/worker-lexer.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO_FREE char *sql = xstrndup((const char *)p, n);
	const char *end = sql + strlen(sql), *rest = sql;
	struct token token;

	do {
		const char *before = rest;

		token = lexer_next(&rest);
		assert(rest <= end && token.text.p + token.text.n == rest);
		assert(token.kind == TOKEN_END || rest > before);
	} while (token.kind != TOKEN_END);
	(void)lexer_count_statements(sql);
	assert(lexer_after_explain(sql) <= end);
	(void)lexer_mentions(sql, "a");
	return 0;
}
