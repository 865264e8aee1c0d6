/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Full-text search over pages and over the sections of sources (SQLite's FTS5): ranked by BM25, a
 * word in a title counting five times; English endings do not matter, nor do accents. Chinese,
 * Japanese and Korean are found by any run of their letters.
 *
 *	const struct search_wish w = { .words = "write-ahead log", .limit = 10 };
 *	search_run(db, &w, take_hit, ctx, e);
 *
 * All words must occur; when nothing has all of them, what has any of them is given. Words that
 * very many rows have are not ranked in all of these (search-run.c). Words in
 * double quotes must follow each other; a word that ends in '*' is a beginning. No letter of the
 * text is ever an operator, so any text may be given.
 *
 * Threads and errors: as the db.
 */
#ifndef LARDER_KB_SEARCH_H
#define LARDER_KB_SEARCH_H

#include "db/db.h"
#include "kb/page.h"

/* Of a question: more words only make it slower. */
#define SEARCH_WORDS_MAX 40
#define SEARCH_LIMIT_MAX 1000

enum search_what { SEARCH_PAGE = 0, SEARCH_SECTION = 1 };

/* Inside a transaction. */
int search_put(struct db *db, enum search_what what, int64_t id, const char *title,
	       const char *text, struct err *e);
int search_drop(struct db *db, enum search_what what, int64_t id, struct err *e);
/* The text that is found by, on one line; NULL when there is none. The caller's. */
int search_text(struct db *db, enum search_what what, int64_t id, char **ret_text, struct err *e);

struct search_hit {
	enum search_what what;
	int64_t id;
	const char *link;   /* "concepts/wal", "sources/policy" */
	const char *anchor; /* of a section; "" else */
	const char *title;
	const char *doc_name; /* of a section; NULL else */
	const char *kind;     /* "concept", ..., "source" */
	const char *snippet;  /* some words around those found */
	const char *text;     /* all of it, on one line */
	int64_t page;         /* of a paged document; 0 else */
	double score;         /* higher is better */
};
typedef int (*search_hit_fn)(void *ctx, const struct search_hit *hit, struct err *e);

struct search_wish {
	const char *words;
	int64_t limit;
	bool sections_only;
	bool pages_only;
	bool any; /* any of the words is enough from the start: questions */
};
/* Calls back in order of rank; a negative return stops. */
int search_run(struct db *db, const struct search_wish *wish, search_hit_fn take, void *ctx,
	       struct err *e);

/* The words as an expression of FTS5; "" when there are none. */
void search_expression(const char *words, bool any, struct buf *out);

#endif
