/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scripts that a hub keeps and runs: small programs of its administrators, by hand or on a schedule.
 *
 *	script_deploy(db, by, &wish, &id, &created, e)     in a transaction; the same name replaces
 *	script_list(db, &out, e), script_remove(db, by, id, e)
 *	scripts_claim_due(db, now, max, &ids, e)           in a transaction: these are run now
 *	script_run(root, id, NULL, &result, e)                 one run from start to end
 *
 * A script is text whose first line may name its interpreter ("#!/usr/bin/awk -f"); else it is
 * /bin/sh's. It runs in a folder of its own, which goes with it, with an environment of a few
 * variables, and those of the hub's that the script asks for by name. docs/scripts.md says what it
 * may do and what holds it; in short, a sandbox of base/sandbox.h: memory, processor time, sizes of
 * files, its folder and the system's programs, and no network unless `network`.
 *
 * One run of a script at a time, by a lease whose holder is the running process: when that dies,
 * however, the script can run again at once. A row for each run says how it ended; one whose
 * process died without writing its end is "lost", which scripts_reap() writes down.
 *
 * At the deadline, or at the first byte of output over SCRIPT_OUTPUT_HARD_MAX, the script is killed
 * with all it started, also what has left its process group. Output past SCRIPT_OUTPUT_MAX is
 * dropped, and the run says so.
 *
 * Tables (component "scripts"): script, script_run. Threads: as the db; script_run() kills every
 * child of its process, so it belongs into one that has no other.
 * Errors: ERR_USAGE, ERR_NOT_FOUND, ERR_BUSY (it is running), the db's. How a script ends is no
 * error but the result.
 */
#ifndef LARDER_SCRIPTS_SCRIPTS_H
#define LARDER_SCRIPTS_SCRIPTS_H

#include "access/access.h"
#include "base/json.h"
#include "engine/root.h"
#include <stdatomic.h>

extern const struct db_schema scripts_schema;

/* Of the leases of runs; behind it the id, or another word that nobody else has. */
#define SCRIPT_LEASE_PREFIX "script:"
/* A program that is longer belongs into a package. */
#define SCRIPT_SOURCE_MAX ((size_t)256 << 10)
#define SCRIPT_NAMES_MAX  32
/* What is kept of a run's output. */
#define SCRIPT_OUTPUT_MAX ((size_t)64 << 10)
/* A script that writes more has lost its way. */
#define SCRIPT_OUTPUT_HARD_MAX ((size_t)64 << 20)
#define SCRIPT_TIMEOUT_S       300
#define SCRIPT_TIMEOUT_MAX_S   (24 * 3600)
#define SCRIPT_MEMORY          ((int64_t)1 << 30)
#define SCRIPT_FILE_BYTES      ((int64_t)1 << 30)
/* Of each script. */
#define SCRIPT_RUNS_KEPT 20
/* Started at once by one call; the rest is due at the next. */
#define SCRIPT_CLAIMS_MAX 16

struct script_wish {
	const char *name; /* of the alphabet of tables */
	const char *source;
	const char *schedule; /* NULL: only by hand */
	int64_t timeout_s;    /* 0: SCRIPT_TIMEOUT_S */
	bool network;
	const struct strv *environment; /* names of the hub's variables that it is given */
};
int script_deploy(struct db *db, const struct caller *by, const struct script_wish *wish,
		  char ret_id[32], bool *ret_created, struct err *e);
int script_remove(struct db *db, const struct caller *by, const char *id_or_name, struct err *e);
/* As objects into an open array, by name. */
int script_list(struct db *db, struct json_out *out, struct err *e);
/* One with its source and runs, into an open object. */
int script_show(struct db *db, const char *id_or_name, struct json_out *out, struct err *e);
int script_find_id(struct db *db, const char *id_or_name, char ret_id[32], struct err *e);

int scripts_claim_due(struct db *db, int64_t now_ms, size_t max, struct strv *ret_ids,
		      struct err *e);

struct script_result {
	const char *status; /* a literal: "success", "failure", "timeout", "killed" */
	int exit_code;      /* -1: it was ended */
	int64_t ms;
	bool truncated;
	struct buf output;
};
void script_result_release(struct script_result *result);
#define AUTO_SCRIPT_RESULT AUTO(script_result_release)
/* `cancel` may be NULL; when it becomes true the script is killed with all it started. */
int script_run(struct root *root, const char *id_or_name, const atomic_bool *cancel,
	       struct script_result *result, struct err *e);
/* Without a row: what is tried out. */
int script_run_source(struct root *root, const struct script_wish *wish, const atomic_bool *cancel,
		      struct script_result *result, struct err *e);

/* Folders of runs that were killed go. Before each run of a stored script, and when a hub starts. */
int scripts_sweep(struct root *root, struct err *e);

/* In a transaction: runs that nobody will end are "lost". *ret_lost counts them. */
int scripts_reap(struct db *db, int64_t grace_ms, int64_t *ret_lost, struct err *e);

#endif
