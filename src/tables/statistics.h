/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the hub keeps of a table's contents: figures of each column (duck/statistics.h), under the
 * hash of the contents, which a version and a filtered extract of it each have one of. So the same
 * contents are looked at once, and an extract's figures say nothing of what it leaves out.
 *
 *	statistics_find(db, sha256, &s, e)       1 and the figures, 0 when there are none
 *	statistics_store(db, sha256, &s, e)      in a transaction; replaces
 *	statistics_forget(db, sha256, e)         in a transaction, when the contents go
 *
 * A publish makes them before it commits, and stores them with its version. One that could not make
 * them (no memory, thousands of columns) publishes without: figures are a help, not a condition.
 *
 * Ownership: the caller releases what it was given. Threads: as the db. Errors: the db's.
 */
#ifndef LARDER_TABLES_STATISTICS_H
#define LARDER_TABLES_STATISTICS_H

#include "db/db.h"
#include "duck/statistics.h"

int statistics_find(struct db *db, const char *sha256, struct statistics *ret_statistics,
		    struct err *e);
int statistics_store(struct db *db, const char *sha256, const struct statistics *s, struct err *e);
int statistics_forget(struct db *db, const char *sha256, struct err *e);
/* A list "columns" into an open object: name, type, nulls, distinct, min, max, values. */
void statistics_add_columns(const struct statistics *s, struct json_out *out);

#endif
