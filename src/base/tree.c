/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include "base/fault.h"
#include "base/str.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

/* Deeper trees than this are not ours; the walk holds one open folder per level. */
#define TREE_DEPTH_MAX 64

static void close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* only read from */
}

int dir_names(int dirfd, const char *path, struct strv *names, struct err *e)
{
	AUTO_FD int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO(close_dir) DIR *dir = NULL;
	struct dirent *entry;

	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "folder '%s' does not exist", path);
	if (fd < 0 || !(dir = fdopendir(fd)))
		return err_sys(e, "open folder '%s'", path);
	(void)TAKE_FD(fd); /* closedir() closes it */
	for (errno = 0; (entry = readdir(dir)) != NULL; errno = 0) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			strv_add(names, entry->d_name);
	}
	if (errno)
		return err_sys(e, "read folder '%s'", path);
	strv_sort(names);
	return 0;
}

struct walk {
	int dirfd;
	tree_visit_fn visit;
	void *ctx;
	size_t prefix; /* length of the top path and its slash, which visitors do not see */
};

static int walk_folder(const struct walk *w, const char *path, unsigned depth, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r;

	if (depth > TREE_DEPTH_MAX)
		return err_set(e, ERR_LIMIT, "'%s' lies more than %d folders deep", path,
			       TREE_DEPTH_MAX);
	if (dir_names(w->dirfd, path, &names, e) < 0)
		return e->code;
	for (size_t i = 0; i < names.n; i++) {
		AUTO_FREE char *child = xasprintf("%s/%s", path, names.v[i]);
		struct stat st;

		if (fstatat(w->dirfd, child, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno == ENOENT)
				continue; /* removed by another since the folder was read */
			return err_sys(e, "look at '%s'", child);
		}
		r = S_ISDIR(st.st_mode) ? walk_folder(w, child, depth + 1, e)
					: w->visit(w->ctx, child + w->prefix, &st, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int tree_visit(int dirfd, const char *path, tree_visit_fn visit, void *ctx, struct err *e)
{
	struct walk w = { dirfd, visit, ctx, strlen(path) + 1 };

	return walk_folder(&w, path, 0, e);
}

static int remove_folder(int dirfd, const char *path, unsigned depth, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;

	if (depth > TREE_DEPTH_MAX)
		return err_set(e, ERR_LIMIT, "'%s' lies more than %d folders deep", path,
			       TREE_DEPTH_MAX);
	if (dir_names(dirfd, path, &names, e) < 0)
		return e->code == ERR_NOT_FOUND ? 0 : e->code;
	for (size_t i = 0; i < names.n; i++) {
		AUTO_FREE char *child = xasprintf("%s/%s", path, names.v[i]);
		struct stat st;

		if (fstatat(dirfd, child, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue; /* gone already */
		if (S_ISDIR(st.st_mode) ? remove_folder(dirfd, child, depth + 1, e) < 0
					: file_remove(dirfd, child, e) < 0)
			return e->code;
	}
	if (fault_step("rmdir", path) < 0 ||
	    (unlinkat(dirfd, path, AT_REMOVEDIR) < 0 && errno != ENOENT))
		return err_sys(e, "remove folder '%s'", path);
	return 0;
}

int tree_remove(int dirfd, const char *path, struct err *e)
{
	struct stat st;

	if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "look at '%s'", path);
	return S_ISDIR(st.st_mode) ? remove_folder(dirfd, path, 0, e) : file_remove(dirfd, path, e);
}
