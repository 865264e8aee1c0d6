/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a hub's data what its rows say? Every object is there, has its size and its hash; every
 * version has its parts and the hash of them; every part its object; no file lies in the objects
 * folder that no row speaks of. Reads only; what it finds is told one by one.
 *
 * Threads: as the root. Errors: only for what stops the check itself.
 */
#ifndef LARDER_TABLES_HUB_VERIFY_H
#define LARDER_TABLES_HUB_VERIFY_H

#include "engine/root.h"

struct tables_verify {
	void *ctx;
	void (*on_problem)(void *ctx, const char *what); /* one sentence */
	void (*on_object)(void *ctx, int64_t bytes);     /* one was read; may be NULL */

	size_t objects, versions, problems; /* filled in */
	int64_t bytes;
};

int tables_verify(const struct root *root, struct tables_verify *v, struct err *e);

#endif
