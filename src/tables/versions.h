/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The versions of a table that a hub still has, the newest first, as objects into an open array:
 * sha256, md5, rows, size_bytes, parts, created, created_by, retired (null for the current one).
 * Threads: as the db. Errors: only the db's.
 */
#ifndef LARDER_TABLES_VERSIONS_H
#define LARDER_TABLES_VERSIONS_H

#include "base/json.h"
#include "db/db.h"

int versions_list(struct db *db, const char *table_id, struct json_out *out, struct err *e);
/* One that is kept, with the figures of its columns, which are null when there are none; into an open
 * object. ERR_NOT_FOUND. */
int versions_show(struct db *db, const char *table_id, const char *sha256, struct json_out *out,
		  struct err *e);

#endif
