/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pull: tables, views and rules of a workspace brought to what its hub offers now.
 *
 *	const struct pull_options o = { .wait_ms = PULL_WAIT_MS };
 *	AUTO_PULL_REPORT struct pull_report report = { 0 };
 *	if (pull_run(ws, &o, &report, e) < 0)		nothing could be tried: e says why
 *		...
 *	pull_report_code(&report)			how what was tried has ended
 *
 *	us                                            hub
 *	GET /api/sync/manifest                  ->
 *	    If-None-Match: E1                   <-    304: the end, if all files here are as
 * recorded
 *	                                        <-    200 ETag E2
 *	GET /api/data/ID/download (tables/fetch.h), as many as the plan says
 *	GET /api/memory/bundle                  ->    unless the manifest says it is unchanged
 *	    If-None-Match: B1
 *
 * E2 is recorded only when all of it is here, and forgotten before anything changes, so that a 304
 * is never taken for more than it says. One pull at a time: the lease "pull" of the workspace.
 *
 * Errors of the call: ERR_BUSY (another pull), ERR_AUTH or ERR_NOT_FOUND (no token, no server), the
 * root's own. Threads: as the workspace; files are fetched by threads of the engine's pipeline.
 */
#ifndef LARDER_WORKSPACE_PULL_H
#define LARDER_WORKSPACE_PULL_H

#include "net/http-client.h"
#include "tables/failure.h"
#include "tables/plan.h"
#include "workspace/workspace.h"

/* The lease of who stages files in a workspace: only its holder may reap what others staged. */
#define PULL_LEASE "pull"
/* Longer than a refresh takes, shorter than a person's patience. */
#define PULL_WAIT_MS 30000
/* Runs that are remembered. */
#define PULL_RUNS_KEPT 100

struct pull_options {
	unsigned jobs; /* 0: the workspace's setting */
	int64_t wait_ms;
	bool dry_run;
	bool atomic;
	bool quiet; /* no progress */
	struct http_client
		*http; /* taken, one with load_ahead that was made early; NULL: its own */
};

struct pull_step {
	char *table;
	enum plan_action action;
	const char *reason;    /* a literal */
	int64_t bytes;         /* the files to be fetched */
	int64_t bytes_fetched; /* what came of them */
	int64_t bytes_reused;  /* what was here: in other versions, other tables, partial files */
};

struct pull_report {
	size_t tables_updated;
	size_t tables_removed;
	size_t parquets_total;
	size_t rules_count;
	int64_t duration_ms;
	int64_t bytes_fetched;
	int64_t bytes_reused;
	int64_t bytes_from_mirror; /* of the fetched */
	int64_t requests;
	size_t views_changed;
	struct strv views_blocked;
	struct strv warnings;
	struct failures failures;
	struct pull_step *steps; /* what is not kept; a dry run's all */
	size_t step_count;
	bool unchanged; /* the hub said so, and nothing was to be mended */
};

/*
 * How it has ended: 0, or the code of failures_code(); but ERR_FAILED where a part was done, since
 * "come back later" or "not allowed" is then not the whole truth.
 */
int pull_report_code(const struct pull_report *report);

void pull_report_release(struct pull_report *report);
#define AUTO_PULL_REPORT AUTO(pull_report_release)

int pull_run(struct workspace *ws, const struct pull_options *options, struct pull_report *report,
	     struct err *e);

/* The object that --json prints and the state keeps. */
void pull_report_json(const struct pull_report *report, const char *workspace, struct buf *out);

#endif
