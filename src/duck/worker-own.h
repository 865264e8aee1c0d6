/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database with the user's own tables and views, beside the tables of the request.
 *
 * It is opened only when a statement names something that is no table of the request, and then read
 * only, attached under its file's name. The tables of the request win over views and tables of the
 * same name in it (those may show an older state); "analytics.orders" reaches the latter. Views of
 * the user over our tables are made again in memory, so that they see the tables of the request
 * too.
 */
#ifndef LARDER_DUCK_WORKER_OWN_H
#define LARDER_DUCK_WORKER_OWN_H

#include "duck/worker-tables.h"

struct own {
	const char *path; /* of the database, absolute; NULL: there is none */
	const struct tables *tables;
	duckdb_connection con;
	bool attached;
	bool held;     /* another process is writing it */
	char *catalog; /* its name once attached; owned */
	char *note;    /* why it is not there; owned */
};

void own_release(struct own *own);
/* Attaches it, once; what stops that is told by `held` and `note` and is no error. */
void own_attach(struct own *own);
/* Makes what `sql` mentions, and what that mentions in turn, mean the tables of the request. */
int own_make_views(struct own *own, const char *sql, struct err *e);
/* Views in memory of all tables of the request that the database lacks, for statements that look
 * into the catalogue. */
int own_make_catalog(struct own *own, struct err *e);
/* A SELECT that lists the tables: the request's and the user's own, each once. */
void own_add_listing(const struct own *own, struct buf *sql);

#endif
