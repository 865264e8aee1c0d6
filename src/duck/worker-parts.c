/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of a known format become parts of one table, ordered by its key and cut where the version
 * before was cut (worker-borders.h). The input is read once: it is ordered into a file beside the
 * output, in memory that is bounded, and the parts are read from that.
 *
 * A part's bytes are a function of its rows: they are ordered by the key and, where that is equal,
 * by a hash of all columns, so neither threads nor the order of the input show.
 */
#include "duck/worker-borders.h"
#include "duck/worker-files.h"
#include "duck/worker-limits.h"
#include "duck/worker-patch.h"
#include "duck/worker-source.h"
#include "duck/worker.h"

#include <assert.h>
#include <inttypes.h>
#include <strings.h>

struct parts {
	struct source source;
	struct borders borders;
	struct strv columns;
	/* The version before: its files, and where they begin. */
	struct strv before, values_before;
	char *output;  /* "<output>-00000" and on */
	char *ordered; /* the file between; gone at the end */
	char *spill;
	int64_t memory_bytes;
	int64_t cpu_seconds;
};

static void parts_release(struct parts *p)
{
	if (p->ordered)
		(void)unlink(p->ordered); /* else litter for the caller's next start */
	source_release(&p->source);
	borders_release(&p->borders);
	strv_release(&p->columns);
	strv_release(&p->before);
	strv_release(&p->values_before);
	free(p->output);
	free(p->ordered);
	free(p->spill);
}

static void read_texts(const struct json *array, struct strv *out)
{
	for (size_t i = 0, n = json_size(array); i < n; i++) {
		const char *text = json_text(json_at(array, i));

		strv_add(out, text ? text : "");
	}
}

static int parse(const struct json *request, struct parts *p, struct err *e)
{
	const char *output = json_text(json_get(request, "output"));

	p->source.format = json_text(json_get(request, "format"));
	p->memory_bytes = json_int(json_get(request, "memory_bytes"), GIB);
	p->cpu_seconds = json_int(json_get(request, "cpu_seconds"), 0);
	read_texts(json_get(request, "key"), &p->borders.key);
	if (!p->source.format || !output || p->borders.key.n == 0 ||
	    json_size(json_get(request, "inputs")) == 0)
		return err_set(e, ERR_USAGE, "request: format, key, inputs and output are needed");
	if (engine_paths(json_get(request, "inputs"), &p->source.inputs, e) < 0 ||
	    engine_paths(json_get(request, "before"), &p->before, e) < 0)
		return e->code;
	p->output = worker_absolute_path(output);
	p->ordered = xasprintf("%s.ordered", p->output);
	p->spill = xasprintf("%s.spill", p->output);
	p->borders.file = p->ordered;
	return 0;
}

static int confine(const struct parts *p, struct err *e)
{
	AUTO_STRV struct strv folders = STRV_INIT;
	AUTO_STRV struct strv readable = STRV_INIT;
	const char *slash;
	struct limits limits = { .memory_bytes = p->memory_bytes,
				 .cpu_seconds = p->cpu_seconds,
				 .confine = true,
				 .readable = &readable,
				 .writable = &folders };

	for (size_t i = 0; i < p->source.inputs.n; i++)
		strv_add(&readable, p->source.inputs.v[i]);
	for (size_t i = 0; i < p->before.n; i++)
		strv_add(&readable, p->before.v[i]);
	assert(p->output); /* absolute, so there is a slash as well */
	slash = strrchr(p->output, '/');
	strv_adopt(&folders, slash == p->output ? xstrdup("/")
						: xstrndup(p->output, (size_t)(slash - p->output)));
	return limits_apply(&limits, e);
}

