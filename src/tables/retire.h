/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a table leaves behind when it changes or goes: links, versions, and folders that fall empty.
 * All inside the caller's transaction (tables/commit.h).
 */
#ifndef LARDER_TABLES_RETIRE_H
#define LARDER_TABLES_RETIRE_H

#include "tables/local.h"
#include "tables/manifest.h"

/* Removes the links of `have` that `want` (NULL: none) does not set again. */
int retire_links(struct root *root, const struct local_table *have,
		 const struct manifest_table *want, struct err *e);

/* Removes those files of `have` that no row of ws_file names any more, at `due_ms` or, 0, now. */
int retire_version(struct root *root, const struct local_table *have, int64_t due_ms,
		   struct err *e);

#endif
