/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry of documents. A document is known by where it was added from (its path, or URL), is
 * recognised by the hash of its bytes, and has a name that its pages are called by.
 *
 * The name is the file's stem by the rule of uni_slug(). A path that is registered keeps its name.
 * When another document owns the name, '-' and the first 8 digits of the path's SHA-256 follow, or
 * more of them when that is owned too.
 *
 * Writing belongs into a transaction. Threads and errors: as the db.
 */
#ifndef LARDER_KB_DOCS_H
#define LARDER_KB_DOCS_H

#include "base/hash.h"
#include "base/str.h"
#include "db/db.h"

struct kb_doc {
	int64_t id; /* 0: not registered */
	char hash[HASH_HEX_MAX];
	char *name, *doc_name, *type, *path, *raw_path, *source_path, *title, *doc_type, *compiler;
	char *extra;
	int64_t pages; /* -1: not known */
	int64_t bytes, mtime_ns, added_ms, compiled_ms;
	int64_t tokens_in, tokens_out, cost_micros;
};
void kb_doc_release(struct kb_doc *d);
#define AUTO_KB_DOC AUTO(kb_doc_release)

enum doc_by { DOC_BY_ID, DOC_BY_HASH, DOC_BY_NAME, DOC_BY_PATH };
/* 1 when there is one. `text` is the id in decimal for DOC_BY_ID. `d` is released first. */
int doc_find(struct db *db, enum doc_by by, const char *text, struct kb_doc *d, struct err *e);
/*
 * What a person writes: the exact file name, the exact document name, else a part of either
 * whatever its case. ERR_NOT_FOUND; ERR_CONFLICT when several have it, which are named.
 */
int doc_resolve(struct db *db, const char *text, struct kb_doc *d, struct err *e);
/* All, in the order they were added; a negative return stops. */
typedef int (*doc_visit_fn)(void *ctx, const struct kb_doc *d, struct err *e);
int doc_visit(struct db *db, doc_visit_fn visit, void *ctx, struct err *e);

/* Inserts (id 0; sets it) or replaces the row. */
int doc_put(struct db *db, struct kb_doc *d, struct err *e);
int doc_delete(struct db *db, int64_t id, struct err *e);

/* Names that a batch has given out and not registered yet. */
struct name_set;
struct name_set *name_set_new(void);
void name_set_add(struct name_set *s, const char *name, const char *path);
void name_set_free(struct name_set *s);
static inline void name_set_auto_(struct name_set **p)
{
	name_set_free(*p);
}
#define AUTO_NAME_SET AUTO(name_set_auto_)

/* The name for a document of that path and file name; `set` may be NULL. The caller's. */
int doc_name_for(struct db *db, const struct name_set *set, const char *path, const char *name,
		 char **ret_name, struct err *e);

#endif
