/* SPDX-License-Identifier: Apache-2.0 */
/* A statement as DuckDB's parser reads it, for the guard (worker-guard.h). Nothing is run. */
#ifndef LARDER_DUCK_WORKER_PARSE_H
#define LARDER_DUCK_WORKER_PARSE_H

#include "duck/worker-engine.h"

/* The JSON of json_serialize_sql(), errors of the parser included in it. */
int guard_tree(duckdb_connection con, const char *sql, struct buf *out, struct err *e);

#endif
