/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of its own for each test of larder-duck, with a blank, a quote, a pattern and a letter
 * beyond ASCII in its name; Parquet files in it; a database with things of a user's; and queries
 * whose rows come as one text.
 */
#ifndef LARDER_DUCK_HELP_H
#define LARDER_DUCK_HELP_H

#include "base/buf.h"
#include "base/proc.h"
#include "duck/duck.h"

struct place {
	char *folder;
	char *database;
	char *staging;
};

int place_make(void **state); /* cmocka's set-up and tear-down */
int place_remove(void **state);
/* <folder>/<name>; owned by the place. */
const char *in_place(const struct place *p, const char *name);
void write_text(const char *path, const char *text);
/* A Parquet file made of CSV text. */
const char *make_parquet(const struct place *p, const char *name, const char *csv);

/* Statements in the database, as the user's own program would run them. */
void run_in_database(const struct place *p, const char *const *statements);
/* Another process that has the database open until proc_free(). */
struct proc *hold_database(const struct place *p, bool read_only);

/* One view over one file; `path` NULL drops it. */
int put_view(const struct place *p, const char *name, const char *path,
	     struct duck_views_result *ret_result, struct err *e);

struct rows {
	struct buf columns; /* "a BIGINT,b VARCHAR" */
	struct buf text;    /* "[1,\"x\"][2,\"y\"]" */
	struct duck_query_result result;
};
int ask(struct duck_query *query, struct rows *ret_rows, struct err *e);
void rows_release(struct rows *rows);
#define AUTO_ROWS AUTO(rows_release)

#endif
