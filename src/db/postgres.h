/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL as a place to read from. libpq is behind it, seen only by postgres*.c, and loaded at
 * the first connection.
 *
 *	AUTO_POSTGRES struct postgres *pg = NULL;
 *	AUTO_POSTGRES_COLUMNS struct postgres_columns columns = { 0 };
 *	postgres_open(&options, &pg, e)             one snapshot, read only, until the end
 *	postgres_describe(pg, "SELECT * FROM t", &columns, e)
 *	postgres_read(pg, &read, e)                 rows as CSV, piece by piece, to a function
 *
 * A connection is one transaction (repeatable read, read only): whatever is asked of it sees one
 * state, and nothing asked of it can change anything. Rows come as the server makes them (COPY TO
 * STDOUT): memory is bounded by one row, and there are none of a cursor's round trips.
 *
 * Every column has a type of DuckDB's that holds all of its values (postgres-type.c has the table);
 * what has none (arrays, composites, ranges, intervals) comes as text, arrays and composites in
 * JSON, bytea in hex digits for type BLOB. CSV: a header line, ',' '"', NULL is \N without quotes,
 * times in UTC and ISO 8601.
 *
 * Statements are the caller's to trust in what they read, but are one statement each: PostgreSQL
 * prepares them before they become part of another.
 *
 * Errors: ERR_OFFLINE (not reached, ended in the middle, no byte for stall_ms), ERR_AUTH,
 * ERR_DENIED, ERR_NOT_FOUND (a table or column), ERR_USAGE (SQL, connection text), ERR_BUSY (too
 * many connections, a time limit of the server's), ERR_REMOTE else; with the server's sentence.
 * Threads: one at a time per connection.
 */
#ifndef LARDER_DB_POSTGRES_H
#define LARDER_DB_POSTGRES_H

#include "base/buf.h"
#include "base/err.h"

/* As for HTTP: a peer that is there answers within it. */
#define POSTGRES_CONNECT_S 15
/* A query may sort for minutes before its first row; a connection without a sign of life for
 * longer is taken for dead. */
#define POSTGRES_STALL_MS ((int64_t)10 * 60 * 1000)
/* PostgreSQL's own. */
#define POSTGRES_COLUMNS_MAX 1600

struct postgres;

struct postgres_options {
	const char *connection; /* "postgresql://..." or "host=... dbname=..." */
	int64_t stall_ms;       /* 0: POSTGRES_STALL_MS */
	int64_t statement_ms; /* the server ends what takes longer, and waits for no lock for long; 0: never */
	bool only_qualified; /* a name without a schema is the system's own or none */
	/* Asked about once a second while postgres_ask() waits; NULL: never. */
	bool (*is_cancelled)(void *ctx);
	void *ctx;
};
int postgres_open(const struct postgres_options *options, struct postgres **ret_pg, struct err *e);
void postgres_close(struct postgres *pg);
static inline void postgres_auto_(struct postgres **p)
{
	postgres_close(*p);
}
#define AUTO_POSTGRES AUTO(postgres_auto_)

/* ERR_USAGE for what is no connection text, and for one with a password in it. */
int postgres_check_connection(const char *connection, struct err *e);

struct postgres_column {
	char *name;
	const char *type; /* DuckDB's name of it */
	char kind;        /* how postgres_read() asks for it: internal */
	char text[24];    /* room for the type when it has numbers */
};
struct postgres_columns {
	struct postgres_column *v;
	size_t n;
};
void postgres_columns_release(struct postgres_columns *columns);
#define AUTO_POSTGRES_COLUMNS AUTO(postgres_columns_release)

/* What a query gives, without running it. */
int postgres_describe(struct postgres *pg, const char *query, struct postgres_columns *ret_columns,
		      struct err *e);

struct postgres_read {
	const char *query;
	const struct postgres_columns *columns; /* of postgres_describe() for that query */
	void *ctx;
	int (*on_data)(void *ctx, struct bytes piece, struct err *e); /* negative: ends it */
};
int postgres_read(struct postgres *pg, const struct postgres_read *read, struct err *e);

/*
 * Rows of a statement that the caller does not trust, as they come: it is sent as the one statement it
 * must be, and ended at the server when on_row() has enough (1), fails, or the connection is cancelled.
 * Values are as of postgres_read(), but true and false are spelt out; p NULL is null.
 */
struct postgres_ask {
	const char *query;
	void *ctx;
	int (*on_columns)(void *ctx, const struct postgres_columns *columns, struct err *e);
	int (*on_row)(void *ctx, const struct bytes *values, size_t n, struct err *e);
};
int postgres_ask(struct postgres *pg, const struct postgres_ask *ask, struct err *e);
/* The plan of such a statement, EXPLAIN (VERBOSE, FORMAT JSON): it is not run. The caller owns it. */
int postgres_explain(struct postgres *pg, const char *query, char **ret_plan, struct err *e);
/* DuckDB's name for a column of pg_attribute: atttypid, atttypmod. */
void postgres_type_name(int64_t type, int64_t modifier, char out[24]);

/* The first value of the first row as text, NULL for none; the caller owns it. */
int postgres_get_text(struct postgres *pg, const char *query, char **ret_text, struct err *e);

#endif
