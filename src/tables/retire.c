/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/retire.h"

#include "engine/journal.h"
#include "tables/held.h"

static int remove_path(struct root *root, const char *path, int64_t due_ms, struct err *e)
{
	return due_ms ? journal_remove_at(root, path, due_ms, e) : journal_remove(root, path, e);
}

static void add_folders(struct strv *folders, const char *base, const char *part)
{
	for (const char *s = strchr(part, '/'); s; s = strchr(s + 1, '/'))
		strv_addf(folders, "%s/%.*s", base, (int)(s - part), part);
}

/* Deepest first: a folder sorts before what lies in it. Those that are not empty stay. */
static int remove_folders(struct root *root, struct strv *folders, int64_t due_ms, struct err *e)
{
	int r = 0;

	strv_sort(folders);
	for (size_t i = folders->n; r == 0 && i-- > 0;) {
		if (i + 1 == folders->n || !str_eq(folders->v[i], folders->v[i + 1]))
			r = remove_path(root, folders->v[i], due_ms, e);
	}
	return r;
}

static bool is_set_again(const struct local_table *have, const char *path,
			 const struct manifest_table *want)
{
	return want && want->in_parts == have->in_parts && manifest_file_find(want, path);
}

int retire_links(struct root *root, const struct local_table *have,
		 const struct manifest_table *want, struct err *e)
{
	AUTO_FREE char *base = xasprintf(LOCAL_LINKS "/%s", have->name);
	AUTO_STRV struct strv folders = STRV_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < have->file_count; i++) {
		const char *path = have->files[i].path;
		AUTO_FREE char *link = local_link_path(have->name, path);

		if (is_set_again(have, path, want))
			continue;
		add_folders(&folders, base, path);
		r = journal_remove(root, link, e);
	}
	if (have->in_parts && !(want && want->in_parts))
		strv_add(&folders, base);
	return r < 0 ? r : remove_folders(root, &folders, 0, e);
}

static int is_used(struct root *root, const char *sha256, struct err *e)
{
	static const char sql[] = "SELECT 1 FROM ws_file WHERE sha256 = ?1 LIMIT 1";
	int64_t used;
	int r = db_get_int(root_db(root), &used, 0, e, sql, "t", sha256);

	return r < 0 ? r : used == 1;
}

static int is_version_used(struct root *root, const char *version, struct err *e)
{
	static const char sql[] = "SELECT 1 FROM ws_table WHERE version = ?1 LIMIT 1";
	int64_t used;
	int r = db_get_int(root_db(root), &used, 0, e, sql, "t", version);

	return r < 0 ? r : used == 1;
}

static int retire_hive(struct root *root, const struct local_table *have, int64_t due_ms,
		       struct err *e)
{
	AUTO_FREE char *base = xasprintf(LOCAL_VERSIONS "/%s", have->version);
	AUTO_STRV struct strv folders = STRV_INIT;
	int r = is_version_used(root, have->version, e);

	if (r != 0)
		return r < 0 ? r : 0;
	for (size_t i = 0; r == 0 && i < have->file_count; i++) {
		AUTO_FREE char *link = local_hive_path(have->version, have->files[i].path);

		add_folders(&folders, base, have->files[i].path);
		r = remove_path(root, link, due_ms, e);
	}
	strv_add(&folders, base);
	return r < 0 ? r : remove_folders(root, &folders, due_ms, e);
}

int retire_version(struct root *root, const struct local_table *have, int64_t due_ms, struct err *e)
{
	int r = local_is_hive(have) ? retire_hive(root, have, due_ms, e) : 0;

	for (size_t i = 0; r == 0 && i < have->file_count; i++) {
		AUTO_FREE char *path = local_version_path(have->files[i].sha256);

		r = is_used(root, have->files[i].sha256, e);
		if (r > 0) {
			r = 0;
			continue;
		}
		if (r == 0)
			r = held_forget(root_db(root), have->files[i].sha256, e);
		if (r == 0)
			r = remove_path(root, path, due_ms, e);
	}
	return r;
}
