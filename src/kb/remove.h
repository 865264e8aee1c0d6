/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking a document out again: its files, its summary, its part of other pages; pages that it alone
 * fed go. One transaction.
 *
 *	const struct kb_remove_options o = { .document = "policy" };
 *	AUTO_KB_REMOVE_REPORT struct kb_remove_report report = { 0 };
 *	kb_remove(kb, &o, &report, e)
 *
 * With dry_run the same is done and rolled back: what is reported is what would happen.
 */
#ifndef LARDER_KB_REMOVE_H
#define LARDER_KB_REMOVE_H

#include "kb/docs.h"
#include "kb/kb.h"

struct kb_remove_options {
	const char *document; /* doc_resolve() */
	bool keep_raw;        /* the file in raw/ stays, as one that belongs to no document */
	bool keep_empty;      /* pages without any source left stay */
	bool dry_run;
};

struct kb_remove_report {
	struct kb_doc doc;
	struct strv written, dropped; /* pages below wiki/ */
	struct strv files;            /* below the root */
	struct strv aside;            /* pages edited by hand, kept in reports/ */
};
void kb_remove_report_release(struct kb_remove_report *r);
#define AUTO_KB_REMOVE_REPORT AUTO(kb_remove_report_release)

int kb_remove(struct kb *kb, const struct kb_remove_options *options,
	      struct kb_remove_report *report, struct err *e);

#endif
