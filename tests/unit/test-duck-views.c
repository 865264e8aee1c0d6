/* SPDX-License-Identifier: Apache-2.0 */
#include "duck-help.h"

#include "base/sandbox.h"
#include "base/time.h"
#include "scratch.h"
#include "test.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define AUTO_RESULT AUTO(duck_views_result_release)

/* What the database itself shows, as any program that opens it would see. */
static void shows(const struct place *p, const char *sql, const char *expected)
{
	struct duck_query query = { .sql = sql, .database = p->database };
	AUTO_ROWS struct rows rows = { 0 };
	struct err e = { 0 };

	if (ask(&query, &rows, &e) < 0)
		fail_msg("%s: %s", sql, e.msg);
	assert_string_equal(buf_str(&rows.text), expected);
}

static void put(const struct place *p, const char *name, const char *path, size_t changed)
{
	AUTO_RESULT struct duck_views_result result = { 0 };
	struct err e = { 0 };

	if (put_view(p, name, path, &result, &e) < 0)
		fail_msg("%s: %s", name, e.msg);
	if (result.failed.n)
		fail_msg("%s", result.failed.v[0]);
	assert_int_equal(result.blocked.n, 0);
	assert_int_equal(result.changed, changed);
}

TEST(views_are_made_replaced_and_dropped)
{
	const struct place *p = *state;
	const char *one = make_parquet(p, "one.parquet", "n\n1\n");
	const char *two = make_parquet(p, "two.parquet", "n\n2\n");

	put(p, "a", one, 1);
	shows(p, "FROM a", "[1]");
	put(p, "a", one, 0); /* as it is already */
	put(p, "A", two, 1);
	shows(p, "FROM a", "[2]");
	put(p, "a", NULL, 1);
	put(p, "a", NULL, 0);
	shows(p, "SELECT count(*) FROM duckdb_views() WHERE NOT internal", "[0]");
	assert_int_equal(access(p->staging, F_OK), -1);
}

TEST(names_may_hold_anything)
{
	const struct place *p = *state;
	const char *path = make_parquet(p, "it's; \"x\" [1]*?.parquet", "n\n7\n");

	put(p, "a\"b", path, 1);
	put(p, "a'b", path, 1);
	put(p, "order", path, 1);
	put(p, "\xc3\xbc; DROP VIEW \"order\"", path, 1);
	shows(p,
	      "SELECT \"a\"\"b\".n + \"a'b\".n + \"order\".n FROM \"a\"\"b\", \"a'b\", \"order\"",
	      "[21]");
	put(p, "a\"b", path, 0);
	put(p, "a\"b", NULL, 1);
}

TEST(what_is_the_users_stays)
{
	const struct place *p = *state;
	const char *path = make_parquet(p, "one.parquet", "n\n1\n");
	AUTO_BUF struct buf filtered = BUF_INIT(4096);
	const char *own[] = { "CREATE TABLE Mine AS SELECT 42 AS x",
			      "CREATE VIEW also AS SELECT 43 AS x", NULL, NULL };
	static const char *const names[] = { "mine", "ALSO", "part" };
	struct err e = { 0 };

	buf_adds(&filtered, "CREATE VIEW part AS SELECT * FROM read_parquet(");
	sql_quote_text(&filtered, path);
	buf_adds(&filtered, ") WHERE n < (100)"); /* over a file of ours, but not all of it */
	own[2] = buf_str(&filtered);
	run_in_database(p, own);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO_RESULT struct duck_views_result result = { 0 }, dropped = { 0 };

		assert_int_equal(put_view(p, names[i], path, &result, &e), 0);
		assert_int_equal(result.changed, 0);
		assert_int_equal(result.blocked.n, 1);
		assert_string_equal(result.blocked.v[0], names[i]);
		assert_int_equal(put_view(p, names[i], NULL, &dropped, &e), 0);
		assert_int_equal(dropped.changed + dropped.blocked.n, 0);
	}
	shows(p, "SELECT mine.x + also.x + part.n FROM mine, also, part", "[86]");
}

