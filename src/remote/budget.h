/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much one user may ask of remote tables: statements at once, and bytes in a day (UTC). Both are rows of
 * the hub's database, so a restart resets nothing and several processes share them.
 *
 *	far_ticket_take(db, user, &limits, &ticket, &refusal, e)       before anything is asked
 *	far_ticket_reserve(db, &ticket, bytes, &limits, &refusal, e)   when the price is known
 *	far_ticket_end(db, &ticket, charge, e)                         however it ended
 *
 * each in a transaction of its own. A ticket is a lease: one whose owner is dead, or whose time is over, is
 * ended by whoever takes the next, and what it had reserved is charged, since its source may have read it
 * all. What is reserved counts as used, so statements that run at once cannot spend the same bytes.
 *
 * Threads: as the db. Errors: a refusal (refusal.h), the db's.
 */
#ifndef LARDER_REMOTE_BUDGET_H
#define LARDER_REMOTE_BUDGET_H

#include "db/db.h"
#include "remote/refusal.h"

struct far_limits {
	int64_t scan_bytes;  /* of one statement; 0: no limit */
	int64_t daily_bytes; /* of a user; 0: no limit */
	int64_t at_once;     /* of a user; at least 1 */
	int64_t seconds;     /* that a statement may take */
};

/* Beyond its statement's time: for the way there and back. */
#define FAR_TICKET_GRACE_MS 60000

struct far_ticket {
	int64_t id; /* 0: none was taken */
	int64_t user_id, day, reserved;
};
int far_ticket_take(struct db *db, int64_t user_id, const struct far_limits *limits,
		    struct far_ticket *ret_ticket, struct far_refusal *refusal, struct err *e);
int far_ticket_reserve(struct db *db, struct far_ticket *ticket, int64_t bytes,
		       const struct far_limits *limits, struct far_refusal *refusal, struct err *e);
int far_ticket_end(struct db *db, struct far_ticket *ticket, bool charge, struct err *e);

/* What was used and is reserved today. */
int far_budget_used(struct db *db, int64_t user_id, int64_t now_ms, int64_t *ret_bytes,
		    struct err *e);

#endif
