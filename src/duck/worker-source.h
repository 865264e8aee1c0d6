/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of one format as one relation in SQL, columns matched by name. Of a CSV file nothing is
 * guessed but its separator (from the header line) and its types (from all lines): a guess from a
 * sample would fail, or skip lines, in the middle of a large file. When the columns are told with
 * their types (rows of a database), nothing at all is.
 *
 *	source_open(&s, e)            looks at the files' first bytes, before DuckDB is there
 *	source_add(&sql, &s, con, e)  the relation: FROM <this>
 *	source_explain(&s, con, e)    after a failure: the error that names the line
 */
#ifndef LARDER_DUCK_WORKER_SOURCE_H
#define LARDER_DUCK_WORKER_SOURCE_H

#include "duck/worker-engine.h"

struct source {
	const char *format;         /* lent */
	const struct json *columns; /* of CSV: {name, type} in their order, lent; then nothing is
				       guessed, and NULL is \N without quotes */
	struct strv inputs;         /* absolute paths */
	char separator;             /* of CSV */
};

int source_open(struct source *s, struct err *e);
int source_add(struct buf *sql, const struct source *s, duckdb_connection con, struct err *e);
/* What DuckDB says of a bad line is a page; the first sentences hold the line and what is wrong. */
int source_explain(const struct source *s, duckdb_connection con, struct err *e);
void source_release(struct source *s);

#endif
