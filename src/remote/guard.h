/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cost guard: a statement over remote tables is priced once and, within the limits, run.
 *
 *	const struct far_part part = { &statement, &run };
 *	struct far_question question = { .parts = &part, .count = 1, .engine = engine, ... };
 *	AUTO(far_answer_release) struct far_answer answer = FAR_ANSWER_INIT;
 *	far_ask(&question, &answer, e)
 *
 * in this order: the day's bytes and the statements at once of the caller (budget.h), the estimate of the
 * caller's own statement, the limit of one statement, the bytes reserved, the rows, the charge. What was
 * taken is given back however it ends; a process that dies is noticed by the next (budget.h).
 *
 * A statement has one part; one that needs more of its source, each with rows of its own, has several: they
 * are priced before the first is run, held against the limits as one sum, and run one after the other.
 *
 * A refusal is an error whose whole reply stands in answer.refusal (refusal.h). Charged is what the source
 * may have read: all that was not refused by the source itself.
 *
 * Threads: independent; changes of the database go through in_transaction().
 */
#ifndef LARDER_REMOTE_GUARD_H
#define LARDER_REMOTE_GUARD_H

#include "remote/budget.h"
#include "remote/engine.h"

typedef int (*far_change_fn)(struct db *db, void *arg, struct err *e);

struct far_part {
	const struct far_statement *statement;
	const struct far_run *run; /* NULL: only prices are wanted; nothing is charged or limited */
};
struct far_question {
	const struct far_engine *engine;
	const struct far_part *parts;    /* tables of all of them are of one source */
	size_t count;                    /* at least 1 */
	const struct strv *view_targets; /* ids of those tables that are views */
	int64_t user_id;
	struct far_limits limits;
	bool (*is_cancelled)(void *ctx); /* whoever asked has left; any thread's */
	void *cancel_ctx;
	void *ctx; /* of: fn in a write transaction, committed when it returns 0 */
	int (*in_transaction)(void *ctx, far_change_fn fn, void *arg, struct err *e);
};
struct far_answer {
	struct far_estimate estimate; /* sums of all parts */
	struct far_result result;
	struct far_refusal refusal;
};
#define FAR_ANSWER_INIT                                                                            \
	{                                                                                          \
		.refusal = FAR_REFUSAL_INIT                                                        \
	}
void far_answer_release(struct far_answer *answer);

/* As the source bills it, else as it was priced. */
int64_t far_scanned(const struct far_answer *answer);

int far_ask(const struct far_question *question, struct far_answer *answer, struct err *e);

#endif
