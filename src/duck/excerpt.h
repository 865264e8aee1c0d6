/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An excerpt of a table: those of its rows and columns that some limits leave, as one Parquet file,
 * the same bytes for the same input. Made by a larder-duck child.
 *
 * The limits are a JSON list of {"columns":[...],"where":"..."}, each member optional, as grants
 * have them. With one of them: its columns, the rows for which its condition holds. With several: a
 * row is there when one of them gives it, a column likewise, and a cell is NULL unless one and the
 * same of them gives both its row and its column; so nobody gets more by being in two groups than
 * what each of these gives. Rows keep their order.
 *
 * A condition was checked by duck_filter() before it is kept: it comes back in DuckDB's own form of it,
 * in which equal ones are equal texts, and looks at nothing but the columns of its row.
 *
 * Errors: ERR_USAGE for a condition that is not one, or a column that is not there; ERR_CORRUPT when
 * it cannot be computed for these rows. Threads: calls are independent.
 */
#ifndef LARDER_DUCK_EXCERPT_H
#define LARDER_DUCK_EXCERPT_H

#include "duck/duck.h"

struct duck_excerpt {
	const struct strv *files; /* Parquet, one relation */
	bool hive;                /* their paths carry key=value folders that are columns */
	const char *rights;       /* the JSON list */
	const char *output;       /* written, not synced; in a folder of its own or staging */
	int64_t memory_bytes;     /* 0: 1 GiB */
	int64_t deadline_ms;      /* 0: 10 min */
};
int duck_excerpt(const struct duck_excerpt *request, struct duck_file_info *ret_info,
		 struct err *e);

/* The caller owns *ret_canonical. */
int duck_filter(const char *where, char **ret_canonical, struct err *e);

#endif
