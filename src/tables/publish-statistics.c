/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of what is published, made before its transaction. */
#include "tables/publish-internal.h"

#include "base/log.h"
#include "engine/journal.h"

static int add_file(const struct publish *p, const struct prepared *part, struct db *db,
		    struct strv *files, struct err *e)
{
	AUTO_OBJECT struct object o = { 0 };
	int r;

	if (part->made) {
		strv_adopt(files, journal_stage_path(p->root, part->made));
		return 0;
	}
	r = object_find(p->root, db, part->sha256, &o, e);
	if (r <= 0)
		return r < 0 ? r : publish_missing(part, e);
	strv_adopt(files, publish_file_of(p, part->sha256, &o));
	return 0;
}

int publish_add_files(const struct publish *p, struct db *db, struct strv *files, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->n; i++)
		r = add_file(p, &p->parts[i], db, files, e);
	return r;
}

static int is_known(struct db *db, const char *sha256, int64_t *ret_known, struct err *e)
{
	return db_get_int(db, ret_known, 0, e,
			  "SELECT 1 FROM column_statistics WHERE sha256=?1 LIMIT 1", "t", sha256);
}

int publish_make_statistics(struct publish *p, struct db *db, struct err *e)
{
	AUTO_STRV struct strv files = STRV_INIT;
	const struct duck_statistics request = { .files = &files,
						 .memory_bytes = p->convert_memory };
	struct err why = { 0 };
	int64_t known = 0;
	int r = is_known(db, p->sha256, &known, e);

	if (r < 0 || known)
		return r;
	r = publish_add_files(p, db, &files, e);
	if (r < 0)
		return r;
	if (duck_statistics(&request, &p->statistics, &why) < 0)
		log_event(LOG_WARN, "no-statistics", "table=%s error=%s", p->table, why.msg);
	return 0;
}
