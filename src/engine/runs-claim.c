/* SPDX-License-Identifier: Apache-2.0 */
/* What is due becomes open runs. */
#include "engine/runs-internal.h"

/* A job's row, read out before any is changed. */
struct row {
	char *name, *schedule, *zone, *call;
	struct schedule_state state;
	int64_t next_ms, attempts;
};

struct rows {
	struct row *v;
	size_t n, capacity;
};

static void rows_release(struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		free(rows->v[i].name);
		free(rows->v[i].schedule);
		free(rows->v[i].zone);
		free(rows->v[i].call);
	}
	free(rows->v);
}

#define AUTO_ROWS AUTO(rows_release)
#define ROW                                                                                        \
	"SELECT name, schedule, zone, call, anchor_ms, covered_ms, retry_ms, running IS NOT NULL," \
	" next_ms, attempts FROM schedule_job "

static char *text_of(const struct stmt *q, int column)
{
	return stmt_is_null(q, column) ? NULL : xstrdup(stmt_text(q, column));
}

static int read_rows(struct stmt *q, struct rows *rows, struct err *e)
{
	int r;

	while ((r = stmt_next(q, e)) > 0) {
		rows->v = xgrow(rows->v, &rows->capacity, rows->n + 1, sizeof(*rows->v));
		rows->v[rows->n++] = (struct row){
			.name = text_of(q, 0),
			.schedule = text_of(q, 1),
			.zone = text_of(q, 2),
			.call = text_of(q, 3),
			.state = { stmt_int(q, 4), stmt_int(q, 5), stmt_int(q, 6),
				   stmt_int(q, 7) != 0 },
			.next_ms = stmt_int(q, 8),
			.attempts = stmt_int(q, 9),
		};
	}
	return r;
}

static int open_run(struct db *db, const struct row *row, const struct schedule *s,
		    const struct schedule_verdict *v, const struct runs_claim *claim, struct err *e)
{
	static const char sql_open[] =
		"INSERT INTO schedule_run(job, token, planned_ms, started_ms)"
		" VALUES(?1, ?2, ?3, ?4)";
	static const char sql_job[] =
		"UPDATE schedule_job SET running=?2, anchor_ms=?3, covered_ms=?4, retry_ms=0,"
		" attempts=?5, next_ms=?6 WHERE name=?1";
	int64_t now = claim->now_ms;
	struct runs_open run = { .job = row->name, .call = row->call, .planned_ms = v->next_ms };
	int r = db_exec(db, e, sql_open, "ttii", row->name, claim->token, v->next_ms, now);

	if (r < 0)
		return r;
	run.id = db_last_id(db);
	r = db_exec(db, e, sql_job, "tiiiii", row->name, run.id, v->anchor_ms, now,
		    v->is_retry ? row->attempts : (int64_t)0, schedule_next(s, v->anchor_ms, now));
	return r < 0 ? r : claim->visit(claim->ctx, &run, e);
}

/* 1 when a run was opened. */
static int judge_row(struct db *db, struct zones *zones, const struct row *row,
		     const struct runs_claim *claim, struct err *e)
{
	static const char sql_moved[] = "UPDATE schedule_job SET anchor_ms=?2, covered_ms=?3,"
					" next_ms=?4 WHERE name=?1";
	struct schedule s;
	struct schedule_verdict v;
	int r = zones_parse(zones, row->schedule, row->zone, &s, e);

	if (r < 0)
		return err_in(e, "job '%s'", row->name);
	v = schedule_judge(&s, &row->state, claim->now_ms);
	if (v.due && claim->visit) {
		r = open_run(db, row, &s, &v, claim, e);
		return r < 0 ? r : 1;
	}
	if (v.next_ms == row->next_ms && v.covered_ms == row->state.covered_ms)
		return 0;
	return db_exec(db, e, sql_moved, "tiii", row->name, v.anchor_ms, v.covered_ms, v.next_ms);
}

