/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One push: what the agents of a workspace did goes to its hub.
 *
 *	const struct push_options o = { .patience_ms = PUSH_PATIENCE_MS, .wait_ms = PUSH_WAIT_MS };
 *	AUTO_PUSH_REPORT struct push_report report = { 0 };
 *	push_run(ws, &o, &report, e)
 *
 * First what is new is written into the outbox (engine/outbox.h): transcripts (sessions/find.h),
 * CLAUDE.local.md, the artifacts named. Then the outbox is emptied, as far as the hub lets. With
 * `spool_only` the second half is left to another process; report.work says whether there is any.
 * With nothing to send no request is made.
 *
 * Deliveries are one at a time: the lease "push" of the workspace. Whoever holds it looks again after
 * giving it back, so one that finds it held need not wait: what it wrote goes along (`yields`; and no
 * process is started for it: report.work says so). So hooks of any number leave one process. Errors of the call: ERR_BUSY
 * (another push, for longer than wait_ms), ERR_AUTH or ERR_NOT_FOUND (no token, no server),
 * ERR_USAGE (an artifact that is none), the root's own. How the deliveries ended is in the report.
 * Threads: as the workspace.
 */
#ifndef LARDER_WORKSPACE_PUSH_H
#define LARDER_WORKSPACE_PUSH_H

#include "sessions/send.h"
#include "tables/failure.h"
#include "workspace/workspace.h"

/* A hub that restarts is back; a person does not wait longer. */
#define PUSH_PATIENCE_MS 3000
/* In the background there is a little more time; what is left then goes with the next session. */
#define PUSH_PATIENCE_DETACHED_MS 30000
/* Longer than a push in the background tries. */
#define PUSH_WAIT_MS 40000

struct push_options {
	const struct strv *artifacts; /* paths; may be NULL */
	int64_t patience_ms;
	int64_t wait_ms;
	bool spool_only;
	bool yields;  /* nothing is left to do when another push is at work */
	bool dry_run; /* only says what would go; for a workspace opened read-only */
	bool redrive; /* dead and paused ones again */
	bool preview; /* with dry_run: the texts themselves, as they would go */
};

struct push_report {
	struct strv sessions; /* dry run: names that would go */
	struct strv artifacts;
	bool local_md;
	int64_t would_bytes;
	struct buf preview;

	bool work; /* rows wait for delivery, and nobody is at it */
	bool refused;
	size_t delivered;
	size_t waiting, paused, dead; /* in the outbox, after the run */
	size_t redriven;
	int64_t next_ms; /* until the next attempt; -1: none waits */
	struct sent_count sent;
	/* Stage: the class of the failure ("offline", "rejected", ...), of a dry run the kind of
	   the thing; table: its name. */
	struct failures failures;
	int64_t duration_ms;
};
void push_report_release(struct push_report *report);
#define AUTO_PUSH_REPORT AUTO(push_report_release)

int push_run(struct workspace *ws, const struct push_options *options, struct push_report *report,
	     struct err *e);
/* 0 when all is delivered; ERR_AUTH when the hub refused us, ERR_FAILED when something cannot be
 * sent at all, ERR_OFFLINE when something waits. */
int push_code(const struct push_report *report);

#endif
