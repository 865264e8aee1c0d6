/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker-tables.h"

#include "duck/worker-lexer.h"
#include <strings.h>

static int by_name(const void *a, const void *b)
{
	return strcasecmp(((const struct table *)a)->name, ((const struct table *)b)->name);
}

int tables_parse(const struct json *array, struct tables *ret_tables, struct err *e)
{
	size_t n = json_size(array);
	AUTO(tables_release) struct tables tables = { 0 };

	tables.v = xcalloc(n ? n : 1, sizeof(*tables.v));
	for (; tables.n < n; tables.n++) {
		const struct json *from = json_at(array, tables.n);
		struct table *table = &tables.v[tables.n];

		table->name = json_text(json_get(from, "name"));
		table->files = json_get(from, "files");
		table->hive = json_flag(json_get(from, "hive"), false);
		if (!table->name || json_size(table->files) == 0)
			return err_set(e, ERR_USAGE, "request: table %zu lacks a name or files",
				       tables.n);
	}
	qsort(tables.v, n, sizeof(*tables.v), by_name);
	*ret_tables = tables;
	tables = (struct tables){ 0 };
	return 0;
}

void tables_release(struct tables *tables)
{
	free(tables->v);
}

const struct table *tables_find(const struct tables *tables, const char *name)
{
	const struct table key = { .name = name };

	return bsearch(&key, tables->v, tables->n, sizeof(*tables->v), by_name);
}

void tables_keep_mentioned(struct tables *tables, const char *sql)
{
	size_t kept = 0;

	for (size_t i = 0; i < tables->n; i++) {
		if (lexer_mentions(sql, tables->v[i].name))
			tables->v[kept++] = tables->v[i];
	}
	tables->n = kept;
}

int tables_files(const struct tables *tables, struct strv *out, struct err *e)
{
	for (size_t i = 0; i < tables->n; i++) {
		if (engine_paths(tables->v[i].files, out, e) < 0)
			return e->code;
	}
	return 0;
}

static int add_select(struct buf *sql, const struct table *table, struct err *e)
{
	AUTO_STRV struct strv files = STRV_INIT;

	if (engine_paths(table->files, &files, e) < 0 || engine_check_paths(&files, e) < 0)
		return err_in(e, "table '%s'", table->name);
	buf_adds(sql, "SELECT * FROM ");
	engine_add_parquet(sql, &files, table->hive);
	return 0;
}

/* read_parquet() itself could not be told about folders of the form key=value from here: only
 * query() takes all of it as one text. */
static void offer_one(duckdb_replacement_scan_info info, const char *name, void *data)
{
	const struct table *table = tables_find(data, name);
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);
	struct err e = { 0 };
	duckdb_value text;

	if (!table)
		return;
	if (add_select(&sql, table, &e) < 0) {
		duckdb_replacement_scan_set_error(info, e.msg);
		return;
	}
	text = duckdb_create_varchar(buf_str(&sql));
	duckdb_replacement_scan_set_function_name(info, "query");
	duckdb_replacement_scan_add_parameter(info, text);
	duckdb_destroy_value(&text);
}

void tables_offer(const struct tables *tables, duckdb_database db)
{
	duckdb_add_replacement_scan(db, offer_one, (void *)(uintptr_t)tables, NULL);
}

static int make_view(const struct table *table, const char *schema, const char *name,
		     duckdb_connection con, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&sql, "CREATE OR REPLACE VIEW memory.");
	sql_quote_name(&sql, schema);
	buf_addc(&sql, '.');
	sql_quote_name(&sql, name);
	buf_adds(&sql, " AS ");
	if (add_select(&sql, table, e) < 0)
		return e->code;
	return engine_run(con, buf_str(&sql), e);
}

int table_make_view(const struct table *table, duckdb_connection con, struct err *e)
{
	return make_view(table, "main", table->name, con, e);
}

int tables_make_dotted(const struct tables *tables, const char *sql, duckdb_connection con,
		       struct err *e)
{
	for (size_t i = 0; i < tables->n; i++) {
		const struct table *table = &tables->v[i];
		const char *dot = strchr(table->name, '.');
		AUTO_BUF struct buf make = BUF_INIT(BUF_OWN_MAX);
		AUTO_FREE char *schema = NULL;

		if (!dot || !lexer_mentions(sql, table->name))
			continue;
		schema = xstrndup(table->name, (size_t)(dot - table->name));
		buf_adds(&make, "CREATE SCHEMA IF NOT EXISTS memory.");
		sql_quote_name(&make, schema);
		if (engine_run(con, buf_str(&make), e) < 0 ||
		    make_view(table, schema, dot + 1, con, e) < 0)
			return err_in(e, "table '%s'", table->name);
	}
	return 0;
}

bool tables_mentioned_qualified(const struct tables *tables, const char *sql)
{
	bool after_dot = false;

	for (;;) {
		struct token token = lexer_next(&sql);
		bool quoted = token.kind == TOKEN_NAME && token.text.n >= 2;
		AUTO_FREE char *name = xstrndup(token.text.p + quoted, token.text.n - 2u * quoted);

		if (token.kind == TOKEN_END)
			return false;
		if (after_dot && tables_find(tables, name))
			return true;
		after_dot = token.kind == TOKEN_MARK && name[0] == '.';
	}
}
