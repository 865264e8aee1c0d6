/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Excerpts on demand: before a handler tells a caller of tables, those excerpts (tables/excerpt.h)
 * are made that this caller is to see and nobody was to see before.
 *
 *	r = excerpts_first(q, NULL, e);          of one table, or NULL: of all that the caller sees
 *	if (r != 0)
 *		return r < 0 ? r : 0;            taken aside: this handler is called again, later
 *
 * For routes without a body. Once they are there it is one query, and none for callers without
 * limits. Errors: ERR_BUSY when too much is at work aside, what excerpt_make() reports.
 */
#ifndef LARDER_HUB_EXCERPTS_H
#define LARDER_HUB_EXCERPTS_H

#include "hub/routes.h"

int excerpts_first(struct request *q, const char *table, struct err *e);
/* The same at once, for work that is aside already: on return they are there. */
int excerpts_make(struct hub *hub, struct db *db, const struct caller *caller, const char *table,
		  struct err *e);

#endif
