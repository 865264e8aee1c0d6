/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks: given out under a lease, acknowledged, completed; given out again when they are not. */
#include "agents/fleet-internal.h"

#include "base/hash.h"
#include "base/time.h"

static const char migration_1[] =
	"CREATE TABLE fleet_task (id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL,"
	" agent_id TEXT, asked_agent TEXT, repo TEXT NOT NULL, branch TEXT, task TEXT NOT NULL,"
	" template TEXT, agent_model TEXT, status TEXT NOT NULL, priority INTEGER NOT NULL,"
	" result TEXT, findings TEXT, changes TEXT, report TEXT, lease TEXT, lease_ms INTEGER,"
	" event INTEGER NOT NULL DEFAULT 0, deliveries INTEGER NOT NULL DEFAULT 0,"
	" created_ms INTEGER NOT NULL, started_ms INTEGER, completed_ms INTEGER);"
	"CREATE INDEX fleet_task_open ON fleet_task (user_id, status, priority, id);"
	"CREATE INDEX fleet_task_lease ON fleet_task (user_id, lease_ms) WHERE status = 'assigned';"
	"CREATE TABLE fleet_event (id INTEGER PRIMARY KEY AUTOINCREMENT, task_id INTEGER NOT NULL)";
/* The next one is the first of its status, however many wait. */
static const char migration_2[] =
	"CREATE INDEX fleet_task_by_end ON fleet_task (completed_ms) WHERE completed_ms IS NOT NULL;"
	"DROP INDEX fleet_task_open;"
	"CREATE INDEX fleet_task_open ON fleet_task (user_id, status, priority DESC, id)";
static const char *const migrations[] = { migration_1, migration_2, NULL };
const struct db_schema fleet_schema = { "fleet-tasks", migrations };

#define COLUMNS                                                                                    \
	"id, repo, branch, task, template, agent_model, status, priority, result, findings,"       \
	" changes, report, started_ms, completed_ms, agent_id, lease, lease_ms, deliveries,"       \
	" created_ms"

/* Without the lease: that is for whoever holds it. */
static void add_task(struct json_out *o, const struct stmt *q, bool with_lease)
{
	static const struct {
		const char *key;
		int column;
	} texts[] = { { "repo", 1 },     { "branch", 2 },      { "task", 3 },
		      { "template", 4 }, { "agent_model", 5 }, { "status", 6 } };

	json_open(o, NULL, '{');
	json_add_int(o, "id", stmt_int(q, 0));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		json_add_text(o, texts[i].key, stmt_text(q, texts[i].column));
	json_add_int(o, "priority", stmt_int(q, 7));
	fleet_add_raw(o, "result", stmt_text(q, 8), "null");
	fleet_add_raw(o, "findings", stmt_text(q, 9), "null");
	fleet_add_raw(o, "changes", stmt_text(q, 10), "null");
	fleet_add_raw(o, "report", stmt_text(q, 11), "null");
	json_add_time(o, "started_at", stmt_int(q, 12));
	json_add_time(o, "completed_at", stmt_int(q, 13));
	json_add_time(o, "created_at", stmt_int(q, 18));
	json_add_text(o, "agent_id", stmt_text(q, 14));
	json_add_int(o, "deliveries", stmt_int(q, 17));
	if (with_lease) {
		json_add_text(o, "lease", stmt_text(q, 15));
		json_add_time(o, "lease_expires_at", stmt_int(q, 16));
	}
	json_close(o);
}

static int find_task(struct db *db, int64_t user_id, int64_t id, bool with_lease,
		     struct json_out *out, struct err *e)
{
	static const char sql_task[] =
		"SELECT " COLUMNS " FROM fleet_task WHERE user_id = ?1 AND id = ?2";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_task, "ii", user_id, id);

	if (r == 0)
		r = stmt_next(q, e);
	if (r == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no task %lld", (long long)id);
	if (r > 0)
		add_task(out, q, with_lease);
	return r < 0 ? r : 0;
}

static int check_room(struct db *db, const struct caller *by, struct err *e)
{
	static const char sql_open[] =
		"SELECT count(*) FROM (SELECT 1 FROM fleet_task WHERE user_id = ?1"
		" AND status IN ('queued', 'assigned') LIMIT ?2)";
	int64_t open = 0;
	int r = db_get_int(db, &open, 0, e, sql_open, "ii", by->user_id, (int64_t)FLEET_TASKS_MAX);

	if (r == 0 && open >= FLEET_TASKS_MAX)
		return err_set(e, ERR_LIMIT, "%d tasks wait already", FLEET_TASKS_MAX);
	return r;
}

