/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table or a query of PostgreSQL. Rows come as CSV and become Parquet in staging while they come, with
 * the types that PostgreSQL told.
 *
 * With an increment column only rows beyond the largest value seen are read, as one more part of
 * the table; when there are PARTS_MAX, they are written together into one. `seen` is then
 * {"watermark": <text>, "columns": [...]}: other columns than before mean that all is read anew.
 */
#include "refresh/intake.h"

#include "base/file.h"
#include "db/postgres.h"
#include "engine/journal.h"

#include <fcntl.h>

/* Each part is a file in every workspace, and of a small table most of its bytes are footers. */
#define PARTS_MAX 16
#define SEEN_MAX  ((size_t)1 << 20)
/* Gathered before it is written: rows come one by one. */
#define WRITE_SIZE ((size_t)1 << 20)

struct reading {
	struct intake *f;
	struct postgres *pg;
	struct postgres_columns columns;
	char *query;     /* what is read */
	char *watermark; /* the largest value of the increment column now; NULL: no rows */
	bool append;     /* the rows are new ones, the parts there stay */
	struct duck_stream *stream;
	struct buf waiting;
};

static void reading_release(struct reading *r)
{
	duck_stream_free(r->stream);
	postgres_close(r->pg);
	postgres_columns_release(&r->columns);
	free(r->query);
	free(r->watermark);
	buf_release(&r->waiting);
}

/* "sales.orders" is a table of a schema; without a dot the search path finds it. */
static char *base_query(const struct source *s)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);
	AUTO_STRV struct strv names = STRV_INIT;
	const char *query = source_text(s, "query");
	size_t n = query ? strlen(query) : 0;

	while (n > 0 && strchr("; \t\n", query[n - 1]))
		n--;
	if (query)
		return xstrndup(query, n);
	strv_split(&names, source_text(s, "table"), '.');
	buf_adds(&sql, "SELECT * FROM ");
	for (size_t i = 0; i < names.n; i++) {
		buf_adds(&sql, i ? "." : "");
		sql_quote_name(&sql, names.v[i]);
	}
	return buf_take(&sql);
}

static int connect_to(struct reading *r, struct err *e)
{
	const char *plain = source_text(r->f->source, "connection");
	AUTO_FREE char *secret = NULL;
	struct postgres_options o = { .connection = plain };

	if (intake_secret(r->f, "connection", &secret, e) < 0)
		return e->code;
	if (secret)
		o.connection = secret;
	return postgres_open(&o, &r->pg, e);
}

static void describe_columns(const struct postgres_columns *columns, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '[');
	for (size_t i = 0; i < columns->n; i++) {
		json_open(&o, NULL, '[');
		json_add_text(&o, NULL, columns->v[i].name);
		json_add_text(&o, NULL, columns->v[i].type);
		json_close(&o);
	}
	json_close(&o);
}

/* The watermark of the last run; NULL when all must be read. The caller owns it. */
static char *last_watermark(const struct reading *r)
{
	AUTO_BUF struct buf now = BUF_INIT(SEEN_MAX), then = BUF_INIT(SEEN_MAX);
	AUTO_JSON struct json *seen = NULL;
	struct err ignored = { 0 };
	const char *watermark;

	if (!r->f->source->seen || !r->f->table.version ||
	    json_parse(bytes_of(r->f->source->seen), SEEN_MAX, &seen, &ignored) < 0)
		return NULL;
	describe_columns(&r->columns, &now);
	json_print(json_get(seen, "columns"), &then, false);
	watermark = json_text(json_get(seen, "watermark"));
	return watermark && str_eq(buf_str(&now), buf_str(&then)) ? xstrdup(watermark) : NULL;
}

static bool has_column(const struct postgres_columns *columns, const char *name)
{
	for (size_t i = 0; i < columns->n; i++)
		if (str_eq(columns->v[i].name, name))
			return true;
	return false;
}

/* Narrows the query to what is new: beyond the last largest value, up to the one of this state. */
static int narrow(struct reading *r, const char *column, struct err *e)
{
	AUTO_FREE char *last = last_watermark(r);
	AUTO_BUF struct buf name = BUF_INIT(BUF_OWN_MAX), sql = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf max = BUF_INIT(BUF_OWN_MAX);

	if (!has_column(&r->columns, column))
		return err_set(e, ERR_NOT_FOUND, "the increment column '%s' is not there", column);
	sql_quote_name(&name, column);
	buf_addf(&sql, "SELECT * FROM (%s\n) AS q", r->query);
	if (last) {
		buf_addf(&sql, " WHERE %s > ", buf_str(&name));
		sql_quote_text(&sql, last);
		r->append = true;
	}
	buf_addf(&max, "SELECT max(%s)::text FROM (%s) AS m", buf_str(&name), buf_str(&sql));
	free(r->query);
	r->query = buf_take(&sql);
	if (postgres_get_text(r->pg, buf_str(&max), &r->watermark, e) < 0)
		return err_in(e, "the increment column '%s'", column);
	r->f->unchanged = last && !r->watermark;
	if (r->f->unchanged)
		r->watermark = TAKE(last);
	return 0;
}

static int write_waiting(struct reading *r, struct err *e)
{
	int result = duck_stream_write(r->stream, buf_bytes(&r->waiting), e);

	buf_clear(&r->waiting);
	return result;
}

static int on_data(void *ctx, struct bytes piece, struct err *e)
{
	struct reading *r = ctx;

	if (intake_count(r->f, (int64_t)piece.n, e) < 0)
		return e->code;
	buf_add(&r->waiting, piece.p, piece.n);
	return r->waiting.n >= WRITE_SIZE ? write_waiting(r, e) : 0;
}

