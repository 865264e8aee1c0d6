/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/retention.h"

#include "base/time.h"
#include "engine/journal.h"
#include "tables/metadata.h"
#include "tables/objects.h"
#include "tables/registry-internal.h"
#include "tables/statistics.h"

/* The versions to go are marked in a list of ids, then taken away one by one. */
struct doomed {
	int64_t *v;
	size_t n, capacity;
};

static void doomed_release(struct doomed *d)
{
	free(d->v);
}

static int collect(struct stmt *q, struct doomed *d, struct err *e)
{
	int r;

	while ((r = stmt_next(q, e)) > 0) {
		d->v = xgrow(d->v, &d->capacity, d->n + 1, sizeof(*d->v));
		d->v[d->n++] = stmt_int(q, 0);
	}
	return r;
}

static int objects_of(struct db *db, int64_t version, struct strv *out, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e,
			 "SELECT sha256 FROM part WHERE version_id=?1 UNION"
			 " SELECT sha256 FROM excerpt WHERE version_id=?1",
			 "i", version);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		strv_add(out, stmt_text(q, 0));
		r = 0;
	}
	return r;
}

static int remove_if_unused(struct root *root, const char *sha256, struct err *e)
{
	struct db *db = root_db(root);
	char path[OBJECT_PATH_MAX];
	int64_t used = 0;
	int64_t indexed = 0;
	int64_t patched = 0;
	int r = db_get_int(db, &used, 0, e,
			   "SELECT 1 FROM part WHERE sha256=?1 UNION ALL"
			   " SELECT 1 FROM excerpt WHERE sha256=?1 LIMIT 1",
			   "t", sha256);

	if (r == 0)
		r = db_get_int(db, &indexed, 0, e,
			       "SELECT chunks_sha256 IS NOT NULL FROM object WHERE sha256=?1", "t",
			       sha256);
	if (r == 0)
		r = db_get_int(db, &patched, 0, e,
			       "SELECT patch_sha256 IS NOT NULL FROM object WHERE sha256=?1", "t",
			       sha256);
	if (r < 0 || used)
		return r;
	r = db_exec(db, e, "DELETE FROM object WHERE sha256=?1", "t", sha256);
	if (r == 0)
		r = db_exec(db, e, "DELETE FROM conversion WHERE result_sha256=?1", "t", sha256);
	if (r == 0 && indexed)
		r = journal_remove(root, object_chunks_path(sha256, path), e);
	if (r == 0 && patched)
		r = journal_remove(root, object_patch_path(sha256, path), e);
	return r < 0 ? r : journal_remove(root, object_path(sha256, path), e);
}

/* The figures go with the last version of these contents. */
static int forget_contents(struct db *db, const char *sha256, struct err *e)
{
	int64_t used = 0;
	int r = db_get_int(db, &used, 0, e,
			   "SELECT 1 FROM version WHERE sha256=?1 UNION ALL"
			   " SELECT 1 FROM excerpt WHERE sha256=?1 LIMIT 1",
			   "t", sha256);

	return r < 0 || used ? r : statistics_forget(db, sha256, e);
}

static int remove_version(struct root *root, int64_t version, struct err *e)
{
	struct db *db = root_db(root);
	AUTO_STRV struct strv objects = STRV_INIT;
	AUTO_FREE char *contents = NULL;
	int r = db_get_text(db, &contents, e, "SELECT sha256 FROM version WHERE id=?1", "i",
			    version);

	if (r == 0)
		r = objects_of(db, version, &objects, e);
	if (r == 0)
		r = db_exec(db, e, "DELETE FROM part WHERE version_id=?1", "i", version);
	if (r == 0)
		r = db_exec(db, e, "DELETE FROM excerpt WHERE version_id=?1", "i", version);
	if (r == 0)
		r = db_exec(db, e, "DELETE FROM version WHERE id=?1", "i", version);
	if (r == 0 && contents)
		r = forget_contents(db, contents, e);
	for (size_t i = 0; r == 0 && i < objects.n; i++)
		r = remove_if_unused(root, objects.v[i], e);
	for (size_t i = 0; r == 0 && i < objects.n; i++)
		r = forget_contents(db, objects.v[i], e);
	return r;
}

static int remove_all(struct root *root, const struct doomed *d, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < d->n; i++)
		r = remove_version(root, d->v[i], e);
	return r;
}

int retention_sweep(struct root *root, int64_t keep_ms, size_t *ret_removed, struct err *e)
{
	AUTO(doomed_release) struct doomed d = { 0 };
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(root_db(root), &q, e, "SELECT id FROM version WHERE retired_ms <= ?1", "i",
			 time_now() - keep_ms);

	if (r == 0)
		r = collect(q, &d, e);
	if (r == 0)
		r = remove_all(root, &d, e);
	if (r == 0 && ret_removed)
		*ret_removed = d.n;
	return r;
}

static int versions_of(struct db *db, const char *id, struct doomed *d, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, "SELECT id FROM version WHERE table_id=?1", "t", id);

	return r < 0 ? r : collect(q, d, e);
}

int retention_remove_table(struct root *root, const struct caller *by, const char *id_or_name,
			   struct err *e)
{
	struct db *db = root_db(root);
	AUTO(doomed_release) struct doomed d = { 0 };
	AUTO_TABLE struct table t = { 0 };
	int r = registry_find(db, NULL, id_or_name, &t, e);

	if (r == 0)
		r = versions_of(db, t.id, &d, e);
	if (r == 0)
		r = remove_all(root, &d, e);
	if (r == 0)
		r = db_exec(db, e, "DELETE FROM tbl WHERE id=?1", "t", t.id);
	if (r == 0)
		r = grant_forget(db, "table", t.id, e);
	if (r == 0)
		r = metadata_forget(db, t.id, e);
	if (r == 0)
		r = generation_bump(db, "tables", e);
	return r < 0 ? r : audit_add(db, by, "table.remove", t.id, NULL, e);
}
