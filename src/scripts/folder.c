/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folders that scripts run in, "<root>/.larder/scripts/<whose>.<random>": whoever runs one holds the
 * lease of `whose`, so that what a killed run has left is known by its lease being nobody's.
 */
#include "scripts/scripts-internal.h"

#include "base/file.h"
#include "base/hash.h"
#include "engine/lease.h"

#include <fcntl.h>

#define SCRIPTS_FOLDER ROOT_FOLDER "/scripts"

int script_folder_make(const struct root *root, const char *whose, char **ret_path, struct err *e)
{
	char unique[RANDOM_TEXT_MAX];
	AUTO_FREE char *path = NULL;
	int r = dir_make(root_dirfd(root), SCRIPTS_FOLDER, 0700, e);

	random_text(12, unique);
	path = xasprintf("%s/" SCRIPTS_FOLDER "/%s.%s", root_path(root), whose, unique);
	if (r == 0)
		r = dir_make(AT_FDCWD, path, 0700, e);
	if (r == 0)
		*ret_path = TAKE(path);
	return r;
}

static int sweep_one(struct root *root, const char *name, struct err *e)
{
	AUTO_FREE char *path = xasprintf(SCRIPTS_FOLDER "/%s", name);
	AUTO_FREE char *lease =
		xasprintf(SCRIPT_LEASE_PREFIX "%.*s", (int)strcspn(name, "."), name);
	struct lease_view view = { 0 };
	int held = lease_look(root_db(root), lease, &view, e);

	lease_view_release(&view);
	return held != 0 ? held : tree_remove(root_dirfd(root), path, e);
}

int scripts_sweep(struct root *root, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	struct err ignored = { 0 };
	int r;

	/* Listed before leases are looked at: a folder that is listed was made under its lease. */
	if (dir_names(root_dirfd(root), SCRIPTS_FOLDER, &names, &ignored) < 0)
		return ignored.code == ERR_NOT_FOUND ? 0
						     : err_set(e, ignored.code, "%s", ignored.msg);
	r = 0;
	for (size_t i = 0; r >= 0 && i < names.n; i++)
		r = sweep_one(root, names.v[i], e);
	return r < 0 ? r : 0;
}
