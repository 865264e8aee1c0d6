/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of the model client.
 *
 *	settings.c              the environment
 *	openai.c, anthropic.c   a question as that server takes it, its answer as we take it
 *	call.c                  one request over HTTP, whole or as a stream
 *	record.c                answers kept, and given again
 *	budget.c                what was used, and what may still be
 *	llm.c                   all of it in order; retries, schema, repair
 */
#ifndef LARDER_LLM_LLM_INTERNAL_H
#define LARDER_LLM_LLM_INTERNAL_H

#include "base/str.h"
#include "llm/llm.h"
#include "net/http-client.h"
#include <pthread.h>

#define LLM_MAX_TOKENS 4096

enum llm_json { LLM_JSON_SCHEMA, LLM_JSON_OBJECT, LLM_JSON_PROMPT };

struct llm_dialect;

struct llm_settings {
	const struct llm_dialect *dialect;
	char *url; /* of the call; NULL when only the record answers */
	char *key; /* NULL: none */
	char *model;
	char *record; /* a folder; NULL: none */
	bool replay_only;
	enum llm_json json;
	int64_t timeout_s;
	bool has_price;
	double price[4]; /* dollars for a million: in, out, cache read, cache write */
	int64_t budget_tokens, budget_calls; /* 0: none */
	double budget_cost;
};
int llm_settings_read(struct llm_settings *ret, struct err *e);
void llm_settings_release(struct llm_settings *s);
/* Dollars for these tokens; false when no price is known. */
bool llm_settings_price(const struct llm_settings *s, const struct llm_usage *u, double *ret_cost);

/* A question whose texts are redacted, and to which a repair may have been added. */
struct llm_question {
	const struct llm_request *request;
	char *system; /* NULL: none */
	struct strv texts;
	enum llm_role *roles;
	bool *cache;
	size_t redacted;
};

enum llm_end { LLM_END_NONE, LLM_END_STOP, LLM_END_CUT, LLM_END_REFUSED };

/* The pictures of the i-th text; none of those that were added. */
static inline size_t llm_question_pictures(const struct llm_question *q, size_t i,
					   const struct llm_picture **ret)
{
	const struct llm_message *m = i < q->request->count ? &q->request->messages[i] : NULL;

	*ret = m ? m->pictures : NULL;
	return m ? m->picture_count : 0;
}

/* What either kind of server says. */
struct llm_reply {
	struct buf text; /* with a schema: the JSON */
	enum llm_end end;
	char *model;
	struct llm_usage usage;
	double told_cost; /* negative: not told */
	/* While a stream comes. */
	const struct llm_request *request;
	bool gave_text; /* on_text was called */
};
void llm_reply_release(struct llm_reply *r);
/* Appends, and hands it on. */
int llm_reply_add(struct llm_reply *r, struct bytes piece, struct err *e);

struct llm_dialect {
	const char *word;
	const char *path; /* "/v1/chat/completions": what of it an address lacks is added */
	void (*add_headers)(const struct llm_settings *s, struct strv *headers);
	void (*build)(const struct llm_settings *s, const struct llm_question *q, bool stream,
		      struct buf *out);
	int (*read_whole)(const struct json *doc, struct llm_reply *reply, struct err *e);
	/* One event of a stream. */
	int (*read_event)(const struct json *doc, struct llm_reply *reply, struct err *e);
};
extern const struct llm_dialect llm_openai, llm_anthropic;

/* {"error": {"message": ...}} of either kind into *e; `otherwise` when it has none. */
int llm_explain(const struct json *doc, enum err_code code, const char *otherwise, struct err *e);

int llm_call(struct http_client *client, const struct llm_settings *s, const struct llm_question *q,
	     struct llm_reply *ret, struct err *e);

/* What is kept of an answer. */
struct llm_recorded {
	char *text;
	char *model;
	struct llm_usage usage;
};
void llm_recorded_release(struct llm_recorded *r);
/* The name of a question: SHA-256 of what would be sent. */
void llm_record_key(const struct llm_settings *s, const struct llm_question *q, struct buf *out);
/* 1 and the answer, 0 when there is none. */
int llm_record_find(const struct llm_settings *s, const char *key, struct llm_recorded *ret,
		    struct err *e);
int llm_record_keep(const struct llm_settings *s, const struct llm_question *q, const char *key,
		    const struct llm_recorded *answer, struct err *e);

struct llm_budget {
	pthread_mutex_t lock;
	int64_t tokens, calls; /* limits; 0 none */
	double cost;
	int64_t reserved; /* tokens of calls under way */
	struct llm_usage used;
};
/* Sets `tokens` aside; ERR_LIMIT when that would be too many. */
int llm_budget_take(struct llm_budget *b, int64_t tokens, struct err *e);
/* Gives the reserve back and counts what was used. */
void llm_budget_settle(struct llm_budget *b, int64_t tokens, const struct llm_usage *used);

void llm_usage_add(struct llm_usage *sum, const struct llm_usage *u);

#endif
