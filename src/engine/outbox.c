/* SPDX-License-Identifier: Apache-2.0 */
/* The rows. */
#include "engine/outbox-internal.h"

#include "base/str.h"
#include "base/time.h"

/* Of two readings of one clock: what differs by less was not stepped. */
#define CLOCK_SLACK_MS 1000

/* The second migration is for the cost of a row among a million: outbox-internal.h. */
static const char *const migrations[] = {
	"CREATE TABLE outbox(id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,"
	" subject TEXT NOT NULL, key TEXT NOT NULL UNIQUE, payload TEXT NOT NULL,"
	" state INTEGER NOT NULL, attempts INTEGER NOT NULL, set_ms INTEGER NOT NULL,"
	" due_ms INTEGER NOT NULL, created_ms INTEGER NOT NULL, credential TEXT, word TEXT,"
	" error TEXT);"
	"CREATE INDEX outbox_due ON outbox(state, due_ms, attempts, id);"
	"CREATE INDEX outbox_subject ON outbox(subject, id)",

	"DROP INDEX outbox_subject;"
	"CREATE INDEX outbox_subject ON outbox(subject, state, id);"
	"CREATE TABLE outbox_state(id INTEGER PRIMARY KEY CHECK(id = 1), waiting INTEGER NOT NULL,"
	" dead INTEGER NOT NULL, clock_ms INTEGER NOT NULL, hold TEXT);"
	"INSERT INTO outbox_state(id, waiting, dead, clock_ms, hold) SELECT 1,"
	" count(*) FILTER (WHERE state < 2), count(*) FILTER (WHERE state = 2),"
	" coalesce(max(set_ms), 0), max(CASE WHEN state = 1 THEN credential END) FROM outbox;"
	"UPDATE outbox SET state = 0 WHERE state = 1;"
	"UPDATE outbox SET state = 4 WHERE state = 0 AND EXISTS (SELECT 1 FROM outbox o"
	" WHERE o.subject = outbox.subject AND o.state IN (0, 4) AND o.id < outbox.id)",

	"ALTER TABLE outbox_state ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;"
	"UPDATE outbox_state SET bytes ="
	" (SELECT coalesce(sum(octet_length(payload)), 0) FROM outbox)",
	NULL,
};

const struct db_schema outbox_schema = { "outbox", migrations };

int outbox_count(struct db *db, const struct outbox_counts *more, struct err *e)
{
	static const char sql[] =
		"UPDATE outbox_state SET waiting = waiting + ?1, dead = dead + ?2,"
		" bytes = bytes + ?3, clock_ms = max(clock_ms, ?4)";

	return db_exec(db, e, sql, "iiii", more->waiting, more->dead, more->bytes, more->at_ms);
}

int outbox_promote(struct db *db, const char *subject, struct err *e)
{
	static const char sql_next[] =
		"SELECT id FROM outbox WHERE subject = ?1 AND state = 4 AND NOT EXISTS"
		" (SELECT 1 FROM outbox WHERE subject = ?1 AND state = 0) ORDER BY id LIMIT 1";
	static const char sql[] = "UPDATE outbox SET state = 0 WHERE id = ?1";
	int64_t next = 0;
	int r = db_get_int(db, &next, 0, e, sql_next, "t", subject);

	return r < 0 || next == 0 ? r : db_exec(db, e, sql, "i", next);
}

static int supersede(struct db *db, const char *subject, const char *key, struct err *e)
{
	static const char sql_bytes[] =
		"SELECT sum(octet_length(payload)) FROM outbox WHERE subject = ?1 AND key <> ?2";
	static const char sql_waiting[] =
		"DELETE FROM outbox WHERE subject = ?1 AND state IN (0, 4) AND key <> ?2";
	static const char sql_dead[] =
		"DELETE FROM outbox WHERE subject = ?1 AND state = 2 AND key <> ?2";
	struct outbox_counts gone = { 0 };
	int64_t bytes = 0;
	int r = db_get_int(db, &bytes, -1, e, sql_bytes, "tt", subject, key);

	if (r < 0 || bytes < 0)
		return r;
	gone.bytes = -bytes;
	r = db_exec(db, e, sql_waiting, "tt", subject, key);
	if (r == 0) {
		gone.waiting = -db_changes(db);
		r = db_exec(db, e, sql_dead, "tt", subject, key);
	}
	if (r < 0)
		return r;
	gone.dead = -db_changes(db);
	r = outbox_count(db, &gone, e);
	return r < 0 ? r : outbox_promote(db, subject, e);
}

