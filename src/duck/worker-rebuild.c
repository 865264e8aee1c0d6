/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts are made from those before them and patches, one after the other by one DuckDB, whose start costs half as much as
 * one part. Patches come from elsewhere: they are read in memory that is bounded, nothing is spilled, and no
 * more is written than the largest part may have bytes. With the first that fails it is over: DuckDB may have
 * become unusable by it, and the others do better with a process that has not seen it.
 */
#include "duck/worker-files.h"
#include "duck/worker-limits.h"
#include "duck/worker-patch.h"
#include "duck/worker.h"

/* More than two full parts have: whoever patches so many rows could send them. */
#define PATCH_ROWS_MAX ((int64_t)1000000)

struct rebuilding {
	char *before, *patch, *output;
	struct strv columns; /* of the part */
	struct strv key, changed;
	bool inserts;
};

static void rebuilding_release(struct rebuilding *b)
{
	free(b->before);
	free(b->patch);
	free(b->output);
	strv_release(&b->columns);
	strv_release(&b->key);
	strv_release(&b->changed);
}

static char *path_of(const struct json *request, const char *member)
{
	const char *text = json_text(json_get(request, member));

	return text && *text ? worker_absolute_path(text) : NULL;
}

static int parse(const struct json *request, struct rebuilding *b, struct err *e)
{
	b->before = path_of(request, "before");
	b->patch = path_of(request, "patch");
	b->output = path_of(request, "output");
	if (!b->before || !b->patch || !b->output)
		return err_set(e, ERR_USAGE, "request: before, patch and output are needed");
	return 0;
}

static int confine(const struct json *request, int64_t memory_bytes, struct err *e)
{
	AUTO_STRV struct strv written = STRV_INIT;
	AUTO_STRV struct strv read = STRV_INIT;
	char *versions = path_of(request, "versions");
	char *staging = path_of(request, "staging");
	struct limits limits = { .memory_bytes = memory_bytes,
				 .file_bytes = json_int(json_get(request, "file_bytes"), 0),
				 .confine = true,
				 .readable = &read,
				 .writable = &written };

	strv_adopt(&read, versions ? versions : xstrdup(""));
	strv_adopt(&written, staging ? staging : xstrdup(""));
	if (!versions || !staging)
		return err_set(e, ERR_USAGE, "request: versions and staging are needed");
	return limits_apply(&limits, e);
}

/* Those that the part has; 0 when one is of none. */
static bool read_names(const struct json *array, const struct strv *columns, struct strv *out)
{
	bool known = true;

	for (size_t i = 0, n = json_size(array); known && i < n; i++) {
		const char *name = json_text(json_at(array, i));

		known = false;
		for (size_t k = 0; name && !known && k < columns->n; k++)
			known = strcmp(name, columns->v[k]) == 0;
		if (known)
			strv_add(out, name);
	}
	return known;
}

static int read_metadata(struct rebuilding *b, const char *text, struct err *e)
{
	AUTO_JSON struct json *m = NULL;
	const char *engine;

	if (json_parse(bytes_of(text), BUF_OWN_MAX, &m, e) < 0)
		return e->code;
	engine = json_text(json_get(m, "engine"));
	if (json_int(json_get(m, "version"), 0) != PATCH_VERSION)
		return err_set(e, ERR_CORRUPT, "the patch is of another version of the format");
	if (!engine || strcmp(engine, duckdb_library_version()) != 0)
		return err_set(e, ERR_CORRUPT, "the patch is for DuckDB %.40s, here is %s",
			       engine ? engine : "", duckdb_library_version());
	b->inserts = json_flag(json_get(m, "inserts"), false);
	if (!read_names(json_get(m, "key"), &b->columns, &b->key) || b->key.n == 0 ||
	    !read_names(json_get(m, "changed"), &b->columns, &b->changed))
		return err_set(e, ERR_CORRUPT, "the patch is for another table");
	return 0;
}

