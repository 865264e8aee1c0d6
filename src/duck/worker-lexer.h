/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQL cut into words, as far as that decides what to do with a statement before DuckDB has parsed
 * it: how many statements there are, what the first word is, which names occur. Never the judge of
 * what a statement may touch.
 */
#ifndef LARDER_DUCK_WORKER_LEXER_H
#define LARDER_DUCK_WORKER_LEXER_H

#include "base/buf.h"

enum token_kind {
	TOKEN_END,
	TOKEN_WORD, /* a name or key word without quotes */
	TOKEN_NAME, /* "in quotes", the quotes included */
	TOKEN_TEXT, /* 'in quotes' or $$in dollars$$ */
	TOKEN_MARK, /* one character of anything else */
};

struct token {
	enum token_kind kind;
	struct bytes text; /* lent from the statement */
};

/* Takes the next token from *rest; comments and blanks are skipped. */
struct token lexer_next(const char **rest);
bool token_is(struct token token, const char *word); /* an unquoted word, capitals aside */

/* Statements that are not empty. */
size_t lexer_count_statements(const char *sql);
/* Past EXPLAIN and what belongs to it; `sql` itself when it does not begin so. */
const char *lexer_after_explain(const char *sql);
/* Does the word or quoted name occur, capitals aside, bounded by what cannot be part of a name? */
bool lexer_mentions(const char *sql, const char *name);

#endif
