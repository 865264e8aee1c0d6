/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/bigquery-job.h"

#include "base/time.h"
#include "base/uuid.h"
#include "net/url.h"

#include <inttypes.h>

/* BigQuery's shortest bill for a table: a smaller limit is refused even where nothing is read. */
#define BILLED_MIN ((int64_t)10 << 20)
/* A second look at a job that failed by itself begins it anew. */
#define STARTS_MAX 3

void bigquery_job_release(struct bigquery_job *j)
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

static void add_configuration(struct json_out *o, const struct bigquery_job *j, bool dry_run)
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

void bigquery_job_body(const struct bigquery_job *j, bool dry_run, struct buf *out)
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
char *bigquery_job_path(const struct bigquery_job *j, const char *what, const char *then)
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
static int take_status(struct bigquery_job *j, const struct json *job, struct err *e)
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

void bigquery_job_locate(char **location, const struct json *job)
{
	const char *text = json_text(json_get(json_get(job, "jobReference"), "location"));

	if (text && !*location)
		*location = xstrdup(text);
}

static int find_job(struct bigquery_job *j, struct err *e)
{
	AUTO_FREE char *path = bigquery_job_path(j, "jobs", "");
	AUTO_JSON struct json *doc = NULL;
	const struct bigquery_call call = { .method = "GET", .path = path };
	int r = bigquery_call(j->session, &call, &doc, e);

	if (r == ERR_NOT_FOUND && !j->location)
		return err_hint(e, "name the 'location' of its tables in what is said of them");
	if (r < 0)
		return r;
	bigquery_job_locate(&j->location, doc);
	return take_status(j, doc, e);
}

static int start(struct bigquery_job *j, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *path = bigquery_job_path(j, "jobs", NULL);
	AUTO_JSON struct json *doc = NULL;
	struct bigquery_call call = { .method = "POST", .path = path, .conflict_is_fine = true };
	int r;

	if (!*j->id) {
		char uuid[UUID_TEXT_MAX];

		uuid_v7(uuid);
		(void)snprintf(j->id, sizeof(j->id), "larder_%s", uuid);
	}
	bigquery_job_body(j, false, &body);
	call.body = buf_bytes(&body);
	r = bigquery_call(j->session, &call, &doc, e);
	if (r < 0)
		return r;
	bigquery_job_locate(&j->location, doc);
	j->sent = true;
	j->starts++;
	if (!doc) /* it was begun before, and the answer got lost */
		return find_job(j, e);
	return take_status(j, doc, e);
}

/* Is it the job that failed, and not the request for its rows? */
static int ask_job(struct bigquery_job *j, struct err *e)
{
	struct err other = { 0 };

	j->failed = false;
	if (find_job(j, &other) < 0 && j->failed)
		*e = other;
	return e->code;
}

static int begin_step(void *ctx, struct err *e)
{
	struct bigquery_job *j = ctx;
	int r = j->sent ? 0 : start(j, e);

	if (r < 0)
		return r;
	r = bigquery_page_next(j, e);
	return r < 0 && err_is_passing(r) ? ask_job(j, e) : r;
}

/* Nobody will read what it finds. */
static void cancel(struct bigquery_job *j)
{
	AUTO_FREE char *path = bigquery_job_path(j, "jobs", "/cancel");
	const struct bigquery_call call = { .method = "POST", .path = path };

	bigquery_call_last(j->session, &call);
}

/* Does it run on, as far as we know? */
static bool may_run(const struct bigquery_job *j, int r)
{
	return r < 0 && *j->id && r != ERR_USAGE && r != ERR_NOT_FOUND && r != ERR_DENIED;
}

int bigquery_run(struct far_session *s, const struct far_statement *statement,
		 const struct far_run *run, struct far_result *ret_result, struct err *e)
{
	AUTO(bigquery_job_release)
	struct bigquery_job j = { .session = s, .run = run, .row = BIGQUERY_ROW_INIT };
	AUTO_BUF struct buf sql = BUF_INIT(BIGQUERY_SQL_MAX);
	int r = far_render(statement, &bigquery_dialect, &sql, e);

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
		r = bigquery_page_give_all(&j, e);
	if (r == 0)
		*ret_result = j.result;
	return r;
}
