/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/change.h"
#include "agents/mirror.h"
#include "agents/run.h"

#include "base/json.h"
#include "base/time.h"
#include "scratch.h"

static struct agents *open_home(const char *folder)
{
	const struct agents_options o = { .path = folder, .create = true, .self = "me" };
	struct agents *a = NULL;
	struct err e = { 0 };

	CHECK_OK(agents_open(&o, &a, &e));
	return a;
}

static void add(struct agents *a, struct dispatch *d, const char *repo)
{
	AUTO_STRV struct strv command = STRV_INIT;
	const struct run_wish wish = { .repo = repo, .issue = 1, .command = &command };
	struct err e = { 0 };

	strv_add(&command, "true");
	CHECK_OK(run_plan(&wish, d, &e));
	CHECK_OK(change_add(a, d, &e));
}

TEST(members_of_others_are_kept_and_ours_are_written)
{
	AUTO_DISPATCH struct dispatch d = { 0 };
	AUTO_BUF struct buf out = BUF_INIT(10000);
	AUTO_JSON struct json *doc = NULL;
	struct err e = { 0 };

	dispatch_init(&d);
	d.status = AGENT_BLOCKED;
	dispatch_set(&d.question, "why?");
	d.runs = 2;
	mirror_render(&d,
		      bytes_of("{\"theirs\":{\"big\":9007199254740993},\"pid\":4,"
			       "\"status\":\"running\",\"pr_url\":\"x\"}"),
		      &out);
	CHECK_OK(json_parse(buf_bytes(&out), 10000, &doc, &e));
	CHECK(json_int(json_get(json_get(doc, "theirs"), "big"), 0) == 9007199254740993);
	CHECK_STR(json_text(json_get(doc, "status")), "blocked");
	CHECK_STR(json_text(json_get(doc, "question")), "why?");
	CHECK_STR(json_text(json_get(doc, "repo")), "");
	CHECK_INT(json_int(json_get(doc, "runs"), 0), 2);
	CHECK_INT(json_kind(json_get(doc, "pid")), JSON_NONE);
	CHECK_INT(json_kind(json_get(doc, "pr_url")), JSON_NONE);
}

TEST(what_other_tools_write_is_read)
{
	AUTO_DISPATCH struct dispatch d = { 0 };
	struct err e = { 0 };

	CHECK_OK(mirror_parse(
		bytes_of("{\"status\":\"running\",\"agent\":\"codex:gpt-5.4\",\"repo\":\"go-io\","
			 "\"task\":\"t\",\"org\":\"core\",\"issue\":7,\"pid\":99999,\"runs\":1,"
			 "\"process_id\":\"p1\","
			 "\"started_at\":\"2026-03-01T10:00:00.123456789+01:00\"}"),
		&d, &e));
	CHECK_INT(d.status, AGENT_RUNNING);
	CHECK_STR(d.agent, "codex:gpt-5.4");
	CHECK_STR(d.handle, "p1");
	CHECK_INT(d.pid, 99999);
	CHECK_STR(d.id, "");
	CHECK_INT(d.started_ms % 1000, 123);
	CHECK_STR(dispatch_model(&d), "gpt-5.4");
}

TEST(what_is_no_status_is_refused)
{
	static const char *const bad[] = { "",
					   "[]",
					   "{}",
					   "{\"status\":\"dancing\"}",
					   "{\"status\":3}",
					   "{\"status\":\"running\",\"repo\":\"a\\u0000b\"}",
					   "{\"status\":\"running\"" };
	AUTO_DISPATCH struct dispatch d = { 0 };
	AUTO_BUF struct buf big = BUF_INIT(STATUS_BYTES_MAX * 2);
	struct err e = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK_ERR(mirror_parse(bytes_of(bad[i]), &d, &e), ERR_CORRUPT);
	buf_adds(&big, "{\"status\":\"running\",\"repo\":\"");
	for (size_t i = 0; i < DISPATCH_TEXT_MAX; i++)
		buf_addc(&big, 'x');
	buf_adds(&big, "\"}");
	CHECK_OK(mirror_parse(buf_bytes(&big), &d, &e));
	big.p[big.n - 2] = 'x';
	big.p[big.n - 1] = '"';
	buf_addc(&big, '}');
	CHECK_ERR(mirror_parse(buf_bytes(&big), &d, &e), ERR_LIMIT);
}

TEST(a_file_that_cannot_be_read_is_set_aside)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_AGENTS struct agents *a = open_home(folder);
	AUTO_DISPATCH struct dispatch d = { 0 };
	const struct change c = { .event = AGENT_STOP };
	struct agent_verdict v;
	struct err e = { 0 };

	add(a, &d, "api");
	scratch_write(folder, "workspace/local/api/task-1/status.json", "{ torn");
	(void)setenv("LARDER_NOW", "2026-03-01T10:00:00Z", 1);
	CHECK_OK(change_apply(a, &d, &c, &v, &e));
	(void)unsetenv("LARDER_NOW");
	CHECK(scratch_is(folder, "workspace/local/api/task-1/status.json.corrupt-1772359200000",
			 "{ torn"));
	CHECK_INT(mirror_is_stale(a, &d, &e), 0);
	scratch_write(folder, "workspace/local/api/task-1/status.json", "{}");
	CHECK_INT(mirror_is_stale(a, &d, &e), 1);
}

