/* SPDX-License-Identifier: Apache-2.0 */
/* A home, its rows, and what is remembered of pushes and pulls. */
#include "agents/change.h"
#include "agents/known.h"
#include "agents/mirror.h"
#include "agents/pace.h"
#include "agents/reap.h"
#include "agents/run.h"
#include "agents/sync-internal.h"

#include "base/json.h"
#include "base/time.h"
#include "scratch.h"

static struct agents *open_home(const char *folder, const char *self)
{
	const struct agents_options o = { .path = folder, .create = true, .self = self };
	struct agents *a = NULL;
	struct err e = { 0 };

	CHECK_OK(agents_open(&o, &a, &e));
	return a;
}

static void save(struct agents *a, const struct dispatch *d)
{
	struct err e = { 0 };

	CHECK_OK(db_begin(agents_db(a), &e));
	CHECK_OK(dispatch_save(agents_db(a), d, &e));
	CHECK_OK(db_commit(agents_db(a), &e));
}

TEST(a_home_that_is_open_twice_is_one_state)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_AGENTS struct agents *one = open_home(folder, NULL);
	AUTO_AGENTS struct agents *two = open_home(folder, NULL);
	AUTO_DISPATCH struct dispatch d = { 0 }, found = { 0 };
	struct err e = { 0 };

	CHECK_STR(agents_self(one), agents_self(two));
	dispatch_init(&d);
	dispatch_set(&d.id, "01a2166d-bcd4-7f80-ade1-80ff6060b6c0");
	dispatch_set(&d.name, "core/api/one");
	d.status = AGENT_QUEUED;
	d.current = true;
	save(one, &d);
	CHECK_OK(dispatch_find(agents_db(two), "core/api/one", &found, &e));
	CHECK_STR(found.id, d.id);
}

TEST(no_two_homes_guess_the_same_name_for_themselves)
{
	AUTO_SCRATCH char *first = scratch_new();
	AUTO_SCRATCH char *second = scratch_new();
	AUTO_AGENTS struct agents *one = open_home(first, NULL);
	AUTO_AGENTS struct agents *two = open_home(second, NULL);
	AUTO_FREE char *self = xstrdup(agents_self(one));

	CHECK(strcmp(self, agents_self(two)) != 0);
	CHECK(!agents_self_is_given(one));
	agents_close(TAKE(one));
	one = open_home(first, NULL);
	CHECK_STR(agents_self(one), self);
	agents_close(TAKE(one));
	one = open_home(first, "given");
	CHECK_STR(agents_self(one), "given");
	CHECK(agents_self_is_given(one));
}

TEST(what_was_never_opened_is_closed)
{
	struct dispatch d = { 0 };
	struct known known = { 0 };
	struct reap_report report = { 0 };
	struct sync_pushed pushed = { 0 };

	agents_close(NULL);
	dispatch_release(&d);
	known_release(&known);
	reap_report_release(&report);
	sync_pushed_release(&pushed);
}

/* Each text its own, each number its own: a column that is swapped or left out shows. */
static void fill(struct dispatch *d)
{
	char **const texts[] = { &d->org,    &d->repo,     &d->task,         &d->branch,
				 &d->agent,  &d->template, &d->question,     &d->reason,
				 &d->pr_url, &d->handle,   &d->command,      &d->identity,
				 &d->stats,  &d->name,     &d->report_stamp, &d->id };
	int64_t *const numbers[] = { &d->issue,     &d->priority,   &d->runs,       &d->revision,
				     &d->pid,       &d->exit_code,  &d->timeout_ms, &d->log_max,
				     &d->queued_ms, &d->started_ms, &d->updated_ms, &d->ended_ms,
				     &d->due_ms,    &d->captured };

	dispatch_init(d);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		AUTO_FREE char *text = xasprintf("text %zu \xc3\xa9", i);

		dispatch_set(texts[i], text);
	}
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		*numbers[i] = (int64_t)(1000000000000 + i);
	d->current = d->stopping = true;
	d->status = AGENT_REVIEW;
}

