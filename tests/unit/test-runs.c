/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/runs.h"

#include "base/time.h"
#include "engine/schedule.h"
#include "scratch.h"

#define SECOND ((int64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define START  ((int64_t)1790000000000) /* 2026-09-21 14:13:20 */

static struct db *open_db(const char *folder)
{
	static const struct db_schema *const schemas[] = { &runs_schema };
	AUTO_FREE char *path = xasprintf("%s/x.db", folder);
	struct db_options o = { .path = path, .create = true };
	struct db *db = NULL;
	struct err e = { 0 };

	CHECK_OK(db_open(&o, &db, &e));
	CHECK_OK(db_migrate(db, schemas, 1, &e));
	return db;
}

static void set_jobs(struct db *db, const struct runs_job *jobs, size_t n, int64_t now)
{
	struct err e = { 0 };

	CHECK_OK(db_begin(db, &e));
	CHECK_OK(runs_set_jobs(db, jobs, n, now, &e));
	CHECK_OK(db_commit(db, &e));
}

static void set_job(struct db *db, const char *schedule, int64_t anchor, int64_t now)
{
	const struct runs_job job = { "sync", schedule, NULL, "GET /x", anchor };

	set_jobs(db, &job, 1, now);
}

/* What a claim gave: the last run, and how many. */
struct got {
	size_t n;
	int64_t id, planned_ms;
	char job[40];
	int64_t begun; /* the one run that has begun, for adopting */
};

static int take_run(void *ctx, const struct runs_open *run, struct err *e)
{
	struct got *got = ctx;

	(void)e;
	got->n++;
	got->id = run->id;
	got->planned_ms = run->planned_ms;
	(void)snprintf(got->job, sizeof(got->job), "%s", run->job);
	return 0;
}

static struct got claim(struct db *db, int64_t now, int64_t *ret_next)
{
	struct got got = { 0 };
	const struct runs_claim c = {
		.now_ms = now, .max = 100, .token = "t", .ctx = &got, .visit = take_run
	};
	struct runs_claimed claimed = { 0 };
	struct err e = { 0 };

	CHECK_OK(db_begin(db, &e));
	CHECK_OK(runs_claim(db, &c, &claimed, &e));
	CHECK_OK(db_commit(db, &e));
	CHECK_INT(claimed.n, got.n);
	if (ret_next)
		*ret_next = claimed.next_ms;
	return got;
}

static void finish(struct db *db, int64_t id, enum run_end end, int64_t retry_ms, int64_t now)
{
	const struct run_result result = {
		.end = end, .status = 200, .duration_ms = 5, .retry_after_ms = retry_ms
	};
	struct err e = { 0 };

	CHECK_OK(db_begin(db, &e));
	CHECK_OK(runs_finish(db, id, &result, now, &e));
	CHECK_OK(db_commit(db, &e));
}

TEST(a_new_job_waits_for_its_anchor_and_then_keeps_its_times)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	int64_t next = 0;
	struct got got;

	set_job(db, "every 15m", START + MINUTE, START);
	CHECK_INT(claim(db, START + MINUTE - 1, &next).n, 0);
	CHECK_INT(next, START + MINUTE);
	got = claim(db, START + MINUTE + 5, &next);
	CHECK_INT(got.n, 1);
	CHECK_STR(got.job, "sync");
	CHECK_INT(got.planned_ms, START + MINUTE);
	CHECK(next == SCHEDULE_NEVER); /* it runs */
	finish(db, got.id, RUN_OK, 0, START + 2 * MINUTE);
	CHECK_INT(claim(db, START + 2 * MINUTE, &next).n, 0);
	CHECK_INT(next, START + 16 * MINUTE);
}

