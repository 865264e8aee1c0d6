/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libpq, loaded when the first connection is made: few commands need it, and it brings Kerberos and
 * LDAP with it. Only postgres*.c include this.
 *
 *	const struct postgres_library *pq = NULL;
 *	if (postgres_library_load(&pq, e) < 0) ...
 *	pq->finish(connection)
 *
 * Loaded once, never unloaded. Threads: any.
 */
#ifndef LARDER_DB_POSTGRES_LOAD_H
#define LARDER_DB_POSTGRES_LOAD_H

#include "base/err.h"
#include <libpq-fe.h>

struct postgres_library {
	PGconn *(*connectdbParams)(const char *const *keywords, const char *const *values,
				   int expand);
	PQconninfoOption *(*conninfoParse)(const char *text, char **ret_error);
	void (*conninfoFree)(PQconninfoOption *options);
	void (*finish)(PGconn *c);
	ConnStatusType (*status)(const PGconn *c);
	char *(*errorMessage)(const PGconn *c);
	PGresult *(*exec)(PGconn *c, const char *sql);
	PGresult *(*prepare)(PGconn *c, const char *name, const char *sql, int n, const Oid *types);
	PGresult *(*describePrepared)(PGconn *c, const char *name);
	ExecStatusType (*resultStatus)(const PGresult *r);
	char *(*resultErrorField)(const PGresult *r, int field);
	int (*ntuples)(const PGresult *r);
	int (*nfields)(const PGresult *r);
	char *(*fname)(const PGresult *r, int column);
	Oid (*ftype)(const PGresult *r, int column);
	int (*fmod)(const PGresult *r, int column);
	char *(*getvalue)(const PGresult *r, int row, int column);
	int (*getisnull)(const PGresult *r, int row, int column);
	void (*clear)(PGresult *r);
	int (*getCopyData)(PGconn *c, char **ret_row, int async);
	PGresult *(*getResult)(PGconn *c);
	void (*freemem)(void *p);
	PQnoticeProcessor (*setNoticeProcessor)(PGconn *c, PQnoticeProcessor f, void *ctx);
	int (*socket)(const PGconn *c);
	int (*consumeInput)(PGconn *c);
	int (*sendQueryParams)(PGconn *c, const char *sql, int n, const Oid *types,
			       const char *const *values, const int *lengths, const int *formats,
			       int result_format);
	int (*setSingleRowMode)(PGconn *c);
	int (*isBusy)(PGconn *c);
	int (*getlength)(const PGresult *r, int row, int column);
	PGcancel *(*getCancel)(PGconn *c);
	int (*cancel)(PGcancel *cancel, char *why, int size);
	void (*freeCancel)(PGcancel *cancel);
};

int postgres_library_load(const struct postgres_library **ret_library, struct err *e);

#endif
