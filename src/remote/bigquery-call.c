/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to BigQuery, and what their failures mean. */
#include "remote/bigquery-internal.h"

#include "engine/pipeline.h"

#include <limits.h>

/* How soon it is seen that the guard ends it. */
#define TICK_MS 100

struct meaning {
	const char *reason;
	enum err_code code;
};

/* Reasons of Google's list of errors. What is not here is known by the request's status. */
static const struct meaning meanings[] = {
	{ "accessDenied", ERR_DENIED },
	{ "billingNotEnabled", ERR_DENIED },
	{ "blocked", ERR_DENIED },
	{ "invalid", ERR_USAGE },
	{ "invalidQuery", ERR_USAGE },
	{ "notFound", ERR_NOT_FOUND },
	{ "bytesBilledLimitExceeded", ERR_LIMIT },
	{ "billingTierLimitExceeded", ERR_LIMIT },
	{ "quotaExceeded", ERR_LIMIT }, /* of a day: it does not pass while somebody waits */
	{ "resourcesExceeded", ERR_LIMIT },
	{ "responseTooLarge", ERR_LIMIT },
	{ "timeout", ERR_LIMIT },
	{ "rateLimitExceeded", ERR_BUSY },
	{ "jobRateLimitExceeded", ERR_BUSY },
	{ "tableUnavailable", ERR_BUSY },
	{ "backendError", ERR_REMOTE },
	{ "jobBackendError", ERR_REMOTE },
	{ "internalError", ERR_REMOTE },
	{ "jobInternalError", ERR_REMOTE },
	{ "stopped", ERR_FAILED }, /* by somebody at the source */
};

static enum err_code code_of(const char *reason, int otherwise)
{
	for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
		if (str_eq(meanings[i].reason, reason))
			return meanings[i].code;
	return (enum err_code)otherwise;
}

static int advise(struct err *e)
{
	if (e->code == ERR_AUTH)
		return err_hint(e, "the service account is not known there (any more)");
	if (e->code == ERR_DENIED)
		return err_hint(e, "the service account needs the roles BigQuery Job User and Data "
				   "Viewer");
	return e->code;
}

int bigquery_explain(const struct json *error, long status, struct err *e)
{
	const struct json *first = json_at(json_get(error, "errors"), 0);
	const char *reason = json_text(json_get(first ? first : error, "reason"));
	const char *message = json_text(json_get(error, "message"));
	AUTO_BUF struct buf clean = BUF_INIT(BUF_OWN_MAX);
	const struct http_reply reply = { .status = status };
	int code = status ? http_expect(&reply, 200, e) : ERR_FAILED;

	text_add_clean(&clean, bytes_of(message ? message : "it does not say why"));
	(void)err_set(e, code_of(reason, code), "BigQuery: %.400s", buf_str(&clean));
	return advise(e);
}

static int explain_reply(const struct http_reply *reply, struct err *e)
{
	AUTO_JSON struct json *doc = NULL;
	struct err ignored = { 0 };

	(void)json_parse(buf_bytes(&reply->body), BIGQUERY_ANSWER_MAX, &doc, &ignored);
	if (reply->status >= 400 && json_kind(json_get(doc, "error")) == JSON_OBJECT) {
		(void)bigquery_explain(json_get(doc, "error"), reply->status, e);
	} else {
		(void)http_expect(reply, 200, e);
		(void)err_in(e, "BigQuery");
	}
	e->retry_after = reply->retry_after;
	return e->code;
}

static int send(const struct far_session *s, struct http_client *client,
		const struct bigquery_call *call, struct http_reply *reply, struct err *e)
{
	AUTO_FREE char *url = xasprintf("%s/bigquery/v2/projects/%s", s->url, call->path);
	AUTO_FREE char *token = NULL;
	const struct http_request q = { .method = call->method,
					.url = url,
					.content_type = call->body.n ? "application/json" : NULL,
					.body = call->body,
					.accept_gzip = true,
					.max_body = BIGQUERY_ANSWER_MAX };
	struct http_request with_token = q;
	int r = google_account_token(s->account, client, &token, e);

	if (r < 0)
		return r;
	with_token.token = token;
	r = http_request(client, &with_token, reply, e);
	if (r == 0 && reply->status == 401)
		google_account_refused(s->account, token);
	return r < 0 ? err_in(e, "BigQuery") : 0;
}

