/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/text.h"

#include <ctype.h>
#include <strings.h>

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Behind the closing quote; 0 when there is none. A doubled quote is one letter. */
static size_t quoted_end(const char *p, size_t at)
{
	char quote = p[at++];

	for (; p[at]; at++) {
		if (p[at] == quote && p[at + 1] != quote)
			return at + 1;
		if (p[at] == quote)
			at++;
	}
	return 0;
}

static int refuse(struct err *e, const char *what)
{
	(void)err_set(e, ERR_USAGE, "a statement over remote tables is written without %s", what);
	return err_hint(e, "write texts as 'text' and names as \"name\"");
}

static void blank(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] != '\n')
			p[i] = ' ';
	}
}

/* Of a comment that begins at p; 0: none does. SIZE_MAX: it has no end, or another in it. */
static size_t comment_length(const char *p)
{
	const char *end, *inner;

	if (p[0] == '-' && p[1] == '-')
		return strcspn(p, "\n\r");
	if (p[0] != '/' || p[1] != '*')
		return 0;
	end = strstr(p + 2, "*/");
	inner = strstr(p + 2, "/*");
	return !end || (inner && inner < end) ? SIZE_MAX : (size_t)(end + 2 - p);
}

/* A name in backticks has no quotes or escapes in it. */
static int take_backticks(char *p, size_t *at, struct err *e)
{
	size_t n = strcspn(p + *at + 1, "`\"\\\n");

	if (*at > 0 && p[*at - 1] == '&') /* U&"..." is a name with escapes */
		return refuse(e, "letters before a quote");
	if (n == 0 || p[*at + 1 + n] != '`')
		return refuse(e, "quotes inside of `names`");
	p[*at] = p[*at + 1 + n] = '"';
	*at += n + 2;
	return 0;
}

static int take_quoted(const char *p, size_t *at, struct err *e)
{
	size_t end = quoted_end(p, *at);

	if (end == 0)
		return err_set(e, ERR_USAGE, "a quote (%c) has no end", p[*at]);
	if (p[*at] == '\'' && *at > 0 && (is_word(p[*at - 1]) || p[*at - 1] == '&'))
		return refuse(e, "letters before a quote");
	if (p[*at] == '"' && *at > 0 && p[*at - 1] == '&')
		return refuse(e, "letters before a quote");
	*at = end;
	return 0;
}

/* What dialects read differently, or nobody writes. */
static int check_sign(const char *p, struct err *e)
{
	if (*p == ';')
		return p[1 + strspn(p + 1, "; \t\r\n")] ? refuse(e, "a second statement") : 0;
	if (strchr("$?#\\{}@", *p))
		return refuse(e, *p == '$' || *p == '?' ? "dollar quotes and parameters"
							: "these signs: # \\ { } @");
	if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
		return refuse(e, "letters outside of ASCII, but in quotes");
	return 0;
}

static int take_one(char *p, size_t *at, struct err *e)
{
	size_t comment = comment_length(p + *at);

	if (comment == SIZE_MAX)
		return refuse(e, "comments in comments, or without an end");
	if (comment > 0) {
		blank(p + *at, comment);
		*at += comment;
		return 0;
	}
	if (p[*at] == '`')
		return take_backticks(p, at, e);
	if (p[*at] == '\'' || p[*at] == '"')
		return take_quoted(p, at, e);
	if (!is_word(p[*at]) && !is_space(p[*at])) {
		if (check_sign(p + *at, e) < 0)
			return e->code;
		if (p[*at] == ';')
			p[*at] = ' ';
	}
	++*at;
	return 0;
}

int far_plain(const char *sql, char **ret_plain, struct err *e)
{
	AUTO_FREE char *p = xstrdup(sql);
	size_t at = 0;

	if (strlen(sql) > FAR_SQL_MAX)
		return err_set(e, ERR_LIMIT, "the statement is longer than %zu bytes", FAR_SQL_MAX);
	while (p[at]) {
		if (take_one(p, &at, e) < 0)
			return e->code;
	}
	*ret_plain = TAKE(p);
	return 0;
}

static enum far_token_kind kind_of(char c)
{
	if (is_space(c))
		return FAR_SPACE;
	if (c == '\'')
		return FAR_STRING;
	if (c == '"')
		return FAR_NAME;
	if (isdigit((unsigned char)c))
		return FAR_NUMBER;
	return is_word(c) ? FAR_WORD : FAR_SIGN;
}

bool far_token_next(const char *plain, size_t *at, struct far_token *ret_token)
{
	const char *p = plain + *at;
	size_t n = 1;

	if (!*p)
		return false;
	ret_token->kind = kind_of(*p);
	if (ret_token->kind == FAR_STRING || ret_token->kind == FAR_NAME) {
		n = quoted_end(p, 0);
		n = n ? n : strlen(p); /* plain text has an end of each */
	} else if (ret_token->kind == FAR_SPACE) {
		while (is_space(p[n]))
			n++;
	} else if (ret_token->kind != FAR_SIGN) {
		while (is_word(p[n]))
			n++;
	}
	ret_token->text = (struct bytes){ p, n };
	*at += n;
	return true;
}

