/* SPDX-License-Identifier: Apache-2.0 */
/* Beside a part whose rows are mostly those of the part before it: the rows in which they differ. */
#include "tables/publish-internal.h"

#include "engine/journal.h"

#include <fcntl.h>
#include <sys/stat.h>

void parts_before_release(struct parts_before *b)
{
	strv_release(&b->hashes);
	strv_release(&b->files);
}

/* Retention does not wait for a publish. */
static bool all_there(const struct strv *files)
{
	bool there = true;

	for (size_t i = 0; there && i < files->n; i++)
		there = access(files->v[i], R_OK) == 0;
	return there;
}

/* Their paths are in the order of the borders: part-00000.parquet and on. */
int publish_parts_before(const struct publish *p, struct db *db, struct parts_before *b,
			 struct err *e)
{
	static const char sql[] = "SELECT sha256 FROM part WHERE version_id=?1 ORDER BY path";
	AUTO_STMT struct stmt *q = NULL;
	int r = p->borders ? db_query(db, &q, e, sql, "i", p->version_before) : 0;

	while (r == 0 && q && (r = stmt_next(q, e)) > 0) {
		char path[OBJECT_PATH_MAX];

		strv_add(&b->hashes, stmt_text(q, 0));
		strv_addf(&b->files, "%s/%s", root_path(p->root),
			  object_path(stmt_text(q, 0), path));
		r = 0;
	}
	if (r == 0 && !all_there(&b->files))
		parts_before_release(b);
	return r;
}

int publish_take_patch(const struct publish *p, struct prepared *part, const char *before,
		       struct err *e)
{
	AUTO_FD int fd = -1;
	int r;

	part->patch = xasprintf("%s.patch", part->made);
	(void)snprintf(part->patch_from, sizeof(part->patch_from), "%s", before);
	r = journal_stage_open(p->root, part->patch, O_RDONLY, &fd, e);
	if (r == 0)
		r = sha256_fd(fd, part->patch_sha256, &part->patch_bytes, e);
	return r;
}

int publish_store_patch(struct root *root, struct prepared *part, struct err *e)
{
	static const char sql[] = "UPDATE object SET patch_from=?2, patch_sha256=?3, patch_bytes=?4"
				  " WHERE sha256=?1";
	char path[OBJECT_PATH_MAX];
	int r;

	if (!part->patch)
		return 0;
	r = db_exec(root_db(root), e, sql, "ttti", part->sha256, part->patch_from,
		    part->patch_sha256, part->patch_bytes);
	if (r == 0)
		r = journal_move(root, part->patch, object_patch_path(part->sha256, path), e);
	part->patch_placed = r == 0;
	return r < 0 ? r : generation_bump(root_db(root), "tables", e);
}
