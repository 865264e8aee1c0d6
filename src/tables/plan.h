/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan: from what is here and what the manifest offers, per table what is to be done and why.
 * Pure: reads no file, asks nobody; a dry run prints it.
 *
 *	local_load(), local_check(), local_examine(), manifest_parse() ...
 *	AUTO_PLAN struct plan *plan = plan_make(local, manifest);
 *
 * A file is what is wanted when its SHA-256 says so, wherever it lies; without one its MD5; without either the
 * table's own mark (the server's opaque hash, else time and size) is compared. A table for which
 * the server gives none of these is fetched each time: nothing else can tell whether it changed.
 *
 * Ownership: the plan lends from both inputs, which must outlive it.
 */
#ifndef LARDER_TABLES_PLAN_H
#define LARDER_TABLES_PLAN_H

#include "tables/local.h"
#include "tables/manifest.h"

enum plan_action {
	PLAN_KEEP,   /* nothing to do */
	PLAN_RECORD, /* the files are right; what is recorded about the table is not */
	PLAN_FETCH,  /* some files are to be fetched or linked, then the table is switched */
	PLAN_REMOVE, /* not offered any more */
};

struct plan_file {
	const struct manifest_file *want;
	const struct local_file *have; /* the same bytes, on disk; NULL: fetch it */
};

struct plan_table {
	enum plan_action action;
	const char *reason;                /* a literal: "new", "changed", ... */
	const struct manifest_table *want; /* NULL for PLAN_REMOVE */
	const struct local_table *have;    /* NULL when new */
	struct plan_file *files;           /* PLAN_FETCH: in the order of want->files */
};

struct plan {
	struct plan_table *tables; /* by name */
	size_t count;
};

struct plan *plan_make(const struct local *local, const struct manifest *manifest);
void plan_free(struct plan *plan);
static inline void plan_auto_(struct plan **p)
{
	plan_free(*p);
}
#define AUTO_PLAN AUTO(plan_auto_)

const char *plan_table_name(const struct plan_table *table);
const char *plan_action_word(enum plan_action action);
/* Bytes its files to fetch are said to have; unknown sizes count as 0. */
int64_t plan_table_bytes(const struct plan_table *table);

#endif
