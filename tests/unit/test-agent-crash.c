/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crash sweep of what changes a home of agents: at each durable step in turn (SQLite's own
 * included) the process ends, or the disk fails, or is full, from there on; then the next one comes,
 * and what was begun is whole, or was not begun, and is never done twice. Steps are processes that are
 * forked from this one and share nothing with each other but the folder; this one passes no step itself.
 * A failing and a full disk by turns; LARDER_TEST_LONG=1 tries both at every step.
 * The hub of push and pull is a process, too. (Commands from outside: tests/crash/agent.t.)
 */
#include "agents/change.h"
#include "agents/clean.h"
#include "agents/member.h"
#include "agents/mirror.h"
#include "agents/reap.h"
#include "agents/run.h"
#include "base/json.h"
#include "engine/watch.h"
#include "net/http-client.h"
#include "scratch.h"

#include <stdio.h>
#include <sys/wait.h>

#define CRASHED 99
#define NAME    "local/r/work"
/* Whoever was cut off is found at once; nobody's work takes so long. */
#define WAIT_MS 20000

/* In a process of its own; 0 or what its error was. */
typedef int (*step_fn)(struct agents *a, struct err *e);

/* Of a process that is to be cut: NULL for none. */
struct cut {
	const char *variable, *with;
	long at;
};

static int say(const char *what, const struct err *e)
{
	(void)fprintf(stderr, "%s: %s\n", what, e->msg);
	return 1;
}

static int child(const char *home, step_fn step, const struct cut *cut)
{
	const struct agents_options o = { .path = home, .create = true, .self = "me" };
	char at[24];
	struct agents *a = NULL;
	struct err e = { 0 };

	if (cut) {
		(void)snprintf(at, sizeof(at), "%ld", cut->at);
		(void)setenv(cut->variable, at, 1);
		(void)setenv("LARDER_FAIL_WITH", cut->with, 1);
	}
	if (agents_open(&o, &a, &e) < 0 || step(a, &e) < 0)
		return cut && *e.msg ? 1 : say(home, &e) + 1;
	agents_close(a);
	return 0;
}

static int in_process(const char *home, step_fn step, const struct cut *cut)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(child(home, step, cut));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void shell(const char *fmt, ...) PRINTF(1, 2);
static void shell(const char *fmt, ...)
{
	AUTO_BUF struct buf command = BUF_INIT(BUF_OWN_MAX);
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&command, fmt, ap);
	va_end(ap);
	assert_int_equal(system(command.p), 0);
}

/* A copy of what was before; all of them go with the folder. */
static char *new_home(const char *folder)
{
	static long n;
	char *home = xasprintf("%s/%ld", folder, ++n);

	shell("exec cp -r '%s/before' '%s'", folder, home);
	return home;
}

static long count_steps(const char *folder, step_fn act)
{
	AUTO_FREE char *path = xasprintf("%s/steps", folder);
	AUTO_FREE char *home = new_home(folder);
	FILE *steps;
	long n = 0;

	(void)setenv("LARDER_STEPS", path, 1);
	assert_int_equal(in_process(home, act, NULL), 0);
	(void)unsetenv("LARDER_STEPS");
	steps = fopen(path, "r");
	assert_non_null(steps);
	for (int c; (c = fgetc(steps)) != EOF;)
		n += c == '\n';
	(void)fclose(steps); /* read only */
	return n;
}

struct sweep {
	step_fn before; /* makes the home that is cut; NULL: an empty one */
	step_fn act;    /* what is cut */
	step_fn again;  /* what comes next, and finishes; NULL: nothing */
	step_fn check;
	long least; /* steps: fewer would mean that nothing was swept */
};

/* By turns: which of the two it is changes nothing but the sentence. */
struct kind {
	const char *variable, *with[2];
};

/* A fork under a sanitizer costs ten times as much; what it looks for is in every step. */
static long stride(void)
{
	const char *sanitizer = getenv("LARDER_TEST_SANITIZER");

	return sanitizer && strcmp(sanitizer, "none") != 0 ? 7 : 1;
}

