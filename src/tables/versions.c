/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/versions.h"

#include "base/time.h"

static void add_known(struct json_out *out, const char *key, const struct stmt *q, int column)
{
	if (stmt_is_null(q, column))
		json_add_null(out, key);
	else
		json_add_int(out, key, stmt_int(q, column));
}

static void add_time(struct json_out *out, const char *key, const struct stmt *q, int column)
{
	char iso[TIME_TEXT_MAX];

	json_add_text(out, key,
		      stmt_is_null(q, column) ? NULL : time_format_iso(stmt_int(q, column), iso));
}

int versions_list(struct db *db, const char *table_id, struct json_out *out, struct err *e)
{
	static const char sql[] = "SELECT sha256, md5, rows, size_bytes, parts, created_ms,"
				  " created_by, retired_ms FROM version WHERE table_id=?1"
				  " ORDER BY id DESC";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql, "t", table_id);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		json_open(out, NULL, '{');
		json_add_text(out, "sha256", stmt_text(q, 0));
		json_add_text(out, "md5", stmt_text(q, 1));
		add_known(out, "rows", q, 2);
		add_known(out, "size_bytes", q, 3);
		json_add_int(out, "parts", stmt_int(q, 4));
		add_time(out, "created", q, 5);
		json_add_text(out, "created_by", stmt_text(q, 6));
		add_time(out, "retired", q, 7);
		json_close(out);
		r = 0;
	}
	return r;
}
