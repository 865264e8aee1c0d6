/* SPDX-License-Identifier: Apache-2.0 */
/* chat/completions, as OpenAI has it and many servers speak it. */
#include "base/hash.h"
#include "llm/llm-internal.h"

static void add_headers(const struct llm_settings *s, struct strv *headers)
{
	if (s->key)
		strv_addf(headers, "Authorization: Bearer %s", s->key);
}

static void add_message(struct json_out *o, const char *role, const char *text)
{
	json_open(o, NULL, '{');
	json_add_text(o, "role", role);
	json_add_text(o, "content", text);
	json_close(o);
}

/* Servers that are not told of the schema by the protocol are told in words. */
static void add_system(const struct llm_settings *s, const struct llm_question *q,
		       struct json_out *o)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&text, q->system ? q->system : "");
	if (q->request->schema && s->json != LLM_JSON_SCHEMA)
		buf_addf(&text,
			 "%sAnswer with one JSON value and nothing else. It must fit this JSON "
			 "schema:\n%s\n",
			 text.n ? "\n\n" : "", q->request->schema);
	if (text.n)
		add_message(o, "system", buf_str(&text));
}

static void add_format(const struct llm_settings *s, const char *schema, struct json_out *o)
{
	if (!schema || s->json == LLM_JSON_PROMPT)
		return;
	json_open(o, "response_format", '{');
	json_add_text(o, "type", s->json == LLM_JSON_SCHEMA ? "json_schema" : "json_object");
	if (s->json == LLM_JSON_SCHEMA) {
		json_open(o, "json_schema", '{');
		json_add_text(o, "name", "answer");
		json_add_raw(o, "schema", bytes_of(schema));
		json_close(o);
	}
	json_close(o);
}

static void add_picture(const struct llm_picture *picture, struct json_out *o)
{
	AUTO_BUF struct buf url = BUF_INIT(LLM_REQUEST_MAX);

	buf_addf(&url, "data:%s;base64,", picture->type);
	base64_add(&url, picture->contents);
	json_open(o, NULL, '{');
	json_add_text(o, "type", "image_url");
	json_open(o, "image_url", '{');
	json_add_text(o, "url", buf_str(&url));
	json_close(o);
	json_close(o);
}

/* A text and its pictures, in parts. */
static void add_parts(const struct llm_question *q, size_t from, size_t to, struct json_out *o)
{
	json_open(o, NULL, '{');
	json_add_text(o, "role", "user");
	json_open(o, "content", '[');
	for (size_t i = from; i < to; i++) {
		const struct llm_picture *pictures;
		size_t n = llm_question_pictures(q, i, &pictures);

		json_open(o, NULL, '{');
		json_add_text(o, "type", "text");
		json_add_text(o, "text", q->texts.v[i]);
		json_close(o);
		for (size_t k = 0; k < n; k++)
			add_picture(&pictures[k], o);
	}
	json_close(o);
	json_close(o);
}

/* What the same side says one after the other is one message: some servers take no two. */
static void add_messages(const struct llm_question *q, struct json_out *o)
{
	for (size_t i = 0, next; i < q->texts.n; i = next) {
		AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
		const struct llm_picture *pictures;
		size_t n = 0;

		for (next = i; next < q->texts.n && q->roles[next] == q->roles[i]; next++) {
			buf_addf(&text, "%s%s", next > i ? "\n" : "", q->texts.v[next]);
			n += llm_question_pictures(q, next, &pictures);
		}
		if (n > 0)
			add_parts(q, i, next, o);
		else
			add_message(o, q->roles[i] == LLM_USER ? "user" : "assistant",
				    buf_str(&text));
	}
}

static void build(const struct llm_settings *s, const struct llm_question *q, bool stream,
		  struct buf *out)
{
	struct json_out o = json_out(out);
	unsigned max = q->request->max_tokens ? q->request->max_tokens : LLM_MAX_TOKENS;
	/* OpenAI's newer models refuse the old name, everybody else's servers know no other. */
	bool is_openai = s->url && strstr(s->url, "api.openai.com");

	json_open(&o, NULL, '{');
	json_add_text(&o, "model", s->model);
	json_add_int(&o, is_openai ? "max_completion_tokens" : "max_tokens", max);
	json_open(&o, "messages", '[');
	add_system(s, q, &o);
	add_messages(q, &o);
	json_close(&o);
	add_format(s, q->request->schema, &o);
	if (stream) {
		json_add_bool(&o, "stream", true);
		json_open(&o, "stream_options", '{');
		json_add_bool(&o, "include_usage", true);
		json_close(&o);
	}
	json_close(&o);
}

static void read_usage(const struct json *usage, struct llm_reply *reply)
{
	const struct json *details = json_get(usage, "prompt_tokens_details");

	if (json_kind(usage) != JSON_OBJECT)
		return;
	reply->usage.input_tokens = json_int(json_get(usage, "prompt_tokens"), 0);
	reply->usage.output_tokens = json_int(json_get(usage, "completion_tokens"), 0);
	reply->usage.cache_read_tokens = json_int(json_get(details, "cached_tokens"), 0);
	reply->told_cost = json_double(json_get(usage, "cost"), reply->told_cost);
}

static void read_end(const struct json *choice, struct llm_reply *reply)
{
	const char *word = json_text(json_get(choice, "finish_reason"));

	if (!word)
		return;
	if (str_eq(word, "length"))
		reply->end = LLM_END_CUT;
	else if (str_eq(word, "content_filter"))
		reply->end = LLM_END_REFUSED;
	else
		reply->end = LLM_END_STOP;
}

static void read_model(const struct json *doc, struct llm_reply *reply)
{
	const char *model = json_text(json_get(doc, "model"));

	if (model && !reply->model)
		reply->model = xstrdup(model);
}

static int read_part(const struct json *doc, const char *member, struct llm_reply *reply,
		     struct err *e)
{
	const struct json *choice = json_at(json_get(doc, "choices"), 0);
	const struct json *message = json_get(choice, member);
	int r = llm_reply_add(reply, json_bytes(json_get(message, "content")), e);

	if (r < 0)
		return r;
	read_end(choice, reply);
	if (json_text(json_get(message, "refusal")))
		reply->end = LLM_END_REFUSED;
	read_model(doc, reply);
	read_usage(json_get(doc, "usage"), reply);
	return 0;
}

static int read_whole(const struct json *doc, struct llm_reply *reply, struct err *e)
{
	if (json_size(json_get(doc, "choices")) == 0)
		return llm_explain(doc, ERR_REMOTE, "the answer has no choices", e);
	return read_part(doc, "message", reply, e);
}

static int read_event(const struct json *doc, struct llm_reply *reply, struct err *e)
{
	if (json_kind(json_get(doc, "error")) != JSON_NONE)
		return llm_explain(doc, ERR_REMOTE, "the stream ended with an error", e);
	return read_part(doc, "delta", reply, e);
}

const struct llm_dialect llm_openai = {
	.word = "openai",
	.path = "/v1/chat/completions",
	.add_headers = add_headers,
	.build = build,
	.read_whole = read_whole,
	.read_event = read_event,
};