int fleet_task_add(struct db *db, const struct caller *by, const struct json *body, bool must_name,
		   struct json_out *out, struct err *e)
{
	static const char sql_add[] =
		"INSERT INTO fleet_task (user_id, asked_agent, repo, branch, task, template,"
		" agent_model, status, priority, report, created_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6,"
		" ?7, 'queued', ?8, nullif(?9, ''), ?10)";
	const struct fleet_field fields[] = {
		{ "agent_id", AGENT_ID_MAX, must_name },
		{ "repo", 255, true },
		{ "branch", 255, false },
		{ "task", FLEET_TASK_MAX, true },
		{ "template", 255, false },
		{ "agent_model", 255, false },
	};
	const char *v[ARRAY_LEN(fields)];
	AUTO_BUF struct buf report = BUF_INIT(BUF_OWN_MAX);
	int64_t priority = json_int(json_get(body, "priority"), 5);
	int r = check_room(db, by, e);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(fields); i++)
		r = fleet_text(body, &fields[i], &v[i], e);
	if (r == 0 && (priority < 0 || priority > 100))
		r = err_set(e, ERR_USAGE, "priority must be 0 to 100");
	if (r == 0)
		r = fleet_json(body, "report", FLEET_JSON_MAX, &report, e);
	if (r == 0)
		r = db_exec(db, e, sql_add, "ittttttiti", by->user_id, v[0], v[1], v[2], v[3], v[4],
			    v[5], priority, buf_str(&report), time_now());
	return r < 0 ? r : find_task(db, by->user_id, db_last_id(db), false, out, e);
}

/* The first of a status, by its index. */
#define FIRST(status, is_free)                                                                     \
	"SELECT * FROM (SELECT id, priority FROM fleet_task t WHERE user_id = ?1"                  \
	" AND status = '" status "' AND (asked_agent IS NULL OR asked_agent = ?2) AND " is_free    \
	" ORDER BY priority DESC, id LIMIT 1)"
/* Whoever was given it has not said that it has it. A lease that a stepped clock has put out of reach
 * is over. */
#define UNSEEN                                                                                     \
	"(lease_ms <= ?3 OR lease_ms > ?3 + ?5 OR (agent_id = ?2 AND ?4 >= 0 AND event > ?4))"
/* Whoever has it was a node that beats, and does so no more. */
#define LOST                                                                                       \
	"lease IS NOT NULL AND EXISTS (SELECT 1 FROM fleet_agent a WHERE a.user_id = ?1"           \
	" AND a.agent_id = t.agent_id AND a.registered_ms IS NOT NULL"                             \
	" AND a.last_heartbeat_ms < ?3 - ?6)"
#define WAITING FIRST("queued", "true")
#define GIVEN   FIRST("assigned", UNSEEN)
#define AT_WORK FIRST("in_progress", LOST)

static int find_free(struct db *db, const struct fleet_claim *c, int64_t *ret_id, struct err *e)
{
	static const char sql_free[] = "SELECT id FROM (" WAITING " UNION ALL " GIVEN
				       " UNION ALL " AT_WORK ") ORDER BY priority DESC, id LIMIT 1";

	return db_get_int(db, ret_id, 0, e, sql_free, "itiiii", c->user_id, c->agent_id, time_now(),
			  c->seen_event, (int64_t)FLEET_LEASE_MAX * 1000, FLEET_LOST_MS);
}

int fleet_has_task(struct db *db, const struct fleet_claim *claim, struct err *e)
{
	int64_t id = 0;
	int r = find_free(db, claim, &id, e);

	return r < 0 ? r : id > 0;
}

int fleet_next_lease(struct db *db, int64_t user_id, int64_t *ret_ms, struct err *e)
{
	static const char sql_next[] = "SELECT min(lease_ms) FROM fleet_task WHERE user_id = ?1"
				       " AND status = 'assigned'";

	return db_get_int(db, ret_ms, -1, e, sql_next, "i", user_id);
}

static int give(struct db *db, const struct fleet_claim *c, int64_t id, int64_t event,
		struct err *e)
{
	static const char sql_give[] =
		"UPDATE fleet_task SET agent_id = ?2, status = ?3, lease = nullif(?4, ''),"
		" lease_ms = ?5, event = ?6, deliveries = deliveries + 1, started_ms = ?7"
		" WHERE id = ?1";
	char lease[RANDOM_TEXT_MAX] = "";
	int64_t now = time_now();

	if (c->lease_ms > 0)
		random_text(18, lease);
	return db_exec(db, e, sql_give, "itttiii", id, c->agent_id,
		       c->lease_ms > 0 ? "assigned" : "in_progress", lease, now + c->lease_ms,
		       event, now);
}

static int note_busy(struct db *db, const struct fleet_claim *c, struct err *e)
{
	static const char sql_busy[] = "UPDATE fleet_agent SET status = 'busy', last_heartbeat_ms ="
				       " ?3 WHERE user_id = ?1 AND agent_id = ?2";

	return db_exec(db, e, sql_busy, "iti", c->user_id, c->agent_id, time_now());
}

int fleet_task_claim(struct db *db, const struct fleet_claim *claim, struct buf *ret_task,
		     int64_t *ret_event, struct err *e)
{
	static const char sql_event[] = "INSERT INTO fleet_event (task_id) VALUES (?1)";
	static const char sql_old[] = "DELETE FROM fleet_event WHERE id < ?1";
	struct json_out o = json_out(ret_task);
	int64_t id = 0;
	int r = find_free(db, claim, &id, e);

	if (r < 0 || id == 0)
		return r;
	r = db_exec(db, e, sql_event, "i", id);
	if (r < 0)
		return r;
	*ret_event = db_last_id(db);
	r = db_exec(db, e, sql_old, "i", *ret_event); /* only its number is wanted */
	if (r == 0)
		r = give(db, claim, id, *ret_event, e);
	if (r == 0)
		r = note_busy(db, claim, e);
	if (r == 0)
		r = find_task(db, claim->user_id, id, claim->lease_ms > 0, &o, e);
	return r < 0 ? r : 1;
}

