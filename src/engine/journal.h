/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: how files of a root change together with its database.
 *
 *	1. write    staged files under .larder/staging, by any thread: journal_stage_open()
 *	2. sync     journal_sync() makes them durable, many at once cheaper than one by one
 *	3. commit   ONE transaction: the domain's rows, and rows that say "move staged x to y",
 *	            "link a -> b", "remove z"
 *	4. apply    journal_commit() applies the operations in order and deletes their rows
 *
 * A crash before 3 leaves litter in staging, which the next journal_reap() removes; a crash after
 * it is finished by the next root_open(). Every operation can be repeated, and all of them are
 * applied under the database's write lock, so two processes cannot replay against each other. Roll
 * forward only: there is no undo log.
 *
 *	AUTO_TX struct db *tx = NULL;
 *	if (db_begin_tx(root_db(root), &tx, e) < 0) ...
 *	... domain rows ...
 *	journal_move(root, "4f1c...", "server/versions/4f1c....parquet", e);
 *	journal_link(root, "../versions/4f1c....parquet", "server/parquet/orders.parquet", e);
 *	journal_remove_at(root, "server/versions/77aa....parquet", time_now() + grace, e);
 *	return journal_commit(root, e);
 *
 * Targets are relative paths without empty segments, "." or "..", at most JOURNAL_PATH_MAX bytes
 * and JOURNAL_NAME_MAX a segment, no control characters, not below .larder; anything else is
 * ERR_USAGE. Their folders are made as needed (mode 0755). A link's text is relative and stays
 * inside the root. One staged file goes to one target; moving it there twice is fine. A removal
 * takes the place of older operations on its target that were not applied yet.
 *
 * What stands in the way of an operation and is a person's to move (a folder where a file must go,
 * a file where a folder must be, a folder that may not be written, another file system) is
 * reported by journal_commit() and root_open() as ERR_CONFLICT: that row is kept, the others are
 * done. A staged file that is gone while its target is there counts as moved; when both are gone
 * (a person deleted them) the row is dropped with a warning, as nothing could ever satisfy it: the
 * domain's own check of its files finds the gap.
 *
 * Why the rows may be deleted without a sync: what is lost by a power cut is only that they are
 * done, and doing them again changes nothing. The order in the log is kept, so nothing that was
 * committed later can survive without them.
 *
 * Threads: as the root; the staging functions marked "any thread" may be called with a root that
 * another thread is using. Failing: nothing is half-applied without a row that says so.
 */
#ifndef LARDER_ENGINE_JOURNAL_H
#define LARDER_ENGINE_JOURNAL_H

#include "base/str.h"
#include "engine/root.h"

/* Leaves room in PATH_MAX (4096) for the folder the root lies in. */
#define JOURNAL_PATH_MAX 1024
/* What Linux file systems take for one name. */
#define JOURNAL_NAME_MAX  255
#define JOURNAL_STAGE_MAX 100

extern const struct db_schema journal_schema;

/*
 * Staged names: letters, digits, '.', '_', '-', no leading '.', at most JOURNAL_STAGE_MAX long. A
 * content hash is a good name. `flags` as of open(2). Any thread.
 */
int journal_stage_open(const struct root *root, const char *name, int flags, int *ret_fd,
		       struct err *e);
/* A new file to be written; there must be none of that name. Any thread. */
int journal_stage_create(const struct root *root, const char *name, int *ret_fd, struct err *e);
/* The one of that name, to be read and written, with what an earlier run has left; else a new one. Any thread. */
int journal_stage_go_on(const struct root *root, const char *name, int *ret_fd, struct err *e);
/* The same, but emptied, and to be written. Any thread. */
int journal_stage_anew(const struct root *root, const char *name, int *ret_fd, struct err *e);
/* The whole file at once, not yet synced. Any thread. */
int journal_stage(const struct root *root, const char *name, struct bytes contents, struct err *e);
/* "<root>/.larder/staging/<name>" for other programs; the caller owns it. Any thread. */
char *journal_stage_path(const struct root *root, const char *name);
int journal_stage_remove(const struct root *root, const char *name, struct err *e); /* any thread */
/* All names there, added to the list in no order. */
int journal_stage_list(const struct root *root, struct strv *ret_names, struct err *e);
/* The same, unless a row speaks of it: after a commit whose files could not all be put in place. */
int journal_stage_discard(struct root *root, const char *name, struct err *e);

/* Makes the named staged files durable: fsync each, or one syncfs when there are many. */
int journal_sync(const struct root *root, const struct strv *names, struct err *e);

/*
 * Begins a transaction in which the files are as the rows say: what an earlier transaction (also
 * of another process) has recorded and not applied yet is applied first. For those who read
 * files of the root to decide what to write.
 */
int journal_begin(struct root *root, struct db **ret_tx, struct err *e);

/* Inside a transaction. The staged file must be there: else ERR_NOT_FOUND. */
int journal_move(struct root *root, const char *staged, const char *target, struct err *e);
/* A symbolic link, replaced atomically. */
int journal_link(struct root *root, const char *points_to, const char *target, struct err *e);
/* A file or link; a folder is removed when it is empty by then and left alone when not. */
int journal_remove(struct root *root, const char *target, struct err *e);
/*
 * Removed at the first replay after `due_ms` (wall clock), the last given time counts. A later
 * journal_keep(), journal_move() or journal_link() of the same target cancels it. Removals happen
 * only under the write lock: after journal_keep() in a transaction, a file that is there stays,
 * even if another transaction has removed it and was not yet applied.
 */
int journal_remove_at(struct root *root, const char *target, int64_t due_ms, struct err *e);
int journal_keep(struct root *root, const char *target, struct err *e);
/*
 * The text is added at the end of a file (made when it lacks), whole and once, however often it is
 * replayed; what others append meanwhile stays. Costs the same whatever the size of the file. Wants
 * journal_begin(), as it notes where the end is.
 */
int journal_append(struct root *root, const char *text, const char *target, struct err *e);

/*
 * Commits the transaction, then applies. After a commit that succeeded and an apply that failed the
 * error says so, and the state is the new one: the next opener finishes. With no operations it is
 * db_commit().
 */
int journal_commit(struct root *root, struct err *e);
/* What root_open() does: applies what is due. *ret_applied may be NULL. */
int journal_replay(struct root *root, size_t *ret_applied, struct err *e);
/* 1 when a row speaks of the target: a check of files must not take it for litter. */
int journal_waits(struct root *root, const char *target, struct err *e);
/* Operations that wait (due ones that could not be applied, and future removals). */
int journal_pending(struct root *root, size_t *ret_due, size_t *ret_future, struct err *e);

/*
 * Removes what is in staging and no row speaks of. `keep` is asked for each name (NULL keeps none):
 * a domain keeps partial downloads it still wants. Only called by one who holds the lease of what
 * it stages for, as another process may be staging.
 */
typedef bool (*journal_keep_fn)(void *ctx, const char *name, int64_t size, int64_t age_ms);
int journal_reap(struct root *root, journal_keep_fn keep, void *ctx, size_t *ret_removed,
		 struct err *e);

#endif
