/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Upkeep that the scheduler asks for, over whatever a hub has of the kind. Each is a table in
 * work.c of functions of the domains: a domain that comes to have such things (blocked submissions,
 * reviews that hang) adds its function there, and the endpoints, their shapes and their audit stay as
 * they are.
 *
 *	purge       what was set aside and nobody came back for: cut downloads of a refresh
 *	reap        what says that it is running and is not: runs of scripts
 *
 * All inside the caller's transaction. Errors: the db's.
 */
#ifndef LARDER_HUB_WORK_H
#define LARDER_HUB_WORK_H

#include "base/str.h"
#include "engine/root.h"

int work_purge(struct root *root, int64_t before_ms, struct strv *ret_ids, struct err *e);
int work_reap(struct root *root, int64_t grace_ms, int64_t *ret_reaped, struct err *e);

#endif
