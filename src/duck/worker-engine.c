/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker-engine.h"

#include "duck/worker.h"
#include <inttypes.h>
#include <sched.h>

/* DuckDB's word for what happened decides ours. */
static enum err_code code_of(duckdb_error_type type)
{
	switch ((int)type) {
	case DUCKDB_ERROR_IO:
		return ERR_IO;
	case DUCKDB_ERROR_CATALOG:
	case DUCKDB_ERROR_PARSER:
	case DUCKDB_ERROR_BINDER:
	case DUCKDB_ERROR_SYNTAX:
		return ERR_USAGE;
	default:
		return ERR_FAILED;
	}
}

int engine_error(struct err *e, duckdb_error_type type, const char *text)
{
	if (!text || !text[0])
		text = "DuckDB gave no reason";
	if (type == DUCKDB_ERROR_OUT_OF_MEMORY) /* what follows is advice on settings */
		return err_set(e, ERR_LIMIT, "%.*s", (int)strcspn(text, "\n"), text);
	return err_set(e, code_of(type), "%s", text);
}

void engine_one_line(struct err *e)
{
	char *to = e->msg;
	char *statement = strstr(e->msg, "LINE 1:");

	if (statement)
		*statement = '\0';
	for (const char *from = e->msg; *from; from++) {
		bool blank = *from == '\n' || *from == ' ' || *from == '\t' || *from == '\r';

		if (blank && (to == e->msg || to[-1] == ' '))
			continue;
		*to++ = blank ? ' ' : *from;
	}
	while (to > e->msg && to[-1] == ' ')
		to--;
	*to = '\0';
}

int engine_ask(duckdb_connection con, const char *sql, duckdb_result *ret_result, struct err *e)
{
	if (duckdb_query(con, sql, ret_result) == DuckDBSuccess)
		return 0;
	return engine_error(e, duckdb_result_error_type(ret_result),
			    duckdb_result_error(ret_result));
}

int engine_run(duckdb_connection con, const char *sql, struct err *e)
{
	AUTO_RESULT duckdb_result ignored = { 0 };

	return engine_ask(con, sql, &ignored, e);
}

int engine_ask_texts(duckdb_connection con, const char *sql, struct strv *out, struct err *e)
{
	AUTO_RESULT duckdb_result rows = { 0 };

	if (engine_ask(con, sql, &rows, e) < 0)
		return e->code;
	for (idx_t i = 0, n = duckdb_row_count(&rows); i < n; i++) {
		char *text = duckdb_value_varchar(&rows, 0, i);

		strv_add(out, text ? text : "");
		duckdb_free(text);
	}
	return 0;
}

static int thread_count(int wanted)
{
	cpu_set_t mine;
	int n = sched_getaffinity(0, sizeof(mine), &mine) == 0 ? CPU_COUNT(&mine) : 1;

	if (wanted > 0)
		return wanted;
	return n > ENGINE_THREADS_MAX ? ENGINE_THREADS_MAX : n;
}

static int configure(duckdb_config config, const struct engine_options *options)
{
	char memory[32], threads[16];

	(void)snprintf(memory, sizeof(memory), "%" PRId64 "B", options->memory_bytes);
	(void)snprintf(threads, sizeof(threads), "%d", thread_count(options->threads));
	return duckdb_set_config(config, "threads", threads) |
	       duckdb_set_config(config, "memory_limit", memory) |
	       duckdb_set_config(config, "autoinstall_known_extensions", "false") |
	       duckdb_set_config(config, "autoload_known_extensions", "false") |
	       duckdb_set_config(config, "allow_community_extensions", "false") |
	       duckdb_set_config(config, "allow_persistent_secrets", "false");
}

static int open_error(const char *database, const char *text, struct err *e)
{
	if (strstr(text, "Could not set lock"))
		return err_set(e, ERR_BUSY, "database '%s' is held by another process", database);
	if (strstr(text, "Permission denied"))
		return err_set(e, ERR_IO, "open database '%s': permission denied", database);
	(void)err_set(e, ERR_CORRUPT, "open database '%s': %s", database, text);
	return err_hint(e, "move that file away: the views are made anew, but tables and views of "
			   "your own are in it");
}

int engine_open(const struct engine_options *options, struct engine *ret_engine, struct err *e)
{
	AUTO(duckdb_destroy_config) duckdb_config config = NULL;
	AUTO_ENGINE struct engine en = { 0 };
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);
	char *text = NULL;

	if (duckdb_create_config(&config) != DuckDBSuccess || configure(config, options) != 0)
		return err_set(e, ERR_FAILED, "this libduckdb does not know the settings needed");
	if (duckdb_open_ext(options->database, &en.db, config, &text) != DuckDBSuccess) {
		(void)open_error(options->database ? options->database : ":memory:",
				 text ? text : "no reason given", e);
		duckdb_free(text);
		return e->code;
	}
	if (duckdb_connect(en.db, &en.con) != DuckDBSuccess)
		return err_set(e, ERR_FAILED, "connect to DuckDB");
	buf_adds(&sql, "SET temp_directory = ");
	sql_quote_text(&sql, options->spill ? options->spill : "");
	if (engine_run(en.con, buf_str(&sql), e) < 0 ||
	    engine_run(en.con, "SET TimeZone = 'UTC'", e) < 0)
		return e->code;
	*ret_engine = en;
	en = (struct engine){ 0 };
	return 0;
}

void engine_close(struct engine *en)
{
	if (en->con)
		duckdb_disconnect(&en->con);
	if (en->db)
		duckdb_close(&en->db);
}

void engine_add_parquet(struct buf *out, const struct strv *files, bool hive)
{
	buf_adds(out, "read_parquet([");
	for (size_t i = 0; i < files->n; i++) {
		buf_adds(out, i ? ", " : "");
		sql_quote_text(out, files->v[i]);
	}
	buf_addf(out, "], hive_partitioning = %s)", hive ? "true" : "false");
}

int engine_check_paths(const struct strv *files, struct err *e)
{
	for (size_t i = 0; i < files->n; i++) {
		if (access(files->v[i], R_OK) < 0)
			return err_sys(e, "open '%s'", files->v[i]);
	}
	return 0;
}

int engine_paths(const struct json *array, struct strv *out, struct err *e)
{
	for (size_t i = 0, n = json_size(array); i < n; i++) {
		const char *path = json_text(json_at(array, i));

		if (!path || !path[0])
			return err_set(e, ERR_USAGE, "request: file %zu of a list is no path", i);
		strv_adopt(out, worker_absolute_path(path));
	}
	return 0;
}
