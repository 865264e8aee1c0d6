/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hub lets go: versions that were replaced long enough ago, tables that are removed, and the
 * objects nothing speaks of then. Files go through the journal, in the transaction that takes their
 * rows; a reply that has its file open goes on to its end.
 *
 * All run inside the caller's transaction, on the thread of the root.
 */
#ifndef LARDER_TABLES_RETENTION_H
#define LARDER_TABLES_RETENTION_H

#include "access/access.h"
#include "engine/root.h"

/* Versions replaced more than keep_ms ago. *ret_removed may be NULL. */
int retention_sweep(struct root *root, int64_t keep_ms, size_t *ret_removed, struct err *e);

/* The table, all its versions and all grants of it. id_or_name as a person says it. */
int retention_remove_table(struct root *root, const struct caller *by, const char *id_or_name,
			   struct err *e);

#endif
