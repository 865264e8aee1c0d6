/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was found out about tables that stay at their source: a cache, so that no request of a person
 * ever waits for a warehouse.
 *
 *	metadata_store(db, id, &found, e)        a refresh that worked: replaces, clears the error
 *	metadata_fail(db, id, "why", e)          one that did not: the last good values stay
 *	metadata_status(db, caller, &when, &o, e)   for those who ask how fresh it is
 *
 * All that changes is done inside the caller's transaction. What a view is said to have in rows and
 * bytes is not believed (warehouses say 0): null, whether stored now or read from an old row.
 * Threads: as the db. Errors: the db's.
 */
#ifndef LARDER_TABLES_METADATA_H
#define LARDER_TABLES_METADATA_H

#include "access/access.h"
#include "base/json.h"

/* A sentence; what a warehouse says may be pages. */
#define METADATA_ERROR_MAX 512

struct metadata {
	int64_t rows, size_bytes;  /* -1 unknown */
	const char *partition_by;  /* NULL: it is not */
	const char *clustered_by;  /* a JSON list of names; NULL: [] */
	const char *entity_type;   /* "BASE TABLE", "VIEW", ...; NULL unknown */
	const char *known_columns; /* a JSON list of names; NULL: could not be found out this time,
				      the last known stay */
	const char *columns;       /* the same with types: [{"name", "type"}] */
	/* What was not answered this time, so that what was last known stays. */
	bool no_figures, no_layout;
	const char *missing; /* why; NULL: nothing is */
};
int metadata_store(struct db *db, const char *table_id, const struct metadata *found,
		   struct err *e);
int metadata_fail(struct db *db, const char *table_id, const char *why, struct err *e);
/* NULL when it is not known; the caller owns it. */
int metadata_entity_type(struct db *db, const char *table_id, char **ret_text, struct err *e);
/* Names of its columns; none when they are not known. */
int metadata_columns(struct db *db, const char *table_id, struct strv *out, struct err *e);
int metadata_forget(struct db *db, const char *table_id, struct err *e);

/* "VIEW", "MATERIALIZED VIEW": nothing is stored under the name. */
bool metadata_is_view(const char *entity_type);
/* "fresh", "stale", "never_fetched" or "error"; times 0: never. Stale is older than twice the
 * interval of refreshing. */
const char *metadata_freshness(int64_t refreshed_ms, int64_t error_ms, int64_t now_ms,
			       int64_t interval_s);

struct metadata_when {
	int64_t now_ms, interval_s;
};
/* A list of rows, ordered by id, into an open array. */
int metadata_status(struct db *db, const struct caller *caller, const struct metadata_when *when,
		    struct json_out *out, struct err *e);

#endif
