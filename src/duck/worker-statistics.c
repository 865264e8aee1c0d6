/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in the columns of Parquet files that are one table: nulls, distinct values, the smallest
 * and the largest, a few of the common ones.
 */
#include "duck/statistics.h"
#include "duck/worker-files.h"
#include "duck/worker-limits.h"
#include "duck/worker.h"

#include <strings.h>

/* Each group of columns is one pass over just these columns; more at once only hold more state. */
#define GROUP_COLUMNS 64
#define VALUES_SHOWN  5
/* Values are looked for in the first rows: what is common is common there, mostly. */
#define VALUES_ROWS 20000

struct columns {
	struct strv names, types;
	const struct strv *files;
};

static void columns_release(struct columns *c)
{
	strv_release(&c->names);
	strv_release(&c->types);
}

/* Of these only the nulls are counted: what is smallest or common in them tells nobody anything. */
static bool is_plain(const char *type)
{
	static const char *const odd[] = { "STRUCT", "MAP",    "UNION",    "BLOB",
					   "BIT",    "\"NULL", "GEOMETRY", "VARIANT" };

	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		if (strncasecmp(type, odd[i], strlen(odd[i])) == 0)
			return false;
	}
	return !strchr(type, '[');
}

static void add_name(struct buf *sql, const struct columns *c, size_t i)
{
	buf_adds(sql, "t.");
	sql_quote_name(sql, c->names.v[i]);
}

static void add_bounds(struct buf *sql, const struct columns *c, size_t i)
{
	static const char *const functions[] = { "min", "max" };

	buf_adds(sql, ", approx_count_distinct(");
	add_name(sql, c, i);
	buf_addc(sql, ')');
	for (size_t f = 0; f < ARRAY_LEN(functions); f++) {
		buf_addf(sql, ", left(CAST(%s(", functions[f]);
		add_name(sql, c, i);
		buf_addf(sql, ") AS VARCHAR), %d)", STATISTICS_TEXT_MAX);
	}
}

static void add_from(struct buf *sql, const struct columns *c)
{
	buf_adds(sql, " FROM ");
	engine_add_parquet(sql, c->files, false);
}

/* Each column has four cells, in the order of struct column_statistics. */
static void write_counts(struct buf *sql, const struct columns *c, size_t from, size_t to)
{
	buf_adds(sql, "SELECT count(*)");
	for (size_t i = from; i < to; i++) {
		buf_adds(sql, ", count(*) - count(");
		add_name(sql, c, i);
		buf_addc(sql, ')');
		if (is_plain(c->types.v[i]))
			add_bounds(sql, c, i);
		else
			buf_adds(sql, ", NULL, NULL, NULL");
	}
	add_from(sql, c);
	buf_adds(sql, " t");
}

/* The common values come as one JSON text a column. */
static void write_values(struct buf *sql, const struct columns *c, size_t from, size_t to)
{
	buf_adds(sql, "SELECT 0");
	for (size_t i = from; i < to; i++) {
		if (!is_plain(c->types.v[i])) {
			buf_adds(sql, ", '[]'");
			continue;
		}
		buf_adds(sql, ", CAST(to_json(coalesce(approx_top_k(left(CAST(");
		add_name(sql, c, i);
		buf_addf(sql, " AS VARCHAR), %d), %d), [])) AS VARCHAR)", STATISTICS_TEXT_MAX,
			 VALUES_SHOWN);
	}
	buf_adds(sql, " FROM (SELECT *");
	add_from(sql, c);
	buf_addf(sql, " LIMIT %d) t", VALUES_ROWS);
}

static void add_cell(struct json_out *o, const char *key, duckdb_result *rows, idx_t column)
{
	char *text = duckdb_value_is_null(rows, column, 0) ? NULL
							   : duckdb_value_varchar(rows, column, 0);

	json_add_text(o, key, text);
	duckdb_free(text);
}

static void add_count(struct json_out *o, const char *key, duckdb_result *rows, idx_t column)
{
	if (duckdb_value_is_null(rows, column, 0))
		json_add_null(o, key);
	else
		json_add_int(o, key, duckdb_value_int64(rows, column, 0));
}

