/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted: table agent_pool, and the rows of what runs and waits. */
#include "agents/pace.h"

#include "agents/evidence.h"
#include "base/time.h"

/* A day, and an hour: what lies beyond was put there by a clock that was wrong. */
#define PUT_OFF_MAX_MS ((int64_t)25 * 3600 * 1000)

static const char *const migrations[] = {
	"CREATE TABLE agent_pool (pool TEXT PRIMARY KEY, failures INTEGER NOT NULL,"
	" paused_ms INTEGER NOT NULL, window_ms INTEGER NOT NULL, started INTEGER NOT NULL,"
	" last_start_ms INTEGER NOT NULL)",
	NULL,
};
const struct db_schema pace_schema = { "agent-pace", migrations };

struct counting {
	const char *pool, *model, *id;
	struct pace_state *state;
};

static int count_one(void *ctx, const struct dispatch *d, struct err *e)
{
	struct counting *c = ctx;
	AUTO_FREE char *pool = dispatch_pool(d);

	(void)e;
	if (!str_eq(pool, c->pool) || str_eq(d->id, c->id))
		return 0;
	/* One that was begun and is not on record yet counts: its supervisor is at it. */
	if ((*d->identity || d->pid) && evidence_life(d) == PROC_DEAD)
		return 0;
	c->state->running++;
	c->state->running_of_model += str_eq(dispatch_model(d), c->model);
	return 0;
}

static int read_pool(struct db *db, const char *pool, int64_t window, struct pace_state *ret,
		     struct err *e)
{
	static const char sql_pool[] = "SELECT paused_ms, window_ms, started, last_start_ms"
				       " FROM agent_pool WHERE pool = ?1";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_pool, "t", pool);

	if (r == 0)
		r = stmt_next(q, e);
	if (r <= 0)
		return r;
	ret->paused_until_ms = stmt_int(q, 0);
	ret->started_in_window = stmt_int(q, 1) == window ? stmt_int(q, 2) : 0;
	ret->last_start_ms = stmt_int(q, 3);
	return 0;
}

static int note_start(struct db *db, const char *pool, int64_t window, int64_t now, struct err *e)
{
	static const char sql_start[] =
		"INSERT INTO agent_pool (pool, failures, paused_ms, window_ms, started,"
		" last_start_ms) VALUES (?1, 0, 0, ?2, 1, ?3) ON CONFLICT (pool) DO UPDATE"
		" SET started = CASE WHEN window_ms = ?2 THEN started + 1 ELSE 1 END,"
		" window_ms = ?2, last_start_ms = ?3";

	return db_exec(db, e, sql_start, "tii", pool, window, now);
}

int pace_may_start(void *ctx, const struct dispatch *d, struct err *e)
{
	struct pace_gate *gate = ctx;
	AUTO_FREE char *pool = dispatch_pool(d);
	const struct pace_limits *limits = pace_of(gate->settings, pool);
	const struct dispatch_filter running = { .status = AGENT_RUNNING };
	struct pace_state state = { 0 };
	struct counting c = { pool, dispatch_model(d), d->id, &state };
	int64_t now = time_now();
	int64_t window = pace_window(limits, now);
	int r = dispatch_visit(gate->db, &running, count_one, &c, e);

	if (r == 0)
		r = read_pool(gate->db, pool, window, &state, e);
	if (r < 0)
		return r;
	gate->verdict = pace_judge(limits, c.model, &state, now);
	if (gate->verdict.may)
		return note_start(gate->db, pool, window, now, e);
	(void)err_set(e, ERR_BUSY, "'%.200s' waits: %s of '%s'", d->name, gate->verdict.reason,
		      pool);
	return err_hint(e, "`larder agent daemon` starts it when it may");
}

static int note_failure(struct db *db, const char *pool, int64_t now, struct err *e)
{
	static const char sql_more[] =
		"INSERT INTO agent_pool (pool, failures, paused_ms, window_ms, started,"
		" last_start_ms) VALUES (?1, 1, 0, 0, 0, 0)"
		" ON CONFLICT (pool) DO UPDATE SET failures = failures + 1";
	static const char sql_pause[] = "UPDATE agent_pool SET failures = 0, paused_ms = ?2"
					" WHERE pool = ?1 AND failures >= ?3";
	int r = db_exec(db, e, sql_more, "t", pool);

	return r < 0 ? r
		     : db_exec(db, e, sql_pause, "tii", pool, now + PACE_PAUSE_MS,
			       (int64_t)PACE_FAILURES);
}

int pace_note_end(struct db *db, const struct dispatch *d, struct err *e)
{
	static const char sql_anew[] = "UPDATE agent_pool SET failures = 0 WHERE pool = ?1";
	AUTO_FREE char *pool = dispatch_pool(d);
	bool quick = d->ended_ms - d->started_ms < PACE_QUICK_MS;

	if (str_eq(d->reason, "stopped") || str_eq(d->reason, "cancelled"))
		return 0; /* says nothing of the pool */
	if (d->status == AGENT_FAILED && quick && d->started_ms)
		return note_failure(db, pool, d->ended_ms, e);
	return db_exec(db, e, sql_anew, "t", pool);
}

int pace_waiting(struct db *db, int64_t now, struct strv *ret_ids, int64_t *ret_next_ms,
		 struct err *e)
{
	static const char sql_due[] =
		"SELECT id FROM agent_dispatch WHERE current = 1 AND status = ?1"
		" AND (due_ms <= ?2 OR due_ms > ?2 + ?4) AND command <> '' ORDER BY queued_ms - priority * ?3, id";
	static const char sql_next[] =
		"SELECT min(due_ms) FROM agent_dispatch WHERE current = 1 AND status = ?1"
		" AND due_ms > ?2 AND command <> ''";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_due, "iiii", (int64_t)AGENT_QUEUED, now, PACE_STEP_MS,
			 PUT_OFF_MAX_MS);

	while (r >= 0 && (r = stmt_next(q, e)) > 0)
		strv_add(ret_ids, stmt_text(q, 0));
	if (r == 0)
		r = db_get_int(db, ret_next_ms, -1, e, sql_next, "ii", (int64_t)AGENT_QUEUED, now);
	return r;
}

int pace_put_off(struct db *db, const char *id, int64_t due_ms, struct err *e)
{
	static const char sql_due[] = "UPDATE agent_dispatch SET due_ms = ?2 WHERE id = ?1";

	return db_exec(db, e, sql_due, "ti", id, due_ms);
}

int pace_refused(const struct pace_gate *gate, const struct dispatch *d, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_lazy(gate->db, e);

	if (r < 0)
		return r;
	tx = gate->db;
	r = pace_put_off(tx, d->id, gate->verdict.not_before_ms, e);
	return r < 0 ? r : db_commit(tx, e);
}
