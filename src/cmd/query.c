/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

#include "base/file.h"
#include "cmd/printer.h"
#include "cmd/query-remote.h"
#include "workspace/query.h"
#include <fcntl.h>

/* A statement is written by a person or an agent; DuckDB itself would read more. */
#define SQL_BYTES_MAX ((size_t)1 << 20)

struct query_args {
	const char *workspace, *format, *file, *server, *token;
	int64_t limit;
	bool json, remote;
};

static const struct opt options[] = {
	OPT_TEXT('f', "format", struct query_args, format, "FORMAT",
		 "table (default), csv or json"),
	OPT_INT('n', "limit", struct query_args, limit, 0, INT64_MAX, "ROWS",
		"stop after so many rows, and say so (default 1000; 0: all)"),
	OPT_FLAG('j', "json", struct query_args, json, "the same as --format json"),
	OPT_TEXT(0, "file", struct query_args, file, "FILE", "read the statement from FILE"),
	OPT_TEXT('w', "workspace", struct query_args, workspace, "DIR", "the workspace in DIR"),
	OPT_FLAG('r', "remote", struct query_args, remote, "ask the hub, not what was pulled"),
	OPT_TEXT(0, "server", struct query_args, server, "URL", "with --remote: the hub"),
	OPT_TEXT(0, "token", struct query_args, token, "TOKEN", "with --remote: who asks"),
	OPT_END,
};

static int read_sql(const struct query_args *args, const struct strv *operands, struct buf *sql,
		    struct err *e)
{
	if (args->file && operands->n > 0)
		return err_set(e, ERR_USAGE, "a statement and --file: one of them");
	if (args->file)
		return file_read(AT_FDCWD, args->file, SQL_BYTES_MAX, sql, e);
	if (operands->n > 1) {
		(void)err_set(e, ERR_USAGE, "the statement is in %zu words", operands->n);
		return err_hint(e, "put it in quotes: larder query \"SELECT ...\"");
	}
	if (cmd_operands(&cmd_query, operands, 1, 1, e) < 0)
		return e->code;
	if (str_eq(operands->v[0], "-"))
		return file_read(AT_FDCWD, "/dev/stdin", SQL_BYTES_MAX, sql, e);
	buf_adds(sql, operands->v[0]);
	return 0;
}

static void remark(const struct query_args *args, const struct duck_query_result *result)
{
	if (result->truncated)
		cmd_warn("this is not the whole result: cut after %lld rows; --limit 0 gives all",
			 (long long)args->limit);
	if (result->database_held)
		cmd_warn("%s", result->note
				       ? result->note
				       : "the analytics file is in use: your own tables in it were "
					 "not visible to this query");
}

static int run_remote(const struct query_args *args, const char *sql, struct printer *printer,
		      struct err *e)
{
	const struct query_remote query = { .server = args->server,
					    .token = args->token,
					    .workspace = args->workspace,
					    .sql = sql,
					    .limit = args->limit };
	struct query_remote_result result = { 0 };

	if (query_remote(&query, printer, &result, e) < 0)
		return e->code;
	if (result.truncated)
		cmd_warn("this is not the whole result: cut after %lld rows, by the limit of %s",
			 (long long)result.rows, result.cut_by);
	return 0;
}

static int run_here(const struct query_args *args, const char *sql, struct printer *printer,
		    struct err *e)
{
	AUTO_WORKSPACE struct workspace *ws = NULL;
	AUTO(duck_query_result_release) struct duck_query_result result = { 0 };
	const struct query_options query = {
		.sql = sql,
		.row_limit = args->limit,
		.ctx = printer,
		.on_columns = printer_columns,
		.on_row = printer_row,
	};

	if (workspace_open(&(struct workspace_options){ .path = args->workspace }, &ws, e) < 0 ||
	    workspace_query(ws, &query, &result, e) < 0 ||
	    printer_end(printer, result.rows, result.truncated, e) < 0)
		return e->code;
	remark(args, &result);
	return 0;
}

static int run(int argc, char **argv, struct err *e)
{
	struct query_args args = { .limit = 1000, .format = "table" };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_BUF struct buf sql = BUF_INIT(SQL_BYTES_MAX);
	AUTO_PRINTER struct printer *printer = NULL;

	if (opt_parse(options, &args, argc, argv, &operands, e) < 0 ||
	    printer_new(args.json ? "json" : args.format, &printer, e) < 0 ||
	    read_sql(&args, &operands, &sql, e) < 0)
		return e->code;
	if (args.remote)
		return run_remote(&args, buf_str(&sql), printer, e);
	if (args.server || args.token)
		return err_set(e, ERR_USAGE, "--server and --token go with --remote");
	return run_here(&args, buf_str(&sql), printer, e);
}

const struct command cmd_query = {
	.name = "query",
	.usage = "[--remote] [--format table|csv|json] [--limit ROWS] SQL | -",
	.summary = "ask the tables of this workspace, offline",
	.description =
		"Runs one SELECT (or WITH, FROM, DESCRIBE, SUMMARIZE, SHOW) over the tables that the last pull\n"
		"brought and over your own tables and views in user/duckdb/analytics.duckdb. Nothing is changed.\n"
		"A result that was cut says so on stderr, and with --format json in the field \"truncated\".",
	.examples =
		"larder query \"SELECT count(*) FROM flights\"|one number\n"
		"larder query --remote \"SELECT count(*) FROM flights\"|the hub's newest, nothing pulled\n"
		"larder query --format csv --limit 0 \"FROM airports\" > airports.csv|a whole table\n"
		"echo 'SHOW TABLES' | larder query -|the statement from stdin",
	.options = options,
	.run = run,
};