TEST(a_running_job_is_not_claimed_and_what_it_missed_is_one_run)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct got got;

	set_job(db, "every 1m", START, START);
	got = claim(db, START + MINUTE, NULL);
	CHECK_INT(claim(db, START + 10 * MINUTE, NULL).n, 0);
	finish(db, got.id, RUN_OK, 0, START + 10 * MINUTE + 1);
	got = claim(db, START + 10 * MINUTE + 2, NULL);
	CHECK_INT(got.n, 1);
	finish(db, got.id, RUN_OK, 0, START + 10 * MINUTE + 3);
	CHECK_INT(claim(db, START + 10 * MINUTE + 4, NULL).n, 0);
}

TEST(a_restart_fires_nothing_that_ran_and_catches_up_once)
{
	AUTO_SCRATCH char *folder = scratch_new();
	struct got got;

	for (int i = 0; i < 3; i++) { /* each time another process, with its whole table anew */
		AUTO_DB struct db *db = open_db(folder);
		int64_t now = START + i * 3 * DAY;

		set_job(db, "daily 23:30", START, now);
		got = claim(db, now, NULL);
		CHECK_INT(got.n, i > 0); /* never ran: it waits for its first slot */
		if (got.n > 0)
			finish(db, got.id, RUN_OK, 0, now + SECOND);
		CHECK_INT(claim(db, now + MINUTE, NULL).n, 0);
	}
}

TEST(a_changed_schedule_counts_from_now)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	int64_t next = 0;

	set_job(db, "daily 23:30", START, START);
	set_job(db, "daily 01:00", START, START + 20 * HOUR); /* 23:30 and 01:00 have passed */
	CHECK_INT(claim(db, START + 20 * HOUR, &next).n, 0);
	CHECK(next > START + 20 * HOUR && next < START + 44 * HOUR);
}

TEST(a_job_that_left_the_table_rests_and_comes_back_without_a_debt)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	int64_t next = 0;

	set_job(db, "every 1h", START, START);
	set_jobs(db, NULL, 0, START + MINUTE);
	CHECK_INT(claim(db, START + DAY, &next).n, 0);
	CHECK(next == SCHEDULE_NEVER);
	set_job(db, "every 1h", START, START + DAY + MINUTE);
	CHECK_INT(claim(db, START + DAY + 2 * MINUTE, &next).n, 0);
	CHECK_INT(next, START + 25 * HOUR);
}

TEST(a_table_with_one_wrong_job_changes_nothing)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	const struct runs_job jobs[] = { { "a", "every 1m", NULL, "", START },
					 { "b", "daily 03:00", "Europe/Nowhere", "", START } };
	struct err e = { 0 };

	CHECK_OK(db_begin(db, &e));
	CHECK_ERR(runs_set_jobs(db, jobs, 2, START, &e), ERR_USAGE);
	CHECK_HAS(e.msg, "job 'b'");
	CHECK_OK(db_commit(db, &e));
	CHECK_INT(claim(db, START + DAY, NULL).n, 0);
}

TEST(what_fails_in_passing_is_tried_again_with_growing_pauses)
{
	static const int64_t pauses[] = { 1, 2, 4, 8, 16 };
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	int64_t now = START, next = 0;
	struct got got;

	set_job(db, "every 1d", START, START - 1);
	got = claim(db, now, NULL);
	for (size_t i = 0; i < ARRAY_LEN(pauses); i++) {
		finish(db, got.id, i % 2 ? RUN_CUT : RUN_PASSING, 0, now);
		CHECK_INT(claim(db, now + pauses[i] * MINUTE - 1, &next).n, 0);
		CHECK_INT(next, now + pauses[i] * MINUTE);
		now = next;
		got = claim(db, now, NULL);
		CHECK_INT(got.n, 1);
	}
	finish(db, got.id, RUN_PASSING, 0, now);
	CHECK_INT(claim(db, now + HOUR, &next).n, 0);
	CHECK_INT(next, START + DAY); /* it has been enough */
	got = claim(db, START + DAY, NULL);
	finish(db, got.id, RUN_PASSING, 10 * MINUTE, START + DAY); /* as long as it was asked */
	CHECK_INT(claim(db, START + DAY, &next).n, 0);
	CHECK_INT(next, START + DAY + 10 * MINUTE);
}

