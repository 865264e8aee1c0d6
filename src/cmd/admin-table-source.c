/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/admin.h"

#include "base/file.h"
#include "cmd/remote.h"
#include "refresh/source.h"

#include <fcntl.h>

#define REGISTRY "/api/admin/registry/"
#define SOURCES  "/api/admin/sources"

struct source_args {
	struct remote_args remote;
	struct strv files;
	const char *format, *url, *token_env, *token_file;
	const char *connection, *connection_env, *connection_file, *table, *query, *increment;
	const char *sql, *schedule, *max_bytes;
	bool allow_empty, allow_column_loss, remove;
};

static const struct opt options[] = {
	OPT_LIST(0, "files", struct source_args, files, "PATH",
		 "path, pattern or folder of the hub; repeatable"),
	OPT_TEXT(0, "format", struct source_args, format, "WORD",
		 "parquet, csv, tsv, json, ndjson"),
	OPT_TEXT(0, "url", struct source_args, url, "URL", "a file on an HTTP server"),
	OPT_TEXT(0, "token-env", struct source_args, token_env, "NAME",
		 "the hub's variable with the token for it"),
	OPT_TEXT(0, "token-file", struct source_args, token_file, "FILE",
		 "the hub's file with the token for it"),
	OPT_TEXT(0, "connection", struct source_args, connection, "TEXT",
		 "of PostgreSQL, without a password"),
	OPT_TEXT(0, "connection-env", struct source_args, connection_env, "NAME",
		 "the hub's variable with the connection"),
	OPT_TEXT(0, "connection-file", struct source_args, connection_file, "FILE",
		 "the hub's file with the connection"),
	OPT_TEXT(0, "table", struct source_args, table, "NAME", "PostgreSQL: read this table"),
	OPT_TEXT(0, "query", struct source_args, query, "SQL",
		 "PostgreSQL: read what it gives; or @FILE"),
	OPT_TEXT(0, "increment", struct source_args, increment, "COLUMN",
		 "PostgreSQL: only rows past the largest seen"),
	OPT_TEXT(0, "sql", struct source_args, sql, "SQL", "SELECT over other tables; or @FILE"),
	OPT_TEXT(0, "schedule", struct source_args, schedule, "WHEN",
		 "'every 1h', 'daily 03:00', cron; in UTC"),
	OPT_TEXT(0, "max-bytes", struct source_args, max_bytes, "SIZE",
		 "the most one refresh may read (default 10G)"),
	OPT_FLAG(0, "allow-empty", struct source_args, allow_empty, "no rows are not refused"),
	OPT_FLAG(0, "allow-column-loss", struct source_args, allow_column_loss,
		 "nor is a column that is gone"),
	OPT_FLAG(0, "remove", struct source_args, remove, "the table has no source any more"),
	REMOTE_OPTIONS(struct source_args, remote),
	OPT_END,
};

static int run(int argc, char **argv, struct err *e);

const struct command admin_table_source = {
	.name = "source",
	.usage = "[TABLE]",
	.summary = "say where a table comes from, or show it",
	.description =
		"Without options of a source: shows it, and how the last refreshes went; without TABLE all "
		"sources. With --files, --url, --table or --query, or --sql: sets it, in the place of an "
		"earlier one. The table must be there (larder admin table add). Secrets are never kept: "
		"name a variable or a file of the hub that holds them. larder refresh reads the sources.",
	.examples =
		"larder admin table source sales --files '/srv/export/sales-*.csv'|files of the hub\n"
		"larder admin table source rates --url https://example.com/rates.csv|of the web\n"
		"larder admin table source orders --connection-env DB --table orders|PostgreSQL\n"
		"larder admin table source n --sql 'SELECT count(*) n FROM orders'|of a table",
	.options = options,
	.run = run,
};

static bool sets_something(const struct source_args *a)
{
	return a->files.n > 0 || a->url || a->table || a->query || a->sql || a->connection ||
	       a->connection_env || a->connection_file;
}

static const char *kind_of(const struct source_args *a)
{
	if (a->files.n > 0)
		return "files";
	if (a->url)
		return "http";
	return a->sql ? "sql" : "postgres";
}

/* "@FILE" is the text of the file. The caller owns it. */
static int read_statement(const char *given, char **ret_text, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(SOURCE_SQL_MAX);

	if (given && given[0] == '@' &&
	    file_read(AT_FDCWD, given + 1, SOURCE_SQL_MAX, &text, e) < 0)
		return e->code;
	*ret_text = given && given[0] == '@' ? buf_take(&text) : given ? xstrdup(given) : NULL;
	return 0;
}

