/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sources say of the tables that stay there, looked up and remembered (tables/metadata.h), so that no
 * request of a person waits for one.
 *
 *	struct far_refresh refresh = { .root = root, .tables = &ids };
 *	AUTO(far_refreshed_release) struct far_refreshed done = { 0 };
 *	far_refresh(&refresh, &done, e)
 *
 * At most FAR_REFRESH_AT_ONCE sources are asked at the same time (engine/pipeline), each within
 * FAR_REFRESH_MS; what is found out is committed one table after the other. One table's failure stops no
 * other: it is recorded, and what was known of the table stays. What a source answers in part replaces that
 * part.
 *
 * Threads: one, on a root of its own. Errors: the db's; those of tables are in `done`.
 */
#ifndef LARDER_REMOTE_METADATA_H
#define LARDER_REMOTE_METADATA_H

#include "base/str.h"
#include "engine/root.h"

/* As many as the system before this one; sources have few places for who only looks. */
#define FAR_REFRESH_AT_ONCE 4
/* A catalog answers at once; one that does not may the next time. */
#define FAR_REFRESH_MS 30000

struct far_refresh {
	struct root *root;
	const struct strv *tables; /* ids or names; empty: all remote tables */
};
struct far_refreshed {
	int64_t total, succeeded, no_data, failed;
	char *table, *error; /* of the last that failed, or was answered in part */
};
void far_refreshed_release(struct far_refreshed *done);

int far_refresh(const struct far_refresh *refresh, struct far_refreshed *done, struct err *e);

#endif