TEST(a_view_of_ours_is_known_after_the_folder_moved)
{
	const struct place *p = *state;
	struct place moved = { .folder = p->folder,
			       .database = p->database,
			       .staging = p->staging };
	const char *one = make_parquet(p, "one.parquet", "n\n1\n");

	put(p, "a", one, 1);
	moved.folder = (char *)(uintptr_t) "/somewhere/else";
	put(&moved, "a", NULL, 1);
}

TEST(one_bad_file_does_not_lose_the_others)
{
	const struct place *p = *state;
	AUTO_STRV struct strv good = STRV_INIT, bad = STRV_INIT, gone = STRV_INIT;
	AUTO_RESULT struct duck_views_result result = { 0 };
	struct duck_view views[] = { { .name = "a", .files = &good },
				     { .name = "junk", .files = &bad },
				     { .name = "b", .files = &good },
				     { .name = "gone", .files = &gone },
				     { .name = "c", .files = &good } };
	struct duck_views request = { .database = p->database,
				      .staging = p->staging,
				      .ours = p->folder,
				      .views = views,
				      .count = ARRAY_LEN(views) };
	struct err e = { 0 };

	strv_add(&good, make_parquet(p, "one.parquet", "n\n1\n"));
	strv_add(&bad, in_place(p, "source.csv"));
	strv_add(&gone, in_place(p, "gone.parquet"));
	assert_int_equal(duck_views(&request, &result, &e), 0);
	assert_int_equal(result.changed, 3);
	assert_int_equal(result.failed.n, 2);
	assert_ptr_equal(strstr(result.failed.v[0], "junk: "), result.failed.v[0]);
	assert_ptr_equal(strstr(result.failed.v[1], "gone: "), result.failed.v[1]);
	shows(p, "SELECT a.n + b.n + c.n FROM a, b, c", "[3]");
}

TEST(parts_are_one_view)
{
	const struct place *p = *state;
	AUTO_STRV struct strv parts = STRV_INIT;
	AUTO_RESULT struct duck_views_result result = { 0 };
	struct duck_view view = { .name = "t", .files = &parts, .hive = true };
	struct duck_views request = { .database = p->database,
				      .staging = p->staging,
				      .ours = p->folder,
				      .views = &view,
				      .count = 1 };
	struct err e = { 0 };

	assert_int_equal(mkdir(in_place(p, "year=2025"), 0700), 0);
	assert_int_equal(mkdir(in_place(p, "year=2026"), 0700), 0);
	strv_add(&parts, make_parquet(p, "year=2025/a.parquet", "n\n1\n"));
	strv_add(&parts, make_parquet(p, "year=2026/a.parquet", "n\n2\n"));
	assert_int_equal(duck_views(&request, &result, &e), 0);
	assert_int_equal(result.changed, 1);
	shows(p, "SELECT n, year FROM t ORDER BY n", "[1,2025][2,2026]");
	/* without it, a folder of such a name higher up means nothing */
	put(p, "flat", parts.v[0], 1);
	shows(p, "FROM flat", "[1]");
}

TEST(a_file_that_readers_hold_is_changed_beside_them)
{
	const struct place *p = *state;
	const char *one = make_parquet(p, "one.parquet", "n\n1\n");
	AUTO_RESULT struct duck_views_result result = { 0 };
	struct err e = { 0 };
	struct stat before, after;

	put(p, "a", one, 1);
	assert_int_equal(stat(p->database, &before), 0);
	AUTO_PROC struct proc *reader = hold_database(p, true);

	assert_non_null(reader);
	assert_int_equal(put_view(p, "b", one, &result, &e), 0);
	assert_int_equal(result.changed, 1);
	assert_true(result.replaced_file);
	assert_int_equal(stat(p->database, &after), 0);
	assert_int_not_equal(before.st_ino, after.st_ino);
	assert_int_equal(before.st_mode, after.st_mode);
	shows(p, "SELECT a.n + b.n FROM a, b", "[2]");
	assert_int_equal(access(p->staging, F_OK), -1);
}

