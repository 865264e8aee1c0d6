/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking a language model: any endpoint of OpenAI's kind (chat/completions) or of Anthropic's
 * (messages), chosen by the environment.
 *
 *	if (llm_configured()) ...
 *	AUTO_LLM struct llm *llm = NULL;
 *	if (llm_new(NULL, &llm, e) < 0) ...                    the environment is wrong
 *
 *	const struct llm_message question = { .role = LLM_USER, .text = text };
 *	struct llm_request q = { .purpose = "verification", .system = rules, .messages = &question,
 *				 .count = 1, .max_tokens = 4096, .schema = schema };
 *	AUTO_LLM_ANSWER struct llm_answer answer = { 0 };
 *	r = llm_ask(llm, &q, &answer, e);                      answer.text; answer.json by a schema
 *	llm_add_totals(llm, &out, "model");                    what all calls so far took and cost
 *
 *	LARDER_LLM_URL      https://api.anthropic.com, http://localhost:11434/v1; with or without
 *	                    the call's own path
 *	LARDER_LLM_KEY      none for a server that wants none
 *	LARDER_LLM_MODEL    the name the server knows
 *	LARDER_LLM_KIND     openai, anthropic: when the address does not tell (it tells "anthropic")
 *	LARDER_LLM_JSON     schema (default), object, prompt: how an OpenAI-like server is told of
 *	                    a schema; for those that know less
 *	LARDER_LLM_TIMEOUT  seconds without a byte after which an attempt is given up (300)
 *	LARDER_LLM_PRICE    IN,OUT[,CACHE_READ[,CACHE_WRITE]]: dollars for a million tokens; without
 *	                    it costs are unknown, unless the server tells them
 *	LARDER_LLM_BUDGET_TOKENS, _CALLS, _COST   what one struct llm may use at most
 *	LARDER_LLM_RECORD   a folder: each answer is kept there, and given again to the same
 *	                    question without a call
 *	LARDER_LLM_REPLAY   1: answers come from that folder only
 *
 * What is promised: token-shaped strings are taken out of every text before it leaves. An answer
 * that was cut off (its length limit) is an error, never an answer. With a schema the answer is
 * JSON that fits it; one that does not is asked for once more, with what was wrong. A budget of
 * tokens holds as far as they can be judged before a call; calls that are under way together may
 * exceed one of dollars.
 *
 * Passing failures (offline, 429, 5xx, a stream that breaks off) are tried again by llm_ask()
 * through engine/pipeline, with Retry-After. Who has a pipeline calls llm_ask_once() in its prepare
 * and leaves that to it.
 *
 * Threads: any number may ask at once; on_text and on_restart are called by another thread than the
 * asking one, which waits. Errors: passing ones as they are; ERR_LIMIT for a cut answer and for a
 * budget that is used up; ERR_CORRUPT for an answer that is not of the schema after the repair;
 * ERR_AUTH, ERR_DENIED; ERR_FAILED when the model or its server refuses; ERR_USAGE for settings.
 */
#ifndef LARDER_LLM_LLM_H
#define LARDER_LLM_LLM_H

#include "base/json.h"
#include <stdatomic.h>

/* All texts of a question together: more than any context window of today takes (a million tokens).
 */
#define LLM_REQUEST_MAX ((size_t)8 << 20)
/* A book. */
#define LLM_ANSWER_MAX ((size_t)4 << 20)
/* Anthropic's. Further marks are left out. */
#define LLM_CACHE_MARKS_MAX 4
#define LLM_ATTEMPTS        4

struct llm;

struct llm_options {
	/* Beside those of the environment, whichever is narrower; 0: none. */
	int64_t budget_tokens, budget_calls;
	double budget_cost;        /* dollars; needs LARDER_LLM_PRICE or a server that tells */
	unsigned attempts;         /* 0: LLM_ATTEMPTS */
	const atomic_bool *cancel; /* may be NULL */
};

/* Is there an endpoint and a model (or a folder to replay from)? */
bool llm_configured(void);
/* options may be NULL. ERR_USAGE with the variable's name for what is wrong in the environment. */
int llm_new(const struct llm_options *options, struct llm **ret_llm, struct err *e);
void llm_free(struct llm *llm);
static inline void llm_auto_(struct llm **p)
{
	llm_free(*p);
}
#define AUTO_LLM AUTO(llm_auto_)
const char *llm_model(const struct llm *llm);

enum llm_role { LLM_USER, LLM_ASSISTANT };

/* "image/png", "image/jpeg", "image/gif", "image/webp": what both kinds of server take. */
struct llm_picture {
	const char *type;
	struct bytes contents;
};
/* The type by the first bytes; NULL for what no server takes. */
const char *llm_picture_type(struct bytes contents);
/* Anthropic's is 5 MB in base64, the narrowest. */
#define LLM_PICTURE_MAX ((size_t)3 << 20)

struct llm_message {
	enum llm_role role;
	const char *text;
	/* What is up to here comes again with other questions: worth keeping. A marked text stands in a message of
	 * its own; messages of one side that follow each other are sent as one. */
	bool cache;
	/* Behind the text; lent, may be NULL. A model that sees none refuses the question: ERR_FAILED. */
	const struct llm_picture *pictures;
	size_t picture_count;
};

struct llm_request {
	const char *purpose; /* a word for records: "verification", "kb summary" */
	const char *system;  /* may be NULL */
	bool cache_system;
	const struct llm_message *messages;
	size_t count;
	unsigned max_tokens; /* of the answer; 0: 4096 */
	/*
	 * A JSON schema as text (type, properties, required, items, enum, maxLength, maxItems are
	 * checked; the rest is for the model): the answer is one JSON value of it. NULL: prose.
	 */
	const char *schema;
	void *ctx;
	/* Pieces of the answer as they come; may be NULL. */
	void (*on_text)(void *ctx, struct bytes piece);
	/* What came so far counts for nothing: it is asked again. Without it, a call that broke off
	 * in the middle of an answer is not tried again. */
	void (*on_restart)(void *ctx);
};

struct llm_usage {
	int64_t calls;        /* sent, repairs included */
	int64_t replayed;     /* answered from the record */
	int64_t input_tokens; /* the cached ones included */
	int64_t cache_read_tokens, cache_write_tokens;
	int64_t output_tokens;
	double cost;       /* dollars; of the calls whose cost is known */
	bool cost_unknown; /* of some */
};

struct llm_answer {
	char *text;
	struct json *json; /* with a schema */
	char *model;       /* as the server calls it; NULL when it does not say */
	struct llm_usage usage;
	size_t redacted; /* token-shaped strings taken out of the question */
};
void llm_answer_release(struct llm_answer *answer);
#define AUTO_LLM_ANSWER AUTO(llm_answer_release)

/* `ret` is empty, and filled on success. */
int llm_ask(struct llm *llm, const struct llm_request *request, struct llm_answer *ret,
	    struct err *e);
int llm_ask_once(struct llm *llm, const struct llm_request *request, struct llm_answer *ret,
		 struct err *e);

/* So far, by all threads. */
struct llm_usage llm_totals(struct llm *llm);
/* The same as an object: model, calls, replayed, input_tokens, ..., cost_usd (null: unknown). */
void llm_add_totals(struct llm *llm, struct json_out *out, const char *key);

/* A guess before the call, four characters a token. */
int64_t llm_estimate_tokens(struct bytes text);

#endif
