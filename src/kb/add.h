/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adding documents: a batch of files, folders and URLs.
 *
 *	const struct kb_add_options o = { .inputs = &paths, .jobs = 4 };
 *	AUTO_KB_ADD_REPORT struct kb_add_report report = { 0 };
 *	kb_add(kb, &o, &report, e)
 *
 *	1. scan      the inputs in their order, folders sorted: one item each
 *	2. prefilter all are hashed in parallel (URLs fetched); what is known, and what came twice in
 *	             the batch, drops out
 *	3. prepare   in parallel, at most so many under way: copy, convert, split, digest. No lock is
 *	             held, nothing is visible. Names are given in scan order
 *	4. commit    in scan order, one transaction a document. The name is decided here by what is
 *	             registered then, which is what a serial run would have given; the rare document
 *	             whose name was foreseen otherwise is prepared again
 *
 * One item's failure stops nobody else. Killed anywhere, each document is in the wiki whole or not
 * at all. Threads: as the kb; the call blocks. Errors: what stops all of it (no disk, cancelled);
 * what stops one document is in its item.
 */
#ifndef LARDER_KB_ADD_H
#define LARDER_KB_ADD_H

#include "base/hash.h"
#include "kb/compile.h"

#include <stdatomic.h>

/* In one batch; each takes some hundred bytes until the end. */
#define KB_ADD_ITEMS_MAX 200000

enum kb_add_outcome { KB_PENDING, KB_ADDED, KB_UPDATED, KB_SKIPPED, KB_FAILED };
const char *kb_add_outcome_word(enum kb_add_outcome outcome);

struct kb_add_item {
	char *input;    /* as the report shows it */
	char *file;     /* where its bytes are; NULL for a URL until it is fetched */
	char *path;     /* its identity: relative when inside the kb, else absolute; or the URL */
	char *raw;      /* "raw/..." when it lies there already, where it then stays; else NULL */
	char *name;     /* file name */
	char *type;     /* extension */
	char *staged;   /* of a URL: its bytes in staging */
	char *doc_name; /* foreseen, then final */
	char hash[HASH_HEX_MAX];
	enum kb_add_outcome outcome;
	const char *stage; /* of a failure: "scan", "read", "convert", "compile", "commit" */
	struct err error;  /* of a failure; of what was skipped, why */
	struct strv notes; /* warnings of the converter, pages that were set aside */
	int64_t ms;
	int64_t tokens_in, tokens_out, cost_micros;
	int64_t recompile; /* the id of a document that is compiled anew from its source; else 0 */
	struct prepared *prepared;
};

struct kb_add_options {
	const struct strv *inputs;
	int64_t jobs;    /* 0: the kb's setting */
	bool dry_run;    /* says what would be added */
	bool extractive; /* no model, though one is configured */
	bool quiet;      /* no progress */
	const atomic_bool *cancel;
};

struct kb_add_report {
	struct kb_add_item *items;
	size_t n;
	size_t capacity;
	size_t added, updated, skipped, failed;
	int64_t duration_ms;
	int64_t tokens_in, tokens_out, cost_micros;
};
void kb_add_report_release(struct kb_add_report *r);
#define AUTO_KB_ADD_REPORT AUTO(kb_add_report_release)

int kb_add(struct kb *kb, const struct kb_add_options *options, struct kb_add_report *report,
	   struct err *e);

#endif
