/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of an engine as others take them: JSON arrays for answers (as of local queries, docs/queries.md:
 * numbers with all their digits, what JSON has no type for as text) and CSV for files.
 * Threads: no state. Errors: none; a full buf tells of itself.
 */
#ifndef LARDER_REMOTE_VALUES_H
#define LARDER_REMOTE_VALUES_H

#include "duck/duck.h"

void far_add_json(struct buf *out, const struct duck_column *columns, const struct bytes *values,
		  size_t n);
/* A line; NULL is \N without quotes, every other value stands in quotes. */
void far_add_csv(struct buf *out, const struct bytes *values, size_t n);

#endif
