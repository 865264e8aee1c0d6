/* SPDX-License-Identifier: Apache-2.0 */
/* The staging folder: files on their way, and the litter a crash leaves there. */
#include "engine/journal.h"

#include "base/fault.h"
#include "base/file.h"
#include "base/time.h"
#include "engine/engine-internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

int journal_check_staged(const char *name, struct err *e)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";
	size_t n = strlen(name);

	if (n > 0 && n <= JOURNAL_STAGE_MAX && name[0] != '.' && strspn(name, allowed) == n)
		return 0;
	return err_set(e, ERR_USAGE, "'%.100s' is no name for a staged file", name);
}

int journal_stage_open(const struct root *root, const char *name, int flags, int *ret_fd,
		       struct err *e)
{
	int r = journal_check_staged(name, e);
	int fd;

	if (r < 0)
		return r;
	if ((flags & O_CREAT) && fault_step("create", name) < 0)
		return err_sys(e, "create staged file '%s'", name);
	if (flags & O_CREAT)
		fault_will_name(-1, NULL, root->staging, name);
	fd = openat(root->staging, name, flags | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "'%s' is not staged", name);
	if (fd < 0)
		return err_sys(e, "open staged file '%s'", name);
	*ret_fd = fd;
	return 0;
}

int journal_stage_create(const struct root *root, const char *name, int *ret_fd, struct err *e)
{
	return journal_stage_open(root, name, O_RDWR | O_CREAT | O_EXCL, ret_fd, e);
}

int journal_stage_go_on(const struct root *root, const char *name, int *ret_fd, struct err *e)
{
	return journal_stage_open(root, name, O_RDWR | O_CREAT, ret_fd, e);
}

int journal_stage_anew(const struct root *root, const char *name, int *ret_fd, struct err *e)
{
	return journal_stage_open(root, name, O_WRONLY | O_CREAT | O_TRUNC, ret_fd, e);
}

int journal_stage(const struct root *root, const char *name, struct bytes contents, struct err *e)
{
	AUTO_FD int fd = -1;
	int r = journal_stage_anew(root, name, &fd, e);

	return r < 0 ? r : file_write_all(fd, contents, name, e);
}

char *journal_stage_path(const struct root *root, const char *name)
{
	return xasprintf("%s/%s/%s", root->path, ROOT_STAGING, name);
}

int journal_stage_remove(const struct root *root, const char *name, struct err *e)
{
	int r = journal_check_staged(name, e);

	return r < 0 ? r : file_remove(root->staging, name, e);
}

int journal_stage_discard(struct root *root, const char *name, struct err *e)
{
	int64_t wanted = 0;
	int r = db_get_int(root->db, &wanted, 0, e,
			   "SELECT 1 FROM journal WHERE kind=1 AND source=?1 LIMIT 1", "t", name);

	return r < 0 || wanted ? r : journal_stage_remove(root, name, e);
}

static int sync_all(const struct root *root, struct err *e)
{
	/* an fd that was open before the writes hears of their errors, see syncfs(2) */
	if (fault_step("syncfs", ROOT_STAGING) < 0 || syncfs(root->staging) < 0)
		return err_sys(e, "sync the staged files");
	fault_did_sync_all();
	return 0;
}

int journal_sync(const struct root *root, const struct strv *names, struct err *e)
{
	AUTO(sync_set_release) struct sync_set files = { 0 };
	int r = 0;

	if (names->n == 0)
		return 0;
	if (names->n > JOURNAL_SYNC_EACH_MAX)
		return sync_all(root, e);
	for (size_t i = 0; r == 0 && i < names->n; i++) {
		int fd = -1;

		r = journal_stage_open(root, names->v[i], O_RDONLY, &fd, e);
		if (r == 0)
			sync_set_take(&files, fd, names->v[i]);
	}
	if (r == 0)
		r = sync_set_add(&files, root->dirfd, ROOT_STAGING, O_DIRECTORY, e);
	return r < 0 ? r : sync_set_run(&files, e);
}

/* The names that rows speak of, sorted. */
static int wanted_names(struct root *root, struct strv *ret_names, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(root->db, &q, e, "SELECT source FROM journal WHERE kind=1 ORDER BY source",
			 "");

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		strv_add(ret_names, stmt_text(q, 0));
		r = 0;
	}
	return r;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_wanted(const struct strv *names, const char *name)
{
	return names->n > 0 && bsearch(&name, names->v, names->n, sizeof(*names->v), compare_names);
}

struct reaping {
	struct root *root;
	struct strv wanted;
	journal_keep_fn keep;
	void *ctx;
	size_t removed;
};

static int reap_one(struct reaping *reaping, const char *name, struct err *e)
{
	struct root *root = reaping->root;
	struct stat st;
	int64_t age;
	int r;

	if (is_wanted(&reaping->wanted, name) ||
	    fstatat(root->staging, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	age = time_now() - ((int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000);
	if (reaping->keep && reaping->keep(reaping->ctx, name, st.st_size, age))
		return 0;
	r = S_ISDIR(st.st_mode) ? tree_remove(root->staging, name, e)
				: file_remove(root->staging, name, e);
	reaping->removed += r == 0;
	return r;
}

int journal_stage_list(const struct root *root, struct strv *ret_names, struct err *e)
{
	int fd = openat(root->staging, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!folder) {
		if (fd >= 0)
			(void)close(fd); /* a folder: nothing to lose */
		return err_sys(e, "list folder '%s'", ROOT_STAGING);
	}
	while ((entry = readdir(folder)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			strv_add(ret_names, entry->d_name);
	(void)closedir(folder); /* a folder: nothing to lose */
	return 0;
}

/* Under the write lock: no row that speaks of a staged file can appear between look and removal. */
static int reap_listed(struct reaping *reaping, const struct strv *found, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_tx(reaping->root->db, &tx, e);

	if (r == 0)
		r = wanted_names(reaping->root, &reaping->wanted, e);
	for (size_t i = 0; r == 0 && i < found->n; i++)
		r = reap_one(reaping, found->v[i], e);
	return r;
}

int journal_reap(struct root *root, journal_keep_fn keep, void *ctx, size_t *ret_removed,
		 struct err *e)
{
	struct reaping reaping = { .root = root, .keep = keep, .ctx = ctx };
	AUTO_STRV struct strv found = STRV_INIT;
	int r = journal_stage_list(root, &found, e);

	if (r == 0 && found.n > 0)
		r = reap_listed(&reaping, &found, e);
	strv_release(&reaping.wanted);
	if (r == 0 && ret_removed)
		*ret_removed = reaping.removed;
	return r;
}
