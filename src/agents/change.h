/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one way in which a dispatch changes: what happened, what its folder shows, the verdict of
 * agents/state.h, and then one transaction with the row, its mirror and, when work ended, the record
 * for the hub (agents/record.h).
 *
 *	const struct change c = { .event = AGENT_EXIT, .exit_known = true, .exit_code = 3 };
 *	change_apply(a, &d, &c, &verdict, e)
 *
 * The row is read again in the transaction, so that what another process did meanwhile counts: a
 * verdict of AGENT_LOOK that changes nothing writes nothing. Errors: ERR_CONFLICT when this cannot
 * happen to work in that state ("merged" work cannot be resumed); the journal's; ERR_BUSY when the
 * lease was lost.
 */
#ifndef LARDER_AGENTS_CHANGE_H
#define LARDER_AGENTS_CHANGE_H

#include "agents/evidence.h"
#include "engine/lease.h"

struct change {
	enum agent_event event;
	struct lease *lease; /* of the dispatch, when it is held; may be NULL */
	bool exit_known, timed_out;
	int exit_code;
	const char *answer; /* AGENT_WAIT: for its next start; may be NULL */
	const char *pr_url; /* may be NULL */
	int64_t due_ms;     /* AGENT_WAIT: not before */
	/* AGENT_SPAWN: asked in the transaction whether there is room; may be NULL. */
	int (*may_start)(void *ctx, const struct dispatch *d, struct err *e);
	void *ctx;
};

/* `d` names the row by its id and is what it has become afterwards. */
int change_apply(struct agents *a, struct dispatch *d, const struct change *c,
		 struct agent_verdict *ret_verdict, struct err *e);
/* A new dispatch, with the id it has or a new one: AGENT_WAIT for a row that is not there yet. Work that is under way in its folder is
 * ERR_CONFLICT, else it becomes history. */
int change_add(struct agents *a, struct dispatch *d, struct err *e);
/* The process of a run that was just started, by the holder of its lease. */
int change_note_process(struct agents *a, struct dispatch *d, struct lease *lease, struct err *e);

#endif
