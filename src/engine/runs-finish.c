/* SPDX-License-Identifier: Apache-2.0 */
/* How runs end, and what is known of them. */
#include "engine/runs-internal.h"

const char *run_end_word(enum run_end end)
{
	static const char *const words[] = { "ok", "failed", "passing", "cut" };

	return words[end];
}

/* 0: not again before the next slot. */
static int64_t retry_at(const struct run_result *result, int64_t attempts, int64_t now)
{
	int64_t wait = RUN_RETRY_MS << attempts;

	if ((result->end != RUN_PASSING && result->end != RUN_CUT) || attempts >= RUN_RETRIES_MAX)
		return 0;
	if (wait < result->retry_after_ms)
		wait = result->retry_after_ms;
	return now + (wait < SCHEDULE_RETRY_MAX_MS ? wait : SCHEDULE_RETRY_MAX_MS);
}

static int finish_run(struct db *db, int64_t id, const struct run_result *result, int64_t now,
		      int64_t next, struct err *e)
{
	static const char sql[] =
		"UPDATE schedule_run SET finished_ms=?2, outcome=?3, status=?4, duration_ms=?5,"
		" next_ms=?6, detail=?7 WHERE id=?1";
	AUTO_BUF struct buf detail = BUF_INIT(BUF_OWN_MAX);

	if (result->detail)
		text_add_clean(&detail, (struct bytes){ result->detail,
							strnlen(result->detail, RUN_DETAIL_MAX) });
	return db_exec(db, e, sql, "iitiiit", id, now, run_end_word(result->end),
		       (int64_t)result->status, result->duration_ms, next,
		       result->detail ? buf_str(&detail) : NULL);
}

static int finish_job(struct db *db, const char *job, int64_t id, bool succeeded, int64_t now,
		      int64_t retry, struct err *e)
{
	static const char sql[] = "UPDATE schedule_job SET running=NULL, last_run=?2,"
				  " last_success_ms=CASE WHEN ?3 THEN ?4 ELSE last_success_ms END,"
				  " failures=CASE WHEN ?3 THEN 0 ELSE failures+1 END, retry_ms=?5,"
				  " attempts=CASE WHEN ?5>0 THEN attempts+1 ELSE 0 END,"
				  " next_ms=CASE WHEN ?5>0 AND ?5<next_ms THEN ?5 ELSE next_ms END"
				  " WHERE name=?1 AND running=?2";

	return db_exec(db, e, sql, "tiiii", job, id, (int64_t)succeeded, now, retry);
}

int runs_finish(struct db *db, int64_t id, const struct run_result *result, int64_t now_ms,
		struct err *e)
{
	static const char sql[] =
		"SELECT j.name, j.attempts, j.next_ms FROM schedule_run r JOIN schedule_job j"
		" ON j.name=r.job WHERE r.id=?1 AND r.finished_ms IS NULL";
	AUTO_STMT struct stmt *q = NULL;
	AUTO_FREE char *job = NULL;
	int64_t retry, next;
	int r = db_query(db, &q, e, sql, "i", id);

	if (r == 0)
		r = stmt_next(q, e);
	if (r <= 0)
		return r < 0 ? r : err_set(e, ERR_NOT_FOUND, "run %lld is not open", (long long)id);
	job = xstrdup(stmt_text(q, 0));
	retry = retry_at(result, stmt_int(q, 1), now_ms);
	next = stmt_int(q, 2);
	stmt_done(TAKE(q));
	r = finish_run(db, id, result, now_ms, retry > 0 && retry < next ? retry : next, e);
	return r < 0 ? r : finish_job(db, job, id, result->end == RUN_OK, now_ms, retry, e);
}

int runs_cut(struct db *db, int64_t now_ms, size_t *ret_n, struct err *e)
{
	static const char sql[] =
		"SELECT id FROM schedule_run WHERE finished_ms IS NULL ORDER BY id LIMIT 1";
	const struct run_result cut = {
		.end = RUN_CUT,
		.duration_ms = -1,
		.detail = "the hub ended while it was at work",
	};
	size_t n = 0;
	int64_t id;
	int r;

	while ((r = db_get_int(db, &id, 0, e, sql, "")) == 0 && id > 0) {
		r = runs_finish(db, id, &cut, now_ms, e);
		if (r < 0)
			return r;
		n++;
	}
	*ret_n = n;
	return r;
}

