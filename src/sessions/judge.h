/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which known items a new one contradicts, as a model sees it: one question for all candidates of
 * the domain. An id that was not among them is dropped.
 *
 * Errors: those of llm_ask_once(). Threads: none of its own.
 */
#ifndef LARDER_SESSIONS_JUDGE_H
#define LARDER_SESSIONS_JUDGE_H

#include "llm/llm.h"
#include "sessions/findings.h"

struct judgement {
	char *candidate; /* the other item's id */
	char *explanation;
	char *severity;
	char *suggestion;
};

struct judgements {
	struct judgement *v;
	size_t n;
};
void judgements_release(struct judgements *j);

/* candidates: a JSON array of {"id", "title", "content"}. */
int judge_contradictions(struct llm *llm, const struct finding *finding, struct bytes candidates,
			 struct judgements *ret, struct err *e);

#endif
