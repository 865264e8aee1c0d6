/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/catalog.h"

#include "base/time.h"
#include "tables/columns.h"
#include "tables/metadata.h"
#include "tables/registry-internal.h"
#include "tables/statistics.h"

#define MIB ((int64_t)1 << 20)
#define GIB ((int64_t)1 << 30)

/* The columns of one of its files, which all have the same. */
#define COLUMNS_OF_FILE                                                                            \
	"(SELECT o.columns FROM object o WHERE o.sha256=(CASE WHEN r.rights='' THEN"               \
	" (SELECT p.sha256 FROM part p WHERE p.version_id=v.id LIMIT 1) ELSE x.sha256 END))"

/* clang-format off: it would break it after each of the macros */
#define CATALOG_ROWS                                                                                                                                                                   \
	" SELECT t.id, t.name, t.description, t.source_type, t.query_mode, t.sort_by, v.id,"                                                                                           \
	" v.created_ms, r.rights, " SEEN("sha256") ", " SEEN("rows") ", " SEEN("size_bytes") ", " WHOLE("rows") ", " WHOLE("size_bytes") ", " WHOLE(                                   \
		"partition_by") ", " WHOLE("clustered_by") ", m.entity_type, " WHOLE("known_columns") ", m.refreshed_ms, m.error_ms, CASE WHEN ?3=1 THEN " COLUMNS_OF_FILE             \
												      " END, " WHOLE(                                                                  \
													      "columns") " FROM r JOIN tbl t ON t.id=r.table_id"                       \
															 " LEFT JOIN version v ON v.id=t.current_version" JOIN_EXCERPT \
															 " LEFT JOIN table_metadata m ON m.table_id=t.id WHERE r.rights IS NOT NULL ORDER BY t.id"
/* clang-format on */

static const char sql_list[] = "WITH r AS MATERIALIZED (SELECT t.id AS table_id, " RIGHTS_OR_ALL(
	"?1", "?2",
	"t.id") " AS rights FROM tbl t WHERE ?1=1 OR t.id IN " GRANTED_TABLES("?2") ")" CATALOG_ROWS;
static const char sql_one[] = "WITH r AS MATERIALIZED (SELECT t.id AS table_id, " RIGHTS_OR_ALL(
	"?1", "?2", "t.id") " AS rights FROM tbl t WHERE t.id=?4 OR t.name=?4)" CATALOG_ROWS;

enum column {
	T_ID,
	T_NAME,
	T_DESCRIPTION,
	T_SOURCE,
	T_MODE,
	T_SORT,
	V_ID,
	V_CREATED,
	RIGHTS_COLUMN,
	V_SHA256,
	V_ROWS,
	V_SIZE,
	M_ROWS,
	M_SIZE,
	M_PARTITION,
	M_CLUSTERED,
	M_ENTITY,
	M_COLUMNS,
	M_REFRESHED,
	M_ERROR,
	FILE_COLUMNS,
	M_TYPES,
};

static bool is_remote(const struct stmt *q)
{
	return str_eq(stmt_text(q, T_MODE), "remote");
}

static bool is_bigquery(const struct stmt *q)
{
	return str_eq(stmt_text(q, T_SOURCE), "bigquery");
}

static const char *sql_flavor(const struct stmt *q)
{
	if (is_bigquery(q))
		return "bigquery";
	return is_remote(q) && str_eq(stmt_text(q, T_SOURCE), "postgres") ? "postgres" : "duckdb";
}

static const char *size_hint(int64_t bytes)
{
	if (bytes <= 100 * MIB)
		return "small";
	if (bytes <= GIB)
		return "medium";
	return bytes <= 10 * GIB ? "large" : "very_large";
}

static bool has_name(const struct json *names, const char *name)
{
	for (size_t i = 0; i < json_size(names); i++) {
		if (str_eq(json_text(json_at(names, i)), name))
			return true;
	}
	return false;
}

/* Only from columns that are there: an example that fails teaches nothing. */
static void add_examples(struct json_out *o, const struct stmt *q)
{
	AUTO_JSON struct json *names = NULL;
	struct err ignored = { 0 };
	const char *known = stmt_text(q, M_COLUMNS);

	json_open(o, "where_examples", '[');
	if (is_bigquery(q) && known &&
	    json_parse(bytes_of(known), COLUMNS_TEXT_MAX, &names, &ignored) == 0) {
		if (has_name(names, "event_date"))
			json_add_text(o, NULL, "event_date >= DATE '2026-01-01'");
		if (has_name(names, "country_code") && has_name(names, "platform"))
			json_add_text(o, NULL, "country_code = 'CZ' AND platform = 'web'");
	}
	json_close(o);
}

static const char *fetch_via(const struct stmt *q)
{
	return is_remote(q) ? "larder snapshot create: a filtered extract of it, brought to the "
			      "workspace; larder query --remote asks it where it stays"
			    : "already local: larder pull brings it, larder query asks it";
}

/* Rows and bytes: of the files, or what the source said of a table that is none of its views. */
static void add_size(struct json_out *o, const struct stmt *q)
{
	bool known = is_remote(q) && !metadata_is_view(stmt_text(q, M_ENTITY));
	int rows = is_remote(q) ? M_ROWS : V_ROWS, size = is_remote(q) ? M_SIZE : V_SIZE;
	bool usable = is_remote(q) ? known : !stmt_is_null(q, V_ID);

	if (usable && !stmt_is_null(q, rows) && stmt_int(q, rows) >= 0)
		json_add_int(o, "rows", stmt_int(q, rows));
	else
		json_add_null(o, "rows");
	if (usable && !stmt_is_null(q, size) && stmt_int(q, size) >= 0) {
		json_add_int(o, "size_bytes", stmt_int(q, size));
		json_add_text(o, "rough_size_hint", size_hint(stmt_int(q, size)));
	} else {
		json_add_null(o, "size_bytes");
		json_add_null(o, "rough_size_hint");
	}
}

