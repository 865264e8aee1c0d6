/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots: filtered extracts of remote tables, brought to the workspace as Parquet and asked there like any
 * other table, with other tables beside them.
 *
 *	const struct snapshot_wish wish = { .name = "north", .table = "orders", .where = "region = 'north'" };
 *	snapshot_estimate(ws, &wish, &reply, e)         what its source would read; reads nothing
 *	snapshot_create(ws, &wish, &done, e)            ERR_CONFLICT when the name is taken
 *	snapshot_refresh(ws, "north", &done, e)         the same request again
 *	snapshot_drop(ws, "north", e)
 *
 * The file is staged, its hash compared with the hub's, and committed as the tables of a pull are
 * (tables/commit.h): a kill leaves the old or the new one. Pulls leave it alone while the hub offers its table;
 * the first one after the right was withdrawn removes it. A table of the hub that comes to have its name
 * takes its place.
 *
 * One change at a time with pulls, by their lease. Threads: one. Errors: the hub's (with its refusals' hints);
 * ERR_CORRUPT for a file that is not what the hub announced; ERR_NOT_FOUND.
 */
#ifndef LARDER_WORKSPACE_SNAPSHOT_H
#define LARDER_WORKSPACE_SNAPSHOT_H

#include "base/json.h"
#include "tables/failure.h"
#include "workspace/workspace.h"

/* A name in statements without quotes. */
#define SNAPSHOT_NAME_MAX 64
/* A request: a condition as long as a statement. */
#define SNAPSHOT_REQUEST_MAX ((size_t)2 << 20)
/* Longer than a hub lets a source work. */
#define SNAPSHOT_STALL_S 2000

struct snapshot_wish {
	const char *name;                     /* of the extract */
	const char *table;                    /* id or name at the hub */
	const char *where;                    /* NULL: all rows */
	const struct strv *select, *order_by; /* empty: all columns, any order */
	int64_t limit;                        /* 0: none */
	bool quiet;
};
struct snapshot_done {
	int64_t rows, size_bytes;
	char sha256[65];
	struct failures failures; /* of its view: the data is in place */
};
void snapshot_done_release(struct snapshot_done *done);

int snapshot_estimate(struct workspace *ws, const struct snapshot_wish *wish,
		      struct json **ret_reply, struct err *e);
int snapshot_create(struct workspace *ws, const struct snapshot_wish *wish,
		    struct snapshot_done *done, struct err *e);
int snapshot_refresh(struct workspace *ws, const char *name, bool quiet, struct snapshot_done *done,
		     struct err *e);
int snapshot_drop(struct workspace *ws, const char *name, struct err *e);
/* {"name", "table", "rows", "size_bytes", "refreshed", "request"} into an open array. */
int snapshot_list(struct workspace *ws, struct json_out *out, struct err *e);

#endif
