/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/backup.h"

#include "base/file-clone.h"
#include "base/file.h"
#include "base/time.h"
#include "engine/journal.h"
#include "engine/lease.h"
#include "hub/backup-list.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>

#define MARKER_TEXT "larder backup 1\n"
#define LEASE       "backup"
#define LEASE_MS    ((int64_t)10 * 60 * 1000)

struct backing {
	const struct backup *backup;
	struct backup_report *report;
	const char *hub; /* its path */
	struct lease *lease;
	struct backup_list last;   /* of the newest snapshot */
	struct backup_list now;    /* of this one; sorted between the passes */
	struct backup_list before; /* the first pass's, while the second runs */
	char *making;              /* "<folder>/snapshots/.new-<random>" */
};

static void backing_release(struct backing *b)
{
	backup_list_release(&b->last);
	backup_list_release(&b->now);
	backup_list_release(&b->before);
	lease_drop(b->lease);
	free(b->making);
}

static int check_folder(const struct backup *backup, struct err *e)
{
	AUTO_FREE char *marker = xasprintf("%s/" BACKUP_MARKER, backup->folder);
	AUTO_BUF struct buf text = BUF_INIT(64);
	int r = file_read(AT_FDCWD, marker, sizeof(MARKER_TEXT) * 2, &text, e);

	if (r == 0 && str_eq(buf_str(&text), MARKER_TEXT))
		return 0;
	if (r == 0)
		return err_set(e, ERR_CONFLICT, "'%s' is a backup of another program's version",
			       backup->folder);
	if (rmdir(backup->folder) < 0 && errno != ENOENT) {
		(void)err_set(e, ERR_CONFLICT, "'%s' is there and is no backup", backup->folder);
		return err_hint(e, "name a backup, or a folder that is empty or not there");
	}
	r = dir_make(AT_FDCWD, backup->folder, 0700, e);
	return r < 0 ? r : file_replace(AT_FDCWD, marker, BYTES_LITERAL(MARKER_TEXT), 0600, e);
}

/* A backup inside the hub would back itself up. */
static int check_outside(const struct backing *b, struct err *e)
{
	AUTO_FREE char *own = xasprintf("%s/", b->hub);
	AUTO_FREE char *folder = NULL;
	AUTO_FREE char *with_slash = NULL;

	if (path_resolve(b->backup->folder, &folder, e) < 0)
		return e->code;
	with_slash = xasprintf("%s/", folder);
	if (!str_starts(with_slash, own))
		return 0;
	return err_set(e, ERR_USAGE, "the backup must not lie in the hub's own folder");
}

static int make_folders(const struct backing *b, struct err *e)
{
	AUTO_FREE char *store = xasprintf("%s/store", b->backup->folder);
	AUTO_FREE char *snapshots = xasprintf("%s/snapshots", b->backup->folder);
	int r = dir_make(AT_FDCWD, store, 0700, e);

	return r < 0 ? r : dir_make(AT_FDCWD, snapshots, 0700, e);
}

/* "objects/ab/<sha256>.parquet" is named by its content; what lies beside it, by another's. */
static bool object_name(const char *path, char sha256[SHA256_HEX + 1])
{
	const char *base = strrchr(path, '/');

	if (!str_starts(path, "objects/") || !base || strlen(base + 1) < SHA256_HEX)
		return false;
	(void)snprintf(sha256, SHA256_HEX + 1, "%s", base + 1);
	return is_hex(sha256, SHA256_HEX) && str_eq(base + 1 + SHA256_HEX, ".parquet");
}

static int hash_file(const char *path, char sha256[SHA256_HEX + 1], struct err *e)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "open '%s'", path) : sha256_fd(fd, sha256, NULL, e);
}

static bool same_mark(const struct backup_file *a, const struct backup_file *b)
{
	return a && a->size == b->size && a->mtime_ns == b->mtime_ns && a->inode == b->inode;
}

static bool is_stored(const struct backing *b, const struct backup_file *f)
{
	AUTO_FREE char *path = backup_store_path(b->backup->folder, f->sha256);
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == f->size;
}

/* The content as it is stored is hashed, not the file: that one may change under us. */
static int store(struct backing *b, const char *from, struct backup_file *f, bool object,
		 struct err *e)
{
	AUTO_FREE char *incoming = xasprintf("%s/incoming", b->making);
	AUTO_FREE char *to = NULL;
	struct stat st;
	char *slash;
	int r = file_clone(&(struct file_clone){ from, incoming, object, 0600 }, e);

	if (r == 0 && !object)
		r = hash_file(incoming, f->sha256, e);
	if (r == 0 && lstat(incoming, &st) < 0)
		r = err_sys(e, "look at '%s'", incoming);
	if (r < 0)
		return r;
	f->size = st.st_size;
	if (is_stored(b, f))
		return file_remove(AT_FDCWD, incoming, e);
	to = backup_store_path(b->backup->folder, f->sha256);
	slash = strrchr(to, '/');
	*slash = '\0';
	r = dir_make(AT_FDCWD, to, 0700, e);
	*slash = '/';
	if (r == 0)
		r = file_rename(AT_FDCWD, incoming, AT_FDCWD, to, e);
	b->report->new_files += r == 0;
	b->report->new_bytes += r == 0 ? f->size : 0;
	return r;
}

