/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backups of a hub: all of its files by content, and its database as of one moment.
 *
 *	<folder>/larder-backup                     says what the folder is
 *	<folder>/store/<2 hex>/<sha256>            every content once, whatever snapshots have it
 *	<folder>/snapshots/<time>/state.db         the database
 *	<folder>/snapshots/<time>/files            "sha256 size mtime inode path", one a line, and
 *	                                           "end <lines> <sha256 of state.db>"
 *
 * The hub may be serving. Files are brought to the store first; then, while nobody can write (the
 * database's write lock), those that came meanwhile, and the database by SQLite's own backup. So a
 * snapshot is a state the hub was in. It appears by a rename: a run that is killed leaves no
 * snapshot, and what it brought to the store is not brought again.
 *
 * What has not changed since the last snapshot (path, size, time, inode; objects by their names)
 * is not read. Contents are shared with the hub's files where the file system can share blocks;
 * objects, which never change, are hard-linked where it cannot; else copied.
 *
 * Errors: ERR_CONFLICT (the folder holds something else), ERR_BUSY (another backup), ERR_IO.
 * Threads: the call blocks.
 */
#ifndef LARDER_HUB_BACKUP_H
#define LARDER_HUB_BACKUP_H

#include "base/str.h"
#include "hub/hub.h"

#define BACKUP_MARKER "larder-backup"
/* A week of nights. */
#define BACKUP_KEEP 7

struct backup {
	struct hub *hub;
	const char *folder;
	int64_t keep; /* snapshots, with the new one; 0: all */
};
struct backup_report {
	char snapshot[40];
	int64_t files, bytes;         /* in the snapshot */
	int64_t new_files, new_bytes; /* brought to the store */
	int64_t removed_snapshots, removed_files;
	int64_t locked_ms; /* for so long nobody could write */
};
int backup_run(const struct backup *backup, struct backup_report *report, struct err *e);

/*
 * A snapshot becomes a hub again, in a folder that is not there yet; or, without a target, only
 * proves that it could. Every file is hashed, the database checked, and the hub verified as
 * `larder hub verify` does, before the target gets its name. Leases of the old hub are dropped.
 */
struct restore {
	const char *folder;
	const char *snapshot; /* NULL: the newest */
	const char *target;   /* NULL: proof only */
};
struct restore_report {
	char snapshot[40];
	int64_t files, bytes, objects, versions;
	struct strv problems;
};
void restore_report_release(struct restore_report *report);
#define AUTO_RESTORE_REPORT AUTO(restore_report_release)
/* ERR_CORRUPT when anything is not as it was; report->problems has each. */
int restore_run(const struct restore *restore, struct restore_report *report, struct err *e);

#endif