TEST(a_writer_is_named_when_it_does_not_let_go)
{
	const struct place *p = *state;
	const char *one = make_parquet(p, "one.parquet", "n\n1\n");
	AUTO_RESULT struct duck_views_result result = { 0 };
	struct err e = { 0 };

	put(p, "a", one, 1);
	AUTO_PROC struct proc *writer = hold_database(p, false);

	assert_non_null(writer);
	assert_int_equal(put_view(p, "b", one, &result, &e), ERR_BUSY);
	assert_non_null(strstr(e.msg, "'larder-duck' (process "));

	struct duck_query query = { .sql = "FROM a", .database = p->database };
	AUTO_ROWS struct rows rows = { 0 };

	assert_int_equal(ask(&query, &rows, &e), ERR_USAGE);
	assert_non_null(strstr(e.hint, "another program is writing"));
}

TEST(a_file_that_is_no_database_is_left_alone)
{
	const struct place *p = *state;
	const char *one = make_parquet(p, "one.parquet", "n\n1\n");
	AUTO_RESULT struct duck_views_result result = { 0 };
	struct err e = { 0 };

	write_text(p->database, "this is not a database");
	assert_int_equal(put_view(p, "a", one, &result, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "analytics.duckdb"));
	assert_non_null(strstr(e.hint, "move that file away"));
}

static void add_many(struct json_out *o, const struct place *p, const char *path, int n)
{
	json_open(o, NULL, '{');
	json_add_text(o, "op", "views");
	json_add_text(o, "database", p->database);
	json_add_text(o, "staging", p->staging);
	json_add_text(o, "ours", p->folder);
	json_open(o, "views", '[');
	for (int i = 0; i < n; i++) {
		AUTO_FREE char *name = xasprintf("v%d", i);

		json_open(o, NULL, '{');
		json_add_text(o, "name", name);
		json_open(o, "files", '[');
		json_add_text(o, NULL, path);
		json_close(o);
		json_close(o);
	}
	json_close(o);
	json_close(o);
}

TEST(killed_at_any_time_the_database_opens)
{
	const struct place *p = *state;
	const char *const argv[] = { getenv("LARDER_DUCK"), NULL };
	const char *one = make_parquet(p, "one.parquet", "n\n1\n");
	AUTO_BUF struct buf request = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&request);
	struct err e = { 0 };

	add_many(&o, p, one, 300);
	for (int64_t ms = 10; ms < 200; ms += 15) {
		struct proc_options options = { .argv = argv,
						.input = buf_bytes(&request),
						.deadline_ms = ms };
		AUTO_PROC struct proc *worker = NULL;
		int status = 0;

		assert_int_equal(proc_start(&options, &worker, &e), 0);
		(void)proc_wait(worker, &status, &e); /* killed or done, as fast as it was */
		proc_free(TAKE(worker));
		AUTO_RESULT struct duck_views_result result = { 0 };

		if (put_view(p, "extra", ms % 2 ? one : NULL, &result, &e) < 0)
			fail_msg("after %d ms: %s", (int)ms, e.msg);
	}
	put(p, "last", one, 1);
	shows(p, "FROM last", "[1]");
}

struct swapping {
	const struct place *p;
	const char *files[2];
	atomic_bool stop;
	atomic_int answers;
};

/* Reads two views that are replaced together, in one process after the other, as fast as it can. */
static void *read_on(void *arg)
{
	struct swapping *s = arg;

	while (!atomic_load(&s->stop)) {
		struct duck_query query = { .sql = "SELECT a.n = b.n FROM a, b",
					    .database = s->p->database };
		AUTO_ROWS struct rows rows = { 0 };
		struct err e = { 0 };

		if (ask(&query, &rows, &e) < 0 && strstr(e.hint, "another program is writing"))
			continue; /* it says so: no answer is no wrong answer */
		if (!str_eq(buf_str(&rows.text), "[true]"))
			return xasprintf("'%s' %s", buf_str(&rows.text), e.msg);
		atomic_fetch_add(&s->answers, 1);
	}
	return NULL;
}

