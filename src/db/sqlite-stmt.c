/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements. Preparing costs ten times what running a small one does, so each is prepared once
 * per database and found again by the address of its text. A statement asked for while it is still
 * running (a query inside the loop over the same query) gets a second, uncached one.
 */
#include "db/sqlite-internal.h"

#include <assert.h>
#include <stdarg.h>
#include <uthash.h>

struct stmt {
	sqlite3_stmt *handle;
	struct db *db;
	const char *sql; /* the key */
	bool cached;
	bool busy;  /* handed out */
	bool ended; /* SQLite would start over if stepped again */
	UT_hash_handle hh;
};

static void statement_free(struct stmt *q)
{
	sqlite3_finalize(q->handle); /* repeats the last step's error, which was reported */
	free(q);
}

void sqlite_release_statements(struct db *db)
{
	struct stmt *q;
	struct stmt *next;

	HASH_ITER(hh, db->cache, q, next)
	{
		HASH_DEL(db->cache, q);
		statement_free(q);
	}
}

static int statement_get(struct db *db, const char *sql, struct stmt **ret_stmt, struct err *e)
{
	struct stmt *q = NULL;
	struct stmt *found = NULL;
	int rc;

	HASH_FIND_PTR(db->cache, &sql, found);
	if (found && !found->busy) {
		found->busy = true;
		found->ended = false;
		*ret_stmt = found;
		return 0;
	}
	q = xcalloc(1, sizeof(*q));
	q->db = db;
	q->sql = sql;
	q->busy = true;
	q->cached = !found;
	rc = sqlite3_prepare_v3(db->handle, sql, -1, found ? 0 : SQLITE_PREPARE_PERSISTENT,
				&q->handle, NULL);
	if (rc != SQLITE_OK) {
		statement_free(q);
		return sqlite_error(db, rc, e);
	}
	if (q->cached)
		HASH_ADD_PTR(db->cache, sql, q);
	*ret_stmt = q;
	return 0;
}

void stmt_done(struct stmt *q)
{
	if (!q)
		return;
	if (!q->cached) {
		statement_free(q);
		return;
	}
	sqlite3_reset(q->handle); /* repeats the last step's error, which was reported */
	sqlite3_clear_bindings(q->handle);
	q->busy = false;
}

static int bind_bytes(sqlite3_stmt *handle, int i, struct bytes value, char kind, bool copy)
{
	sqlite3_destructor_type life = copy ? SQLITE_TRANSIENT : SQLITE_STATIC;

	if (kind == 's')
		return sqlite3_bind_text64(handle, i, value.p ? value.p : "", value.n, life,
					   SQLITE_UTF8);
	if (value.n == 0) /* a NULL pointer would bind null, not an empty BLOB */
		return sqlite3_bind_zeroblob(handle, i, 0);
	return sqlite3_bind_blob64(handle, i, value.p, value.n, life);
}

/* `copy`: the arguments may be gone before the statement has run. */
static int bind_one(sqlite3_stmt *handle, int i, char kind, va_list *args, bool copy)
{
	switch (kind) {
	case 'i':
		return sqlite3_bind_int64(handle, i, va_arg(*args, int64_t));
	case 'd':
		return sqlite3_bind_double(handle, i, va_arg(*args, double));
	case 't':
		return sqlite3_bind_text(handle, i, va_arg(*args, const char *), -1,
					 copy ? SQLITE_TRANSIENT : SQLITE_STATIC);
	case 'b':
	case 's':
		return bind_bytes(handle, i, va_arg(*args, struct bytes), kind, copy);
	default:
		assert(kind == 'n');
		return sqlite3_bind_null(handle, i);
	}
}

