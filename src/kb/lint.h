/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with a wiki: every structural check, and whether the sources still say what pages
 * claim of them.
 *
 *	const struct kb_lint_options o = { .fix = true };
 *	AUTO_KB_LINT struct kb_lint lint = { 0 };
 *	kb_lint(kb, &o, &lint, e)
 *
 *	broken-link     a wiki link to no page
 *	dead-citation   a link to a section that the source does not have
 *	unsupported     a claim whose words its source does not hold any more
 *	orphan          a page without links, in or out
 *	raw-unknown     a file in raw/ that belongs to no document
 *	missing-file    a document's file that is gone
 *	edited-source   a document's file in raw/ or sources/ that was changed
 *	stale-source    the file a document was added from has changed since
 *	index           a page that is in no index, an index line to no page
 *	front-matter    YAML that is none
 *	fields          a summary, concept or entity without type or description
 *	contradiction   two statements that cannot both be true, by a model (contradict.h)
 *
 * First the database learns what people did to the pages (refresh.h). With `fix`, links that mean a
 * page are put right and those that mean none lose their brackets: one transaction. A report goes
 * to reports/lint_<time>.md, and a line to the log.
 */
#ifndef LARDER_KB_LINT_H
#define LARDER_KB_LINT_H

#include "kb/kb.h"

#include <stdatomic.h>

/* More of one kind are counted, not told. */
#define LINT_FINDINGS_MAX 1000

struct lint_finding {
	const char *check;
	char *page; /* below wiki/, or a file below the root */
	char *detail;
};

struct kb_lint {
	struct lint_finding *findings;
	size_t n, capacity;
	size_t more;  /* that were not kept */
	size_t fixed; /* pages */
	size_t documents, pages;
	size_t judged, judged_before; /* pairs of pages, for contradictions */
	size_t unjudged;              /* pairs that wait for another run */
	struct err why;               /* what ended the asking; code 0: nothing */
	int64_t tokens_in, tokens_out, cost_micros;
	char *report; /* below wiki/; NULL when none was written */
};
void kb_lint_release(struct kb_lint *l);
#define AUTO_KB_LINT AUTO(kb_lint_release)

struct kb_lint_options {
	bool fix;
	/* Pairs of pages that a model is asked about; 0: none. What was judged before is told. */
	int64_t pairs;
	bool quiet; /* no progress */
	const atomic_bool *cancel;
	bool dry_run; /* no report, no log; with fix: how many pages would be put right */
};

int kb_lint(struct kb *kb, const struct kb_lint_options *options, struct kb_lint *ret,
	    struct err *e);

#endif
