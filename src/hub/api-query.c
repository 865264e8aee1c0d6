/* SPDX-License-Identifier: Apache-2.0 */
/* A statement of somebody's over the tables they may see: aside, its rows to the client as they come. */
#include "hub/api.h"

#include "base/time.h"
#include "hub/asking.h"

/* Rows when the request does not say, and at most: more are fetched as a file. */
#define LIMIT_DEFAULT  1000
#define LIMIT_MAX      1000000
#define SAMPLE_DEFAULT 5
#define SAMPLE_MAX     100
/* Of a value in a sample, which shows what a table looks like. */
#define SAMPLE_CELL 4096
/* Below this a reply is sent as a whole, with its length and gzipped; above, as it is made. */
#define STREAM_FROM ((size_t)32 << 10)
/* Head, names of columns, one row: ROW_BYTES_MAX of the worker and as much again. */
#define TEXT_MAX ((size_t)80 << 20)

struct querying {
	struct asking asking;
	char *sql;
	int64_t started;
	struct http_in *in;         /* until the stream begins */
	struct http_stream *stream; /* then */
	struct buf text;            /* made and not sent yet */
	int64_t rows;
};

static void querying_free(void *state)
{
	struct querying *q = state;

	if (!q)
		return;
	asking_release(&q->asking);
	free(q->sql);
	buf_release(&q->text);
	free(q);
}
static void querying_auto(struct querying **q)
{
	querying_free(*q);
}

static int send_text(struct querying *q, struct err *e)
{
	int r;

	if (!q->stream) {
		http_reply_add(q->in, "Cache-Control", "no-store");
		q->stream = http_stream_begin(q->in, 200, "application/json");
		if (!q->stream)
			return err_set(e, ERR_BUSY, "no thread is free for this query");
		q->in = NULL;
		duck_room_watch(q->asking.duck, -1); /* writing tells when the client leaves */
		q->asking.client_fd = -1;
	}
	r = http_stream_write(q->stream, buf_bytes(&q->text), e);
	buf_clear(&q->text);
	return r;
}

static int take_columns(void *ctx, const struct duck_column *columns, size_t n, struct err *e)
{
	struct querying *q = ctx;
	struct json_out o = json_out(&q->text);

	(void)e;
	json_open(&o, NULL, '{');
	json_open(&o, "columns", '[');
	for (size_t i = 0; i < n; i++)
		json_add_text(&o, NULL, columns[i].name);
	json_close(&o);
	json_open(&o, "types", '[');
	for (size_t i = 0; i < n; i++)
		json_add_text(&o, NULL, columns[i].type);
	json_close(&o);
	buf_adds(&q->text, ",\"rows\":[");
	return 0;
}

static int take_row(void *ctx, struct bytes row, struct err *e)
{
	struct querying *q = ctx;

	if (q->rows++ > 0)
		buf_addc(&q->text, ',');
	buf_add(&q->text, row.p, row.n);
	if (q->text.full)
		return err_set(e, ERR_LIMIT, "a row of the result is too long");
	return q->text.n > STREAM_FROM ? send_text(q, e) : 0;
}

static void add_table(struct json_out *o, const struct query_table *t)
{
	char iso[TIME_TEXT_MAX];

	json_open(o, t->table.name, '{');
	json_add_text(o, "id", t->table.id);
	json_add_text(o, "version", t->remote ? NULL : t->table.sha256);
	json_add_text(o, "updated", t->remote ? NULL : time_format_iso(t->table.updated_ms, iso));
	json_add_text(o, "row_scope", t->table.rights ? "limited" : "all");
	json_close(o);
}

/* What cut it: of the two limits, the one that was reached. */
static const char *cut_by(const struct querying *q, const struct duck_run_result *result)
{
	if (!result->truncated)
		return NULL;
	return result->rows >= q->asking.row_limit ? "rows" : "bytes";
}

static void add_end(struct querying *q, const struct duck_run_result *result)
{
	AUTO_BUF struct buf text = BUF_INIT(TEXT_MAX);
	struct json_out o = json_out(&text);
	char iso[TIME_TEXT_MAX];

	json_open(&o, NULL, '{');
	json_add_int(&o, "row_count", result->rows);
	json_add_bool(&o, "truncated", result->truncated);
	json_add_text(&o, "truncated_by", cut_by(q, result));
	json_add_int(&o, "limit", q->asking.row_limit);
	json_add_int(&o, "cells_cut", result->cells_cut);
	if (q->asking.cell_limit)
		json_add_int(&o, "cell_limit", q->asking.cell_limit);
	json_add_int(&o, "bytes_scanned", q->asking.scanned_bytes);
	json_open(&o, "tables", '{');
	for (size_t i = 0; i < q->asking.plan.count; i++)
		add_table(&o, &q->asking.plan.tables[i]);
	json_close(&o);
	json_add_int(&o, "duration_ms", time_monotonic() - q->started);
	json_add_text(&o, "server_time", time_format_iso(time_now(), iso));
	json_close(&o);
	buf_addf(&q->text, "],%s",
		 buf_str(&text) + 1); /* without its bracket: the object is open */
}

