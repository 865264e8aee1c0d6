/* SPDX-License-Identifier: Apache-2.0 */
/* What a statement would read: a dry run, which costs nothing. */
#include "remote/bigquery-job.h"

struct pricing {
	struct bigquery_job job;
	struct json *doc;
};

static void pricing_release(struct pricing *p)
{
	bigquery_job_release(&p->job);
	json_free(p->doc);
}

static int price_step(void *ctx, struct err *e)
{
	struct pricing *p = ctx;
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *path = bigquery_job_path(&p->job, "jobs", NULL);
	struct bigquery_call call = { .method = "POST", .path = path };
	const struct json *failed;
	int r;

	json_free(p->doc);
	p->doc = NULL;
	bigquery_job_body(&p->job, true, &body);
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
	AUTO_BUF struct buf sql = BUF_INIT(BIGQUERY_SQL_MAX);
	const struct json *statistics, *type;
	int64_t bytes = 0;
	int r = far_render(statement, &bigquery_dialect, &sql, e);

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
		bigquery_job_locate(&s->location, p.doc);
	if (r == 0)
		*ret_estimate = (struct far_estimate){ .scan_bytes = bytes, .rows = -1 };
	return r;
}
