/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/verify.h"

#include "base/time.h"
#include "engine/journal.h"
#include "engine/lease.h"
#include "engine/ledger.h"
#include "memory/rules-files.h"
#include "tables/local-verify.h"
#include "workspace/pull.h"

/* Longer than hashing the largest workspace takes. */
#define LEASE_MS ((int64_t)3600 * 1000)

void verify_report_release(struct verify_report *report)
{
	failures_release(&report->findings);
	failures_release(&report->repair_failures);
}

static void find(struct verify_report *report, const char *stage, const char *what,
		 const struct err *why)
{
	failures_add(&report->findings, stage, what, why);
}

static int check_state(struct workspace *ws, struct verify_report *report, struct err *e)
{
	struct err why = { 0 };
	size_t due = 0;
	size_t future = 0;
	int r;

	if (db_check(workspace_db(ws), &why) < 0)
		find(report, "state", NULL, &why);
	r = journal_pending(workspace_root(ws), &due, &future, e);
	if (r < 0 || !due)
		return r;
	(void)err_set(&why, ERR_CONFLICT, "%zu changes of files could not be made yet", due);
	find(report, "state", NULL, &why);
	return 0;
}

static int check_rules(struct workspace *ws, struct verify_report *report, struct err *e)
{
	AUTO_STRV struct strv changed = STRV_INIT;
	int r = rules_changed(workspace_root(ws), &changed, &report->rules, e);

	for (size_t i = 0; i < changed.n; i++) {
		struct err why = { 0 };

		(void)err_set(&why, ERR_CORRUPT, "it was changed or removed");
		find(report, "rule", changed.v[i], &why);
	}
	return r;
}

static int check_all(struct workspace *ws, const struct verify_options *options,
		     struct verify_report *report, struct err *e)
{
	struct local_verify v = {
		.root = workspace_root(ws),
		.jobs = options->jobs ? options->jobs : workspace_jobs(ws),
		.quiet = options->quiet,
	};
	int r = check_state(ws, report, e);

	if (r == 0)
		r = local_verify(&v, &report->findings, e);
	report->tables = v.tables;
	report->files = v.files;
	report->bytes = atomic_load(&v.bytes);
	return r < 0 ? r : check_rules(ws, report, e);
}

static int check_held(struct workspace *ws, const struct verify_options *options,
		      struct verify_report *report, struct err *e)
{
	AUTO_LEASE struct lease *lease = NULL;
	const struct lease_wait_options hold = {
		.name = PULL_LEASE,
		.holder = "larder verify",
		.ttl_ms = LEASE_MS,
		.wait_ms = PULL_WAIT_MS,
	};
	int r = lease_wait(workspace_db(ws), &hold, &lease, e);

	if (r == 0)
		r = check_all(ws, options, report, e);
	if (r == 0 && options->repair && report->findings.n)
		r = local_distrust(workspace_root(ws), &report->findings, e);
	return r;
}

static int repair(struct workspace *ws, const struct verify_options *options,
		  struct verify_report *report, struct err *e)
{
	AUTO_PULL_REPORT struct pull_report pulled = { 0 };
	const struct pull_options how = { .wait_ms = PULL_WAIT_MS, .quiet = options->quiet };
	const struct verify_options again = { .jobs = options->jobs, .quiet = true };
	size_t before = report->findings.n;
	int r = pull_run(ws, &how, &pulled, e);

	if (r < 0)
		return r;
	report->repair_failures = pulled.failures;
	pulled.failures = (struct failures){ 0 };
	failures_release(&report->findings);
	r = check_held(ws, &again, report, e);
	report->repaired = report->findings.n < before ? before - report->findings.n : 0;
	return r;
}

int verify_run(struct workspace *ws, const struct verify_options *options,
	       struct verify_report *report, struct err *e)
{
	int64_t begun = time_monotonic();
	int r = check_held(ws, options, report, e);

	if (r == 0 && options->repair && report->findings.n)
		r = repair(ws, options, report, e);
	report->duration_ms = time_monotonic() - begun;
	return r;
}