static void sweep_with(const struct sweep *s, const char *folder, const struct kind *kind,
		       long steps)
{
	struct cut cut = { .variable = kind->variable };

	for (cut.at = 1; cut.at <= steps; cut.at += stride()) {
		AUTO_FREE char *home = new_home(folder);
		int code;

		cut.with = kind->with[cut.at % 2];
		code = in_process(home, s->act, &cut);
		if (code != 0 && code != 1 && code != CRASHED)
			fail_msg("%s=%ld: exit %d", cut.variable, cut.at, code);
		if (s->again && in_process(home, s->again, NULL) != 0)
			fail_msg("%s=%ld %s: the next one fails", cut.variable, cut.at, cut.with);
		if (in_process(home, s->check, NULL) != 0)
			fail_msg("%s=%ld %s: not whole", cut.variable, cut.at, cut.with);
	}
}

/* By another process: this one must pass no step. */
static void remove_folder(char **folder)
{
	shell("rm -rf '%s'", *folder);
	free(*folder);
}

static int open_only(struct agents *a, struct err *e)
{
	(void)a, (void)e;
	return 0;
}

static void sweep(const struct sweep *s)
{
	AUTO(remove_folder) char *folder = scratch_new();
	AUTO_FREE char *before = xasprintf("%s/before", folder);
	long steps;

	shell("mkdir '%s'", before);
	assert_int_equal(in_process(before, s->before ? s->before : open_only, NULL), 0);
	steps = count_steps(folder, s->act);
	assert_true(steps >= s->least);
	sweep_with(s, folder, &(struct kind){ "LARDER_CRASH_AT", { "", "" } }, steps);
	sweep_with(s, folder, &(struct kind){ "LARDER_FAIL_AT", { "EIO", "ENOSPC" } }, steps);
	if (getenv("LARDER_TEST_LONG"))
		sweep_with(s, folder, &(struct kind){ "LARDER_FAIL_AT", { "ENOSPC", "EIO" } },
			   steps);
}

/* What is asked of every home: mirrors say what rows say, nothing is left to be moved. */
static int is_stale(void *ctx, const struct dispatch *d, struct err *e)
{
	struct agents *a = ctx;
	int stale = mirror_is_stale(a, d, e);

	return stale > 0 ? err_set(e, ERR_FAILED, "'%s' says something else", d->name) : stale;
}

static int check_whole(struct agents *a, struct err *e)
{
	const struct dispatch_filter all = { 0 };
	int64_t waiting = 0;
	int r = db_get_int(agents_db(a), &waiting, 0, e, "SELECT count(*) FROM journal", "");

	if (r == 0 && waiting > 0)
		return err_set(e, ERR_FAILED, "the journal is not empty");
	return r < 0 ? r : dispatch_visit(agents_db(a), &all, is_stale, a, e);
}

static int expect(struct agents *a, const char *sql, int64_t wanted, struct err *e)
{
	int64_t got = -1;
	int r = db_get_int(agents_db(a), &got, -1, e, sql, "");

	return r < 0           ? r
	       : got == wanted ? 0
			       : err_set(e, ERR_FAILED, "%s: %lld", sql, (long long)got);
}

static int reap(struct agents *a, struct err *e)
{
	AUTO_REAP_REPORT struct reap_report report = { 0 };

	return reap_run(a, &report, e);
}

static int plan(const char *script, struct dispatch *ret, struct err *e)
{
	AUTO_STRV struct strv command = STRV_INIT;
	const struct run_wish wish = { .repo = "r", .folder = "work", .command = &command };

	strv_add(&command, "/bin/sh");
	strv_add(&command, "-c");
	strv_add(&command, script);
	return run_plan(&wish, ret, e);
}

static int queue(struct agents *a, struct err *e)
{
	AUTO_DISPATCH struct dispatch d = { 0 };
	int r = plan("echo x >>ran", &d, e);

	return r < 0 ? r : change_add(a, &d, e);
}

static int start(struct agents *a, struct err *e)
{
	AUTO_DISPATCH struct dispatch d = { 0 };
	const struct run_options how = { 0 };
	int r = dispatch_find(agents_db(a), NAME, &d, e);

	return r < 0 ? r : run_work(a, &d, &how, e);
}

