/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the engine for PostgreSQL share: postgres.c asks, -describe.c looks a table up. */
#ifndef LARDER_REMOTE_POSTGRES_INTERNAL_H
#define LARDER_REMOTE_POSTGRES_INTERNAL_H

#include "db/postgres.h"
#include "remote/engine.h"

struct far_session {
	struct postgres *pg;
	const struct far_guard *guard;
};

/* "public.orders", cut into its two parts: schema is the text itself, the table behind its NUL. The
 * caller owns it. */
char *far_postgres_split(const struct json *spec, const char **ret_table);
/* -1 for what is no number. */
int64_t far_postgres_number(struct bytes text);

int far_postgres_describe(struct far_session *session, const struct json *spec,
			  struct far_found *ret_found, struct err *e);

#endif
