/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening, transactions and errors. Settings and why:
 *
 *	WAL, synchronous=FULL     readers never wait; a commit is on disk when db_commit() returns
 *	no checkpoint at close    a command that commits once pays one sync, not four: the log stays
 *	                          beside the database and the next opener reads it
 *	checkpoint at 256 pages   keeps that log at about 1 MB, which is read in under a millisecond;
 *	                          while readers hold it back, only once for as many again
 *	no mmap                   an unreadable page is an error that names the file, not a SIGBUS
 */
#include "db/sqlite-internal.h"

#include "base/log.h"
#include "base/str.h"
#include "base/time.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define LIBRARY_WANTED "3.51.3, 3.50.7 or 3.44.6"

static const char sql_settings[] = "PRAGMA foreign_keys=ON;"
				   "PRAGMA synchronous=FULL;"
				   "PRAGMA cache_size=-8000;"
				   "PRAGMA journal_size_limit=4194304;";

#define CHECKPOINT_PAGES 256

bool sqlite_version_is_safe(int version_number)
{
	if (version_number >= 3051003)
		return true;
	if (version_number >= 3050007 && version_number < 3051000)
		return true;
	return version_number >= 3044006 && version_number < 3045000;
}

static int error_of_io(const struct db *db, int rc, struct err *e)
{
	int system = sqlite3_system_errno(db->handle);

	if (rc == SQLITE_FULL || system == ENOSPC || system == EDQUOT) {
		err_set(e, ERR_IO, "cannot write database '%s': disk full", db->path);
		return err_hint(e, "free some space on its disk and run the command again");
	}
	if (system != 0)
		return err_set(e, ERR_IO, "database '%s': %s: %s", db->path,
			       sqlite3_errmsg(db->handle), strerror(system));
	return err_set(e, ERR_IO, "database '%s': %s", db->path, sqlite3_errmsg(db->handle));
}