static int query(struct db *db, const char *sql, const char *format, va_list ap,
		 struct stmt **ret_stmt, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	bool copy = ret_stmt != NULL;
	va_list args;
	int rc = SQLITE_OK;
	int i = 0;
	int r = statement_get(db, sql, &q, e);

	if (r < 0)
		return r;
	va_copy(args, ap);
	for (; format[i] && rc == SQLITE_OK; i++)
		rc = bind_one(q->handle, i + 1, format[i], &args, copy);
	va_end(args);
	if (rc != SQLITE_OK)
		return sqlite_error(db, rc, e);
	assert(i == sqlite3_bind_parameter_count(q->handle));
	if (ret_stmt) {
		*ret_stmt = TAKE(q);
		return 0;
	}
	while ((r = stmt_next(q, e)) > 0)
		;
	return r;
}

int db_exec(struct db *db, struct err *e, const char *sql, const char *format, ...)
{
	va_list ap;
	int r = sqlite_check_tx(db, e);

	if (r < 0)
		return r;
	va_start(ap, format);
	r = query(db, sql, format, ap, NULL, e);
	va_end(ap);
	return r;
}

int64_t db_changes(const struct db *db)
{
	return sqlite3_changes64(db->handle);
}

int64_t db_last_id(const struct db *db)
{
	return sqlite3_last_insert_rowid(db->handle);
}

int db_query(struct db *db, struct stmt **ret_stmt, struct err *e, const char *sql,
	     const char *format, ...)
{
	va_list ap;
	int r = sqlite_check_tx(db, e);

	if (r < 0)
		return r;
	va_start(ap, format);
	r = query(db, sql, format, ap, ret_stmt, e);
	va_end(ap);
	return r;
}

int stmt_next(struct stmt *q, struct err *e)
{
	int rc;

	assert(q); /* one that db_query() gave */
	if (q->ended)
		return 0;
	rc = sqlite3_step(q->handle);
	if (rc == SQLITE_ROW)
		return 1;
	q->ended = true;
	return rc == SQLITE_DONE ? 0 : sqlite_error(q->db, rc, e);
}

int64_t stmt_int(const struct stmt *q, int column)
{
	return sqlite3_column_int64(q->handle, column);
}

double stmt_double(const struct stmt *q, int column)
{
	return sqlite3_column_double(q->handle, column);
}

const char *stmt_text(const struct stmt *q, int column)
{
	return (const char *)sqlite3_column_text(q->handle, column);
}

struct bytes stmt_bytes(const struct stmt *q, int column)
{
	const char *p = sqlite3_column_blob(q->handle, column);

	return (struct bytes){ p, (size_t)sqlite3_column_bytes(q->handle, column) };
}

bool stmt_is_null(const struct stmt *q, int column)
{
	return sqlite3_column_type(q->handle, column) == SQLITE_NULL;
}

/* 1 when there is a first row with a value in its first column. */
static int first_value(struct db *db, const char *sql, const char *format, va_list ap,
		       struct stmt **ret_query, struct err *e)
{
	int r = sqlite_check_tx(db, e);

	if (r == 0)
		r = query(db, sql, format, ap, ret_query, e);
	if (r == 0)
		r = stmt_next(*ret_query, e);
	return r < 0 ? r : r > 0 && !stmt_is_null(*ret_query, 0);
}

int db_get_int(struct db *db, int64_t *ret_value, int64_t otherwise, struct err *e, const char *sql,
	       const char *format, ...)
{
	AUTO_STMT struct stmt *q = NULL;
	va_list ap;
	int r;

	va_start(ap, format);
	r = first_value(db, sql, format, ap, &q, e);
	va_end(ap);
	if (r < 0)
		return r;
	*ret_value = r ? stmt_int(q, 0) : otherwise;
	return 0;
}

int db_get_text(struct db *db, char **ret_text, struct err *e, const char *sql, const char *format,
		...)
{
	AUTO_STMT struct stmt *q = NULL;
	va_list ap;
	int r;

	va_start(ap, format);
	r = first_value(db, sql, format, ap, &q, e);
	va_end(ap);
	if (r < 0)
		return r;
	*ret_text = r ? xstrdup(stmt_text(q, 0)) : NULL;
	return 0;
}
