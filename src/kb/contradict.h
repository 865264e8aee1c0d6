/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements of the wiki that cannot both be true: a model is asked about pairs of pages.
 *
 *	struct contradict_options o = { .pairs = 50, .cancel = flag };
 *	r = lint_contradictions(kb, &o, lint, e)
 *
 * A pair is two pages that share documents, that many pages do not link to what both link to, or of
 * which one links to the other; or one page that several documents feed. Those that share most come
 * first; so many that were not judged yet are asked about, each in one call. A contradiction is kept
 * when both of its quotes stand on the pages.
 *
 * A verdict is a row by the hashes of both texts, written as soon as it is there: asked again is
 * only what has changed, also after a kill, a failure or a budget that was used up. The first
 * failure that would be everybody's ends the asking; the rest is counted in lint->unjudged.
 *
 * Not in a transaction. Threads: as the kb. Errors: the db's; the model's are in lint->why.
 */
#ifndef LARDER_KB_CONTRADICT_H
#define LARDER_KB_CONTRADICT_H

#include "kb/lint.h"

/* Pairs that are looked at in one run, judged or not: bounds time, as their pages are read. */
#define CONTRADICT_CANDIDATES 4000
/* Of a page; statements behind that are not compared. */
#define CONTRADICT_PAGE_BYTES ((size_t)12000)
/* A page that so many link to says nothing of two of them. */
#define CONTRADICT_LINKS_MAX 8

struct contradict_options {
	int64_t pairs; /* to ask about; 0: none, only what is known is told */
	bool quiet;
	const atomic_bool *cancel;
};

int lint_contradictions(struct kb *kb, const struct contradict_options *options, struct kb_lint *l,
			struct err *e);

#endif
