/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a workspace hold what its state says? State, files, links, views, rules. Names what is
 * wrong; with `repair` a pull follows that mends it, and the check is made once more.
 *
 *	const struct verify_options o = { .jobs = 4 };
 *	AUTO_VERIFY_REPORT struct verify_report report = { 0 };
 *	verify_run(ws, &o, &report, e);
 *
 * Findings have the stages "state", "file", "link", "litter", "views", "rule". Waits for a pull
 * that runs. Errors: what keeps the check from being made. Threads: as the workspace.
 */
#ifndef LARDER_WORKSPACE_VERIFY_H
#define LARDER_WORKSPACE_VERIFY_H

#include "tables/failure.h"
#include "workspace/workspace.h"

struct verify_options {
	unsigned jobs; /* 0: the workspace's setting */
	bool repair;
	bool quiet;
};

struct verify_report {
	size_t tables, files, rules;
	int64_t bytes;
	int64_t duration_ms;
	struct failures findings;        /* what is wrong (after the repair) */
	size_t repaired;                 /* findings that the repair has ended */
	struct failures repair_failures; /* of its pull */
};

void verify_report_release(struct verify_report *report);
#define AUTO_VERIFY_REPORT AUTO(verify_report_release)

int verify_run(struct workspace *ws, const struct verify_options *options,
	       struct verify_report *report, struct err *e);

#endif
