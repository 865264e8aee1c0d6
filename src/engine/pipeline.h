/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipeline: prepare in parallel, commit one after the other. Nothing is visible before its
 * commit.
 *
 *	prepare   on one of `workers` threads, each with an object of its own (worker_new: a
 *	          connection, a hash); items are started in order
 *	commit    on the calling thread, in item order (PIPELINE_IN_ORDER) or as items finish
 *	          (PIPELINE_AS_FINISHED)
 *
 * At most `window` items, and the batch that is being committed, are started and not yet committed,
 * so memory is bounded.
 *
 * An item whose prepare fails with a passing error (err_is_passing) is tried again after back-off
 * (0.3 s, 1 s, 3 s, jittered; or what the peer's retry_after asked, up to PIPELINE_WAIT_MAX_S),
 * `attempts` times in all; no worker waits with it. The commit is told the last error. One item's
 * failure stops nobody else; a negative return of commit stops the run: no new prepare starts,
 * running ones are waited for, the run returns that error.
 *
 * commit may be handed several finished items at once (`count` up to `batch`), so that one
 * transaction and one sync serve many small ones: whatever has finished while the last commit ran
 * comes along.
 *
 * Cancelling: when *cancel becomes true (a signal), running prepares are expected to look at it
 * too; the run returns ERR_CANCELLED after they ended, what they prepared is not committed.
 *
 * Threads: the call blocks; callbacks other than prepare run on the calling thread.
 */
#ifndef LARDER_ENGINE_PIPELINE_H
#define LARDER_ENGINE_PIPELINE_H

#include "base/err.h"

#include <stdatomic.h>

/* A peer that asks for more is asked again sooner; a person at a terminal waits no longer. */
#define PIPELINE_WAIT_MAX_S 60

enum pipeline_order { PIPELINE_IN_ORDER, PIPELINE_AS_FINISHED };

struct pipeline_result {
	size_t item;
	int result; /* what prepare returned last */
	unsigned attempts;
	struct err error; /* set when result < 0 */
};

struct pipeline {
	void *ctx;
	size_t items;
	unsigned workers;  /* at least 1 */
	unsigned attempts; /* 0 counts as 1 */
	size_t window;     /* 0: 4 x workers */
	size_t batch;      /* 0 counts as 1 */
	enum pipeline_order order;
	/* commit is also called, with no results, when none came for so long; 0: never */
	int64_t tick_ms;
	const atomic_bool *cancel; /* may be NULL */

	void *(*worker_new)(void *ctx); /* may be NULL */
	void (*worker_free)(void *ctx, void *worker);
	int (*prepare)(void *ctx, void *worker, size_t item, struct err *e);
	int (*commit)(void *ctx, const struct pipeline_result *results, size_t count,
		      struct err *e);
};

int pipeline_run(const struct pipeline *p, struct err *e);

#endif
