/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A query over the tables of a workspace, run in a larder-duck child. It reads the immutable
 * versions that the state names, so it does not depend on the analytics file being free or up to
 * date; the user's own tables and views in that file are visible too whenever it can be opened. A
 * pull beside it changes nothing under a running query.
 *
 * Threads: none shared. Errors: as duck_query_run(), with what to do next as a hint.
 */
#ifndef LARDER_WORKSPACE_QUERY_H
#define LARDER_WORKSPACE_QUERY_H

#include "duck/duck.h"
#include "workspace/workspace.h"

struct query_options {
	const char *sql;
	int64_t row_limit;  /* 0 = none, as the next three */
	int64_t byte_limit; /* of the result as text */
	int64_t cell_limit; /* of one value's text */
	int64_t deadline_ms;
	bool contained; /* the tables, and nothing else: no file, not the user's own objects */
	const struct proc_watch *watch; /* may be NULL */
	void *ctx;
	int (*on_columns)(void *ctx, const struct duck_column *columns, size_t n, struct err *e);
	int (*on_row)(void *ctx, const struct json *values, struct err *e);
};

int workspace_query(struct workspace *ws, const struct query_options *options,
		    struct duck_query_result *ret_result, struct err *e);

#endif
