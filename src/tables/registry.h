/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry of a hub: which tables there are, what is said of them and which version of each is
 * the current one.
 *
 *	AUTO_TABLE struct table t = { 0 };
 *	if (registry_find(db, caller, "orders", &t, e) < 0) ...       by id or by name
 *	registry_list(db, caller, visit, ctx, e)                      one query, ordered by name
 *
 * A table has an id, which grants follow and which never changes, and a name, which clients see.
 * No id equals another table's name, capitals aside, so a text means one table at most. A caller sees
 * the tables granted to a group of theirs; the others do not exist for them (ERR_NOT_FOUND).
 * Caller NULL sees all: for what the hub itself does.
 *
 * Changing is done inside the caller's transaction, and bumps the generation of "tables".
 * Ownership: a struct table owns its texts. Threads: as the db.
 * Errors: ERR_NOT_FOUND, ERR_CONFLICT (id or name taken), ERR_USAGE (a value out of its alphabet).
 */
#ifndef LARDER_TABLES_REGISTRY_H
#define LARDER_TABLES_REGISTRY_H

#include "access/access.h"
#include "db/db.h"

/* A paragraph for the catalog; longer texts belong into a rule. */
#define TABLE_DESCRIPTION_MAX 4096
/* Where a table comes from, in a word or two. */
#define TABLE_SOURCE_MAX 100
/* Columns a table is ordered by, as text: more than a handful orders nothing any more. */
#define TABLE_SORT_MAX 1000

extern const struct db_schema tables_schema;

struct table {
	char *id, *name;
	char *description; /* NULL when nothing was said */
	char *query_mode;  /* "local", "materialized", "remote" */
	char *source_type; /* NULL unknown */
	char *sort_by;     /* "a,-b"; NULL: rows stay in the order they came */
	char *key_by;      /* "a,b": parts are cut by these; NULL: files stay as they came */
	int64_t created_ms;
	int64_t version; /* row of the current version; 0: nothing was published yet */
	/* Of the current version: */
	char *sha256, *md5;
	int64_t rows, size_bytes; /* -1 unknown */
	int64_t parts;
	int64_t updated_ms;
	/* Of a caller whose grants are limited (rights.h). The members above that tell of contents are
	 * then those of the excerpt; unknown until it is made (excerpt.h). */
	char *rights;    /* NULL: sees all of it */
	int64_t excerpt; /* row; 0: none is made, or none is needed */
};

void table_release(struct table *t);
#define AUTO_TABLE AUTO(table_release)

int registry_find(struct db *db, const struct caller *caller, const char *id_or_name,
		  struct table *ret_table, struct err *e);
/* A negative return of `visit` ends the listing with it. The table is lent. */
typedef int (*registry_visit_fn)(void *ctx, const struct table *t, struct err *e);
int registry_list(struct db *db, const struct caller *caller, registry_visit_fn visit, void *ctx,
		  struct err *e);

/* NULL members: not given. An empty text takes the old value away. */
struct table_change {
	const char *id; /* of registry_add() */
	const char *name;
	const char *description;
	const char *query_mode;
	const char *source_type;
	const char *sort_by;
	const char *key_by;
};
int registry_add(struct db *db, const struct table_change *table, struct err *e);
/* `id` is the id itself, as registry_find() gave it. */
int registry_change(struct db *db, const char *id, const struct table_change *change,
		    struct err *e);

#endif
