/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sqlite*.c files share. SQLite's types do not leave this folder.
 *
 *	sqlite.c         opening, transactions, errors
 *	sqlite-stmt.c    statements, their cache and arguments
 *	sqlite-fault.c   the seam through which tests kill or fail each of SQLite's own writes
 */
#ifndef LARDER_DB_SQLITE_INTERNAL_H
#define LARDER_DB_SQLITE_INTERNAL_H

#include "db/db.h"

#include <sqlite3.h>

enum tx_kind { TX_NONE, TX_WRITE, TX_LAZY, TX_READ };

struct db {
	sqlite3 *handle;
	char *path;
	struct stmt *cache; /* uthash, by address of the SQL text */
	bool read_only;
	enum tx_kind tx;
	int64_t tx_started_ms; /* 0 while nothing is traced */
	int64_t tx_changes_before;
	int64_t waits_since_ms; /* for a lock */
	int log_tried;          /* pages that the log had at the last checkpoint */
};

/* Turns a result code of SQLite into ours, with the library's own sentence. */
int sqlite_error(const struct db *db, int rc, struct err *e);
/* ERR_IO when the open transaction was ended by an earlier failure, behind the caller's back. */
int sqlite_check_tx(const struct db *db, struct err *e);
void sqlite_release_statements(struct db *db);

/*
 * The WAL-reset fault (a checkpoint racing with a writer that restarts the log may lose committed
 * pages) was mended in 3.51.3, 3.50.7 and 3.44.6. Source: sqlite.org/wal.html, "The WAL-Reset Bug".
 */
bool sqlite_version_is_safe(int version_number);

/* The name of the VFS to open with: NULL is SQLite's own. */
#ifdef LARDER_FAULTS
const char *sqlite_fault_vfs(void);
#else
static inline const char *sqlite_fault_vfs(void)
{
	return NULL;
}
#endif

#endif
