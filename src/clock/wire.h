/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a scheduler and its hub say to each other: one request, sent when something is due, when
 * runs have ended, and every third of the lease.
 *
 *	scheduler -> hub   POST /api/scheduler/claim
 *		{"holder": "larder scheduler", "owner": identity, "host": "vm1", "token": "" or as told,
 *		 "jobs": [{"name", "schedule", "timezone", "call": {...}, "first_in_ms"}],   or absent
 *		 "ended": [{"id", "status", "detail"}],       calls that were not answered with success
 *		 "fire": true}                                false while the start-up grace lasts
 *	hub -> scheduler   200
 *		{"leader": true, "token", "lease_ms", "wait_ms",
 *		 "runs": [{"id", "job", "planned_at", "call": {"method", "path", "timeout_s"}}],
 *		 "unavailable": ["marketplaces"]}             jobs whose endpoint this hub has not
 *		{"leader": false, "holder": "larder scheduler on vm2", "wait_ms"}
 *
 * A new token means that the table must be sent (again). Runs are called with the header
 * X-Larder-Run: <id>; what the hub does under it is the run, whoever still waits for the answer.
 *
 * Errors: ERR_REMOTE for an answer that is none. Threads: no state.
 */
#ifndef LARDER_CLOCK_WIRE_H
#define LARDER_CLOCK_WIRE_H

#include "clock/jobs.h"

#define CLOCK_CLAIM_PATH   "/api/scheduler/claim"
#define CLOCK_RELEASE_PATH "/api/scheduler/release"
#define CLOCK_RUN_HEADER   "X-Larder-Run"
#define CLOCK_LEASE        "scheduler"
/* Long enough for a hub that is restarted, short enough for who waits for a dead scheduler. */
#define CLOCK_LEASE_MS 30000
/* Runs in one answer: half a megabyte. */
#define CLOCK_RUNS_MAX 1000
/* A table of YAML_MAPS_MAX jobs with long paths. */
#define CLOCK_CLAIM_MAX ((size_t)16 << 20)

struct clock_run {
	int64_t id;
	const char *job, *method, *path;
	int64_t timeout_s;
};

struct clock_answer {
	bool leader;
	const char *token, *holder; /* lent from the JSON */
	int64_t wait_ms;
	const struct json *runs, *unavailable;
};

/* Into an open object. */
int clock_add_jobs(struct json_out *out, const struct clock_table *table, struct err *e);

int clock_read_answer(const struct json *reply, struct clock_answer *ret_answer, struct err *e);
int clock_read_run(const struct json *element, struct clock_run *ret_run, struct err *e);

#endif