static void check_same(const struct dispatch *a, const struct dispatch *b)
{
	const char *const texts[][2] = {
		{ a->id, b->id },
		{ a->name, b->name },
		{ a->org, b->org },
		{ a->repo, b->repo },
		{ a->task, b->task },
		{ a->branch, b->branch },
		{ a->template, b->template },
		{ a->agent, b->agent },
		{ a->question, b->question },
		{ a->reason, b->reason },
		{ a->pr_url, b->pr_url },
		{ a->handle, b->handle },
		{ a->command, b->command },
		{ a->identity, b->identity },
		{ a->report_stamp, b->report_stamp },
		{ a->stats, b->stats },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		CHECK_STR(texts[i][0], texts[i][1]);
	CHECK(a->current == b->current && a->stopping == b->stopping && a->status == b->status);
	CHECK(a->issue == b->issue && a->priority == b->priority && a->runs == b->runs);
	CHECK(a->revision == b->revision && a->pid == b->pid && a->exit_code == b->exit_code);
	CHECK(a->timeout_ms == b->timeout_ms && a->log_max == b->log_max);
	CHECK(a->queued_ms == b->queued_ms && a->started_ms == b->started_ms);
	CHECK(a->updated_ms == b->updated_ms && a->ended_ms == b->ended_ms);
	CHECK(a->due_ms == b->due_ms && a->captured == b->captured);
}

static int count(void *ctx, const struct dispatch *d, struct err *e)
{
	(void)d, (void)e;
	++*(int *)ctx;
	return 0;
}

static int rows_of(struct agents *a, const struct dispatch_filter *f)
{
	struct err e = { 0 };
	int n = 0;

	CHECK_OK(dispatch_visit(agents_db(a), f, count, &n, &e));
	return n;
}

TEST(a_row_comes_back_as_it_was_saved)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_AGENTS struct agents *a = open_home(folder, "me");
	AUTO_DISPATCH struct dispatch d = { 0 }, found = { 0 };
	struct err e = { 0 };

	fill(&d);
	save(a, &d);
	CHECK_OK(dispatch_find(agents_db(a), d.id, &found, &e));
	check_same(&d, &found);
	dispatch_set(&d.question, "another");
	save(a, &d);
	agents_close(TAKE(a));
	a = open_home(folder, "me");
	CHECK_OK(dispatch_find(agents_db(a), d.name, &found, &e));
	check_same(&d, &found);
	CHECK_INT(rows_of(a, &(struct dispatch_filter){ 0 }), 1);
	/* The same folder's next: the first is history, with each way to ask for it. */
	d.current = false;
	save(a, &d);
	dispatch_set(&d.id, "another");
	d.current = true;
	d.status = AGENT_QUEUED;
	save(a, &d);
	CHECK_INT(rows_of(a, &(struct dispatch_filter){ 0 }), 1);
	CHECK_INT(rows_of(a, &(struct dispatch_filter){ .history = true }), 2);
	CHECK_INT(rows_of(a, &(struct dispatch_filter){ .status = AGENT_REVIEW }), 0);
	CHECK_INT(rows_of(a, &(struct dispatch_filter){ .status = AGENT_QUEUED }), 1);
	CHECK_INT(rows_of(a, &(struct dispatch_filter){ .status = AGENT_REVIEW, .history = true }),
		  1);
	CHECK_INT(rows_of(a, &(struct dispatch_filter){ .history = true, .limit = 1 }), 1);
}

TEST(what_is_not_there_is_forgotten_without_harm)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_AGENTS struct agents *a = open_home(folder, "me");
	AUTO_REAP_REPORT struct reap_report report = { 0 };
	AUTO_KNOWN struct known known = { 0 };
	struct err e = { 0 };

	CHECK_OK(db_begin(agents_db(a), &e));
	CHECK_OK(mirror_forget(a, "core/api/none", &e));
	CHECK_OK(db_commit(agents_db(a), &e));
	CHECK_OK(reap_run(a, &report, &e)); /* there is no folder at all */
	CHECK_INT(report.taken_in + report.mended + report.problems.n, 0);
	CHECK_OK(known_load(a, &known, &e));
	CHECK(!known_find(&known, "core/api/none"));
}

TEST(the_last_hundred_pushes_and_pulls_are_kept_the_newest_first)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_AGENTS struct agents *a = open_home(folder, "me");
	const struct err why = { .code = ERR_OFFLINE, .msg = "no route" };
	AUTO_BUF struct buf out = BUF_INIT(1 << 20);
	AUTO_JSON struct json *rows = NULL;
	struct json_out o = json_out(&out);
	struct err e = { 0 };
	int64_t last = 0;

	(void)setenv("LARDER_NOW", "2026-03-01T12:00:00Z", 1);
	for (int64_t i = 0; i < SYNC_HISTORY + 5; i++) {
		const struct sync_event event = { i % 2 ? "push" : "pull", i, 2 * i, 1,
						  i == 104 ? &why : NULL };

		CHECK_OK(sync_note(a, &event, &e));
	}
	CHECK(sync_note(a, &(struct sync_event){ .direction = "" }, &e) < 0);
	json_open(&o, NULL, '[');
	CHECK_OK(sync_history_add(a, &o, &e));
	json_close(&o);
	CHECK_OK(json_parse(buf_bytes(&out), 1 << 20, &rows, &e));
	CHECK_INT(json_size(rows), SYNC_HISTORY);
	for (size_t i = 0; i < json_size(rows); i++) {
		const struct json *row = json_at(rows, i);

		CHECK_INT(json_int(json_get(row, "items_count"), 0), 104 - (int64_t)i);
		CHECK_STR(json_text(json_get(row, "synced_at")), "2026-03-01T12:00:00.000Z");
		CHECK_STR(json_text(json_get(row, "agent_id")), "me");
	}
	CHECK_STR(json_text(json_get(json_at(rows, 0), "error")), "no route");
	/* What failed is no last time. */
	(void)setenv("LARDER_NOW", "2026-03-02T12:00:00Z", 1);
	CHECK_OK(sync_note(a, &(struct sync_event){ "pull", 0, 0, 1, &why }, &e));
	CHECK_OK(sync_last(a, "pull", &last, &e));
	(void)unsetenv("LARDER_NOW");
	CHECK_INT(last, 1772366400000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_home_that_is_open_twice_is_one_state),
		CASE(no_two_homes_guess_the_same_name_for_themselves),
		CASE(what_was_never_opened_is_closed),
		CASE(a_row_comes_back_as_it_was_saved),
		CASE(what_is_not_there_is_forgotten_without_harm),
		CASE(the_last_hundred_pushes_and_pulls_are_kept_the_newest_first),
	};

	return RUN(tests);
}
