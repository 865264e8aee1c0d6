/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of a change of views: what is asked for, compared with what the database has.
 *
 * A view is ours when it is `SELECT * FROM read_parquet(...)` and nothing more, and either bears
 * our alias or names a file below our folder. The alias is there for a workspace that was moved:
 * its old paths are no longer below the folder.
 */
#ifndef LARDER_DUCK_WORKER_VIEWS_H
#define LARDER_DUCK_WORKER_VIEWS_H

#include "duck/worker-engine.h"

enum view_work { VIEW_KEEP, VIEW_NEW, VIEW_REPLACE, VIEW_DROP, VIEW_BLOCKED, VIEW_FAILED };

struct view {
	const char *name;  /* lent */
	struct strv files; /* absolute */
	bool hive;
	enum view_work work;
	char *failure; /* of VIEW_FAILED */
};

struct views {
	const char *ours; /* lent */
	struct view *v;
	size_t n;
};

int views_parse(const struct json *request, struct views *ret_views, struct err *e);
void views_release(struct views *views);
/* Sets `work` of each. */
int views_plan(duckdb_connection con, struct views *views, struct err *e);
void views_fail(struct view *view, const char *why);
/* The SELECT of a view, as it is given to DuckDB. */
void view_add_select(struct buf *sql, const struct view *view);

/* Carries the plan out, in one transaction but for views that are new (see worker-viewbatch.c).
 * A view that DuckDB refuses becomes VIEW_FAILED. */
int views_apply(const struct engine *en, struct views *views, struct err *e);

#endif