static int run(struct agents *a, struct err *e)
{
	int r = queue(a, e);

	return r < 0 ? r : start(a, e);
}

static int wait_for_end(struct agents *a, struct dispatch *d, struct err *e)
{
	AUTO_WATCH struct watch *w = watch_new();
	AUTO_FREE char *id = xstrdup(d->id);
	int r = 0;

	while (r >= 0 && evidence_life(d) == PROC_ALIVE) {
		r = watch_process(w, (pid_t)d->pid, e);
		if (r == 0)
			r = watch_wait(w, WAIT_MS, e);
	}
	if (r >= 0)
		r = reap(a, e);
	return r < 0 ? r : dispatch_find(agents_db(a), id, d, e);
}

/* Whatever was cut off is brought to its end: what waits is started, what runs is waited for. */
static int bring_to_end(struct agents *a, struct err *e)
{
	AUTO_DISPATCH struct dispatch d = { 0 };
	int r = reap(a, e);

	if (r == 0)
		r = dispatch_current(agents_db(a), NAME, &d, e);
	if (r <= 0)
		return r;
	if (d.status == AGENT_RUNNING)
		r = wait_for_end(a, &d, e);
	if (r >= 0 && d.status == AGENT_QUEUED)
		r = start(a, e);
	return r < 0 ? r : 0;
}

/* The command leaves a line each time it runs. */
static int ran_at_most_once(struct agents *a, struct err *e)
{
	AUTO_DISPATCH struct dispatch d = { 0 };
	AUTO_FREE char *path = agents_file(NAME, "repo/ran");
	AUTO_BUF struct buf lines = BUF_INIT(4096);
	struct err none = { 0 };
	int known = dispatch_current(agents_db(a), NAME, &d, e);
	int ran = file_read(agents_dirfd(a), path, 4096, &lines, &none);

	if (known < 0)
		return known;
	if (ran == 0 && !bytes_equal(buf_bytes(&lines), bytes_of("x\n")))
		return err_set(e, ERR_FAILED, "it ran twice");
	if (known > 0 && d.status == AGENT_COMPLETED && ran < 0)
		return err_set(e, ERR_FAILED, "it is completed and never ran");
	if (ran == 0 && (known == 0 || !agent_is_terminal(d.status)))
		return err_set(e, ERR_FAILED, "it ran, and its end is not known");
	if (known > 0 && agent_is_terminal(d.status) &&
	    expect(a, "SELECT waiting FROM outbox_state", 1, e) < 0)
		return e->code;
	return check_whole(a, e);
}

TEST(work_runs_once_or_not_at_all)
{
	sweep(&(struct sweep){ NULL, run, bring_to_end, ran_at_most_once, 40 });
}

static int leave_folders(struct agents *a, struct err *e)
{
	int r = run(a, e);

	if (r < 0)
		return r;
	shell("cd '%s/workspace' && mkdir -p core/x/one core/x/two && "
	      "echo '{\"status\":\"running\",\"pid\":99999999,\"theirs\":1}' >core/x/one/status.json && "
	      "echo '{\"status\":\"completed\"}' >core/x/two/status.json && "
	      "echo torn >" NAME "/status.json",
	      agents_path(a));
	return 0;
}

static int reaped_all(struct agents *a, struct err *e)
{
	shell("cd '%s/workspace' && grep -q '\"theirs\": *1' core/x/one/status.json && "
	      "grep -qx torn " NAME "/status.json.corrupt-*",
	      agents_path(a));
	if (expect(a, "SELECT count(*) FROM agent_dispatch WHERE status = 4", 1, e) < 0 ||
	    expect(a, "SELECT count(*) FROM agent_dispatch", 3, e) < 0 ||
	    expect(a, "SELECT waiting FROM outbox_state", 3, e) < 0)
		return e->code;
	return check_whole(a, e);
}

TEST(a_reap_is_made_good_by_the_next)
{
	sweep(&(struct sweep){ leave_folders, reap, reap, reaped_all, 12 });
}

