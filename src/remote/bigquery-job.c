/* SPDX-License-Identifier: Apache-2.0 */
/* A statement as a job of BigQuery's: priced, run, waited for, its rows read page by page. */
#include "remote/bigquery-internal.h"
#include "remote/bigquery-value.h"

#include "base/json-rows.h"
#include "base/time.h"
#include "base/uuid.h"
#include "net/url.h"

#include <inttypes.h>

/* As BigQuery takes them. */
#define SQL_MAX ((size_t)1 << 20)
/* A request that waits for a job is answered after so long, done or not; less than HTTP_STALL_S. */
#define WAIT_MS 10000
/* Of one page: more would be cut by BigQuery at its 20 MB anyway. */
#define PAGE_ROWS 10000
/* Pages without a row, in a row: a server that goes on like that never ends. */
#define EMPTY_PAGES_MAX 10
/* BigQuery's shortest bill for a table: a smaller limit is refused even where nothing is read. */
#define BILLED_MIN ((int64_t)10 << 20)
/* A second look at a job that failed by itself begins it anew. */
#define STARTS_MAX 3

struct job {
	struct far_session *session;
	const struct far_run *run;
	struct bytes sql;
	int64_t billed_max; /* 0: no limit */
	char id[64];        /* ours: an answer that was lost does not start it twice */
	unsigned starts;
	bool sent, complete, failed;
	char *location;
	char *page_token; /* of the next page; NULL: none */
	/* A page: its text, of which one row at a time is parsed, since a million values as objects would
	   take a thousand times their room; and what stands around the rows. */
	struct buf body;
	struct json *head, *rest;
	int64_t page_rows; /* given of it */
	bool enough;       /* a limit of the run is reached */
	struct bigquery_fields fields;
	struct bigquery_row row;
	struct duck_column *columns;
	int64_t total; /* rows of the whole result */
	struct far_result result;
};

static void job_release(struct job *j)
{
	for (size_t i = 0; j->columns && i < j->fields.n; i++)
		free(j->columns[i].type);
	free(j->columns);
	free(j->location);
	free(j->page_token);
	buf_release(&j->body);
	json_free(j->head);
	json_free(j->rest);
	bigquery_fields_release(&j->fields);
	bigquery_row_release(&j->row);
}

static void add_configuration(struct json_out *o, const struct job *j, bool dry_run)
{
	const struct far_guard *guard = j->session->guard;

	json_open(o, "configuration", '{');
	json_add_bool(o, "dryRun", dry_run);
	if (guard->until_ms && !dry_run) {
		int64_t left = guard->until_ms - time_monotonic();
		AUTO_FREE char *ms = xasprintf("%" PRId64, left > 1000 ? left : 1000);

		/* So it ends even when we do not live to say so. */
		json_add_text(o, "jobTimeoutMs", ms);
	}
	json_open(o, "query", '{');
	json_add_bytes(o, "query", j->sql);
	json_add_bool(o, "useLegacySql", false);
	if (j->billed_max) {
		AUTO_FREE char *bytes = xasprintf("%" PRId64, j->billed_max);

		json_add_text(o, "maximumBytesBilled", bytes);
	}
	json_close(o);
	json_close(o);
}

static void add_job(struct buf *out, const struct job *j, bool dry_run)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	add_configuration(&o, j, dry_run);
	json_open(&o, "jobReference", '{');
	json_add_text(&o, "projectId", j->session->project);
	if (!dry_run)
		json_add_text(&o, "jobId", j->id);
	if (j->session->location)
		json_add_text(&o, "location", j->session->location);
	json_close(&o);
	json_close(&o);
}

/* "<project>/<what>", and the job and its place where they are wanted. The caller owns it. */
static char *job_path(const struct job *j, const char *what, const char *then)
{
	AUTO_BUF struct buf path = BUF_INIT(BUF_OWN_MAX);

	url_add_segment(&path, j->session->project);
	buf_addf(&path, "/%s", what);
	if (then) {
		buf_addc(&path, '/');
		url_add_segment(&path, j->id);
		buf_adds(&path, then);
		if (j->location)
			url_add_query(&path, "location", j->location);
	}
	return buf_take(&path);
}

/* A job's own failure: what passes is tried as another job, which BigQuery's manual asks for. */
static int take_status(struct job *j, const struct json *job, struct err *e)
{
	const struct json *failed = json_get(json_get(job, "status"), "errorResult");
	int r;

	if (json_kind(failed) != JSON_OBJECT)
		return 0;
	j->failed = true;
	r = bigquery_explain(failed, 0, e);
	if (err_is_passing(r) && j->starts < STARTS_MAX) {
		j->sent = false;
		*j->id = '\0';
	}
	return r;
}

