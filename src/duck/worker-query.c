/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker-files.h"
#include "duck/worker-lexer.h"
#include "duck/worker-limits.h"
#include "duck/worker-own.h"
#include "duck/worker-rows.h"
#include "duck/worker-tables.h"

#include <inttypes.h>
#include <sys/random.h>

/* Longer statements are made by mistake or to hurt; DuckDB's parser recurses. */
#define SQL_MAX ((size_t)1 << 20)

struct query {
	const char *sql; /* lent */
	struct tables tables;
	struct own own;
	struct engine en;
	struct rows_limits limits;
	int64_t memory_bytes;
	int64_t cpu_seconds;
	bool contained;
	char *path;    /* of the user's database */
	char *spill;   /* folder for what does not fit the memory, made by DuckDB when needed */
	char *listing; /* takes the place of SHOW TABLES */
};

static void query_release(struct query *q)
{
	engine_close(&q->en);
	own_release(&q->own);
	tables_release(&q->tables);
	free(q->path);
	free(q->spill);
	free(q->listing);
}

static int parse(const struct json *request, struct query *q, struct err *e)
{
	const char *database = json_text(json_get(request, "database"));

	q->sql = json_text(json_get(request, "sql"));
	if (!q->sql)
		return err_set(e, ERR_USAGE, "request: there is no sql");
	if (strlen(q->sql) > SQL_MAX)
		return err_set(e, ERR_LIMIT, "the statement is longer than %zu bytes", SQL_MAX);
	if (tables_parse(json_get(request, "tables"), &q->tables, e) < 0)
		return e->code;
	q->limits.rows = json_int(json_get(request, "row_limit"), 0);
	q->limits.bytes = json_int(json_get(request, "byte_limit"), 0);
	q->limits.cell = json_int(json_get(request, "cell_limit"), 0);
	q->memory_bytes = json_int(json_get(request, "memory_bytes"), GIB);
	q->cpu_seconds = json_int(json_get(request, "cpu_seconds"), 0);
	q->contained = json_flag(json_get(request, "contained"), false);
	q->path = database ? worker_absolute_path(database) : NULL;
	return 0;
}

static char *spill_folder(void)
{
	const char *folder = getenv("TMPDIR");
	uint64_t random = 0;

	if (getrandom(&random, sizeof(random), 0) < 0)
		return NULL;
	return xasprintf("%s/larder-duck-%016" PRIx64, folder && folder[0] == '/' ? folder : "/tmp",
			 random);
}

/* Nothing of DuckDB's may reach what the tables do not need, and no statement may undo that. */
static int lock_down(struct query *q, const struct strv *files, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&sql, "SET allowed_paths = [");
	for (size_t i = 0; i < files->n; i++) {
		buf_adds(&sql, i ? ", " : "");
		sql_quote_text(&sql, files->v[i]);
	}
	buf_adds(&sql, "]; SET enable_external_file_cache = false; "
		       "SET enable_external_access = false; SET lock_configuration = true");
	return engine_run(q->en.con, buf_str(&sql), e);
}

static int open_engine(struct query *q, struct err *e)
{
	AUTO_STRV struct strv files = STRV_INIT;
	struct limits limits = { .memory_bytes = q->memory_bytes,
				 .cpu_seconds = q->cpu_seconds,
				 .no_writing = q->contained,
				 .confine = q->contained,
				 .strict = q->contained,
				 .readable = &files };

	if (q->contained) {
		tables_keep_mentioned(&q->tables, q->sql);
		if (tables_files(&q->tables, &files, e) < 0)
			return e->code;
	} else {
		q->spill = spill_folder();
	}
	if (limits_apply(&limits, e) < 0 ||
	    engine_open(
		    &(struct engine_options){ .memory_bytes = q->memory_bytes, .spill = q->spill },
		    &q->en, e) < 0)
		return e->code;
	tables_offer(&q->tables, q->en.db);
	q->own = (struct own){ .path = q->contained ? NULL : q->path,
			       .tables = &q->tables,
			       .con = q->en.con };
	if (q->contained && lock_down(q, &files, e) < 0)
		return e->code;
	return tables_make_dotted(&q->tables, q->sql, q->en.con, e);
}