static int clean(struct agents *a, struct err *e)
{
	const struct clean_options o = { 0 };
	AUTO_CLEAN_REPORT struct clean_report report = { 0 };

	return clean_run(a, &o, &report, e);
}

static int cleaned_all(struct agents *a, struct err *e)
{
	AUTO_FREE char *folder = agents_file(NAME, "");

	if (faccessat(agents_dirfd(a), folder, F_OK, 0) == 0)
		return err_set(e, ERR_FAILED, "the folder is there");
	if (expect(a, "SELECT count(*) FROM agent_dispatch", 1, e) < 0)
		return e->code;
	return expect(a, "SELECT waiting FROM outbox_state", 1, e);
}

TEST(a_clean_loses_no_record)
{
	sweep(&(struct sweep){ run, clean, clean, cleaned_all, 8 });
}

static int ask(struct agents *a, struct err *e)
{
	AUTO_DISPATCH struct dispatch d = { 0 };
	int r = plan("if [ -e ANSWER.md ]; then echo x >>ran; else echo q >BLOCKED.md; fi", &d, e);

	if (r == 0)
		r = change_add(a, &d, e);
	return r < 0 ? r : start(a, e);
}

static int answer(struct agents *a, struct err *e)
{
	const struct change c = { .event = AGENT_WAIT, .answer = "yes" };
	AUTO_DISPATCH struct dispatch d = { 0 };
	struct agent_verdict verdict;
	int r = dispatch_find(agents_db(a), NAME, &d, e);

	if (r == 0 && d.status == AGENT_BLOCKED)
		r = change_apply(a, &d, &c, &verdict, e);
	return r < 0 ? r : start(a, e);
}

static int answer_again(struct agents *a, struct err *e)
{
	AUTO_DISPATCH struct dispatch d = { 0 };
	int r = bring_to_end(a, e);

	if (r == 0)
		r = dispatch_find(agents_db(a), NAME, &d, e);
	return r < 0 || d.status != AGENT_BLOCKED ? r : answer(a, e);
}

TEST(an_answer_comes_with_the_start_it_is_for)
{
	sweep(&(struct sweep){ ask, answer, answer_again, ran_at_most_once, 40 });
}

static int join(struct agents *a, struct err *e)
{
	AUTO_STRV struct strv command = STRV_INIT;
	AUTO_STRV struct strv none = STRV_INIT;
	const struct member_wish wish = {
		.models = &none, .capabilities = &none, .command = &command, .capacity = 1
	};

	strv_add(&command, "true");
	return member_join(a, &wish, e);
}

static int take(struct agents *a, struct err *e)
{
	static const char text[] = "{\"id\":5,\"repo\":\"r\",\"task\":\"t\",\"lease\":\"l\"}";
	AUTO_JSON struct json *task = NULL;
	int r = json_parse(bytes_of(text), 1000, &task, e);

	return r < 0 ? r : member_take(a, task, 9, e);
}

static int join_and_take(struct agents *a, struct err *e)
{
	int r = join(a, e);

	return r < 0 ? r : take(a, e);
}

/* As the drain does, with the hub's yes. */
static int agree(struct agents *a, struct err *e)
{
	const struct outbox_item item = { .kind = MEMBER_ACK, .subject = MEMBER_ACK " 5" };
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_tx(agents_db(a), &tx, e);

	if (r == 0)
		r = member_note_sent(a, &item, false, e);
	if (r == 0)
		r = db_commit(tx, e);
	return r < 0 ? r : member_start(a, e);
}

static int agreed_once(struct agents *a, struct err *e)
{
	if (expect(a,
		   "SELECT count(*) FROM agent_dispatch d JOIN agent_task t"
		   " ON t.dispatch_id = d.id WHERE t.state = 2",
		   1, e) < 0 ||
	    expect(a, "SELECT count(*) FROM agent_dispatch", 1, e) < 0)
		return e->code;
	return check_whole(a, e);
}

TEST(a_task_that_was_agreed_to_is_one_dispatch)
{
	sweep(&(struct sweep){ join_and_take, agree, agree, agreed_once, 10 });
}

