/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/pace.h"

#include "agents/change.h"
#include "agents/run.h"
#include "base/time.h"
#include "scratch.h"

#define HOUR ((int64_t)3600 * 1000)
/* 2026-03-01T12:00:00Z */
#define NOON ((int64_t)1772366400000)

static void parse(const char *text, struct pace_settings *ret)
{
	struct err e = { 0 };

	CHECK_OK(pace_parse(bytes_of(text), ret, &e));
}

static const char *reason(const struct pace_limits *limits, const char *model,
			  struct pace_state state, int64_t now)
{
	return pace_judge(limits, model, &state, now).reason;
}

TEST(the_file_of_other_tools_is_read)
{
	AUTO_PACE struct pace_settings s = { 0 };
	const struct pace_limits *codex;

	parse("concurrency:\n  claude: 3\n  codex: {total: 4, gpt-5.4: 1}\n"
	      "rates:\n  codex:\n    reset_utc: \"07:30\"\n    daily_limit: 60\n    min_delay: 15\n"
	      "    sustained_delay: 120\n    burst_window: 2\n    burst_delay: 5\n",
	      &s);
	codex = pace_of(&s, "codex");
	CHECK_INT(pace_of(&s, "claude")->total, 3);
	CHECK_INT(codex->total, 4);
	CHECK_STR(codex->models.v[0], "gpt-5.4=1");
	CHECK_INT(codex->reset_s, 7 * 3600 + 1800);
	CHECK_INT(codex->daily_limit, 60);
	CHECK_INT(pace_of(&s, "unknown")->total, 0);
}

TEST(without_the_file_there_are_defaults)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_FD int dirfd = open(folder, O_RDONLY | O_DIRECTORY);
	AUTO_PACE struct pace_settings s = { 0 };
	struct err e = { 0 };

	CHECK_OK(pace_read(dirfd, &s, &e));
	CHECK_INT(pace_of(&s, "claude")->total, 1);
	CHECK_INT(pace_of(&s, "gemini")->total, 3);
	scratch_write(folder, "agents.yaml", "");
	CHECK_OK(pace_read(dirfd, &s, &e));
	CHECK_INT(pace_of(&s, "claude")->total, 0);
}

TEST(what_is_wrong_in_the_file_is_said)
{
	static const char *const bad[] = {
		"concurrency: 3\n",
		"concurrency:\n  claude: many\n",
		"concurrency:\n  claude: -1\n",
		"concurrency:\n  claude: {total: {a: 1}}\n",
		"concurrency:\n  claude: 1\n  claude: 2\n",
		"rates:\n  claude: 5\n",
		"rates:\n  claude: {reset_utc: \"25:00\"}\n",
		"rates:\n  claude: {reset_utc: \"06:00x\"}\n",
		"rates:\n  claude: {speed: 3}\n",
		"limits:\n  claude: 3\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO_PACE struct pace_settings s = { 0 };
		struct err e = { 0 };

		CHECK_ERR(pace_parse(bytes_of(bad[i]), &s, &e), ERR_USAGE);
		CHECK_HAS(e.msg, "agents.yaml");
	}
}

TEST(pools_and_models_have_their_limits)
{
	AUTO_PACE struct pace_settings s = { 0 };
	const struct pace_limits *codex;

	parse("concurrency:\n  codex: {total: 2, gpt: 1}\n", &s);
	codex = pace_of(&s, "codex");
	CHECK_STR(reason(codex, "gpt", (struct pace_state){ .running = 1 }, NOON), "free");
	CHECK_STR(reason(codex, "gpt", (struct pace_state){ .running = 2 }, NOON), "pool_full");
	CHECK_STR(reason(codex, "gpt", (struct pace_state){ 1, 1 }, NOON), "model_full");
	CHECK_STR(reason(codex, "other", (struct pace_state){ 1, 1 }, NOON), "free");
	CHECK_STR(reason(pace_of(&s, "none"), "", (struct pace_state){ 99, 99 }, NOON), "free");
}

