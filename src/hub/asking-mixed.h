/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A statement over tables that are here and tables that stay at a source: of each remote one an extract is brought
 * (extract.h), priced and paid for as one statement (remote/guard.h), and becomes a file in the worker's room
 * beside those of the others. The statement itself is DuckDB's then, and runs here.
 *
 *	AUTO(mixed_release) struct mixed mixed = { 0 };
 *	mixed_bring(a, db, names, &mixed, e)        takes as long as the source does: without a place (query-pool.h)
 *	mixed_link(&mixed, a, room, e)              files of the plan's remote tables
 *
 * What is brought are the columns that the statement names, all rows of them: no condition goes to the source, as
 * it may mean another thing there. Errors: as asking-remote.h; ERR_LIMIT for a table that is more than an extract.
 * Threads: one.
 */
#ifndef LARDER_HUB_ASKING_MIXED_H
#define LARDER_HUB_ASKING_MIXED_H

#include "hub/asking-remote.h"
#include "hub/extract.h"

struct mixed {
	struct places places;
	struct extract *extracts; /* of each of the places' tables */
	size_t n;                 /* of those begun */
	int64_t scanned_bytes;    /* at the source */
};
void mixed_release(struct mixed *m);
int mixed_bring(struct asking *a, struct db *db, const struct duck_names *names, struct mixed *m,
		struct err *e);
int mixed_link(const struct mixed *m, struct asking *a, struct room *room, struct err *e);

#endif
