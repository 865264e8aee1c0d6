/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/llm.h"

#include "engine/pipeline.h"
#include "llm/llm-internal.h"
#include "llm/shape.h"
#include "sessions/redact.h"

/* Connections that are kept for the next call; more threads than that open anew. */
/* Of a large one; servers scale them down. */
#define PICTURE_TOKENS 1600
#define CLIENTS_KEPT   16

struct llm {
	struct llm_settings settings;
	struct llm_budget budget;
	const atomic_bool *cancel;
	unsigned attempts;
	pthread_mutex_t lock; /* for clients */
	struct http_client *clients[CLIENTS_KEPT];
	size_t idle;
};

static int64_t narrower(int64_t a, int64_t b)
{
	return a && (!b || a < b) ? a : b;
}

static double less_of(double a, double b)
{
	return a > 0 && (b <= 0 || a < b) ? a : b;
}

int llm_new(const struct llm_options *options, struct llm **ret_llm, struct err *e)
{
	static const struct llm_options defaults = { 0 };
	const struct llm_options *o = options ? options : &defaults;
	AUTO_LLM struct llm *llm = xcalloc(1, sizeof(*llm));
	int r;

	pthread_mutex_init(&llm->lock, NULL);
	pthread_mutex_init(&llm->budget.lock, NULL);
	r = llm_settings_read(&llm->settings, e);
	if (r < 0)
		return r;
	llm->cancel = o->cancel;
	llm->attempts = o->attempts ? o->attempts : LLM_ATTEMPTS;
	llm->budget.tokens = narrower(o->budget_tokens, llm->settings.budget_tokens);
	llm->budget.calls = narrower(o->budget_calls, llm->settings.budget_calls);
	llm->budget.cost = less_of(o->budget_cost, llm->settings.budget_cost);
	*ret_llm = TAKE(llm);
	return 0;
}

void llm_free(struct llm *llm)
{
	if (!llm)
		return;
	for (size_t i = 0; i < llm->idle; i++)
		http_client_free(llm->clients[i]);
	llm_settings_release(&llm->settings);
	pthread_mutex_destroy(&llm->lock);
	pthread_mutex_destroy(&llm->budget.lock);
	free(llm);
}

const char *llm_model(const struct llm *llm)
{
	return llm->settings.model;
}

