/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of a known format become one Parquet file: zstd, version 2, the same bytes for the same
 * input.
 */
#include "duck/worker-files.h"
#include "duck/worker-limits.h"
#include "duck/worker-source.h"
#include "duck/worker.h"

#include <assert.h>
#include <strings.h>

struct conversion {
	struct source source;
	struct strv order_by;
	char *output;
	char *spill;
	int64_t memory_bytes;
	int64_t cpu_seconds;
	int64_t file_bytes;
	bool stream; /* the input is our stdin, behind the request */
};

static void conversion_release(struct conversion *c)
{
	source_release(&c->source);
	strv_release(&c->order_by);
	free(c->output);
	free(c->spill);
}

static int parse(const struct json *request, struct conversion *c, struct err *e)
{
	const struct json *order = json_get(request, "order_by");
	const char *output = json_text(json_get(request, "output"));

	c->source.format = json_text(json_get(request, "format"));
	c->source.columns = json_get(request, "columns");
	c->memory_bytes = json_int(json_get(request, "memory_bytes"), GIB);
	c->cpu_seconds = json_int(json_get(request, "cpu_seconds"), 0);
	c->file_bytes = json_int(json_get(request, "file_bytes"), 0);
	c->stream = json_flag(json_get(request, "stream"), false) && c->source.columns;
	if (!c->source.format || !output ||
	    (json_size(json_get(request, "inputs")) == 0) != c->stream)
		return err_set(e, ERR_USAGE, "request: format, inputs and output are needed");
	if (engine_paths(json_get(request, "inputs"), &c->source.inputs, e) < 0)
		return e->code;
	if (c->stream)
		strv_add(&c->source.inputs, "/dev/stdin");
	for (size_t i = 0, n = json_size(order); i < n; i++) {
		const char *name = json_text(json_at(order, i));

		strv_add(&c->order_by, name ? name : "");
	}
	c->output = worker_absolute_path(output);
	c->spill = xasprintf("%s.spill", c->output);
	return 0;
}

static bool has_column(const struct strv *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++) {
		if (strcasecmp(names->v[i], name) == 0)
			return true;
	}
	return false;
}

static void unused_name(const struct strv *names, struct buf *out)
{
	buf_adds(out, "row_of_input");
	while (has_column(names, buf_str(out)))
		buf_addc(out, '_');
}

/*
 * Rows of equal keys keep the order of the input: without the row's number among the keys their
 * order would hang on the threads, and the same input would give other bytes.
 */
static int add_ordered(struct buf *sql, const struct conversion *c, const char *source,
		       const struct strv *names, struct err *e)
{
	AUTO_BUF struct buf number = BUF_INIT(BUF_OWN_MAX);

	unused_name(names, &number);
	buf_addf(sql,
		 "SELECT * EXCLUDE (%s) FROM (SELECT *, row_number() OVER () AS %s FROM %s) "
		 "ORDER BY ",
		 buf_str(&number), buf_str(&number), source);
	for (size_t i = 0; i < c->order_by.n; i++) {
		const char *name = c->order_by.v[i];
		bool down = name[0] == '-';

		if (!has_column(names, name + down))
			return err_set(e, ERR_USAGE,
				       "cannot order by '%s': there is no such column",
				       name + down);
		sql_quote_name(sql, name + down);
		buf_addf(sql, " %s NULLS LAST, ", down ? "DESC" : "ASC");
	}
	buf_adds(sql, buf_str(&number));
	return 0;
}

static int add_select(struct buf *sql, const struct conversion *c, duckdb_connection con,
		      struct err *e)
{
	AUTO_BUF struct buf source = BUF_INIT(BUF_OWN_MAX), plain = BUF_INIT(BUF_OWN_MAX);
	AUTO_STRV struct strv names = STRV_INIT, types = STRV_INIT;

	if (source_add(&source, &c->source, con, e) < 0)
		return e->code;
	buf_addf(&plain, "SELECT * FROM %s", buf_str(&source));
	if (c->order_by.n == 0) {
		buf_adds(sql, buf_str(&plain));
		return 0;
	}
	if (files_columns(con, buf_str(&plain), &names, &types, e) < 0)
		return e->code;
	return add_ordered(sql, c, buf_str(&source), &names, e);
}

static int convert(const struct conversion *c, duckdb_connection con, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&sql, "COPY (");
	if (add_select(&sql, c, con, e) < 0)
		return e->code;
	buf_adds(&sql, ") TO ");
	sql_quote_text(&sql, c->output);
	buf_adds(&sql, " (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION V2)");
	return engine_run(con, buf_str(&sql), e);
}

static int answer(struct reply *r, const struct conversion *c, duckdb_connection con, struct err *e)
{
	struct json_out *o = reply_line(r);

	json_open(o, NULL, '{');
	json_add_int(o, "index", 0);
	if (files_add_info(o, con, c->output, e) < 0) {
		buf_clear(&r->text);
		return e->code;
	}
	json_close(o);
	if (reply_end_line(r, e) < 0)
		return e->code;
	return reply_done(r, e);
}

static int confine(const struct conversion *c, struct err *e)
{
	AUTO_STRV struct strv folders = STRV_INIT;
	const char *slash = NULL;
	struct limits limits = { .memory_bytes = c->memory_bytes,
				 .cpu_seconds = c->cpu_seconds,
				 .file_bytes = c->file_bytes,
				 .confine = true,
				 .readable = c->stream ? NULL : &c->source.inputs,
				 .writable = &folders };

	assert(c->output); /* absolute, so there is a slash as well */
	slash = strrchr(c->output, '/');
	strv_adopt(&folders, slash == c->output ? xstrdup("/")
						: xstrndup(c->output, (size_t)(slash - c->output)));
	return limits_apply(&limits, e);
}

int operation_convert(struct reply *r, const struct json *request, struct err *e)
{
	AUTO(conversion_release) struct conversion c = { 0 };
	AUTO_ENGINE struct engine en = { 0 };

	if (parse(request, &c, e) < 0 || confine(&c, e) < 0)
		return e->code;
	if (source_open(&c.source, e) < 0)
		return e->code;
	if (engine_open(
		    &(struct engine_options){ .memory_bytes = c.memory_bytes, .spill = c.spill },
		    &en, e) < 0)
		return e->code;
	if (convert(&c, en.con, e) < 0)
		return source_explain(&c.source, en.con, e);
	return answer(r, &c, en.con, e);
}
