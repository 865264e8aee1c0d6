/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Analytics, done by the child program `larder-duck`: the only program that links libduckdb (70 MB,
 * 6 ms to start, and a user's SQL can abort its host). This is the thin client: it starts the
 * child, sends one request as JSON on its stdin, and reads JSON lines from its stdout. Protocol:
 * docs/larder-duck.md. The child limits its own memory, time, files and network (rlimits, Landlock)
 * before it opens anything.
 *
 * The child is found through LARDER_DUCK, else beside the running program, else in ../lib/larder of
 * it. Errors: what the child reports; ERR_FAILED with its last words when it died; ERR_BUSY past
 * the deadline. Threads: calls are independent.
 */
#ifndef LARDER_DUCK_DUCK_H
#define LARDER_DUCK_DUCK_H

#include "base/json.h"
#include "base/str.h"

/* Is the child there and does it run? Gives "larder-duck 0.1.0, DuckDB v1.5.6"; the caller owns it.
 */
int duck_version(char **ret_text, struct err *e);

struct duck_column {
	char *name;
	char *type; /* DuckDB's name: BIGINT, VARCHAR, TIMESTAMP, STRUCT(...) */
};

struct duck_file_info {
	int64_t rows;
	int64_t row_groups;
	char *created_by;
	struct duck_column *columns;
	size_t column_count;
};
void duck_file_info_release(struct duck_file_info *info);

/* Reads the footer of a Parquet file with DuckDB itself; ERR_CORRUPT when it is not one. Runs under
 * the tightest limits. */
int duck_describe(const char *path, struct duck_file_info *ret_info, struct err *e);
/* Many at once in one child (a verify, a publish of a folder); results in order, NULL error text =
 * fine. */
struct duck_described {
	struct duck_file_info info;
	char *error; /* owned; NULL when readable */
};
int duck_describe_many(const struct strv *paths, struct duck_described *ret_results, struct err *e);

enum duck_format { DUCK_PARQUET, DUCK_CSV, DUCK_TSV, DUCK_JSON, DUCK_NDJSON };

struct duck_convert {
	const struct strv *inputs; /* read as one relation, columns matched by name */
	enum duck_format format;
	const struct strv *order_by; /* columns, each may be "-name" for descending; empty: order of
					the input kept */
	const char *output;          /* Parquet, zstd, V2; written, not synced */
	/* Of CSV that a database wrote: nothing is guessed, NULL is \N without quotes, BLOBs are hex
	 * digits. None: as people write CSV. */
	const struct duck_column *columns;
	size_t column_count;
	int64_t file_bytes;   /* 0: any; more is ERR_IO */
	int64_t memory_bytes; /* 0: 1 GiB */
	int64_t deadline_ms;  /* 0: 10 min */
};
int duck_convert(const struct duck_convert *request, struct duck_file_info *ret_info,
		 struct err *e);

/*
 * The same of rows that come one after the other, CSV with columns that are told: they are converted as they
 * come and are no file in between. What was not ended leaves no more than a part of the output.
 *
 *	request without inputs; duck_stream_begin(&request, &s, e)
 *	duck_stream_write(s, rows, e) ...             the error is the child's, when it has one
 *	duck_stream_end(s, &info, e)                  these were all
 */
struct duck_stream;
int duck_stream_begin(const struct duck_convert *request, struct duck_stream **ret_stream,
		      struct err *e);
int duck_stream_write(struct duck_stream *s, struct bytes rows, struct err *e);
int duck_stream_end(struct duck_stream *s, struct duck_file_info *ret_info, struct err *e);
void duck_stream_free(struct duck_stream *s);
static inline void duck_stream_auto_(struct duck_stream **p)
{
	duck_stream_free(*p);
}
#define AUTO_DUCK_STREAM AUTO(duck_stream_auto_)

/*
 * Statements of ours over files, for a domain that knows its files' shape: what the setup makes
 * (temporary tables) the outputs may read; each becomes one Parquet file (zstd, V2), in the order
 * its statement says. Nothing but `readable` can be opened. Paths and values are quoted by the caller
 * (sql_quote_text); never for statements of people: those are queries.
 *
 * Of `texts`, which are files that others wrote, SELECT file, line, text FROM raw_lines() gives the
 * lines: which file (from 0), which line (from 1), and its text as UTF-8, in which U+FFFD stands for
 * bytes that are none. Blank lines and those over DUCK_LINE_MAX are left out, the last may be torn.
 * Rows of a file are in order.
 */
/* A tool's result with a whole file in it. JSON takes twenty times as much memory. */
#define DUCK_LINE_MAX ((size_t)16 << 20)
struct duck_output {
	const char *sql;  /* a SELECT */
	const char *path; /* absolute; written, not synced */
};
struct duck_transform {
	const struct strv *setup;    /* may be NULL */
	const struct strv *readable; /* files; may be NULL */
	const struct strv *texts;    /* may be NULL */
	const struct duck_output *outputs;
	size_t output_count;
	int64_t memory_bytes; /* 0: 1 GiB */
	int64_t deadline_ms;  /* 0: 10 min */
};
/* One info for each output. All or none: what was written of others is litter. */
int duck_transform(const struct duck_transform *request, struct duck_file_info *ret_infos,
		   struct err *e);

/* The same with rows instead of files: `sql` is a SELECT, its rows come in its order. */
struct duck_read {
	const struct strv *setup;    /* may be NULL */
	const struct strv *readable; /* files; may be NULL */
	const struct strv *texts;    /* may be NULL */
	const char *sql;
	int64_t memory_bytes; /* 0: 1 GiB; nothing is spilled */
	int64_t deadline_ms;  /* 0: 10 min */

	void *ctx;
	int (*on_row)(void *ctx, const struct json *values, struct err *e); /* as of a query */
};
int duck_read(const struct duck_read *request, struct err *e);

/* Views over files, in a database file that also holds the user's own objects. */
struct duck_view {
	const char *name;
	const struct strv
		*files; /* absolute paths; several are one view; NULL or empty: drop the view */
	bool hive;      /* part paths carry key=value folders */
};
struct duck_views {
	const char *database; /* made when absent */
	const char *staging;  /* path for the changed copy when readers hold the file; same file
				 system */
	const char *
		ours; /* absolute folder prefix: a view that names no file below it is the user's */
	const struct duck_view *views;
	size_t count;
};
struct duck_views_result {
	size_t changed;      /* created, replaced or dropped */
	struct strv blocked; /* names left alone, since the user has a table or view of that name */
	struct strv failed;  /* "name: why" of single views that DuckDB refused */
	bool replaced_file;  /* readers held it: a changed copy was renamed over it */
};
void duck_views_result_release(struct duck_views_result *result);
/*
 * One transaction for all that replaces or drops; new views may appear shortly before it. What is
 * as asked already is not written. ERR_BUSY with the holder's name and pid when a writer holds the
 * file, ERR_CORRUPT when it is no database.
 */
int duck_views(const struct duck_views *request, struct duck_views_result *ret_result,
	       struct err *e);

/*
 * The same in two steps, for a database that is not there yet: the child starts DuckDB, which takes longer than
 * a view, while the caller finds out what is to be in it. `views` and `count` are looked at in the second
 * step; all of their files are below `ours`. A database that is there by then is changed like any other, and
 * a child that has ended by then is started again.
 */
struct duck_views_ahead;
int duck_views_begin(const struct duck_views *request, struct duck_views_ahead **ret_ahead,
		     struct err *e);
int duck_views_end(struct duck_views_ahead *ahead, const struct duck_views *request,
		   struct duck_views_result *ret_result, struct err *e);
/* After the second step, or instead of it; NULL does nothing. */
void duck_views_abandon(struct duck_views_ahead *ahead);
static inline void duck_views_auto_(struct duck_views_ahead **ahead)
{
	duck_views_abandon(*ahead);
}
#define AUTO_DUCK_VIEWS AUTO(duck_views_auto_)

/*
 * A table a query may name: found by a replacement scan, so a query needs no views and pays only
 * for what it touches. It wins over what has its name in `database`; the user's views there see it
 * too.
 */
struct duck_table {
	const char *name;
	const struct strv *files;
	bool hive;
};
struct proc_watch;
struct duck_query {
	const char *sql;
	const char *database; /* attached read-only when it can be opened; may be NULL */
	const struct duck_table *tables;
	size_t table_count;
	int64_t row_limit;              /* 0 = none */
	int64_t byte_limit;             /* of the result's text; 0 = none */
	int64_t cell_limit;             /* of one value's text, which is cut there; 0 = none */
	int64_t memory_bytes;           /* 0: 1 GiB */
	int64_t deadline_ms;            /* 0 = none */
	const struct proc_watch *watch; /* base/proc.h; may be NULL */
	bool contained; /* no file, network or setting beyond the tables (hub); else as the user
			   (local) */

	void *ctx;
	int (*on_columns)(void *ctx, const struct duck_column *columns, size_t n, struct err *e);
	/* A JSON array, lent. Numbers keep all their digits in json_print(); what JSON has no type
	 * for is text (docs/larder-duck.md). */
	int (*on_row)(void *ctx, const struct json *values, struct err *e);
};
struct duck_query_result {
	int64_t rows;
	bool truncated;     /* a limit cut it */
	int64_t cells_cut;  /* values that the limit of one cut */
	bool database_held; /* `database` could not be opened: the user's own tables were not
			       visible */
	char *note;         /* owned, may be NULL */
};
void duck_query_result_release(struct duck_query_result *result);
int duck_query_run(const struct duck_query *query, struct duck_query_result *ret_result,
		   struct err *e);

/*
 * What a SELECT over tables gives, as a Parquet file. Contained: it reads the files of the tables
 * it names and writes the output, and nothing else.
 */
struct duck_materialize {
	const char *sql;
	const struct duck_table *tables;
	size_t table_count;
	const char *output;   /* written, not synced */
	int64_t file_bytes;   /* more is ERR_LIMIT; 0: any */
	int64_t memory_bytes; /* 0: 1 GiB */
	int64_t deadline_ms;
};
int duck_materialize(const struct duck_materialize *materialize, struct duck_file_info *ret_info,
		     struct err *e);

#endif
