/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compilers: what turns a converted document into pages of the wiki. There is one that reads
 * (extract.c: outline, key sentences, key phrases, names) and one that asks a model (model.h).
 *
 * A document is compiled in two steps, so that what takes long holds no lock:
 *
 *	digest   on a worker, outside of everything: all that costs time. Model calls belong here;
 *	         what they answered is kept with compile_memo_put(), by a hash of what was asked, so
 *	         that work that was paid for survives a kill and is used by the next run
 *	plan     on the committing thread, inside the write transaction, in the order in which the
 *	         documents were given: quick. Gives the summary and the edits of other pages
 *
 * An edit either is a block of the document's own in a page (EDIT_BLOCK): it fits in whatever else
 * the page says by then, so that it never has to be made again. Or it is a page written anew
 * (EDIT_REWRITE), made from a version of it: when the page is another by the time of the commit,
 * the transaction is rolled back, merge() makes that one page again outside of any lock, and the
 * commit is tried again. An edit of a page that does not exist makes it; "create" of one that
 * exists is an edit like any other, so what other documents gave is never lost.
 *
 * Claims say which words of the document carry a statement: `larder kb lint` looks whether they
 * still stand there. Links belong into the text: "[[sources/<doc>#<anchor>]]".
 *
 * Threads: digest and merge on workers, several at once; what a compiler shares among them it locks.
 */
#ifndef LARDER_KB_COMPILE_H
#define LARDER_KB_COMPILE_H

#include "kb/kb.h"
#include "kb/page.h"
#include "kb/section.h"

#include <stdatomic.h>

struct compile_input {
	const struct kb_settings *settings;
	const char *doc_name;
	const char *name;     /* the file's */
	const char *title;    /* the first heading, or the file's stem as words */
	const char *doc_type; /* "short" or "pageindex" */
	struct bytes text;    /* wiki/sources/<doc>.md, without front matter */
	const struct sections *sections;
	/* The wiki as it is, for looking up pages (search.h, pages.h, kb_read()); in digest and merge
	 * the worker's own, read-only and only for a compiler that reads_wiki, else NULL. */
	const struct kb *wiki;
};

struct claim {
	char *anchor; /* of the section; "" when it has none */
	char *quote;  /* some words as they stand there */
};
struct claims {
	struct claim *v;
	size_t n;
	size_t capacity;
};
void claims_add(struct claims *c, const char *anchor, const char *quote);
void claims_release(struct claims *c);

enum edit_how { EDIT_BLOCK, EDIT_REWRITE };

struct page_edit {
	enum page_kind kind; /* PAGE_CONCEPT or PAGE_ENTITY */
	enum edit_how how;
	char *slug;
	char *title;
	char *type;        /* of an entity: one of the settings' types; NULL leaves it */
	char *description; /* of a page that is made; NULL leaves that of one that is there */
	char *text;        /* the block, or all below the front matter; ends in a newline */
	char *base;        /* EDIT_REWRITE: the hash of the page it was made from, "" for none */
	struct claims claims;
};

struct compile_result {
	char *description; /* one sentence, below 100 letters */
	char *body;        /* of the summary, below its front matter */
	struct claims claims;
	/* Of each section of the document a sentence, NULL where there is none to say; may be NULL. */
	char **outline;
	size_t outline_count;
	struct page_edit *edits;
	size_t edit_count;
	size_t edit_capacity;
	int64_t tokens_in, tokens_out, cost_micros;
};
struct page_edit *compile_add_edit(struct compile_result *r); /* zeroed; lent until the next */
/* The first sentence that is given for a section stays; `text` is copied. */
void compile_set_outline(struct compile_result *r, size_t section, const char *text);
void page_edit_release(struct page_edit *edit);
void compile_result_release(struct compile_result *r);
#define AUTO_COMPILE_RESULT AUTO(compile_result_release)

struct compiler {
	const char *name;  /* kept with each document: "extractive" */
	bool reads_wiki;   /* its digest wants input->wiki */
	unsigned jobs;     /* digests at once when nobody says, beside conversions; 0: with them */
	unsigned attempts; /* at a digest that fails in passing; 0 counts as 1 */
	int (*digest)(const struct compiler *self, const struct compile_input *in,
		      void **ret_digest, struct err *e);
	void (*digest_free)(void *digest);
	int (*plan)(const struct compiler *self, const struct compile_input *in, void *digest,
		    struct compile_result *out, struct err *e);
	/* May be NULL when it never gives EDIT_REWRITE. `page` is the page as it is, "" when gone. */
	int (*merge)(const struct compiler *self, const struct compile_input *in, void *digest,
		     struct bytes page, struct page_edit *edit, struct err *e);
	/* Ends one that was made for a batch; NULL for what is always there. */
	void (*close)(const struct compiler *self);
};

/*
 * The one for a batch: a model when one is configured (llm.h) and not `extractive`.
 * compile_close() when the batch is over; NULL is fine.
 */
struct compile_choice {
	bool extractive;
	const atomic_bool *cancel; /* may be NULL */
};
int compile_choose(const struct kb *kb, const struct compile_choice *choice,
		   const struct compiler **ret_compiler, struct err *e);
void compile_close(const struct compiler *compiler);
extern const struct compiler compile_extractive;

/*
 * Finished work, by a hash of all that went into it. Outside a transaction; the db any. A kill loses
 * none; a power cut what was not synced by a commit since: it is asked for again.
 */
int compile_memo_get(struct db *db, const char *key, char **ret_value, struct err *e);
int compile_memo_put(struct db *db, const char *key, const char *value, struct err *e);

#endif