static int judge_all(struct db *db, struct zones *zones, int64_t now, struct err *e)
{
	static const char sql[] = ROW "WHERE listed=1";
	const struct runs_claim looking = { .now_ms = now };
	AUTO_ROWS struct rows rows = { 0 };
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql, "");

	if (r == 0)
		r = read_rows(q, &rows, e);
	for (size_t i = 0; r >= 0 && i < rows.n; i++)
		r = judge_row(db, zones, &rows.v[i], &looking, e);
	return r < 0 ? r : 0;
}

static int note_clock(struct db *db, struct zones *zones, int64_t now, struct err *e)
{
	static const char sql[] = "UPDATE schedule_clock SET seen_ms=?1";
	int64_t seen;
	int r = runs_last_claim(db, &seen, e);

	if (r == 0 && now < seen)
		r = judge_all(db, zones, now, e);
	return r < 0 ? r : db_exec(db, e, sql, "i", now);
}

static int claim_due(struct db *db, struct zones *zones, const struct runs_claim *claim,
		     size_t *ret_n, struct err *e)
{
	static const char sql[] = ROW "WHERE listed=1 AND running IS NULL AND next_ms<=?1"
				      " ORDER BY next_ms, name LIMIT ?2";
	AUTO_ROWS struct rows rows = { 0 };
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql, "ii", claim->now_ms, (int64_t)claim->max);

	if (r == 0)
		r = read_rows(q, &rows, e);
	for (size_t i = 0; r >= 0 && i < rows.n; i++) {
		r = judge_row(db, zones, &rows.v[i], claim, e);
		*ret_n += r > 0;
	}
	return r < 0 ? r : 0;
}

int runs_claim(struct db *db, const struct runs_claim *claim, struct runs_claimed *ret_claimed,
	       struct err *e)
{
	static const char sql_next[] = "SELECT min(next_ms) FROM schedule_job"
				       " WHERE listed=1 AND running IS NULL";
	AUTO_ZONES struct zones zones = { 0 };
	struct runs_claimed claimed = { 0 };
	int r = note_clock(db, &zones, claim->now_ms, e);

	if (r == 0)
		r = claim_due(db, &zones, claim, &claimed.n, e);
	if (r == 0)
		r = db_get_int(db, &claimed.next_ms, SCHEDULE_NEVER, e, sql_next, "");
	if (r == 0)
		*ret_claimed = claimed;
	return r;
}

/* Open runs, read out before any is changed. */
struct taken {
	int64_t id, planned_ms;
	char *job, *call;
};

static int adopt_one(struct db *db, const struct taken *t, const struct runs_claim *claim,
		     struct err *e)
{
	static const char sql[] = "UPDATE schedule_run SET token=?2 WHERE id=?1";
	struct runs_open run = { t->id, t->job, t->call, t->planned_ms };
	int r = db_exec(db, e, sql, "it", t->id, claim->token);

	return r < 0 ? r : claim->visit(claim->ctx, &run, e);
}

int runs_adopt(struct db *db, const struct runs_claim *claim,
	       bool (*has_begun)(void *ctx, int64_t id), struct err *e)
{
	static const char sql[] =
		"SELECT r.id, r.planned_ms, r.job, j.call FROM schedule_run r JOIN schedule_job j"
		" ON j.name=r.job WHERE r.finished_ms IS NULL AND r.token<>?1 ORDER BY r.id";
	struct taken *v = NULL;
	size_t n = 0, capacity = 0;
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql, "t", claim->token);

	while (r >= 0 && (r = stmt_next(q, e)) > 0) {
		if (has_begun(claim->ctx, stmt_int(q, 0)))
			continue;
		v = xgrow(v, &capacity, n + 1, sizeof(*v));
		v[n++] = (struct taken){ stmt_int(q, 0), stmt_int(q, 1), text_of(q, 2),
					 text_of(q, 3) };
	}
	for (size_t i = 0; i < n; i++) {
		if (r >= 0)
			r = adopt_one(db, &v[i], claim, e);
		free(v[i].job);
		free(v[i].call);
	}
	free(v);
	return r;
}
