/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of a language model, from passages of the knowledge base.
 *
 *	const struct kb_asker asker = { .llm = llm, .chat = id };
 *	AUTO_KB_ANSWER struct kb_answer a = { 0 };
 *	kb_answer_by_model(kb, &asker, question, &a, e)
 *
 * It begins with what search finds; then the model may ask for more, ANSWER_LOOKS times: searches,
 * pages, sections, down the tree of a source's sections (outline.h), and pictures. Then it answers, and that is streamed.
 * To a model that refuses pictures the question is put without them. A citation of
 * what does not exist is taken out of the answer and named in a.dead. a.passages are those that
 * were cited.
 *
 * Nothing is written. Threads: as the kb; on_text and on_restart as llm.h says. Errors: the llm's.
 */
#ifndef LARDER_KB_ANSWER_H
#define LARDER_KB_ANSWER_H

#include "kb/query.h"
#include "llm/llm.h"

/* Rounds in which the model may look further: each is a call. A chapter, its section, its text. */
#define ANSWER_LOOKS 3
/* What the model sees at most: some 15,000 tokens. */
#define ANSWER_PASSAGES      20
#define ANSWER_PASSAGE_BYTES ((size_t)3000)
#define ANSWER_PICTURES      4
/* Of a chat: what was said long ago is in the wiki, not in the question. */
#define ANSWER_TURNS 6

struct kb_asker {
	struct llm *llm;
	const char *chat; /* the turns that came before; may be NULL */
	void *ctx;
	void (*on_text)(void *ctx, struct bytes piece); /* may be NULL */
	void (*on_restart)(void *ctx);
};

int kb_answer_by_model(struct kb *kb, const struct kb_asker *asker, const char *question,
		       struct kb_answer *ret, struct err *e);

#endif