TEST(views_replaced_under_a_reader_never_mix)
{
	const struct place *p = *state;
	struct swapping s = { .p = p };
	int64_t end = time_monotonic() + 2000;
	struct err e = { 0 };
	void *wrong = NULL;
	pthread_t reader;

	s.files[0] = make_parquet(p, "one.parquet", "n\n1\n");
	s.files[1] = make_parquet(p, "two.parquet", "n\n2\n");
	put(p, "a", s.files[0], 1);
	put(p, "b", s.files[0], 1);
	assert_int_equal(pthread_create(&reader, NULL, read_on, &s), 0);
	for (int i = 1; time_monotonic() < end; i++) {
		AUTO_STRV struct strv file = STRV_INIT;
		AUTO_RESULT struct duck_views_result result = { 0 };
		struct duck_view views[] = { { .name = "a", .files = &file },
					     { .name = "b", .files = &file } };
		struct duck_views request = { .database = p->database,
					      .staging = p->staging,
					      .ours = p->folder,
					      .views = views,
					      .count = 2 };

		strv_add(&file, s.files[i % 2]);
		if (duck_views(&request, &result, &e) < 0)
			fail_msg("%s", e.msg);
		assert_int_equal(result.changed, 2);
	}
	atomic_store(&s.stop, true);
	assert_int_equal(pthread_join(reader, &wrong), 0);
	if (wrong)
		fail_msg("a reader got %s", (char *)wrong);
	assert_true(atomic_load(&s.answers) > 0);
}

static struct duck_views request_of(const struct place *p)
{
	return (struct duck_views){ .database = p->database,
				    .staging = p->staging,
				    .ours = p->folder };
}