TEST(a_day_begins_at_its_reset)
{
	AUTO_PACE struct pace_settings s = { 0 };
	const struct pace_limits *p;
	struct pace_verdict v;

	parse("rates:\n  p: {daily_limit: 2}\n", &s);
	p = pace_of(&s, "p");
	CHECK_INT(pace_window(p, NOON), NOON - 6 * HOUR);
	CHECK_INT(pace_window(p, NOON - 6 * HOUR), NOON - 6 * HOUR);
	CHECK_INT(pace_window(p, NOON - 6 * HOUR - 1), NOON - 30 * HOUR);
	v = pace_judge(p, "", &(struct pace_state){ .started_in_window = 2 }, NOON);
	CHECK_STR(v.reason, "daily_limit");
	CHECK_INT(v.not_before_ms, NOON + 18 * HOUR);
	CHECK_STR(reason(p, "", (struct pace_state){ .started_in_window = 1 }, NOON), "free");
}

TEST(starts_follow_each_other_at_a_distance)
{
	AUTO_PACE struct pace_settings s = { 0 };
	const struct pace_limits *p, *q;
	const struct pace_state just = { .last_start_ms = NOON - 20000 };
	int64_t early = NOON - 7 * HOUR; /* an hour before the reset */
	const struct pace_state before = { .last_start_ms = early - 20000 };

	parse("rates:\n  p: {sustained_delay: 60, min_delay: 10, burst_window: 2, burst_delay: 5}\n"
	      "  q: {min_delay: 600}\n",
	      &s);
	p = pace_of(&s, "p");
	q = pace_of(&s, "q");
	CHECK_STR(reason(p, "", just, NOON), "delay");
	CHECK_INT(pace_judge(p, "", &just, NOON).not_before_ms, NOON + 40000);
	CHECK_STR(reason(p, "", just, NOON + 40000), "free");
	CHECK_STR(reason(p, "", before, early), "free");
	CHECK_STR(reason(p, "", before, early - 12000), "delay"); /* min_delay in the burst */
	CHECK_STR(reason(q, "", just, NOON), "free");
	/* A start that a stepped clock has put into the future holds nobody up. */
	CHECK_STR(reason(p, "", (struct pace_state){ .last_start_ms = NOON + HOUR }, NOON), "free");
}

TEST(a_pause_ends_also_when_the_clock_was_wrong)
{
	const struct pace_limits none = { 0 };
	const struct pace_state paused = { .paused_until_ms = NOON + 1 };

	CHECK_STR(reason(&none, "", paused, NOON), "paused");
	CHECK_STR(reason(&none, "", paused, NOON + 1), "free");
	CHECK_STR(reason(&none, "", paused, NOON - PACE_PAUSE_MS - 1), "free");
}

/* A home with rows; each with an agent, a priority and a moment of its own. */
static void add(struct agents *a, const char *branch, const char *agent, int64_t priority,
		struct dispatch *d)
{
	AUTO_STRV struct strv command = STRV_INIT;
	const struct run_wish wish = { .repo = "api",
				       .branch = branch,
				       .agent = agent,
				       .priority = priority,
				       .command = &command };
	struct err e = { 0 };

	strv_add(&command, "true");
	CHECK_OK(run_plan(&wish, d, &e));
	CHECK_OK(change_add(a, d, &e));
}

static struct agents *open_home(const char *folder)
{
	const struct agents_options o = { .path = folder, .create = true };
	struct agents *a = NULL;
	struct err e = { 0 };

	CHECK_OK(agents_open(&o, &a, &e));
	return a;
}

static int spawn(struct agents *a, struct dispatch *d, struct pace_gate *gate)
{
	struct change c = { .event = AGENT_SPAWN, .may_start = pace_may_start, .ctx = gate };
	struct agent_verdict v;
	struct err e = { 0 };
	int r = change_apply(a, d, &c, &v, &e);

	CHECK(r == 0 || r == ERR_BUSY);
	return r;
}

static void end(struct agents *a, struct dispatch *d, int code)
{
	const struct change c = { .event = AGENT_EXIT, .exit_known = true, .exit_code = code };
	struct agent_verdict v;
	struct err e = { 0 };

	CHECK_OK(change_apply(a, d, &c, &v, &e));
}

TEST(no_more_start_than_may)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_AGENTS struct agents *a = open_home(folder);
	AUTO_PACE struct pace_settings s = { 0 };
	struct pace_gate gate = { .db = agents_db(a), .settings = &s };
	struct dispatch d[3] = { { 0 } };

	parse("concurrency:\n  codex: 2\n", &s);
	add(a, "one", "codex:x", 5, &d[0]);
	add(a, "two", "codex:y", 5, &d[1]);
	add(a, "three", "codex", 5, &d[2]);
	CHECK_INT(spawn(a, &d[0], &gate), 0);
	CHECK_INT(spawn(a, &d[1], &gate), 0);
	CHECK_INT(spawn(a, &d[2], &gate), ERR_BUSY);
	CHECK_STR(gate.verdict.reason, "pool_full");
	CHECK_INT(d[2].status, AGENT_QUEUED);
	end(a, &d[0], 0);
	CHECK_INT(spawn(a, &d[2], &gate), 0);
	for (size_t i = 0; i < ARRAY_LEN(d); i++)
		dispatch_release(&d[i]);
}

