/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog: what is said of the tables a caller may see, for people and agents who look for one.
 * One query for all tables, their rights, figures and cached metadata; nobody is asked for anything.
 * Fields: docs/catalog.md.
 *
 *	const struct catalog_wish wish = { .caller = caller, .now_ms = time_now(), ... };
 *	catalog_list(db, &wish, &o, e)             objects into an open array, ordered by id
 *	catalog_describe(db, &wish, "orders", &o, e)   one, with its columns, into an open object
 *
 * What is not known is null, never 0; of views rows and bytes are never known. Of a table that the
 * caller sees an excerpt of, all figures are the excerpt's.
 * Threads: as the db. Errors: ERR_NOT_FOUND, and the db's.
 */
#ifndef LARDER_TABLES_CATALOG_H
#define LARDER_TABLES_CATALOG_H

#include "access/access.h"
#include "base/json.h"

/* What a person types to find a table. */
#define CATALOG_WORDS_MAX 20

struct catalog_wish {
	const struct caller *caller;
	int64_t now_ms;
	int64_t interval_s; /* of refreshing metadata: what is older than twice of it is stale */
	const struct strv
		*words; /* all must occur in name, id, description or names of columns, capitals
				      aside; NULL: every table */
};
int catalog_list(struct db *db, const struct catalog_wish *wish, struct json_out *out,
		 struct err *e);
int catalog_describe(struct db *db, const struct catalog_wish *wish, const char *id_or_name,
		     struct json_out *out, struct err *e);

#endif
