/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/inbox-internal.h"

#include "base/time.h"

static const char migration_1[] =
	"CREATE TABLE fleet_agent (user_id INTEGER NOT NULL REFERENCES user(id),"
	" agent_id TEXT NOT NULL, registered_ms INTEGER, platform TEXT, models TEXT,"
	" capabilities TEXT, status TEXT NOT NULL, budget TEXT, last_heartbeat_ms INTEGER,"
	" last_push_ms INTEGER, last_pull_ms INTEGER, PRIMARY KEY (user_id, agent_id))"
	" WITHOUT ROWID;"
	"CREATE TABLE fleet_record (user_id INTEGER NOT NULL, agent_id TEXT NOT NULL,"
	" id TEXT NOT NULL, revision INTEGER NOT NULL, status TEXT NOT NULL,"
	" repo TEXT NOT NULL, findings INTEGER NOT NULL, duration_ms INTEGER NOT NULL,"
	" body TEXT NOT NULL, received_ms INTEGER NOT NULL,"
	" PRIMARY KEY (user_id, agent_id, id)) WITHOUT ROWID;"
	"CREATE TABLE fleet_batch (user_id INTEGER NOT NULL, key TEXT NOT NULL,"
	" sha256 TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (user_id, key)) WITHOUT ROWID;"
	"CREATE INDEX fleet_batch_by_age ON fleet_batch (at_ms);"
	"CREATE TABLE fleet_context (seq INTEGER PRIMARY KEY AUTOINCREMENT,"
	" user_id INTEGER NOT NULL, id TEXT NOT NULL, agent_id TEXT NOT NULL, type TEXT NOT NULL,"
	" content TEXT NOT NULL, tags TEXT NOT NULL, project TEXT NOT NULL,"
	" confidence REAL NOT NULL, source TEXT NOT NULL, supersedes_id TEXT,"
	" expires_ms INTEGER, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL,"
	" deleted INTEGER NOT NULL DEFAULT 0, UNIQUE (user_id, id));"
	"CREATE INDEX fleet_context_by_user ON fleet_context (user_id, seq);"
	"CREATE INDEX fleet_context_by_age ON fleet_context (expires_ms);";

static const char migration_2[] = "CREATE INDEX fleet_record_by_age ON fleet_record (received_ms)";

static const char *const migrations[] = { migration_1, migration_2, NULL };
const struct db_schema inbox_schema = { "fleet-inbox", migrations };

int inbox_check_agent(const char *agent_id, struct err *e)
{
	if (!agent_id || !*agent_id)
		return err_set(e, ERR_USAGE, "agent_id is required");
	if (strlen(agent_id) > AGENT_ID_MAX || !text_is_clean(bytes_of(agent_id)) ||
	    strchr(agent_id, '\n') || strchr(agent_id, '\t'))
		return err_set(e, ERR_USAGE, "agent_id must be one line of at most %zu bytes",
			       AGENT_ID_MAX);
	return 0;
}

/* A client that was cut off sends the same request again: fine. Another body under its key is not. */
static int check_key(struct db *db, const struct inbox_request *q, struct err *e)
{
	static const char sql_find[] =
		"SELECT sha256 FROM fleet_batch WHERE user_id = ?1 AND key = ?2";
	static const char sql_add[] = "INSERT INTO fleet_batch (user_id, key, sha256, at_ms)"
				      " VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *known = NULL;
	char sha256[HASH_HEX_MAX];
	int r;

	if (!q->key)
		return 0;
	if (!*q->key || strlen(q->key) > INBOX_KEY_MAX || !text_is_clean(bytes_of(q->key)))
		return err_set(e, ERR_USAGE, "Idempotency-Key must be 1 to %zu bytes of text",
			       INBOX_KEY_MAX);
	json_print(q->body, &text, false);
	hash_text(HASH_SHA256, buf_bytes(&text), sha256);
	r = db_get_text(db, &known, e, sql_find, "it", q->by->user_id, q->key);
	if (r == 0 && known && !str_eq(known, sha256))
		return err_set(e, ERR_CONFLICT, "this Idempotency-Key came with another body");
	return r < 0 || known ? r
			      : db_exec(db, e, sql_add, "itti", q->by->user_id, q->key, sha256,
					time_now());
}

int inbox_check_room(struct db *db, const struct caller *by, const char *agent_id, struct err *e)
{
	static const char sql_count[] =
		"SELECT count(*) FROM (SELECT 1 FROM fleet_agent WHERE user_id = ?1 AND NOT EXISTS"
		" (SELECT 1 FROM fleet_agent WHERE user_id = ?1 AND agent_id = ?2) LIMIT ?3)";
	int64_t n = 0;
	int r = db_get_int(db, &n, 0, e, sql_count, "iti", by->user_id, agent_id,
			   (int64_t)INBOX_AGENTS_MAX);

	if (r == 0 && n >= INBOX_AGENTS_MAX)
		return err_set(e, ERR_LIMIT, "%d agents are known already, which is the limit",
			       INBOX_AGENTS_MAX);
	return r;
}

static int note_push(struct db *db, const struct caller *by, const char *agent_id, struct err *e)
{
	static const char sql_push[] =
		"INSERT INTO fleet_agent (user_id, agent_id, status, last_push_ms)"
		" VALUES (?1, ?2, 'online', ?3) ON CONFLICT (user_id, agent_id) DO UPDATE"
		" SET last_push_ms = excluded.last_push_ms";

	int r = inbox_check_room(db, by, agent_id, e);

	return r < 0 ? r : db_exec(db, e, sql_push, "iti", by->user_id, agent_id, time_now());
}

