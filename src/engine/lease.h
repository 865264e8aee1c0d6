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
/* 1 when it is held by a process that lives on this machine, whatever the clock says of its time. For
 * who only wants to know: nothing is written. */
int lease_owner_lives(struct db *db, const char *name, struct err *e);
/* The same, and its process: for who waits for its end (engine/watch.h). */
int lease_owner(struct db *db, const char *name, pid_t *ret_pid, struct err *e);
void lease_drop(struct lease *lease);
static inline void lease_auto_(struct lease **p)
{
	lease_drop(*p);
}
#define AUTO_LEASE AUTO(lease_auto_)

/*
 * For a holder that is not this process and shows its token with each call (the scheduler, over
 * HTTP). Inside a transaction of the caller's. lease_hold() takes, or with the token of an earlier
 * call renews; the token may have changed, which means that the hold had been lost meanwhile. A
 * holder of the same `owner` (a proc_identity(), or any other name that nobody else has) may take
 * it at once; all else is as above.
 */
#define LEASE_TOKEN_MAX 64
struct lease_claim {
	const char *name;
	const char *holder, *owner, *host; /* who, for people; proc_identity(); where */
	const char *token;                 /* NULL or "": none yet */
	int64_t ttl_ms;
};
int lease_hold(struct db *db, const struct lease_claim *claim, char ret_token[LEASE_TOKEN_MAX],
	       struct err *e);
int lease_release(struct db *db, const char *name, const char *token, struct err *e);

/* Who holds it, for who looks on: 1 and the texts (the caller's), 0 when nobody does. */
struct lease_view {
	char *holder, *host;
	int64_t expires_ms;
};
void lease_view_release(struct lease_view *view);
int lease_look(struct db *db, const char *name, struct lease_view *ret_view, struct err *e);
/* 1 while anybody holds one whose name counts. */
int lease_any(struct db *db, bool (*counts)(const char *name), struct err *e);

#endif
