/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a grant of a table is limited to: rows for which a condition holds, columns of a list, or both
 * ({"columns":["a","b"],"where":"..."} as text). Equal limits have equal texts: the condition in
 * DuckDB's own form, the columns sorted. The limits of several grants are a list of such objects;
 * duck/excerpt.h says what they give together.
 *
 *	struct rights_wish wish = { .where = "region = 'north'", .columns = &columns };
 *	if (rights_make(&wish, &rights, e) < 0) ...       starts a child that parses the condition
 *
 * A condition looks at the columns of its row and at nothing else, and says the same each time: no
 * other table, no clock, no random number, no one who asks. Errors: ERR_USAGE for what is no such
 * condition, ERR_LIMIT. Threads: any.
 */
#ifndef LARDER_TABLES_RIGHTS_H
#define LARDER_TABLES_RIGHTS_H

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

/* A condition a person can still judge; longer ones want a column in the table. */
#define RIGHTS_WHERE_MAX   4096
#define RIGHTS_COLUMNS_MAX 1000
/* Of one grant: a name has at most some hundred bytes. */
#define RIGHTS_TEXT_MAX ((size_t)256 << 10)

struct rights_wish {
	const char *where;          /* NULL: all rows */
	const struct strv *columns; /* empty: all columns */
};
/* *ret_rights is NULL when nothing is limited; the caller owns it. */
int rights_make(const struct rights_wish *wish, char **ret_rights, struct err *e);
/* Members "where" and "columns" (null when not limited) into an open object. */
void rights_add(const char *rights, struct json_out *out);

#endif
