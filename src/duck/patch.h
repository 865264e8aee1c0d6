/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part of a table with a key from the part before it and a patch (docs/format-patch.md); the child
 * program does it (duck.h). Patches are made by duck_parts().
 *
 *	const struct duck_rebuilder_options o = { .versions = folder, .staging = folder, .file_bytes = largest };
 *	AUTO_DUCK_REBUILDER struct duck_rebuilder *d = NULL;
 *	duck_rebuilder_start(&o, &d, e)
 *	const struct duck_rebuild q = { .before = old, .patch = patch, .output = "/staging/x" };
 *	duck_rebuild(d, &q, e)				as often as there are parts
 *
 * One child makes many parts: a third of what one costs would be the start of DuckDB. The child reads
 * nothing but files in the two folders and writes to `staging`, none larger than `file_bytes`; whether the output is
 * the part that was wanted only its hash tells. After an error it is of no use any more: what it holds in memory
 * may be wrong too.
 *
 * Threads: one call at a time; the child ends with the thread that started it. Errors: ERR_CORRUPT for a patch that
 * is none, or of another DuckDB; ERR_LIMIT where it asks for too much.
 */
#ifndef LARDER_DUCK_PATCH_H
#define LARDER_DUCK_PATCH_H

#include "duck/duck.h"

struct duck_rebuilder;
struct duck_rebuilder_options {
	const char *versions; /* where the parts before are */
	const char *staging;  /* and patches and outputs */
	int64_t file_bytes;   /* the most that an output may have */
};
int duck_rebuilder_start(const struct duck_rebuilder_options *options,
			 struct duck_rebuilder **ret_rebuilder, struct err *e);
void duck_rebuilder_free(struct duck_rebuilder *d);
static inline void duck_rebuilder_auto_(struct duck_rebuilder **p)
{
	duck_rebuilder_free(*p);
}
#define AUTO_DUCK_REBUILDER AUTO(duck_rebuilder_auto_)

struct duck_rebuild {
	const char *before, *patch;
	const char *output; /* written, not synced */
};
int duck_rebuild(struct duck_rebuilder *d, const struct duck_rebuild *request, struct err *e);

#endif