static void take_location(char **location, const struct json *job)
{
	const char *text = json_text(json_get(json_get(job, "jobReference"), "location"));

	if (text && !*location)
		*location = xstrdup(text);
}

static int find_job(struct job *j, struct err *e)
{
	AUTO_FREE char *path = job_path(j, "jobs", "");
	AUTO_JSON struct json *doc = NULL;
	const struct bigquery_call call = { .method = "GET", .path = path };
	int r = bigquery_call(j->session, &call, &doc, e);

	if (r == ERR_NOT_FOUND && !j->location)
		return err_hint(e, "name the 'location' of its tables in what is said of them");
	if (r < 0)
		return r;
	take_location(&j->location, doc);
	return take_status(j, doc, e);
}

static int start(struct job *j, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *path = job_path(j, "jobs", NULL);
	AUTO_JSON struct json *doc = NULL;
	struct bigquery_call call = { .method = "POST", .path = path, .conflict_is_fine = true };
	int r;

	if (!*j->id) {
		char uuid[UUID_TEXT_MAX];

		uuid_v7(uuid);
		(void)snprintf(j->id, sizeof(j->id), "larder_%s", uuid);
	}
	add_job(&body, j, false);
	call.body = buf_bytes(&body);
	r = bigquery_call(j->session, &call, &doc, e);
	if (r < 0)
		return r;
	take_location(&j->location, doc);
	j->sent = true;
	j->starts++;
	if (!doc) /* it was begun before, and the answer got lost */
		return find_job(j, e);
	return take_status(j, doc, e);
}

/* Is it the job that failed, and not the request for its rows? */
static int ask_job(struct job *j, struct err *e)
{
	struct err other = { 0 };

	j->failed = false;
	if (find_job(j, &other) < 0 && j->failed)
		*e = other;
	return e->code;
}

static char *results_path(const struct job *j)
{
	AUTO_FREE char *plain = job_path(j, "queries", "");
	AUTO_BUF struct buf path = BUF_INIT(BUF_OWN_MAX);
	int64_t rows = PAGE_ROWS, left = j->run->row_limit - j->result.rows;
	char text[32];

	if (j->run->row_limit && left < rows)
		rows = left > 0 ? left : 1;
	buf_adds(&path, plain);
	(void)snprintf(text, sizeof(text), "%" PRId64, rows);
	url_add_query(&path, "maxResults", text);
	(void)snprintf(text, sizeof(text), "%d", WAIT_MS);
	url_add_query(&path, "timeoutMs", text);
	url_add_query(&path, "formatOptions.useInt64Timestamp", "true");
	if (j->page_token)
		url_add_query(&path, "pageToken", j->page_token);
	return buf_take(&path);
}

static const struct json *member(const struct job *j, const char *key)
{
	const struct json *v = json_get(j->head, key);

	return v ? v : json_get(j->rest, key);
}

static int keep_head(void *ctx, const struct json *head, struct err *e)
{
	struct job *j = ctx;
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);

	json_print(head, &text, false);
	json_free(j->head);
	j->head = NULL;
	return json_parse_deep(buf_bytes(&text), BIGQUERY_ANSWER_MAX, BIGQUERY_JSON_DEPTH, &j->head,
			       e);
}

/* Reads the page's text; without `on_row` only what stands around its rows. */
static int read_page(struct job *j, int (*on_head)(void *, const struct json *, struct err *),
		     int (*on_row)(void *, const struct json *, struct err *), struct err *e)
{
	const struct json_rows_options o = { .member = "rows",
					     .row_max = BIGQUERY_ANSWER_MAX,
					     .rest_max = BIGQUERY_ANSWER_MAX,
					     .depth = BIGQUERY_JSON_DEPTH,
					     .ctx = j,
					     .on_head = on_head,
					     .on_row = on_row };
	AUTO_JSON_ROWS struct json_rows *rows = json_rows_new(&o);
	struct json *rest = NULL;
	int r = json_rows_add(rows, buf_bytes(&j->body), e);

	if (r == 0)
		r = json_rows_end(rows, &rest, e);
	if (r == 0) {
		json_free(j->rest);
		j->rest = rest;
	}
	if (r == ERR_CORRUPT)
		return err_set(e, ERR_REMOTE, "BigQuery: its answer is no JSON");
	return r;
}

