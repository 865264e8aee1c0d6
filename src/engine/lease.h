/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases: one at a time. A row with an owner, a token and an expiry; an expired lease, or one whose
 * owner is provably dead on this machine, is taken over; a stale token can do nothing.
 *
 *	AUTO_LEASE struct lease *lease = NULL;
 *	if (lease_take(db, "pull", 60000, "larder pull", &lease, e) < 0)
 *		...                ERR_BUSY names the holder
 *	lease_check(lease, e)      inside the transaction that must not run twice: ERR_BUSY when the
 *	                           lease was lost; renews when half the time is gone
 *	lease_drop(lease)          gives it back; before the db is closed
 *
 * lease_wait() waits up to `wait_ms` for it, polling the row with growing pauses (the holder may be
 * another process, which cannot signal us; this is the one place that waits so).
 *
 * Take and drop are called outside a transaction and are not synced: what a power cut undoes, it
 * also undoes for the holder. Expiry is by wall clock, so a clock that jumps forward may give a
 * lease away early; its old holder then fails at lease_check(), never silently. Threads: as the db.
 */
#ifndef LARDER_ENGINE_LEASE_H
#define LARDER_ENGINE_LEASE_H

#include "db/db.h"

extern const struct db_schema lease_schema;

struct lease;

int lease_take(struct db *db, const char *name, int64_t ttl_ms, const char *holder,
	       struct lease **ret_lease, struct err *e);
struct lease_wait_options {
	const char *name;
	const char *holder;
	int64_t ttl_ms;
	int64_t wait_ms;
};
int lease_wait(struct db *db, const struct lease_wait_options *options, struct lease **ret_lease,
	       struct err *e);
int lease_check(struct lease *lease, struct err *e);
void lease_drop(struct lease *lease);
static inline void lease_auto_(struct lease **p)
{
	lease_drop(*p);
}
#define AUTO_LEASE AUTO(lease_auto_)

#endif
