/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folders that have a row, each with what was last seen of its status.json: one look at the
 * database, so that a folder in which nothing changed costs one look at its file (agents/reap.h).
 *
 *	AUTO_KNOWN struct known known = { 0 };
 *	known_load(a, &known, e)
 *	struct known_folder *f = known_find(&known, "core/api/task-7");     NULL: it has no row
 *
 * Ownership: the struct owns its texts. Threads: one. Errors: the db's.
 */
#ifndef LARDER_AGENTS_KNOWN_H
#define LARDER_AGENTS_KNOWN_H

#include "agents/home.h"

struct known_folder {
	char *name;
	char *stamp; /* agents/mirror.h; NULL: never compared */
	bool met;    /* by whoever walks the folders */
};
struct known {
	struct known_folder *v; /* by name */
	size_t n, capacity;
};
int known_load(struct agents *a, struct known *ret, struct err *e);
void known_release(struct known *known);
#define AUTO_KNOWN AUTO(known_release)
struct known_folder *known_find(const struct known *known, const char *name);

#endif
