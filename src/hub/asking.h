/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A statement of somebody's over the tables they may see, from its text to its rows: a place is waited
 * for, a worker judges the statement, its names are resolved with the rights of this moment, their
 * files are put into the worker's room, rows come as they are made. Who sends them is the caller's.
 *
 *	AUTO(asking_release) struct asking a = { .hub = hub, .by = caller_copy(q->caller), ... };
 *	asking_run(&a, http_thread_slot(in), &result, e)      aside: it waits and takes seconds
 *	... a.plan.tables, result.rows ...
 *
 * asking_release() ends the worker and has the next one made ready: a few milliseconds that need not be waited for
 * (http_after_aside()).
 *
 * Each leaves a line in the log. Errors: of the guard (ERR_USAGE, ERR_DENIED), of the tables
 * (ERR_NOT_FOUND), ERR_BUSY without a place, ERR_LIMIT at the deadline. Tables that stay at
 * their source are asked there (asking-remote.h), with a refusal of its own form. Threads: one.
 */
#ifndef LARDER_HUB_ASKING_H
#define LARDER_HUB_ASKING_H

#include "access/access.h"
#include "hub/hub.h"
#include "hub/query-pool.h"
#include "remote/engine.h"
#include "remote/refusal.h"
#include "tables/query.h"

/* For who wants the rows of remote tables as they are, and not as an answer. */
struct asking_scan {
	const struct far_run *run; /* NULL: only the price */
	int64_t seconds;           /* that it may take */
	struct far_estimate estimate;
};

struct asking {
	struct hub *hub;
	struct caller by; /* owned, renewed when the names are resolved */
	const char *sql;
	int64_t row_limit, byte_limit, cell_limit; /* the last of one value; 0: none */
	int client_fd;                             /* that the query ends with; -1: none */
	void *ctx;
	int (*on_columns)(void *ctx, const struct duck_column *columns, size_t n, struct err *e);
	int (*on_row)(void *ctx, struct bytes row, struct err *e); /* a JSON array */

	struct asking_scan *scan; /* NULL: rows go to on_row; else all tables must be remote */

	struct query_plan plan;     /* of what it was made, once it ran */
	int64_t scanned_bytes;      /* of it */
	struct far_refusal refusal; /* of tables at their source: the reply, when it has a status */
	struct duck_room *duck;     /* while it runs: duck_room_watch() */
	struct query_worker worker;
};
void asking_release(struct asking *a);

int asking_run(struct asking *a, unsigned slot, struct duck_run_result *ret_result, struct err *e);

#endif
