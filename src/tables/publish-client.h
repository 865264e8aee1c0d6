/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publishing from outside: files are hashed, those the hub has not are uploaded, then one request
 * makes them the current version of a table.
 *
 *	struct publish_order order = { .server = url, .token = token, .table = "orders", ... };
 *	AUTO_PUBLISHED struct published done = { 0 };
 *	if (publish_run(&order, &files, &done, e) < 0) ...
 *
 * Nothing changes at the hub before the last request, and an upload that came through stays: run
 * again after a kill, it sends only what is missing. Passing errors are retried with back-off; a
 * hub that is busy converting says when to come back.
 *
 * Threads: the call blocks; uploads run beside each other. Errors: those of the hub's answers, with
 * the file named.
 */
#ifndef LARDER_TABLES_PUBLISH_CLIENT_H
#define LARDER_TABLES_PUBLISH_CLIENT_H

#include "base/json.h"
#include "base/progress.h"
#include "tables/publish-files.h"

struct publish_order {
	const char *server; /* without a trailing slash */
	const char *token;
	const char *table;
	const char *name, *description; /* NULL: unchanged */
	const struct strv *sort;
	const struct strv *key; /* NULL or empty: as the table has it */
	unsigned jobs;          /* uploads at once */
	unsigned retries;       /* of what may pass: an unreachable or busy hub */
	struct progress *progress;
};

struct published {
	struct json *reply; /* what the hub answered */
	size_t uploaded, known;
	int64_t bytes_sent;
};
void published_release(struct published *p);
#define AUTO_PUBLISHED AUTO(published_release)

int publish_run(const struct publish_order *order, const struct publish_files *files,
		struct published *ret_published, struct err *e);

#endif