static void add_metadata(struct json_out *o, const struct stmt *q, const struct catalog_wish *wish)
{
	const char *clustered = is_remote(q) ? stmt_text(q, M_CLUSTERED) : NULL;

	json_add_text(o, "partition_by", is_remote(q) ? stmt_text(q, M_PARTITION) : NULL);
	json_add_raw(o, "clustered_by", bytes_of(clustered ? clustered : "[]"));
	json_add_text(o, "entity_type", is_remote(q) ? stmt_text(q, M_ENTITY) : NULL);
	json_add_text(o, "metadata_freshness",
		      is_remote(q)
			      ? metadata_freshness(stmt_int(q, M_REFRESHED), stmt_int(q, M_ERROR),
						   wish->now_ms, wish->interval_s)
			      : "not_applicable");
}

static void add_members(struct json_out *o, const struct stmt *q, const struct catalog_wish *wish)
{
	const char *source = stmt_text(q, T_SOURCE), *name = stmt_text(q, T_NAME);
	bool published = !stmt_is_null(q, V_ID);
	char iso[TIME_TEXT_MAX];

	json_add_text(o, "id", stmt_text(q, T_ID));
	json_add_text(o, "name", name ? name : stmt_text(q, T_ID));
	json_add_text(o, "description", stmt_text(q, T_DESCRIPTION));
	json_add_text(o, "source_type", source ? source : "");
	json_add_text(o, "query_mode", stmt_text(q, T_MODE));
	json_add_text(o, "sql_flavor", sql_flavor(q));
	add_examples(o, q);
	json_add_text(o, "fetch_via", fetch_via(q));
	add_size(o, q);
	add_metadata(o, q, wish);
	json_add_text(o, "version", stmt_text(q, V_SHA256));
	json_add_text(o, "updated",
		      published ? time_format_iso(stmt_int(q, V_CREATED), iso) : NULL);
	json_add_text(o, "row_scope", stmt_text(q, RIGHTS_COLUMN)[0] ? "limited" : "all");
}

static bool occurs(const struct stmt *q, const char *word)
{
	static const int places[] = { T_ID, T_NAME, T_DESCRIPTION, FILE_COLUMNS, M_COLUMNS };

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		const char *text = stmt_text(q, places[i]);

		if (text && strcasestr(text, word))
			return true;
	}
	return false;
}

static bool is_wanted(const struct stmt *q, const struct strv *words)
{
	for (size_t i = 0; words && i < words->n; i++) {
		if (words->v[i][0] && !occurs(q, words->v[i]))
			return false;
	}
	return true;
}

int catalog_list(struct db *db, const struct catalog_wish *wish, struct json_out *out,
		 struct err *e)
{
	bool search = wish->words && wish->words->n > 0;
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_list, "iii", (int64_t)wish->caller->is_admin,
			 wish->caller->user_id, (int64_t)search);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		r = 0;
		if (!is_wanted(q, wish->words))
			continue;
		json_open(out, NULL, '{');
		add_members(out, q, wish);
		json_close(out);
	}
	return r;
}

/* Without figures: names and types as the file has them, or the source told them. */
static int add_plain_columns(struct json_out *o, const struct stmt *q, struct err *e)
{
	AUTO_JSON struct json *list = NULL;
	const char *known = stmt_text(q, M_TYPES) ? stmt_text(q, M_TYPES) : stmt_text(q, M_COLUMNS);
	const char *text = is_remote(q) ? known : stmt_text(q, FILE_COLUMNS);
	int r = text ? json_parse(bytes_of(text), COLUMNS_TEXT_MAX, &list, e) : 0;

	if (r < 0)
		return r;
	json_open(o, "columns", '[');
	for (size_t i = 0; i < json_size(list); i++) {
		const struct json *column = json_at(list, i);
		bool named = json_kind(column) == JSON_OBJECT;

		json_open(o, NULL, '{');
		json_add_text(o, "name", json_text(named ? json_get(column, "name") : column));
		json_add_text(o, "type", named ? json_text(json_get(column, "type")) : NULL);
		json_close(o);
	}
	json_close(o);
	return 0;
}

static int add_columns(struct db *db, struct json_out *o, const struct stmt *q, struct err *e)
{
	AUTO(statistics_release) struct statistics s = { 0 };
	int r = is_remote(q) || stmt_is_null(q, V_SHA256)
			? 0
			: statistics_find(db, stmt_text(q, V_SHA256), &s, e);

	if (r < 0)
		return r;
	if (r == 0)
		return add_plain_columns(o, q, e);
	statistics_add_columns(&s, o);
	return 0;
}

int catalog_describe(struct db *db, const struct catalog_wish *wish, const char *id_or_name,
		     struct json_out *out, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = name_is_table(id_or_name)
			? db_query(db, &q, e, sql_one, "iiit", (int64_t)wish->caller->is_admin,
				   wish->caller->user_id, (int64_t)1, id_or_name)
			: 0;

	if (r == 0 && q)
		r = stmt_next(q, e);
	if (r < 0)
		return r;
	if (r == 0)
		return err_set(e, ERR_NOT_FOUND, "table '%.*s' not found", NAME_MAX_LEN,
			       id_or_name);
	add_members(out, q, wish);
	json_add_text(out, "sort_by", stmt_text(q, T_SORT));
	return add_columns(db, out, q, e);
}
