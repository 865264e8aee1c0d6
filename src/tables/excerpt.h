/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Excerpts: what those see of a table whose grants are limited to some of its rows or columns. A file
 * of its own, made by a child (duck/excerpt.h), kept as an object like any other and shared by all
 * whose rights are the same. To such a caller the excerpt is the table: manifest, downloads, catalog,
 * figures, samples and queries know nothing else of it (registry.h). An excerpt has no parts.
 *
 *	excerpt_needs(db, caller, table, &needs, e)      which are still to be made
 *	excerpt_make(&source, &needs.v[i], &x, e)        long, outside every lock
 *	excerpt_apply(x, root, e)                        in a transaction: its row, its object
 *	... the caller commits ...
 *	excerpt_free(x)
 *
 * They are made at a publish, in its transaction, for all sets of rights that are in use then, so
 * that whoever sees an excerpt sees it change with the table; one whose conditions do not fit
 * the new contents makes the publish fail, naming the table's limits. A set of rights that
 * comes to be later (a user joins another group) has its excerpt made when it is first asked for.
 * Excerpts go with their version.
 *
 * Threads: make on any thread, with a db of its own; apply belongs to the thread of the root.
 * Errors: ERR_CONFLICT when a condition or a column does not fit the table.
 */
#ifndef LARDER_TABLES_EXCERPT_H
#define LARDER_TABLES_EXCERPT_H

#include "access/access.h"
#include "engine/root.h"

struct excerpt_need {
	int64_t version; /* its row; 0 while it is being published */
	char *table;     /* the id */
	char *rights;
};
struct excerpt_needs {
	struct excerpt_need *v;
	size_t n, capacity;
};
void excerpt_needs_release(struct excerpt_needs *needs);

/* Of one table (its id) or, NULL, of all that the caller may see. */
int excerpt_needs(struct db *db, const struct caller *caller, const char *table,
		  struct excerpt_needs *ret_needs, struct err *e);
/* One for each set of rights that an active user has on the table, whatever is made already. */
int excerpt_needs_of_table(struct db *db, const char *table, struct excerpt_needs *ret_needs,
			   struct err *e);

struct excerpt_source {
	const struct root *root; /* of staging, objects and rooms only */
	struct db *db;           /* to read with */
	int64_t memory_bytes;    /* of the child; 0: its default */
};
/* Files and the names they have in the table, in the same order; an excerpt of what has no version. */
struct excerpt_parts {
	struct strv names, files;
};
void excerpt_parts_release(struct excerpt_parts *parts);
int excerpt_parts_of(struct db *db, const struct root *root, int64_t version,
		     struct excerpt_parts *ret_parts, struct err *e);

struct excerpt;
int excerpt_make(const struct excerpt_source *source, const struct excerpt_need *need,
		 struct excerpt **ret_excerpt, struct err *e);
int excerpt_make_of(const struct excerpt_source *source, const struct excerpt_need *need,
		    const struct excerpt_parts *parts, struct excerpt **ret_excerpt, struct err *e);
/* Of a version that was just added; excerpt_apply() knows its own from the need. */
int excerpt_apply_to(struct excerpt *x, struct root *root, int64_t version, struct err *e);
int excerpt_apply(struct excerpt *x, struct root *root, struct err *e);
void excerpt_free(struct excerpt *x);
static inline void excerpt_auto_(struct excerpt **p)
{
	excerpt_free(*p);
}
#define AUTO_EXCERPT AUTO(excerpt_auto_)

#endif
