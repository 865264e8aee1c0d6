/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/run.h"

#include "base/file.h"
#include "base/json.h"
#include "base/keep.h"
#include "base/time.h"
#include "engine/watch.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>

/* Often enough that a lease never lapses, and that a log cannot fill a disk meanwhile. */
#define TICK_MS (RUN_LEASE_MS / 4)

/*
 * Begins when it is told that it is on record: if we are killed before, nothing was begun, and it may
 * be begun anew. Waits for its command whatever signal the group gets, and notes how it ended: first
 * under another name, so that a half-written note is none.
 */
static const char keeper[] = "read go || exit 125; trap : TERM INT HUP; f=$1; shift;"
			     " \"$@\" </dev/null; c=$?;"
			     " echo $c >\"$f.tmp\" && mv -f \"$f.tmp\" \"$f\"; exit $c";

struct work {
	struct agents *a;
	struct dispatch *d;
	struct lease *lease;
	struct watch *watch;
	int log;
	int gate; /* what the shell waits at */
	pid_t pid;
	int64_t deadline; /* monotonic; 0: none */
	int64_t kill_at;  /* once it was told to end; 0: it was not */
	bool timed_out;
};

static void work_release(struct work *w)
{
	watch_free(w->watch);
	lease_drop(w->lease);
	auto_fd_(&w->log);
	auto_fd_(&w->gate);
}

char *run_lease_name(const struct dispatch *d)
{
	return xasprintf("agent %s", d->id);
}

static int read_command(const struct dispatch *d, const char *end_file, struct strv *argv,
			struct err *e)
{
	AUTO_JSON struct json *command = NULL;
	int r = json_parse(bytes_of(d->command), RUN_COMMAND_MAX, &command, e);

	if (r < 0)
		return err_in(e, "the command of '%.100s'", d->name);
	strv_add(argv, "/bin/sh");
	strv_add(argv, "-c");
	strv_add(argv, keeper);
	strv_add(argv, "larder-agent");
	strv_add(argv, end_file);
	for (size_t i = 0; i < json_size(command); i++) {
		const char *word = json_text(json_at(command, i));

		if (!word)
			return err_set(e, ERR_CORRUPT, "the command of '%.100s' is damaged",
				       d->name);
		strv_add(argv, word);
	}
	return 0;
}

static int make_folder(const struct agents *a, const struct dispatch *d, int *ret_log,
		       struct err *e)
{
	AUTO_FREE char *log_file = evidence_log_file(d);
	AUTO_FREE char *log = agents_file(d->name, log_file);
	AUTO_FREE char *repo = agents_file(d->name, "repo");
	AUTO_FREE char *meta = agents_file(d->name, ".meta");
	int r = dir_make(agents_dirfd(a), repo, 0700, e);

	if (r == 0)
		r = dir_make(agents_dirfd(a), meta, 0700, e);
	return r < 0 ? r : file_open_append(agents_dirfd(a), log, 0600, ret_log, e);
}

static void add_environment(const struct work *w, struct strv *out)
{
	strv_addf(out, "LARDER_AGENT_DISPATCH=%s", w->d->id);
	strv_addf(out, "LARDER_AGENT_RUN=%" PRId64, w->d->runs);
	strv_addf(out, "LARDER_AGENT_TASK=%s", w->d->task);
	strv_addf(out, "LARDER_AGENT_ORG=%s", w->d->org);
	strv_addf(out, "LARDER_AGENT_REPO=%s", w->d->repo);
	strv_addf(out, "LARDER_AGENT_BRANCH=%s", w->d->branch);
	strv_addf(out, "LARDER_AGENT_TEMPLATE=%s", w->d->template);
	strv_addf(out, "LARDER_AGENT_TYPE=%s", w->d->agent);
	strv_addf(out, "LARDER_AGENT_FOLDER=%s/" AGENTS_FOLDER "/%s", agents_path(w->a),
		  w->d->name);
}

