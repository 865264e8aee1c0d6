/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: how files of a root change together with its database.
 *
 *	1. write    staged files, under .larder/staging, by any thread: journal_stage() or one's own
 *open
 *	2. sync     journal_sync() makes them durable, many at once cheaper than one by one
 *	3. commit   ONE transaction: the domain's rows, and rows that say "move staged x to y",
 *"remove z", "link a -> b"
 *	4. apply    journal_commit() applies the operations in order and deletes their rows
 *
 * A crash before 3 leaves litter in staging, which the next journal_reap() removes; a crash after
 *it is finished by the next root_open(). Every operation is idempotent, and all of them are applied
 *under the database's write lock, so two processes cannot replay against each other. Roll forward
 *only: there is no undo log.
 *
 *	db_begin(db, e);
 *	... domain rows ...
 *	journal_move(root, "4f1c...", "server/versions/4f1c....parquet", e);
 *	journal_link(root, "../versions/4f1c....parquet", "server/parquet/orders.parquet", e);
 *	journal_remove_at(root, "server/versions/77aa....parquet", time_now() + grace, e);
 *	journal_commit(root, e);
 *
 * Target folders are made as needed; folders that a removal leaves empty stay only when they are
 *named `keep` folders (the caller's to make). Targets are checked: relative, no "..", no empty
 *segment, not below .larder.
 *
 * A target that has become a folder, or that another hand changed, is reported by
 *journal_commit()/root_open() with ERR_CONFLICT and the row kept; a staged file that is gone while
 *its target is there counts as done.
 *
 * Threads: as the root. Failing: nothing is half-applied without a row that says so.
 */
#ifndef LARDER_ENGINE_JOURNAL_H
#define LARDER_ENGINE_JOURNAL_H

#include "engine/root.h"

extern const struct db_schema journal_schema;

/* Staged names: letters, digits, '.', '_', '-', no leading '.', at most 100 long. A content hash is
 * a good name. */
int journal_stage_open(struct root *root, const char *name, int flags, int *ret_fd, struct err *e);
int journal_stage(struct root *root, const char *name, struct bytes contents, struct err *e);
/* "<root>/.larder/staging/<name>" for other programs; the caller owns it. */
char *journal_stage_path(const struct root *root, const char *name);
int journal_stage_remove(struct root *root, const char *name, struct err *e);

/* Makes the named staged files durable: fsync each, or one syncfs when there are many. */
int journal_sync(struct root *root, const struct strv *names, struct err *e);

/* Inside a transaction: */
int journal_move(struct root *root, const char *staged, const char *target, struct err *e);
int journal_link(struct root *root, const char *points_to, const char *target,
		 struct err *e); /* symbolic link, replaced atomically */
int journal_remove(struct root *root, const char *target, struct err *e);
/* Removed at the first replay after `due_ms` (wall clock). A later journal_keep() of the same
 * target cancels it. */
int journal_remove_at(struct root *root, const char *target, int64_t due_ms, struct err *e);
int journal_keep(struct root *root, const char *target, struct err *e);

/* Commits the transaction, then applies. After a commit that succeeded and an apply that failed the
 * error says so, and the state is the new one: the next opener finishes. */
int journal_commit(struct root *root, struct err *e);
/* What root_open() does: applies what is due. *ret_applied may be NULL. */
int journal_replay(struct root *root, size_t *ret_applied, struct err *e);
/* Operations that wait (due ones that could not be applied, and future removals). */
int journal_pending(struct root *root, size_t *ret_due, size_t *ret_future, struct err *e);

/*
 * Removes staged files that no row speaks of. `keep` is asked for each name (NULL keeps none): a
 * domain keeps partial downloads it still wants. Only called by one who holds the root's lease, as
 * another process may be staging.
 */
typedef bool (*journal_keep_fn)(void *ctx, const char *name, int64_t size, int64_t age_ms);
int journal_reap(struct root *root, journal_keep_fn keep, void *ctx, size_t *ret_removed,
		 struct err *e);

#endif
