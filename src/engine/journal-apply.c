/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applying operations, under the write lock and in the order of their ids:
 *
 *	for each due row: rename, link, append or remove; remember its folder
 *	sync each remembered folder once, what was appended to, and staging, all together
 *	delete the rows of what was done, in a transaction that need not be synced (journal.h)
 *
 * A kill anywhere leaves all rows, and every operation can be repeated.
 */
#include "engine/journal.h"

#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"
#include "base/time.h"
#include "engine/engine-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

struct op {
	int64_t id;
	enum journal_kind kind;
	const char *source;
	const char *target;
	int64_t at; /* JOURNAL_APPEND */
};

struct replay {
	struct root *root;
	int64_t *done; /* ids of rows to delete */
	size_t done_n;
	size_t done_capacity;
	struct strv folders;
	struct sync_set to_sync; /* what was appended to, then the folders */
	bool moved;              /* staging has lost entries */
	struct err conflict;     /* the first; the others are done all the same */
	int64_t now;
};

static void replay_release(struct replay *replay)
{
	free(replay->done);
	strv_release(&replay->folders);
	sync_set_release(&replay->to_sync);
}

/* Of the target: "." for one directly in the root. */
static char *folder_of(const char *target)
{
	const char *slash = strrchr(target, '/');

	return slash ? xstrndup(target, (size_t)(slash - target)) : xstrdup(".");
}

/* What a person can put right is a conflict; the rest is the disk's. */
static int op_error(const struct op *op, struct err *e)
{
	static const int conflicts[] = { EISDIR, ENOTDIR, EEXIST, ENOTEMPTY, EXDEV,
					 ELOOP,  EACCES,  EPERM,  EROFS };
	int why = errno;

	for (size_t i = 0; i < ARRAY_LEN(conflicts); i++) {
		if (why != conflicts[i])
			continue;
		err_set(e, ERR_CONFLICT, "cannot put '%s' in place: %s", op->target, strerror(why));
		return err_hint(
			e, why == EXDEV ? "bring its folder back to the file system of .larder/, "
					  "then run the command again"
					: "move away what is in its place, then run the "
					  "command again");
	}
	return err_sys(e, "put '%s' in place", op->target);
}

