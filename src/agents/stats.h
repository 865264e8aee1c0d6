/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures of the newest dispatches, from the rows alone: folders that are gone count like others.
 *
 *	stats_add(db, 50, &json, e)      members into an open object: totals, and one entry a dispatch
 */
#ifndef LARDER_AGENTS_STATS_H
#define LARDER_AGENTS_STATS_H

#include "base/json.h"
#include "db/db.h"

int stats_add(struct db *db, int64_t last, struct json_out *out, struct err *e);

#endif
