/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of add: scan, fetch, prepare, commit. */
#ifndef LARDER_KB_ADD_INTERNAL_H
#define LARDER_KB_ADD_INTERNAL_H

#include "engine/turnstile.h"
#include "kb/add.h"
#include "kb/convert/convert.h"
#include "kb/docs.h"

/* A document that is ready to be committed: all its own files are staged and durable. */
struct prepared {
	char *doc_name;
	char *raw;    /* staged */
	char *source; /* staged; NULL for one that is compiled anew from the source that is there */
	char hash[HASH_HEX_MAX], source_hash[HASH_HEX_MAX];
	int64_t bytes, mtime_ns;
	struct converted converted;
	struct sections sections;
	char *title;
	bool is_staged; /* all but the digest is done: what is tried again is that */
	bool is_long;
	void *digest;
};
void prepared_free(const struct compiler *compiler, struct prepared *p);

/* Fills the report with an item for each document. Bad inputs become failed items. */
int add_scan(struct kb *kb, const struct kb_add_options *options, struct kb_add_report *report,
	     struct err *e);
/* The item's bytes: hashed, and of a URL fetched. Any thread. */
int add_read(struct kb *kb, struct kb_add_item *item, struct err *e);
/* A URL into staging, with its name and type. Any thread. */
int add_fetch(struct kb *kb, struct kb_add_item *item, struct err *e);
/* The text of a source that is in the wiki; none, and 0, when it is gone. */
int add_read_source(struct kb *kb, const char *doc_name, struct prepared *p, struct err *e);
/*
 * How a batch prepares: what a conversion wants is a processor, a model's answer only time, so each
 * passes a turnstile of its own. NULL: nobody waits.
 */
struct preparing {
	const struct compiler *compiler;
	struct turnstile *convert, *digest;
};
/* For item->doc_name. Any thread. Negative: the item fails, item->stage says where. */
int add_prepare(struct kb *kb, const struct preparing *how, struct kb_add_item *item,
		struct err *e);
/* Sets the outcome. Negative only for what must end the batch. */
int add_commit(struct kb *kb, const struct compiler *compiler, struct kb_add_item *item,
	       struct err *e);

/* Prepares and commits the pending items of a report, whose sums it fills. */
int add_run_items(struct kb *kb, const struct kb_add_options *options, struct kb_add_report *report,
		  struct err *e);

void add_fail(struct kb_add_item *item, const char *stage, const struct err *why);
void add_skip(struct kb_add_item *item, const char *fmt, ...) PRINTF(2, 3);

/* What a compiler gets of a prepared document. */
struct compile_input add_input(const struct kb *kb, const struct kb_add_item *item);

/* The registry's rows of a document: sections with their search rows, files. In a transaction. */
int doc_put_sections(struct db *db, int64_t doc_id, struct bytes text, const struct sections *s,
		     struct err *e);
int doc_drop_sections(struct db *db, int64_t doc_id, struct err *e);
int doc_put_file(struct db *db, int64_t doc_id, const char *path, const char *hash, struct err *e);
/* Paths of its files below the root. */
int doc_files(struct db *db, int64_t doc_id, struct strv *out, struct err *e);

#endif
