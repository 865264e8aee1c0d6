/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables a query may name, found by name, capitals aside. They need no views: DuckDB asks for a
 * name that it does not know, and is told the SELECT to put in its place, so a statement pays only
 * for what it touches, however many tables there are.
 */
#ifndef LARDER_DUCK_WORKER_TABLES_H
#define LARDER_DUCK_WORKER_TABLES_H

#include "duck/worker-engine.h"

struct table {
	const char *name; /* lent from the request, as are the files */
	const struct json *files;
	bool hive;
};

struct tables {
	struct table *v; /* sorted by name */
	size_t n;
};

int tables_parse(const struct json *array, struct tables *ret_tables, struct err *e);
void tables_release(struct tables *tables);
const struct table *tables_find(const struct tables *tables, const char *name);
/* Keeps only those whose names occur in the statement: all that it could touch, and more. */
void tables_keep_mentioned(struct tables *tables, const char *sql);
/* The files of all. */
int tables_files(const struct tables *tables, struct strv *out, struct err *e);

/* From now on this database knows the tables; they must outlive it. */
void tables_offer(const struct tables *tables, duckdb_database db);
/*
 * DuckDB asks for the last part of a name only: of sales.orders it asks for orders. So a table
 * whose name has a dot and occurs in the statement gets a schema and a view.
 */
int tables_make_dotted(const struct tables *tables, const char *sql, duckdb_connection con,
		       struct err *e);
/* Does the statement name a table with something and a dot before it? */
bool tables_mentioned_qualified(const struct tables *tables, const char *sql);
/* A view of this name in the current schema, for what looks into the catalogue. */
int table_make_view(const struct table *table, duckdb_connection con, struct err *e);

#endif
