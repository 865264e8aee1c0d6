/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a table stays: its engine and what the engine must know, said by an administrator and kept in the
 * hub's database. A table of mode "remote" can be asked once it has a place.
 *
 *	far_place_put(db, "orders", body, e)           {"engine": "postgres", ...}; in a transaction
 *	AUTO(far_place_release) struct far_place place = { 0 };
 *	far_place_find(db, "orders", &place, e)        ERR_CONFLICT, with what to do, when it has none
 *
 * A place goes with its table. No secret is ever in it (engine.h). Table (component "remote"):
 * remote_place. Threads: as the db. Errors: ERR_USAGE with the member named, the db's.
 */
#ifndef LARDER_REMOTE_PLACE_H
#define LARDER_REMOTE_PLACE_H

#include "db/db.h"
#include "remote/engine.h"

extern const struct db_schema remote_schema;

/* Names and paths. */
#define FAR_SPEC_MAX ((size_t)64 << 10)

struct far_place {
	const struct far_engine *engine;
	struct json *spec; /* owned */
};
void far_place_release(struct far_place *place);

/* `table_id` is the id itself. Sets the table's source type as well. */
int far_place_put(struct db *db, const char *table_id, const struct json *body, struct err *e);
int far_place_find(struct db *db, const char *table_id, struct far_place *ret_place, struct err *e);
int far_place_remove(struct db *db, const char *table_id, struct err *e);
/* "engine" and the members of the spec, into an open object; nothing when the table has no place. */
int far_place_add(struct db *db, const char *table_id, struct json_out *out, struct err *e);

#endif
