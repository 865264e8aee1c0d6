/* SPDX-License-Identifier: Apache-2.0 */
/* The rows. */
#include "engine/outbox.h"

#include "base/time.h"

/* The columns with numbers are those of enum outbox_state. `credential` is set while paused. */
static const char *const migrations[] = {
	"CREATE TABLE outbox(id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,"
	" subject TEXT NOT NULL, key TEXT NOT NULL UNIQUE, payload TEXT NOT NULL,"
	" state INTEGER NOT NULL, attempts INTEGER NOT NULL, set_ms INTEGER NOT NULL,"
	" due_ms INTEGER NOT NULL, created_ms INTEGER NOT NULL, credential TEXT, word TEXT,"
	" error TEXT);"
	"CREATE INDEX outbox_due ON outbox(state, due_ms, attempts, id);"
	"CREATE INDEX outbox_subject ON outbox(subject, id)",
	NULL,
};

const struct db_schema outbox_schema = { "outbox", migrations };

int outbox_put(struct db *db, const struct outbox_item *item, const char *supersedes, struct err *e)
{
	static const char sql_clear[] = "DELETE FROM outbox WHERE subject=?1 AND key<>?2";
	static const char sql_put[] =
		"INSERT INTO outbox(kind, subject, key, payload, state, attempts, set_ms, due_ms,"
		" created_ms) VALUES(?1, ?2, ?3, ?4, 0, 0, ?5, ?5, ?5) ON CONFLICT(key) DO NOTHING";
	int r = supersedes ? db_exec(db, e, sql_clear, "tt", supersedes, item->key) : 0;

	if (r == 0)
		r = db_exec(db, e, sql_put, "tttti", item->kind, item->subject, item->key,
			    item->payload, time_now());
	return r < 0 ? r : db_changes(db) > 0;
}

int outbox_settle(struct db *db, int64_t now_ms, const char *credential, struct err *e)
{
	/* A clock that went back makes set_ms the future: what was left of the wait starts anew. */
	static const char sql_clamp[] =
		"UPDATE outbox SET due_ms = ?1 + min(max(due_ms - set_ms, 0), ?2), set_ms = ?1"
		" WHERE state=0 AND (set_ms > ?1 OR due_ms > ?1 + ?2)";
	static const char sql_wake[] = "UPDATE outbox SET state=0, credential=NULL, set_ms=?1,"
				       " due_ms=?1 WHERE state=1 AND credential<>?2";
	int r = db_exec(db, e, sql_clamp, "ii", now_ms, OUTBOX_WAIT_MAX_MS);

	return r < 0 ? r : db_exec(db, e, sql_wake, "it", now_ms, credential);
}

int outbox_hurry(struct db *db, int64_t now_ms, struct err *e)
{
	static const char sql[] = "UPDATE outbox SET set_ms=?1, due_ms=?1"
				  " WHERE state=0 AND word='offline' AND due_ms>?1";

	return db_exec(db, e, sql, "i", now_ms);
}

int outbox_redrive(struct db *db, int64_t now_ms, size_t *ret_rows, struct err *e)
{
	static const char sql[] = "UPDATE outbox SET state=0, attempts=0, credential=NULL,"
				  " set_ms=?1, due_ms=?1 WHERE state<>0";
	int r = db_exec(db, e, sql, "i", now_ms);

	if (r == 0)
		*ret_rows = (size_t)db_changes(db);
	return r;
}

int outbox_visit(struct db *db, enum outbox_state state, outbox_visit_fn visit, void *ctx,
		 struct err *e)
{
	static const char sql[] = "SELECT id, kind, subject, key, payload, attempts, word, error,"
				  " created_ms, due_ms FROM outbox WHERE state=?1 ORDER BY id";
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
	static const char sql[] = "SELECT 1 FROM outbox WHERE state<2 LIMIT 1";
	int64_t found = 0;
	int r = db_get_int(db, &found, 0, e, sql, "");

	return r < 0 ? r : found == 1;
}