static void add_files(const struct source_args *a, struct json_out *o)
{
	if (a->files.n == 0)
		return;
	json_add_texts(o, "files", &a->files);
}

static int write_source(const struct source_args *a, struct buf *out, struct err *e)
{
	AUTO_FREE char *query = NULL;
	AUTO_FREE char *sql = NULL;
	struct json_out o = json_out(out);
	uint64_t max_bytes = 0;

	if (read_statement(a->query, &query, e) < 0 || read_statement(a->sql, &sql, e) < 0 ||
	    (a->max_bytes && parse_size(a->max_bytes, INT64_MAX, &max_bytes, e) < 0))
		return e->code;

	const struct {
		const char *key, *text;
	} texts[] = { { "kind", kind_of(a) },
		      { "format", a->format },
		      { "url", a->url },
		      { "token_env", a->token_env },
		      { "token_file", a->token_file },
		      { "connection", a->connection },
		      { "connection_env", a->connection_env },
		      { "connection_file", a->connection_file },
		      { "table", a->table },
		      { "query", query },
		      { "increment", a->increment },
		      { "sql", sql },
		      { "schedule", a->schedule } };

	json_open(&o, NULL, '{');
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i].text)
			json_add_text(&o, texts[i].key, texts[i].text);
	add_files(a, &o);
	if (a->max_bytes)
		json_add_int(&o, "max_bytes", (int64_t)max_bytes);
	if (a->allow_empty)
		json_add_bool(&o, "allow_empty", true);
	if (a->allow_column_loss)
		json_add_bool(&o, "allow_column_loss", true);
	json_close(&o);
	return 0;
}

static int set(const struct source_args *a, const char *table, const char *path, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *reply = NULL;
	int r = write_source(a, &body, e);

	if (r == 0)
		r = remote_ask_once(&a->remote,
				    &(struct remote_call){ "PUT", path, buf_bytes(&body) }, &reply,
				    e);
	return r < 0 ? r
		     : remote_print_done(&a->remote, reply, e, "table %s comes from %s", table,
					 kind_of(a));
}

static int list(const struct source_args *a, struct err *e)
{
	static const struct remote_column columns[] = {
		{ "TABLE", "table" },       { "KIND", "kind" },
		{ "SCHEDULE", "schedule" }, { "SYNC", "last_sync" },
		{ "TRY", "last_try" },      { "OUTCOME", "outcome" },
		{ "ERROR", "error" },       { 0 },
	};
	AUTO_JSON struct json *reply = NULL;
	int r = remote_ask_once(&a->remote, &(struct remote_call){ "GET", SOURCES }, &reply, e);

	return r < 0 ? r : remote_print_list(&a->remote, reply, "sources", columns, e);
}

static int show(const struct source_args *a, const char *path, struct err *e)
{
	static const struct remote_column columns[] = {
		{ "STARTED", "started" },
		{ "MS", "ms" },
		{ "OUTCOME", "outcome" },
		{ "ROWS", "rows" },
		{ "BYTES", "bytes" },
		{ "ERROR", "error" },
		{ 0 },
	};
	AUTO_BUF struct buf head = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *reply = NULL;
	int r = remote_ask_once(&a->remote, &(struct remote_call){ "GET", path }, &reply, e);

	if (r == 0 && !a->remote.json) {
		json_print(json_get(reply, "source"), &head, true);
		r = cmd_print(&head, e);
	}
	return r < 0 ? r : remote_print_list(&a->remote, reply, "runs", columns, e);
}

static int run_one(const struct source_args *a, const char *table, struct err *e)
{
	AUTO_FREE char *base = remote_path(REGISTRY, table);
	AUTO_FREE char *path = xasprintf("%s/source", base);
	int r;

	if (a->remove && sets_something(a))
		return err_set(e, ERR_USAGE, "--remove goes with no other option of a source");
	if (sets_something(a))
		return set(a, table, path, e);
	if (!a->remove)
		return show(a, path, e);
	r = remote_ask_once(&a->remote, &(struct remote_call){ "DELETE", path }, NULL, e);
	return r < 0 ? r
		     : remote_print_done(&a->remote, NULL, e, "table %s has no source any more",
					 table);
}

static int run(int argc, char **argv, struct err *e)
{
	struct source_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&admin_table_source, &operands,
				 sets_something(&args) || args.remove, 1, e);
	if (r == 0)
		r = operands.n ? run_one(&args, operands.v[0], e) : list(&args, e);
	strv_release(&args.files);
	return r;
}
