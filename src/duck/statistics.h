/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures of the columns of a table, made by a larder-duck child in one pass over its files.
 *
 *	AUTO(statistics_release) struct statistics s = { 0 };
 *	if (duck_statistics(&(struct duck_statistics){ .files = &files }, &s, e) < 0) ...
 *
 * `distinct` is an estimate (HyperLogLog, some per cent off for large numbers); texts are cut at
 * STATISTICS_TEXT_MAX letters. Of lists, structs, maps and blobs only the nulls are counted. Columns
 * that are only in the paths of parts (key=value) are not in the files and so not here.
 *
 * Errors: as duck.h. Threads: calls are independent.
 */
#ifndef LARDER_DUCK_STATISTICS_H
#define LARDER_DUCK_STATISTICS_H

#include "base/json.h"
#include "base/str.h"

/* What a reader takes in of one value at a glance. */
#define STATISTICS_TEXT_MAX 100
/* Wider tables are machine-made; nobody reads figures of each column. */
#define STATISTICS_COLUMNS_MAX 4000

struct column_statistics {
	char *name;
	char *type;       /* DuckDB's name */
	int64_t nulls;    /* -1 unknown, as distinct */
	int64_t distinct; /* NULL does not count */
	char *min, *max;  /* NULL: no value, or none that can be ordered */
	char *values;     /* JSON: a list of a few of the common values, as texts */
};

struct statistics {
	int64_t rows;
	struct column_statistics *columns;
	size_t count;
};
void statistics_release(struct statistics *s);
/* An empty place for one more column. */
struct column_statistics *statistics_add(struct statistics *s);

struct duck_statistics {
	const struct strv *files; /* Parquet; read as one relation, columns matched by name */
	int64_t memory_bytes;     /* 0: 1 GiB */
	int64_t deadline_ms;      /* 0: 10 min */
};
int duck_statistics(const struct duck_statistics *request, struct statistics *ret_statistics,
		    struct err *e);

#endif
