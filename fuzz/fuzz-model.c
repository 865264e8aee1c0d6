/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a model's server sends: as a stream of events, as a whole answer of either kind, and as an
 * answer's text against a schema. The first byte says how the stream is cut.
 */
#include "llm/llm-internal.h"
#include "llm/shape.h"
#include "net/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const char schema[] =
	"{\"type\":\"object\",\"required\":[\"a\"],\"properties\":{\"a\":{\"type\":\"array\",\"maxItems\":2,"
	"\"items\":{\"type\":\"string\",\"enum\":[\"x\"],\"maxLength\":3}}}}";

struct reading {
	const struct llm_dialect *dialect;
	struct llm_reply reply;
};

static int on_event(void *ctx, struct bytes data, struct err *e)
{
	struct reading *r = ctx;
	AUTO_JSON struct json *doc = NULL;

	if (json_parse(data, SSE_EVENT_MAX, &doc, e) < 0)
		return 0;
	return r->dialect->read_event(doc, &r->reply, e);
}

static void read_stream(const struct llm_dialect *dialect, const struct llm_request *request,
			struct bytes text, size_t step)
{
	struct reading r = { .dialect = dialect,
			     .reply = { .text = BUF_INIT(LLM_ANSWER_MAX), .request = request } };
	AUTO_SSE struct sse sse = SSE_INIT(on_event, &r);
	struct err e = { 0 };

	for (size_t at = 0; at < text.n; at += step) {
		size_t left = text.n - at;

		if (sse_add(&sse, (struct bytes){ text.p + at, left < step ? left : step }, &e) < 0)
			break;
	}
	llm_reply_release(&r.reply);
}

static void read_whole(const struct llm_dialect *dialect, const struct llm_request *request,
		       struct bytes text)
{
	struct llm_reply reply = { .text = BUF_INIT(LLM_ANSWER_MAX), .request = request };
	AUTO_JSON struct json *doc = NULL;
	struct err e = { 0 };

	if (json_parse(text, LLM_ANSWER_MAX, &doc, &e) == 0)
		(void)dialect->read_whole(doc, &reply, &e);
	llm_reply_release(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct llm_request plain = { 0 }, with_schema = { .schema = schema };
	struct bytes text = { (const char *)p + 1, n - 1 };
	AUTO_FREE char *answer = NULL;
	AUTO_JSON struct json *wanted = NULL;
	AUTO_JSON struct json *json = NULL;
	struct err e = { 0 };
	size_t step;

	if (n < 2)
		return 0;
	step = (size_t)p[0] % 16 + 1;
	read_stream(&llm_openai, &plain, text, step);
	read_stream(&llm_anthropic, &with_schema, text, step);
	read_whole(&llm_openai, &plain, text);
	read_whole(&llm_anthropic, &plain, text);
	answer = xstrndup(text.p, text.n);
	if (json_parse(BYTES_LITERAL(schema), sizeof(schema), &wanted, &e) == 0 &&
	    shape_find_json(answer, &json, &e) == 0)
		(void)shape_check(json, wanted, &e);
	return 0;
}
