/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a table of the hub comes from, and what came of the last attempts to bring it up to date.
 *
 *	source_put(db, "orders", json, e)          in a transaction; checks every member
 *	AUTO_SOURCE struct source s = { 0 };
 *	source_find(db, "orders", &s, e)           ERR_NOT_FOUND when the table has none
 *	source_is_due(&s, now)                     by its schedule and its last success
 *
 * Four kinds, told by the member "kind" (docs/refresh.md has all members):
 *
 *	files      "files": paths, patterns, folders of the hub's machine
 *	http       "url", and "token_env" or "token_file"
 *	postgres   "connection", "connection_env" or "connection_file"; "table" or "query"; "increment"
 *	sql        "sql": a SELECT over the other tables of the hub
 *
 * A secret is never stored: members ending in _env name a variable of the hub's environment, those
 * in _file a file of its machine, read when the source is. A source belongs to its table and goes
 * with it.
 *
 * Tables (component "refresh"): source, refresh_run. Threads: as the db. Errors: ERR_USAGE with the
 * member named, ERR_NOT_FOUND, the db's.
 */
#ifndef LARDER_REFRESH_SOURCE_H
#define LARDER_REFRESH_SOURCE_H

#include "base/json.h"
#include "base/str.h"
#include "db/db.h"

extern const struct db_schema refresh_schema;

/* What one refresh may read or make, when nothing else is said: of the system before this one. */
#define SOURCE_BYTES_DEFAULT ((int64_t)10 << 30)
/* A statement of a person; also DuckDB's parser recurses. */
#define SOURCE_SQL_MAX   ((size_t)64 << 10)
#define SOURCE_FILES_MAX 100
/* Runs that are kept of each table. */
#define SOURCE_RUNS_KEPT 100

enum source_kind { SOURCE_FILES, SOURCE_HTTP, SOURCE_POSTGRES, SOURCE_SQL };
const char *source_kind_word(enum source_kind kind);

struct source {
	char *table; /* the id */
	enum source_kind kind;
	struct json *spec;
	char *schedule; /* NULL: due at each run */
	int64_t max_bytes;
	bool allow_empty;       /* no rows where there were some are not refused */
	bool allow_column_loss; /* nor is a column that is gone */
	/* State, of the last attempts: */
	int64_t last_sync_ms; /* 0: never; moves only on success */
	int64_t last_try_ms;
	char *outcome; /* "updated", "unchanged", "refused", "failed"; NULL: never tried */
	char *error;
	char *seen; /* what was read: a fingerprint, an ETag, a watermark; the kind's own */
};
void source_release(struct source *s);
#define AUTO_SOURCE AUTO(source_release)

/* `table` is the id. What is kept of an earlier source is its history; it is read anew. */
int source_put(struct db *db, const char *table, const struct json *spec, struct err *e);
int source_remove(struct db *db, const char *table, struct err *e);
int source_find(struct db *db, const char *table, struct source *ret_source, struct err *e);
typedef int (*source_visit_fn)(void *ctx, const struct source *s, struct err *e);
int source_list(struct db *db, source_visit_fn visit, void *ctx, struct err *e);

bool source_is_due(const struct source *s, int64_t now_ms);

/* A text, or a number, of its spec; NULL or `otherwise` when it has none. */
const char *source_text(const struct source *s, const char *key);

/* The members of a source and its state, into an open object. */
void source_add(const struct source *s, struct json_out *out);

struct source_run {
	const char *table;
	int64_t started_ms;
	const char *outcome;
	int64_t rows, bytes; /* -1 unknown */
	const char *error;   /* NULL: none */
	const char *seen;    /* on success */
};
/* In the transaction that makes it true. */
int source_record(struct db *db, const struct source_run *run, struct err *e);
/* The last runs of a table, the newest first, into an open array. */
int source_runs(struct db *db, const char *table, struct json_out *out, struct err *e);

#endif
