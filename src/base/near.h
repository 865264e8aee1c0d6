/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Did you mean ...?": finds the known name nearest to what was typed, by edit distance. Works over
 * any table, because the caller does the walking:
 *
 *	struct near near = near_to("wrokspace");
 *	for (size_t i = 0; i < n; i++)
 *		near_try(&near, table[i].name);
 *	if (near.best)
 *		err_hint(e, "did you mean '%s'?", near.best);
 *
 * A name further away than a third of what was typed (at least 2 edits) is no help and not given.
 * Nothing is allocated; texts are lent. Threads: no state.
 */
#ifndef LARDER_BASE_NEAR_H
#define LARDER_BASE_NEAR_H

#include "base/base.h"

/* Names of options, commands and keys are far shorter; a longer text is near to nothing. */
#define NEAR_TEXT_MAX 48

struct near {
	const char *given;
	const char *best; /* NULL while nothing near was tried */
	size_t distance;  /* of best; while there is none, the first distance that is too far */
};

struct near near_to(const char *given);
void near_try(struct near *near, const char *known);

#endif