TEST(a_failure_waits_for_the_next_slot_and_a_success_forgets_it)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	int64_t next = 0;
	struct got got;

	set_job(db, "every 1h", START, START - 1);
	got = claim(db, START, NULL);
	finish(db, got.id, RUN_FAILED, HOUR / 2, START + SECOND);
	CHECK_INT(claim(db, START + HOUR - 1, &next).n, 0);
	CHECK_INT(next, START + HOUR);
}

TEST(a_clock_set_back_stalls_no_job)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	int64_t next = 0;
	struct got got;

	set_job(db, "every 1h", START, START - 1);
	got = claim(db, START + 365 * DAY, NULL); /* the clock is wrong ... */
	finish(db, got.id, RUN_OK, 0, START + 365 * DAY);
	CHECK_INT(claim(db, START, &next).n, 0); /* ... and was set right */
	CHECK_INT(next, START + HOUR);
	CHECK_INT(claim(db, START + HOUR, &next).n, 1);
}

TEST(open_runs_are_cut_when_the_hub_starts)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct err e = { 0 };
	size_t n = 0;
	int64_t next = 0;
	struct got got;

	set_job(db, "every 1h", START, START - 1);
	got = claim(db, START, NULL);
	CHECK_OK(db_begin(db, &e));
	CHECK_OK(runs_cut(db, START + SECOND, &n, &e));
	CHECK_OK(db_commit(db, &e));
	CHECK_INT(n, 1);
	CHECK_INT(claim(db, START + SECOND, &next).n, 0);
	CHECK_INT(next, START + SECOND + MINUTE);
	CHECK_OK(db_begin(db, &e));
	CHECK_ERR(runs_finish(db, got.id, &(struct run_result){ 0 }, START, &e), ERR_NOT_FOUND);
	db_rollback(db);
}

static bool has_begun(void *ctx, int64_t id)
{
	const struct got *got = ctx;

	return got->begun == id;
}

static struct got adopt(struct db *db, const char *token, int64_t begun)
{
	struct got got = { .begun = begun };
	const struct runs_claim c = { .token = token, .ctx = &got, .visit = take_run };
	struct err e = { 0 };

	CHECK_OK(db_begin(db, &e));
	CHECK_OK(runs_adopt(db, &c, has_begun, &e));
	CHECK_OK(db_commit(db, &e));
	return got;
}

TEST(a_run_that_never_began_is_handed_out_again_once)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct got first, second;

	set_job(db, "every 1h", START, START - 1);
	first = claim(db, START, NULL);
	CHECK_INT(adopt(db, "t", 0).n, 0);        /* its own */
	CHECK_INT(adopt(db, "u", first.id).n, 0); /* it is at work */
	second = adopt(db, "u", 0);
	CHECK_INT(second.n, 1);
	CHECK_INT(second.id, first.id);
	CHECK_INT(second.planned_ms, START);
	CHECK_INT(adopt(db, "u", 0).n, 0);
}

static int keep_state(void *ctx, const struct runs_state *state, struct err *e)
{
	struct runs_state *kept = ctx;

	(void)e;
	CHECK_STR(state->name, "sync");
	CHECK_STR(state->call, "GET /x");
	if (state->last_end)
		CHECK_STR(state->last_end, kept->last_end);
	*kept = *state;
	return 0;
}