/* What the patch says of itself, and whether it is one of these columns and a bearable length. */
static int read_patch(struct rebuilding *b, duckdb_connection con, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf columns = BUF_INIT(BUF_OWN_MAX);
	AUTO_STRV struct strv types = STRV_INIT;
	AUTO_STRV struct strv found = STRV_INIT;

	buf_adds(&columns, "SELECT * FROM ");
	patch_add_file(b->before, &columns);
	if (files_columns(con, buf_str(&columns), &b->columns, &types, e) < 0)
		return e->code;
	buf_adds(&sql, "SELECT decode(value) FROM parquet_kv_metadata(");
	sql_quote_text(&sql, b->patch);
	buf_adds(&sql, ") WHERE decode(key) = '" PATCH_KV "' AND (SELECT sum(num_rows) FROM"
		       " parquet_file_metadata(");
	sql_quote_text(&sql, b->patch);
	buf_addf(&sql, ")) <= %lld", (long long)PATCH_ROWS_MAX);
	if (engine_ask_texts(con, buf_str(&sql), &found, e) < 0)
		return e->code;
	if (found.n != 1)
		return err_set(e, ERR_CORRUPT, "the patch is none");
	return read_metadata(b, found.v[0], e);
}

/* The rows that stay, as they were or changed. */
static void add_kept(const struct rebuilding *b, struct buf *sql)
{
	for (size_t i = 0; i < b->columns.n; i++) {
		const char *column = b->columns.v[i];
		bool changed = false;

		for (size_t k = 0; !changed && k < b->changed.n; k++)
			changed = strcmp(column, b->changed.v[k]) == 0;
		buf_adds(sql, i ? ", " : "SELECT ");
		if (changed)
			buf_adds(sql, "CASE WHEN d." PATCH_OP " IS NULL THEN ");
		patch_add_column("o", column, sql);
		if (changed) {
			buf_adds(sql, " ELSE ");
			patch_add_column("d", column, sql);
			buf_adds(sql, " END AS ");
			sql_quote_name(sql, column);
		}
	}
	buf_adds(sql, " FROM ");
	patch_add_file(b->before, sql);
	buf_adds(sql, " o LEFT JOIN ");
	patch_add_file(b->patch, sql);
	buf_adds(sql, " d");
	patch_add_join("o", "d", &b->key, sql);
	buf_adds(sql, " WHERE d." PATCH_OP " IS NULL OR d." PATCH_OP " = 'u'");
}

static void add_inserted(const struct rebuilding *b, struct buf *sql)
{
	buf_adds(sql, " UNION ALL SELECT ");
	for (size_t i = 0; i < b->columns.n; i++) {
		buf_adds(sql, i ? ", " : "");
		sql_quote_name(sql, b->columns.v[i]);
	}
	buf_adds(sql, " FROM ");
	patch_add_file(b->patch, sql);
	buf_adds(sql, " WHERE " PATCH_OP " = 'i'");
}

static int rebuild(const struct rebuilding *b, duckdb_connection con, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&sql, "COPY (SELECT * FROM (");
	add_kept(b, &sql);
	if (b->inserts)
		add_inserted(b, &sql);
	buf_addc(&sql, ')');
	keyed_add_order(&b->key, &b->columns, &sql);
	keyed_add_target(b->output, &sql);
	return engine_run(con, buf_str(&sql), e);
}

static int make_part(struct reply *r, const struct json *request, duckdb_connection con,
		     struct err *e)
{
	AUTO(rebuilding_release) struct rebuilding b = { .columns = STRV_INIT };

	if (parse(request, &b, e) < 0 || read_patch(&b, con, e) < 0 || rebuild(&b, con, e) < 0)
		return e->code;
	return reply_done(r, e) < 0 ? e->code : reply_flush(r, e);
}

int operation_rebuild(struct reply *r, const struct json *request, struct err *e)
{
	int64_t memory_bytes = json_int(json_get(request, "memory_bytes"), GIB);
	AUTO_ENGINE struct engine en = { 0 };
	int more = 1;

	if (confine(request, memory_bytes, e) < 0 ||
	    engine_open(&(struct engine_options){ .memory_bytes = memory_bytes }, &en, e) < 0)
		return e->code;
	while (more > 0) {
		AUTO_JSON struct json *part = NULL;

		more = worker_read_line(&part, e);
		if (more > 0 && make_part(r, part, en.con, e) < 0)
			return e->code;
	}
	return more;
}