static int take_file(void *ctx, const char *path, const struct stat *st, struct err *e)
{
	struct backing *b = ctx;
	struct backup_file f = { .size = st->st_size,
				 .mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 +
					     st->st_mtim.tv_nsec,
				 .inode = st->st_ino };
	AUTO_FREE char *owned = xstrdup(path);
	AUTO_FREE char *from = xasprintf("%s/%s", b->hub, path);
	const struct backup_file *known = backup_list_find(&b->before, path);
	bool object;

	f.path = owned;
	if (str_starts(path, ROOT_FOLDER "/") || !S_ISREG(st->st_mode))
		return 0;
	if (!text_is_clean(bytes_of(path)))
		return err_set(e, ERR_USAGE, "a file of the hub has a name that cannot be listed");
	if (!same_mark(known, &f))
		known = backup_list_find(&b->last, path);
	object = object_name(path, f.sha256);
	if (same_mark(known, &f))
		memcpy(f.sha256, known->sha256, sizeof(f.sha256));
	if (!(object || same_mark(known, &f)) || !is_stored(b, &f)) {
		int r = store(b, from, &f, object, e);

		if (r == ERR_NOT_FOUND)
			return 0; /* removed since its folder was read: the second pass decides */
		if (r < 0)
			return r;
	}
	backup_list_add(&b->now, &f);
	return 0;
}

static int pass(struct backing *b, struct err *e)
{
	backup_list_release(&b->before);
	b->before = b->now;
	b->now = (struct backup_list){ 0 };
	backup_list_sort(&b->before);
	return tree_visit(AT_FDCWD, b->hub, take_file, b, e);
}

static int copy_database(struct backing *b, struct err *e)
{
	AUTO_FREE char *from = xasprintf("%s/" ROOT_DB, b->hub);
	AUTO_FREE char *to = xasprintf("%s/state.db", b->making);
	AUTO_DB struct db *db = NULL;
	int r = db_open(&(struct db_options){ .path = from, .read_only = true }, &db, e);

	return r < 0 ? r : db_backup(db, to, e);
}

/*
 * The write lock, with no file operation waiting: a commit of another process has its files in place a
 * moment after it, so we may come in between. Operations that cannot be done (something is in their
 * way) stay, in the snapshot as in the hub.
 */
static int begin_settled(struct root *root, struct err *e)
{
	size_t due = 0, future = 0, before = SIZE_MAX;
	int r;

	for (;;) {
		r = db_begin(root_db(root), e);
		if (r == 0)
			r = journal_pending(root, &due, &future, e);
		if (r < 0 || due == 0 || due >= before)
			break;
		before = due;
		db_rollback(root_db(root));
		r = journal_replay(root, NULL, e);
		if (r < 0 && r != ERR_CONFLICT)
			return r;
	}
	if (r < 0)
		db_rollback(root_db(root));
	return r;
}

/* Nobody writes: what the database says of files and what lies there is one state. */
static int freeze(struct backing *b, struct err *e)
{
	struct root *root = hub_root(b->backup->hub);
	AUTO_TX struct db *tx = NULL;
	int64_t started;
	int r = begin_settled(root, e);

	if (r == 0)
		tx = root_db(root);
	started = time_monotonic();
	if (r == 0)
		r = lease_check(b->lease, e);
	if (r == 0)
		r = pass(b, e);
	if (r == 0)
		r = copy_database(b, e);
	b->report->locked_ms = time_monotonic() - started;
	return r;
}

static int sync_all(const char *folder, struct err *e)
{
	AUTO_FD int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open folder '%s'", folder);
	if (syncfs(fd) < 0)
		return err_sys(e, "sync '%s'", folder);
	return 0;
}

static void name_snapshot(struct backing *b)
{
	char iso[TIME_TEXT_MAX];
	char *name = b->report->snapshot;
	size_t n = 0;

	(void)time_format_iso(time_now(), iso);
	for (const char *s = iso; *s && n + 1 < sizeof(b->report->snapshot); s++)
		if (isalnum((unsigned char)*s) || *s == '-')
			name[n++] = *s;
	name[n] = '\0';
}

