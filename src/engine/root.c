/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/root.h"

#include "base/file.h"
#include "engine/engine-internal.h"
#include "engine/journal.h"
#include "engine/lease.h"
#include "engine/ledger.h"
#include "engine/outbox.h"

#include <errno.h>
#include <fcntl.h>

static int not_a_root(const char *path, struct err *e)
{
	err_set(e, ERR_NOT_FOUND, "'%s' is not a Larder folder", path);
	return err_hint(e,
			"'larder init' makes a workspace, 'larder hub init' a hub's data folder");
}

/* The folder for everybody, what is inside .larder for its owner only. */
static int make_folders(const char *path, struct err *e)
{
	AUTO_FD int dirfd = -1;
	int r = dir_make(AT_FDCWD, path, 0755, e);

	if (r < 0)
		return r;
	dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return err_sys(e, "open folder '%s'", path);
	r = dir_make(dirfd, ROOT_FOLDER, 0700, e);
	return r < 0 ? r : dir_make(dirfd, ROOT_STAGING, 0700, e);
}

static int open_folder(struct root *root, const struct root_options *options, struct err *e)
{
	int r = options->create ? make_folders(options->path, e) : 0;

	if (r == 0)
		r = path_resolve(options->path, &root->path, e);
	if (r == ERR_NOT_FOUND)
		return not_a_root(options->path, e);
	if (r < 0)
		return r;
	root->dirfd = open(root->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root->dirfd < 0 && errno == ENOTDIR)
		return not_a_root(options->path, e);
	if (root->dirfd < 0)
		return err_sys(e, "open folder '%s'", options->path);
	if (!options->create && faccessat(root->dirfd, ROOT_DB, F_OK, 0) < 0 && errno == ENOENT)
		return not_a_root(options->path, e);
	return 0;
}

/* A folder that was copied without its staging files still is a root. */
static int open_staging(struct root *root, struct err *e)
{
	int r = dir_make(root->dirfd, ROOT_STAGING, 0700, e);

	if (r < 0)
		return r;
	root->staging = openat(root->dirfd, ROOT_STAGING, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return root->staging < 0 ? err_sys(e, "open folder '%s'", ROOT_STAGING) : 0;
}

static int open_db(struct root *root, const struct root_options *options, struct err *e)
{
	AUTO_FREE char *path = xasprintf("%s/%s", root->path, ROOT_DB);
	struct db_options o = { .path = path,
				.create = options->create,
				.read_only = options->read_only };
	int r = db_open(&o, &root->db, e);

	if (r < 0 || options->create)
		return r;
	r = db_is_migrated(root->db, e);
	if (r == 0)
		return not_a_root(options->path, e);
	return r < 0 ? r : 0;
}

static int migrate(struct root *root, const struct root_options *options, struct err *e)
{
	static const struct db_schema *const own[] = { &journal_schema, &ledger_schema,
						       &outbox_schema, &lease_schema };
	size_t n = ARRAY_LEN(own) + options->schema_count;
	AUTO_FREE const struct db_schema **all = xcalloc(n, sizeof(*all));

	for (size_t i = 0; i < n; i++)
		all[i] = i < ARRAY_LEN(own) ? own[i] : options->schemas[i - ARRAY_LEN(own)];
	return db_migrate(root->db, all, n, e);
}

int root_open(const struct root_options *options, struct root **ret_root, struct err *e)
{
	AUTO_ROOT struct root *root = xcalloc(1, sizeof(*root));
	int r;

	root->dirfd = -1;
	root->staging = -1;
	r = open_folder(root, options, e);
	if (r == 0)
		r = open_db(root, options, e);
	if (r == 0)
		r = migrate(root, options, e);
	if (r == 0 && !options->read_only) {
		r = open_staging(root, e);
		if (r == 0)
			r = journal_replay(root, NULL, e);
	}
	if (r < 0)
		return r;
	*ret_root = TAKE(root);
	return 0;
}

void root_close(struct root *root)
{
	if (!root)
		return;
	db_close(root->db);
	if (root->staging >= 0)
		(void)close(root->staging); /* folders: nothing to lose */
	if (root->dirfd >= 0)
		(void)close(root->dirfd);
	free(root->path);
	free(root);
}

struct db *root_db(const struct root *root)
{
	return root->db;
}

int root_dirfd(const struct root *root)
{
	return root->dirfd;
}

const char *root_path(const struct root *root)
{
	return root->path;
}
