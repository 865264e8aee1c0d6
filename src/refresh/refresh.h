/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings tables of a hub up to date from their sources (source.h).
 *
 *	struct refresh r = { .root = root, .tables = &names, ... };
 *	AUTO_REFRESH_REPORT struct refresh_report report = { 0 };
 *	refresh_run(&r, &report, e)
 *
 * Without names those that are due; named ones whatever their schedule says. What comes from
 * outside first, two tables at once, then the SQL over other tables, one after the other, those that
 * others read first (order.h).
 *
 * A table is read into staging and published as any other: readers see the old version or the new
 * one. In the transaction of the publish stand the outcome and what was read, so last_sync moves
 * with a success only, and a kill at any point leaves nothing but litter. A source that has not
 * changed makes no version. Failures that may pass (a server away, a file changed while it was
 * read) are tried again a few times in the same run.
 *
 * Refused (ERR_CONFLICT), unless the source or the caller allows it: no rows where the version
 * before had some, and a column that it had and the new one has not. Over the source's byte limit:
 * ERR_LIMIT.
 *
 * One refresh at a time on a hub, through a lease: ERR_BUSY. One table's failure is in the report
 * and stops no other. Threads: the call blocks; tables are read by threads of the engine's
 * pipeline, each with the root opened anew.
 */
#ifndef LARDER_REFRESH_REFRESH_H
#define LARDER_REFRESH_REFRESH_H

#include "access/access.h"
#include "base/json.h"
#include "engine/root.h"
#include "refresh/source.h"
#include <stdatomic.h>

#define REFRESH_LEASE "refresh"
/* A run that was killed on another machine holds up the next one no longer than this. */
#define REFRESH_LEASE_MS ((int64_t)5 * 60 * 1000)
/* Two sources keep a machine of two cores busy; more would starve the hub beside it. */
#define REFRESH_WORKERS  2
#define REFRESH_ATTEMPTS 3
/* Of one statement or conversion: longer than any of a laptop's tables takes. */
#define REFRESH_STEP_MS ((int64_t)60 * 60 * 1000)

struct refresh {
	struct root *root;
	const struct strv *tables;  /* ids or names; empty: those that are due */
	bool accept_loss;           /* nothing is refused for this once */
	bool dry_run;               /* only say which tables would be read */
	int64_t convert_memory;     /* bytes */
	const struct strv *folders; /* files that sources name lie in one of them; none: anywhere */
	const struct caller *by;    /* for the record; NULL: the machine's owner */
	const atomic_bool *cancel;  /* may be NULL */
	void *ctx;
	void (*on_table)(void *ctx, const char *table, bool ok); /* as each one ends; may be NULL */
};

struct refresh_done {
	char *table;         /* the id */
	const char *outcome; /* a literal; "due" of a dry run */
	int64_t rows, bytes; /* -1 unknown; bytes: read */
	int64_t ms;
	struct err error;
};
struct refresh_report {
	struct refresh_done *v;
	size_t n, capacity;
	size_t updated, unchanged, refused, failed, not_due;
};
void refresh_report_release(struct refresh_report *report);
#define AUTO_REFRESH_REPORT AUTO(refresh_report_release)

int refresh_run(const struct refresh *refresh, struct refresh_report *report, struct err *e);
/* Takes away what cut downloads left and nobody continued since; *ret_ids gets the tables. In a transaction. */
int refresh_purge(struct root *root, int64_t before_ms, struct strv *ret_ids, struct err *e);
/* In the transaction that answers a caller whose refresh a process will do that is not there yet: it counts as
 * running from now, for as long as a process may need to start. ERR_BUSY when one runs already. */
int refresh_ask(struct db *db, struct err *e);
/* 1 while some process holds the lease, or one is on its way to it. */
int refresh_is_running(struct db *db, struct err *e);

#endif