static bool exists(int dirfd, const char *path)
{
	struct stat st;

	return fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A replay that was killed had moved it; or somebody took it away. */
static int moved_before(const struct root *root, const char *staged, const struct op *op)
{
	if (!exists(root->dirfd, op->target))
		log_event(LOG_WARN, "staged-file-lost", "staged=%s target=%s", staged, op->target);
	return 0;
}

static int make_folder(struct root *root, const struct op *op, struct err *e)
{
	AUTO_FREE char *folder = folder_of(op->target);

	return dir_make(root->dirfd, folder, 0755, e);
}

/* From staging to the target, whose folder is made when it turns out to be missing. */
static int place(struct root *root, const char *staged, const struct op *op, struct err *e)
{
	int r;

	if (fault_step("rename", op->target) < 0)
		return op_error(op, e);
	fault_will_name(root->staging, staged, root->dirfd, op->target);
	if (renameat(root->staging, staged, root->dirfd, op->target) == 0)
		return 0;
	if (errno != ENOENT)
		return op_error(op, e);
	if (!exists(root->staging, staged))
		return moved_before(root, staged, op);
	r = make_folder(root, op, e);
	if (r < 0)
		return r;
	fault_will_name(root->staging, staged, root->dirfd, op->target); /* the folder is new */
	if (renameat(root->staging, staged, root->dirfd, op->target) < 0)
		return op_error(op, e);
	return 0;
}

static int apply_move(struct replay *replay, const struct op *op, struct err *e)
{
	replay->moved = true; /* also by a replay that was killed before it synced */
	return place(replay->root, op->source, op, e);
}

static bool is_link_to(const struct root *root, const char *target, const char *points_to)
{
	char text[JOURNAL_PATH_MAX + 1];
	ssize_t n = readlinkat(root->dirfd, target, text, sizeof(text));

	return n >= 0 && (size_t)n == strlen(points_to) && memcmp(text, points_to, (size_t)n) == 0;
}

/* 1 when something is in its place, whose folder is made when it turns out to be missing. */
static int link_anew(struct root *root, const struct op *op, struct err *e)
{
	int r;

	if (fault_step("link", op->target) < 0)
		return op_error(op, e);
	fault_will_name(-1, NULL, root->dirfd, op->target);
	if (symlinkat(op->source, root->dirfd, op->target) == 0)
		return 0;
	if (errno == EEXIST)
		return 1;
	if (errno != ENOENT)
		return op_error(op, e);
	r = make_folder(root, op, e);
	if (r < 0)
		return r;
	fault_will_name(-1, NULL, root->dirfd, op->target); /* the folder is new */
	return symlinkat(op->source, root->dirfd, op->target) < 0 ? op_error(op, e) : 0;
}

static int apply_link(struct replay *replay, const struct op *op, struct err *e)
{
	struct root *root = replay->root;
	int r = link_anew(root, op, e);

	if (r <= 0)
		return r;
	if (is_link_to(root, op->target, op->source))
		return 0;
	(void)unlinkat(root->staging, JOURNAL_LINK_NAME, 0); /* of a replay that was killed */
	if (symlinkat(op->source, root->staging, JOURNAL_LINK_NAME) < 0)
		return op_error(op, e);
	replay->moved = true;
	return place(root, JOURNAL_LINK_NAME, op, e);
}

static int apply_remove(struct replay *replay, const struct op *op, struct err *e)
{
	int dirfd = replay->root->dirfd;

	if (fault_step("unlink", op->target) < 0)
		return op_error(op, e);
	fault_will_name(dirfd, op->target, -1, NULL);
	if (unlinkat(dirfd, op->target, 0) == 0 || errno == ENOENT || errno == ENOTDIR)
		return 0;
	if (errno != EISDIR)
		return op_error(op, e);
	if (unlinkat(dirfd, op->target, AT_REMOVEDIR) == 0 || errno == ENOTEMPTY ||
	    errno == EEXIST || errno == ENOENT)
		return 0;
	return op_error(op, e);
}

static int open_to_append(struct root *root, const struct op *op, int *ret_fd, struct err *e)
{
	const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
	AUTO_FREE char *folder = folder_of(op->target);
	int r;

	*ret_fd = openat(root->dirfd, op->target, flags, 0666);
	if (*ret_fd < 0 && errno == ENOENT) {
		r = dir_make(root->dirfd, folder, 0755, e);
		if (r < 0)
			return r;
		*ret_fd = openat(root->dirfd, op->target, flags, 0666);
	}
	return *ret_fd < 0 ? op_error(op, e) : 0;
}

/* How many bytes of the text stand in the file at `at`; what was torn off may be zeros. */
static bool stands_at(int fd, off_t at, const char *text, size_t n, bool torn)
{
	char piece[4096];

	for (size_t i = 0; i < n;) {
		size_t want = n - i < sizeof(piece) ? n - i : sizeof(piece);
		ssize_t got = pread(fd, piece, want, at + (off_t)i);

		if (got <= 0)
			return torn && got == 0;
		for (ssize_t k = 0; k < got; k++)
			if (piece[k] != text[i + (size_t)k] && !(torn && piece[k] == '\0'))
				return false;
		i += (size_t)got;
	}
	return true;
}

/*
 * Where the text goes: its own place when that is free or holds a torn part of it, else the end,
 * since another has written there. -1 when it stands in either already; an equal text before its place is
 * not it.
 */
static off_t place_for(int fd, off_t size, const struct op *op, size_t n)
{
	off_t at = op->at < size ? op->at : size;

	if (size >= at + (off_t)n && stands_at(fd, at, op->source, n, false))
		return -1;
	if (size > at + (off_t)n && stands_at(fd, size - (off_t)n, op->source, n, false))
		return -1;
	return size <= at + (off_t)n && stands_at(fd, at, op->source, n, true) ? at : size;
}

static int apply_append(struct replay *replay, const struct op *op, struct err *e)
{
	size_t n = strlen(op->source);
	AUTO_FD int fd = -1;
	struct stat st;
	off_t at;
	int r = open_to_append(replay->root, op, &fd, e);

	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at '%s'", op->target);
	at = place_for(fd, st.st_size, op, n);
	if (at >= 0) {
		if (lseek(fd, at, SEEK_SET) < 0)
			return err_sys(e, "write '%s'", op->target);
		r = file_write_all(fd, (struct bytes){ op->source, n }, op->target, e);
	}
	if (r < 0 || replay->to_sync.n >= JOURNAL_SYNC_EACH_MAX) /* no more open files than that */
		return r < 0 ? r : file_sync(fd, op->target, e);
	sync_set_take(&replay->to_sync, TAKE_FD(fd), op->target);
	return 0;
}

static int apply(struct replay *replay, const struct op *op, struct err *e)
{
	switch (op->kind) {
	case JOURNAL_MOVE:
		return apply_move(replay, op, e);
	case JOURNAL_LINK:
		return apply_link(replay, op, e);
	case JOURNAL_REMOVE:
		return apply_remove(replay, op, e);
	case JOURNAL_APPEND:
		return apply_append(replay, op, e);
	}
	return err_set(e, ERR_CORRUPT, "journal row %lld has an unknown kind", (long long)op->id);
}

static void note_done(struct replay *replay, const struct op *op)
{
	AUTO_FREE char *folder = folder_of(op->target);
	const struct strv *folders = &replay->folders;

	replay->done = xgrow(replay->done, &replay->done_capacity, replay->done_n + 1,
			     sizeof(*replay->done));
	replay->done[replay->done_n++] = op->id;
	if (folders->n == 0 || !str_eq(folders->v[folders->n - 1], folder))
		strv_adopt(&replay->folders, TAKE(folder));
}

static int apply_due(struct replay *replay, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(replay->root->db, &q, e,
			 "SELECT id, kind, source, target, at FROM journal WHERE due_ms <= ?1"
			 " ORDER BY id",
			 "i", replay->now);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		struct op op = { .id = stmt_int(q, 0),
				 .kind = (enum journal_kind)stmt_int(q, 1),
				 .source = stmt_text(q, 2),
				 .target = stmt_text(q, 3),
				 .at = stmt_int(q, 4) };

		r = apply(replay, &op, e);
		if (r == 0)
			note_done(replay, &op);
		if (r == ERR_CONFLICT && replay->conflict.code == 0)
			replay->conflict = *e;
		if (r == ERR_CONFLICT)
			r = 0;
	}
	return r;
}

