/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call of the child, for the files of this folder: request in, each line of the answer to a
 * function, the child's own error as ours.
 *
 *	AUTO_BUF struct buf request = BUF_INIT(BUF_OWN_MAX);
 *	struct json_out o = client_request(&request, "describe");
 *	... json_add_...(&o, ...)
 *	return client_call(&(struct client_call){ .request = &o, .on_line = take, .ctx = &x }, e);
 */
#ifndef LARDER_DUCK_CLIENT_H
#define LARDER_DUCK_CLIENT_H

#include "base/json.h"
#include "base/str.h"
#include "duck/duck.h"

struct client_call {
	struct json_out *request;       /* an object still open; closed by the call */
	int64_t deadline_ms;            /* 0 = none */
	const struct proc_watch *watch; /* may be NULL */
	void *ctx;
	/* A line of the answer, the last one ("done") included; a negative return ends the call. */
	int (*on_line)(void *ctx, const struct json *line, struct err *e);
};

struct json_out client_request(struct buf *out, const char *operation);
int client_call(const struct client_call *call, struct err *e);

struct proc_options;
struct proc;
/* The same of a child that was started to talk before: `request` is the last that it is told. */
int client_tell(const struct client_call *call, struct proc *child, struct err *e);

/*
 * The program (LARDER_DUCK, else beside the running one, else where `make install` puts it), started as `how` says, but
 * for argv: `mode` is its one argument, NULL for none.
 */
int client_start(const char *mode, const struct proc_options *how, struct proc **ret_child,
		 struct err *e);
/* To one that talks: a request on a line of its own. Closes it. */
int client_say(struct proc *child, struct json_out *request, struct err *e);
/* The error of a child whose answers ended too early. */
int client_died(struct proc *p, struct err *e);
/* The error that a line tells, 0 when it tells none. */
int client_take_error(const struct json *line, struct err *e);
/* NULL and empty lists write []. */
void client_read_texts(const struct json *array, struct strv *out);
/* The two arrays of a line's "columns". The caller owns them. */
struct duck_column *client_read_columns(const struct json *array, size_t *ret_count);
void client_read_info(const struct json *line, struct duck_file_info *ret_info);
void client_add_tables(struct json_out *o, const struct duck_table *tables, size_t n);
void client_free_columns(struct duck_column *columns, size_t count);
/* Its members, into an open request. */
void client_add_convert(struct json_out *o, const struct duck_convert *request);
struct duck_names;
/* What the guard found in a statement. */
void client_read_names(const struct json *line, struct duck_names *names);
/* What a line says of a file. */
void client_read_info(const struct json *line, struct duck_file_info *ret_info);
const char *client_format_name(enum duck_format format);

#endif
