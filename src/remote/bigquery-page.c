/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a job, page by page. */
#include "remote/bigquery-job.h"

#include "base/json-rows.h"
#include "net/url.h"

#include <inttypes.h>

/* A request that waits for a job is answered after so long, done or not; less than HTTP_STALL_S. */
#define WAIT_MS 10000
/* Of one page: more would be cut by BigQuery at its 20 MB anyway. */
#define PAGE_ROWS 10000
/* Pages without a row, in a row: a server that goes on like that never ends. */
#define EMPTY_PAGES_MAX 10

static char *results_path(const struct bigquery_job *j)
{
	AUTO_FREE char *plain = bigquery_job_path(j, "queries", "");
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

static const struct json *member(const struct bigquery_job *j, const char *key)
{
	const struct json *v = json_get(j->head, key);

	return v ? v : json_get(j->rest, key);
}

static int keep_head(void *ctx, const struct json *head, struct err *e)
{
	struct bigquery_job *j = ctx;
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);

	json_print(head, &text, false);
	json_free(j->head);
	j->head = NULL;
	return json_parse_deep(buf_bytes(&text), BIGQUERY_ANSWER_MAX, BIGQUERY_JSON_DEPTH, &j->head,
			       e);
}

/* Reads the page's text; without `on_row` only what stands around its rows. */
static int read_page(struct bigquery_job *j,
		     int (*on_head)(void *, const struct json *, struct err *),
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
int bigquery_page_next(struct bigquery_job *j, struct err *e)
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

static int page_step(void *ctx, struct err *e)
{
	return bigquery_page_next(ctx, e);
}

/* Those whose names lie in the fields. */
static int give_columns(struct bigquery_job *j, struct err *e)
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
static int begin_result(struct bigquery_job *j, struct err *e)
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
	struct bigquery_job *j = ctx;
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
static int give_page(struct bigquery_job *j, struct err *e)
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
static int take_token(struct bigquery_job *j, struct err *e)
{
	const char *token = json_text(member(j, "pageToken"));

	if (token && (!*token || str_eq(token, j->page_token)))
		return err_set(e, ERR_REMOTE, "BigQuery: the next page is the one that came");
	free(j->page_token);
	j->page_token = token ? xstrdup(token) : NULL;
	return 0;
}

int bigquery_page_give_all(struct bigquery_job *j, struct err *e)
{
	int empty = 0, r = begin_result(j, e);

	if (r < 0)
		return r;
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
