/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an ordered table is cut into parts: by values of its key, kept from version to version like
 * the leaves of a B-tree, so that rows that come or go change the part they are in and no other.
 *
 *	borders_choose(&b, con, e)	from the borders before (none: a first version) to the new ones
 *	borders_add_range(&b, i, &sql)	the condition of part i: ... WHERE <this>
 *
 * A part that has grown past twice BORDERS_ROWS is cut into parts of that size; one that has shrunk
 * below half of it joins its smaller neighbour. Borders are texts of the key's values, cut short
 * where they are long: any ascending values will do, and what is in which part is decided by the
 * borders alone, also where values of the key are equal.
 */
#ifndef LARDER_DUCK_WORKER_BORDERS_H
#define LARDER_DUCK_WORKER_BORDERS_H

#include "duck/worker-engine.h"

/* 2 to 8 MB of most tables: large enough for few requests, small enough for a change to be of few bytes. */
#define BORDERS_ROWS ((int64_t)122880)
/*
 * Rows of a row group: whole vectors of DuckDB, about five groups a part. What changes at one end of a
 * part leaves the groups at its other end as they are; smaller ones cost more in size than they save
 * (docs/performance.md). Changing it writes every part anew.
 */
#define BORDERS_GROUP_ROWS 26624
/* Of a border's text: longer values are told apart by what they begin with. */
#define BORDER_TEXT_MAX 200

struct borders {
	const char *file; /* the table, ordered by the key */
	struct strv key, types;
	struct strv values; /* key.n for each border, ascending; part i + 1 begins at border i */
	int64_t *rows;      /* of each part */
	size_t parts;       /* one more than there are borders */
};

void borders_release(struct borders *b);
int borders_choose(struct borders *b, duckdb_connection con, struct err *e);
void borders_add_range(const struct borders *b, size_t part, struct buf *sql);

#endif
