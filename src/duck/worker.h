/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program `larder-duck`: one request, one process. It reads a JSON object from stdin until its
 * end, answers with lines on stdout, and exits 0 when it answered at all; what went wrong is in the
 * answer. Protocol: docs/larder-duck.md. The client in `larder` is client.c.
 *
 *	{"op":"describe","files":["/data/a.parquet"]}
 *	{"index":0,"rows":3,...}
 *	{"done":true}
 *
 * The worker's files: worker-main.c (the operations' table), worker-reply.c (lines out),
 * worker-limits.c (rlimits, Landlock), worker-engine.c (DuckDB opened, asked, quoted for),
 * worker-value.c and worker-type.c (a cell and a type as text), then one file or two an operation.
 *
 * Threads: the protocol belongs to the main thread.
 */
#ifndef LARDER_DUCK_WORKER_H
#define LARDER_DUCK_WORKER_H

#include "base/json.h"
#include "base/str.h"

/* A request names tables and files: 10,000 tables of 100 parts with long paths are below this. */
#define WORKER_REQUEST_MAX ((size_t)256 << 20)

/* The answer's lines, collected and written in large pieces to a private copy of stdout. */
struct reply {
	int fd;
	struct buf text;
	struct json_out line;
};

/* Takes stdout for the protocol and points fd 1 at stderr, since DuckDB prints there. */
int reply_open(struct reply *r, struct err *e);
void reply_close(struct reply *r);
/* A new line: add one JSON value to the returned writer, then end it. */
struct json_out *reply_line(struct reply *r);
int reply_end_line(struct reply *r, struct err *e);
/* The last line of an operation that has nothing to tell. */
int reply_done(struct reply *r, struct err *e);
int reply_flush(struct reply *r, struct err *e);
int reply_error(struct reply *r, const struct err *why, struct err *e);

typedef int (*operation_fn)(struct reply *r, const struct json *request, struct err *e);
#ifdef LARDER_FAULTS
int operation_hold(struct reply *r, const struct json *request, struct err *e);
#endif
int operation_version(struct reply *r, const struct json *request, struct err *e);
int operation_excerpt(struct reply *r, const struct json *request, struct err *e);
int operation_judge(struct reply *r, const struct json *request, struct err *e);
int operation_filter(struct reply *r, const struct json *request, struct err *e);
int operation_describe(struct reply *r, const struct json *request, struct err *e);
int operation_convert(struct reply *r, const struct json *request, struct err *e);
int operation_materialize(struct reply *r, const struct json *request, struct err *e);
int operation_read(struct reply *r, const struct json *request, struct err *e);
int operation_transform(struct reply *r, const struct json *request, struct err *e);
int operation_views(struct reply *r, const struct json *request, struct err *e);
int operation_parts(struct reply *r, const struct json *request, struct err *e);
int operation_rebuild(struct reply *r, const struct json *request, struct err *e);
int operation_query(struct reply *r, const struct json *request, struct err *e);
int operation_statistics(struct reply *r, const struct json *request, struct err *e);

/* What is still to come on stdin, up to its end, as one JSON value. The caller frees it. */
int worker_read_rest(struct json **ret_request, struct err *e);
/* With --stream: 1 and the line, not a byte of what comes behind it read (of some operations rows that DuckDB
 * reads, of others more requests); 0 at the end. */
int worker_read_line(struct json **ret_request, struct err *e);

/* The absolute form of a path of the request, which may be relative to where the program was
 * started; DuckDB would take "s3://x" or "~/x" for something else. The caller owns it. */
char *worker_absolute_path(const char *path);

#endif