const char *llm_picture_type(struct bytes b)
{
	static const struct {
		const char *begin, *type;
		size_t n;
	} known[] = {
		{ "\x89PNG\r\n\x1a\n", "image/png", 8 },
		{ "\xff\xd8\xff", "image/jpeg", 3 },
		{ "GIF8", "image/gif", 4 },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (b.n > known[i].n && memcmp(b.p, known[i].begin, known[i].n) == 0)
			return known[i].type;
	if (b.n > 12 && memcmp(b.p, "RIFF", 4) == 0 && memcmp(b.p + 8, "WEBP", 4) == 0)
		return "image/webp";
	return NULL;
}

int64_t llm_estimate_tokens(struct bytes text)
{
	return (int64_t)(text.n + 3) / 4;
}

void llm_answer_release(struct llm_answer *answer)
{
	free(answer->text);
	free(answer->model);
	json_free(answer->json);
	*answer = (struct llm_answer){ 0 };
}

static struct http_client *take_client(struct llm *llm)
{
	struct http_client_options o = { .cancel = llm->cancel,
					 .stall_s = (long)llm->settings.timeout_s };
	struct http_client *client = NULL;

	pthread_mutex_lock(&llm->lock);
	if (llm->idle > 0)
		client = llm->clients[--llm->idle];
	pthread_mutex_unlock(&llm->lock);
	return client ? client : http_client_new(&o);
}

static void give_client(struct llm *llm, struct http_client *client)
{
	pthread_mutex_lock(&llm->lock);
	if (llm->idle < CLIENTS_KEPT)
		llm->clients[llm->idle++] = TAKE(client);
	pthread_mutex_unlock(&llm->lock);
	http_client_free(client);
}

static void add_text(struct llm_question *q, enum llm_role role, const char *text, bool cache)
{
	AUTO_BUF struct buf clean = BUF_INIT(BUF_OWN_MAX);

	q->redacted += redact_text(bytes_of(text), &clean);
	q->roles[q->texts.n] = role;
	q->cache[q->texts.n] = cache;
	strv_adopt(&q->texts, buf_take(&clean));
}

static void question_release(struct llm_question *q)
{
	free(q->system);
	free(q->roles);
	free(q->cache);
	strv_release(&q->texts);
}

/* As they are sent. */
static size_t picture_bytes(const struct llm_message *m)
{
	size_t bytes = 0;

	for (size_t i = 0; i < m->picture_count; i++)
		bytes += m->pictures[i].contents.n / 3 * 4 + 4;
	return bytes;
}

/* Two places more than it has, for a repair. */
static int question_init(const struct llm_request *request, struct llm_question *q, struct err *e)
{
	AUTO_BUF struct buf system = BUF_INIT(BUF_OWN_MAX);
	size_t bytes = request->system ? strlen(request->system) : 0;

	for (size_t i = 0; i < request->count; i++)
		bytes += strlen(request->messages[i].text) + picture_bytes(&request->messages[i]);
	if (bytes > LLM_REQUEST_MAX)
		return err_set(e, ERR_LIMIT,
			       "the question to the model has %zu bytes, the limit is %zu", bytes,
			       LLM_REQUEST_MAX);
	*q = (struct llm_question){ .request = request };
	q->roles = xcalloc(request->count + 2, sizeof(*q->roles));
	q->cache = xcalloc(request->count + 2, sizeof(*q->cache));
	if (request->system) {
		q->redacted += redact_text(bytes_of(request->system), &system);
		q->system = buf_take(&system);
	}
	for (size_t i = 0; i < request->count; i++)
		add_text(q, request->messages[i].role, request->messages[i].text,
			 request->messages[i].cache);
	return 0;
}

static int64_t reserve_of(const struct llm_question *q)
{
	size_t bytes = q->system ? strlen(q->system) : 0;

	bytes += q->request->schema ? strlen(q->request->schema) : 0;
	for (size_t i = 0; i < q->texts.n; i++)
		bytes += strlen(q->texts.v[i]);
	for (size_t i = 0; i < q->request->count; i++)
		bytes += q->request->messages[i].picture_count * PICTURE_TOKENS * 4;
	return (int64_t)(bytes + 3) / 4 +
	       (q->request->max_tokens ? q->request->max_tokens : LLM_MAX_TOKENS);
}

/* One call, within the budget. */
static int call(struct llm *llm, const struct llm_question *q, struct llm_reply *reply,
		struct err *e)
{
	int64_t reserve = reserve_of(q);
	struct http_client *client = NULL;
	int r = llm_budget_take(&llm->budget, reserve, e);

	if (r < 0)
		return r;
	client = take_client(llm);
	r = llm_call(client, &llm->settings, q, reply, e);
	give_client(llm, client);
	llm_budget_settle(&llm->budget, reserve, &reply->usage);
	return r;
}

/* 0 and ret->json; ERR_CORRUPT for an answer that may be asked for again. */
static int read_json(const char *schema_text, const char *text, struct json **ret, struct err *e)
{
	AUTO_JSON struct json *schema = NULL;
	AUTO_JSON struct json *json = NULL;
	int r = json_parse(bytes_of(schema_text), LLM_REQUEST_MAX, &schema, e);

	if (r < 0)
		return err_set(e, ERR_FAILED, "the schema of a question is no JSON");
	r = shape_find_json(text, &json, e);
	if (r == 0)
		r = shape_check(json, schema, e);
	if (r == 0)
		*ret = TAKE(json);
	return r;
}

static void add_repair(struct llm_question *q, const char *answer, const char *why)
{
	AUTO_FREE char *text = xasprintf("That answer cannot be used: %s. Answer again, with all "
					 "of it, as JSON of the schema and nothing else.",
					 why);

	add_text(q, LLM_ASSISTANT, *answer ? answer : "(nothing)", false);
	add_text(q, LLM_USER, text, false);
}

static void take_reply(struct llm_reply *reply, struct llm_answer *ret)
{
	free(ret->text);
	free(ret->model);
	ret->text = buf_take(&reply->text);
	ret->model = TAKE(reply->model);
	llm_usage_add(&ret->usage, &reply->usage);
}

/* The answer is wrong: once more, with what was wrong about it. */
static int repair(struct llm *llm, struct llm_question *q, struct llm_answer *ret, struct err *e)
{
	AUTO(llm_reply_release) struct llm_reply reply = { .text = BUF_INIT(LLM_ANSWER_MAX) };
	const struct llm_request *request = q->request;
	int r;

	add_repair(q, ret->text, e->msg);
	if (request->on_text && request->on_restart)
		request->on_restart(request->ctx);
	r = call(llm, q, &reply, e);
	if (r < 0)
		return r;
	take_reply(&reply, ret);
	r = read_json(request->schema, ret->text, &ret->json, e);
	return r < 0 ? err_in(e, "asked twice") : 0;
}

static int ask_model(struct llm *llm, struct llm_question *q, struct llm_answer *ret,
		     bool *gave_text, struct err *e)
{
	AUTO(llm_reply_release) struct llm_reply reply = { .text = BUF_INIT(LLM_ANSWER_MAX) };
	int r = call(llm, q, &reply, e);

	*gave_text = *gave_text || reply.gave_text;
	if (r < 0)
		return r;
	take_reply(&reply, ret);
	if (!q->request->schema)
		return 0;
	r = read_json(q->request->schema, ret->text, &ret->json, e);
	return r == ERR_CORRUPT ? repair(llm, q, ret, e) : r;
}

static int take_recorded(struct llm *llm, const struct llm_request *request,
			 struct llm_recorded *recorded, struct llm_answer *ret, struct err *e)
{
	const struct llm_usage used = { .replayed = 1 };
	int r = request->schema ? read_json(request->schema, recorded->text, &ret->json, e) : 0;

	if (r < 0)
		return err_in(e, "the recorded answer");
	ret->text = TAKE(recorded->text);
	ret->model = TAKE(recorded->model);
	ret->usage = used;
	llm_budget_settle(&llm->budget, 0, &used);
	if (request->on_text)
		request->on_text(request->ctx, bytes_of(ret->text));
	return 0;
}

static int keep(struct llm *llm, const struct llm_request *request, const char *key,
		const struct llm_answer *answer, struct err *e)
{
	AUTO(question_release) struct llm_question q = { 0 };
	const struct llm_recorded recorded = { answer->text, answer->model, answer->usage };
	int r = question_init(request, &q, e); /* without a repair */

	return r < 0 ? r : llm_record_keep(&llm->settings, &q, key, &recorded, e);
}

static int ask(struct llm *llm, const struct llm_request *request, struct llm_answer *ret,
	       bool *gave_text, struct err *e)
{
	AUTO(question_release) struct llm_question q = { 0 };
	AUTO(llm_recorded_release) struct llm_recorded recorded = { 0 };
	AUTO(llm_answer_release) struct llm_answer answer = { 0 };
	AUTO_BUF struct buf key = BUF_INIT(BUF_OWN_MAX);
	int r = question_init(request, &q, e);

	if (r < 0)
		return r;
	if (llm->settings.record)
		llm_record_key(&llm->settings, &q, &key);
	r = llm_record_find(&llm->settings, buf_str(&key), &recorded, e);
	if (r < 0)
		return r;
	if (r > 0)
		r = take_recorded(llm, request, &recorded, &answer, e);
	else
		r = ask_model(llm, &q, &answer, gave_text, e);
	answer.redacted = q.redacted;
	if (r == 0 && answer.usage.replayed == 0 && llm->settings.record)
		r = keep(llm, request, buf_str(&key), &answer, e);
	if (r < 0)
		return r;
	*ret = answer;
	answer = (struct llm_answer){ 0 };
	return 0;
}

int llm_ask_once(struct llm *llm, const struct llm_request *request, struct llm_answer *ret,
		 struct err *e)
{
	bool gave_text = false;

	return ask(llm, request, ret, &gave_text, e);
}

/* One item for the pipeline, which knows when to try again. */
struct asking {
	struct llm *llm;
	const struct llm_request *request;
	struct llm_answer *ret;
	struct err error; /* the real one, where the pipeline must not try again */
	bool gave_text;
	bool stopped;
};

static int prepare(void *ctx, void *worker, size_t item, struct err *e)
{
	struct asking *a = ctx;
	const struct llm_request *request = a->request;
	int r;

	(void)worker;
	(void)item;
	if (a->gave_text)
		request->on_restart(request->ctx);
	a->gave_text = false;
	r = ask(a->llm, request, a->ret, &a->gave_text, e);
	if (r < 0 && a->gave_text && !request->on_restart) {
		a->stopped = true;
		a->error = *e;
		return err_set(e, ERR_FAILED, "an answer that was begun cannot be taken back");
	}
	return r;
}

static int commit(void *ctx, const struct pipeline_result *results, size_t count, struct err *e)
{
	const struct asking *a = ctx;

	if (count == 0 || results[0].result == 0)
		return 0;
	*e = a->stopped ? a->error : results[0].error;
	return e->code;
}

int llm_ask(struct llm *llm, const struct llm_request *request, struct llm_answer *ret,
	    struct err *e)
{
	struct asking asking = { .llm = llm, .request = request, .ret = ret };
	const struct pipeline p = {
		.ctx = &asking,
		.items = 1,
		.workers = 1,
		.attempts = llm->attempts,
		.cancel = llm->cancel,
		.prepare = prepare,
		.commit = commit,
	};

	return pipeline_run(&p, e);
}

struct llm_usage llm_totals(struct llm *llm)
{
	struct llm_usage used;

	pthread_mutex_lock(&llm->budget.lock);
	used = llm->budget.used;
	pthread_mutex_unlock(&llm->budget.lock);
	return used;
}

void llm_add_totals(struct llm *llm, struct json_out *out, const char *key)
{
	struct llm_usage u = llm_totals(llm);

	json_open(out, key, '{');
	json_add_text(out, "model", llm->settings.model);
	json_add_int(out, "calls", u.calls);
	json_add_int(out, "replayed", u.replayed);
	json_add_int(out, "input_tokens", u.input_tokens);
	json_add_int(out, "output_tokens", u.output_tokens);
	json_add_int(out, "cache_read_tokens", u.cache_read_tokens);
	json_add_int(out, "cache_write_tokens", u.cache_write_tokens);
	if (u.cost_unknown)
		json_add_null(out, "cost_usd");
	else
		json_add_double(out, "cost_usd", u.cost);
	json_close(out);
}
