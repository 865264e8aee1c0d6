/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/reap.h"

#include "agents/clean.h"
#include "agents/run.h"

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

static int reap_counted(struct agents *a, const char *id, struct reap_report *report, struct err *e)
{
	AUTO_DISPATCH struct dispatch d = { 0 };
	struct agent_verdict verdict = { 0 };
	struct err why = { 0 };
	int r = dispatch_find(agents_db(a), id, &d, e);

	if (r < 0)
		return r;
	report->looked_at++;
	r = reap_one(a, &d, false, &verdict, &why);
	if (r == ERR_BUSY) {
		report->supervised++;
		return 0;
	}
	if (r == ERR_CONFLICT) { /* it ended meanwhile, or a person stands in the way */
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

int reap_ended(struct agents *a, struct reap_report *report, struct err *e)
{
	const struct dispatch_filter running = { .status = AGENT_RUNNING };
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = dispatch_ids(agents_db(a), &running, &ids, e);

	for (size_t i = 0; r == 0 && i < ids.n; i++)
		r = reap_counted(a, ids.v[i], report, e);
	return r;
}

int reap_run(struct agents *a, struct reap_report *report, struct err *e)
{
	int r = clean_finish(a, NULL, &report->removed, e);

	if (r == 0)
		r = reap_take_in(a, report, e);
	return r < 0 ? r : reap_ended(a, report, e);
}