int outbox_put(struct db *db, const struct outbox_item *item, const char *supersedes, struct err *e)
{
	static const char sql_put[] =
		"INSERT INTO outbox(kind, subject, key, payload, state, attempts, set_ms, due_ms,"
		" created_ms) SELECT ?1, ?2, ?3, ?4, CASE WHEN EXISTS (SELECT 1 FROM outbox"
		" WHERE subject = ?2 AND state IN (0, 4)) THEN 4 ELSE 0 END, 0, ?5, ?5, ?5"
		" WHERE true ON CONFLICT(key) DO NOTHING";
	const struct outbox_counts more = { .waiting = 1,
					    .bytes = (int64_t)strlen(item->payload),
					    .at_ms = time_now() };
	int r = supersedes ? supersede(db, supersedes, item->key, e) : 0;

	if (r == 0)
		r = db_exec(db, e, sql_put, "tttti", item->kind, item->subject, item->key,
			    item->payload, more.at_ms);
	if (r < 0 || db_changes(db) == 0)
		return r;
	r = outbox_count(db, &more, e);
	return r < 0 ? r : 1;
}

/* A clock that went back makes set_ms the future: what was left of the wait starts anew. */
static int clamp(struct db *db, int64_t now_ms, struct err *e)
{
	static const char sql_clock[] = "SELECT clock_ms FROM outbox_state";
	static const char sql_stepped[] =
		"UPDATE outbox SET due_ms = ?1 + min(max(due_ms - set_ms, 0), ?2), set_ms = ?1"
		" WHERE state IN (0, 4) AND (set_ms > ?1 OR due_ms > ?1 + ?2)";
	static const char sql_far[] =
		"UPDATE outbox SET due_ms = ?1 + min(max(due_ms - set_ms, 0), ?2), set_ms = ?1"
		" WHERE state IN (0, 4) AND due_ms > ?1 + ?2";
	static const char sql_now[] = "UPDATE outbox_state SET clock_ms = ?1";
	int64_t clock = 0;
	int r = db_get_int(db, &clock, 0, e, sql_clock, "");

	if (r < 0)
		return r;
	if (clock <= now_ms + CLOCK_SLACK_MS)
		return db_exec(db, e, sql_far, "ii", now_ms, OUTBOX_WAIT_MAX_MS);
	r = db_exec(db, e, sql_stepped, "ii", now_ms, OUTBOX_WAIT_MAX_MS);
	return r < 0 ? r : db_exec(db, e, sql_now, "i", now_ms);
}

int outbox_settle(struct db *db, int64_t now_ms, const char *credential, struct err *e)
{
	static const char sql_wake[] =
		"UPDATE outbox_state SET hold = NULL WHERE hold IS NOT NULL AND hold <> ?1";
	static const char sql_due[] = "UPDATE outbox SET set_ms = ?1, due_ms = ?1"
				      " WHERE state = 0 AND due_ms > ?1 AND word = 'refused'";
	int r = clamp(db, now_ms, e);

	if (r == 0)
		r = db_exec(db, e, sql_wake, "t", credential);
	return r < 0 || db_changes(db) == 0 ? r : db_exec(db, e, sql_due, "i", now_ms);
}

int outbox_hurry(struct db *db, int64_t now_ms, struct err *e)
{
	static const char sql[] = "UPDATE outbox SET set_ms = ?1, due_ms = ?1"
				  " WHERE state = 0 AND due_ms > ?1 AND word = 'offline'";

	return db_exec(db, e, sql, "i", now_ms);
}

