/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parquet files looked at through their footers, shared by the operations describe and convert.
 */
#ifndef LARDER_DUCK_WORKER_FILES_H
#define LARDER_DUCK_WORKER_FILES_H

#include "duck/worker-engine.h"

#define MIB ((int64_t)1 << 20)
#define GIB ((int64_t)1 << 30)

/* Adds the members rows, row_groups, created_by and columns to an open object; nothing on failure.
 * ERR_CORRUPT when the file is no Parquet file or is cut short. */
int files_add_info(struct json_out *o, duckdb_connection con, const char *path, struct err *e);

/* The columns a SELECT gives, without running it. */
int files_columns(duckdb_connection con, const char *sql, struct strv *ret_names,
		  struct strv *ret_types, struct err *e);

#endif
