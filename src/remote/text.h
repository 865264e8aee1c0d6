/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements in a form that every parser reads alike. The guard judges DuckDB's parse of a statement and
 * another engine runs it: between the two there must be no text that one takes for a string and the
 * other for a name.
 *
 *	far_plain(sql, &plain, e)           ERR_USAGE: it has what dialects read differently
 *	far_render(&statement, &dialect, &out, e)      for the engine, with its tables bound
 *
 * Plain text has words, numbers, signs, 'strings' (where '' is a quote and a backslash is a letter) and
 * "names" (where "" is a quote). Comments are blanked, names in `backticks` get double quotes, a last
 * semicolon goes; places in the text stay. Refused: dollar quotes, strings with a letter before them
 * (E'..', U&'..'), parameters, a second statement, control characters, letters outside ASCII without
 * quotes.
 *
 * far_render() writes
 *
 *	WITH "orders" AS (SELECT * FROM <path of the table>) <the statement>
 *
 * with the statement's names quoted as the dialect does, so each name of a table means the table that was
 * judged and no other. Tables are named in any spelling ("a.b", main.b); what stands in the text is
 * replaced by the one of the WITH.
 *
 * Pure; fuzzed. Threads: no state.
 */
#ifndef LARDER_REMOTE_TEXT_H
#define LARDER_REMOTE_TEXT_H

#include "remote/engine.h"

/* As long as a statement may be. */
#define FAR_SQL_MAX ((size_t)1 << 20)

int far_plain(const char *sql, char **ret_plain, struct err *e);

enum far_token_kind {
	FAR_SPACE,
	FAR_WORD,   /* unquoted: keywords and names */
	FAR_NAME,   /* "quoted" */
	FAR_STRING, /* 'quoted' */
	FAR_NUMBER,
	FAR_SIGN, /* one byte */
};
struct far_token {
	enum far_token_kind kind;
	struct bytes text; /* as it stands, quotes included */
};
/* The token at *at of plain text, which moves behind it; false at the end. */
bool far_token_next(const char *plain, size_t *at, struct far_token *ret_token);

struct far_dialect {
	/* A name or a string, unquoted, as the dialect writes it. */
	void (*add_name)(struct buf *out, const char *name);
	void (*add_string)(struct buf *out, struct bytes text);
	/* What stands for the table: "public"."orders". */
	int (*add_path)(struct buf *out, const struct json *spec, struct err *e);
	const char *as; /* between the name and its query: "AS", "AS NOT MATERIALIZED" */
};
/* ERR_LIMIT when `out` is full. */
int far_render(const struct far_statement *statement, const struct far_dialect *dialect,
	       struct buf *out, struct err *e);

#endif
