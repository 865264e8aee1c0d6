/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest as the hub writes it: the tables a caller may see, their current versions and parts.
 * The wire contract is docs/http-api.md, "Manifest"; keys are table names, in byte order.
 *
 *	manifest_build(db, &who, &text, &lasting, e)      one query for all tables and parts
 *
 * A table that has no version yet is left out, unless it is remote: what cannot be fetched must not
 * be asked for at each pull. What is not known is null, never 0.
 *
 * The text depends on the rows of "tables" and "access" and on the caller's groups, and on the time
 * only in server_time, which says when it was built. Threads: as the db. Errors: ERR_LIMIT over
 * MANIFEST_BUILD_MAX, and the db's.
 */
#ifndef LARDER_TABLES_MANIFEST_BUILD_H
#define LARDER_TABLES_MANIFEST_BUILD_H

#include "access/access.h"
#include "base/buf.h"

/* 10,000 tables are 4 MB; a workspace refuses to read more than this (the same number there). */
#define MANIFEST_BUILD_MAX ((size_t)64 << 20)
/* Of all descriptions together, so that they never fill it. */
#define MANIFEST_DESCRIPTIONS_MAX ((size_t)8 << 20)

struct manifest_for {
	const struct caller *caller;
	int64_t now_ms;          /* for server_time */
	const char *bundle_etag; /* of the rules for this caller now; NULL: not told */
	const char *mirror;      /* where objects can be had as well; NULL or "": nowhere */
};
/* *ret_lasting is how much of the text, from its start, says all but the time: its hash is the tag. */
int manifest_build(struct db *db, const struct manifest_for *who, struct buf *out,
		   size_t *ret_lasting, struct err *e);

#endif
