/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of an asking (asking.h) that concerns tables which stay at their source: all at one, each with a
 * place and with rights that are not limited; then the cost guard (remote/guard.h).
 *
 *	asking_is_remote(a)                          some of its tables are
 *	asking_remote(a, db, plain, &result, e)      all are: the statement itself runs there
 *	places_find(), asking_far()                  some are: for asking-mixed.h
 *
 * Errors: a refusal stands in a->refusal; ERR_CONFLICT for tables of two sources, ERR_DENIED for limited
 * rights. Threads: one.
 */
#ifndef LARDER_HUB_ASKING_REMOTE_H
#define LARDER_HUB_ASKING_REMOTE_H

#include "hub/asking.h"
#include "remote/guard.h"

bool asking_is_remote(const struct asking *a);
bool asking_is_mixed(const struct asking *a); /* ... and some are here */

/* Where the remote tables of a plan stay. */
struct places {
	const struct far_engine *engine;
	struct far_place *v;
	struct far_table *tables; /* lent from v and the plan */
	size_t n;                 /* of tables: each name once */
	size_t found;             /* of v */
	struct strv views;        /* ids of those that are views */
};
void places_release(struct places *p);
int places_find(struct db *db, const struct query_plan *plan, struct places *p, struct err *e);

/* `sql` is the plain text of the statement. Its tables must all be remote: ERR_CONFLICT names one that is not. */
int asking_remote(struct asking *a, struct db *db, const char *sql,
		  struct duck_run_result *ret_result, struct err *e);

/* What of an asking the guard is to keep to. */
struct asking_far {
	struct asking *a;
	int client_fd;   /* -1: none */
	int64_t seconds; /* 0: as queries have */
};
int asking_far(struct asking_far *far, const struct places *places, const struct far_part *parts,
	       size_t count, struct far_answer *answer, struct err *e);

#endif
