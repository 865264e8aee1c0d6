/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker-files.h"

#include "duck/worker-limits.h"
#include "duck/worker-value.h"
#include "duck/worker.h"
#include <fcntl.h>
#include <inttypes.h>

/* Footers only: the largest seen (wide tables, thousands of row groups) need a tenth of it. */
#define DESCRIBE_MEMORY      (512 * MIB)
#define DESCRIBE_CPU_SECONDS 300

/* DuckDB looks at the end of a file only; one that starts as something else is not ours to trust.
 */
static int check_start(const char *path, struct err *e)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	char start[4] = { 0 };

	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	if (read(fd, start, sizeof(start)) < 0)
		return err_sys(e, "read '%s'", path);
	if (memcmp(start, "PAR1", sizeof(start)) != 0)
		return err_set(e, ERR_CORRUPT,
			       "'%s' is not a Parquet file: it does not start as one", path);
	return 0;
}

static int corrupt(struct err *e, const char *path)
{
	engine_one_line(e);
	if (e->code == ERR_FAILED || e->code == ERR_IO || e->code == ERR_USAGE)
		e->code = ERR_CORRUPT;
	return err_in(e, "'%s' is not a readable Parquet file", path);
}

int files_columns(duckdb_connection con, const char *sql, struct strv *ret_names,
		  struct strv *ret_types, struct err *e)
{
	AUTO(duckdb_destroy_prepare) duckdb_prepared_statement prepared = NULL;

	if (duckdb_prepare(con, sql, &prepared) != DuckDBSuccess)
		return engine_error(e, DUCKDB_ERROR_INVALID_INPUT, duckdb_prepare_error(prepared));
	for (idx_t i = 0, n = duckdb_prepared_statement_column_count(prepared); i < n; i++) {
		AUTO_BUF struct buf name = BUF_INIT(BUF_OWN_MAX);
		const char *column = duckdb_prepared_statement_column_name(prepared, i);
		duckdb_logical_type type =
			duckdb_prepared_statement_column_logical_type(prepared, i);

		strv_add(ret_names, column ? column : "");
		duckdb_free((void *)(uintptr_t)column);
		type_add_name(&name, type);
		duckdb_destroy_logical_type(&type);
		strv_adopt(ret_types, buf_take(&name));
	}
	return 0;
}

static int ask_footer(duckdb_connection con, const char *path, duckdb_result *ret_row,
		      struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&sql, "SELECT num_rows, num_row_groups, created_by FROM parquet_file_metadata(");
	sql_quote_text(&sql, path);
	buf_adds(&sql, ")");
	if (engine_ask(con, buf_str(&sql), ret_row, e) < 0)
		return e->code;
	if (duckdb_row_count(ret_row) != 1)
		return err_set(e, ERR_CORRUPT, "it has no footer");
	return 0;
}

static int ask_columns(duckdb_connection con, const char *path, struct strv *names,
		       struct strv *types, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&sql, "SELECT * FROM read_parquet(");
	sql_quote_text(&sql, path);
	buf_adds(&sql, ", hive_partitioning = false)");
	return files_columns(con, buf_str(&sql), names, types, e);
}

static void add_columns(struct json_out *o, const struct strv *names, const struct strv *types)
{
	json_open(o, "columns", '[');
	for (size_t i = 0; i < names->n; i++) {
		json_open(o, NULL, '{');
		json_add_text(o, "name", names->v[i]);
		json_add_text(o, "type", types->v[i]);
		json_close(o);
	}
	json_close(o);
}

int files_add_info(struct json_out *o, duckdb_connection con, const char *path, struct err *e)
{
	AUTO_RESULT duckdb_result footer = { 0 };
	AUTO_STRV struct strv names = STRV_INIT, types = STRV_INIT;
	char *created_by;

	if (check_start(path, e) < 0)
		return e->code;
	if (ask_footer(con, path, &footer, e) < 0 || ask_columns(con, path, &names, &types, e) < 0)
		return corrupt(e, path);
	json_add_int(o, "rows", duckdb_value_int64(&footer, 0, 0));
	json_add_int(o, "row_groups", duckdb_value_int64(&footer, 1, 0));
	created_by = duckdb_value_varchar(&footer, 2, 0);
	json_add_text(o, "created_by", created_by);
	duckdb_free(created_by);
	add_columns(o, &names, &types);
	return 0;
}

static int describe_one(struct reply *r, duckdb_connection con, size_t index, const char *path,
			struct err *e)
{
	struct err refused = { 0 };
	struct json_out *o = reply_line(r);

	json_open(o, NULL, '{');
	json_add_int(o, "index", (int64_t)index);
	if (files_add_info(o, con, path, &refused) < 0) {
		json_add_text(o, "error", refused.msg);
		json_add_text(o, "code", err_word(refused.code));
	}
	json_close(o);
	return reply_end_line(r, e);
}

int operation_describe(struct reply *r, const struct json *request, struct err *e)
{
	AUTO_STRV struct strv files = STRV_INIT;
	AUTO_ENGINE struct engine en = { 0 };
	struct limits limits = { .memory_bytes = DESCRIBE_MEMORY,
				 .cpu_seconds = DESCRIBE_CPU_SECONDS,
				 .no_writing = true,
				 .confine = true,
				 .readable = &files };

	if (engine_paths(json_get(request, "files"), &files, e) < 0 || limits_apply(&limits, e) < 0)
		return e->code;
	if (engine_open(&(struct engine_options){ .memory_bytes = DESCRIBE_MEMORY, .threads = 1 },
			&en, e) < 0)
		return e->code;
	for (size_t i = 0; i < files.n; i++) {
		if (describe_one(r, en.con, i, files.v[i], e) < 0)
			return e->code;
	}
	return reply_done(r, e);
}
