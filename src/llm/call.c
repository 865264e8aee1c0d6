/* SPDX-License-Identifier: Apache-2.0 */
/* One request over HTTP, and what its answer says, whole or event by event. */
#include "base/log.h"
#include "base/time.h"
#include "llm/llm-internal.h"
#include "net/sse.h"
#include "sessions/redact.h"

/* A hundred of the largest context windows there are. */
#define TOKENS_MAX ((int64_t)100 * 1000 * 1000)

void llm_reply_release(struct llm_reply *r)
{
	buf_release(&r->text);
	free(r->model);
	r->model = NULL;
}

int llm_reply_add(struct llm_reply *r, struct bytes piece, struct err *e)
{
	if (piece.n == 0)
		return 0;
	buf_add(&r->text, piece.p, piece.n);
	if (r->text.full)
		return err_set(e, ERR_LIMIT, "the model's answer is over %zu bytes",
			       LLM_ANSWER_MAX);
	if (r->request->on_text) {
		r->gave_text = true;
		r->request->on_text(r->request->ctx, piece);
	}
	return 0;
}

/* Servers quote the key that they refuse. */
int llm_explain(const struct json *doc, enum err_code code, const char *otherwise, struct err *e)
{
	const char *said = json_text(json_get(json_get(doc, "error"), "message"));
	AUTO_BUF struct buf plain = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf clean = BUF_INIT(BUF_OWN_MAX);

	(void)redact_text(bytes_of(said ? said : otherwise), &plain);
	text_add_clean(&clean, buf_bytes(&plain));
	return err_set(e, code, "the model's server: %.350s", buf_str(&clean));
}

/* A refusal is the server's word, not a mistake of who typed the command. */
static enum err_code code_of(int code)
{
	switch (code) {
	case ERR_USAGE:
	case ERR_NOT_FOUND:
	case ERR_CONFLICT:
	case ERR_CORRUPT:
	case ERR_LIMIT:
		return ERR_FAILED;
	default:
		return (enum err_code)code;
	}
}

static int refuse(const struct http_reply *http, struct err *e)
{
	AUTO_JSON struct json *doc = NULL;
	struct err ignored = { 0 };
	AUTO_FREE char *otherwise = NULL;
	int code = http_expect(http, 200, e), retry_after = e->retry_after;

	if (http->status >= 300 && http->status < 400)
		return code;
	(void)json_parse(buf_bytes(&http->body), LLM_ANSWER_MAX, &doc, &ignored);
	otherwise = xasprintf("%.300s", e->msg);
	code = llm_explain(doc, code_of(code), otherwise, e);
	e->retry_after = retry_after;
	if (code == ERR_AUTH || code == ERR_DENIED)
		return err_hint(e, "look at LARDER_LLM_KEY");
	if (http->status == 404)
		return err_hint(e, "look at LARDER_LLM_URL and LARDER_LLM_MODEL");
	return code;
}

struct stream {
	const struct llm_settings *settings;
	struct llm_reply *reply;
	struct sse sse;
	int64_t bytes;
};

static int on_event(void *ctx, struct bytes data, struct err *e)
{
	struct stream *s = ctx;
	AUTO_JSON struct json *doc = NULL;

	if (bytes_equal(data, BYTES_LITERAL("[DONE]")))
		return 0;
	if (json_parse(data, SSE_EVENT_MAX, &doc, e) < 0)
		return err_set(e, ERR_REMOTE, "the model's stream holds what is no JSON");
	return s->settings->dialect->read_event(doc, s->reply, e);
}

static int on_head(void *ctx, const struct http_reply *http, struct err *e)
{
	(void)ctx;
	(void)e;
	return http->status == 200 && http->content_type &&
	       str_starts(http->content_type, "text/event-stream");
}

static int on_body(void *ctx, const void *p, size_t n, struct err *e)
{
	struct stream *s = ctx;

	/* Empty events without end are no answer either. */
	s->bytes += (int64_t)n;
	if (s->bytes > (int64_t)LLM_ANSWER_MAX * 64)
		return err_set(e, ERR_LIMIT, "the model's stream does not end");
	return sse_add(&s->sse, (struct bytes){ p, n }, e);
}

static void stream_release(struct stream *s)
{
	sse_release(&s->sse);
}