/* The second step with one view; all is as if it had been one. */
static void end_with(const struct place *p, struct duck_views_ahead *ahead, const char *path)
{
	AUTO_STRV struct strv files = STRV_INIT;
	AUTO_RESULT struct duck_views_result result = { 0 };
	struct duck_view view = { .name = "a", .files = &files };
	struct duck_views request = request_of(p);
	struct err e = { 0 };

	strv_add(&files, path);
	request.views = &view;
	request.count = 1;
	if (duck_views_end(ahead, &request, &result, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(result.failed.n, 0);
	assert_int_equal(result.changed, 1);
	assert_int_equal(access(p->staging, F_OK), -1);
}

static struct duck_views_ahead *begin(const struct place *p)
{
	struct duck_views_ahead *ahead = NULL;
	struct duck_views request = request_of(p);
	struct err e = { 0 };

	if (duck_views_begin(&request, &ahead, &e) < 0)
		fail_msg("%s", e.msg);
	return ahead;
}

TEST(a_child_that_is_begun_ahead_makes_the_database)
{
	const struct place *p = *state;
	AUTO_DUCK_VIEWS struct duck_views_ahead *ahead = begin(p);

	assert_int_equal(access(p->database, F_OK), -1);
	end_with(p, ahead, make_parquet(p, "one.parquet", "n\n1\n"));
	shows(p, "FROM a", "[1]");
}

TEST(a_database_that_appears_meanwhile_is_changed_like_any)
{
	const struct place *p = *state;
	const char *one = make_parquet(p, "one.parquet", "n\n1\n");
	struct duck_views other = request_of(p);
	AUTO_FREE char *staging = xasprintf("%s.other", p->staging);
	AUTO_RESULT struct duck_views_result result = { 0 };
	AUTO_STRV struct strv files = STRV_INIT;
	struct duck_view view = { .name = "b", .files = &files };
	AUTO_DUCK_VIEWS struct duck_views_ahead *ahead = begin(p);
	struct err e = { 0 };

	strv_add(&files, one);
	other.staging = staging;
	other.views = &view;
	other.count = 1;
	assert_int_equal(duck_views(&other, &result, &e), 0);
	end_with(p, ahead, make_parquet(p, "two.parquet", "n\n2\n"));
	shows(p, "SELECT (FROM a), (FROM b)", "[2,1]");
}

TEST(a_child_that_is_given_up_leaves_no_database)
{
	const struct place *p = *state;

	duck_views_abandon(begin(p));
	assert_int_equal(access(p->database, F_OK), -1);
	put(p, "a", make_parquet(p, "one.parquet", "n\n1\n"), 1);
	shows(p, "FROM a", "[1]");
}

TEST(a_child_that_has_ended_by_then_is_started_again)
{
	const struct place *p = *state;
	const char *script = in_place(p, "dies");
	const char *one = make_parquet(p, "one.parquet", "n\n1\n");
	AUTO_FREE char *worker = xstrdup(getenv("LARDER_DUCK"));
	AUTO_DUCK_VIEWS struct duck_views_ahead *ahead = NULL;
	siginfo_t ended;

	write_text(script, "#!/bin/sh\nread -r line\nkill -9 $$\n");
	assert_int_equal(chmod(script, 0700), 0);
	assert_int_equal(setenv("LARDER_DUCK", script, 1), 0);
	ahead = begin(p);
	assert_int_equal(setenv("LARDER_DUCK", worker, 1), 0);
	assert_int_equal(waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT), 0); /* it is the only one */
	write_text(p->staging, "what it left");
	end_with(p, ahead, one);
	shows(p, "FROM a", "[1]");
}

/* Only what is below `ours` can be opened by it, whatever is asked in the second step. */
TEST(a_child_that_is_begun_ahead_opens_no_other_file)
{
	const struct place *p = *state;
	AUTO_SCRATCH char *elsewhere = xasprintf("%s.other", p->folder);
	AUTO_FREE char *outside = xasprintf("%s/one.parquet", elsewhere);
	AUTO_STRV struct strv files = STRV_INIT;
	AUTO_RESULT struct duck_views_result result = { 0 };
	struct duck_view view = { .name = "a", .files = &files };
	struct duck_views request = request_of(p);
	AUTO_DUCK_VIEWS struct duck_views_ahead *ahead = NULL;
	struct err e = { 0 };

	if (!sandbox_limits_files())
		skip();
	assert_int_equal(mkdir(elsewhere, 0700), 0);
	assert_int_equal(rename(make_parquet(p, "one.parquet", "n\n1\n"), outside), 0);
	assert_int_equal(duck_views_begin(&request, &ahead, &e), 0);
	strv_add(&files, outside);
	request.views = &view;
	request.count = 1;
	if (duck_views_end(ahead, &request, &result, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(result.failed.n, 1);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(views_are_made_replaced_and_dropped),
		IN_PLACE(names_may_hold_anything),
		IN_PLACE(what_is_the_users_stays),
		IN_PLACE(a_view_of_ours_is_known_after_the_folder_moved),
		IN_PLACE(one_bad_file_does_not_lose_the_others),
		IN_PLACE(parts_are_one_view),
		IN_PLACE(a_file_that_readers_hold_is_changed_beside_them),
		IN_PLACE(a_writer_is_named_when_it_does_not_let_go),
		IN_PLACE(a_file_that_is_no_database_is_left_alone),
		IN_PLACE(killed_at_any_time_the_database_opens),
		IN_PLACE(views_replaced_under_a_reader_never_mix),
		IN_PLACE(a_child_that_is_begun_ahead_makes_the_database),
		IN_PLACE(a_database_that_appears_meanwhile_is_changed_like_any),
		IN_PLACE(a_child_that_is_given_up_leaves_no_database),
		IN_PLACE(a_child_that_has_ended_by_then_is_started_again),
		IN_PLACE(a_child_that_is_begun_ahead_opens_no_other_file),
	};

	return cmocka_run_group_tests_name("duck-views", tests, NULL, NULL);
}
