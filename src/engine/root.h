/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A root: a folder whose files and database change together. A hub's data folder and a workspace
 * are roots; both have
 *
 *	<root>/.larder/state.db      all state (with its log, state.db-wal and state.db-shm)
 *	<root>/.larder/staging/      files on their way; anything no row speaks of is litter
 *
 *	AUTO_ROOT struct root *root = NULL;
 *	struct root_options o = { .path = folder, .schemas = schemas, .schema_count = n };
 *	if (root_open(&o, &root, e) < 0) ...
 *	... root_db(root) ...
 *
 * Opening a root replays what its rows say is still to be done (journal.h): whoever comes next
 * finishes what a crash left, reader or writer. With nothing pending that costs one query.
 *
 * All paths in the engine are relative to the root, so that a folder may be moved or copied in any
 * state. Threads: a struct root belongs to one thread; open another for another thread.
 *
 * Errors: ERR_NOT_FOUND when the folder is no root (a creation that was killed before its first
 * commit leaves none); what the database reports (db.h); ERR_CONFLICT when a file operation that
 * is due meets something a person put in its way (journal.h).
 */
#ifndef LARDER_ENGINE_ROOT_H
#define LARDER_ENGINE_ROOT_H

#include "db/db.h"

#define ROOT_FOLDER  ".larder"
#define ROOT_DB      ".larder/state.db"
#define ROOT_STAGING ".larder/staging"

struct root;

struct root_options {
	const char *path;
	const struct db_schema *const
		*schemas; /* of the domains; the engine's own come first by themselves */
	size_t schema_count;
	bool create;    /* make the folder, the database and the staging folder where they lack */
	bool read_only; /* nothing is made, replayed or migrated: also for media one cannot write */
};

int root_open(const struct root_options *options, struct root **ret_root, struct err *e);
void root_close(struct root *root);
static inline void root_auto_(struct root **p)
{
	root_close(*p);
}
#define AUTO_ROOT AUTO(root_auto_)

struct db *root_db(const struct root *root);
int root_dirfd(const struct root *root);
const char *root_path(const struct root *root); /* absolute */

#endif
