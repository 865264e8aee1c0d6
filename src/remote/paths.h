/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of a statement that are paths of BigQuery, as people and agents know them from there:
 *
 *	bq.dataset.table          "bq" for the hub's own project; quoted or not, capitals aside
 *	`project.dataset.table`   or each part in backticks
 *
 *	far_paths_find(db, caller, &names, &refusal, e)      before query_resolve(), in its transaction
 *
 * A path that is the place of a table which the caller may see gets that table's id (names->v[i].id). Another one is
 * refused, 403: `bq_path_not_registered`, also of a table that the caller may not see, as that is not there for it;
 * `bq_path_cross_project` with `expected_project` when the project is another. Names of the registry come first, so a
 * table whose name looks like a path is that table. Threads: as the db. Errors: a refusal (refusal.h), the db's.
 */
#ifndef LARDER_REMOTE_PATHS_H
#define LARDER_REMOTE_PATHS_H

#include "access/access.h"
#include "duck/room.h"
#include "remote/refusal.h"

int far_paths_find(struct db *db, const struct caller *by, struct duck_names *names,
		   struct far_refusal *refusal, struct err *e);

#endif