int bigquery_call(struct far_session *s, const struct bigquery_call *call, struct json **ret_doc,
		  struct err *e)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	int r = send(s, s->client, call, &reply, e);

	if (r == 0 && reply.status == 401) /* a token may be withdrawn before its time */
		r = send(s, s->client, call, &reply, e);
	if (r < 0)
		return r;
	if (call->conflict_is_fine && reply.status == 409)
		return 0;
	if (reply.status != 200)
		return explain_reply(&reply, e);
	if (call->body_to) {
		buf_release(call->body_to);
		*call->body_to = reply.body;
		reply.body = (struct buf){ 0 };
		return 0;
	}
	if (json_parse_deep(buf_bytes(&reply.body), BIGQUERY_ANSWER_MAX, BIGQUERY_JSON_DEPTH,
			    ret_doc, e) < 0)
		return err_set(e, ERR_REMOTE, "BigQuery: its answer is no JSON");
	return 0;
}

void bigquery_call_last(struct far_session *s, const struct bigquery_call *call)
{
	const struct http_client_options o = { .stall_s = BIGQUERY_CANCEL_S };
	AUTO_HTTP struct http_client *client = http_client_new(&o);
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct err ignored = { 0 };

	/* If it does not arrive, the job's own time limit ends it. */
	(void)send(s, client, call, &reply, &ignored);
}

struct persisting {
	struct far_session *session;
	int (*step)(void *ctx, struct err *e);
	void *ctx;
	unsigned failures; /* in a row */
	bool waited;
	bool given_up;
	struct err error; /* then */
};

/* What waits for a job is called again after a second: the server has held the request before. */
static int wait_on(struct persisting *p, struct err *e)
{
	p->failures = 0;
	p->waited = true;
	(void)err_set(e, ERR_BUSY, "the job is still running");
	e->retry_after = 1;
	return e->code;
}

static int prepare(void *ctx, void *worker, size_t item, struct err *e)
{
	struct persisting *p = ctx;
	int r = p->step(p->ctx, e);

	(void)worker;
	(void)item;
	if (r > 0)
		return wait_on(p, e);
	if (r == 0 || !err_is_passing(r))
		return r;
	if (++p->failures < BIGQUERY_ATTEMPTS) {
		if (p->waited && !e->retry_after) /* the pipeline counts what was no failure */
			e->retry_after = 1;
		return r;
	}
	p->given_up = true;
	p->error = *e;
	return err_set(e, ERR_FAILED, "tried %d times", BIGQUERY_ATTEMPTS);
}

static int commit(void *ctx, const struct pipeline_result *results, size_t count, struct err *e)
{
	struct persisting *p = ctx;
	int r = 0;

	if (count > 0 && results[0].result < 0) {
		*e = p->given_up ? p->error : results[0].error;
		return e->code;
	}
	if (count == 0)
		r = far_guard_check(p->session->guard, e);
	if (r < 0)
		atomic_store(&p->session->stop, true);
	return r;
}

int bigquery_persist(struct far_session *s, int (*step)(void *ctx, struct err *e), void *ctx,
		     struct err *e)
{
	struct persisting persisting = { .session = s, .step = step, .ctx = ctx };
	const struct pipeline p = {
		.ctx = &persisting,
		.items = 1,
		.workers = 1,
		.attempts = UINT_MAX,
		.tick_ms = TICK_MS,
		.prepare = prepare,
		.commit = commit,
	};
	int r = far_guard_check(s->guard, e);

	return r < 0 ? r : pipeline_run(&p, e);
}

int bigquery_count(const struct json *v, const char *what, int64_t *ret_count, struct err *e)
{
	struct err ignored = { 0 };
	const char *text = json_text(v);

	if (text && parse_int64(text, 0, INT64_MAX, ret_count, &ignored) == 0)
		return 0;
	return err_set(e, ERR_REMOTE, "BigQuery: '%s' of its answer is no count", what);
}