static int is_taken_whole(struct agents *a, struct err *e)
{
	return expect(a,
		      "SELECT (SELECT count(*) FROM agent_task WHERE state = 0) = (SELECT count(*)"
		      " FROM outbox WHERE kind = 'fleet-ack')",
		      1, e);
}

static int taken(struct agents *a, struct err *e)
{
	int r = take(a, e);

	return r < 0 ? r : expect(a, "SELECT count(*) FROM agent_task", 1, e);
}

TEST(a_task_is_taken_with_its_acknowledgement_once)
{
	sweep(&(struct sweep){ join, take, NULL, is_taken_whole, 1 });
	sweep(&(struct sweep){ join, take, taken, is_taken_whole, 1 });
}

static int leave(struct agents *a, struct err *e)
{
	int r = member_leave(a, e);

	return r == ERR_NOT_FOUND ? 0 : r;
}

static int left(struct agents *a, struct err *e)
{
	if (expect(a, "SELECT count(*) FROM agent_member", 0, e) < 0 ||
	    expect(a, "SELECT count(*) FROM outbox WHERE kind = 'fleet-leave'", 1, e) < 0 ||
	    expect(a, "SELECT count(*) FROM outbox WHERE kind = 'fleet-register'", 0, e) < 0)
		return e->code;
	return expect(a, "SELECT count(*) FROM outbox WHERE kind = 'fleet-done'", 1, e);
}

TEST(leaving_gives_back_what_was_not_begun)
{
	sweep(&(struct sweep){ join_and_take, leave, leave, left, 1 });
}

/* A hub of its own for both, as a process: records that come again are known to it. */
static struct {
	char *folder, *url, *token;
} hub;

static char *read_line(const char *file)
{
	AUTO_FREE char *path = xasprintf("%s/%s", hub.folder, file);
	char line[200] = "";
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	(void)fclose(f); /* read only */
	line[strcspn(line, "\n")] = '\0';
	return xstrdup(line);
}

/* libcurl is loaded at the first request: once here, and not in each process again. */
static void load_http(void)
{
	AUTO_HTTP struct http_client *http = http_client_new(NULL);
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	const struct http_request q = { .method = "GET", .url = hub.url };
	struct err e = { 0 };

	CHECK_OK(http_request(http, &q, &reply, &e));
}

static int start_hub(void **state)
{
	AUTO_WATCH struct watch *w = watch_new();
	AUTO_FREE char *out = NULL;
	struct err e = { 0 };

	(void)state;
	hub.folder = scratch_new();
	out = xasprintf("%s/out", hub.folder);
	CHECK_OK(watch_file(w, out, &e));
	shell("PATH=\"$LARDER_BIN:$PATH\"; cd '%s' && larder hub init hub --admin a@example.com >token "
	      "&& { larder serve --data hub --listen 127.0.0.1:0 >out 2>log & echo $! >pid; }",
	      hub.folder);
	for (;;) {
		AUTO_FREE char *look = xasprintf("grep -q http: '%s'", out);

		if (system(look) == 0)
			break;
		CHECK_INT(watch_wait(w, WAIT_MS, &e), WATCH_CHANGE);
	}
	shell("cd '%s' && grep -o 'http://[^ ]*' out >url", hub.folder);
	hub.url = read_line("url");
	hub.token = read_line("token");
	load_http();
	return 0;
}

static int stop_hub(void **state)
{
	(void)state;
	shell("kill $(cat '%s/pid')", hub.folder);
	remove_folder(&hub.folder);
	free(hub.url);
	free(hub.token);
	return 0;
}

static struct sync_peer peer(void)
{
	return (struct sync_peer){ hub.url, hub.token };
}

static int make_records(struct agents *a, struct err *e)
{
	int r = leave_folders(a, e);

	return r < 0 ? r : reap(a, e);
}

static int push(struct agents *a, struct err *e)
{
	const struct sync_peer to = peer();
	const struct sync_push_options how = { .collect = true, .hurry = true, .wait_ms = WAIT_MS };
	AUTO_PUSH struct sync_pushed pushed = { 0 };

	return sync_push(a, &to, &how, &pushed, e);
}

