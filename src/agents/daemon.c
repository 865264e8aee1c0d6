/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/daemon.h"

#include "agents/daemon-internal.h"
#include "agents/pace.h"
#include "agents/reap.h"
#include "agents/run.h"
#include "agents/sync-internal.h"
#include "base/keep.h"
#include "base/log.h"
#include "base/time.h"
#include "engine/outbox.h"
#include "engine/watch.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>

/* The owner of a lease is known by its process, so a long one costs nothing: no tick to renew it. */
#define LEASE_MS ((int64_t)24 * 3600 * 1000)
#define RENEW_MS (LEASE_MS / 3)
/* For what was launched to take its slot; then it is tried again. */
#define LAUNCH_MS ((int64_t)10 * 1000)
/* A report that comes late is looked for in every folder, and that is not worth it each time somebody
 * commits; work that ends is in the outbox by itself. */
#define COLLECT_MS ((int64_t)60 * 1000)
/* After a round that failed. */
#define PAUSE_MS ((int64_t)60 * 1000)
#define NEVER    INT64_MAX

struct daemon {
	struct agents *a;
	const struct daemon_options *options;
	struct lease *lease;
	struct watch *watch;
	int64_t next_ms;    /* wall clock: the earliest thing to do */
	int64_t pull_ms;    /* likewise: the next pull */
	int64_t tell_ms;    /* monotonic: nobody is told again before */
	int64_t look_ms;    /* monotonic: all folders are looked at again */
	int64_t collect_ms; /* monotonic: late reports are not looked for before */
	bool lost;          /* its lease */
	struct fleet_turn fleet;
	struct strv told; /* ids of work that was told to end since its time was up */
};

static void daemon_release(struct daemon *d)
{
	fleet_turn_end(&d->fleet);
	watch_free(d->watch);
	lease_drop(d->lease);
	strv_release(&d->told);
}

static void look_again_at(struct daemon *d, int64_t at)
{
	if (at >= 0 && at < d->next_ms)
		d->next_ms = at;
}

/* Its supervisor ends it; when that is gone, we do. By the process' own age: no clock that steps ends
 * anybody's work. */
static int enforce_time(struct daemon *d, const struct dispatch *row, struct err *e)
{
	AUTO_FREE char *name = run_lease_name(row);
	int64_t left = row->timeout_ms - keep_age_ms(row->identity);
	int r;

	if (row->timeout_ms <= 0)
		return 0;
	if (left > 0) {
		look_again_at(d, time_now() + left);
		return 0;
	}
	look_again_at(d, time_now() + RUN_GRACE_MS);
	r = lease_owner_lives(agents_db(d->a), name, e);
	if (r != 0 || time_monotonic() < d->tell_ms)
		return r < 0 ? r : 0;
	(void)keep_signal(row->identity, strv_has(&d->told, row->id) ? SIGKILL : SIGTERM);
	if (!strv_has(&d->told, row->id))
		strv_add(&d->told, row->id);
	d->tell_ms = time_monotonic() + RUN_GRACE_MS / 2;
	return 0;
}

/* Nothing is written for one that lives: that would wake us again. */
static int watch_one(struct daemon *d, struct dispatch *row, struct err *e)
{
	struct agent_verdict verdict;
	enum proc_liveness life = evidence_life(row);
	bool spawned = *row->identity || row->pid;

	if (spawned && life == PROC_UNKNOWN)
		return 0;
	if (spawned && life == PROC_ALIVE) {
		pid_t member = *row->identity ? keep_member(row->identity) : (pid_t)row->pid;
		int r = *row->identity ? enforce_time(d, row, e) : 0;

		return r < 0 ? r : watch_process(d->watch, member ? member : (pid_t)row->pid, e);
	}
	return reap_one(d->a, row, strv_has(&d->told, row->id), &verdict, e);
}

static int watch_running(struct daemon *d, struct err *e)
{
	const struct dispatch_filter running = { .status = AGENT_RUNNING };
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = dispatch_ids(agents_db(d->a), &running, &ids, e);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		AUTO_DISPATCH struct dispatch row = { 0 };
		struct err why = { 0 };

		r = dispatch_find(agents_db(d->a), ids.v[i], &row, e);
		if (r < 0)
			return r;
		r = watch_one(d, &row, &why);
		if (r == ERR_BUSY) /* its supervisor is about to write it down, or died just now */
			look_again_at(d, time_now() + RUN_GRACE_MS);
		else if (r ==
			 ERR_LIMIT) /* of one folder, and no reason to do nothing for the others */
			log_event(LOG_WARN, "problem", "what=%s: %s", row.name, why.msg);
		else if (r < 0 && r != ERR_CONFLICT)
			*e = why;
		if (r == ERR_BUSY || r == ERR_CONFLICT || r == ERR_LIMIT)
			r = 0;
	}
	return r;
}

