/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/rollup.h"

#include <stdlib.h>

static int by_path(const void *a, const void *b)
{
	const struct rollup_part *x = a;
	const struct rollup_part *y = b;

	return strcmp(x->path, y->path);
}

void rollup_hash(enum hash_kind kind, struct rollup_part *parts, size_t n, char out[HASH_HEX_MAX])
{
	AUTO_HASH struct hash *h = hash_new(kind);

	if (n > 0)
		qsort(parts, n, sizeof(*parts), by_path);
	for (size_t i = 0; i < n; i++) {
		hash_add(h, parts[i].path, strlen(parts[i].path));
		hash_add(h, " ", 1);
		hash_add(h, parts[i].hash, strlen(parts[i].hash));
		hash_add(h, "\n", 1);
	}
	hash_hex(h, out);
}