static int finish(struct backing *b, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BACKUP_LIST_MAX);
	AUTO_FREE char *database = xasprintf("%s/state.db", b->making);
	AUTO_FREE char *list = xasprintf("%s/files", b->making);
	AUTO_FREE char *final = NULL;
	int r = hash_file(database, b->now.database, e);

	backup_list_sort(&b->now);
	backup_list_write(&b->now, &text);
	if (text.full)
		return err_set(e, ERR_LIMIT, "the list of files exceeds %zu bytes",
			       BACKUP_LIST_MAX);
	name_snapshot(b);
	final = xasprintf("%s/snapshots/%s", b->backup->folder, b->report->snapshot);
	if (r == 0)
		r = file_replace(AT_FDCWD, list, buf_bytes(&text), 0600, e);
	if (r == 0)
		r = sync_all(b->backup->folder, e);
	if (r == 0)
		r = file_rename(AT_FDCWD, b->making, AT_FDCWD, final, e);
	if (r == 0)
		r = dir_sync_parent(AT_FDCWD, final, e);
	for (size_t i = 0; i < b->now.n; i++)
		b->report->bytes += b->now.v[i].size;
	b->report->files = (int64_t)b->now.n;
	return r;
}

/* Old snapshots, and what a killed run was making. */
static int remove_snapshots(struct backing *b, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	size_t keep = (size_t)b->backup->keep;
	int r = backup_snapshots(b->backup->folder, &names, e);

	for (size_t i = 0; r == 0 && keep > 0 && i + keep < names.n; i++) {
		AUTO_FREE char *list =
			xasprintf("%s/snapshots/%s/files", b->backup->folder, names.v[i]);
		AUTO_FREE char *path = xasprintf("%s/snapshots/%s", b->backup->folder, names.v[i]);

		/* Without its list it is no snapshot any more, however far the rest comes. */
		r = file_remove(AT_FDCWD, list, e);
		if (r == 0)
			r = tree_remove(AT_FDCWD, path, e);
		b->report->removed_snapshots += r == 0;
	}
	return r;
}

static int wanted_contents(const struct backing *b, struct strv *out, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = backup_snapshots(b->backup->folder, &names, e);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_FREE char *path =
			xasprintf("%s/snapshots/%s/files", b->backup->folder, names.v[i]);
		AUTO_BACKUP_LIST struct backup_list list = { 0 };

		r = backup_list_read(path, &list, e);
		for (size_t k = 0; k < list.n; k++)
			strv_add(out, list.v[k].sha256);
	}
	strv_sort(out);
	return r;
}

static int compare_texts(const void *key, const void *text)
{
	return strcmp(key, *(char *const *)text);
}

struct sweeping {
	struct backing *b;
	const struct strv *wanted;
	const char *store;
};

static int sweep_one(void *ctx, const char *path, const struct stat *st, struct err *e)
{
	struct sweeping *s = ctx;
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	AUTO_FREE char *full = xasprintf("%s/%s", s->store, path);

	(void)st;
	if (s->wanted->n > 0 &&
	    bsearch(name, s->wanted->v, s->wanted->n, sizeof(char *), compare_texts))
		return 0;
	s->b->report->removed_files++;
	return file_remove(AT_FDCWD, full, e);
}

static int sweep(struct backing *b, struct err *e)
{
	AUTO_STRV struct strv wanted = STRV_INIT;
	AUTO_FREE char *store_path = xasprintf("%s/store", b->backup->folder);
	struct sweeping s = { b, &wanted, store_path };
	int r = remove_snapshots(b, e);

	if (r == 0 && b->report->removed_snapshots == 0)
		return 0;
	if (r == 0)
		r = wanted_contents(b, &wanted, e);
	return r < 0 ? r : tree_visit(AT_FDCWD, store_path, sweep_one, &s, e);
}

/* The last snapshot tells what need not be read; one that cannot be read tells nothing. */
static int load_last(struct backing *b, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	struct err ignored = { 0 };
	int r = backup_snapshots(b->backup->folder, &names, e);

	if (r == 0 && names.n > 0) {
		AUTO_FREE char *path =
			xasprintf("%s/snapshots/%s/files", b->backup->folder, names.v[names.n - 1]);

		(void)backup_list_read(path, &b->last, &ignored);
	}
	return r;
}

static int begin(struct backing *b, struct err *e)
{
	struct db *db = root_db(hub_root(b->backup->hub));
	int r = lease_take(db, LEASE, LEASE_MS, "larder backup", &b->lease, e);

	if (r == 0)
		r = check_folder(b->backup, e);
	if (r == 0)
		r = check_outside(b, e);
	if (r == 0)
		r = make_folders(b, e);
	if (r == 0)
		r = load_last(b, e);
	b->making = xasprintf("%s/snapshots/.new", b->backup->folder);
	if (r == 0)
		r = tree_remove(AT_FDCWD, b->making, e); /* of a run that was killed */
	return r < 0 ? r : dir_make(AT_FDCWD, b->making, 0700, e);
}

int backup_run(const struct backup *backup, struct backup_report *report, struct err *e)
{
	AUTO(backing_release)
	struct backing b = { .backup = backup, .report = report, .hub = hub_path(backup->hub) };
	int r = begin(&b, e);

	if (r == 0)
		r = pass(&b, e);
	if (r == 0)
		r = freeze(&b, e);
	if (r == 0)
		r = finish(&b, e);
	if (r == 0)
		r = sweep(&b, e);
	return r < 0 ? err_in(e, "backup to '%s'", backup->folder) : 0;
}
