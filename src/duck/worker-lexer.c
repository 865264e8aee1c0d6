/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker-lexer.h"

#include <strings.h>

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || (unsigned char)c >= 0x80;
}

static const char *skip_line(const char *p)
{
	while (*p && *p != '\n')
		p++;
	return p;
}

/* Comments of this kind nest. */
static const char *skip_block(const char *p)
{
	int depth = 0;

	do {
		if (p[0] == '/' && p[1] == '*') {
			depth++;
			p += 2;
		} else if (p[0] == '*' && p[1] == '/') {
			depth--;
			p += 2;
		} else if (*p) {
			p++;
		}
	} while (*p && depth > 0);
	return p;
}

static const char *skip_blanks(const char *p)
{
	for (;;) {
		if (*p && strchr(" \t\r\n\f\v", *p))
			p++;
		else if (p[0] == '-' && p[1] == '-')
			p = skip_line(p);
		else if (p[0] == '/' && p[1] == '*')
			p = skip_block(p);
		else
			return p;
	}
}

/* Past a quoted run that begins at p; a doubled quote is part of it, and in E'...' a \ escapes. */
static const char *skip_quoted(const char *p, bool escapes)
{
	char quote = *p++;

	for (; *p; p++) {
		if (escapes && p[0] == '\\' && p[1])
			p++;
		else if (p[0] == quote && p[1] == quote)
			p++;
		else if (p[0] == quote)
			return p + 1;
	}
	return p;
}

/* Past $tag$ ... $tag$; NULL when p begins no such thing ($1 is a parameter). */
static const char *skip_dollars(const char *p)
{
	size_t tag = 1;
	const char *end;

	while (is_word(p[tag]))
		tag++;
	if (p[tag] != '$' || (p[1] >= '0' && p[1] <= '9'))
		return NULL;
	tag++;
	end = memmem(p + tag, strlen(p + tag), p, tag);
	return end ? end + tag : p + strlen(p);
}

struct token lexer_next(const char **rest)
{
	const char *p = skip_blanks(*rest);
	const char *end = p + 1;
	enum token_kind kind = TOKEN_MARK;

	if (!*p) {
		end = p;
		kind = TOKEN_END;
	} else if (*p == '"' || *p == '\'') {
		kind = *p == '"' ? TOKEN_NAME : TOKEN_TEXT;
		end = skip_quoted(p, false);
	} else if ((*p == 'e' || *p == 'E') && p[1] == '\'') {
		kind = TOKEN_TEXT;
		end = skip_quoted(p + 1, true);
	} else if (*p == '$' && skip_dollars(p)) {
		kind = TOKEN_TEXT;
		end = skip_dollars(p);
	} else if (is_word(*p)) {
		kind = TOKEN_WORD;
		while (is_word(*end) || *end == '$')
			end++;
	}
	*rest = end;
	return (struct token){ kind, { p, (size_t)(end - p) } };
}

bool token_is(struct token token, const char *word)
{
	return token.kind == TOKEN_WORD && token.text.n == strlen(word) &&
	       strncasecmp(token.text.p, word, token.text.n) == 0;
}

size_t lexer_count_statements(const char *sql)
{
	size_t count = 0;
	bool empty = true;

	for (;;) {
		struct token token = lexer_next(&sql);
		bool end = token.kind == TOKEN_END ||
			   (token.kind == TOKEN_MARK && token.text.p[0] == ';');

		if (end)
			count += !empty;
		empty = end;
		if (token.kind == TOKEN_END)
			return count;
	}
}

const char *lexer_after_explain(const char *sql)
{
	const char *rest = sql;
	struct token token = lexer_next(&rest);
	const char *before = rest;
	int depth = 0;

	if (!token_is(token, "explain"))
		return sql;
	token = lexer_next(&rest);
	if (token_is(token, "analyze") || token_is(token, "verbose")) {
		before = rest;
		token = lexer_next(&rest);
	}
	if (token.kind != TOKEN_MARK || token.text.p[0] != '(')
		return before;
	while (token.kind != TOKEN_END) { /* (FORMAT json): to the bracket that closes */
		depth += token.kind == TOKEN_MARK && token.text.p[0] == '(';
		depth -= token.kind == TOKEN_MARK && token.text.p[0] == ')';
		if (depth == 0)
			break;
		token = lexer_next(&rest);
	}
	token.text.p = rest;
	return lexer_next(&token.text.p).kind == TOKEN_END ? before : rest; /* EXPLAIN (SELECT 1) */
}

bool lexer_mentions(const char *sql, const char *name)
{
	size_t n = strlen(name);
	const char *at = sql;

	while (n > 0 && (at = strcasestr(at, name)) != NULL) {
		bool bounded = (at == sql || !is_word(at[-1])) && !is_word(at[n]);

		if (bounded)
			return true;
		at++;
	}
	return false;
}
