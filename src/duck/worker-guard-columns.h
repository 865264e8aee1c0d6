/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which columns a statement may want of its tables, by the names in its parse: so that of a table that stays
 * elsewhere no more is brought than that. A name too many costs; one too few would make a statement wrong, so what
 * may mean more than it says (a star, NATURAL, PIVOT, a table's name as a value) means all.
 *
 *	columns_note(&c, object)       each object of the parse, in any order
 *	columns_end(&c)                then c.names, or c.all
 *
 * Pure. Threads: no state.
 */
#ifndef LARDER_DUCK_WORKER_GUARD_COLUMNS_H
#define LARDER_DUCK_WORKER_GUARD_COLUMNS_H

#include "base/json.h"
#include "base/str.h"

/* Of more names than that, all are brought: each new one is looked for in the list. */
#define GUARD_COLUMNS_MAX 1000

struct guard_columns {
	struct strv names;  /* each once, as written */
	struct strv values; /* those that stand for a value: the last of a path */
	struct strv tables; /* names and aliases */
	bool all;
};
void columns_release(struct guard_columns *c);
void columns_note(struct guard_columns *c, const struct json *object);
void columns_end(struct guard_columns *c);

#endif
