/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database: the one place where state changes. SQLite is behind it today (sqlite*.c, the only
 * files that see sqlite3.h); statements are written so that PostgreSQL can follow: parameters are
 * ?1 ?2 ..., types are INTEGER, TEXT and BLOB, upserts are INSERT ... ON CONFLICT, times are
 * INTEGER milliseconds, booleans 0 and 1.
 *
 *	if (db_begin(db, e) < 0) ...                              BEGIN IMMEDIATE: the one writer
 *	db_exec(db, e, "UPDATE t SET a=?1 WHERE id=?2", "ti", text, id) ...
 *	return db_commit(db, e);                                  durable when it returns 0
 *
 *	AUTO_STMT struct stmt *q = NULL;
 *	if (db_query(db, &q, e, "SELECT a, b FROM t WHERE c=?1", "i", c) < 0) ...
 *	while ((r = stmt_next(q, e)) > 0)
 *		use(stmt_text(q, 0), stmt_int(q, 1));             lent until the next stmt_next
 *
 * Argument formats, one letter per parameter: i int64_t, t const char * (NULL = null), b struct
 * bytes as BLOB, s struct bytes as TEXT, d double, n null (takes no argument). An int literal is no
 * int64_t: write (int64_t)1. Statements are cached by the address of the SQL text: SQL is a string
 * literal or otherwise outlives the db.
 *
 * Transactions do not nest. A db closed inside one rolls it back; so does AUTO_TX:
 *
 *	AUTO_TX struct db *tx = NULL;
 *	if (db_begin_tx(db, &tx, e) < 0) ...                      every return then rolls back,
 *	return db_commit(db, e);                                  but after this
 *
 * A statement that fails for want of disk, or by an I/O error, ends its transaction: what follows
 * in it fails too, and so does db_commit().
 *
 * Threads: a struct db belongs to one thread at a time; open one per thread. Writers of several
 * processes wait for each other up to DB_BUSY_MS, then get ERR_BUSY; readers never wait. Errors:
 * ERR_BUSY, ERR_IO (disk, full), ERR_CORRUPT (not a database, or of a newer program), ERR_CONFLICT
 * (a UNIQUE, CHECK or FOREIGN KEY constraint refused the row), ERR_LIMIT (a value over 1 GB).
 */
#ifndef LARDER_DB_DB_H
#define LARDER_DB_DB_H

#include "base/buf.h"
#include "base/err.h"

/* Longer than any transaction of ours takes on a slow disk, shorter than a person's patience. */
#define DB_BUSY_MS 10000

struct db;
struct stmt;

struct db_options {
	const char *path;
	bool create; /* else ERR_NOT_FOUND when absent */
	bool read_only;
};

/* Refuses a SQLite library that has the WAL-reset fault (before 3.51.3 and its backports). */
int db_open(const struct db_options *options, struct db **ret_db, struct err *e);
void db_close(struct db *db);
static inline void db_auto_(struct db **p)
{
	db_close(*p);
}
#define AUTO_DB AUTO(db_auto_)
bool db_is_read_only(const struct db *db);

int db_begin(struct db *db, struct err *e);
/*
 * A transaction whose commit is not synced: it may be lost when the power fails, but only together
 * with everything committed after it; a kill of the process loses nothing. For changes that are
 * harmless to lose: leases, deleting the rows of work that is done.
 */
int db_begin_lazy(struct db *db, struct err *e);
int db_commit(struct db *db, struct err *e); /* on failure the transaction is rolled back */
void db_rollback(struct db *db);             /* fine when there is none */
bool db_in_transaction(const struct db *db);

static inline void tx_auto_(struct db **p)
{
	if (*p)
		db_rollback(*p);
}
#define AUTO_TX AUTO(tx_auto_)
static inline int db_begin_tx(struct db *db, struct db **ret_tx, struct err *e)
{
	int r = db_begin(db, e);

	if (r == 0)
		*ret_tx = db;
	return r;
}

/* For reads that must agree with each other: a snapshot until db_rollback(). */
int db_begin_read(struct db *db, struct err *e);

int db_exec(struct db *db, struct err *e, const char *sql, const char *format, ...);
/* Several statements without parameters, not cached: for schemas. */
int db_script(struct db *db, const char *sql, struct err *e);
int64_t db_changes(const struct db *db); /* rows changed by the last db_exec */
int64_t db_last_id(const struct db *db); /* rowid of the last insert */

int db_query(struct db *db, struct stmt **ret_stmt, struct err *e, const char *sql,
	     const char *format, ...);
int stmt_next(struct stmt *q, struct err *e); /* 1 a row, 0 the end, negative an error */
void stmt_done(struct stmt *q);               /* back to the cache; accepts NULL */
static inline void stmt_auto_(struct stmt **p)
{
	stmt_done(*p);
}
#define AUTO_STMT AUTO(stmt_auto_)

int64_t stmt_int(const struct stmt *q, int column);
double stmt_double(const struct stmt *q, int column);
const char *stmt_text(const struct stmt *q, int column); /* NULL for null */
struct bytes stmt_bytes(const struct stmt *q, int column);
bool stmt_is_null(const struct stmt *q, int column);

/* One value or the default: for counts, settings, existence. A missing row is the default too. */
int db_get_int(struct db *db, int64_t *ret_value, int64_t otherwise, struct err *e, const char *sql,
	       const char *format, ...);
/* The caller owns *ret_text; NULL when there is no row or it is null. */
int db_get_text(struct db *db, char **ret_text, struct err *e, const char *sql, const char *format,
		...);

/*
 * Schemas come in components ("journal", "tables", ...), each an array of migrations that only ever
 * grows; table `schema(component, version)` says how far a database is. One transaction for all,
 * none when nothing is to do; a database that is ahead of this program is refused with ERR_CORRUPT
 * and a hint, untouched; one that is behind and opened read-only is ERR_CONFLICT with a hint.
 */
struct db_schema {
	const char *component;
	const char *const *migrations; /* each may hold several statements; NULL-terminated */
};
int db_migrate(struct db *db, const struct db_schema *const *schemas, size_t n, struct err *e);
/* 1 when db_migrate() has ever finished here, 0 for an empty database. */
int db_is_migrated(struct db *db, struct err *e);

/*
 * All of it as it is now into a new file at `path`, which must not be there; whole when it returns 0, not yet
 * synced. `db` may be read only and not in a write transaction; others may write meanwhile.
 */
int db_backup(struct db *db, const char *path, struct err *e);

/* PRAGMA integrity_check and foreign_key_check; ERR_CORRUPT with the first finding. */
int db_check(struct db *db, struct err *e);

#endif
