/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/budget.h"

#include "base/proc.h"
#include "base/time.h"

#define DAY_MS ((int64_t)24 * 3600 * 1000)
/* Days that are kept: for who asks where a month's money went. */
#define DAYS_KEPT 90

static int charge(struct db *db, int64_t user_id, int64_t day, int64_t bytes, struct err *e)
{
	static const char sql[] =
		"INSERT INTO remote_use(user_id, day, bytes) VALUES(?1, ?2, ?3)"
		" ON CONFLICT(user_id, day) DO UPDATE SET bytes=bytes+excluded.bytes";

	return bytes > 0 ? db_exec(db, e, sql, "iii", user_id, day, bytes) : 0;
}

static int end_one(struct db *db, const struct far_ticket *t, bool charged, struct err *e)
{
	int r = db_exec(db, e, "DELETE FROM remote_ticket WHERE id=?1", "i", t->id);

	if (r == 0 && charged && db_changes(db) > 0)
		r = charge(db, t->user_id, t->day, t->reserved, e);
	return r;
}

/* A row that is in nobody's hands, read before it is deleted: the statement is done first. */
static int find_dead(struct db *db, int64_t user_id, int64_t now, struct far_ticket *ret,
		     struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e,
			 "SELECT id, day, reserved, owner, expires_ms FROM remote_ticket"
			 " WHERE user_id=?1",
			 "i", user_id);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		if (stmt_int(q, 4) <= now || proc_liveness(stmt_text(q, 3)) == PROC_DEAD) {
			*ret = (struct far_ticket){ stmt_int(q, 0), user_id, stmt_int(q, 1),
						    stmt_int(q, 2) };
			return 1;
		}
		r = 0;
	}
	return r;
}

static int end_dead(struct db *db, int64_t user_id, int64_t now, struct err *e)
{
	struct far_ticket dead = { 0 };
	int r;

	while ((r = find_dead(db, user_id, now, &dead, e)) > 0) {
		r = end_one(db, &dead, true, e);
		if (r < 0)
			break;
	}
	return r;
}

int far_budget_used(struct db *db, int64_t user_id, int64_t now_ms, int64_t *ret_bytes,
		    struct err *e)
{
	return db_get_int(
		db, ret_bytes, 0, e,
		"SELECT ifnull((SELECT bytes FROM remote_use WHERE user_id=?1 AND day=?2),"
		" 0) + ifnull((SELECT sum(reserved) FROM remote_ticket WHERE user_id=?1"
		" AND day=?2), 0)",
		"ii", user_id, now_ms / DAY_MS);
}

static int refuse_day(int64_t used, const struct far_limits *limits, struct far_refusal *refusal,
		      struct err *e)
{
	const struct far_over over = { "daily_byte_cap_exceeded", "daily_bytes", used,
				       limits->daily_bytes,
				       (DAY_MS - time_now() % DAY_MS + 999) / 1000 };

	return far_refuse_budget(refusal, &over, e);
}

static int check_free(struct db *db, int64_t user_id, const struct far_limits *limits,
		      struct far_refusal *refusal, struct err *e)
{
	struct far_over over = { "concurrent_slot_exceeded", "concurrent_scans", 0, limits->at_once,
				 0 };
	int64_t used = 0;
	int r = far_budget_used(db, user_id, time_now(), &used, e);

	if (r == 0 && limits->daily_bytes && used >= limits->daily_bytes)
		return refuse_day(used, limits, refusal, e);
	if (r == 0)
		r = db_get_int(db, &over.current, 0, e,
			       "SELECT count(*) FROM remote_ticket WHERE user_id=?1", "i", user_id);
	if (r == 0 && over.current >= limits->at_once)
		return far_refuse_budget(refusal, &over, e);
	return r;
}

int far_ticket_take(struct db *db, int64_t user_id, const struct far_limits *limits,
		    struct far_ticket *ret_ticket, struct far_refusal *refusal, struct err *e)
{
	char owner[PROC_IDENTITY_MAX];
	int64_t now = time_now();
	int r = end_dead(db, user_id, now, e);

	if (r == 0)
		r = check_free(db, user_id, limits, refusal, e);
	if (r == 0)
		r = db_exec(db, e, "DELETE FROM remote_use WHERE day<?1", "i",
			    now / DAY_MS - DAYS_KEPT);
	if (r < 0)
		return r;
	proc_identity(getpid(), owner);
	r = db_exec(db, e,
		    "INSERT INTO remote_ticket(user_id, owner, expires_ms, reserved, day)"
		    " VALUES(?1, ?2, ?3, 0, ?4)",
		    "itii", user_id, owner, now + limits->seconds * 1000 + FAR_TICKET_GRACE_MS,
		    now / DAY_MS);
	if (r == 0)
		*ret_ticket = (struct far_ticket){ db_last_id(db), user_id, now / DAY_MS, 0 };
	return r;
}

int far_ticket_reserve(struct db *db, struct far_ticket *ticket, int64_t bytes,
		       const struct far_limits *limits, struct far_refusal *refusal, struct err *e)
{
	int64_t used = 0;
	int r = far_budget_used(db, ticket->user_id, ticket->day * DAY_MS, &used, e);

	if (r < 0)
		return r;
	if (limits->daily_bytes && bytes > limits->daily_bytes - used)
		return refuse_day(used, limits, refusal, e);
	r = db_exec(db, e, "UPDATE remote_ticket SET reserved=?1 WHERE id=?2", "ii", bytes,
		    ticket->id);
	if (r == 0 && db_changes(db) == 0)
		r = err_set(e, ERR_LIMIT, "the statement was stopped: its time is over");
	if (r == 0)
		ticket->reserved = bytes;
	return r;
}

int far_ticket_end(struct db *db, struct far_ticket *ticket, bool charged, struct err *e)
{
	int r = ticket->id ? end_one(db, ticket, charged, e) : 0;

	if (r == 0)
		ticket->id = 0;
	return r;
}
