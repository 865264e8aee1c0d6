/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carries out a plan: files are fetched in parallel, tables are switched.
 *
 *	const struct update_options o = { .root = root, .server = url, .token = token, ... };
 *	AUTO_UPDATE_REPORT struct update_report report = { 0 };
 *	update_run(&o, plan, &report, e);
 *
 * Tables that are new here appear as each one finishes. Replacements and removals switch together
 * in one transaction at the end, so that a join never mixes an old and a new publish. With `atomic`
 * everything waits for the end, and one failure means that nothing is switched.
 *
 * A table that fails keeps what it had and is reported; the others go on. A server that refuses
 * the token (401), or does not answer for several files in a row, is not asked for the rest. What
 * was fetched and not committed stays in staging for the next run.
 *
 * Errors: only what makes the whole plan impossible (no disk space, the root fails); all else is in
 * report->failures. Threads: the call blocks; files are fetched by threads of the engine's
 * pipeline.
 */
#ifndef LARDER_TABLES_UPDATE_H
#define LARDER_TABLES_UPDATE_H

#include "engine/lease.h"
#include "tables/failure.h"
#include "tables/fetch.h"
#include "tables/plan.h"
#include <stdatomic.h>

/* Room that is left for the database and the views when files are fetched. */
#define UPDATE_DISK_RESERVE ((int64_t)8 << 20)
/* Attempts at one file, as the contract's clients have always made. */
#define UPDATE_ATTEMPTS 4
/* Microseconds to the server from which on round trips are worth more connections, nearer not the wait. */
#define UPDATE_FAR_US 5000

struct update_options {
	struct root *root;
	struct lease *lease;
	const char *server;
	const char *token;
	const char *mirror;       /* NULL or "": none */
	struct http_client *near; /* lent, with a connection to the server; may be NULL */
	struct http_warm *warm;   /* lent, connections to it that were made ahead; may be NULL */
	unsigned jobs;
	bool may_add_jobs; /* where the server is far */
	bool batches;      /* the server has small files many at a time */
	enum patches patches;
	int64_t rtt_us; /* of the manifest's request; 0: not known */
	bool atomic;
	bool quiet; /* no progress */
	int64_t keep_old_ms;
	const atomic_bool *cancel; /* may be NULL */
};

/* Of one table that was to be fetched: what came, and what was here already. */
struct update_table {
	const struct plan_table *plan; /* lent */
	int64_t bytes_fetched;
	int64_t bytes_reused;
};

struct update_report {
	size_t updated; /* tables new or replaced */
	size_t removed;
	int64_t bytes_fetched;
	int64_t bytes_reused;
	int64_t bytes_from_mirror; /* of the fetched */
	int64_t requests;
	struct strv wanted; /* staged names that may be of use to the next run: not to be reaped */
	struct strv
		warnings; /* files that came whole though they need not have; a mirror's trouble */
	struct update_table *tables;
	size_t table_count;
	struct failures failures;
};

void update_report_release(struct update_report *report);
#define AUTO_UPDATE_REPORT AUTO(update_report_release)

/* How many connections are of use to a server as far as that. */
unsigned update_connections(unsigned jobs, bool may_add_jobs, int64_t rtt_us);

int update_run(const struct update_options *options, const struct plan *plan,
	       struct update_report *report, struct err *e);

#endif
