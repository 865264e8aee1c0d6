/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/backup.h"

#include "base/file-clone.h"
#include "base/file.h"
#include "hub/backup-list.h"
#include "tables/hub-verify.h"
#include "tables/objects.h"

#include <errno.h>
#include <fcntl.h>

/* A damaged disk damages much; more is not read by anybody. */
#define PROBLEMS_MAX 1000

struct restoring {
	const struct restore *restore;
	struct restore_report *report;
	struct backup_list list;
	char *snapshot; /* its folder */
	char *making;   /* where the hub is put together */
};

static void restoring_release(struct restoring *r)
{
	backup_list_release(&r->list);
	free(r->snapshot);
	free(r->making);
}

void restore_report_release(struct restore_report *report)
{
	strv_release(&report->problems);
}

static void note(void *ctx, const char *what)
{
	struct restore_report *report = ctx;

	if (report->problems.n < PROBLEMS_MAX)
		strv_add(&report->problems, what);
}

static int choose_snapshot(struct restoring *r, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_FREE char *list = NULL;
	const char *name = r->restore->snapshot;

	if (backup_snapshots(r->restore->folder, &names, e) < 0)
		return e->code;
	if (names.n == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no snapshot in '%s'",
			       r->restore->folder);
	if (!name)
		name = names.v[names.n - 1];
	if (!strv_has(&names, name)) {
		(void)err_set(e, ERR_NOT_FOUND, "there is no snapshot '%s' in '%s'", name,
			      r->restore->folder);
		return err_hint(e, "the newest is '%s'", names.v[names.n - 1]);
	}
	(void)snprintf(r->report->snapshot, sizeof(r->report->snapshot), "%s", name);
	r->snapshot = xasprintf("%s/snapshots/%s", r->restore->folder, name);
	list = xasprintf("%s/files", r->snapshot);
	return backup_list_read(list, &r->list, e);
}

/* "<target>.restoring", or a folder of the backup for a proof. One that a kill left is removed. */
static int make_folder(struct restoring *r, struct err *e)
{
	const char *target = r->restore->target;
	AUTO_FREE char *staging = NULL;
	AUTO_FREE char *objects = NULL;
	int result;

	if (target && rmdir(target) < 0 && errno != ENOENT) {
		(void)err_set(e, ERR_CONFLICT, "'%s' is there already, and not empty", target);
		return err_hint(e, "restore into another folder, or move that one out of the way");
	}
	r->making = target ? xasprintf("%s.restoring", target)
			   : xasprintf("%s/.proof", r->restore->folder);
	staging = xasprintf("%s/" ROOT_STAGING, r->making);
	objects = xasprintf("%s/objects", r->making); /* also of a hub without any */
	result = tree_remove(AT_FDCWD, r->making, e);
	if (result == 0)
		result = dir_make(AT_FDCWD, r->making, 0755, e);
	if (result == 0)
		result = dir_make(AT_FDCWD, objects, 0755, e);
	return result < 0 ? result : dir_make(AT_FDCWD, staging, 0700, e);
}

static int check_hash(const char *path, const char *wanted, bool *ret_same, struct err *e)
{
	AUTO_HASH struct hash *h = hash_new(HASH_SHA256);
	AUTO_FD int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char hex[HASH_HEX_MAX];
	int64_t size;

	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	if (hash_fd(fd, h, NULL, &size, e) < 0)
		return e->code;
	hash_hex(h, hex);
	*ret_same = str_eq(hex, wanted);
	return 0;
}

static void complain(struct restoring *r, const char *path, const char *why)
{
	AUTO_FREE char *text = xasprintf("'%s': %s", path, why);

	note(r->report, text);
}

static int put_file(struct restoring *r, const char *from, const char *path, const char *sha256,
		    struct err *e)
{
	AUTO_FREE char *to = xasprintf("%s/%s", r->making, path);
	AUTO_FREE char *folder = xstrndup(to, (size_t)(strrchr(to, '/') - to));
	bool same = false;
	int result = dir_make(AT_FDCWD, folder, 0755, e);