static int read_whole(const struct llm_settings *s, const struct http_reply *http,
		      struct llm_reply *ret, struct err *e)
{
	AUTO_JSON struct json *doc = NULL;

	if (json_parse(buf_bytes(&http->body), LLM_ANSWER_MAX, &doc, e) < 0)
		return err_set(e, ERR_REMOTE, "what came from '%s' is no JSON: %.200s", s->url,
			       e->msg);
	return s->dialect->read_whole(doc, ret, e);
}

/* What no call can have used is a lie, or a mistake: sums of it must not overflow. */
static void clamp(int64_t *tokens)
{
	if (*tokens < 0 || *tokens > TOKENS_MAX)
		*tokens = 0;
}

/* Of a server that tells no tokens they are guessed, so that budgets still hold. */
static void settle_usage(const struct llm_settings *s, struct bytes body, struct llm_reply *ret)
{
	struct llm_usage *u = &ret->usage;

	u->calls = 1;
	clamp(&u->input_tokens);
	clamp(&u->output_tokens);
	clamp(&u->cache_read_tokens);
	clamp(&u->cache_write_tokens);
	if (u->input_tokens <= 0)
		u->input_tokens = llm_estimate_tokens(body);
	if (u->output_tokens <= 0)
		u->output_tokens = llm_estimate_tokens(buf_bytes(&ret->text));
	if (ret->told_cost >= 0)
		u->cost = ret->told_cost;
	else
		u->cost_unknown = !llm_settings_price(s, u, &u->cost);
}

static int check_end(const struct llm_question *q, const struct llm_reply *ret, struct err *e)
{
	unsigned max = q->request->max_tokens ? q->request->max_tokens : LLM_MAX_TOKENS;

	switch (ret->end) {
	case LLM_END_STOP:
		return 0;
	case LLM_END_CUT:
		return err_set(e, ERR_LIMIT, "the model's answer was cut off at %u tokens", max);
	case LLM_END_REFUSED:
		return err_set(e, ERR_FAILED, "the model declined to answer");
	case LLM_END_NONE:
		break;
	}
	return err_set(e, ERR_OFFLINE, "the model's answer broke off");
}

static int send(struct http_client *client, struct stream *stream, struct bytes body, struct err *e)
{
	const struct llm_settings *s = stream->settings;
	AUTO_HTTP_REPLY struct http_reply http = HTTP_REPLY_INIT;
	AUTO_STRV struct strv headers = STRV_INIT;
	struct http_request request = {
		.method = "POST",
		.url = s->url,
		.content_type = "application/json",
		.body = body,
		.max_body = LLM_ANSWER_MAX,
		.headers = &headers,
		.ctx = stream,
		.on_head = on_head,
		.on_body = on_body,
	};
	int r;

	s->dialect->add_headers(s, &headers);
	r = http_request(client, &request, &http, e);
	if (r < 0)
		return r;
	if (http.status != 200)
		return refuse(&http, e);
	return stream->bytes > 0 ? 0 : read_whole(s, &http, stream->reply, e);
}

int llm_call(struct http_client *client, const struct llm_settings *s, const struct llm_question *q,
	     struct llm_reply *ret, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(LLM_REQUEST_MAX * 2);
	AUTO(stream_release)
	struct stream stream = { .settings = s, .reply = ret, .sse = SSE_INIT(on_event, &stream) };
	int64_t started = time_monotonic();
	int r;

	ret->request = q->request;
	ret->told_cost = -1;
	s->dialect->build(s, q, q->request->on_text != NULL, &body);
	if (body.full)
		return err_set(e, ERR_LIMIT, "the question to the model is over %zu bytes",
			       body.max);
	r = send(client, &stream, buf_bytes(&body), e);
	if (r == 0)
		r = check_end(q, ret, e);
	/* A cut answer was paid for, too. */
	if (r == 0 || ret->end != LLM_END_NONE)
		settle_usage(s, buf_bytes(&body), ret);
	trace_event(
		"model", started,
		"\"purpose\":\"%s\",\"model\":\"%s\",\"input\":%lld,\"output\":%lld,\"code\":%d",
		q->request->purpose ? q->request->purpose : "", s->model,
		(long long)ret->usage.input_tokens, (long long)ret->usage.output_tokens, r);
	return r;
}
