/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/client.h"

void duck_query_result_release(struct duck_query_result *result)
{
	free(result->note);
	*result = (struct duck_query_result){ 0 };
}

struct running {
	const struct duck_query *query;
	struct duck_query_result result;
};

static int take_columns(const struct duck_query *query, const struct json *array, struct err *e)
{
	size_t n = 0;
	struct duck_column *columns = client_read_columns(array, &n);
	int r = query->on_columns ? query->on_columns(query->ctx, columns, n, e) : 0;

	client_free_columns(columns, n);
	return r;
}

static int take_row(void *ctx, const struct json *line, struct err *e)
{
	struct running *run = ctx;
	const struct duck_query *query = run->query;
	const char *note = json_text(json_get(line, "note"));

	if (json_kind(line) == JSON_ARRAY)
		return query->on_row ? query->on_row(query->ctx, line, e) : 0;
	if (json_get(line, "columns"))
		return take_columns(query, json_get(line, "columns"), e);
	duck_query_result_release(&run->result);
	run->result.rows = json_int(json_get(line, "rows"), 0);
	run->result.truncated = json_flag(json_get(line, "truncated"), false);
	run->result.cells_cut = json_int(json_get(line, "cells_cut"), 0);
	run->result.database_held = json_flag(json_get(line, "database_held"), false);
	run->result.note = note ? xstrdup(note) : NULL;
	return 0;
}

static void add_table(struct json_out *o, const struct duck_table *table)
{
	json_open(o, NULL, '{');
	json_add_text(o, "name", table->name);
	json_add_texts(o, "files", table->files);
	json_add_bool(o, "hive", table->hive);
	json_close(o);
}

void client_add_tables(struct json_out *o, const struct duck_table *tables, size_t n)
{
	json_open(o, "tables", '[');
	for (size_t i = 0; i < n; i++)
		add_table(o, &tables[i]);
	json_close(o);
}

static struct json_out write_request(const struct duck_query *query, struct buf *text)
{
	struct json_out o = client_request(text, "query");

	json_add_text(&o, "sql", query->sql);
	if (query->database)
		json_add_text(&o, "database", query->database);
	client_add_tables(&o, query->tables, query->table_count);
	json_add_int(&o, "row_limit", query->row_limit);
	json_add_int(&o, "byte_limit", query->byte_limit);
	json_add_int(&o, "cell_limit", query->cell_limit);
	if (query->memory_bytes > 0)
		json_add_int(&o, "memory_bytes", query->memory_bytes);
	/* every thread of the child runs at once: the processors' time is a multiple of ours */
	json_add_int(&o, "cpu_seconds", query->deadline_ms ? query->deadline_ms / 1000 * 8 + 8 : 0);
	json_add_bool(&o, "contained", query->contained);
	return o;
}

int duck_query_run(const struct duck_query *query, struct duck_query_result *ret_result,
		   struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = write_request(query, &text);
	struct running run = { .query = query };
	struct client_call call = { .request = &o,
				    .deadline_ms = query->deadline_ms,
				    .watch = query->watch,
				    .ctx = &run,
				    .on_line = take_row };

	if (client_call(&call, e) < 0) {
		duck_query_result_release(&run.result);
		return e->code;
	}
	*ret_result = run.result;
	return 0;
}