TEST(work_in_a_folder_at_work_is_refused_and_after_its_end_becomes_history)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_AGENTS struct agents *a = open_home(folder);
	AUTO_DISPATCH struct dispatch first = { 0 }, second = { 0 }, found = { 0 };
	AUTO_STRV struct strv command = STRV_INIT;
	const struct run_wish wish = { .repo = "local/api", .issue = 1, .command = &command };
	const struct change stop = { .event = AGENT_STOP };
	struct agent_verdict v;
	struct err e = { 0 };

	add(a, &first, "api");
	strv_add(&command, "true");
	CHECK_OK(run_plan(&wish, &second, &e));
	CHECK_ERR(change_add(a, &second, &e), ERR_CONFLICT);
	CHECK_OK(change_apply(a, &first, &stop, &v, &e));
	CHECK_INT(first.status, AGENT_FAILED);
	CHECK_STR(first.question, "cancelled before it began");
	CHECK_OK(change_add(a, &second, &e));
	CHECK(strcmp(first.id, second.id) != 0);
	CHECK_OK(dispatch_find(agents_db(a), "local/api/task-1", &found, &e));
	CHECK_STR(found.id, second.id);
	CHECK_OK(dispatch_find(agents_db(a), first.id, &found, &e));
	CHECK(!found.current);
	CHECK_ERR(dispatch_find(agents_db(a), "local/api/task-2", &found, &e), ERR_NOT_FOUND);
}

TEST(a_change_that_cannot_happen_is_refused)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_AGENTS struct agents *a = open_home(folder);
	AUTO_DISPATCH struct dispatch d = { 0 };
	const struct change c = { .event = AGENT_MERGE };
	struct agent_verdict v;
	struct err e = { 0 };

	add(a, &d, "api");
	CHECK_ERR(change_apply(a, &d, &c, &v, &e), ERR_CONFLICT);
	CHECK_HAS(e.msg, "is queued and cannot be merged");
}

TEST(names_become_folders)
{
	static const struct {
		struct run_wish wish;
		const char *name;
	} cases[] = {
		{ { .repo = "api", .issue = 7 }, "local/api/task-7" },
		{ { .repo = "core/api", .pr = 9 }, "core/api/pr-9" },
		{ { .repo = "a/b", .org = "o", .branch = "feat/new thing" },
		  "o/a-b/feat/new-thing" },
		{ { .repo = "api", .branch = "/../x//" }, "local/api/_../x" },
		{ { .repo = "api", .task = "Fix: the BUILD!" }, "local/api/fix--the-build-" },
		{ { .repo = ".", .branch = "-" }, "local/_./_-" },
	};
	AUTO_STRV struct strv command = STRV_INIT;
	struct err e = { 0 };

	strv_add(&command, "true");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_DISPATCH struct dispatch d = { 0 };
		struct run_wish wish = cases[i].wish;

		wish.command = &command;
		CHECK_OK(run_plan(&wish, &d, &e));
		CHECK_STR(d.name, cases[i].name);
	}
}

TEST(a_wish_that_cannot_be_is_refused)
{
	AUTO_STRV struct strv none = STRV_INIT;
	AUTO_STRV struct strv command = STRV_INIT;
	AUTO_FREE char *task = xcalloc(DISPATCH_TASK_MAX + 2, 1);
	struct run_wish wish = { .repo = "api", .command = &none };
	AUTO_DISPATCH struct dispatch d = { 0 };
	struct err e = { 0 };

	CHECK_ERR(run_plan(&wish, &d, &e), ERR_USAGE);
	strv_add(&command, "true");
	wish.command = &command;
	wish.repo = NULL;
	CHECK_ERR(run_plan(&wish, &d, &e), ERR_USAGE);
	wish.repo = "a\nb\x01";
	CHECK_ERR(run_plan(&wish, &d, &e), ERR_USAGE);
	wish.repo = "api";
	memset(task, 'x', DISPATCH_TASK_MAX + 1);
	wish.task = task;
	CHECK_ERR(run_plan(&wish, &d, &e), ERR_USAGE);
	task[DISPATCH_TASK_MAX] = '\0';
	CHECK_OK(run_plan(&wish, &d, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(members_of_others_are_kept_and_ours_are_written),
		CASE(what_other_tools_write_is_read),
		CASE(what_is_no_status_is_refused),
		CASE(a_file_that_cannot_be_read_is_set_aside),
		CASE(work_in_a_folder_at_work_is_refused_and_after_its_end_becomes_history),
		CASE(a_change_that_cannot_happen_is_refused),
		CASE(names_become_folders),
		CASE(a_wish_that_cannot_be_is_refused),
	};

	return RUN(tests);
}
