/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What went wrong in a run that goes on: a list of (stage, table, error). A run that touches many
 * things reports each failure once, at its end.
 *
 * Stages are those of the wire contract's report: "manifest", "download", "commit", "views",
 * "memory_bundle". Threads: one.
 */
#ifndef LARDER_TABLES_FAILURE_H
#define LARDER_TABLES_FAILURE_H

#include "base/err.h"

struct failure {
	const char *stage; /* a literal */
	char *table;       /* NULL when it is about no single table */
	struct err error;
};

struct failures {
	struct failure *v;
	size_t n;
	size_t capacity;
};

void failures_release(struct failures *f);
#define AUTO_FAILURES AUTO(failures_release)

void failures_add(struct failures *f, const char *stage, const char *table, const struct err *why);

/*
 * The code of the run as a whole: 0 without failures; ERR_AUTH or ERR_DENIED when every one is a
 * refusal, ERR_OFFLINE or ERR_BUSY when every one is that, so that a script knows to come back;
 * else ERR_FAILED.
 */
int failures_code(const struct failures *f);

#endif
