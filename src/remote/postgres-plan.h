/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a plan of PostgreSQL, as EXPLAIN (VERBOSE, FORMAT JSON) prints it, would read.
 *
 *	plan_read(text, &plan, e)                which relations are scanned, and how
 *	... plan.scans[i].table_bytes, .table_rows are filled in from the server's catalog ...
 *	plan_bytes(&plan)
 *
 * PostgreSQL has no price of its own: its cost is a number of pages and processor time mixed by settings.
 * What is counted here is what a warehouse counts, bytes read of tables:
 *
 *	a sequential scan       reads all of its table, whatever its condition keeps
 *	any other scan          (of an index, a bitmap, a foreign table) reads the rows the planner expects
 *				it to find, times the table's bytes per row; at most the table
 *	once for each time      the inner side of a nested loop once per outer row, unless it is kept
 *				(Materialize, Memoize, a hash); a parallel scan once for all workers
 *
 * An estimate is as good as the server's statistics (ANALYZE). Pure; fuzzed. Threads: no state.
 */
#ifndef LARDER_REMOTE_POSTGRES_PLAN_H
#define LARDER_REMOTE_POSTGRES_PLAN_H

#include "base/buf.h"
#include "base/err.h"

/* A partitioned table has one scan for each of its partitions. */
#define PLAN_SCANS_MAX 10000
#define PLAN_TEXT_MAX  ((size_t)64 << 20)

struct plan_scan {
	char *schema, *table;
	bool whole;   /* reads all of it */
	double rows;  /* expected, each time */
	double width; /* bytes of a row of it that are used */
	double times;
	int64_t table_bytes, table_rows; /* -1 unknown */
};
struct plan {
	struct plan_scan *scans;
	size_t count, capacity;
	int64_t rows; /* of the result */
};
void plan_release(struct plan *plan);

int plan_read(struct bytes text, struct plan *ret_plan, struct err *e);
int64_t plan_bytes(const struct plan *plan);

#endif
