/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers. Without a model an answer is the best passages of sources and pages, each with its
 * citation: nothing is said that does not stand there.
 *
 *	AUTO_KB_ANSWER struct kb_answer a = { 0 };
 *	kb_answer(kb, "what is replayed after a crash?", &a, e)
 *	kb_save_answer(kb, question, &a, &path, e)      explorations/<slug>.md, one transaction
 *
 * A saved answer is named by its question; another with that name gets "-2", "-3" ...
 */
#ifndef LARDER_KB_QUERY_H
#define LARDER_KB_QUERY_H

#include "kb/kb.h"

/* A question is a sentence or a paragraph; more is a document. */
#define KB_QUESTION_MAX ((size_t)8000)
#define KB_PASSAGES     5
#define KB_NOTHING_SAID "Nothing in this knowledge base says anything of that.\n"

struct kb_passage {
	char *link, *anchor, *title, *kind, *text;
	int64_t page;
	double score;
};

struct kb_answer {
	char *text; /* Markdown */
	struct kb_passage passages[KB_PASSAGES];
	size_t n;
	/* Of a model's answer (answer.h). */
	bool asked;       /* false: nothing was found that it could answer from */
	struct strv dead; /* citations of what is not there, taken out */
	int64_t tokens_in, tokens_out, cost_micros;
};
void kb_answer_release(struct kb_answer *a);
#define AUTO_KB_ANSWER AUTO(kb_answer_release)

/* n == 0 and a text that says so when nothing was found. ERR_USAGE for no question. */
int kb_answer(struct kb *kb, const char *question, struct kb_answer *ret, struct err *e);
/* *ret_path is below wiki/, the caller's. */
int kb_save_answer(struct kb *kb, const char *question, const struct kb_answer *a, char **ret_path,
		   struct err *e);
/* "[[sources/policy#Section]]", with the page when there is one. */
void kb_add_citation(const struct kb_passage *p, struct buf *out);

#endif
