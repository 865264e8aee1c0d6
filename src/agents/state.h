/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a dispatch: one pure function, driven by one table, used by everything that
 * changes or reads the state of an agent's work.
 *
 *	struct agent_evidence seen = { .life = PROC_DEAD, .spawned = true, .asked = true };
 *	struct agent_verdict v = agent_judge(AGENT_RUNNING, AGENT_LOOK, &seen);
 *	v.legal, v.status (AGENT_BLOCKED), v.reason ("asked")
 *
 *	queued ──spawn──► running ──exit, look──► blocked, failed, completed ──► merged,
 *	   ▲                 │ look: never started                  │             ready-for-review
 *	   └─────────────────┘◄─────────── wait (resumed) ──────────┘
 *
 * Only AGENT_LOOK decides about a process nobody watched, and only `reap` and the daemon send it: one
 * that is alive, or of which nothing is known, stays running. One that finished or left a question
 * meanwhile is completed or blocked: what it left behind is asked before it is called dead.
 * Reasons are words that are stored and shown; agent_explain() makes the sentence of one.
 * Threads: any. Pure.
 */
#ifndef LARDER_AGENTS_STATE_H
#define LARDER_AGENTS_STATE_H

#include "base/proc.h"

enum agent_status {
	AGENT_NONE, /* not yet known */
	AGENT_QUEUED,
	AGENT_RUNNING,
	AGENT_BLOCKED, /* it left a question */
	AGENT_FAILED,
	AGENT_COMPLETED,
	AGENT_MERGED,
	AGENT_REVIEW, /* ready-for-review */
	AGENT_STATUSES
};

enum agent_event {
	AGENT_WAIT,  /* dispatched, or resumed: it waits for a slot */
	AGENT_SPAWN, /* a supervisor has a slot for it */
	AGENT_EXIT,  /* its supervisor saw it end */
	AGENT_LOOK,  /* nobody watched; one who may reap looks */
	AGENT_STOP,  /* a person ends it before it began */
	AGENT_MERGE, /* its work was taken */
	AGENT_OFFER, /* its work waits for a reviewer */
};

struct agent_evidence {
	enum proc_liveness life;
	bool startable;  /* its command is known */
	bool spawned;    /* a process was recorded */
	bool asked;      /* BLOCKED.md holds a question */
	bool exit_known; /* it, or its supervisor, recorded how it ended */
	int exit_code;
	bool reported;  /* a sound report.json of this run */
	bool logged;    /* it wrote something */
	bool stopped;   /* a person asked it to end */
	bool timed_out; /* its time was up */
};

struct agent_verdict {
	bool legal;
	enum agent_status status;
	const char *reason; /* a literal */
};

struct agent_verdict agent_judge(enum agent_status from, enum agent_event event,
				 const struct agent_evidence *seen);

/* Work that ended for now, and is told to the hub. */
bool agent_is_terminal(enum agent_status status);
const char *agent_status_word(enum agent_status status);
/* ERR_USAGE with the known words. */
int agent_status_parse(const char *word, enum agent_status *ret_status, struct err *e);
/* What stands in `question` for a failure: "exit code 3", "dead worker on restart"; "" for reasons
 * that need none. */
void agent_explain(const char *reason, const struct agent_evidence *seen, struct buf *out);

#endif
