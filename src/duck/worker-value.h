/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DuckDB's types and values as text and JSON.
 *
 * Integers and decimals keep all their digits; a double is the shortest text that reads back as the
 * same; NaN, infinities, what JSON has no type for (dates, times, UUIDs, blobs, bits) and integers
 * past 64 bits become texts as DuckDB prints them; lists and arrays become arrays, structs objects,
 * maps arrays of {"key":..,"value":..}, unions their value.
 */
#ifndef LARDER_DUCK_WORKER_VALUE_H
#define LARDER_DUCK_WORKER_VALUE_H

#include "base/json.h"
#include <duckdb.h>

/* Types nested deeper are refused: a row must stay below the reader's JSON_DEPTH_MAX. */
#define VALUE_DEPTH_MAX 48

/* DuckDB's name of a type: BIGINT, DECIMAL(9,2), STRUCT(a BIGINT, b VARCHAR[]). */
void type_add_name(struct buf *out, duckdb_logical_type type);
/* ERR_LIMIT when nested too deeply, ERR_USAGE for a type that is not known here. */
int type_check(duckdb_logical_type type, const char *column, struct err *e);

/* One value to read, reused for a column of a chunk. */
struct value_column {
	duckdb_vector vector;
	duckdb_logical_type type; /* owned */
	duckdb_type id;
};
void value_column_init(struct value_column *c, duckdb_vector vector);
void value_column_release(struct value_column *c);
/* `key` as in json_add_*(): NULL inside an array. */
void value_add(struct json_out *o, const char *key, const struct value_column *c, idx_t row);

#endif
