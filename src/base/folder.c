/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include "base/str.h"

static bool is_one(const struct folder_kind *kind, const char *folder)
{
	AUTO_FREE char *mark = xasprintf("%s/%s", folder, kind->mark);

	return access(mark, F_OK) == 0;
}

static int find_none(const struct folder_kind *kind, const char *where, struct err *e)
{
	(void)err_set(e, ERR_NOT_FOUND, "there is no %s %s", kind->what, where);
	return err_hint(e, "%s", kind->hint);
}

static int find_upwards(const struct folder_kind *kind, char **ret_path, struct err *e)
{
	AUTO_FREE char *folder = NULL;
	int r = path_resolve(".", &folder, e);

	if (r < 0)
		return r;
	while (*folder) {
		if (is_one(kind, folder)) {
			*ret_path = TAKE(folder);
			return 0;
		}
		*strrchr(folder, '/') = '\0';
	}
	return find_none(kind, "here or in a folder above", e);
}

int folder_find(const struct folder_kind *kind, const char *given, char **ret_path, struct err *e)
{
	const char *named = given ? given : getenv(kind->variable);
	AUTO_FREE char *absolute = NULL;
	AUTO_FREE char *where = NULL;
	int r;

	if (!named || !*named)
		return find_upwards(kind, ret_path, e);
	where = xasprintf("in '%s'", named);
	r = path_resolve(named, &absolute, e);
	if (r == ERR_NOT_FOUND || (r == 0 && !is_one(kind, absolute)))
		return find_none(kind, where, e);
	if (r < 0)
		return r;
	*ret_path = TAKE(absolute);
	return 0;
}