static int64_t duration_of(const struct json *json)
{
	const char *began = json_text(json_get(json, "started_at"));
	const char *ended = json_text(json_get(json, "completed_at"));
	struct err ignored = { 0 };
	int64_t from = 0, to = 0;

	if (!began || !ended || time_parse_iso(began, &from, &ignored) < 0 ||
	    time_parse_iso(ended, &to, &ignored) < 0 || to < from)
		return 0;
	return to - from;
}

/* 1 when it is new or newer than what is known. */
static int keep_record(struct db *db, const struct caller *by, const char *agent_id,
		       const struct inbox_record *record, struct err *e)
{
	static const char sql_keep[] =
		"INSERT INTO fleet_record (user_id, agent_id, id, revision, status, repo, findings,"
		" duration_ms, body, received_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
		" ON CONFLICT (user_id, agent_id, id) DO UPDATE SET revision = excluded.revision,"
		" status = excluded.status, repo = excluded.repo, findings = excluded.findings,"
		" duration_ms = excluded.duration_ms, body = excluded.body,"
		" received_ms = excluded.received_ms WHERE excluded.revision > revision";
	const struct json *findings = json_get(record->json, "findings");
	AUTO_BUF struct buf body = BUF_INIT(INBOX_RECORD_MAX);
	int r;

	json_print(record->json, &body, false);
	if (body.full)
		return err_set(e, ERR_USAGE, "it exceeds %zu bytes", INBOX_RECORD_MAX);
	r = db_exec(db, e, sql_keep, "ittittiisi", by->user_id, agent_id, record->id,
		    record->revision, record->status, record->repo,
		    json_kind(findings) == JSON_ARRAY ? (int64_t)json_size(findings) : (int64_t)0,
		    duration_of(record->json), buf_bytes(&body), time_now());
	return r < 0 ? r : db_changes(db) > 0;
}

static void add_result(struct json_out *out, const struct inbox_record *record, const char *word,
		       const char *why)
{
	json_open(out, NULL, '{');
	json_add_text(out, "id", record->id);
	json_add_int(out, "revision", record->revision);
	json_add_text(out, "result", word);
	if (why)
		json_add_text(out, "reason", why);
	json_close(out);
}

static int take_one(struct db *db, const struct inbox_request *q, const struct json *json,
		    struct inbox_counts *counts, struct json_out *results, struct err *e)
{
	const char *agent_id = json_text(json_get(q->body, "agent_id"));
	struct inbox_record record = { 0 };
	struct err why = { 0 };
	int r = inbox_read_record(json, &record, &why);

	if (r == 0)
		r = keep_record(db, q->by, agent_id, &record, &why);
	if (r == ERR_USAGE) {
		counts->rejected++;
		add_result(results, &record, "rejected", why.msg);
		return 0;
	}
	if (r < 0) {
		*e = why;
		return r;
	}
	add_result(results, &record, r > 0 ? "accepted" : "duplicate", NULL);
	if (r == 0) {
		counts->duplicate++;
		return 0;
	}
	counts->accepted++;
	r = context_observe(db, q->by, agent_id, &record, e);
	return r < 0 ? r : inbox_propose(db, q->by, &record, &counts->proposed, e);
}

int inbox_take(struct db *db, const struct inbox_request *request, struct inbox_counts *ret,
	       struct json_out *results, struct err *e)
{
	const char *agent_id = json_text(json_get(request->body, "agent_id"));
	const struct json *dispatches = json_get(request->body, "dispatches");
	struct inbox_counts counts = { 0 };
	int r = inbox_check_agent(agent_id, e);

	if (r == 0 && json_kind(dispatches) != JSON_ARRAY && json_kind(dispatches) != JSON_NONE &&
	    json_kind(dispatches) != JSON_NULL)
		r = err_set(e, ERR_USAGE, "dispatches must be an array");
	if (r == 0 && json_size(dispatches) > INBOX_RECORDS_MAX)
		r = err_set(e, ERR_LIMIT, "%zu dispatches, the limit is %d", json_size(dispatches),
			    INBOX_RECORDS_MAX);
	if (r == 0)
		r = check_key(db, request, e);
	if (r == 0)
		r = note_push(db, request->by, agent_id, e);
	for (size_t i = 0; r == 0 && i < json_size(dispatches); i++)
		r = take_one(db, request, json_at(dispatches, i), &counts, results, e);
	if (r == 0)
		*ret = counts;
	return r;
}

int inbox_status_add(struct db *db, const struct caller *by, const char *agent_id,
		     struct json_out *out, struct err *e)
{
	static const char sql_status[] =
		"SELECT status, last_push_ms, last_pull_ms FROM fleet_agent"
		" WHERE user_id = ?1 AND agent_id = ?2";
	AUTO_STMT struct stmt *q = NULL;
	int r = inbox_check_agent(agent_id, e);

	if (r == 0)
		r = db_query(db, &q, e, sql_status, "it", by->user_id, agent_id);
	if (r == 0)
		r = stmt_next(q, e);
	if (r == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no agent '%.100s'", agent_id);
	if (r < 0)
		return r;
	json_add_text(out, "agent_id", agent_id);
	json_add_text(out, "status", stmt_text(q, 0));
	json_add_time(out, "last_push_at", stmt_int(q, 1));
	json_add_time(out, "last_pull_at", stmt_int(q, 2));
	return 0;
}
