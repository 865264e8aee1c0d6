/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the views of the analytics file in step with the tables.
 *
 *	AUTO_VIEWS_REPORT struct views_report report = { 0 };
 *	views_apply(root, &report, &failures, e);
 *
 * What is to be done stands in view_todo, written by the transaction that changed the tables, and
 * is replayed until it is done: a file that another program holds open for writing, or a kill,
 * leaves the rows. Nothing to do costs two small queries. All views are made again when the file
 * is gone or the workspace was moved, since they name absolute paths.
 *
 * A name that is taken by a table or view of the user's is left alone and reported, in this run and
 * in each later one; it is tried again whenever there is other work.
 *
 * Errors: what keeps the views from being written is no error of the call but a failure of stage
 * "views": the data is in place, and `larder query` does not need them. Threads: as the root.
 */
#ifndef LARDER_TABLES_VIEWS_H
#define LARDER_TABLES_VIEWS_H

#include "base/str.h"
#include "engine/root.h"
#include "tables/failure.h"

struct duck_views_ahead;

#define VIEWS_DATABASE "user/duckdb/analytics.duckdb"

struct views_report {
	size_t changed;
	struct strv blocked;
};

void views_report_release(struct views_report *report);
#define AUTO_VIEWS_REPORT AUTO(views_report_release)

/*
 * Where there is no analytics file yet, DuckDB can be started for it before the tables are here. NULL where
 * there is one, or when it cannot be: nothing is lost, and views_apply() tells what is wrong.
 */
struct duck_views_ahead *views_begin(struct root *root);

/* `ahead` may be NULL; it is used up. */
int views_apply(struct root *root, struct duck_views_ahead *ahead, struct views_report *report,
		struct failures *failures, struct err *e);

#endif
