/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part of a table with a key from the part before it and a patch (docs/format-patch.md); the child
 * program does it (duck.h). Patches are made by duck_parts().
 *
 *	const struct duck_rebuild q = { .before = old, .patch = patch, .output = "/staging/x" };
 *	duck_rebuild(&q, e)
 *
 * Whether the output is the part that was wanted only its hash tells. Errors: ERR_CORRUPT for a patch
 * that is none, or of another DuckDB; ERR_LIMIT where it asks for too much.
 */
#ifndef LARDER_DUCK_PATCH_H
#define LARDER_DUCK_PATCH_H

#include "duck/duck.h"

struct duck_rebuild {
	const char *before, *patch;
	const char *output;   /* written, not synced */
	int64_t output_bytes; /* the most it may have */
};

int duck_rebuild(const struct duck_rebuild *request, struct err *e);

#endif
