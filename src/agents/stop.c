/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/stop.h"

#include "agents/reap.h"
#include "agents/run.h"
#include "base/keep.h"
#include "base/time.h"
#include "engine/watch.h"

#include <signal.h>

/* A supervisor records an end within milliseconds; one that was just killed is replaced by us. */
#define RECORD_MS 2000

static int note_stopping(struct agents *a, const struct dispatch *d, struct err *e)
{
	static const char sql_stop[] =
		"UPDATE agent_dispatch SET stopping = 1 WHERE id = ?1 AND status = ?2";
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_tx(agents_db(a), &tx, e);

	if (r == 0)
		r = db_exec(tx, e, sql_stop, "ti", d->id, (int64_t)AGENT_RUNNING);
	return r < 0 ? r : db_commit(tx, e);
}

/* 1 once the row says that it has ended. */
static int has_ended(struct agents *a, struct dispatch *d, struct err *e)
{
	AUTO_FREE char *id = xstrdup(d->id);
	int r = dispatch_find(agents_db(a), id, d, e);

	return r < 0 ? r : d->status != AGENT_RUNNING;
}

/* Until all of its group are gone, or `ms` are over: 1 when they are gone. */
static int wait_for_process(const struct dispatch *d, int64_t ms, struct err *e)
{
	AUTO_WATCH struct watch *w = watch_new();
	int64_t until = time_monotonic() + ms;
	pid_t member;
	int r = 0;

	while (r >= 0 && (member = keep_member(d->identity)) > 0) {
		int64_t left = until - time_monotonic();

		if (left <= 0)
			return 0;
		r = watch_process(w, member, e);
		if (r == 0)
			r = watch_wait(w, left, e);
	}
	return r < 0 ? r : 1;
}

/* Until its supervisor has written something, or has died. */
static int wait_for_supervisor(struct agents *a, const struct dispatch *d, struct watch *w,
			       int64_t until, struct err *e)
{
	AUTO_FREE char *name = run_lease_name(d);
	int64_t left = until - time_monotonic();
	pid_t supervisor = 0;
	int r = lease_owner(agents_db(a), name, &supervisor, e);

	if (r > 0)
		r = watch_process(w, supervisor, e);
	return r < 0 ? r : watch_wait(w, left > 0 ? left : 0, e);
}

/* Its supervisor writes it down; when it has none, we do. */
static int wait_for_record(struct agents *a, struct dispatch *d, struct err *e)
{
	AUTO_FREE char *log = xasprintf("%s/" ROOT_DB "-wal", agents_path(a));
	AUTO_WATCH struct watch *w = watch_new();
	int64_t until = time_monotonic() + RECORD_MS;
	struct agent_verdict verdict;
	int r = watch_file(w, log, e);

	while (r >= 0 && (r = has_ended(a, d, e)) == 0) {
		struct err why = { 0 };

		r = reap_one(a, d, false, &verdict, &why);
		if (r < 0 && r != ERR_BUSY && r != ERR_CONFLICT) {
			*e = why;
			return r;
		}
		if (r == 0 && d->status != AGENT_RUNNING)
			return 0;
		if (time_monotonic() > until)
			return err_set(e, ERR_BUSY, "'%.200s' does not end", d->name);
		r = wait_for_supervisor(a, d, w, until, e);
	}
	return r < 0 ? r : 0;
}

static int end_running(struct agents *a, struct dispatch *d, bool force, struct err *e)
{
	int r = note_stopping(a, d, e);

	if (r < 0)
		return r;
	(void)keep_signal(d->identity, force ? SIGKILL : SIGTERM); /* it may have ended just now */
	r = wait_for_process(d, force ? RECORD_MS : RUN_GRACE_MS, e);
	if (r == 0) {
		(void)keep_signal(d->identity, SIGKILL); /* likewise */
		r = wait_for_process(d, RECORD_MS, e);
	}
	return r < 0 ? r : wait_for_record(a, d, e);
}

int stop_work(struct agents *a, const char *name, bool force, struct dispatch *ret, struct err *e)
{
	const struct change cancel = { .event = AGENT_STOP };
	struct agent_verdict verdict;
	int r = dispatch_find(agents_db(a), name, ret, e);

	if (r < 0)
		return r;
	if (ret->status != AGENT_RUNNING)
		return change_apply(a, ret, &cancel, &verdict, e);
	if (evidence_life(ret) == PROC_UNKNOWN && (*ret->identity || ret->pid)) {
		(void)err_set(e, ERR_CONFLICT, "nothing is known of the process of '%.200s' here",
			      ret->name);
		return err_hint(e, "stop it on the machine that runs it");
	}
	if (!*ret->identity && evidence_life(ret) == PROC_ALIVE) {
		(void)err_set(e, ERR_CONFLICT, "'%.200s' was started by another tool", ret->name);
		return err_hint(e, "end process %lld by hand, then `larder agent reap`",
				(long long)ret->pid);
	}
	return end_running(a, ret, force, e);
}
