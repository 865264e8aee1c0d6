/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/mirrored.h"

#include "tables/objects.h"

static const char sql_list[] =
	"SELECT o.sha256, o.size_bytes, o.chunks_bytes, o.patch_bytes FROM object o"
	" WHERE o.state='stored' AND o.size_bytes>?1 AND o.sha256 IN (SELECT sha256 FROM part)"
	" ORDER BY o.sha256";

static void add(struct mirrored *m, const char *path, int64_t bytes)
{
	strv_add(&m->paths, path + strlen(OBJECTS_FOLDER "/"));
	m->bytes += bytes;
}

static void add_object(struct mirrored *m, const struct stmt *q)
{
	const char *sha256 = stmt_text(q, 0);
	char path[OBJECT_PATH_MAX];

	/* In byte order, as sort(1) and comm(1) want them. */
	if (!stmt_is_null(q, 2))
		add(m, object_chunks_path(sha256, path), stmt_int(q, 2));
	add(m, object_path(sha256, path), stmt_int(q, 1));
	if (!stmt_is_null(q, 3))
		add(m, object_patch_path(sha256, path), stmt_int(q, 3));
}

int mirrored_list(struct db *db, struct mirrored *ret_list, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_list, "i", (int64_t)MIRRORED_ABOVE);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		add_object(ret_list, q);
		r = 0;
	}
	return r;
}
