/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/state.h"

#include "base/str.h"
#include "base/time.h"

#define MINUTE_MS ((int64_t)60 * 1000)
#define ASIDE     ((int64_t)-1)

static const char *const migrations[] = {
	"CREATE TABLE session_state(processor TEXT NOT NULL, session TEXT NOT NULL,"
	" version INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,"
	" sha256 TEXT NOT NULL, read_ms INTEGER NOT NULL, done_ms INTEGER NOT NULL,"
	" items INTEGER NOT NULL, attempts INTEGER NOT NULL, due_ms INTEGER NOT NULL, error TEXT,"
	" PRIMARY KEY (processor, session)) WITHOUT ROWID",
	NULL,
};

const struct db_schema sessions_schema = { "sessions", migrations };

const char *session_verdict_word(enum session_verdict verdict)
{
	static const char *const words[] = {
		[SESSION_STABLE] = "done", [SESSION_NEW] = "new",     [SESSION_CHANGED] = "new",
		[SESSION_DOUBT] = "doubt", [SESSION_RETRY] = "retry", [SESSION_WAITING] = "waiting",
		[SESSION_ASIDE] = "aside",
	};

	return words[verdict];
}

enum session_verdict session_judge(const struct session_stat *s, const struct session_row *row,
				   int version, int64_t now_ms)
{
	if (!row || row->version != version)
		return SESSION_NEW;
	if (row->size != s->size)
		return SESSION_CHANGED;
	if (row->error && row->mtime_ns != s->mtime_ns)
		return SESSION_CHANGED;
	if (row->error && row->due_ms == ASIDE)
		return SESSION_ASIDE;
	if (row->error) /* a clock that was set back must not hold it for longer than a pause */
		return row->due_ms <= now_ms || row->due_ms > now_ms + 60 * MINUTE_MS
			       ? SESSION_RETRY
			       : SESSION_WAITING;
	if (row->mtime_ns != s->mtime_ns ||
	    row->mtime_ns / 1000000 >= row->read_ms - SESSION_RACY_MS)
		return SESSION_DOUBT;
	return SESSION_STABLE;
}

static int advance(struct session_cursor *c, struct err *e)
{
	int r = stmt_next(c->q, e);

	c->has_row = r > 0;
	if (r <= 0)
		return r;
	c->row = (struct session_row){
		.session = stmt_text(c->q, 0),
		.version = stmt_int(c->q, 1),
		.size = stmt_int(c->q, 2),
		.mtime_ns = stmt_int(c->q, 3),
		.sha256 = stmt_text(c->q, 4),
		.read_ms = stmt_int(c->q, 5),
		.done_ms = stmt_int(c->q, 6),
		.items = stmt_int(c->q, 7),
		.attempts = stmt_int(c->q, 8),
		.due_ms = stmt_int(c->q, 9),
		.error = stmt_text(c->q, 10),
	};
	return 0;
}

int session_cursor_open(struct session_cursor *c, struct db *db, const char *processor,
			struct err *e)
{
	static const char sql[] =
		"SELECT session, version, size, mtime_ns, sha256, read_ms, done_ms, items,"
		" attempts, due_ms, error FROM session_state WHERE processor = ?1 ORDER BY session";
	int r = db_query(db, &c->q, e, sql, "t", processor);

	return r < 0 ? r : advance(c, e);
}

void session_cursor_close(struct session_cursor *c)
{
	stmt_done(c->q);
	c->q = NULL;
}

/* The row's file was not met. */
static int pass(struct session_cursor *c, struct err *e)
{
	if (c->gone && !c->met)
		strv_add(c->gone, c->row.session);
	c->met = false;
	return advance(c, e);
}

int session_cursor_find(struct session_cursor *c, const char *session,
			const struct session_row **ret_row, struct err *e)
{
	int order = -1;

	while (c->has_row && (order = strcmp(c->row.session, session)) < 0)
		if (pass(c, e) < 0)
			return e->code;
	*ret_row = c->has_row && order == 0 ? &c->row : NULL;
	if (c->has_row && order == 0)
		c->met = true;
	return *ret_row != NULL;
}

int session_cursor_rest(struct session_cursor *c, struct err *e)
{
	while (c->has_row)
		if (pass(c, e) < 0)
			return e->code;
	return 0;
}

struct outcome {
	int64_t done_ms, attempts, due_ms;
	const char *error;
};

static int put(struct db *db, const struct session_mark *m, const struct outcome *o, struct err *e)
{
	static const char sql[] =
		"INSERT INTO session_state(processor, session, version, size, mtime_ns, sha256,"
		" read_ms, done_ms, items, attempts, due_ms, error)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
		" ON CONFLICT(processor, session) DO UPDATE SET version=excluded.version,"
		" size=excluded.size, mtime_ns=excluded.mtime_ns, sha256=excluded.sha256,"
		" read_ms=excluded.read_ms,"
		" done_ms=CASE WHEN excluded.done_ms > 0 THEN excluded.done_ms ELSE done_ms END,"
		" items=excluded.items, attempts=excluded.attempts, due_ms=excluded.due_ms,"
		" error=excluded.error";

	return db_exec(db, e, sql, "ttiiitiiiiit", m->processor, m->session, (int64_t)m->version,
		       m->size, m->mtime_ns, m->sha256, m->read_ms, o->done_ms, m->items,
		       o->attempts, o->due_ms, o->error);
}

int session_mark_done(struct db *db, const struct session_mark *mark, struct err *e)
{
	return put(db, mark, &(struct outcome){ .done_ms = time_now() }, e);
}

static int64_t pause_after(int64_t attempts)
{
	static const int64_t minutes[SESSION_ATTEMPTS_MAX] = { 0, 0, 1, 10, 60 };

	return minutes[attempts] * MINUTE_MS;
}

int session_mark_failed(struct db *db, const struct session_mark *mark, const struct err *why,
			struct err *e)
{
	bool passing = err_is_passing(why->code);
	int64_t attempts = mark->attempts + !passing;
	struct outcome o = { .attempts = attempts, .error = why->msg };

	if (passing)
		o.due_ms = time_now() + MINUTE_MS;
	else
		o.due_ms = attempts >= SESSION_ATTEMPTS_MAX ? ASIDE
							    : time_now() + pause_after(attempts);
	return put(db, mark, &o, e);
}

int session_mark_same(struct db *db, const struct session_mark *mark, struct err *e)
{
	static const char sql[] = "UPDATE session_state SET mtime_ns=?3, read_ms=?4"
				  " WHERE processor=?1 AND session=?2";

	return db_exec(db, e, sql, "ttii", mark->processor, mark->session, mark->mtime_ns,
		       mark->read_ms);
}

int session_forget(struct db *db, const char *processor, const char *session, struct err *e)
{
	return db_exec(db, e, "DELETE FROM session_state WHERE processor=?1 AND session=?2", "tt",
		       processor, session);
}

int session_retry(struct db *db, const char *processor, const char *session, int64_t *ret_count,
		  struct err *e)
{
	static const char sql[] = "UPDATE session_state SET attempts=0, due_ms=0"
				  " WHERE error IS NOT NULL AND (?1 IS NULL OR processor=?1)"
				  " AND (?2 IS NULL OR session=?2)";
	int r = db_exec(db, e, sql, "tt", processor, session);

	*ret_count = r < 0 ? 0 : db_changes(db);
	return r;
}
