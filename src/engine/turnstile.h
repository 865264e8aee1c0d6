/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A turnstile: so many at once, the first come first. For a part of a pipeline's prepare that wants
 * something there is less of than workers: a processor, a server's patience.
 *
 *	AUTO_TURNSTILE struct turnstile *t = turnstile_new(2, cancel);
 *	r = turnstile_enter(t, e);            waits; ERR_CANCELLED when *cancel became true
 *	if (r == 0) {
 *		r = convert(...);
 *		turnstile_leave(t);
 *	}
 *
 * A NULL one lets everybody through. Threads: any, but for turnstile_free().
 */
#ifndef LARDER_ENGINE_TURNSTILE_H
#define LARDER_ENGINE_TURNSTILE_H

#include "base/err.h"

#include <stdatomic.h>

struct turnstile;

/* `width` at least 1; `cancel` may be NULL, and is looked at whenever somebody leaves. */
struct turnstile *turnstile_new(unsigned width, const atomic_bool *cancel);
void turnstile_free(struct turnstile *t);
static inline void turnstile_auto_(struct turnstile **p)
{
	turnstile_free(*p);
}
#define AUTO_TURNSTILE AUTO(turnstile_auto_)

int turnstile_enter(struct turnstile *t, struct err *e);
void turnstile_leave(struct turnstile *t);

#endif