int runs_find(struct db *db, int64_t id, char **ret_job, struct err *e)
{
	static const char sql[] =
		"SELECT job FROM schedule_run WHERE id=?1 AND finished_ms IS NULL";
	AUTO_FREE char *job = NULL;
	int r = db_get_text(db, &job, e, sql, "i", id);

	if (r < 0)
		return r;
	if (!job)
		return err_set(e, ERR_NOT_FOUND, "run %lld is not open", (long long)id);
	*ret_job = TAKE(job);
	return 0;
}

static struct runs_state state_of(const struct stmt *q)
{
	return (struct runs_state){
		.name = stmt_text(q, 0),
		.schedule = stmt_text(q, 1),
		.zone = stmt_text(q, 2),
		.call = stmt_text(q, 3),
		.next_ms = stmt_int(q, 4),
		.running_id = stmt_int(q, 5),
		.running_since_ms = stmt_int(q, 6),
		.last_success_ms = stmt_int(q, 7),
		.failures = stmt_int(q, 8),
		.last_id = stmt_int(q, 9),
		.last_planned_ms = stmt_int(q, 10),
		.last_started_ms = stmt_int(q, 11),
		.last_finished_ms = stmt_int(q, 12),
		.last_duration_ms = stmt_int(q, 13),
		.last_end = stmt_text(q, 14),
		.last_status = (int)stmt_int(q, 15),
		.last_detail = stmt_text(q, 16),
	};
}

int runs_list(struct db *db, runs_state_fn visit, void *ctx, struct err *e)
{
	static const char sql[] =
		"SELECT j.name, j.schedule, j.zone, j.call, j.next_ms, j.running, o.started_ms,"
		" j.last_success_ms, j.failures, l.id, l.planned_ms, l.started_ms, l.finished_ms,"
		" l.duration_ms, l.outcome, l.status, l.detail FROM schedule_job j"
		" LEFT JOIN schedule_run o ON o.id=j.running"
		" LEFT JOIN schedule_run l ON l.id=j.last_run WHERE j.listed=1 ORDER BY j.name";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql, "");

	while (r >= 0 && (r = stmt_next(q, e)) > 0) {
		struct runs_state state = state_of(q);

		r = visit(ctx, &state, e);
	}
	return r;
}

int runs_last_claim(struct db *db, int64_t *ret_ms, struct err *e)
{
	static const char sql[] = "SELECT seen_ms FROM schedule_clock";

	return db_get_int(db, ret_ms, 0, e, sql, "");
}

int runs_forget(struct db *db, int64_t before_ms, size_t *ret_n, struct err *e)
{
	static const char sql[] =
		"DELETE FROM schedule_run WHERE finished_ms<?1"
		" AND id NOT IN (SELECT last_run FROM schedule_job WHERE last_run IS NOT NULL)";
	int r = db_exec(db, e, sql, "i", before_ms);

	if (r == 0)
		*ret_n = (size_t)db_changes(db);
	return r;
}

int runs_of_job(struct db *db, const struct runs_query *query, struct err *e)
{
	static const char sql[] =
		"SELECT id, planned_ms, started_ms, finished_ms, outcome, status, duration_ms,"
		" next_ms, detail FROM schedule_run WHERE job=?1 AND id<?2 ORDER BY id DESC"
		" LIMIT ?3";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql, "tii", query->job, query->before_id, query->limit);

	while (r >= 0 && (r = stmt_next(q, e)) > 0) {
		const struct runs_run run = {
			.id = stmt_int(q, 0),
			.planned_ms = stmt_int(q, 1),
			.started_ms = stmt_int(q, 2),
			.finished_ms = stmt_int(q, 3),
			.end = stmt_text(q, 4),
			.status = (int)stmt_int(q, 5),
			.duration_ms = stmt_int(q, 6),
			.next_ms = stmt_int(q, 7),
			.detail = stmt_text(q, 8),
		};

		r = query->visit(query->ctx, &run, e);
	}
	return r;
}