/* May it start? Asked without keeping the answer: its supervisor asks again, and that counts. */
static int ask_gate(struct daemon *d, struct pace_gate *gate, const char *id, struct dispatch *ret,
		    struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	struct err why = { 0 };
	int r = db_begin_tx(agents_db(d->a), &tx, e);

	if (r == 0)
		r = dispatch_find(tx, id, ret, e);
	if (r < 0)
		return r;
	r = pace_may_start(gate, ret, &why);
	if (r < 0 && r != ERR_BUSY)
		*e = why;
	return r < 0 && r != ERR_BUSY ? r : r == 0;
}

static int put_off(struct daemon *d, const char *id, int64_t until, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_lazy(agents_db(d->a), e);

	if (r < 0)
		return r;
	tx = agents_db(d->a);
	r = pace_put_off(tx, id, until, e);
	return r < 0 ? r : db_commit(tx, e);
}

static int launch(struct daemon *d, const char *id, struct err *e)
{
	const char *argv[] = { "larder", "agent",           "start", "--quiet",
			       "--home", agents_path(d->a), id,      NULL };
	int64_t again = time_now() + LAUNCH_MS;
	int r = put_off(d, id, again, e);

	look_again_at(d, again);
	return r < 0 ? r : proc_detach(argv, NULL, e);
}

/* One of a pool at a time: the next one is looked at when that has its slot, which wakes us. */
static int start_waiting(struct daemon *d, struct err *e)
{
	AUTO_PACE struct pace_settings settings = { 0 };
	AUTO_STRV struct strv ids = STRV_INIT;
	AUTO_STRV struct strv pools = STRV_INIT;
	struct pace_gate gate = { .db = agents_db(d->a), .settings = &settings };
	int64_t next = -1;
	int r = d->options->no_dispatch ? 0 : pace_read(agents_dirfd(d->a), &settings, e);

	if (r < 0 || d->options->no_dispatch)
		return r;
	r = pace_waiting(agents_db(d->a), time_now(), &ids, &next, e);
	look_again_at(d, next);
	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		AUTO_DISPATCH struct dispatch row = { 0 };
		AUTO_FREE char *pool = NULL;

		r = ask_gate(d, &gate, ids.v[i], &row, e);
		if (r < 0)
			return r;
		pool = dispatch_pool(&row);
		if (gate.verdict.not_before_ms > 0 && !gate.verdict.may)
			look_again_at(d, gate.verdict.not_before_ms);
		if (r > 0 && !strv_has(&pools, pool))
			r = launch(d, ids.v[i], e);
		else
			r = 0;
		strv_add(&pools, pool);
	}
	return r;
}

/* 1 when an attempt is due now. */
static int is_due(struct daemon *d, const struct sync_peer *peer, struct err *e)
{
	struct outbox_summary sum = { 0 };
	char credential[65];
	int64_t now = time_now();
	int r;

	sync_credential(peer, credential);
	r = outbox_summary(agents_db(d->a), credential, &sum, e);
	if (r < 0 || sum.waiting == 0 || sum.paused || !peer->token)
		return r;
	if (sum.due_ms <= now || sum.due_ms > now + OUTBOX_WAIT_MAX_MS)
		return 1;
	look_again_at(d, sum.due_ms);
	return 0;
}

static int collect(struct daemon *d, struct err *e)
{
	int64_t now = time_monotonic();
	struct sync_collected collected = { 0 };
	int r;

	if (now < d->collect_ms) {
		look_again_at(d, time_now() + d->collect_ms - now);
		return 0;
	}
	r = sync_collect(d->a, &collected, e);

	d->collect_ms = now + COLLECT_MS;
	if (r == 0 && collected.left > 0)
		log_event(LOG_WARN, "no-room", "records=%zu limit=%" PRId64, collected.left,
			  agents_queue_max(d->a));
	return r;
}

static int push(struct daemon *d, const struct sync_peer *peer, struct err *e)
{
	const struct sync_push_options options = { 0 };
	AUTO_PUSH struct sync_pushed pushed = { 0 };
	int r = collect(d, e);

	if (r == 0)
		r = is_due(d, peer, e);
	if (r <= 0)
		return r;
	r = sync_push(d->a, peer, &options, &pushed, e);

	if (r == ERR_BUSY) { /* another push is at it */
		look_again_at(d, time_now() + SYNC_WAIT_MS);
		return 0;
	}
	if (r < 0)
		return r;
	if (pushed.sent > 0 || pushed.failures.n > 0)
		log_event(LOG_INFO, "push", "sent=%zu waiting=%zu dead=%zu failed=%s", pushed.sent,
			  pushed.waiting, pushed.dead,
			  pushed.failures.n > 0 ? pushed.failures.v[0] : "");
	if (pushed.next_ms >= 0)
		look_again_at(d, time_now() + pushed.next_ms);
	return 0;
}

