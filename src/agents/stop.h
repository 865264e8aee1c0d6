/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ending work before it ends by itself: what waits is cancelled; what runs is told to end (TERM to its
 * group, KILL after RUN_GRACE_MS, or at once when forced), and is waited for.
 *
 *	stop_work(a, "local/api/task-7", false, &d, e)
 *
 * That a person asked is on record before the signal, so its end is "stopped" whoever sees it: its
 * supervisor, or we when it has none. Errors: ERR_CONFLICT when it is over, or when nothing is known of
 * its process (another machine's: stop it there); ERR_BUSY when it does not end even so.
 */
#ifndef LARDER_AGENTS_STOP_H
#define LARDER_AGENTS_STOP_H

#include "agents/change.h"

int stop_work(struct agents *a, const char *name, bool force, struct dispatch *ret, struct err *e);

#endif
