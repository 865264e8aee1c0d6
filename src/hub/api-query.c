/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A statement of somebody's over the tables they may see. All of it is aside: a place is waited for, a
 * worker judges the statement, its names are resolved with the rights of this moment, their files
 * are put into the worker's room, rows go to the client as they come.
 */
#include "hub/api.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/time.h"
#include "hub/excerpts.h"
#include "hub/query-pool.h"
#include "tables/query.h"

/* Rows when the request does not say, and at most: more are fetched as a file. */
#define LIMIT_DEFAULT  1000
#define LIMIT_MAX      1000000
#define SAMPLE_DEFAULT 5
#define SAMPLE_MAX     100
/* Below this a reply is sent as a whole, with its length and gzipped; above, as it is made. */
#define STREAM_FROM ((size_t)32 << 10)
/* Head, names of columns, one row: ROW_BYTES_MAX of the worker and as much again. */
#define TEXT_MAX ((size_t)80 << 20)

struct querying {
	struct hub *hub;
	struct caller by;
	char *sql;
	int64_t limit;
	int64_t started;
	struct http_in *in;         /* until the stream begins */
	struct http_stream *stream; /* then */
	struct duck_room *duck;
	struct query_plan plan;
	struct buf text; /* made and not sent yet */
	int64_t rows;
};

static void querying_free(struct querying *q)
{
	if (!q)
		return;
	caller_release(&q->by);
	free(q->sql);
	query_plan_release(&q->plan);
	buf_release(&q->text);
	free(q);
}
DEFINE_AUTO(struct querying, querying_auto, querying_free);

static void worker_auto(struct query_worker *worker)
{
	duck_room_free(worker->duck);
	room_close(worker->room);
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
		duck_room_watch(q->duck, -1); /* writing tells when the client leaves */
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
	json_add_text(o, "version", t->table.sha256);
	json_add_text(o, "updated", time_format_iso(t->table.updated_ms, iso));
	json_add_text(o, "row_scope", t->table.rights ? "limited" : "all");
	json_close(o);
}

/* What cut it: of the two limits, the one that was reached. */
static const char *cut_by(const struct querying *q, const struct duck_run_result *result)
{
	if (!result->truncated)
		return NULL;
	return result->rows >= q->limit ? "rows" : "bytes";
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
	json_add_int(&o, "limit", q->limit);
	json_add_int(&o, "bytes_scanned", query_bytes(&q->plan));
	json_open(&o, "tables", '{');
	for (size_t i = 0; i < q->plan.count; i++)
		add_table(&o, &q->plan.tables[i]);
	json_close(&o);
	json_add_int(&o, "duration_ms", time_monotonic() - q->started);
	json_add_text(&o, "server_time", time_format_iso(time_now(), iso));
	json_close(&o);
	buf_addf(&q->text, "],%s",
		 buf_str(&text) + 1); /* without its bracket: the object is open */
}

static int refuse_remote(const struct query_table *t, struct err *e)
{
	return err_set(e, ERR_CONFLICT,
		       "table '%s' stays at its source (%s), which this hub cannot ask",
		       t->table.name, t->table.source_type ? t->table.source_type : "unknown");
}

/* The rights of this moment; excerpts that are not there yet are made, once. */
static int resolve(struct querying *q, struct db *db, const struct duck_names *names, struct err *e)
{
	int r = db_begin_read(db, e);

	if (r == 0)
		r = access_renew(db, &q->by, e);
	if (r == 0)
		r = query_resolve(db, &q->by, names, &q->plan, e);
	db_rollback(db);
	for (size_t i = 0; r == 0 && i < q->plan.count; i++) {
		if (q->plan.tables[i].remote)
			r = refuse_remote(&q->plan.tables[i], e);
	}
	return r;
}

static bool lacks_any(const struct query_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->tables[i].lacks_excerpt)
			return true;
	}
	return false;
}

static int make_excerpts(struct querying *q, struct db *db, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < q->plan.count; i++) {
		if (q->plan.tables[i].lacks_excerpt)
			r = excerpts_make(q->hub, db, &q->by, q->plan.tables[i].table.id, e);
	}
	return r;
}

static int plan_query(struct querying *q, struct db *db, const struct duck_names *names,
		      struct err *e)
{
	int r = resolve(q, db, names, e);

	if (r < 0 || !lacks_any(&q->plan))
		return r;
	r = make_excerpts(q, db, e);
	query_plan_release(&q->plan);
	if (r == 0)
		r = resolve(q, db, names, e);
	if (r == 0 && lacks_any(&q->plan))
		r = err_set(e, ERR_BUSY, "the rights to a table are just changing");
	return r;
}

/* Files of a publish that was committed a moment ago may still be on their way. */
static int fill(struct querying *q, struct room *room, struct err *e)
{
	int r = query_fill(&q->plan, hub_staging(q->hub), room, e);

	if (r != ERR_NOT_FOUND)
		return r;
	r = hub_settle(q->hub, e);
	for (size_t i = 0; i < q->plan.count; i++) {
		strv_release(&q->plan.tables[i].files);
		q->plan.tables[i].files = (struct strv)STRV_INIT;
	}
	return r < 0 ? r : query_fill(&q->plan, hub_staging(q->hub), room, e);
}

