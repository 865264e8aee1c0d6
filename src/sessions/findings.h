/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was learned in a session: corrections, confirmations and definitions, each with the words it
 * was said in and the line it was said on.
 *
 *	findings_by_rules(&turns, &findings)              without a model: docs/knowledge.md says how
 *	findings_by_model(llm, &turns, &findings, e)      with one; any failure is an error. One
 *	                                                  attempt: repeating is the pipeline's
 *
 * A model's finding whose quote is in no turn of a user is dropped: it is no evidence. Its
 * confidence is not asked for. Pure but for the model. Ownership: texts belong to the findings.
 */
#ifndef LARDER_SESSIONS_FINDINGS_H
#define LARDER_SESSIONS_FINDINGS_H

#include "base/str.h"
#include "llm/llm.h"
#include "sessions/turns.h"

/* One session teaches a handful of things; more is a machine talking, or a text that was pasted. */
#define FINDINGS_MAX 50
/* The newest turns that a model is shown. */
#define FINDINGS_MODEL_TURNS 100

struct finding {
	const char
		*detection; /* a literal: "correction", "confirmation", "unprompted_definition" */
	char *title;
	char *content;
	char *quote;
	const char *domain; /* a literal of finding_domains */
	struct strv entities;
	int64_t line;
};

struct findings {
	struct finding *v;
	size_t n;
	size_t capacity;
	size_t unproven; /* dropped for their quotes */
};
void findings_release(struct findings *f);
#define AUTO_FINDINGS AUTO(findings_release)
/* The next one, empty, to be filled; NULL when there are FINDINGS_MAX. */
struct finding *findings_next(struct findings *f);

/* finance, engineering, product, data, operations, infrastructure; NULL-terminated. */
extern const char *const finding_domains[];
const char *finding_domain(const char *word);       /* the literal, or NULL */
const char *finding_guess_domain(const char *text); /* by its words; "data" when none tells */
/* Names in a text: `code`, snake_case, CamelCase, ACRONYMS, capitalised words within a sentence. */
void finding_add_entities(const char *text, struct strv *out);

void findings_by_rules(const struct turns *turns, struct findings *out);
int findings_by_model(struct llm *llm, const struct turns *turns, struct findings *out,
		      struct err *e);

#endif