/* A folder that a removal took away with it is not there to be synced; the one above it is. */
static int add_folders(const struct root *root, const struct strv *folders, struct sync_set *set,
		       struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < folders->n; i++)
		if ((i == 0 || !str_eq(folders->v[i], folders->v[i - 1])) &&
		    faccessat(root->dirfd, folders->v[i], F_OK, 0) == 0)
			r = sync_set_add(set, root->dirfd, folders->v[i], O_DIRECTORY, e);
	return r;
}

static size_t count_different(const struct strv *sorted)
{
	size_t n = sorted->n > 0;

	for (size_t i = 1; i < sorted->n; i++)
		n += !str_eq(sorted->v[i], sorted->v[i - 1]);
	return n;
}

static int sync_file_system(struct root *root, struct err *e)
{
	if (fault_step("syncfs", ".") < 0 || syncfs(root->dirfd) < 0)
		return err_sys(e, "sync the folders below '%s'", root->path);
	fault_did_sync_all();
	return 0;
}

static int sync_changed(struct replay *replay, struct err *e)
{
	struct strv *folders = &replay->folders;
	struct root *root = replay->root;
	int r;

	strv_sort(folders);
	if (count_different(folders) + replay->to_sync.n > JOURNAL_SYNC_EACH_MAX)
		return sync_file_system(root, e);
	r = add_folders(root, folders, &replay->to_sync, e);
	/* a moved file that came back under its staged name could be written to from there */
	if (r == 0 && replay->moved)
		r = sync_set_add(&replay->to_sync, root->dirfd, ROOT_STAGING, O_DIRECTORY, e);
	return r < 0 ? r : sync_set_run(&replay->to_sync, e);
}

