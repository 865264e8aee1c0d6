/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a statement of somebody else's touches, decided on DuckDB's own parse of it, the JSON of
 * json_serialize_sql(); never on words of the text.
 *
 *	AUTO(guard_release) struct guard g = { 0 };
 *	if (guard_judge(tree_text, &g, e) < 0)       refused: ERR_USAGE says why and what to do
 *		...
 *	for (i < g.count) ... g.tables[i].name ...   the tables it names, each once
 *
 * Passed is one SELECT (also WITH, FROM, VALUES, DESCRIBE or SUMMARIZE of a table) whose table
 * functions are on a short list and whose other functions are on none of those that reach files,
 * settings, logs, other statements or the clock's sleep. A name that a WITH around it defines is not a
 * table; one with a schema before it always is. Catalogs of the system are refused. What the parser
 * gives and is not known here is refused.
 *
 * This is the second lock: the first is that the process has nothing to reach (worker-room.c). A name
 * taken for what it is not makes a statement fail, it never opens a file.
 *
 * Pure: no DuckDB, no files; fuzzed. Threads: no state.
 */
#ifndef LARDER_DUCK_WORKER_GUARD_H
#define LARDER_DUCK_WORKER_GUARD_H

#include "base/json.h"
#include "base/str.h"
#include "duck/worker-guard-columns.h"

/* A parse is some hundred times as long as its statement; a person's has some KB. */
#define GUARD_TREE_MAX ((size_t)64 << 20)
/* Two levels for each of an expression's, of which DuckDB allows 1000, and some for queries. */
#define GUARD_DEPTH_MAX 2500
/* More than one statement calls. */
#define GUARD_FUNCTIONS_MAX 1000
/* More than anybody joins. */
#define GUARD_TABLES_MAX 1000

struct guard_table {
	char *catalog, *schema; /* "" when not given */
	char *name;
};

struct guard {
	struct guard_table *tables; /* in the order of the text */
	size_t count, capacity;
	struct strv
		functions; /* that it calls, each once, in small letters; operators by their signs */
	struct guard_columns columns; /* that it may want of its tables */
};
void guard_release(struct guard *g);

/* Lists "tables", "functions" and "columns" into an open object; "columns" is null for all. */
void guard_add_tables(const struct guard *g, struct json_out *out);

int guard_judge(struct bytes tree, struct guard *ret_guard, struct err *e);
/*
 * For the parse of "SELECT * FROM t WHERE (\n<condition>\n)": is the condition one expression that
 * looks at nothing but columns, and always says the same of the same row?
 */
int guard_judge_filter(struct bytes tree, struct err *e);

#endif
