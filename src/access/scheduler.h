/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler as a caller: who shows the secret that hub and scheduler share is the user
 * scheduler@system.local, an admin that mints no tokens.
 *
 *	scheduler_set_secret(db, getenv("SCHEDULER_API_TOKEN"), e)      when a hub starts
 *
 * The secret is kept as its SHA-256 in the row of a token with an id that no other token has, so
 * that everything else (access_authenticate(), its end, its use) is as with any token; it is
 * compared whole and in constant time. White space around it does not count; one that is shorter
 * than SCHEDULER_SECRET_MIN is none, and so is NULL: then nobody is the scheduler.
 *
 * Inside a transaction of the caller's; nothing is written when nothing changed. Threads: as the
 * db.
 */
#ifndef LARDER_ACCESS_SCHEDULER_H
#define LARDER_ACCESS_SCHEDULER_H

#include "access/access.h"

#define SCHEDULER_EMAIL    "scheduler@system.local"
#define SCHEDULER_TOKEN_ID "scheduler"
/* What a person could guess or a list could hold is shorter. */
#define SCHEDULER_SECRET_MIN 32

/* 1 when the secret is in force, 0 when there is none. */
int scheduler_set_secret(struct db *db, const char *secret, struct err *e);

#endif
