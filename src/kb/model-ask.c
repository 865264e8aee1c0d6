/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/model-ask.h"

#include "base/hash.h"
#include "base/time.h"

/* A run that was cut short is repeated in days, not in months. */
#define KEEP_MS ((int64_t)30 * 86400 * 1000)

static char *key_of(const struct model *m, const struct model_question *q)
{
	AUTO_HASH struct hash *hash = hash_new(HASH_SHA256);
	const char *const parts[] = { m->name, q->purpose, q->system,
				      q->document ? q->document : q->text, q->schema };
	char hex[HASH_HEX_MAX];

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		hash_add(hash, parts[i], strlen(parts[i]) + 1);
	hash_hex(hash, hex);
	return xstrdup(hex);
}

static void add_tokens(struct model_digest *d, int64_t in, int64_t out, int64_t cost)
{
	d->tokens_in += in;
	d->tokens_out += out;
	d->cost_micros += cost;
}

/* 1 when it was answered before. */
static int recall(struct model *m, const char *key, struct model_digest *d, struct json **ret,
		  struct err *e)
{
	AUTO_FREE char *value = NULL;
	AUTO_JSON struct json *doc = NULL;
	AUTO_JSON struct json *answer = NULL;
	const char *text;
	struct err ignored = { 0 };
	int r;

	pthread_mutex_lock(&m->lock);
	r = compile_memo_get(root_db(m->root), key, &value, e);
	pthread_mutex_unlock(&m->lock);
	if (r < 0 || !value)
		return r;
	if (json_parse(bytes_of(value), LLM_ANSWER_MAX * 2, &doc, &ignored) < 0)
		return 0; /* it is asked again */
	text = json_text(json_get(doc, "answer"));
	if (!text || json_parse(bytes_of(text), LLM_ANSWER_MAX, &answer, &ignored) < 0)
		return 0;
	add_tokens(d, json_int(json_get(doc, "tokens_in"), 0),
		   json_int(json_get(doc, "tokens_out"), 0),
		   json_int(json_get(doc, "cost_micros"), 0));
	*ret = TAKE(answer);
	return 1;
}

static int64_t cost_of(const struct llm_usage *u)
{
	return (int64_t)(u->cost * 1e6 + 0.5);
}

static int remember(struct model *m, const char *key, const struct llm_answer *answer,
		    struct err *e)
{
	AUTO_BUF struct buf value = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&value);
	int r;

	json_print(answer->json, &text, false);
	json_open(&o, NULL, '{');
	json_add_text(&o, "answer", buf_str(&text));
	json_add_int(&o, "tokens_in", answer->usage.input_tokens);
	json_add_int(&o, "tokens_out", answer->usage.output_tokens);
	json_add_int(&o, "cost_micros", cost_of(&answer->usage));
	json_close(&o);
	pthread_mutex_lock(&m->lock);
	r = compile_memo_put(root_db(m->root), key, buf_str(&value), e);
	pthread_mutex_unlock(&m->lock);
	return r;
}

int model_ask(struct model *m, const struct model_question *q, struct model_digest *d,
	      struct json **ret_answer, struct err *e)
{
	const struct llm_message messages[] = {
		{ .role = LLM_USER, .text = q->document, .cache = true },
		{ .role = LLM_USER, .text = q->text },
	};
	bool parted = q->document != NULL;
	const struct llm_request request = {
		.purpose = q->purpose,
		.system = q->system,
		.cache_system = true,
		.messages = parted ? messages : messages + 1,
		.count = parted ? 2 : 1,
		.max_tokens = q->max_tokens,
		.schema = q->schema,
	};
	AUTO_LLM_ANSWER struct llm_answer answer = { 0 };
	AUTO_FREE char *key = key_of(m, q);
	int r = recall(m, key, d, ret_answer, e);

	strv_add(&d->keys, key);
	if (r != 0)
		return r < 0 ? r : 0;
	r = llm_ask_once(m->llm, &request, &answer, e);
	if (r == 0)
		r = remember(m, key, &answer, e);
	if (r < 0)
		return err_in(e, "%s", q->purpose);
	add_tokens(d, answer.usage.input_tokens, answer.usage.output_tokens,
		   cost_of(&answer.usage));
	*ret_answer = TAKE(answer.json);
	return 0;
}

int model_forget_old(struct model *m, struct err *e)
{
	struct db *db = root_db(m->root);
	AUTO_TX struct db *tx = NULL;
	int64_t before = time_now() - KEEP_MS, old = 0;
	int r = db_get_int(db, &old, 0, e, "SELECT 1 FROM kb_work WHERE made_ms<?1 LIMIT 1", "i",
			   before);

	if (r < 0 || !old)
		return r;
	r = db_begin_tx(db, &tx, e);
	if (r == 0)
		r = db_exec(db, e, "DELETE FROM kb_work WHERE made_ms<?1", "i", before);
	return r < 0 ? r : db_commit(db, e);
}
