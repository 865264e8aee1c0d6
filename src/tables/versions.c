/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/versions.h"

#include "base/time.h"
#include "tables/statistics.h"

static void add_known(struct json_out *out, const char *key, const struct stmt *q, int column)
{
	if (stmt_is_null(q, column))
		json_add_null(out, key);
	else
		json_add_int(out, key, stmt_int(q, column));
}

#define VERSION                                                                                    \
	"SELECT sha256, md5, rows, size_bytes, parts, created_ms, created_by, retired_ms"          \
	" FROM version WHERE table_id=?1"

static void add_version(struct json_out *out, const struct stmt *q)
{
	json_add_text(out, "sha256", stmt_text(q, 0));
	json_add_text(out, "md5", stmt_text(q, 1));
	add_known(out, "rows", q, 2);
	add_known(out, "size_bytes", q, 3);
	json_add_int(out, "parts", stmt_int(q, 4));
	json_add_time(out, "created", stmt_int(q, 5));
	json_add_text(out, "created_by", stmt_text(q, 6));
	json_add_time(out, "retired", stmt_int(q, 7));
}

int versions_list(struct db *db, const char *table_id, struct json_out *out, struct err *e)
{
	static const char sql[] = VERSION " ORDER BY id DESC";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql, "t", table_id);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		json_open(out, NULL, '{');
		add_version(out, q);
		json_close(out);
		r = 0;
	}
	return r;
}

int versions_show(struct db *db, const char *table_id, const char *sha256, struct json_out *out,
		  struct err *e)
{
	/* The same contents may have come back: the newest of them. */
	static const char sql[] = VERSION " AND sha256=?2 ORDER BY id DESC LIMIT 1";
	AUTO(statistics_release) struct statistics s = { 0 };
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql, "tt", table_id, sha256);

	if (r == 0)
		r = stmt_next(q, e);
	if (r <= 0)
		return r < 0 ? r : err_set(e, ERR_NOT_FOUND, "no version %.64s is kept", sha256);
	add_version(out, q);
	r = statistics_find(db, sha256, &s, e);
	if (r > 0)
		statistics_add_columns(&s, out);
	else if (r == 0)
		json_add_null(out, "columns");
	return r < 0 ? r : 0;
}
