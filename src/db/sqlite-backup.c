/* SPDX-License-Identifier: Apache-2.0 */
#include "db/sqlite-internal.h"

#include "base/fault.h"

static void close_handle(sqlite3 **handle)
{
	(void)sqlite3_close(*handle); /* nothing is open on it any more */
}

/* The copy is nobody's yet: its caller syncs the file when it is whole. */
static int open_copy(const char *path, sqlite3 **ret_handle)
{
	int rc = sqlite3_open_v2(path, ret_handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
				 sqlite_fault_vfs());

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(*ret_handle, "PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF",
				  NULL, NULL, NULL);
	return rc;
}

int db_backup(struct db *db, const char *path, struct err *e)
{
	AUTO(close_handle) sqlite3 *copy = NULL;
	sqlite3_backup *backup = NULL;
	int rc;

	if (fault_step("create", path) < 0)
		return err_sys(e, "create '%s'", path);
	rc = open_copy(path, &copy);
	if (rc == SQLITE_OK) {
		backup = sqlite3_backup_init(copy, "main", db->handle, "main");
		rc = backup ? sqlite3_backup_step(backup, -1) : sqlite3_errcode(copy);
	}
	if (rc == SQLITE_DONE)
		rc = SQLITE_OK;
	if (backup) {
		int last = sqlite3_backup_finish(backup);

		rc = rc == SQLITE_OK ? last : rc;
	}
	if (rc == SQLITE_OK)
		return 0;
	return err_set(e, rc == SQLITE_BUSY ? ERR_BUSY : ERR_IO, "copy database '%s' to '%s': %s",
		       db->path, path, sqlite3_errstr(rc));
}
