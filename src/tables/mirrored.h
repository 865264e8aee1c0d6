/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of a hub's files a mirror may have (docs/mirror.md): the parts of kept versions that are not small,
 * and what lies beside them. Not excerpts, which are for few, nor uploads that wait for a publish.
 *
 *	struct mirrored m = { 0 };
 *	mirrored_list(db, &m, e);		m.paths: "ab/<64 hex>.parquet", by name
 *
 * The caller owns the paths. Threads: that of the db.
 */
#ifndef LARDER_TABLES_MIRRORED_H
#define LARDER_TABLES_MIRRORED_H

#include "base/str.h"
#include "db/db.h"
#include "tables/batch.h"

/* Files up to here come from the hub, where many share a request: a mirror would be asked for each. */
#define MIRRORED_ABOVE BATCH_FILE_MAX

struct mirrored {
	struct strv paths; /* below OBJECTS_FOLDER */
	int64_t bytes;
};

int mirrored_list(struct db *db, struct mirrored *ret_list, struct err *e);

#endif
