/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The result of a statement over tables becomes a Parquet file. As contained as a query of people
 * who may read nothing but the tables (worker-query.c), with one file to write.
 */
#include "duck/worker-files.h"
#include "duck/worker-lexer.h"
#include "duck/worker-limits.h"
#include "duck/worker-tables.h"
#include "duck/worker.h"

struct materializing {
	const char *sql; /* lent */
	struct tables tables;
	struct engine en;
	char *output;
	char *spill;
	int64_t memory_bytes, cpu_seconds, file_bytes;
};

static void materializing_release(struct materializing *m)
{
	engine_close(&m->en);
	tables_release(&m->tables);
	free(m->output);
	free(m->spill);
}

static int parse(const struct json *request, struct materializing *m, struct err *e)
{
	const char *output = json_text(json_get(request, "output"));

	m->sql = json_text(json_get(request, "sql"));
	if (!m->sql || !output)
		return err_set(e, ERR_USAGE, "request: sql and output are needed");
	if (tables_parse(json_get(request, "tables"), &m->tables, e) < 0)
		return e->code;
	m->memory_bytes = json_int(json_get(request, "memory_bytes"), GIB);
	m->cpu_seconds = json_int(json_get(request, "cpu_seconds"), 0);
	m->file_bytes = json_int(json_get(request, "file_bytes"), 0);
	m->output = worker_absolute_path(output);
	m->spill = xasprintf("%s.spill", m->output);
	if (lexer_count_statements(m->sql) != 1)
		return err_set(e, ERR_USAGE, "there must be one statement, a SELECT");
	return 0;
}

static int lock_down(const struct materializing *m, const struct strv *files, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&sql, "SET allowed_paths = [");
	sql_quote_text(&sql, m->output);
	for (size_t i = 0; i < files->n; i++) {
		buf_adds(&sql, ", ");
		sql_quote_text(&sql, files->v[i]);
	}
	buf_adds(&sql, "]; SET enable_external_file_cache = false; "
		       "SET enable_external_access = false; SET lock_configuration = true");
	return engine_run(m->en.con, buf_str(&sql), e);
}

static int open_contained(struct materializing *m, struct err *e)
{
	AUTO_STRV struct strv files = STRV_INIT, folders = STRV_INIT;
	struct limits limits = { .memory_bytes = m->memory_bytes,
				 .cpu_seconds = m->cpu_seconds,
				 .file_bytes = m->file_bytes,
				 .confine = true,
				 .strict = true,
				 .readable = &files,
				 .writable = &folders };

	tables_keep_mentioned(&m->tables, m->sql);
	if (tables_files(&m->tables, &files, e) < 0)
		return e->code;
	strv_adopt(&folders, xstrndup(m->output, (size_t)(strrchr(m->output, '/') - m->output)));
	if (limits_apply(&limits, e) < 0 ||
	    engine_open(
		    &(struct engine_options){ .memory_bytes = m->memory_bytes, .spill = m->spill },
		    &m->en, e) < 0)
		return e->code;
	tables_offer(&m->tables, m->en.db);
	if (lock_down(m, &files, e) < 0)
		return e->code;
	return tables_make_dotted(&m->tables, m->sql, m->en.con, e);
}

/* Parsed alone, so that it cannot end the parenthesis it will stand in. */
static int check_select(const struct materializing *m, struct err *e)
{
	AUTO(duckdb_destroy_prepare) duckdb_prepared_statement prepared = NULL;

	if (duckdb_prepare(m->en.con, m->sql, &prepared) != DuckDBSuccess)
		return engine_error(e, DUCKDB_ERROR_BINDER, duckdb_prepare_error(prepared));
	if (duckdb_prepared_statement_type(prepared) == DUCKDB_STATEMENT_TYPE_SELECT)
		return 0;
	return err_set(e, ERR_USAGE, "only a SELECT can be materialized");
}

/* Without what ends the statement: blanks, comments and semicolons after its last token. */
static size_t statement_length(const char *sql)
{
	const char *rest = sql;
	size_t n = 0;

	for (struct token t = lexer_next(&rest); t.kind != TOKEN_END; t = lexer_next(&rest))
		if (t.kind != TOKEN_MARK || t.text.p[0] != ';')
			n = (size_t)(t.text.p - sql) + t.text.n;
	return n;
}

static int write_file(const struct materializing *m, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&sql, "COPY (");
	buf_add(&sql, m->sql, statement_length(m->sql));
	buf_adds(&sql, ") TO ");
	sql_quote_text(&sql, m->output);
	buf_adds(&sql,
		 " (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION V2, USE_TMP_FILE false)");
	if (engine_run(m->en.con, buf_str(&sql), e) == 0)
		return 0;
	if (m->file_bytes > 0 && strstr(e->msg, "File too large"))
		return err_set(e, ERR_LIMIT, "the result is larger than %lld bytes",
			       (long long)m->file_bytes);
	return e->code;
}

static int answer(struct reply *r, const struct materializing *m, struct err *e)
{
	struct json_out *o = reply_line(r);

	json_open(o, NULL, '{');
	json_add_int(o, "index", 0);
	if (files_add_info(o, m->en.con, m->output, e) < 0) {
		buf_clear(&r->text);
		return e->code;
	}
	json_close(o);
	if (reply_end_line(r, e) < 0)
		return e->code;
	return reply_done(r, e);
}

int operation_materialize(struct reply *r, const struct json *request, struct err *e)
{
	AUTO(materializing_release) struct materializing m = { 0 };

	if (parse(request, &m, e) < 0 || open_contained(&m, e) < 0 || check_select(&m, e) < 0 ||
	    write_file(&m, e) < 0)
		return e->code;
	return answer(r, &m, e);
}
