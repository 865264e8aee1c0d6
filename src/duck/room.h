/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A larder-duck of its own for one statement of somebody who may read nothing but what lies in one
 * folder (tables/room.h). It is started before there is a question, confines itself to the folder
 * and has DuckDB ready; then it is asked once.
 *
 *	duck_room_start(&options, &room, e)          returns at once
 *	duck_room_ask(room, &question, &names, e)    the tables the statement names; or it is refused
 *	... the caller puts their files into the folder ...
 *	duck_room_run(room, &run, &result, e)        rows to a function, as JSON text
 *	duck_room_free(room)                         ends the child, wherever it is
 *
 * The statement is judged by its parse (worker-guard.h) before anything is run.
 *
 * Threads: one at a time, which need not be the one that started it. Errors: ERR_USAGE for a
 * statement that is refused or wrong, ERR_LIMIT for memory, processor time or a size, ERR_BUSY at
 * the deadline, ERR_FAILED when the child died.
 */
#ifndef LARDER_DUCK_ROOM_H
#define LARDER_DUCK_ROOM_H

#include "duck/duck.h"

struct duck_room;

struct duck_room_options {
	const char *folder; /* absolute */
	const char *
		sample; /* a Parquet file in it to get ready with, with columns n, k, t, f, d; NULL: none */
	int64_t memory_bytes;
	int64_t cpu_seconds; /* of all its threads */
};
int duck_room_start(const struct duck_room_options *options, struct duck_room **ret_room,
		    struct err *e);
void duck_room_free(struct duck_room *room);
static inline void duck_room_auto_(struct duck_room **p)
{
	duck_room_free(*p);
}
#define AUTO_DUCK_ROOM AUTO(duck_room_auto_)

struct duck_question {
	const char *sql;
	int64_t row_limit, byte_limit; /* 0: none */
	int64_t cell_limit;            /* of one value's text, which is cut there; 0: none */
	int64_t deadline_ms;           /* from now, for all that follows */
};
/* A name as the statement has it; schema and catalog "" when it has none. */
struct duck_name {
	char *catalog, *schema, *name;
	char *id; /* of the table it means, when whoever asked knows better; else NULL */
};
struct duck_names {
	struct duck_name *v;
	size_t n;
	struct strv functions; /* that it calls, in small letters; operators by their signs */
	struct strv columns;   /* that it may want of its tables, as written ... */
	bool all_columns;      /* ... or all of them */
};
void duck_names_release(struct duck_names *names);
/* From now on the child is given up (ERR_CANCELLED) when `fd`, a socket, is at its end: whoever asked has
 * left. -1: not any more, as the fd may come to be another's. Accepts NULL for the room. */
void duck_room_watch(struct duck_room *room, int fd);
int duck_room_ask(struct duck_room *room, const struct duck_question *question,
		  struct duck_names *ret_names, struct err *e);

struct duck_run {
	const struct duck_table *tables; /* files relative to the folder */
	size_t table_count;
	void *ctx;
	int (*on_columns)(void *ctx, const struct duck_column *columns, size_t n, struct err *e);
	/* A JSON array as text, lent. */
	int (*on_row)(void *ctx, struct bytes row, struct err *e);
};
struct duck_run_result {
	int64_t rows;
	int64_t bytes;     /* of the rows' text */
	int64_t cells_cut; /* values that the limit of one cut */
	bool truncated;    /* there were more rows, or more bytes */
};
int duck_room_run(struct duck_room *room, const struct duck_run *run,
		  struct duck_run_result *ret_result, struct err *e);

#endif
