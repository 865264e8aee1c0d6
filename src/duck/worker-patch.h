/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part of a table with a key as a function of its rows, and the rows in which one differs from the
 * part before it (docs/format-patch.md): with those and the old part who has both makes the new one,
 * byte for byte.
 *
 *	keyed_add_order(&key, &columns, &sql)	" ORDER BY ..."; no two rows are in any order
 *	keyed_add_target(path, &sql)		") TO 'path' (FORMAT ...)": what ends a COPY of a part
 *	patch_make(&request, con, e)		1 when one was written, 0 when none is worth it
 *
 * `operation_rebuild` is the other half. Whoever applies a patch believes nothing of it: what counts is
 * the hash of what it makes.
 */
#ifndef LARDER_DUCK_WORKER_PATCH_H
#define LARDER_DUCK_WORKER_PATCH_H

#include "duck/worker-engine.h"

/* With more of its rows changed (one in so many), or a longer patch, the part is fetched as well. */
#define PATCH_ROWS_SHARE  5
#define PATCH_BYTES_SHARE 5
#define PATCH_VERSION     1
/* The column that says of each row whether it is new ('i'), changed ('u') or gone ('d'). */
#define PATCH_OP "larder_op"
/* Under this name the Parquet file's own metadata have the patch's. */
#define PATCH_KV "larder_patch"

void keyed_add_order(const struct strv *key, const struct strv *columns, struct buf *sql);
void keyed_add_target(const char *path, struct buf *sql);

struct patch_request {
	const struct strv *key;
	const struct strv *columns;
	const char *before, *after; /* the two parts */
	const char *path;           /* of the patch */
};

int patch_make(const struct patch_request *request, duckdb_connection con, struct err *e);

/* Between the two halves: names quoted, "<table>.<name>", and the join by the key. */
void patch_add_column(const char *table, const char *name, struct buf *sql);
void patch_add_join(const char *left, const char *right, const struct strv *key, struct buf *sql);
void patch_add_file(const char *path, struct buf *sql);

#endif