/* The key's columns by the names and types they have in the data. */
static int find_key(struct parts *p, const char *source, duckdb_connection con, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);
	AUTO_STRV struct strv types = STRV_INIT;
	struct strv key = STRV_INIT;
	int r;

	buf_addf(&sql, "SELECT * FROM %s", source);
	r = files_columns(con, buf_str(&sql), &p->columns, &types, e);
	for (size_t i = 0; r == 0 && i < p->borders.key.n; i++) {
		size_t k = 0;

		while (k < p->columns.n && strcasecmp(p->columns.v[k], p->borders.key.v[i]) != 0)
			k++;
		if (k == p->columns.n) {
			r = err_set(e, ERR_USAGE, "cannot cut by '%s': there is no such column",
				    p->borders.key.v[i]);
			break;
		}
		strv_add(&key, p->columns.v[k]);
		strv_add(&p->borders.types, types.v[k]);
	}
	strv_release(&p->borders.key);
	p->borders.key = key;
	return r;
}

static int order(struct parts *p, const char *source, duckdb_connection con, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	buf_addf(&sql, "COPY (SELECT * FROM %s", source);
	keyed_add_order(&p->borders.key, &p->columns, &sql);
	buf_adds(&sql, ") TO ");
	sql_quote_text(&sql, p->ordered);
	buf_adds(&sql, " (FORMAT parquet, COMPRESSION snappy)");
	return engine_run(con, buf_str(&sql), e);
}

/* A row without a key belongs nowhere. */
static int check_key(const struct parts *p, duckdb_connection con, struct err *e)
{
	for (size_t i = 0; i < p->borders.key.n; i++) {
		AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);
		AUTO_RESULT duckdb_result row = { 0 };
		int64_t empty;

		buf_adds(&sql, "SELECT count(*) FROM read_parquet(");
		sql_quote_text(&sql, p->ordered);
		buf_adds(&sql, ") WHERE ");
		sql_quote_name(&sql, p->borders.key.v[i]);
		buf_adds(&sql, " IS NULL");
		if (engine_ask(con, buf_str(&sql), &row, e) < 0)
			return e->code;
		empty = duckdb_value_int64(&row, 0, 0);
		if (empty > 0)
			return err_set(e, ERR_CORRUPT,
				       "%" PRId64 " rows have no '%s', which is of the key", empty,
				       p->borders.key.v[i]);
	}
	return 0;
}

static bool same_texts(const struct json *array, const struct strv *texts)
{
	bool same = json_size(array) == texts->n;

	for (size_t i = 0; same && i < texts->n; i++)
		same = str_eq(json_text(json_at(array, i)), texts->v[i]);
	return same;
}

/* Those of the version before, if they are of this key. */
static void take_borders(struct parts *p, const struct json *before)
{
	const struct json *values = json_get(before, "values");

	if (same_texts(json_get(before, "key"), &p->borders.key) &&
	    same_texts(json_get(before, "types"), &p->borders.types) &&
	    json_size(values) % p->borders.key.n == 0) {
		read_texts(values, &p->borders.values);
		read_texts(values, &p->values_before);
	}
	if (p->before.n != json_size(values) / p->borders.key.n + 1)
		strv_release(&p->before); /* which of them was which part is not known */
}

static int write_part(const struct parts *p, size_t i, const char *path, duckdb_connection con,
		      struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&sql, "COPY (SELECT * FROM read_parquet(");
	sql_quote_text(&sql, p->ordered);
	buf_adds(&sql, ") WHERE ");
	borders_add_range(&p->borders, i, &sql);
	keyed_add_order(&p->borders.key, &p->columns, &sql);
	keyed_add_target(path, &sql);
	return engine_run(con, buf_str(&sql), e);
}

static bool same_border(const struct parts *p, size_t old, size_t new)
{
	size_t n = p->borders.key.n;
	bool old_is = old < p->values_before.n / n;
	bool new_is = new < p->borders.values.n / n;

	for (size_t i = 0; old_is && new_is && i < n; i++) {
		if (strcmp(p->values_before.v[old * n + i], p->borders.values.v[new *n + i]) != 0)
			return false;
	}
	return old_is == new_is;
}

