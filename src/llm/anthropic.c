/* SPDX-License-Identifier: Apache-2.0 */
/* Anthropic's messages. With a schema the model is made to use a tool of that input. */
#include "base/hash.h"
#include "llm/llm-internal.h"

#define TOOL "answer"

static void add_headers(const struct llm_settings *s, struct strv *headers)
{
	strv_add(headers, "anthropic-version: 2023-06-01");
	if (s->key)
		strv_addf(headers, "x-api-key: %s", s->key);
}

static void add_text_block(struct json_out *o, const char *text, bool cache)
{
	json_open(o, NULL, '{');
	json_add_text(o, "type", "text");
	json_add_text(o, "text", text);
	if (cache) {
		json_open(o, "cache_control", '{');
		json_add_text(o, "type", "ephemeral");
		json_close(o);
	}
	json_close(o);
}

/*
 * A tool of another shape makes all of a cache useless. Where a text is marked as coming again, with other
 * questions, the tool is the same for all of them, and the shape is told behind the question.
 */
static bool has_marks(const struct llm_question *q)
{
	for (size_t i = 0; i < q->texts.n; i++)
		if (q->cache[i])
			return true;
	return false;
}

static void add_shape(const struct llm_question *q, struct json_out *o)
{
	AUTO_FREE char *text = xasprintf("The input of the tool must fit this JSON schema:\n%s\n",
					 q->request->schema);

	add_text_block(o, text, false);
}

static void add_pictures(const struct llm_question *q, size_t i, struct json_out *o)
{
	const struct llm_picture *pictures;
	size_t n = llm_question_pictures(q, i, &pictures);

	for (size_t k = 0; k < n; k++) {
		AUTO_BUF struct buf text = BUF_INIT(LLM_REQUEST_MAX);

		base64_add(&text, pictures[k].contents);
		json_open(o, NULL, '{');
		json_add_text(o, "type", "image");
		json_open(o, "source", '{');
		json_add_text(o, "type", "base64");
		json_add_text(o, "media_type", pictures[k].type);
		json_add_text(o, "data", buf_str(&text));
		json_close(o);
		json_close(o);
	}
}

/* What the same side says one after the other is one message. */
static void add_messages(const struct llm_question *q, int marks, struct json_out *o)
{
	bool told = !q->request->schema || !has_marks(q);

	json_open(o, "messages", '[');
	for (size_t i = 0; i < q->texts.n; i++) {
		bool cache = q->cache[i] && marks-- > 0;
		bool last = i + 1 == q->texts.n;

		if (i == 0 || q->roles[i] != q->roles[i - 1]) {
			json_open(o, NULL, '{');
			json_add_text(o, "role", q->roles[i] == LLM_USER ? "user" : "assistant");
			json_open(o, "content", '[');
		}
		add_text_block(o, q->texts.v[i], cache);
		add_pictures(q, i, o);
		if (last && !told)
			add_shape(q, o);
		if (last || q->roles[i + 1] != q->roles[i]) {
			json_close(o);
			json_close(o);
		}
	}
	json_close(o);
}

static void add_tool(const char *schema, struct json_out *o)
{
	json_open(o, "tools", '[');
	json_open(o, NULL, '{');
	json_add_text(o, "name", TOOL);
	json_add_text(o, "description", "Gives the answer.");
	json_add_raw(o, "input_schema", bytes_of(schema));
	json_close(o);
	json_close(o);
	json_open(o, "tool_choice", '{');
	json_add_text(o, "type", "tool");
	json_add_text(o, "name", TOOL);
	json_close(o);
}

static void build(const struct llm_settings *s, const struct llm_question *q, bool stream,
		  struct buf *out)
{
	struct json_out o = json_out(out);
	const struct llm_request *request = q->request;
	int marks = LLM_CACHE_MARKS_MAX;

	json_open(&o, NULL, '{');
	json_add_text(&o, "model", s->model);
	json_add_int(&o, "max_tokens", request->max_tokens ? request->max_tokens : LLM_MAX_TOKENS);
	if (q->system && *q->system) {
		json_open(&o, "system", '[');
		add_text_block(&o, q->system, request->cache_system);
		json_close(&o);
		marks -= request->cache_system;
	}
	add_messages(q, marks, &o);
	if (request->schema)
		add_tool(has_marks(q) ? "{\"type\":\"object\"}" : request->schema, &o);
	if (stream)
		json_add_bool(&o, "stream", true);
	json_close(&o);
}

