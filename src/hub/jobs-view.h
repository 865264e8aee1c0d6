/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the jobs and their scheduler do, as the list of jobs, the health page and the metrics show it.
 *
 *	struct jobs_scheduler s = { 0 };
 *	jobs_look(db, now, &s, e)                 is there one, when was it last here, who is it
 *	jobs_state(state, now)                    one word for a job of runs_list()
 *
 * Threads: as the db.
 */
#ifndef LARDER_HUB_JOBS_VIEW_H
#define LARDER_HUB_JOBS_VIEW_H

#include "engine/lease.h"
#include "engine/runs.h"

/* A scheduler asks at least every third of its lease; after two leases it is missed. */
#define JOBS_SILENT_MS ((int64_t)60 * 1000)

enum jobs_presence { JOBS_NEVER, JOBS_ACTIVE, JOBS_SILENT };
struct jobs_scheduler {
	enum jobs_presence presence;
	int64_t seen_ms; /* 0: never */
	struct lease_view lease;
	bool is_held;
};
void jobs_scheduler_release(struct jobs_scheduler *s);
#define AUTO_JOBS_SCHEDULER AUTO(jobs_scheduler_release)
int jobs_look(struct db *db, int64_t now_ms, struct jobs_scheduler *ret_scheduler, struct err *e);
/* "never", "active", "silent" */
const char *jobs_presence_word(enum jobs_presence presence);

/* "running", "overdue" (its time has come and nobody calls it), "failing", "waiting" (never ran),
 * "ok". */
const char *jobs_state(const struct runs_state *state, int64_t now_ms);

#endif
