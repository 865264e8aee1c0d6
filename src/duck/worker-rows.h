/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A result as lines: its columns, then each row as a JSON array, up to a number of rows and of
 * bytes. DuckDB makes rows as they are taken, so a cut result costs only what was sent.
 */
#ifndef LARDER_DUCK_WORKER_ROWS_H
#define LARDER_DUCK_WORKER_ROWS_H

#include "duck/worker.h"
#include <duckdb.h>

/* One row; the client refuses longer lines (PROC_LINE_MAX). */
#define ROW_BYTES_MAX (32 << 20)

struct rows_limits {
	int64_t rows;  /* 0: none */
	int64_t bytes; /* 0: none */
	int64_t cell;  /* of the text of one value, which is cut there; 0: none */
};

struct rows_sent {
	int64_t rows;
	int64_t bytes;
	int64_t cells_cut; /* values, of these rows and perhaps of the next */
	bool truncated;    /* there was more */
};

int rows_send(struct reply *r, duckdb_prepared_statement prepared, const struct rows_limits *limits,
	      struct rows_sent *ret_sent, struct err *e);

#endif