static int pull(struct daemon *d, const struct sync_peer *peer, struct err *e)
{
	const struct sync_pull_options options = { 0 };
	struct sync_pulled pulled = { 0 };
	int64_t now = time_now();
	int r = 0;

	if (d->options->pull_ms == 0 || !peer->token)
		return 0;
	/* A clock that was set back must not put it off. */
	if (now >= d->pull_ms || d->pull_ms > now + d->options->pull_ms) {
		d->pull_ms = now + d->options->pull_ms;
		r = sync_pull(d->a, peer, &options, &pulled, e);
		log_event(LOG_INFO, "pull", "taken=%" PRId64 " removed=%" PRId64 " failed=%s",
			  pulled.taken, pulled.removed, pulled.stale ? pulled.why.msg : "");
	}
	look_again_at(d, d->pull_ms);
	return r;
}

static int fleet(struct daemon *d, const struct sync_peer *peer, struct err *e)
{
	int64_t next = -1;
	int r;

	d->fleet.a = d->a;
	d->fleet.watch = d->watch;
	d->fleet.once = d->options->once;
	r = fleet_turn(&d->fleet, peer, &next, e);
	look_again_at(d, next);
	return r;
}

/* In d->lost: whether another daemon has taken our place. */
static int renew(struct daemon *d, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_lazy(agents_db(d->a), e);

	if (r < 0)
		return r;
	tx = agents_db(d->a);
	r = lease_check(d->lease, e);
	d->lost = r == ERR_BUSY;
	/* Nothing is written unless half its time is over: a commit would wake ourselves. */
	return r < 0 || db_changes(tx) == 0 ? r : db_commit(tx, e);
}

/* What other tools did to folders, and what is left of commands that were killed. */
static int look(struct daemon *d, struct err *e)
{
	AUTO_REAP_REPORT struct reap_report report = { 0 };
	int64_t now = time_monotonic();
	int r;

	if (d->look_ms == NEVER)
		return 0;
	if (d->look_ms && now < d->look_ms) {
		look_again_at(d, time_now() + d->look_ms - now);
		return 0;
	}
	r = reap_run(d->a, &report, e);
	for (size_t i = 0; i < report.problems.n; i++)
		log_event(LOG_WARN, "problem", "what=%s", report.problems.v[i]);
	now = time_monotonic();
	d->look_ms = d->options->look_ms ? now + d->options->look_ms : NEVER;
	if (d->options->look_ms)
		look_again_at(d, time_now() + d->options->look_ms);
	return r;
}

static int round_of(struct daemon *d, struct err *e)
{
	struct sync_peer peer = { 0 };
	int r = renew(d, e);

	d->next_ms = time_now() + RENEW_MS;
	d->options->find_peer(d->options->ctx, &peer);
	if (r == 0)
		r = look(d, e);
	if (r == 0)
		r = watch_running(d, e);
	if (r == 0)
		r = start_waiting(d, e);
	if (r == 0)
		r = fleet(d, &peer, e);
	if (r == 0)
		r = push(d, &peer, e);
	return r < 0 ? r : pull(d, &peer, e);
}

static int watch_files(struct daemon *d, struct err *e)
{
	AUTO_FREE char *log = xasprintf("%s/" ROOT_DB "-wal", agents_path(d->a));
	AUTO_FREE char *config = xasprintf("%s/" AGENTS_CONFIG, agents_path(d->a));
	int r = watch_signals(d->watch, e);

	if (r == 0)
		r = watch_file(d->watch, log, e);
	if (r == 0)
		r = watch_file(d->watch, config, e);
	if (r == 0 && d->options->credentials)
		r = watch_file(d->watch, d->options->credentials, e);
	return r;
}

static int wait_for_more(struct daemon *d, struct err *e)
{
	int64_t wait = d->next_ms - time_now();

	/* A clock that steps must not make us sleep for longer than a renewal takes. */
	if (wait > RENEW_MS)
		wait = RENEW_MS;
	return watch_wait(d->watch, wait > 0 ? wait : 0, e);
}

static int begin(struct daemon *d, struct err *e)
{
	int r = lease_take(agents_db(d->a), "daemon", LEASE_MS, "larder agent daemon", &d->lease,
			   e);

	return r < 0 ? r : watch_files(d, e);
}

int daemon_run(struct agents *a, const struct daemon_options *options, struct err *e)
{
	AUTO(daemon_release)
	struct daemon d = { .a = a, .options = options, .watch = watch_new() };
	int r = begin(&d, e);

	while (r >= 0) {
		struct err why = { 0 };

		r = round_of(&d, &why);
		/* A damaged database is not better a minute later. */
		if (r < 0 && (d.lost || options->once || r == ERR_CORRUPT)) {
			*e = why;
			return r;
		}
		if (r < 0) {
			log_event(LOG_ERROR, "round", "error=%s", why.msg);
			d.next_ms = time_now() + PAUSE_MS;
		}
		if (options->once)
			return 0;
		r = wait_for_more(&d, e);
		if (r == WATCH_SIGNAL)
			return 0;
	}
	return r;
}
