/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done again and again, as rows: each job with what of its schedule is settled, and each
 * run with when it was planned, started, finished, how it ended and when the next one comes.
 *
 *	runs_set_jobs(db, jobs, n, now, e)             the table of jobs, whole
 *	runs_claim(db, &claim, &report, e)             what is due becomes open runs, one by one
 *	runs_finish(db, id, &result, now, e)           a run has ended; its job may be due again
 *
 * The decision is schedule_judge()'s; this is its memory. Claiming settles a job's slots and opens
 * its run in one transaction, so that whoever is killed afterwards, nothing runs twice; a job with
 * an open run is never claimed. A run that was opened and never begun (its claimer was killed) is
 * handed out again by runs_adopt(), under the same id.
 *
 * RUN_PASSING (busy, offline) and RUN_CUT (whoever did it was killed) are tried again after a
 * minute, two, four, ... or as long as was asked, RUN_RETRIES_MAX times; then, and for all other
 * ends, the next slot is the job's next chance.
 *
 * All inside a transaction of the caller's; times are wall clock. A new job counts from its anchor;
 * a job whose schedule was changed, or that comes back into the table, counts from now.
 *
 * Threads and errors: as the db; ERR_USAGE for a schedule or a zone that is none, before anything
 * is changed; ERR_NOT_FOUND for a run that is not open.
 */
#ifndef LARDER_ENGINE_RUNS_H
#define LARDER_ENGINE_RUNS_H

#include "base/str.h"
#include "db/db.h"

extern const struct db_schema runs_schema;

/* A minute apart at first, these cover the restart of a hub and a busy quarter of an hour. */
#define RUN_RETRIES_MAX 5
#define RUN_RETRY_MS    ((int64_t)60 * 1000)
/* Of a run's detail: the first line of an error; whole reports are in the hub's log. */
#define RUN_DETAIL_MAX 300

struct runs_job {
	const char *name;
	const char *schedule; /* as schedule_parse() takes it */
	const char *zone;     /* NULL: UTC */
	const char *call;     /* the owner's: what is to be done */
	int64_t anchor_ms;    /* of a job that is new here */
};
int runs_set_jobs(struct db *db, const struct runs_job *jobs, size_t n, int64_t now_ms,
		  struct err *e);

struct runs_open {
	int64_t id;
	const char *job, *call;
	int64_t planned_ms;
};
/* A negative return ends it. */
typedef int (*runs_visit_fn)(void *ctx, const struct runs_open *run, struct err *e);

struct runs_claim {
	int64_t now_ms;
	size_t max;        /* runs to open at once */
	const char *token; /* whose they are: of the claimer's lease */
	void *ctx;
	runs_visit_fn visit;
};
struct runs_claimed {
	size_t n;
	int64_t next_ms; /* when to claim again: in the past when there is more; SCHEDULE_NEVER */
};
int runs_claim(struct db *db, const struct runs_claim *claim, struct runs_claimed *ret_claimed,
	       struct err *e);
/* Open runs of other tokens become the token's, except those that `keep` says have begun. */
int runs_adopt(struct db *db, const struct runs_claim *claim,
	       bool (*has_begun)(void *ctx, int64_t id), struct err *e);

enum run_end { RUN_OK, RUN_FAILED, RUN_PASSING, RUN_CUT };
/* "ok", "failed", "passing", "cut" */
const char *run_end_word(enum run_end end);
struct run_result {
	enum run_end end;
	int status;             /* of the reply; 0 none */
	int64_t duration_ms;    /* -1: not known */
	int64_t retry_after_ms; /* 0: not said */
	const char *detail;     /* NULL or a line for people */
};
int runs_finish(struct db *db, int64_t id, const struct run_result *result, int64_t now_ms,
		struct err *e);
/* All that are open, by one who knows that nobody is at work: a hub that has just started. */
int runs_cut(struct db *db, int64_t now_ms, size_t *ret_n, struct err *e);
/* The job of an open run, or ERR_NOT_FOUND. The caller owns it. */
int runs_find(struct db *db, int64_t id, char **ret_job, struct err *e);

/* For who looks on. Texts are lent. */
struct runs_state {
	const char *name, *schedule, *zone, *call;
	int64_t next_ms;    /* SCHEDULE_NEVER */
	int64_t running_id; /* 0: not running */
	int64_t running_since_ms;
	int64_t last_id, last_planned_ms, last_started_ms, last_finished_ms, last_duration_ms;
	int64_t last_success_ms; /* 0: never */
	int64_t failures;        /* in a row */
	int last_status;
	const char *last_end, *last_detail; /* NULL: never ran */
};
typedef int (*runs_state_fn)(void *ctx, const struct runs_state *state, struct err *e);
/* The jobs of the table, by name. */
int runs_list(struct db *db, runs_state_fn visit, void *ctx, struct err *e);
/* The newest first. */
struct runs_run {
	int64_t id, planned_ms, started_ms, finished_ms; /* finished 0: open */
	int64_t duration_ms, next_ms;
	int status;
	const char *end, *detail; /* NULL while it is open */
};
struct runs_query {
	const char *job;
	int64_t before_id, limit;
	void *ctx;
	int (*visit)(void *ctx, const struct runs_run *run, struct err *e);
};
int runs_of_job(struct db *db, const struct runs_query *query, struct err *e);
/* When last claimed; 0: never. */
int runs_last_claim(struct db *db, int64_t *ret_ms, struct err *e);
/* Finished runs older than that go, but for each job's last one. */
int runs_forget(struct db *db, int64_t before_ms, size_t *ret_n, struct err *e);

#endif