/* A page of its result: 0, or 1 while the job runs. */
static int next_page(struct job *j, struct err *e)
{
	AUTO_FREE char *path = results_path(j);
	const struct bigquery_call call = { .method = "GET", .path = path, .body_to = &j->body };
	int r = bigquery_call(j->session, &call, NULL, e);

	if (r == 0)
		r = read_page(j, keep_head, NULL, e);
	if (r < 0)
		return r;
	if (!json_flag(member(j, "jobComplete"), false))
		return j->complete ? err_set(e, ERR_REMOTE, "BigQuery: a job that ended runs again")
				   : 1;
	return 0;
}

static int begin_step(void *ctx, struct err *e)
{
	struct job *j = ctx;
	int r = j->sent ? 0 : start(j, e);

	if (r < 0)
		return r;
	r = next_page(j, e);
	return r < 0 && err_is_passing(r) ? ask_job(j, e) : r;
}

static int page_step(void *ctx, struct err *e)
{
	return next_page(ctx, e);
}

/* Those whose names lie in the fields. */
static int give_columns(struct job *j, struct err *e)
{
	const struct far_run *run = j->run;

	if (bigquery_fields_read(member(j, "schema"), &j->fields, e) < 0)
		return err_in(e, "BigQuery");
	if (j->fields.n == 0)
		return err_set(e, ERR_REMOTE, "BigQuery: the result has no columns");
	j->columns = xcalloc(j->fields.n, sizeof(*j->columns));
	for (size_t i = 0; i < j->fields.n; i++) {
		AUTO_BUF struct buf type = BUF_INIT(BUF_OWN_MAX);

		bigquery_type(&j->fields.v[i], &type);
		j->columns[i].name = j->fields.v[i].name;
		j->columns[i].type = buf_take(&type);
	}
	return run->on_columns(run->ctx, j->columns, j->fields.n, e);
}

/* The head of the first page. */
static int begin_result(struct job *j, struct err *e)
{
	j->complete = true;
	if (bigquery_count(member(j, "totalRows"), "totalRows", &j->total, e) < 0)
		return e->code;
	j->result.scanned_bytes = -1;
	if (member(j, "totalBytesProcessed") &&
	    bigquery_count(member(j, "totalBytesProcessed"), "totalBytesProcessed",
			   &j->result.scanned_bytes, e) < 0)
		return e->code;
	if (json_flag(member(j, "cacheHit"), false))
		j->result.scanned_bytes = 0;
	return give_columns(j, e);
}

static int give_row(void *ctx, const struct json *json, struct err *e)
{
	struct job *j = ctx;
	const struct far_run *run = j->run;
	int64_t bytes = 0;
	int r;

	if (j->result.rows >= j->total)
		return err_set(e, ERR_REMOTE,
			       "BigQuery: more rows came than the %" PRId64 " it announced",
			       j->total);
	if (bigquery_row_read(&j->fields, json, &j->row, e) < 0)
		return err_in(e, "BigQuery");
	for (size_t i = 0; i < j->row.n; i++)
		bytes += (int64_t)j->row.v[i].n;
	j->enough = run->byte_limit && j->result.bytes + bytes > run->byte_limit;
	if (j->enough)
		return err_set(e, ERR_LIMIT, "enough");
	r = run->on_row(run->ctx, j->row.v, j->row.n, e);
	if (r < 0)
		return r;
	j->result.bytes += bytes;
	j->page_rows++;
	j->result.rows++;
	j->enough = run->row_limit && j->result.rows >= run->row_limit;
	if (j->enough)
		return err_set(e, ERR_LIMIT, "enough");
	return j->page_rows % 256 == 0 ? far_guard_check(j->session->guard, e) : 0;
}

static int skip_head(void *ctx, const struct json *head, struct err *e)
{
	(void)ctx, (void)head, (void)e; /* it was read when the page came */
	return 0;
}

/* 1 when a limit of the run is reached. */
static int give_page(struct job *j, struct err *e)
{
	int r;

	j->page_rows = 0;
	r = read_page(j, skip_head, give_row, e);
	if (!j->enough)
		return r;
	*e = (struct err){ 0 };
	return 1;
}

/* Where it goes on; ERR_REMOTE when that is where we were. */
static int take_token(struct job *j, struct err *e)
{
	const char *token = json_text(member(j, "pageToken"));

	if (token && (!*token || str_eq(token, j->page_token)))
		return err_set(e, ERR_REMOTE, "BigQuery: the next page is the one that came");
	free(j->page_token);
	j->page_token = token ? xstrdup(token) : NULL;
	return 0;
}