int outbox_redrive(struct db *db, int64_t now_ms, size_t *ret_rows, struct err *e)
{
	static const char sql_paused[] =
		"SELECT CASE WHEN hold IS NULL THEN 0 ELSE waiting END FROM outbox_state";
	static const char sql_dead[] = "UPDATE outbox SET state = 0, attempts = 0, set_ms = ?1,"
				       " due_ms = ?1 WHERE state = 2";
	/* Those of one subject go in their order again. */
	static const char sql_behind[] =
		"UPDATE outbox SET state = 4 WHERE state = 0 AND EXISTS (SELECT 1 FROM outbox o"
		" WHERE o.subject = outbox.subject AND o.state IN (0, 4) AND o.id < outbox.id)";
	static const char sql_hold[] = "UPDATE outbox_state SET hold = NULL";
	struct outbox_counts moved = { .at_ms = now_ms };
	int64_t paused = 0;
	int r = db_get_int(db, &paused, 0, e, sql_paused, "");

	if (r == 0)
		r = db_exec(db, e, sql_dead, "i", now_ms);
	if (r < 0)
		return r;
	moved.waiting = db_changes(db);
	moved.dead = -moved.waiting;
	if (moved.waiting > 0)
		r = db_exec(db, e, sql_behind, "");
	if (r == 0)
		r = outbox_count(db, &moved, e);
	if (r == 0)
		r = db_exec(db, e, sql_hold, "");
	if (r == 0)
		*ret_rows = (size_t)(paused + moved.waiting);
	return r;
}

int outbox_visit(struct db *db, enum outbox_state state, outbox_visit_fn visit, void *ctx,
		 struct err *e)
{
	static const char sql[] =
		"SELECT id, kind, subject, key, payload, attempts, word, error, created_ms, due_ms"
		" FROM outbox WHERE CASE state WHEN 2 THEN 2 ELSE"
		" (SELECT hold IS NOT NULL FROM outbox_state) END = ?1 ORDER BY id";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql, "i", (int64_t)state);

	while (r >= 0 && (r = stmt_next(q, e)) > 0) {
		const struct outbox_row row = {
			.item = { .id = stmt_int(q, 0),
				  .kind = stmt_text(q, 1),
				  .subject = stmt_text(q, 2),
				  .key = stmt_text(q, 3),
				  .payload = stmt_text(q, 4),
				  .attempts = (unsigned)stmt_int(q, 5) },
			.word = stmt_text(q, 6),
			.error = stmt_text(q, 7),
			.created_ms = stmt_int(q, 8),
			.due_ms = stmt_int(q, 9),
		};

		r = visit(ctx, &row, e);
	}
	return r;
}

int outbox_has_work(struct db *db, struct err *e)
{
	static const char sql[] = "SELECT waiting FROM outbox_state";
	int64_t waiting = 0;
	int r = db_get_int(db, &waiting, 0, e, sql, "");

	return r < 0 ? r : waiting > 0;
}

int outbox_summary(struct db *db, const char *credential, struct outbox_summary *ret, struct err *e)
{
	static const char sql[] =
		"SELECT waiting, dead, coalesce((SELECT due_ms FROM outbox WHERE state = 0"
		" ORDER BY due_ms LIMIT 1), -1), hold, bytes FROM outbox_state";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql, "");

	if (r == 0)
		r = stmt_next(q, e);
	if (r <= 0)
		return r;
	*ret = (struct outbox_summary){
		.waiting = stmt_int(q, 0),
		.dead = stmt_int(q, 1),
		.due_ms = stmt_int(q, 2),
		.paused = !stmt_is_null(q, 3) && str_eq(stmt_text(q, 3), credential),
		.bytes = stmt_int(q, 4),
	};
	return 0;
}

int outbox_holds(struct db *db, const char *subject, struct err *e)
{
	static const char sql[] = "SELECT 1 FROM outbox WHERE subject = ?1 LIMIT 1";
	int64_t holds = 0;
	int r = db_get_int(db, &holds, 0, e, sql, "t", subject);

	return r < 0 ? r : holds == 1;
}
