/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine: how tables are asked that stay at their source (PostgreSQL, BigQuery). One table of
 * functions for each, in engine.c's list; nothing above knows which one it talks to.
 *
 *	const struct far_engine *engine = far_engine_find("postgres");      NULL: no such engine
 *	engine->check(spec, e)                        what a person says of a table, before it is kept
 *	AUTO_FREE char *at = engine->source(spec)     tables of equal texts can stand in one statement
 *
 *	engine->open(&(struct far_open){ spec, &guard }, &session, e)
 *	engine->estimate(session, &statement, &estimate, e)           what it would read; reads nothing
 *	engine->run(session, &statement, &run, &result, e)            rows to functions
 *	engine->describe(session, spec, &found, e)                    what is known of one table
 *	engine->close(session)
 *
 * `spec` is the JSON object that was stored for the table, with members of the engine's own. A secret is
 * never in it: members that end in _env name a variable of the hub's environment, those in _file a file of
 * its machine (far_secret()), read at each open().
 *
 * A statement comes judged: its tables are those listed, all of one source, and seen by whoever asks; its
 * text is plain (text.h). An engine turns it into its dialect with far_render(), where the tables become
 * names of a WITH, so that nothing else can be named.
 *
 * Errors say whose fault it is. Of the statement: ERR_USAGE (syntax, types), ERR_NOT_FOUND (a column,
 * a table at the source). Of the source: ERR_AUTH (the credential), ERR_DENIED (it may not), ERR_OFFLINE,
 * ERR_REMOTE (it failed, or broke the contract), ERR_BUSY (told to come back; retry_after). Of the hub's
 * own set-up: ERR_CONFLICT (no secret where the spec says, no library). Of limits: ERR_LIMIT (the time, a
 * row too long), ERR_CANCELLED (who asked has left). Engines do not retry; passing failures of one
 * request are their own matter only where the source's manual asks for it.
 *
 * Threads: a session belongs to one at a time; the functions have no state beside it.
 */
#ifndef LARDER_REMOTE_ENGINE_H
#define LARDER_REMOTE_ENGINE_H

#include "base/json.h"
#include "base/str.h"
#include "duck/duck.h"

/* A row as one message; a longer one belongs into a file. */
#define FAR_ROW_MAX ((size_t)32 << 20)
/* No source makes wider tables (BigQuery's own limit). */
#define FAR_COLUMNS_MAX 10000

/* What every wait of an engine keeps to. */
struct far_guard {
	int64_t until_ms; /* of time_monotonic(); 0: the engine's own limits */
	void *ctx;
	bool (*is_cancelled)(void *ctx); /* asked at least once a second; NULL: never */
};
/* 0, or ERR_LIMIT, ERR_CANCELLED. */
int far_guard_check(const struct far_guard *guard, struct err *e);

struct far_open {
	const struct json *spec;       /* of any of the tables: they are of one source */
	const struct far_guard *guard; /* outlives the session */
};

/* One table of a statement. */
struct far_table {
	const char *name; /* as the statement calls it, capitals aside */
	const struct json *spec;
	const char *id; /* in the registry: for messages */
};

struct far_statement {
	const char *sql; /* plain text, of one SELECT */
	const struct far_table *tables;
	size_t count; /* at least 1 */
};

struct far_estimate {
	int64_t scan_bytes; /* what it would read, as the source counts it */
	int64_t rows;       /* of its result, -1 unknown */
};

/* Values of a row: texts as DuckDB reads them for the column's type (numbers in digits, true and false,
 * ISO 8601 in UTC, BLOB in hex digits, nested things as JSON); p NULL is null. */
struct far_run {
	int64_t row_limit, byte_limit; /* what is beyond is not asked for; 0: none */
	int64_t scan_max; /* beyond it the source itself ends it, where it can; 0: none */
	void *ctx;
	int (*on_columns)(void *ctx, const struct duck_column *columns, size_t n, struct err *e);
	int (*on_row)(void *ctx, const struct bytes *values, size_t n, struct err *e); /* lent */
};
struct far_result {
	int64_t rows, bytes;   /* given to on_row */
	int64_t scanned_bytes; /* as the source bills it; -1: it does not say */
	bool truncated;        /* there were more */
};

/* What describe() found out; what it could not is left unknown and told in `missing`. */
struct far_found {
	bool has_figures, has_layout, has_columns; /* these were answered, if only by "unknown" */
	int64_t rows, size_bytes;                  /* -1 unknown, and of views */
	const char *entity_type; /* "BASE TABLE", "VIEW", "MATERIALIZED VIEW", "EXTERNAL", ... */
	char *partition_by;      /* NULL: it is not */
	struct strv clustered_by;
	struct duck_column *columns; /* names and types as DuckDB calls them */
	size_t column_count;
	struct err missing; /* why something was not answered; code 0: all was */
};
void far_found_release(struct far_found *found);

struct far_session;

struct far_engine {
	const char *name;        /* "postgres": the table's source_type */
	const char *title;       /* "PostgreSQL": in messages */
	const char *sql_flavor;  /* of the catalog: in which dialect it is asked */
	const char *kind_prefix; /* of the kinds of its refusals, where the contract has its own */

	int (*check)(const struct json *spec, struct err *e); /* ERR_USAGE names the member */
	/* What tables must have in common to stand in one statement; no secret. The caller owns it. */
	char *(*source)(const struct json *spec);
	/* "public.orders": the table as its source calls it. The caller owns it. */
	char *(*path)(const struct json *spec);

	int (*open)(const struct far_open *open, struct far_session **ret_session, struct err *e);
	void (*close)(struct far_session *session); /* accepts NULL */
	int (*estimate)(struct far_session *session, const struct far_statement *statement,
			struct far_estimate *ret_estimate, struct err *e);
	int (*run)(struct far_session *session, const struct far_statement *statement,
		   const struct far_run *run, struct far_result *ret_result, struct err *e);
	/* Fails only when nothing at all was found out. */
	int (*describe)(struct far_session *session, const struct json *spec,
			struct far_found *ret_found, struct err *e);
};

extern const struct far_engine far_bigquery; /* bigquery.c */
extern const struct far_engine far_postgres; /* postgres.c */

const struct far_engine *far_engine_find(const char *name); /* accepts NULL */
/* "postgres, bigquery": for messages. Into `out`. */
void far_engine_names(struct buf *out);

/*
 * The text that <key>_env or <key>_file of the spec names. NULL when it has neither; ERR_CONFLICT when there
 * is nothing where it says. The caller owns it.
 */
int far_secret(const struct json *spec, const char *key, char **ret_text, struct err *e);

/* A member of check(): which there may be, of which kind, which must be there. Ends with key NULL. */
struct far_member {
	const char *key;
	enum json_kind kind;
	bool required;
};
/* ERR_USAGE for a member that is unknown (with the nearest), of another kind, missing, not clean text or
 * longer than 1000 bytes. */
int far_check_members(const struct json *spec, const struct far_member *members, struct err *e);

#endif
