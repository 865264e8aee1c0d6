/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of one processor (sessions/processor.h) over what is new to it.
 *
 *	AUTO_PROCESS_REPORT struct process_report report = { 0 };
 *	const struct process_options o = { .root = root, .processor = p, .budget_ms = 150000 };
 *	r = process_run(&o, &report, e);        0 also when single sessions failed: report.errors
 *
 * The order: take the lease "process:<name>", which every hub on this database sees and which dies
 * with its holder; one walk over the files (sessions/state.h says what is to do); then batch after
 * batch: note the time, hash, let the processor prepare, and mark the batch with what it commits in
 * ONE transaction. A kill at any point loses at most the batch at hand, which is done again. Files
 * that failed before come last, so that none of them holds up a healthy one. Sessions that somebody
 * took away are forgotten first; a hub without a folder of sessions has lost more than them, and
 * forgets none.
 *
 * A stable file costs one statx(). The budget is looked at between batches: what was not reached is
 * counted as capped, and is no error. A file skipped because its bytes are as they were does not
 * count towards the limit.
 *
 * Errors: ERR_BUSY when the processor is at work elsewhere or the lease was lost, what open,
 * commit and finish say, the db's and the journal's. Threads: as the root.
 */
#ifndef LARDER_SESSIONS_RUNNER_H
#define LARDER_SESSIONS_RUNNER_H

#include "sessions/processor.h"
#include <stdatomic.h>

/* Of the wire contract: shorter than the pause between two runs of the scheduler. */
#define PROCESS_BUDGET_MS ((int64_t)150 * 1000)
/* Sentences that are reported; all failures are counted, and in the rows. */
#define PROCESS_ERRORS_MAX 1000

struct process_options {
	struct root *root;
	const struct processor *processor;
	int64_t budget_ms;         /* 0: none */
	int64_t limit;             /* files tried; 0: all */
	bool dry_run;              /* only look: nothing is read or written */
	const atomic_bool *cancel; /* may be NULL */
	void *ctx;
	void (*on_progress)(void *ctx, int64_t bytes); /* may be NULL */
};

struct process_failure {
	char *session;
	char *error;
};

struct process_report {
	int64_t scanned;   /* new or changed by size or time, or due again */
	int64_t processed; /* done now */
	int64_t skipped;   /* of scanned: their bytes are as they were */
	int64_t errors;
	int64_t items;
	int64_t capped;    /* left to the next run by budget or limit */
	int64_t forgotten; /* were done before, and are not there any more */
	int64_t waiting;   /* failed before, and not due yet */
	int64_t aside;     /* failed too often */
	int64_t bytes;     /* of what was tried */
	int64_t duration_ms;
	char *told; /* an object of what the processor tells besides; NULL: nothing */
	struct process_failure *failures;
	size_t failure_count, failure_capacity;
};
void process_report_release(struct process_report *report);
#define AUTO_PROCESS_REPORT AUTO(process_report_release)

int process_run(const struct process_options *options, struct process_report *ret_report,
		struct err *e);

#endif