static int send_column(struct reply *r, const struct columns *c, size_t i, duckdb_result *counts,
		       duckdb_result *values, idx_t at, struct err *e)
{
	struct json_out *o = reply_line(r);
	char *json = duckdb_value_varchar(values, at + 1, 0);

	json_open(o, NULL, '{');
	json_add_text(o, "name", c->names.v[i]);
	json_add_text(o, "type", c->types.v[i]);
	add_count(o, "nulls", counts, 1 + 4 * at);
	add_count(o, "distinct", counts, 2 + 4 * at);
	add_cell(o, "min", counts, 3 + 4 * at);
	add_cell(o, "max", counts, 4 + 4 * at);
	json_add_raw(o, "values", json ? bytes_of(json) : BYTES_LITERAL("[]"));
	json_close(o);
	duckdb_free(json);
	return reply_end_line(r, e);
}

static int send_group(struct reply *r, const struct columns *c, duckdb_connection con, size_t from,
		      int64_t *ret_rows, struct err *e)
{
	size_t to = from + GROUP_COLUMNS < c->names.n ? from + GROUP_COLUMNS : c->names.n;
	AUTO_BUF struct buf count = BUF_INIT(BUF_OWN_MAX), value = BUF_INIT(BUF_OWN_MAX);
	AUTO_RESULT duckdb_result counts = { 0 };
	AUTO_RESULT duckdb_result values = { 0 };

	write_counts(&count, c, from, to);
	write_values(&value, c, from, to);
	if (engine_ask(con, buf_str(&count), &counts, e) < 0 ||
	    engine_ask(con, buf_str(&value), &values, e) < 0)
		return e->code;
	*ret_rows = duckdb_value_int64(&counts, 0, 0);
	for (size_t i = from; i < to; i++) {
		if (send_column(r, c, i, &counts, &values, i - from, e) < 0)
			return e->code;
	}
	return 0;
}

static int find_columns(struct columns *c, duckdb_connection con, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&sql, "SELECT *");
	add_from(&sql, c);
	if (files_columns(con, buf_str(&sql), &c->names, &c->types, e) < 0)
		return e->code;
	if (c->names.n > STATISTICS_COLUMNS_MAX)
		return err_set(e, ERR_LIMIT, "%zu columns, the limit is %d", c->names.n,
			       STATISTICS_COLUMNS_MAX);
	return 0;
}

static int send_all(struct reply *r, duckdb_connection con, const struct strv *files, struct err *e)
{
	AUTO(columns_release) struct columns c = { .files = files };
	struct json_out *o;
	int64_t rows = 0;

	if (find_columns(&c, con, e) < 0)
		return e->code;
	for (size_t i = 0; i < c.names.n; i += GROUP_COLUMNS) {
		if (send_group(r, &c, con, i, &rows, e) < 0)
			return e->code;
	}
	o = reply_line(r);
	json_open(o, NULL, '{');
	json_add_bool(o, "done", true);
	json_add_int(o, "rows", rows);
	json_close(o);
	return reply_end_line(r, e);
}

int operation_statistics(struct reply *r, const struct json *request, struct err *e)
{
	AUTO_STRV struct strv files = STRV_INIT;
	AUTO_ENGINE struct engine en = { 0 };
	int64_t memory = json_int(json_get(request, "memory_bytes"), GIB);
	struct limits limits = { .memory_bytes = memory,
				 .cpu_seconds = json_int(json_get(request, "cpu_seconds"), 0),
				 .no_writing = true,
				 .confine = true,
				 .readable = &files };

	if (engine_paths(json_get(request, "files"), &files, e) < 0)
		return e->code;
	if (files.n == 0)
		return err_set(e, ERR_USAGE, "request: files are needed");
	if (limits_apply(&limits, e) < 0 || engine_check_paths(&files, e) < 0 ||
	    engine_open(&(struct engine_options){ .memory_bytes = memory }, &en, e) < 0)
		return e->code;
	if (send_all(r, en.con, &files, e) == 0)
		return 0;
	engine_one_line(e);
	return e->code;
}
