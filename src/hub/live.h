/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs of jobs that are at work in this process, and the recording of their ends. A scheduler calls
 * an endpoint with X-Larder-Run: <id> (clock/wire.h); what is done under it is the run, from here to
 * its reply, whether or not the caller still waits for it.
 *
 *	r = live_begin(q, e)            by answer.c, before the handler: once for each run
 *	AUTO_LIVE_BATCH struct live_batch batch = { 0 };
 *	r = live_record(hub_live(hub), w.db, &batch, e)      what has ended since becomes rows
 *	r = hub_write_commit(&w, e), batch.written = r == 0  else it is kept for the next time
 *
 * "At work" is memory and not a row, since it ends with the process: whoever starts a hub closes
 * the runs that the one before left open (runs_cut). An end is recorded at once; of many that come
 * together, one writes for those of the last 20 ms, or the scheduler's next question does.
 *
 * Threads: any. Errors: ERR_CONFLICT for a run that has begun already, or is not open.
 */
#ifndef LARDER_HUB_LIVE_H
#define LARDER_HUB_LIVE_H

#include "hub/routes.h"

struct live;

struct live *live_new(void);
void live_free(struct live *live);

/* 0 when the request is no run's, too. */
int live_begin(struct request *q, struct err *e);
/* Is it called by a scheduler? Then its reply is the end of the work: what goes on behind would not
 * be known to run. */
bool live_is_run(const struct request *q);
/* At work, or ended and not a row yet. */
bool live_has_begun(struct live *live, int64_t id);

/* Ends on their way into rows. */
struct live_batch {
	struct live *live;
	struct ended *v;
	size_t n;
	bool written; /* the caller's to say */
};
void live_batch_close(struct live_batch *batch);
#define AUTO_LIVE_BATCH AUTO(live_batch_close)
int live_record(struct live *live, struct db *db, struct live_batch *ret_batch, struct err *e);

/* What is still no row becomes one now: by whoever keeps the hub up, and when it has stopped serving. */
int live_settle(struct hub *hub, struct err *e);

/* What an HTTP status means for a run; 0: there was no reply. */
struct run_result;
struct run_result live_result(int status, int64_t ms, const char *detail);

#endif