int sqlite_error(const struct db *db, int rc, struct err *e)
{
	static const struct {
		int rc;
		enum err_code code;
	} others[] = {
		{ SQLITE_CORRUPT, ERR_CORRUPT },     { SQLITE_NOTADB, ERR_CORRUPT },
		{ SQLITE_CONSTRAINT, ERR_CONFLICT }, { SQLITE_TOOBIG, ERR_LIMIT },
		{ SQLITE_INTERRUPT, ERR_CANCELLED },
	};

	switch (rc & 0xff) {
	case SQLITE_BUSY:
		err_set(e, ERR_BUSY, "database '%s' is in use by another program", db->path);
		return err_hint(e, "wait for the other larder command to end, then try again");
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return error_of_io(db, rc & 0xff, e);
	default:
		break;
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (others[i].rc == (rc & 0xff))
			return err_set(e, others[i].code, "database '%s': %s", db->path,
				       sqlite3_errmsg(db->handle));
	return err_set(e, ERR_FAILED, "database '%s': %s", db->path, sqlite3_errmsg(db->handle));
}

/* Of waits for a lock so many are short: a transaction of ours takes some milliseconds. */
#define SHORT_WAITS   100
#define SHORT_WAIT_MS 1
#define LONG_WAIT_MS  20

/* SQLite's own handler soon sleeps a tenth of a second, which is longer than most of what it waits for. */
static int wait_for_lock(void *ctx, int tries)
{
	struct db *db = ctx;

	if (tries == 0)
		db->waits_since_ms = time_monotonic();
	if (time_monotonic() - db->waits_since_ms >= DB_BUSY_MS)
		return 0;
	sqlite3_sleep(tries < SHORT_WAITS ? SHORT_WAIT_MS : LONG_WAIT_MS);
	return 1;
}

/* `pages`: in the log, after a commit. What fails here is done by a later one. */
static int after_commit(void *ctx, sqlite3 *handle, const char *name, int pages)
{
	struct db *db = ctx;

	if (pages < db->log_tried)
		db->log_tried = 0; /* the log began anew */
	if (pages - db->log_tried < CHECKPOINT_PAGES)
		return SQLITE_OK;
	db->log_tried = pages;
	(void)sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return SQLITE_OK;
}

static int open_handle(struct db *db, const char *name, int flags, struct err *e)
{
	int rc = sqlite3_open_v2(name, &db->handle, flags, sqlite_fault_vfs());

	if (rc == SQLITE_CANTOPEN && access(db->path, F_OK) < 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "database '%s' does not exist", db->path);
	if (rc != SQLITE_OK)
		return sqlite_error(db, rc, e);
	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_handler(db->handle, wait_for_lock, db);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	(void)sqlite3_wal_hook(db->handle, after_commit, db); /* there was none before */
	return db_script(db, sql_settings, e);
}

/* A change of mode takes about a millisecond: this is a pause that others can get through in. */
#define MODE_PAUSE_MS 2

/*
 * SQLite asks no busy handler while the mode of a new database changes (two that wait there for each
 * other would wait for ever), so those who make one at the same moment take turns here.
 */
static int set_mode(struct db *db, char **ret_mode, struct err *e)
{
	static const char sql_look[] = "PRAGMA journal_mode";
	static const char sql_set[] = "PRAGMA journal_mode=WAL";
	int64_t give_up = time_monotonic() + DB_BUSY_MS;
	int r;

	while ((r = db_get_text(db, ret_mode, e, db->read_only ? sql_look : sql_set, "")) ==
		       ERR_BUSY &&
	       time_monotonic() < give_up)
		sqlite3_sleep(MODE_PAUSE_MS);
	return r;
}

/* The first read: here a file that is no database shows. */
static int use_wal(struct db *db, struct err *e)
{
	AUTO_FREE char *mode = NULL;
	int r = set_mode(db, &mode, e);

	if (r < 0 || db->read_only || str_eq(mode, "wal"))
		return r;
	return err_set(e, ERR_IO, "database '%s' cannot use a write-ahead log (mode '%s')",
		       db->path, mode ? mode : "");
}

/*
 * A folder that we may not write: SQLite cannot make the log's index there. That does not matter
 * while the log is empty, for then the database file alone is the state.
 */
static int reopen_immutable(struct db *db, struct err *e)
{
	AUTO_FREE char *wal = xasprintf("%s-wal", db->path);
	AUTO_BUF struct buf uri = BUF_INIT(BUF_OWN_MAX);
	struct stat st;

	if (stat(wal, &st) == 0 && st.st_size > 0) {
		err_set(e, ERR_IO, "database '%s' has changes in its log and cannot be written",
			db->path);
		return err_hint(e, "copy the folder to where you may write");
	}
	sqlite_release_statements(db);
	sqlite3_close(db->handle);
	db->handle = NULL;
	buf_adds(&uri, "file:");
	for (const char *p = db->path; *p; p++) {
		if (strchr("?#%", *p))
			buf_addf(&uri, "%%%02X", (unsigned)*p);
		else
			buf_addc(&uri, *p);
	}
	buf_adds(&uri, "?immutable=1");
	return open_handle(db, buf_str(&uri), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, e);
}

static int open_read_only(struct db *db, struct err *e)
{
	int r = open_handle(db, db->path, SQLITE_OPEN_READONLY, e);

	if (r == 0)
		r = use_wal(db, e);
	if (r == 0)
		r = db_is_migrated(db, e);
	return r == ERR_IO ? reopen_immutable(db, e) : r < 0 ? r : 0;
}

static int open_any(struct db *db, bool create, struct err *e)
{
	int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
	int r;

	if (db->read_only)
		return open_read_only(db, e);
	r = open_handle(db, db->path, flags, e);
	return r < 0 ? r : use_wal(db, e);
}

int db_open(const struct db_options *options, struct db **ret_db, struct err *e)
{
	AUTO_DB struct db *db = NULL;
	int r;

	if (!sqlite_version_is_safe(sqlite3_libversion_number()))
		return err_set(e, ERR_FAILED,
			       "SQLite library %s can lose committed data, need %s or later",
			       sqlite3_libversion(), LIBRARY_WANTED);
	db = xcalloc(1, sizeof(*db));
	db->path = xstrdup(options->path);
	db->read_only = options->read_only;
	r = open_any(db, options->create, e);
	if (r < 0)
		return r;
	*ret_db = TAKE(db);
	return 0;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	if (db->handle)
		db_rollback(db);
	sqlite_release_statements(db);
	sqlite3_close(db->handle); /* its checkpoint, if any, can be done by the next opener */
	free(db->path);
	free(db);
}

bool db_is_read_only(const struct db *db)
{
	return db->read_only;
}

static int begin(struct db *db, enum tx_kind kind, const char *sql, struct err *e)
{
	int r;

	assert(db->tx == TX_NONE);
	r = db_exec(db, e, sql, "");
	if (r < 0)
		return r;
	db->tx = kind;
	db->tx_started_ms = trace_enabled() ? time_monotonic() : 0;
	db->tx_changes_before = sqlite3_total_changes64(db->handle);
	return 0;
}

int db_begin(struct db *db, struct err *e)
{
	return begin(db, TX_WRITE, "BEGIN IMMEDIATE", e);
}

int db_begin_lazy(struct db *db, struct err *e)
{
	int r = db_exec(db, e, "PRAGMA synchronous=NORMAL", "");

	if (r == 0)
		r = begin(db, TX_LAZY, "BEGIN IMMEDIATE", e);
	if (r < 0)
		(void)db_exec(db, &(struct err){ 0 }, "PRAGMA synchronous=FULL", "");
	return r;
}

/* BEGIN alone takes no snapshot; the first read does. */
int db_begin_read(struct db *db, struct err *e)
{
	int64_t tables;
	int r = begin(db, TX_READ, "BEGIN", e);

	if (r < 0)
		return r;
	r = db_get_int(db, &tables, 0, e, "SELECT 1 FROM sqlite_schema LIMIT 1", "");
	if (r < 0)
		db_rollback(db);
	return r;
}

static void end_tx(struct db *db, const char *how)
{
	enum tx_kind kind = db->tx;

	db->tx = TX_NONE;
	if (kind == TX_LAZY) /* setting a flag: cannot fail outside a transaction */
		(void)db_exec(db, &(struct err){ 0 }, "PRAGMA synchronous=FULL", "");
	if (db->tx_started_ms != 0 && kind != TX_READ)
		trace_event("transaction", db->tx_started_ms,
			    "\"end\":\"%s\",\"synced\":%s,\"changes\":%lld", how,
			    kind == TX_WRITE ? "true" : "false",
			    sqlite3_total_changes64(db->handle) - db->tx_changes_before);
}

int sqlite_check_tx(const struct db *db, struct err *e)
{
	if (db->tx == TX_NONE || !sqlite3_get_autocommit(db->handle))
		return 0;
	return err_set(e, ERR_IO, "database '%s': an earlier failure ended the transaction",
		       db->path);
}

int db_commit(struct db *db, struct err *e)
{
	int r;

	assert(db->tx == TX_WRITE || db->tx == TX_LAZY);
	r = db_exec(db, e, "COMMIT", "");
	if (r < 0)
		db_rollback(db);
	else
		end_tx(db, "commit");
	return r;
}

void db_rollback(struct db *db)
{
	if (db->tx == TX_NONE)
		return;
	if (!sqlite3_get_autocommit(db->handle)) /* nothing to do about a failing rollback: */
		(void)db_exec(db, &(struct err){ 0 }, "ROLLBACK", ""); /* closing does it */
	end_tx(db, "rollback");
}

bool db_in_transaction(const struct db *db)
{
	return db->tx != TX_NONE;
}

int db_script(struct db *db, const char *sql, struct err *e)
{
	int r = sqlite_check_tx(db, e);
	int rc;

	if (r < 0)
		return r;
	rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : sqlite_error(db, rc, e);
}

int db_is_migrated(struct db *db, struct err *e)
{
	int64_t found;
	int r = db_get_int(db, &found, 0, e,
			   "SELECT 1 FROM sqlite_schema WHERE type='table' AND name='schema'", "");

	return r < 0 ? r : found == 1;
}

static int check_keys(struct db *db, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, "PRAGMA foreign_key_check", "");

	if (r < 0)
		return r;
	r = stmt_next(q, e);
	if (r <= 0)
		return r;
	return err_set(e, ERR_CORRUPT, "database '%s': row %lld of '%s' refers to nothing in '%s'",
		       db->path, (long long)stmt_int(q, 1), stmt_text(q, 0), stmt_text(q, 2));
}

int db_check(struct db *db, struct err *e)
{
	AUTO_FREE char *finding = NULL;
	int r = db_get_text(db, &finding, e, "PRAGMA integrity_check(1)", "");

	if (r < 0)
		return r;
	if (!str_eq(finding, "ok"))
		return err_set(e, ERR_CORRUPT, "database '%s': %s", db->path,
			       finding ? finding : "no answer to the integrity check");
	return check_keys(db, e);
}
