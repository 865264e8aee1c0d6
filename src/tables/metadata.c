/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/metadata.h"

#include "base/time.h"
#include "tables/registry-internal.h"

bool metadata_is_view(const char *entity_type)
{
	return str_eq(entity_type, "VIEW") || str_eq(entity_type, "MATERIALIZED VIEW");
}

int metadata_store(struct db *db, const char *table_id, const struct metadata *found, struct err *e)
{
	static const char sql[] =
		"INSERT INTO table_metadata(table_id, rows, size_bytes, partition_by, clustered_by,"
		" entity_type, known_columns, refreshed_ms, columns) VALUES(?1, nullif(?2, -1),"
		" nullif(?3, -1), ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT(table_id) DO UPDATE SET"
		" rows=CASE WHEN ?10 THEN rows ELSE excluded.rows END,"
		" size_bytes=CASE WHEN ?10 THEN size_bytes ELSE excluded.size_bytes END,"
		" partition_by=CASE WHEN ?11 THEN partition_by ELSE excluded.partition_by END,"
		" clustered_by=CASE WHEN ?11 THEN clustered_by ELSE excluded.clustered_by END,"
		" entity_type=CASE WHEN ?11 THEN entity_type ELSE excluded.entity_type END,"
		" known_columns=coalesce(excluded.known_columns, known_columns),"
		" columns=coalesce(excluded.columns, columns),"
		" refreshed_ms=excluded.refreshed_ms, error_ms=NULL, error_msg=NULL";
	bool view = metadata_is_view(found->entity_type);
	int r = db_exec(db, e, sql, "tiittttitii", table_id, view ? (int64_t)-1 : found->rows,
			view ? (int64_t)-1 : found->size_bytes, found->partition_by,
			found->clustered_by, found->entity_type, found->known_columns, time_now(),
			found->columns, (int64_t)found->no_figures, (int64_t)found->no_layout);

	return r < 0 || !found->missing ? r : metadata_fail(db, table_id, found->missing, e);
}

int metadata_fail(struct db *db, const char *table_id, const char *why, struct err *e)
{
	static const char sql[] =
		"INSERT INTO table_metadata(table_id, error_ms, error_msg) VALUES(?1, ?2, ?3)"
		" ON CONFLICT(table_id) DO UPDATE SET error_ms=excluded.error_ms,"
		" error_msg=excluded.error_msg";
	AUTO_BUF struct buf clean = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *cut = xstrndup(why, METADATA_ERROR_MAX);

	text_add_clean(&clean, bytes_of(cut)); /* also what the cut left of a letter */
	return db_exec(db, e, sql, "tit", table_id, time_now(), buf_str(&clean));
}

int metadata_entity_type(struct db *db, const char *table_id, char **ret_text, struct err *e)
{
	return db_get_text(db, ret_text, e,
			   "SELECT entity_type FROM table_metadata WHERE table_id=?1", "t",
			   table_id);
}

int metadata_forget(struct db *db, const char *table_id, struct err *e)
{
	return db_exec(db, e, "DELETE FROM table_metadata WHERE table_id=?1", "t", table_id);
}

const char *metadata_freshness(int64_t refreshed_ms, int64_t error_ms, int64_t now_ms,
			       int64_t interval_s)
{
	if (refreshed_ms == 0)
		return error_ms ? "error" : "never_fetched";
	return now_ms - refreshed_ms <= 2 * interval_s * 1000 ? "fresh" : "stale";
}

static void add_int(struct json_out *out, const char *key, const struct stmt *q, int column,
		    bool known)
{
	if (!known || stmt_is_null(q, column))
		json_add_null(out, key);
	else
		json_add_int(out, key, stmt_int(q, column));
}

static void add_list(struct json_out *out, const char *key, const char *json, const char *otherwise)
{
	json_add_raw(out, key, bytes_of(json ? json : otherwise));
}

static void add_row(struct json_out *out, const struct stmt *q, const struct metadata_when *when)
{
	bool view = metadata_is_view(stmt_text(q, 5));

	json_open(out, NULL, '{');
	json_add_text(out, "table_id", stmt_text(q, 0));
	json_add_text(
		out, "metadata_freshness",
		metadata_freshness(stmt_int(q, 7), stmt_int(q, 8), when->now_ms, when->interval_s));
	add_int(out, "rows", q, 1, !view);
	add_int(out, "size_bytes", q, 2, !view);
	json_add_text(out, "partition_by", stmt_text(q, 3));
	add_list(out, "clustered_by", stmt_text(q, 4), "[]");
	json_add_text(out, "entity_type", stmt_text(q, 5));
	add_list(out, "known_columns", stmt_text(q, 6), "null");
	json_add_time(out, "refreshed_at", stmt_int(q, 7));
	json_add_time(out, "error_at", stmt_int(q, 8));
	json_add_text(out, "error_msg", stmt_text(q, 9));
	json_close(out);
}

int metadata_columns(struct db *db, const char *table_id, struct strv *out, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e,
			 "SELECT c.value FROM table_metadata m, json_each(m.known_columns) c"
			 " WHERE m.table_id=?1 ORDER BY c.key",
			 "t", table_id);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		strv_add(out, stmt_text(q, 0));
		r = 0;
	}
	return r;
}

int metadata_status(struct db *db, const struct caller *caller, const struct metadata_when *when,
		    struct json_out *out, struct err *e)
{
	static const char sql[] = "WITH r AS MATERIALIZED (SELECT t.id AS table_id, " RIGHTS_OR_ALL(
		"?1", "?2",
		"t.id") " AS rights FROM tbl t WHERE t.query_mode='remote'"
			" AND (?1=1 OR t.id IN " GRANTED_TABLES(
				"?2") "))"
				      " SELECT r.table_id, " WHOLE("rows") ", " WHOLE("size_bytes") ", " WHOLE("partition_by") ", " WHOLE(
					      "clustered_by") ", m.entity_type, " WHOLE("known_columns") ", m.refreshed_ms, m.error_ms, " WHOLE("error_msg") " FROM r LEFT JOIN table_metadata m ON m.table_id=r.table_id ORDER BY 1";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql, "ii", (int64_t)caller->is_admin, caller->user_id);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		add_row(out, q, when);
		r = 0;
	}
	return r;
}