	/* A proof only reads what it has made names for; a hub has files of its own. */
	if (result == 0)
		result = file_clone(&(struct file_clone){ from, to, !r->restore->target, 0644 }, e);
	if (result == ERR_NOT_FOUND) {
		complain(r, path, "its content is not in the backup");
		return 0;
	}
	if (result == 0)
		result = check_hash(to, sha256, &same, e);
	if (result == 0 && !same)
		complain(r, path, "its content has changed in the backup");
	return result;
}

static int put_files(struct restoring *r, struct err *e)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < r->list.n; i++) {
		const struct backup_file *f = &r->list.v[i];
		AUTO_FREE char *from = backup_store_path(r->restore->folder, f->sha256);

		result = put_file(r, from, f->path, f->sha256, e);
		r->report->files++;
		r->report->bytes += f->size;
	}
	return result;
}

/* A copy, also for a proof: opening a hub writes to it. */
static int put_database(struct restoring *r, struct err *e)
{
	AUTO_FREE char *from = xasprintf("%s/state.db", r->snapshot);
	AUTO_FREE char *to = xasprintf("%s/" ROOT_DB, r->making);
	bool same = false;
	int result = file_clone(&(struct file_clone){ from, to, false, 0600 }, e);

	if (result == 0)
		result = check_hash(to, r->list.database, &same, e);
	if (result == 0 && !same)
		result = err_set(e, ERR_CORRUPT, "the database of the snapshot has changed");
	return result;
}

/* Who held something in the old hub holds nothing here. What was uploaded and waited for its
 * publish lay in staging, which is in no backup: whoever publishes it is told to send it again. */
static int begin_anew(struct hub *hub, struct err *e)
{
	AUTO_STRV struct strv staged = STRV_INIT;
	struct db *db = root_db(hub_root(hub));
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_tx(db, &tx, e);

	if (r == 0)
		r = db_exec(db, e, "DELETE FROM lease", "");
	if (r == 0)
		r = objects_reap_uploads(db, -1, &staged, e);
	return r < 0 ? r : db_commit(db, e);
}

static int prove(struct restoring *r, struct err *e)
{
	AUTO_HUB struct hub *hub = NULL;
	struct tables_verify v = { .ctx = r->report, .on_problem = note };
	int result = hub_open(&(struct hub_options){ .path = r->making }, &hub, e);

	if (result == 0)
		result = begin_anew(hub, e);
	if (result == 0)
		result = db_check(root_db(hub_root(hub)), e);
	if (result == 0)
		result = tables_verify(hub_staging(hub), &v, e);
	r->report->objects = (int64_t)v.objects;
	r->report->versions = (int64_t)v.versions;
	if (result == 0 && r->report->problems.n > 0)
		return err_set(e, ERR_CORRUPT, "%zu problems, the first: %.300s",
			       r->report->problems.n, r->report->problems.v[0]);
	return result;
}

static int give_name(struct restoring *r, struct err *e)
{
	AUTO_FD int fd = open(r->making, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (!r->restore->target)
		return tree_remove(AT_FDCWD, r->making, e);
	if (fd < 0 || syncfs(fd) < 0)
		return err_sys(e, "sync '%s'", r->making);
	if (file_rename(AT_FDCWD, r->making, AT_FDCWD, r->restore->target, e) < 0)
		return e->code;
	return dir_sync_parent(AT_FDCWD, r->restore->target, e);
}

int restore_run(const struct restore *restore, struct restore_report *report, struct err *e)
{
	AUTO(restoring_release) struct restoring r = { .restore = restore, .report = report };
	struct err ignored = { 0 };
	int result = choose_snapshot(&r, e);

	if (result == 0)
		result = make_folder(&r, e);
	if (result == 0)
		result = put_database(&r, e);
	if (result == 0)
		result = put_files(&r, e);
	if (result == 0)
		result = prove(&r, e);
	if (result == 0)
		result = give_name(&r, e);
	else if (r.making) /* what was put together is of no use to anybody */
		(void)tree_remove(AT_FDCWD, r.making, &ignored);
	return result < 0 ? err_in(e, "restore from '%s'", restore->folder) : 0;
}