static int task_id_of(const struct json *body, int64_t *ret, struct err *e)
{
	const struct json *v = json_get(body, "task_id");
	struct err ignored = { 0 };

	*ret = json_int(v, 0);
	/* Some clients carry ids as texts. */
	if (json_text(v) && parse_int64(json_text(v), 1, INT64_MAX, ret, &ignored) < 0)
		*ret = 0;
	return *ret > 0 ? 0 : err_set(e, ERR_USAGE, "task_id is required");
}

int fleet_task_ack(struct db *db, const struct caller *by, const struct json *body,
		   struct json_out *out, struct err *e)
{
	static const char sql_ack[] =
		"UPDATE fleet_task SET status = 'in_progress', lease_ms = NULL WHERE id = ?1"
		" AND user_id = ?2 AND agent_id = ?3 AND lease = ?4 AND status IN ('assigned',"
		" 'in_progress')";
	const struct fleet_field lease_field = { "lease", RANDOM_TEXT_MAX, true };
	const char *agent_id = json_text(json_get(body, "agent_id"));
	const char *lease = NULL;
	int64_t id = 0;
	int r = inbox_check_agent(agent_id, e);

	if (r == 0)
		r = task_id_of(body, &id, e);
	if (r == 0)
		r = fleet_text(body, &lease_field, &lease, e);
	if (r == 0)
		r = db_exec(db, e, sql_ack, "iitt", id, by->user_id, agent_id, lease);
	if (r < 0)
		return r;
	if (db_changes(db) > 0)
		return find_task(db, by->user_id, id, false, out, e);
	AUTO_BUF struct buf unused = BUF_INIT(BUF_OWN_MAX);
	struct json_out look = json_out(&unused);

	r = find_task(db, by->user_id, id, false, &look, e);
	return r < 0 ? r
		     : err_set(e, ERR_CONFLICT,
			       "the lease of task %lld is over: it was given out "
			       "again, or is done",
			       (long long)id);
}

static const char *word_of(const struct json *body)
{
	const char *given = json_text(json_get(json_get(body, "result"), "status"));

	return given && str_eq(given, "failed") ? "failed" : "completed";
}

static int put_result(struct db *db, const struct caller *by, const struct json *body, int64_t id,
		      struct err *e)
{
	static const char sql_done[] =
		"UPDATE fleet_task SET status = ?4, result = nullif(?5, ''), findings ="
		" nullif(?6, ''), changes = nullif(?7, ''), report = nullif(?8, ''), agent_id = ?3,"
		" completed_ms = ?9, lease = NULL, lease_ms = NULL WHERE id = ?1 AND user_id = ?2"
		" AND status NOT IN ('completed', 'failed')"
		" AND (agent_id IS NULL OR agent_id = ?3)";
	static const char *const keys[] = { "result", "findings", "changes", "report" };
	struct buf text[ARRAY_LEN(keys)];
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		text[i] = (struct buf)BUF_INIT(BUF_OWN_MAX);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(keys); i++)
		r = fleet_json(body, keys[i], FLEET_RESULT_MAX, &text[i], e);
	if (r == 0)
		r = db_exec(db, e, sql_done, "iitttttti", id, by->user_id,
			    json_text(json_get(body, "agent_id")), word_of(body), buf_str(&text[0]),
			    buf_str(&text[1]), buf_str(&text[2]), buf_str(&text[3]), time_now());
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		buf_release(&text[i]);
	return r;
}

int fleet_task_complete(struct db *db, const struct caller *by, const struct json *body,
			struct json_out *out, struct err *e)
{
	static const char sql_whose[] =
		"SELECT status IN ('completed', 'failed') AND agent_id = ?3 FROM fleet_task"
		" WHERE id = ?1 AND user_id = ?2";
	static const char sql_free[] = "UPDATE fleet_agent SET status = 'online' WHERE user_id = ?1"
				       " AND agent_id = ?2 AND status = 'busy'";
	const char *agent_id = json_text(json_get(body, "agent_id"));
	int64_t id = 0, again = -1;
	int r = inbox_check_agent(agent_id, e);

	if (r == 0)
		r = task_id_of(body, &id, e);
	if (r == 0)
		r = db_get_int(db, &again, -1, e, sql_whose, "iit", id, by->user_id, agent_id);
	if (r == 0 && again != 1) {
		r = put_result(db, by, body, id, e);
		if (r == 0 && db_changes(db) == 0 && again == 0)
			r = err_set(e, ERR_CONFLICT, "task %lld is another agent's", (long long)id);
	}
	if (r == 0)
		r = db_exec(db, e, sql_free, "it", by->user_id, agent_id);
	return r < 0 ? r : find_task(db, by->user_id, id, false, out, e);
}
