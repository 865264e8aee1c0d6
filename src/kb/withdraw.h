/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a document gave to the wiki, put in and taken out of a change.
 *
 *	contribute(c, &doc, &result, &stale, e)   summary, concept and entity pages, links
 *	withdraw(c, &doc, &how, e)        the inverse: pages that it alone fed go, of others its part
 *
 * withdraw() leaves dangling links in no page; what it gave that a person has edited is set aside.
 * The registry's row is the caller's. Inside a change.
 */
#ifndef LARDER_KB_WITHDRAW_H
#define LARDER_KB_WITHDRAW_H

#include "kb/change.h"
#include "kb/docs.h"

struct withdraw_how {
	bool keep_empty; /* pages without sources stay */
	/* What it gives now: the summary and these pages stay. NULL: it goes altogether. */
	const struct compile_result *except;
};

/* ERR_CONFLICT with the edit's number in *ret_stale when an EDIT_REWRITE was made from another
 * version of its page: nothing was written of that edit, and the change must be given up. */
int contribute(struct change *c, const struct kb_doc *doc, const struct compile_result *result,
	       size_t *ret_stale, struct err *e);
int withdraw(struct change *c, const struct kb_doc *doc, const struct withdraw_how *how,
	     struct err *e);

/*
 * Rewrites links that mean a page but for case, width, '_' and '-', and takes those away that mean
 * none; pages of `planned` (may be NULL) count as there. `out` gets the text.
 */
int strip_ghosts(struct change *c, struct bytes text, const struct compile_result *planned,
		 struct buf *out, struct err *e);

#endif
