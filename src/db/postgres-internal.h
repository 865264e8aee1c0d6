/* SPDX-License-Identifier: Apache-2.0 */
/* What postgres*.c share: postgres.c connects and reads, -type.c maps types, -error.c tells errors. */
#ifndef LARDER_DB_POSTGRES_INTERNAL_H
#define LARDER_DB_POSTGRES_INTERNAL_H

#include "db/postgres-load.h"
#include "db/postgres.h"

struct postgres {
	const struct postgres_library *pq;
	PGconn *connection;
	int64_t stall_ms;
	bool (*is_cancelled)(void *ctx);
	void *ctx;
};

/* For what may come on the socket; ERR_OFFLINE when nothing does, ERR_CANCELLED. */
int postgres_wait(struct postgres *pg, struct err *e);

struct postgres_result {
	const struct postgres_library *pq;
	PGresult *r;
};
static inline void postgres_result_release(struct postgres_result *result)
{
	if (result->r)
		result->pq->clear(result->r);
}
#define AUTO_POSTGRES_RESULT AUTO(postgres_result_release)

/* `doing` says what could not be done: "read from PostgreSQL". */
int postgres_error(const struct postgres *pg, const PGresult *r, const char *doing, struct err *e);

/* How a column is asked for. */
enum { POSTGRES_PLAIN = 'p', POSTGRES_HEX = 'x', POSTGRES_JSON = 'j', POSTGRES_TEXT = 't' };

/* Fills type and kind from the type's number and modifier. */
void postgres_type(struct postgres_column *column, Oid type, int modifier);

#endif