static int refuse(const struct query *q, struct err *e)
{
	(void)err_set(e, ERR_USAGE, "only statements that read are run here");
	if (q->contained)
		return err_hint(e, "use SELECT, or WITH ... SELECT");
	return err_hint(e,
			"to change tables of your own, open the workspace's database with DuckDB");
}

/* Said at once, so that the answer is not that a table to write into is unknown. */
static bool begins_as_write(const char *sql)
{
	static const char *const words[] = {
		"alter",    "attach", "begin",  "checkpoint", "comment",  "commit", "copy",
		"create",   "delete", "detach", "drop",       "export",   "import", "insert",
		"install",  "load",   "merge",  "reset",      "rollback", "set",    "start",
		"truncate", "update", "use",    "vacuum",
	};
	struct token first = lexer_next(&sql);

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (token_is(first, words[i]))
			return true;
	}
	return false;
}

static bool reads(duckdb_statement_type type)
{
	return type == DUCKDB_STATEMENT_TYPE_SELECT || type == DUCKDB_STATEMENT_TYPE_EXPLAIN ||
	       type == DUCKDB_STATEMENT_TYPE_RELATION;
}

/* EXPLAIN ANALYZE runs what it explains. */
static int check_explained(struct query *q, struct err *e)
{
	const char *inner = lexer_after_explain(q->sql);
	AUTO(duckdb_destroy_extracted) duckdb_extracted_statements statements = NULL;
	AUTO(duckdb_destroy_prepare) duckdb_prepared_statement prepared = NULL;

	if (inner == q->sql)
		return 0;
	if (duckdb_extract_statements(q->en.con, inner, &statements) != 1 ||
	    duckdb_prepare_extracted_statement(q->en.con, statements, 0, &prepared) !=
		    DuckDBSuccess)
		return refuse(q, e);
	return reads(duckdb_prepared_statement_type(prepared)) ? 0 : refuse(q, e);
}

static int check_type(struct query *q, duckdb_prepared_statement prepared, struct err *e)
{
	duckdb_statement_type type = duckdb_prepared_statement_type(prepared);

	if (!reads(type) || (q->contained && type != DUCKDB_STATEMENT_TYPE_SELECT))
		return refuse(q, e);
	return type == DUCKDB_STATEMENT_TYPE_EXPLAIN ? check_explained(q, e) : 0;
}

/* Then its lines show where in the user's text; else they would show a text of ours. */
static bool is_about_statement(const char *text)
{
	return str_starts(text, "Parser Error") || str_starts(text, "Catalog Error") ||
	       str_starts(text, "Binder Error");
}

static int prepare_error(struct err *e, const char *text)
{
	if (!text || is_about_statement(text))
		return engine_error(e, DUCKDB_ERROR_BINDER, text);
	(void)engine_error(e, DUCKDB_ERROR_INVALID_INPUT, text);
	engine_one_line(e);
	return e->code;
}

/* PIVOT becomes several statements, of which all but the last prepare it. */
static int run_before(struct query *q, duckdb_extracted_statements statements, idx_t count,
		      struct err *e)
{
	for (idx_t i = 0; i + 1 < count; i++) {
		AUTO(duckdb_destroy_prepare) duckdb_prepared_statement prepared = NULL;
		AUTO_RESULT duckdb_result result = { 0 };

		if (duckdb_prepare_extracted_statement(q->en.con, statements, i, &prepared) !=
		    DuckDBSuccess)
			return prepare_error(e, duckdb_prepare_error(prepared));
		if (duckdb_execute_prepared(prepared, &result) != DuckDBSuccess)
			return engine_error(e, duckdb_result_error_type(&result),
					    duckdb_result_error(&result));
	}
	return 0;
}

static int prepare(struct query *q, duckdb_prepared_statement *ret_prepared, struct err *e)
{
	AUTO(duckdb_destroy_extracted) duckdb_extracted_statements statements = NULL;
	const char *sql = q->listing ? q->listing : q->sql;
	idx_t n = duckdb_extract_statements(q->en.con, sql, &statements);

	if (n == 0)
		return engine_error(e, DUCKDB_ERROR_PARSER,
				    duckdb_extract_statements_error(statements));
	if (n > 1 && q->contained) {
		(void)err_set(e, ERR_USAGE, "this statement becomes %d", (int)n);
		return err_hint(e, "name the values of PIVOT: PIVOT t ON c IN ('a', 'b') ...");
	}
	if (run_before(q, statements, n, e) < 0)
		return e->code;
	if (duckdb_prepare_extracted_statement(q->en.con, statements, n - 1, ret_prepared) !=
	    DuckDBSuccess)
		return prepare_error(e, duckdb_prepare_error(*ret_prepared));
	return 0;
}

