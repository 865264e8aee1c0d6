/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash of a table in parts: the hash of the lines "path hash\n", in byte order of the paths.
 * Both sides compute it: the hub for its manifest, a workspace to check what it holds. The wire
 * contract is docs/http-api.md, "Manifest".
 */
#ifndef LARDER_TABLES_ROLLUP_H
#define LARDER_TABLES_ROLLUP_H

#include "base/hash.h"

struct rollup_part {
	const char *path;
	const char *hash;
};

/* Sorts the parts. */
void rollup_hash(enum hash_kind kind, struct rollup_part *parts, size_t n, char out[HASH_HEX_MAX]);

#endif