static int start(struct work *w, struct err *e)
{
	AUTO_FREE char *end = evidence_end_file(w->d);
	AUTO_FREE char *folder =
		xasprintf("%s/" AGENTS_FOLDER "/%s", agents_path(w->a), w->d->name);
	AUTO_FREE char *repo = xasprintf("%s/repo", folder);
	AUTO_FREE char *end_file = xasprintf("%s/%s", folder, end);
	AUTO_STRV struct strv argv = STRV_INIT;
	AUTO_STRV struct strv environment = STRV_INIT;
	char identity[PROC_IDENTITY_MAX];
	struct keep_options o = { .folder = repo, .environment = &environment };
	AUTO_FD int inner = -1;
	int gate[2];
	int r = make_folder(w->a, w->d, &w->log, e);

	if (r == 0)
		r = read_command(w->d, end_file, &argv, e);
	if (r < 0)
		return r;
	add_environment(w, &environment);
	o.argv = (const char *const *)argv.v;
	o.output_fd = w->log;
	if (pipe2(gate, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe");
	w->gate = gate[1];
	o.input_fd = inner = gate[0];
	r = keep_start(&o, &w->pid, e);
	if (r < 0)
		return r;
	proc_identity(w->pid, identity);
	dispatch_set(&w->d->identity, identity);
	w->d->pid = w->pid;
	if (w->d->timeout_ms > 0)
		w->deadline = time_monotonic() + w->d->timeout_ms;
	r = change_note_process(w->a, w->d, w->lease, e);
	if (r == 0)
		r = file_write_all(w->gate, BYTES_LITERAL("go\n"), "the gate", e);
	auto_fd_(&w->gate); /* one that was not let through ends */
	w->gate = -1;
	return r;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return b && b < a ? b : a;
}

/* A clock that was set has given our lease away; when nobody holds it now, it is ours again. */
static int retake(struct work *w, struct err *e)
{
	AUTO_FREE char *name = run_lease_name(w->d);

	lease_drop(TAKE(w->lease));
	return lease_take(agents_db(w->a), name, RUN_LEASE_MS, "larder agent run", &w->lease, e);
}

static int beat(struct work *w, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_lazy(agents_db(w->a), e);

	if (r < 0)
		return r;
	tx = agents_db(w->a);
	r = lease_check(w->lease, e);
	if (r == 0)
		return db_commit(tx, e);
	db_rollback(TAKE(tx));
	return r == ERR_BUSY ? retake(w, e) : r;
}

static void tell_to_end(struct work *w, int64_t now)
{
	bool again = w->kill_at != 0;

	(void)keep_signal(w->d->identity, again ? SIGKILL : SIGTERM); /* it may have ended */
	w->kill_at = now + RUN_GRACE_MS;
}

/* That a person asked for it must be on record before it ends. */
static int note_stop(struct work *w, struct err *e)
{
	static const char sql_stop[] = "UPDATE agent_dispatch SET stopping = 1 WHERE id = ?1";
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_tx(agents_db(w->a), &tx, e);

	if (r == 0)
		r = db_exec(tx, e, sql_stop, "t", w->d->id);
	return r < 0 ? r : db_commit(tx, e);
}

static int on_time(struct work *w, struct err *e)
{
	int64_t now = time_monotonic();

	if (w->kill_at && now >= w->kill_at)
		tell_to_end(w, now);
	if (w->deadline && !w->timed_out && now >= w->deadline) {
		w->timed_out = true;
		tell_to_end(w, now);
	}
	file_release_middle(w->log, w->d->log_max / 2, w->d->log_max / 2);
	return beat(w, e);
}

static int watch_over(struct work *w, int *ret_status, struct err *e)
{
	int r = watch_process(w->watch, w->pid, e);

	while (r >= 0 && !keep_ended(w->pid, ret_status)) {
		int64_t now = time_monotonic();
		int64_t next = earlier(now + TICK_MS, w->kill_at);

		if (!w->timed_out)
			next = earlier(next, w->deadline);
		r = watch_wait(w->watch, next > now ? next - now : 0, e);
		if (r == WATCH_SIGNAL) {
			r = w->kill_at ? 0 : note_stop(w, e);
			tell_to_end(w, time_monotonic());
		} else if (r == WATCH_TIME) {
			r = on_time(w, e);
		}
	}
	return r < 0 ? r : 0;
}

static int record_end(struct work *w, struct change *c, struct err *e)
{
	struct agent_verdict verdict;
	int r = change_apply(w->a, w->d, c, &verdict, e);

	if (r == ERR_BUSY && retake(w, e) == 0) {
		c->lease = w->lease;
		r = change_apply(w->a, w->d, c, &verdict, e);
	}
	/* Who held it meanwhile has found the end, too. */
	return r == ERR_CONFLICT && w->d->status != AGENT_RUNNING ? 0 : r;
}

/* Its end is recorded; a start that failed is an end, too. */
static int finish(struct work *w, int started, int status, struct err *e)
{
	struct change c = {
		.event = AGENT_EXIT,
		.lease = w->lease,
		.exit_known = true,
		.exit_code = started < 0 ? 127 : status,
		.timed_out = w->timed_out,
	};
	struct err why = { 0 };
	int r = record_end(w, &c, started < 0 ? &why : e);

	if (started < 0)
		return started;
	return r < 0 ? r : run_trim_log(w->a, w->d, e);
}

int run_work(struct agents *a, struct dispatch *d, const struct run_options *options, struct err *e)
{
	AUTO(work_release)
	struct work w = { .a = a, .d = d, .log = -1, .gate = -1, .watch = watch_new() };
	AUTO_FREE char *name = run_lease_name(d);
	struct change spawn = { .event = AGENT_SPAWN,
				.may_start = options->may_start,
				.ctx = options->ctx };
	struct agent_verdict verdict;
	int status = 0;
	int r = watch_signals(w.watch, e);

	if (r == 0)
		r = lease_take(agents_db(a), name, RUN_LEASE_MS, "larder agent run", &w.lease, e);
	spawn.lease = w.lease;
	if (r == 0)
		r = change_apply(a, d, &spawn, &verdict, e);
	if (r < 0)
		return r;
	r = start(&w, e);
	if (r < 0)
		return finish(&w, r, 0, e);
	if (options->started)
		options->started(options->ctx, d);
	r = watch_over(&w, &status, e);
	return r < 0 ? r : finish(&w, 0, status, e);
}