/* Cached tokens are counted beside the others there, and among them here. */
static void read_usage(const struct json *usage, struct llm_reply *reply)
{
	struct llm_usage *u = &reply->usage;

	if (json_kind(usage) != JSON_OBJECT)
		return;
	if (json_kind(json_get(usage, "input_tokens")) == JSON_INT) {
		u->cache_read_tokens = json_int(json_get(usage, "cache_read_input_tokens"), 0);
		u->cache_write_tokens = json_int(json_get(usage, "cache_creation_input_tokens"), 0);
		u->input_tokens = json_int(json_get(usage, "input_tokens"), 0) +
				  u->cache_read_tokens + u->cache_write_tokens;
	}
	u->output_tokens = json_int(json_get(usage, "output_tokens"), u->output_tokens);
}

static void read_end(const struct json *holder, struct llm_reply *reply)
{
	const char *word = json_text(json_get(holder, "stop_reason"));

	if (!word)
		return;
	if (str_eq(word, "max_tokens") || str_eq(word, "model_context_window_exceeded"))
		reply->end = LLM_END_CUT;
	else if (str_eq(word, "refusal"))
		reply->end = LLM_END_REFUSED;
	else
		reply->end = LLM_END_STOP;
}

static void read_model(const struct json *message, struct llm_reply *reply)
{
	const char *model = json_text(json_get(message, "model"));

	if (model && !reply->model)
		reply->model = xstrdup(model);
}

static int read_block(const struct json *block, struct llm_reply *reply, struct err *e)
{
	const char *type = json_text(json_get(block, "type"));
	AUTO_BUF struct buf text = BUF_INIT(LLM_ANSWER_MAX);

	if (str_eq(type, "text") && !reply->request->schema)
		return llm_reply_add(reply, json_bytes(json_get(block, "text")), e);
	if (!str_eq(type, "tool_use"))
		return 0;
	json_print(json_get(block, "input"), &text, false);
	return llm_reply_add(reply, buf_bytes(&text), e);
}

static int read_whole(const struct json *doc, struct llm_reply *reply, struct err *e)
{
	const struct json *content = json_get(doc, "content");
	int r = 0;

	if (json_kind(content) != JSON_ARRAY)
		return llm_explain(doc, ERR_REMOTE, "the answer has no content", e);
	for (size_t i = 0; r == 0 && i < json_size(content); i++)
		r = read_block(json_at(content, i), reply, e);
	read_end(doc, reply);
	read_model(doc, reply);
	read_usage(json_get(doc, "usage"), reply);
	return r;
}

/* Text beside the tool's input is talk. */
static int read_delta(const struct json *delta, struct llm_reply *reply, struct err *e)
{
	const char *type = json_text(json_get(delta, "type"));

	if (str_eq(type, "text_delta") && !reply->request->schema)
		return llm_reply_add(reply, json_bytes(json_get(delta, "text")), e);
	if (str_eq(type, "input_json_delta"))
		return llm_reply_add(reply, json_bytes(json_get(delta, "partial_json")), e);
	return 0;
}

static int read_event(const struct json *doc, struct llm_reply *reply, struct err *e)
{
	const char *type = json_text(json_get(doc, "type"));
	const struct json *message = json_get(doc, "message");

	if (str_eq(type, "error"))
		return llm_explain(doc, ERR_REMOTE, "the stream ended with an error", e);
	if (str_eq(type, "content_block_delta"))
		return read_delta(json_get(doc, "delta"), reply, e);
	if (str_eq(type, "message_start")) {
		read_model(message, reply);
		read_usage(json_get(message, "usage"), reply);
	} else if (str_eq(type, "message_delta")) {
		read_end(json_get(doc, "delta"), reply);
		read_usage(json_get(doc, "usage"), reply);
	}
	return 0;
}

const struct llm_dialect llm_anthropic = {
	.word = "anthropic",
	.path = "/v1/messages",
	.add_headers = add_headers,
	.build = build,
	.read_whole = read_whole,
	.read_event = read_event,
};