/* Mostly all rows from one to another: a statement for each such row of ids. */
static int delete_done(struct replay *replay, struct err *e)
{
	size_t to;
	int r = 0;

	for (size_t from = 0; r == 0 && from < replay->done_n; from = to) {
		for (to = from + 1; to < replay->done_n; to++)
			if (replay->done[to] != replay->done[to - 1] + 1)
				break;
		r = db_exec(replay->root->db, e, "DELETE FROM journal WHERE id BETWEEN ?1 AND ?2",
			    "ii", replay->done[from], replay->done[to - 1]);
	}
	return r;
}

static int replay_locked(struct replay *replay, struct err *e)
{
	struct db *db = replay->root->db;
	int r = db_begin_lazy(db, e);

	if (r < 0)
		return r;
	r = apply_due(replay, e);
	if (r == 0)
		r = sync_changed(replay, e);
	if (r == 0)
		r = delete_done(replay, e);
	if (r == 0 && replay->done_n > 0)
		return db_commit(db, e);
	db_rollback(db);
	return r;
}

static int is_due(struct root *root, int64_t now, struct err *e)
{
	int64_t due;
	int r = db_get_int(root->db, &due, 0, e, "SELECT 1 FROM journal WHERE due_ms <= ?1 LIMIT 1",
			   "i", now);

	return r < 0 ? r : due == 1;
}

int journal_replay(struct root *root, size_t *ret_applied, struct err *e)
{
	AUTO(replay_release) struct replay replay = { .root = root, .now = time_now() };
	int r = is_due(root, replay.now, e);

	if (r > 0)
		r = replay_locked(&replay, e);
	if (r < 0)
		return r;
	root->recorded = false;
	if (ret_applied)
		*ret_applied = replay.done_n;
	if (replay.conflict.code == 0)
		return 0;
	*e = replay.conflict;
	return e->code;
}

int journal_commit(struct root *root, struct err *e)
{
	int r = db_commit(root->db, e);

	if (r < 0 || !root->recorded)
		return r;
	r = journal_replay(root, NULL, e);
	if (r == 0)
		return 0;
	err_in(e, "saved, but not all files are in place yet");
	return err_hint(e, "the next larder command in this folder finishes it");
}

int journal_pending(struct root *root, size_t *ret_due, size_t *ret_future, struct err *e)
{
	int64_t now = time_now();
	int64_t due = 0;
	int64_t future = 0;
	int r = db_get_int(root->db, &due, 0, e, "SELECT count(*) FROM journal WHERE due_ms <= ?1",
			   "i", now);

	if (r == 0)
		r = db_get_int(root->db, &future, 0, e,
			       "SELECT count(*) FROM journal WHERE due_ms > ?1", "i", now);
	if (r < 0)
		return r;
	*ret_due = (size_t)due;
	*ret_future = (size_t)future;
	return 0;
}

int journal_waits(struct root *root, const char *target, struct err *e)
{
	int64_t waits = 0;
	int r = db_get_int(root->db, &waits, 0, e, "SELECT 1 FROM journal WHERE target=?1 LIMIT 1",
			   "t", target);

	return r < 0 ? r : waits == 1;
}

/* Within the caller's transaction: were that rolled back, the rows would be there again. */
static int finish_earlier(struct replay *replay, struct err *e)
{
	int r = apply_due(replay, e);

	if (r == 0)
		r = sync_changed(replay, e);
	if (r == 0)
		r = delete_done(replay, e);
	if (r == 0 && replay->conflict.code != 0) {
		*e = replay->conflict;
		r = e->code;
	}
	return r;
}

int journal_begin(struct root *root, struct db **ret_tx, struct err *e)
{
	AUTO(replay_release) struct replay replay = { .root = root };
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_tx(root->db, &tx, e);

	replay.now = time_now();
	if (r == 0)
		r = is_due(root, replay.now, e);
	if (r > 0)
		r = finish_earlier(&replay, e);
	if (r < 0)
		return r;
	*ret_tx = TAKE(tx);
	return 0;
}
