/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of an asking (asking.h) whose tables stay at their source: all at one, each with a place and
 * with rights that are not limited, in a statement that reads alike everywhere; then the cost guard
 * (remote/guard.h). Errors: a refusal stands in a->refusal; ERR_CONFLICT for tables of two sources,
 * ERR_DENIED for limited rights. Threads: one.
 */
#ifndef LARDER_HUB_ASKING_REMOTE_H
#define LARDER_HUB_ASKING_REMOTE_H

#include "hub/asking.h"
#include "remote/guard.h"

bool asking_is_remote(const struct asking *a);
/* What one caller may have read of remote tables, by the hub's settings. */
struct far_limits asking_limits(const struct hub *hub);

/* `sql` is the plain text of the statement. */
int asking_remote(struct asking *a, struct db *db, const char *sql,
		  struct duck_run_result *ret_result, struct err *e);

/*
 * The same for who has the tables already, and takes the rows as they are (run NULL: the price). `names` are
 * those that the statement has for them.
 */
struct asking_far {
	struct hub *hub;
	struct db *db; /* to read */
	const struct caller *by;
	const struct query_plan *plan;
	const char *sql;
	const struct far_run *run;
	int client_fd; /* -1: none */
	int64_t seconds;
};
int asking_far(const struct asking_far *far, struct far_answer *answer, struct err *e);

#endif