static int pushed_all(struct agents *a, struct err *e)
{
	AUTO_FREE char *path = xasprintf("%s/hub/" ROOT_DB, hub.folder);
	AUTO_DB struct db *db = NULL;
	int64_t records = 0;
	int r = db_open(&(struct db_options){ .path = path, .read_only = true }, &db, e);

	if (r == 0)
		r = db_get_int(db, &records, 0, e, "SELECT count(*) FROM fleet_record", "");
	if (r == 0 && records != 3)
		return err_set(e, ERR_FAILED, "%lld records came", (long long)records);
	if (r == 0)
		r = expect(a, "SELECT waiting + dead FROM outbox_state", 0, e);
	return r < 0 ? r : check_whole(a, e);
}

TEST(a_push_is_made_good_by_the_next_once)
{
	sweep(&(struct sweep){ make_records, push, push, pushed_all, 3 });
}

static int give(struct agents *a, struct err *e)
{
	static const char records[] = "[{\"repo\":\"a\",\"status\":\"failed\"},"
				      "{\"repo\":\"b\",\"status\":\"failed\"}]";
	struct sync_collected given = { 0 };

	return sync_give(a, bytes_of(records), &given, e);
}

static int all_or_none(struct agents *a, struct err *e)
{
	return expect(
		a,
		"SELECT waiting IN (0, 2) AND waiting = (SELECT count(*) FROM outbox) AND bytes ="
		" (SELECT coalesce(sum(octet_length(payload)), 0) FROM outbox) FROM outbox_state",
		1, e);
}

static int given_all(struct agents *a, struct err *e)
{
	int r = all_or_none(a, e);

	if (r == 0)
		r = give(a, e);
	return r < 0 ? r : expect(a, "SELECT waiting FROM outbox_state", 2, e);
}

TEST(given_records_are_queued_all_or_none)
{
	sweep(&(struct sweep){ NULL, give, given_all, all_or_none, 1 });
}

static int pull(struct agents *a, struct err *e)
{
	const struct sync_peer from = peer();
	const struct sync_pull_options how = { 0 };
	struct sync_pulled pulled = { 0 };
	int r = sync_pull(a, &from, &how, &pulled, e);

	return r == 0 && pulled.stale ? err_set(e, ERR_FAILED, "%.400s", pulled.why.msg) : r;
}

/* All or nothing of it, and then all. */
static int pull_again(struct agents *a, struct err *e)
{
	int r = expect(a, "SELECT count(*) IN (0, 3) FROM agent_context", 1, e);

	return r < 0 ? r : pull(a, e);
}

static int pulled_all(struct agents *a, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(1 << 20);
	AUTO_JSON struct json *items = NULL;
	int r = file_read(agents_dirfd(a), "sync/context.json", 1 << 20, &text, e);

	if (r == 0)
		r = json_parse(buf_bytes(&text), 1 << 20, &items, e);
	if (r == 0 && json_size(items) != 3)
		return err_set(e, ERR_FAILED, "the mirror has %zu items", json_size(items));
	return r < 0 ? r : expect(a, "SELECT count(*) FROM agent_context", 3, e);
}

TEST(a_pull_keeps_the_old_or_has_the_new)
{
	sweep(&(struct sweep){ NULL, pull, pull_again, pulled_all, 5 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(work_runs_once_or_not_at_all),
		CASE(a_reap_is_made_good_by_the_next),
		CASE(a_clean_loses_no_record),
		CASE(an_answer_comes_with_the_start_it_is_for),
		CASE(a_task_that_was_agreed_to_is_one_dispatch),
		CASE(a_task_is_taken_with_its_acknowledgement_once),
		CASE(leaving_gives_back_what_was_not_begun),
		CASE(a_push_is_made_good_by_the_next_once),
		CASE(given_records_are_queued_all_or_none),
		CASE(a_pull_keeps_the_old_or_has_the_new),
	};

	return cmocka_run_group_tests(tests, start_hub, stop_hub);
}