/* The part of the version before with the same borders: its number + 1, 0 when there is none. */
static size_t find_before(const struct parts *p, size_t i)
{
	for (size_t k = 0; k < p->before.n; k++) {
		if ((k == 0) == (i == 0) && (k == 0 || same_border(p, k - 1, i - 1)) &&
		    same_border(p, k, i))
			return k + 1;
	}
	return 0;
}

/* Without one the part is only fetched otherwise, so a failure is none of the publish. */
static bool make_patch(const struct parts *p, const char *before, const char *path,
		       duckdb_connection con)
{
	AUTO_FREE char *patch = xasprintf("%s.patch", path);
	const struct patch_request q = { .key = &p->borders.key,
					 .columns = &p->columns,
					 .before = before,
					 .after = path,
					 .path = patch };
	struct err ignored = { 0 };

	if (patch_make(&q, con, &ignored) > 0)
		return true;
	(void)unlink(patch); /* most often there is none */
	return false;
}

static int write_parts(struct reply *r, const struct parts *p, duckdb_connection con, struct err *e)
{
	for (size_t i = 0; i < p->borders.parts; i++) {
		AUTO_FREE char *path = xasprintf("%s-%05zu", p->output, i);
		size_t before = find_before(p, i);
		struct json_out *o = reply_line(r);

		if (write_part(p, i, path, con, e) < 0)
			return e->code;
		json_open(o, NULL, '{');
		json_add_int(o, "index", (int64_t)i);
		if (files_add_info(o, con, path, e) < 0) {
			buf_clear(&r->text);
			return e->code;
		}
		if (before > 0 && make_patch(p, p->before.v[before - 1], path, con))
			json_add_int(o, "patch", (int64_t)before - 1);
		json_close(o);
		if (reply_end_line(r, e) < 0)
			return e->code;
	}
	return 0;
}

static int answer_done(struct reply *r, const struct parts *p, struct err *e)
{
	struct json_out *o = reply_line(r);

	json_open(o, NULL, '{');
	json_add_bool(o, "done", true);
	json_open(o, "borders", '{');
	json_add_texts(o, "key", &p->borders.key);
	json_add_texts(o, "types", &p->borders.types);
	json_add_texts(o, "values", &p->borders.values);
	json_close(o);
	json_close(o);
	return reply_end_line(r, e);
}

static int cut(struct parts *p, const struct json *before, duckdb_connection con, struct err *e)
{
	struct err why = { 0 };

	take_borders(p, before);
	if (borders_choose(&p->borders, con, &why) == 0)
		return 0;
	if (p->borders.values.n == 0) {
		*e = why;
		return e->code;
	}
	/* Not values of this key after all: as if it were the first version. */
	strv_release(&p->borders.values);
	p->borders.values = (struct strv)STRV_INIT;
	return borders_choose(&p->borders, con, e);
}

static int prepare(struct parts *p, duckdb_connection con, struct err *e)
{
	AUTO_BUF struct buf source = BUF_INIT(BUF_OWN_MAX);

	if (source_add(&source, &p->source, con, e) < 0 ||
	    find_key(p, buf_str(&source), con, e) < 0 || order(p, buf_str(&source), con, e) < 0)
		return source_explain(&p->source, con, e);
	return check_key(p, con, e);
}

int operation_parts(struct reply *r, const struct json *request, struct err *e)
{
	AUTO(parts_release) struct parts p = { 0 };
	AUTO_ENGINE struct engine en = { 0 };

	if (parse(request, &p, e) < 0 || confine(&p, e) < 0 || source_open(&p.source, e) < 0)
		return e->code;
	if (engine_open(
		    &(struct engine_options){ .memory_bytes = p.memory_bytes, .spill = p.spill },
		    &en, e) < 0)
		return e->code;
	if (prepare(&p, en.con, e) < 0 || cut(&p, json_get(request, "borders"), en.con, e) < 0 ||
	    write_parts(r, &p, en.con, e) < 0)
		return e->code;
	return answer_done(r, &p, e);
}
