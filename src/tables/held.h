/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What chunks the files of a workspace consist of, so that a new file is made of old ones: rows of
 * state.db, looked up by hash over all tables.
 *
 *	held_add(db, chunks, e)			in the transaction that commits the file
 *	held_forget(db, sha256, e)		in the one that retires it
 *	held_find(db, &chunk, &wish, &at, e)	1 where one is
 *	held_index(db, sha256, &chunks, e)	1 and the index of a file that is here
 *
 * Tables (component "local"): ws_index has the index itself, ws_chunk a row for each of its chunks.
 * What they say is true of the bytes that were verified; a file that a person has changed since is
 * found out by the hash of what is made from it. Threads: as the db.
 */
#ifndef LARDER_TABLES_HELD_H
#define LARDER_TABLES_HELD_H

#include "db/db.h"
#include "tables/chunks.h"
#include "tables/delta.h"

int held_add(struct db *db, const struct chunks *chunks, struct err *e);
int held_forget(struct db *db, const char *sha256, struct err *e);

/* A place that equals `wish` is preferred: what follows each other is then copied in one piece. */
int held_find(struct db *db, const struct chunk *chunk, const struct delta_place *wish,
	      struct delta_place *ret_place, struct err *e);
/* The file that a place's `source` means; "" when it is none any more. */
int held_file(struct db *db, int64_t source, char out[HASH_HEX_MAX], struct err *e);
/* 1 when there is any chunk at all. */
int held_any(struct db *db, struct err *e);
int held_index(struct db *db, const char *sha256, struct chunks **ret_chunks, struct err *e);

#endif
