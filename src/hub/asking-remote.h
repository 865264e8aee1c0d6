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

/* `sql` is the plain text of the statement. */
int asking_remote(struct asking *a, struct db *db, const char *sql,
		  struct duck_run_result *ret_result, struct err *e);

#endif
