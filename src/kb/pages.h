/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the database knows of the wiki's pages: their front matter, links, sources, and the search
 * index. All of it is read from the page's text, so that a page written by a person or an earlier
 * program is known like one of ours.
 *
 *	AUTO_PAGE_FACTS struct page_facts f = { 0 };
 *	page_facts_of("concepts/wal.md", text, &f);     pure, any thread
 *	pages_put(db, &f, e);                           in a transaction
 */
#ifndef LARDER_KB_PAGES_H
#define LARDER_KB_PAGES_H

#include "base/hash.h"
#include "db/db.h"
#include "kb/page.h"

struct page_facts {
	char *path; /* below wiki/ */
	enum page_kind kind;
	char *key, *title, *type, *description, *doc_type;
	struct strv aliases; /* keys */
	struct strv sources; /* "summaries/a.md" */
	struct strv links;   /* "concepts/wal", each once */
	char *plain;         /* the text for the search index */
	char hash[HASH_HEX_MAX];
	int64_t size, mtime_ns;
	bool by_hand; /* not written here: the noted hash stays that of what was */
};
void page_facts_of(const char *path, struct bytes text, struct page_facts *f);
void page_facts_release(struct page_facts *f);
#define AUTO_PAGE_FACTS AUTO(page_facts_release)

int pages_put(struct db *db, const struct page_facts *f, struct err *e);
int pages_delete(struct db *db, const char *path, struct err *e);

/* 1 and its path (the caller's) when a page of that kind has the key, or the alias. */
int pages_find_key(struct db *db, enum page_kind kind, const char *key, char **ret_path,
		   struct err *e);
/*
 * What a link means: 1 and the page's link ("concepts/wal") when there is one of exactly that
 * target, of that bare name, or that differs in case, width, '_' or '-' only; else 0. Sources and
 * files of the wiki that are no pages count when they are registered.
 */
int pages_resolve(struct db *db, const char *target, char **ret_link, struct err *e);
/* The hash of what was last written or read; "" when not known. */
int pages_hash(struct db *db, const char *path, char out[HASH_HEX_MAX], struct err *e);
/* Paths of pages that the document feeds, or that link to the target; in their order. */
int pages_of_doc(struct db *db, int64_t doc_id, struct strv *out, struct err *e);
int pages_linking_to(struct db *db, const char *target, struct strv *out, struct err *e);
int pages_count(struct db *db, enum page_kind kind, int64_t *ret_count, struct err *e);

#endif