static bool is_show_tables(const char *sql)
{
	struct token first = lexer_next(&sql), second = lexer_next(&sql), third = lexer_next(&sql);
	bool show =
		token_is(first, "show") || token_is(first, "describe") || token_is(first, "desc");

	if (second.kind == TOKEN_END || second.text.p[0] == ';')
		return show;
	return token_is(first, "show") && token_is(second, "tables") &&
	       (third.kind == TOKEN_END || third.text.p[0] == ';');
}

static bool looks_into_catalog(const char *sql)
{
	static const char *const words[] = { "information_schema", "duckdb_tables", "duckdb_views",
					     "duckdb_columns",     "sqlite_master", "sqlite_schema",
					     "pg_tables",          "pg_views",      "pg_class",
					     "show_tables" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (lexer_mentions(sql, words[i]))
			return true;
	}
	return token_is(lexer_next(&sql), "show") && token_is(lexer_next(&sql), "all");
}

/* Catalogues know nothing of tables that are found when named, so such statements need help. */
static int serve_catalog(struct query *q, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	if (is_show_tables(q->sql)) {
		own_attach(&q->own);
		own_add_listing(&q->own, &sql);
		q->listing = buf_take(&sql);
		return 0;
	}
	if (!looks_into_catalog(q->sql))
		return 0;
	own_attach(&q->own);
	return own_make_catalog(&q->own, e);
}

static bool is_unknown_name(const struct err *e)
{
	return str_starts(e->msg, "Catalog Error") || strstr(e->msg, "Catalog \"");
}

/* A name that is none of the tables' may be the user's own. */
static int prepare_with_own(struct query *q, duckdb_prepared_statement *ret_prepared, struct err *e)
{
	struct err first = { 0 };

	if (tables_mentioned_qualified(&q->tables, q->sql))
		own_attach(
			&q->own); /* "analytics.orders" is not our table, but we would be asked */
	if (!q->own.attached) {
		if (prepare(q, ret_prepared, &first) == 0)
			return 0;
		duckdb_destroy_prepare(ret_prepared);
		if (is_unknown_name(&first))
			own_attach(&q->own);
	}
	if (!q->own.attached) {
		*e = first;
		return q->own.note ? err_hint(e, "%s", q->own.note) : e->code;
	}
	if (own_make_views(&q->own, q->sql, e) < 0)
		return e->code;
	return prepare(q, ret_prepared, e);
}

static int answer(struct reply *r, const struct query *q, const struct rows_sent *sent,
		  struct err *e)
{
	struct json_out *o = reply_line(r);

	json_open(o, NULL, '{');
	json_add_bool(o, "done", true);
	json_add_int(o, "rows", sent->rows);
	json_add_bool(o, "truncated", sent->truncated);
	json_add_int(o, "cells_cut", sent->cells_cut);
	json_add_bool(o, "database_held", q->own.held);
	if (q->own.note)
		json_add_text(o, "note", q->own.note);
	json_close(o);
	return reply_end_line(r, e);
}

static int check_text(const struct query *q, struct err *e)
{
	size_t n = lexer_count_statements(q->sql);

	if (n == 0)
		return err_set(e, ERR_USAGE, "there is no statement to run");
	if (n > 1)
		return err_set(e, ERR_USAGE, "one statement at a time: here are %zu", n);
	return begins_as_write(q->sql) ? refuse(q, e) : 0;
}

int operation_query(struct reply *r, const struct json *request, struct err *e)
{
	AUTO(query_release) struct query q = { 0 };
	AUTO(duckdb_destroy_prepare) duckdb_prepared_statement prepared = NULL;
	struct rows_sent sent = { 0 };

	if (parse(request, &q, e) < 0 || check_text(&q, e) < 0 || open_engine(&q, e) < 0)
		return e->code;
	if (!q.contained && serve_catalog(&q, e) < 0)
		return e->code;
	if (prepare_with_own(&q, &prepared, e) < 0 || check_type(&q, prepared, e) < 0 ||
	    rows_send(r, prepared, &q.limits, &sent, e) < 0)
		return e->code;
	return answer(r, &q, &sent, e);
}
