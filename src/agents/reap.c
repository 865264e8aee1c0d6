/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/reap.h"

#include "agents/clean.h"
#include "agents/run.h"
#include "base/time.h"
#include "engine/journal.h"

/* No command has a file staged for so long. */
#define LITTER_MS ((int64_t)3600 * 1000)

void reap_report_release(struct reap_report *report)
{
	strv_release(&report->problems);
}

int reap_one(struct agents *a, struct dispatch *d, bool timed_out,
	     struct agent_verdict *ret_verdict, struct err *e)
{
	AUTO_LEASE struct lease *lease = NULL;
	AUTO_FREE char *name = run_lease_name(d);
	struct change c = { .event = AGENT_LOOK };
	int r = lease_take(agents_db(a), name, RUN_LEASE_MS, "larder agent reap", &lease, e);

	if (r < 0)
		return r;
	c.lease = lease;
	c.timed_out = timed_out;
	r = change_apply(a, d, &c, ret_verdict, e);
	if (r == 0 && agent_is_terminal(d->status))
		r = run_trim_log(a, d, e);
	return r;
}

/* It keeps its supervisor, if it has one, and nothing is written. */
static int count_living(struct agents *a, const struct dispatch *d, struct reap_report *report,
			struct err *e)
{
	AUTO_FREE char *name = run_lease_name(d);
	int r = lease_owner_lives(agents_db(a), name, e);

	if (r > 0)
		report->supervised++;
	else if (r == 0)
		report->alive++;
	return r < 0 ? r : 0;
}

static int reap_counted(struct agents *a, const char *id, struct reap_report *report, struct err *e)
{
	AUTO_DISPATCH struct dispatch d = { 0 };
	struct agent_verdict verdict = { 0 };
	struct err why = { 0 };
	int r = dispatch_find(agents_db(a), id, &d, e);

	if (r < 0)
		return r;
	report->looked_at++;
	if (evidence_life(&d) == PROC_ALIVE && (*d.identity || d.pid))
		return count_living(a, &d, report, e);
	r = reap_one(a, &d, false, &verdict, &why);
	if (r == ERR_BUSY) {
		report->supervised++;
		return 0;
	}
	/* It ended meanwhile, a person stands in the way, or its status.json is no such file. */
	if (r == ERR_CONFLICT || r == ERR_LIMIT) {
		strv_addf(&report->problems, "%s: %s", d.name, why.msg);
		return 0;
	}
	if (r < 0) {
		*e = why;
		return r;
	}
	if (verdict.status != AGENT_RUNNING)
		report->reaped[verdict.status]++;
	else if (str_eq(verdict.reason, "alive"))
		report->alive++;
	else
		report->unknown++;
	return 0;
}

static int reap_ended(struct agents *a, struct reap_report *report, struct err *e)
{
	const struct dispatch_filter running = { .status = AGENT_RUNNING };
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = dispatch_ids(agents_db(a), &running, &ids, e);

	for (size_t i = 0; r == 0 && i < ids.n; i++)
		r = reap_counted(a, ids.v[i], report, e);
	return r;
}

/* Of commands that are at it just now. */
static bool is_recent(void *ctx, const char *name, int64_t size, int64_t age_ms)
{
	(void)ctx, (void)name, (void)size;
	return age_ms < LITTER_MS;
}

/* What was staged by a command that was killed before its commit. */
static int reap_litter(struct agents *a, struct err *e)
{
	return journal_reap(agents_root(a), is_recent, NULL, NULL, e);
}

/* As long as a hub keeps it. */
static int forget_history(struct agents *a, struct reap_report *report, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_lazy(agents_db(a), e);

	if (r < 0)
		return r;
	tx = agents_db(a);
	r = dispatch_forget(tx, time_now() - REAP_HISTORY_MS, &report->forgotten, e);
	return r < 0 || report->forgotten == 0 ? r : db_commit(tx, e);
}

int reap_run(struct agents *a, struct reap_report *report, struct err *e)
{
	int r = clean_finish(a, NULL, &report->removed, e);

	if (r == 0)
		r = reap_litter(a, e);
	if (r == 0)
		r = reap_take_in(a, report, e);
	if (r == 0)
		r = forget_history(a, report, e);
	return r < 0 ? r : reap_ended(a, report, e);
}
