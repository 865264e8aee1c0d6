/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The raw lines of text files, as a table function:
 *
 *	SELECT file, line, text FROM raw_lines()	file: from 0, as in the request; line: from 1
 *
 * What becomes of bytes is in worker-split.h. Each thread of DuckDB's takes file after file, so the
 * rows of a file are in order and those of several are not.
 */
#ifndef LARDER_DUCK_WORKER_LINES_H
#define LARDER_DUCK_WORKER_LINES_H

#include "base/str.h"
#include <duckdb.h>

/* The paths are lent for as long as the connection is open. */
int lines_register(duckdb_connection con, const struct strv *paths, struct err *e);

#endif