static int give_pages(struct job *j, struct err *e)
{
	int empty = 0, r = 0;

	for (;;) {
		r = give_page(j, e);
		empty = j->page_rows > 0 ? 0 : empty + 1;
		if (r == 0)
			r = take_token(j, e);
		if (r != 0 || !j->page_token || j->result.rows >= j->total)
			break;
		if (empty >= EMPTY_PAGES_MAX)
			return err_set(e, ERR_REMOTE, "BigQuery: %d pages had no rows", empty);
		r = bigquery_persist(j->session, page_step, j, e);
		if (r < 0)
			break;
	}
	if (r < 0)
		return r;
	if (r == 0 && j->result.rows < j->total)
		return err_set(e, ERR_REMOTE, "BigQuery: %" PRId64 " of %" PRId64 " rows came",
			       j->result.rows, j->total);
	j->result.truncated = j->result.rows < j->total;
	return 0;
}

/* Nobody will read what it finds. */
static void cancel(struct job *j)
{
	AUTO_FREE char *path = job_path(j, "jobs", "/cancel");
	const struct bigquery_call call = { .method = "POST", .path = path };

	bigquery_call_last(j->session, &call);
}

/* Does it run on, as far as we know? */
static bool may_run(const struct job *j, int r)
{
	return r < 0 && *j->id && r != ERR_USAGE && r != ERR_NOT_FOUND && r != ERR_DENIED;
}

static int render(const struct far_statement *statement, struct buf *sql, struct err *e)
{
	return far_render(statement, &bigquery_dialect, sql, e);
}

int bigquery_run(struct far_session *s, const struct far_statement *statement,
		 const struct far_run *run, struct far_result *ret_result, struct err *e)
{
	AUTO(job_release)
	struct job j = { .session = s, .run = run, .row = BIGQUERY_ROW_INIT };
	AUTO_BUF struct buf sql = BUF_INIT(SQL_MAX);
	int r = render(statement, &sql, e);

	if (r < 0)
		return r;
	j.sql = buf_bytes(&sql);
	j.location = s->location ? xstrdup(s->location) : NULL;
	j.billed_max = run->scan_max && run->scan_max < BILLED_MIN * (int64_t)statement->count
			       ? BILLED_MIN * (int64_t)statement->count
			       : run->scan_max;
	r = bigquery_persist(s, begin_step, &j, e);
	if (may_run(&j, r))
		cancel(&j);
	if (r == 0)
		r = begin_result(&j, e);
	if (r >= 0)
		r = give_pages(&j, e);
	if (r == 0)
		*ret_result = j.result;
	return r;
}

struct pricing {
	struct job job;
	struct json *doc;
};

static void pricing_release(struct pricing *p)
{
	job_release(&p->job);
	json_free(p->doc);
}

static int price_step(void *ctx, struct err *e)
{
	struct pricing *p = ctx;
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *path = job_path(&p->job, "jobs", NULL);
	struct bigquery_call call = { .method = "POST", .path = path };
	const struct json *failed;
	int r;

	json_free(p->doc);
	p->doc = NULL;
	add_job(&body, &p->job, true);
	call.body = buf_bytes(&body);
	r = bigquery_call(p->job.session, &call, &p->doc, e);
	failed = json_get(json_get(p->doc, "status"), "errorResult");
	return r == 0 && json_kind(failed) == JSON_OBJECT ? bigquery_explain(failed, 0, e) : r;
}

int bigquery_estimate(struct far_session *s, const struct far_statement *statement,
		      struct far_estimate *ret_estimate, struct err *e)
{
	AUTO(pricing_release)
	struct pricing p = { .job = { .session = s, .row = BIGQUERY_ROW_INIT } };
	AUTO_BUF struct buf sql = BUF_INIT(SQL_MAX);
	const struct json *statistics, *type;
	int64_t bytes = 0;
	int r = render(statement, &sql, e);

	if (r < 0)
		return r;
	p.job.sql = buf_bytes(&sql);
	r = bigquery_persist(s, price_step, &p, e);
	statistics = json_get(p.doc, "statistics");
	type = json_get(json_get(statistics, "query"), "statementType");
	if (r == 0 && json_text(type) && !str_eq(json_text(type), "SELECT"))
		return err_set(e, ERR_USAGE, "BigQuery takes it for another statement than SELECT");
	if (r == 0)
		r = bigquery_count(json_get(statistics, "totalBytesProcessed"),
				   "totalBytesProcessed", &bytes, e);
	if (r == 0) /* what runs next need not find it out */
		take_location(&s->location, p.doc);
	if (r == 0)
		*ret_estimate = (struct far_estimate){ .scan_bytes = bytes, .rows = -1 };
	return r;
}
