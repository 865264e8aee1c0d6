/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DuckDB for the worker's operations: open, ask, quote. With worker-value.h and worker-type.h the
 * only headers that name DuckDB's types.
 *
 *	AUTO_ENGINE struct engine en = { 0 };
 *	AUTO_RESULT duckdb_result rows = { 0 };
 *	if (engine_open(&(struct engine_options){ .memory_bytes = GIB }, &en, e) < 0 ||
 *	    engine_ask(en.con, "SELECT 1", &rows, e) < 0)
 *		return e->code;
 *
 * Errors carry DuckDB's own text. Threads: a connection belongs to one thread.
 */
#ifndef LARDER_DUCK_WORKER_ENGINE_H
#define LARDER_DUCK_WORKER_ENGINE_H

#include "base/json.h"
#include "base/str.h"
#include <duckdb.h>

struct engine {
	duckdb_database db;
	duckdb_connection con;
};

struct engine_options {
	const char *database; /* NULL: in memory */
	const char
		*spill; /* folder for what does not fit the memory; NULL: none, and an error then */
	int64_t memory_bytes;
	int threads; /* 0: as many as this process may use, at most ENGINE_THREADS_MAX */
};

/* Bound also by what a team's machine gives one command; measured gains end about there. */
#define ENGINE_THREADS_MAX 4

/* ERR_BUSY when another process holds the file, ERR_CORRUPT when it is no database. */
int engine_open(const struct engine_options *options, struct engine *ret_engine, struct err *e);
void engine_close(struct engine *en);
#define AUTO_ENGINE AUTO(engine_close)
#define AUTO_RESULT AUTO(duckdb_destroy_result)

int engine_run(duckdb_connection con, const char *sql, struct err *e);
int engine_ask(duckdb_connection con, const char *sql, duckdb_result *ret_result, struct err *e);
/* A column of a result as texts, NULL cells as "". */
int engine_ask_texts(duckdb_connection con, const char *sql, struct strv *out, struct err *e);

/* The text of an error of DuckDB's, with its code: ERR_CORRUPT for unreadable input, ERR_LIMIT for
 * memory, ... */
int engine_error(struct err *e, duckdb_error_type type, const char *text);

/* DuckDB's texts have several lines, with the statement in them; for a file that is one too many.
 */
void engine_one_line(struct err *e);

/* read_parquet(['a', 'b'], hive_partitioning = false) */
void engine_add_parquet(struct buf *out, const struct strv *files, bool hive);
/*
 * ERR_IO when one cannot be read. To be asked of every path that goes into a statement: DuckDB
 * takes a path as it stands when there is such a file, else as a pattern, and "/data[1]/x" could
 * then mean "/data1/x".
 */
int engine_check_paths(const struct strv *files, struct err *e);
/* The texts of a JSON array of paths, made absolute. */
int engine_paths(const struct json *array, struct strv *out, struct err *e);

#endif
