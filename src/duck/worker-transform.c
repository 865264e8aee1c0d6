/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements of ours over files become Parquet files, or rows. For what a domain knows how to ask of
 * its own files; never for statements of people.
 */
#include "duck/worker-files.h"
#include "duck/worker-limits.h"
#include "duck/worker-lines.h"
#include "duck/worker-rows.h"
#include "duck/worker.h"

struct transform {
	struct strv setup;
	struct strv readable; /* the texts, too */
	struct strv texts;    /* what raw_lines() reads */
	struct strv statements, outputs;
	struct strv folders; /* of the outputs */
	char *spill;
	int64_t memory_bytes, cpu_seconds;
};

static void transform_release(struct transform *t)
{
	strv_release(&t->setup);
	strv_release(&t->readable);
	strv_release(&t->texts);
	strv_release(&t->statements);
	strv_release(&t->outputs);
	strv_release(&t->folders);
	free(t->spill);
}

static void add_folder(struct transform *t, const char *path)
{
	const char *slash = strrchr(path, '/'); /* absolute, so there is one */
	AUTO_FREE char *folder =
		slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));

	if (!strv_has(&t->folders, folder))
		strv_add(&t->folders, folder);
}

static int parse_outputs(const struct json *outputs, struct transform *t, struct err *e)
{
	for (size_t i = 0; i < json_size(outputs); i++) {
		const char *sql = json_text(json_get(json_at(outputs, i), "sql"));
		const char *path = json_text(json_get(json_at(outputs, i), "path"));

		if (!sql || !path)
			return err_set(e, ERR_USAGE, "request: an output is sql and path");
		strv_add(&t->statements, sql);
		strv_adopt(&t->outputs, worker_absolute_path(path));
		add_folder(t, t->outputs.v[i]);
	}
	if (t->outputs.n == 0)
		return err_set(e, ERR_USAGE, "request: outputs are needed");
	t->spill = xasprintf("%s.spill", t->outputs.v[0]);
	return 0;
}

static int parse(const struct json *request, struct transform *t, struct err *e)
{
	const struct json *setup = json_get(request, "setup");

	t->memory_bytes = json_int(json_get(request, "memory_bytes"), GIB);
	t->cpu_seconds = json_int(json_get(request, "cpu_seconds"), 0);
	for (size_t i = 0; i < json_size(setup); i++) {
		const char *sql = json_text(json_at(setup, i));

		strv_add(&t->setup, sql ? sql : "");
	}
	if (engine_paths(json_get(request, "readable"), &t->readable, e) < 0 ||
	    engine_paths(json_get(request, "texts"), &t->texts, e) < 0)
		return e->code;
	for (size_t i = 0; i < t->texts.n; i++)
		strv_add(&t->readable, t->texts.v[i]);
	return 0;
}

static int write_output(const struct transform *t, size_t i, duckdb_connection con, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	buf_addf(&sql, "COPY (%s) TO ", t->statements.v[i]);
	sql_quote_text(&sql, t->outputs.v[i]);
	buf_adds(&sql, " (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION V2)");
	return engine_run(con, buf_str(&sql), e);
}

static int answer(struct reply *r, const struct transform *t, size_t i, duckdb_connection con,
		  struct err *e)
{
	struct json_out *o = reply_line(r);

	json_open(o, NULL, '{');
	json_add_int(o, "index", (int64_t)i);
	if (files_add_info(o, con, t->outputs.v[i], e) < 0) {
		buf_clear(&r->text);
		return e->code;
	}
	json_close(o);
	return reply_end_line(r, e);
}

static int write_outputs(struct reply *r, const struct transform *t, duckdb_connection con,
			 struct err *e)
{
	int done = 0;

	for (size_t i = 0; i < t->outputs.n; i++)
		if (write_output(t, i, con, e) < 0)
			return e->code;
	for (size_t i = 0; i < t->outputs.n && done == 0; i++)
		done = answer(r, t, i, con, e);
	return done < 0 ? done : reply_done(r, e);
}

/* Limits, DuckDB, and what the request wants first. */
static int set_up(const struct transform *t, struct engine *en, struct err *e)
{
	const struct limits limits = { .confine = true,
				       .readable = &t->readable,
				       .writable = &t->folders,
				       .no_writing = t->outputs.n == 0,
				       .memory_bytes = t->memory_bytes,
				       .cpu_seconds = t->cpu_seconds };
	const struct engine_options options = { .memory_bytes = t->memory_bytes,
						.spill = t->spill };

	if (limits_apply(&limits, e) < 0 || engine_check_paths(&t->readable, e) < 0 ||
	    engine_open(&options, en, e) < 0)
		return e->code;
	if (t->texts.n > 0 && lines_register(en->con, &t->texts, e) < 0)
		return e->code;
	for (size_t i = 0; i < t->setup.n; i++)
		if (engine_run(en->con, t->setup.v[i], e) < 0)
			return e->code;
	return 0;
}

int operation_transform(struct reply *r, const struct json *request, struct err *e)
{
	AUTO(transform_release) struct transform t = { 0 };
	AUTO_ENGINE struct engine en = { 0 };

	if (parse(request, &t, e) < 0 || parse_outputs(json_get(request, "outputs"), &t, e) < 0)
		return e->code;
	if (set_up(&t, &en, e) < 0 || write_outputs(r, &t, en.con, e) < 0)
		engine_one_line(e);
	return e->code;
}

static int send_rows(struct reply *r, duckdb_connection con, const char *sql, struct err *e)
{
	AUTO(duckdb_destroy_prepare) duckdb_prepared_statement prepared = NULL;
	const struct rows_limits none = { 0 };
	struct rows_sent sent;

	if (duckdb_prepare(con, sql, &prepared) != DuckDBSuccess)
		return engine_error(e, DUCKDB_ERROR_BINDER, duckdb_prepare_error(prepared));
	return rows_send(r, prepared, &none, &sent, e) < 0 ? e->code : reply_done(r, e);
}

int operation_read(struct reply *r, const struct json *request, struct err *e)
{
	AUTO(transform_release) struct transform t = { 0 };
	AUTO_ENGINE struct engine en = { 0 };
	const char *sql = json_text(json_get(request, "sql"));

	if (!sql)
		return err_set(e, ERR_USAGE, "request: sql is needed");
	if (parse(request, &t, e) < 0)
		return e->code;
	if (set_up(&t, &en, e) < 0 || send_rows(r, en.con, sql, e) < 0)
		engine_one_line(e);
	return e->code;
}