static int read_rows(struct reading *r, struct err *e)
{
	AUTO(duck_file_info_release) struct duck_file_info info = { 0 };
	const struct postgres_read read = {
		.query = r->query, .columns = &r->columns, .ctx = r, .on_data = on_data
	};
	int result = postgres_read(r->pg, &read, e);

	if (result == 0)
		result = write_waiting(r, e);
	return result < 0 ? result : duck_stream_end(r->stream, &info, e);
}

static int convert(struct reading *r, const char *output, struct err *e)
{
	AUTO_FREE struct duck_column *columns = xcalloc(r->columns.n, sizeof(*columns));
	AUTO_FREE char *to = journal_stage_path(r->f->root, output);
	const struct duck_convert request = {
		.format = DUCK_CSV,
		.columns = columns,
		.column_count = r->columns.n,
		.output = to,
		.memory_bytes = r->f->refresh->convert_memory,
		.deadline_ms = REFRESH_STEP_MS,
	};

	for (size_t i = 0; i < r->columns.n; i++) {
		/* The interface lacks a const that it means. */
		columns[i].name = r->columns.v[i].name;
		columns[i].type = (char *)(uintptr_t)r->columns.v[i].type;
	}
	if (duck_stream_begin(&request, &r->stream, e) < 0)
		return e->code;
	return read_rows(r, e);
}

static int keep_parts(struct intake *f, struct strv *ret_files, struct err *e)
{
	static const char sql[] = "SELECT path, sha256 FROM part WHERE version_id=?1 ORDER BY path";
	AUTO_STMT struct stmt *q = NULL;
	char path[OBJECT_PATH_MAX];
	int r = db_query(root_db(f->root), &q, e, sql, "i", f->table.version);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		const char *name = stmt_text(q, 0);

		intake_add(f, *name ? name : "00000000.parquet", stmt_text(q, 1), DUCK_PARQUET);
		f->parts[f->n - 1].as_it_is = true;
		strv_addf(ret_files, "%s/%s", root_path(f->root),
			  object_path(stmt_text(q, 1), path));
		r = 0;
	}
	return r;
}

/* One part of all: what is there, and what has come. */
static int write_together(struct intake *f, const struct strv *files, const char *output,
			  struct err *e)
{
	AUTO(duck_file_info_release) struct duck_file_info info = { 0 };
	AUTO_FREE char *to = journal_stage_path(f->root, output);
	AUTO_STRV struct strv order = STRV_INIT;
	const struct duck_convert request = {
		.inputs = files,
		.format = DUCK_PARQUET,
		.order_by = &order,
		.output = to,
		.memory_bytes = f->refresh->convert_memory,
		.deadline_ms = REFRESH_STEP_MS,
	};

	for (size_t i = 0; i < f->n; i++)
		free(f->parts[i].path);
	f->n = 0;
	return duck_convert(&request, &info, e);
}

/* The number after the largest that is there: no name comes twice while an old version is kept. */
static void next_path(const struct intake *f, char out[32])
{
	unsigned long long last = 0;

	for (size_t i = 0; i < f->n; i++) {
		int64_t n = 0;
		struct err ignored = { 0 };
		AUTO_FREE char *digits = xstrndup(f->parts[i].path, strcspn(f->parts[i].path, "."));

		/* Names of ours are numbers; others count as none. */
		if (parse_int64(digits + strspn(digits, "0"), 0, INT32_MAX, &n, &ignored) == 0 &&
		    (unsigned long long)n > last)
			last = (unsigned long long)n;
	}
	(void)snprintf(out, 32, "%08llu.parquet", last + 1);
}

static int add_rows(struct reading *r, const char *made, struct err *e)
{
	struct intake *f = r->f;
	AUTO_STRV struct strv files = STRV_INIT;
	const char *staged = made;
	char path[32];

	if (!r->append)
		return intake_adopt(f, made,
				    source_text(f->source, "increment") ? "00000000.parquet" : "",
				    DUCK_PARQUET, e);
	if (keep_parts(f, &files, e) < 0)
		return e->code;
	next_path(f, path);
	if (f->n >= PARTS_MAX) {
		strv_adopt(&files, journal_stage_path(f->root, made));
		staged = intake_stage_name(f, ".parquet");
		if (write_together(f, &files, staged, e) < 0)
			return e->code;
	}
	return intake_adopt(f, staged, path, DUCK_PARQUET, e);
}

static void note_seen(struct reading *r)
{
	AUTO_BUF struct buf columns = BUF_INIT(SEEN_MAX), text = BUF_INIT(SEEN_MAX);
	struct json_out o = json_out(&text);

	if (!r->watermark)
		return;
	describe_columns(&r->columns, &columns);
	json_open(&o, NULL, '{');
	json_add_text(&o, "watermark", r->watermark);
	json_add_raw(&o, "columns", buf_bytes(&columns));
	json_close(&o);
	if (!text.full) /* too many columns to compare: all is read each time */
		r->f->seen = buf_take(&text);
}

int intake_postgres(struct intake *f, struct err *e)
{
	AUTO(reading_release)
	struct reading r = { .f = f, .waiting = BUF_INIT(BUF_OWN_MAX) };
	const char *increment = source_text(f->source, "increment");
	AUTO_FREE char *made = NULL;
	int result = connect_to(&r, e);

	r.query = base_query(f->source);
	if (result == 0)
		result = postgres_describe(r.pg, r.query, &r.columns, e);
	if (result == 0 && increment)
		result = narrow(&r, increment, e);
	if (result == 0)
		note_seen(&r);
	if (result < 0 || f->unchanged)
		return result;
	made = xstrdup(intake_stage_name(f, ".parquet"));
	result = convert(&r, made, e);
	return result < 0 ? result : add_rows(&r, made, e);
}
