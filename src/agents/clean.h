/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing folders of work that ended, once the record of it is on its way to the hub (or there):
 * never before, so that nothing is lost. The row stays, as history.
 *
 *	clean_run(a, &options, &report, e)
 *	clean_finish(a, name, &removed, e)     removals that were cut short; name NULL: all
 *
 * First a row says that the folder goes, then it goes; whoever comes next finishes. Blocked work waits
 * for an answer and is only removed when named. Threads: one. Errors: the db's, ERR_IO.
 */
#ifndef LARDER_AGENTS_CLEAN_H
#define LARDER_AGENTS_CLEAN_H

#include "agents/dispatch.h"
#include "agents/home.h"

struct clean_options {
	const struct strv *names; /* only these; NULL or empty: all that ended */
	int64_t older_than_ms;    /* since it ended */
	bool dry_run;
};
struct clean_report {
	struct strv removed; /* names */
	struct strv kept;    /* "name: why" */
};
void clean_report_release(struct clean_report *report);
#define AUTO_CLEAN_REPORT AUTO(clean_report_release)

int clean_run(struct agents *a, const struct clean_options *options, struct clean_report *report,
	      struct err *e);
int clean_finish(struct agents *a, const char *name, size_t *ret_removed, struct err *e);

#endif