/* The reply of what failed: a status, when nothing was sent yet; else the client gets less than it
 * was promised, and knows. */
static void reply_failure(struct querying *q, const struct err *e)
{
	struct err ignored = { 0 };
	struct json_out o = json_out(&q->text);

	if (q->in && q->asking.refusal.status) {
		reply_refusal(q->in, &q->asking.refusal, e);
		return;
	}
	if (q->in) {
		reply_error(q->in, e);
		return;
	}
	buf_clear(&q->text);
	buf_adds(&q->text, "],\"error\":");
	json_open(&o, NULL, '{');
	json_add_text(&o, "detail", e->msg);
	json_add_text(&o, "code", err_word(e->code));
	json_close(&o);
	(void)http_stream_write(q->stream, buf_bytes(&q->text), &ignored); /* it may have left */
	http_stream_end(q->stream, false);
}

static void reply_success(struct querying *q, const struct duck_run_result *result)
{
	struct err ignored = { 0 };

	add_end(q, result);
	if (q->in) {
		http_reply_add(q->in, "Cache-Control", "no-store");
		http_reply_bytes(q->in, 200, "application/json", buf_bytes(&q->text));
		return;
	}
	http_stream_end(q->stream, send_text(q, &ignored) == 0);
}

/* What nobody nearer to it knows a next step for. */
static void add_hint(struct err *e)
{
	if (e->hint[0])
		return;
	if (e->code == ERR_LIMIT)
		(void)err_hint(e,
			       "ask for less, or bring the tables with larder pull and ask there: "
			       "larder query");
	else if (e->code == ERR_USAGE)
		(void)err_hint(e, "larder catalog TABLE tells its columns and their types");
}

static void query_aside(struct http_in *in, void *state)
{
	struct querying *q = state;
	struct duck_run_result result = { 0 };
	struct err e = { 0 };

	http_after_aside(in, querying_free, q);
	q->in = in;
	q->asking.client_fd = http_client_fd(in);
	if (asking_run(&q->asking, http_thread_slot(in), &result, &e) == 0) {
		reply_success(q, &result);
		return;
	}
	add_hint(&e);
	reply_failure(q, &e);
}

/* Takes the statement over. */
static int run_aside(struct request *request, char *sql, int64_t limit, int64_t cell, struct err *e)
{
	AUTO(querying_auto) struct querying *q = xcalloc(1, sizeof(*q));
	int r;

	q->sql = sql;
	q->asking = (struct asking){
		.hub = request->hub,
		.by = caller_copy(request->caller),
		.sql = sql,
		.row_limit = limit,
		.cell_limit = cell,
		.byte_limit = hub_settings(request->hub)->query_bytes,
		.ctx = q,
		.on_columns = take_columns,
		.on_row = take_row,
	};
	q->started = time_monotonic();
	q->text.max = TEXT_MAX;
	r = http_run_aside(request->in, HTTP_ASIDE_QUERY, query_aside, q, e);
	if (r == 0)
		(void)TAKE(q); /* it is freed after query_aside() */
	return r;
}

int api_query(struct request *request, struct err *e)
{
	const struct json *given = json_get(request->json, "sql");
	int64_t limit = json_int(json_get(request->json, "limit"), LIMIT_DEFAULT);
	int64_t cell = json_int(json_get(request->json, "cell_limit"), 0);
	const char *sql = json_text(given);

	if (json_kind(given) != JSON_TEXT)
		return err_set(e, ERR_CORRUPT, "'sql' must be a statement as text");
	if (!sql)
		return err_set(e, ERR_USAGE, "the statement holds a NUL");
	if (strlen(sql) > QUERY_SQL_MAX)
		return err_set(e, ERR_LIMIT, "the statement is longer than %zu bytes",
			       QUERY_SQL_MAX);
	limit = limit <= 0 ? LIMIT_DEFAULT : limit > LIMIT_MAX ? LIMIT_MAX : limit;
	return run_aside(request, xstrdup(sql), limit, cell > 0 ? cell : 0, e);
}

/* The name as the statement is to have it; the guard and the rights then decide as for any other. */
static char *sample_sql(const char *table, int64_t rows)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&sql, "SELECT * FROM ");
	sql_quote_name(&sql, table);
	buf_addf(&sql, " LIMIT %lld", (long long)rows);
	return buf_take(&sql);
}

int api_sample(struct request *request, struct err *e)
{
	const char *n = http_query(request->in, "n");
	int64_t rows = SAMPLE_DEFAULT;

	if (n && parse_int64(n, 1, SAMPLE_MAX, &rows, e) < 0)
		return e->code;
	if (http_content_length(request->in) != 0)
		return err_set(e, ERR_USAGE, "this request has no body");
	if (!name_is_table(request->params[0]))
		return err_set(e, ERR_NOT_FOUND, "table '%.128s' not found", request->params[0]);
	return run_aside(request, sample_sql(request->params[0], rows), rows, SAMPLE_CELL, e);
}
