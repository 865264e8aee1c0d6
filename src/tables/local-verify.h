/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is what a workspace holds of its tables what its rows say? Every file is read and hashed, on
 * several threads; every link leads where it should; nothing lies in server/versions that no row
 * speaks of; every table has its view. Changes nothing.
 *
 *	struct local_verify v = { .root = root, .jobs = 4 };
 *	local_verify(&v, &findings, e);			stages: "file", "link", "litter" (of a
 *							path, not a table), "views"
 *	local_distrust(root, &findings, e);		so that the next pull mends what was found
 *
 * Threads: as the root. Errors: only what stops the check itself.
 */
#ifndef LARDER_TABLES_LOCAL_VERIFY_H
#define LARDER_TABLES_LOCAL_VERIFY_H

#include "base/progress.h"
#include "tables/failure.h"
#include "tables/local.h"
#include <stdatomic.h>

struct local_verify {
	struct root *root;
	unsigned jobs;
	bool quiet;

	size_t tables, files; /* filled in */
	atomic_llong bytes;
};

int local_verify(struct local_verify *v, struct failures *findings, struct err *e);

/* Forgets what is recorded of the damaged things, and removes the litter. */
int local_distrust(struct root *root, const struct failures *findings, struct err *e);

#endif
