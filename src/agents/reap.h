/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting rows and the world together again: work whose supervisor is gone, folders that other tools
 * made, mirrors that say something else. The only thing that reaps, beside the daemon which calls it.
 *
 *	reap_take_in(a, &report, e)      folders below <home>/workspace without a row get one; a
 *	                                 status.json that is not what its row says is mended
 *	reap_run(a, &options, &report, e)      that; running work that nobody supervises: what became
 *	                                       of it?; removals that were cut short; history of over a year
 *
 * Work whose lease is held has a supervisor and is left to it. A process that is alive or of which
 * nothing is known (another machine's) is left running; the daemon watches the living ones.
 *
 * A folder counts when it has a status.json, at whatever depth up to REAP_DEPTH_MAX; nothing below it
 * is looked at, and nothing below one that has repo/ and .meta/ and is about to get one. Where nothing
 * changed it costs a stat (agents/known.h). Of what another tool writes into a known one, merged and ready-for-review are taken
 * over when they can follow what is known; anything else is mended from the row.
 *
 * Threads: one. Errors: the journal's. What cannot be taken in is reported and left alone.
 */
#ifndef LARDER_AGENTS_REAP_H
#define LARDER_AGENTS_REAP_H

#include "agents/change.h"

/* org/repo/branch with slashes in the branch. */
#define REAP_DEPTH_MAX 8
/* A year of earlier work stays known, as on the hub (docs/format-agents.md). */
#define REAP_HISTORY_MS ((int64_t)365 * 24 * 3600 * 1000)

struct reap_report {
	size_t looked_at, alive, unknown, supervised; /* running work */
	size_t reaped[AGENT_STATUSES];                /* by what it became */
	size_t taken_in, mended, taken_over;          /* folders */
	size_t removed;                               /* folders whose removal was cut short */
	size_t forgotten;                             /* history */
	struct strv problems;                         /* "name: why" */
};
void reap_report_release(struct reap_report *report);
#define AUTO_REAP_REPORT AUTO(reap_report_release)

int reap_take_in(struct agents *a, struct reap_report *report, struct err *e);
/* Of one, by its id; `d` is what it is then. ERR_BUSY while it is supervised. timed_out: it was told
 * to end since its time was up. */
int reap_one(struct agents *a, struct dispatch *d, bool timed_out,
	     struct agent_verdict *ret_verdict, struct err *e);
int reap_run(struct agents *a, struct reap_report *report, struct err *e);

#endif
