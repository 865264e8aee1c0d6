/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files of the compiler that asks a model: the questions, and the memory of answers.
 *
 *	model-ask.c      one question: from memory, else from the model
 *	model-text.c     what is asked: the document, the pages, the rules, the schemas
 *	model-read.c     what an answer says
 *	model.c          the compiler
 */
#ifndef LARDER_KB_MODEL_ASK_H
#define LARDER_KB_MODEL_ASK_H

#include "kb/compile.h"
#include "kb/model-read.h"
#include "llm/llm.h"

#include <pthread.h>

struct model {
	struct compiler compiler; /* first: it is given out */
	char *name;
	struct llm *llm;
	pthread_mutex_t lock; /* for the root, whose database remembers answers */
	struct root *root;
};

/* All that is known of one document. */
struct model_digest {
	char *description;
	struct model_points points; /* of the summary */
	char **summaries;           /* of sections; NULL where there is none */
	size_t summary_count;
	struct model_plan plan;
	struct strv keys; /* of the answers in memory, which go with the commit */
	int64_t tokens_in, tokens_out, cost_micros;
};
void model_digest_free(void *digest);

struct model_question {
	const char *purpose;
	const char *system; /* the same for every document */
	/*
	 * What comes first and again with the next questions: the document. By it the answer is remembered,
	 * not by pages of the wiki, which others change meanwhile. NULL: all of the text is the document.
	 */
	const char *document;
	const char *text;
	const char *schema;
	unsigned max_tokens;
};
/* The answer's JSON, the caller's; its tokens are added to the digest. */
int model_ask(struct model *m, const struct model_question *q, struct model_digest *d,
	      struct json **ret_answer, struct err *e);
/* Answers that no run came back for. */
int model_forget_old(struct model *m, struct err *e);

extern const char model_schema_summary[];
extern const char model_schema_plan[];
extern const char model_schema_write[];

/* The rules: what a wiki is, its language, AGENTS.md of this one. */
int model_add_rules(const struct compile_input *in, struct buf *out, struct err *e);
/* Sections as "[12] Title" and their text. */
void model_add_sections(const struct compile_input *in, size_t from, size_t to, struct buf *out);
/* The end of the part that begins with that section. */
size_t model_part_end(const struct sections *s, size_t from);
/* The document for the later questions: all of it, or of a long one what was said of it. */
void model_add_document(const struct compile_input *in, const struct model_digest *d,
			struct buf *out);
/* The nearest concept and entity pages. */
int model_add_candidates(const struct compile_input *in, const struct model_digest *d,
			 struct buf *out, struct err *e);
/* The planned pages as "[0] Title", with what those that are there say without this document. */
int model_add_pages(const struct compile_input *in, const struct model_digest *d, struct buf *out,
		    struct err *e);
/* 1 and the slug (the caller's) of the page that is meant: one that is there, or 0 and a new one.
 */
int model_find_page(struct db *db, const struct model_page *page, char **ret_slug, struct err *e);

#endif