/* The text between quotes, its doubled ones made single. The caller owns it. */
static char *unquoted(struct bytes text)
{
	char *out = xstrndup(text.p + 1, text.n - 2), *to = out;

	for (const char *from = out; *from; from++) {
		*to++ = *from;
		if (*from == text.p[0])
			from++;
	}
	*to = '\0';
	return out;
}

static char *lower(const char *name)
{
	char *out = xstrdup(name);

	for (char *p = out; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return out;
}

/* How a name token is spelt; NULL for other tokens. The caller owns it. */
static char *spelling(const struct far_token *token)
{
	if (token->kind == FAR_NAME)
		return unquoted(token->text);
	return token->kind == FAR_WORD ? xstrndup(token->text.p, token->text.n) : NULL;
}

struct rendering {
	const struct far_statement *statement;
	const struct far_dialect *dialect;
	struct buf *out;
};

static const struct far_table *table_called(const struct rendering *r, const char *name)
{
	for (size_t i = 0; i < r->statement->count; i++) {
		if (strcasecmp(r->statement->tables[i].name, name) == 0)
			return &r->statement->tables[i];
	}
	return NULL;
}

/* The WITH has names in small letters, which words without quotes mean in every dialect. */
static void add_table_name(const struct rendering *r, const struct far_table *t)
{
	AUTO_FREE char *name = lower(t->name);

	r->dialect->add_name(r->out, name);
}

/* The longest run of names and dots from `at` that is a table's: "a"."b", or main.b. Moves *at. */
static const struct far_table *match_path(const struct rendering *r, size_t *at)
{
	const struct far_table *found = NULL;
	AUTO_BUF struct buf path = BUF_INIT(FAR_SQL_MAX);
	size_t next = *at, parts = 0;
	struct far_token token;

	while (far_token_next(r->statement->sql, &next, &token)) {
		AUTO_FREE char *part = spelling(&token);
		const struct far_table *t;

		if (!part)
			break;
		buf_addf(&path, "%s%s", parts++ ? "." : "", part);
		t = table_called(r, buf_str(&path));
		if (!t && parts > 1 && strncasecmp(buf_str(&path), "main.", 5) == 0)
			t = table_called(r, buf_str(&path) + 5);
		if (t && (parts > 1 || token.kind == FAR_NAME)) {
			found = t;
			*at = next;
		}
		if (r->statement->sql[next] != '.')
			break;
		next++;
	}
	return found;
}

static void add_token(const struct rendering *r, const struct far_token *token)
{
	AUTO_FREE char *text = NULL;

	if (token->kind == FAR_NAME || token->kind == FAR_STRING)
		text = unquoted(token->text);
	if (token->kind == FAR_NAME)
		r->dialect->add_name(r->out, text);
	else if (token->kind == FAR_STRING)
		r->dialect->add_string(r->out, bytes_of(text));
	else
		buf_add(r->out, token->text.p, token->text.n);
}

static void add_statement(const struct rendering *r, size_t at)
{
	bool after_dot = false;
	struct far_token token;

	for (;;) {
		const struct far_table *t = after_dot ? NULL : match_path(r, &at);

		if (t)
			add_table_name(r, t);
		else if (far_token_next(r->statement->sql, &at, &token))
			add_token(r, &token);
		else
			return;
		after_dot = !t && token.kind == FAR_SIGN && token.text.p[0] == '.';
	}
}

static int add_tables(const struct rendering *r, struct err *e)
{
	for (size_t i = 0; i < r->statement->count; i++) {
		buf_adds(r->out, i ? ", " : "");
		add_table_name(r, &r->statement->tables[i]);
		buf_addf(r->out, " %s (SELECT * FROM ", r->dialect->as);
		if (r->dialect->add_path(r->out, r->statement->tables[i].spec, e) < 0)
			return e->code;
		buf_addc(r->out, ')');
	}
	return 0;
}

/* Moves *at behind the word, and what space is before it, when it is what comes next. */
static bool take_word(const char *sql, size_t *at, const char *word)
{
	struct far_token token;
	size_t next = *at;

	while (far_token_next(sql, &next, &token)) {
		if (token.kind == FAR_SPACE)
			continue;
		if (token.kind != FAR_WORD || token.text.n != strlen(word) ||
		    strncasecmp(token.text.p, word, token.text.n) != 0)
			return false;
		*at = next;
		return true;
	}
	return false;
}

int far_render(const struct far_statement *statement, const struct far_dialect *dialect,
	       struct buf *out, struct err *e)
{
	const struct rendering r = { statement, dialect, out };
	size_t at = 0;
	bool with = take_word(statement->sql, &at, "with");
	bool recursive = with && take_word(statement->sql, &at, "recursive");

	buf_adds(out, recursive ? "WITH RECURSIVE " : "WITH ");
	if (add_tables(&r, e) < 0)
		return e->code;
	buf_adds(out, with ? "," : " ");
	add_statement(&r, at);
	return out->full ? err_set(e, ERR_LIMIT, "the statement is too long for its source") : 0;
}