TEST(three_quick_failures_pause_a_pool_and_a_success_counts_anew)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_AGENTS struct agents *a = open_home(folder);
	AUTO_PACE struct pace_settings s = { 0 };
	struct pace_gate gate = { .db = agents_db(a), .settings = &s };
	static const int codes[] = { 1, 1, 0, 1, 1, 1 };
	AUTO_DISPATCH struct dispatch last = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		AUTO_DISPATCH struct dispatch d = { 0 };
		AUTO_FREE char *branch = xasprintf("b%zu", i);

		/* What is counted outlives who counts. */
		agents_close(TAKE(a));
		a = open_home(folder);
		gate.db = agents_db(a);
		add(a, branch, "codex", 5, &d);
		CHECK_INT(spawn(a, &d, &gate), 0);
		end(a, &d, codes[i]);
	}
	agents_close(TAKE(a));
	a = open_home(folder);
	gate.db = agents_db(a);
	add(a, "last", "codex", 5, &last);
	CHECK_INT(spawn(a, &last, &gate), ERR_BUSY);
	CHECK_STR(gate.verdict.reason, "paused");
	(void)setenv("LARDER_NOW", "+31m", 1);
	CHECK_INT(spawn(a, &last, &gate), 0);
	(void)unsetenv("LARDER_NOW");
}

TEST(priority_goes_first_and_age_catches_up)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_AGENTS struct agents *a = open_home(folder);
	AUTO_STRV struct strv ids = STRV_INIT;
	struct dispatch d[3] = { { 0 } };
	int64_t next = 0;
	struct err e = { 0 };

	(void)setenv("LARDER_NOW", "2026-03-01T12:00:00Z", 1);
	add(a, "old", "x", 5, &d[0]);
	(void)setenv("LARDER_NOW", "2026-03-01T12:15:00Z", 1);
	add(a, "high", "x", 7, &d[1]);
	add(a, "same", "x", 6, &d[2]);
	CHECK_OK(pace_waiting(agents_db(a), time_now(), &ids, &next, &e));
	CHECK_INT(ids.n, 3);
	CHECK_STR(ids.v[0], d[1].id);
	CHECK_STR(ids.v[1], d[0].id);
	CHECK_STR(ids.v[2], d[2].id);
	CHECK_INT(next, -1);
	CHECK_OK(db_begin(agents_db(a), &e));
	CHECK_OK(pace_put_off(agents_db(a), d[1].id, time_now() + 5000, &e));
	CHECK_OK(db_commit(agents_db(a), &e));
	strv_release(&ids);
	ids = (struct strv)STRV_INIT;
	CHECK_OK(pace_waiting(agents_db(a), time_now(), &ids, &next, &e));
	CHECK_INT(ids.n, 2);
	CHECK_INT(next, time_now() + 5000);
	/* The clock goes back for days: nothing waits for a time that was wrong. */
	(void)setenv("LARDER_NOW", "2026-02-20T12:00:00Z", 1);
	strv_release(&ids);
	ids = (struct strv)STRV_INIT;
	CHECK_OK(pace_waiting(agents_db(a), time_now(), &ids, &next, &e));
	CHECK_INT(ids.n, 3);
	(void)unsetenv("LARDER_NOW");
	for (size_t i = 0; i < ARRAY_LEN(d); i++)
		dispatch_release(&d[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_file_of_other_tools_is_read),
		CASE(without_the_file_there_are_defaults),
		CASE(what_is_wrong_in_the_file_is_said),
		CASE(pools_and_models_have_their_limits),
		CASE(a_day_begins_at_its_reset),
		CASE(starts_follow_each_other_at_a_distance),
		CASE(a_pause_ends_also_when_the_clock_was_wrong),
		CASE(no_more_start_than_may),
		CASE(three_quick_failures_pause_a_pool_and_a_success_counts_anew),
		CASE(priority_goes_first_and_age_catches_up),
	};

	return RUN(tests);
}
