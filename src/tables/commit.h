/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The switch: tables of a workspace change in one transaction, together with their files.
 *
 *	const struct commit c = { .root = root, .lease = lease, .keep_old_ms = 3600000 };
 *	commit_tables(&c, tables, n, e);
 *
 * In the transaction: rows of ws_table and ws_file, journal rows that move staged files to
 * server/versions and set the links, view_todo for each table, and the removal of versions nobody
 * uses any more: after keep_old_ms where a version was replaced (queries may still read it), at
 * once where the table is no longer offered (it was withdrawn). Staged files are synced before.
 *
 * Failing: nothing has changed, except where the error says that all is saved and not yet in place;
 * the next opener of the root finishes that. Threads: as the root.
 */
#ifndef LARDER_TABLES_COMMIT_H
#define LARDER_TABLES_COMMIT_H

#include "engine/lease.h"
#include "tables/fetch.h"
#include "tables/plan.h"

struct commit {
	struct root *root;
	struct lease *lease; /* checked inside the transaction */
	int64_t keep_old_ms;
	/* Rows of the caller's own that change with the tables; NULL: none. */
	int (*also)(void *ctx, struct db *db, struct err *e);
	void *ctx;
};

struct commit_table {
	const struct plan_table *plan;
	/* PLAN_FETCH: one a file; NULL where the plan has the file. Their `placed` is set. */
	struct fetch_item *const *items;
};

int commit_tables(const struct commit *c, const struct commit_table *tables, size_t n,
		  struct err *e);

#endif