TEST(the_list_says_how_each_job_does)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct runs_state kept = { 0 };
	struct err e = { 0 };
	AUTO_FREE char *job = NULL;
	int64_t seen = 0;
	struct got got;

	set_job(db, "every 1h", START, START - 1);
	CHECK_OK(runs_list(db, keep_state, &kept, &e));
	CHECK_INT(kept.last_id, 0);
	CHECK_INT(kept.next_ms, START);
	got = claim(db, START, NULL);
	CHECK_OK(runs_find(db, got.id, &job, &e));
	CHECK_STR(job, "sync");
	CHECK_OK(runs_list(db, keep_state, &kept, &e));
	CHECK_INT(kept.running_id, got.id);
	CHECK_INT(kept.running_since_ms, START);
	finish(db, got.id, RUN_OK, 0, START + SECOND);
	kept.last_end = "ok";
	CHECK_OK(runs_list(db, keep_state, &kept, &e));
	CHECK_INT(kept.running_id, 0);
	CHECK_INT(kept.last_success_ms, START + SECOND);
	CHECK_INT(kept.last_duration_ms, 5);
	CHECK_INT(kept.last_status, 200);
	CHECK_INT(kept.failures, 0);
	got = claim(db, START + HOUR, NULL);
	finish(db, got.id, RUN_FAILED, 0, START + HOUR + SECOND);
	kept.last_end = "failed";
	CHECK_OK(runs_list(db, keep_state, &kept, &e));
	CHECK_INT(kept.last_success_ms, START + SECOND);
	CHECK_INT(kept.failures, 1);
	CHECK_OK(runs_last_claim(db, &seen, &e));
	CHECK_INT(seen, START + HOUR);
	CHECK_ERR(runs_find(db, got.id, &job, &e), ERR_NOT_FOUND);
}

TEST(old_runs_are_forgotten_but_for_the_last_of_each_job)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	int64_t left = 0;
	size_t n = 0;
	struct err e = { 0 };

	set_job(db, "every 1h", START, START - 1);
	for (int i = 0; i < 5; i++)
		finish(db, claim(db, START + i * HOUR, NULL).id, RUN_OK, 0, START + i * HOUR);
	CHECK_OK(db_begin(db, &e));
	CHECK_OK(runs_forget(db, START + DAY, &n, &e));
	CHECK_OK(db_commit(db, &e));
	CHECK_INT(n, 4);
	CHECK_OK(db_get_int(db, &left, 0, &e, "SELECT count(*) FROM schedule_run", ""));
	CHECK_INT(left, 1);
}

TEST(a_claim_takes_no_more_than_asked_and_says_that_there_is_more)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct runs_job jobs[150];
	char names[150][20];
	int64_t next = 0;

	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		(void)snprintf(names[i], sizeof(names[i]), "job-%03zu", i);
		jobs[i] = (struct runs_job){ names[i], "every 1h", NULL, "GET /x", START };
	}
	set_jobs(db, jobs, ARRAY_LEN(jobs), START - 1);
	CHECK_INT(claim(db, START, &next).n, 100);
	CHECK_INT(next, START);
	CHECK_INT(claim(db, START, &next).n, 50);
	CHECK(next == SCHEDULE_NEVER);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(a_new_job_waits_for_its_anchor_and_then_keeps_its_times),
		CASE(a_running_job_is_not_claimed_and_what_it_missed_is_one_run),
		CASE(a_restart_fires_nothing_that_ran_and_catches_up_once),
		CASE(a_changed_schedule_counts_from_now),
		CASE(a_job_that_left_the_table_rests_and_comes_back_without_a_debt),
		CASE(a_table_with_one_wrong_job_changes_nothing),
		CASE(what_fails_in_passing_is_tried_again_with_growing_pauses),
		CASE(a_failure_waits_for_the_next_slot_and_a_success_forgets_it),
		CASE(a_clock_set_back_stalls_no_job),
		CASE(open_runs_are_cut_when_the_hub_starts),
		CASE(a_run_that_never_began_is_handed_out_again_once),
		CASE(the_list_says_how_each_job_does),
		CASE(old_runs_are_forgotten_but_for_the_last_of_each_job),
		CASE(a_claim_takes_no_more_than_asked_and_says_that_there_is_more),
	};

	return RUN(tests);
}