static bool is_hive(const struct strv *parts)
{
	return parts->n > 0 && strchr(parts->v[0], '=');
}

static int run(struct querying *q, struct duck_room *duck, struct duck_run_result *result,
	       struct err *e)
{
	AUTO_FREE struct duck_table *tables = xcalloc(q->plan.count + 1, sizeof(*tables));
	const struct duck_run request = { .tables = tables,
					  .table_count = q->plan.count,
					  .ctx = q,
					  .on_columns = take_columns,
					  .on_row = take_row };

	for (size_t i = 0; i < q->plan.count; i++) {
		const struct query_table *t = &q->plan.tables[i];

		tables[i] = (struct duck_table){ t->name, &t->files, is_hive(&t->parts) };
	}
	return duck_room_run(duck, &request, result, e);
}

static int ask(struct querying *q, struct query_worker *worker, struct db *db,
	       struct duck_run_result *result, struct err *e)
{
	const struct hub_settings *settings = hub_settings(q->hub);
	const struct duck_question question = { .sql = q->sql,
						.row_limit = q->limit,
						.byte_limit = settings->query_bytes,
						.deadline_ms = settings->query_s * 1000 };
	AUTO(duck_names_release) struct duck_names names = { 0 };
	int r = duck_room_ask(worker->duck, &question, &names, e);

	if (r == 0)
		r = plan_query(q, db, &names, e);
	if (r == 0)
		r = fill(q, worker->room, e);
	if (r == 0)
		r = run(q, worker->duck, result, e);
	if (r == ERR_BUSY && !e->retry_after) /* the worker's deadline: asking again is no help */
		r = err_set(e, ERR_LIMIT, "the query was stopped: not done after %lld s",
			    (long long)settings->query_s);
	return r;
}

/* The reply of what failed: a status, when nothing was sent yet; else the client gets less than it
 * was promised, and knows. */
static void reply_failure(struct querying *q, const struct err *e)
{
	struct err ignored = { 0 };
	struct json_out o = json_out(&q->text);

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

static void report(const struct querying *q, const struct duck_run_result *result,
		   const struct err *e)
{
	AUTO_BUF struct buf tables = BUF_INIT(BUF_OWN_MAX);
	char sha256[HASH_HEX_MAX];

	hash_text(HASH_SHA256, bytes_of(q->sql), sha256);
	for (size_t i = 0; i < q->plan.count; i++)
		buf_addf(&tables, "%s%s", i ? "," : "", q->plan.tables[i].table.id);
	log_event(LOG_INFO, "query",
		  "user=%s sql_sha256=%.16s tables=%s rows=%lld bytes=%lld ms=%lld verdict=%s%s%s",
		  q->by.email, sha256, buf_str(&tables), (long long)result->rows,
		  (long long)query_bytes(&q->plan), (long long)(time_monotonic() - q->started),
		  e->code ? err_word(e->code) : "done", e->code ? " error=" : "",
		  e->code ? e->msg : "");
}

static void query_aside(struct http_in *in, void *state)
{
	AUTO(querying_auto) struct querying *q = state;
	AUTO(worker_auto) struct query_worker worker = { 0 };
	struct duck_run_result result = { 0 };
	struct err e = { 0 };
	struct db *db = hub_read_db(q->hub, http_thread_slot(in), &e);
	int r = db ? query_pool_take(hub_queries(q->hub), q->by.user_id, &worker, &e) : e.code;

	q->in = in;
	if (r == 0) {
		q->duck = worker.duck;
		duck_room_watch(q->duck, http_client_fd(in));
		r = ask(q, &worker, db, &result, &e);
	}
	query_pool_return(hub_queries(q->hub), &worker);
	report(q, &result, &e);
	if (r < 0)
		reply_failure(q, &e);
	else
		reply_success(q, &result);
}

/* Takes the statement over. */
static int run_aside(struct request *request, char *sql, int64_t limit, struct err *e)
{
	AUTO(querying_auto) struct querying *q = xcalloc(1, sizeof(*q));
	int r;

	q->hub = request->hub;
	q->by = caller_copy(request->caller);
	q->sql = sql;
	q->limit = limit;
	q->started = time_monotonic();
	q->text.max = TEXT_MAX;
	r = http_run_aside(request->in, HTTP_ASIDE_QUERY, query_aside, q, e);
	if (r == 0)
		(void)TAKE(q); /* query_aside() frees it */
	return r;
}

int api_query(struct request *request, struct err *e)
{
	const struct json *given = json_get(request->json, "sql");
	int64_t limit = json_int(json_get(request->json, "limit"), LIMIT_DEFAULT);
	const char *sql = json_text(given);

	if (json_kind(given) != JSON_TEXT)
		return err_set(e, ERR_CORRUPT, "'sql' must be a statement as text");
	if (!sql)
		return err_set(e, ERR_USAGE, "the statement holds a NUL");
	if (strlen(sql) > QUERY_SQL_MAX)
		return err_set(e, ERR_LIMIT, "the statement is longer than %zu bytes",
			       QUERY_SQL_MAX);
	limit = limit <= 0 ? LIMIT_DEFAULT : limit > LIMIT_MAX ? LIMIT_MAX : limit;
	return run_aside(request, xstrdup(sql), limit, e);
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
	return run_aside(request, sample_sql(request->params[0], rows), rows, e);
}
