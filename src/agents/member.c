/* SPDX-License-Identifier: Apache-2.0 */
/* The membership: a row, and what the hub is told of it. */
#include "agents/member-internal.h"

#include "agents/run.h"
#include "base/hash.h"
#include "base/time.h"

#include <inttypes.h>
#include <sys/utsname.h>

/* Registering and leaving take each other's place: what was said last counts. */
#define SUBJECT "fleet"

static const char *const migrations[] = {
	"CREATE TABLE agent_member (id INTEGER PRIMARY KEY CHECK (id = 1), agent_id TEXT NOT NULL,"
	" agent TEXT NOT NULL, platform TEXT NOT NULL, models TEXT NOT NULL, capabilities TEXT NOT NULL,"
	" command TEXT NOT NULL, capacity INTEGER NOT NULL, timeout_ms INTEGER NOT NULL,"
	" joined_ms INTEGER NOT NULL, registered_ms INTEGER NOT NULL DEFAULT 0, beat_ms INTEGER NOT NULL"
	" DEFAULT 0, event INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0,"
	" error TEXT NOT NULL DEFAULT '');"
	"CREATE TABLE agent_task (task_id INTEGER PRIMARY KEY, agent_id TEXT NOT NULL,"
	" dispatch_id TEXT NOT NULL UNIQUE, state INTEGER NOT NULL, body TEXT NOT NULL,"
	" taken_ms INTEGER NOT NULL);"
	"CREATE INDEX agent_task_by_state ON agent_task (state, task_id)",
	NULL,
};
const struct db_schema member_schema = { "agent-member", migrations };

void member_release(struct member *m)
{
	char *const texts[] = { m->agent_id,     m->agent,   m->platform, m->models,
				m->capabilities, m->command, m->error };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	*m = (struct member){ 0 };
}

int member_load(struct db *db, struct member *ret, struct err *e)
{
	static const char sql_load[] =
		"SELECT agent_id, agent, platform, models, capabilities, command, error, capacity,"
		" timeout_ms, joined_ms, registered_ms, beat_ms, event, failures,"
		" (SELECT count(*) FROM agent_task WHERE state < 3) FROM agent_member";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_load, "");

	if (r == 0)
		r = stmt_next(q, e);
	if (r <= 0)
		return r;
	*ret = (struct member){
		.agent_id = xstrdup(stmt_text(q, 0)),
		.agent = xstrdup(stmt_text(q, 1)),
		.platform = xstrdup(stmt_text(q, 2)),
		.models = xstrdup(stmt_text(q, 3)),
		.capabilities = xstrdup(stmt_text(q, 4)),
		.command = xstrdup(stmt_text(q, 5)),
		.error = xstrdup(stmt_text(q, 6)),
		.capacity = stmt_int(q, 7),
		.timeout_ms = stmt_int(q, 8),
		.joined_ms = stmt_int(q, 9),
		.registered_ms = stmt_int(q, 10),
		.beat_ms = stmt_int(q, 11),
		.event = stmt_int(q, 12),
		.failures = stmt_int(q, 13),
		.open = stmt_int(q, 14),
	};
	return 1;
}

int member_say(struct db *db, const struct member_message *m, struct err *e)
{
	AUTO_FREE char *key = NULL;
	char sha256[HASH_HEX_MAX];
	struct outbox_item item = { .kind = m->kind, .subject = m->subject, .payload = m->body };
	int r;

	/* As of records: the key holds what the bytes must be. */
	hash_text(HASH_SHA256, bytes_of(m->body), sha256);
	key = xasprintf("%s:%s:%.16s", m->kind, m->subject, sha256);
	item.key = key;
	r = outbox_put(db, &item, m->supersedes, e);
	return r < 0 ? r : 0;
}

static void add_list(const struct strv *words, struct buf *out)
{
	struct json_out o = json_out(out);

	json_add_texts(&o, NULL, words);
}

/* "linux-x86_64" */
static void add_platform(struct buf *out)
{
	struct utsname name;

	if (uname(&name) == 0)
		buf_addf(out, "%s-%s", name.sysname, name.machine);
	for (size_t i = 0; i < out->n; i++)
		if (out->p[i] >= 'A' && out->p[i] <= 'Z')
			out->p[i] = (char)(out->p[i] - 'A' + 'a');
}

static int say_register(struct db *db, const struct member *m, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(MEMBER_TASK_MAX);
	struct json_out o = json_out(&body);
	struct member_message said = { MEMBER_REGISTER, SUBJECT, SUBJECT, NULL };

	json_open(&o, NULL, '{');
	json_add_text(&o, "agent_id", m->agent_id);
	json_add_text(&o, "platform", m->platform);
	json_add_raw(&o, "models", bytes_of(m->models));
	json_add_raw(&o, "capabilities", bytes_of(m->capabilities));
	json_close(&o);
	said.body = buf_str(&body);
	return body.full ? err_set(e, ERR_LIMIT, "models and capabilities exceed %zu bytes",
				   MEMBER_TASK_MAX)
			 : member_say(db, &said, e);
}

static int put_row(struct db *db, const struct member *m, struct err *e)
{
	static const char sql_join[] =
		"INSERT OR REPLACE INTO agent_member (id, agent_id, agent, platform, models,"
		" capabilities, command, capacity, timeout_ms, joined_ms)"
		" VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

	return db_exec(db, e, sql_join, "ttttttiii", m->agent_id, m->agent, m->platform, m->models,
		       m->capabilities, m->command, m->capacity, m->timeout_ms, m->joined_ms);
}

static int check_wish(struct agents *a, const struct member_wish *wish, struct err *e)
{
	if (!wish->command || wish->command->n == 0)
		return err_set(e, ERR_USAGE, "what runs a task stands after '--'");
	if (!agents_self_is_given(a)) {
		(void)err_set(e, ERR_USAGE, "a member of a fleet has a name that a person gave it");
		return err_hint(e, "name it with --agent-id or AGENT_NAME");
	}
	if (wish->capacity < 1 || wish->capacity > MEMBER_CAPACITY_MAX)
		return err_set(e, ERR_USAGE, "--capacity is 1 to %d", MEMBER_CAPACITY_MAX);
	return 0;
}

int member_join(struct agents *a, const struct member_wish *wish, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	AUTO_BUF struct buf platform = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf models = BUF_INIT(MEMBER_TASK_MAX);
	AUTO_BUF struct buf capabilities = BUF_INIT(MEMBER_TASK_MAX);
	AUTO_BUF struct buf command = BUF_INIT(RUN_COMMAND_MAX);
	struct member row = {
		.agent_id = (char *)(uintptr_t)agents_self(a), /* only read below */
		.agent = (char *)(uintptr_t)(wish->agent ? wish->agent : "local"),
		.capacity = wish->capacity,
		.timeout_ms = wish->timeout_ms,
		.joined_ms = time_now(),
	};
	int r = check_wish(a, wish, e);

	if (r < 0)
		return r;
	add_platform(&platform);
	add_list(wish->models, &models);
	add_list(wish->capabilities, &capabilities);
	add_list(wish->command, &command);
	if (models.full || capabilities.full || command.full)
		return err_set(e, ERR_LIMIT, "the command exceeds %zu bytes", RUN_COMMAND_MAX);
	row.platform = platform.p;
	row.models = models.p;
	row.capabilities = capabilities.p;
	row.command = command.p;
	r = db_begin_tx(agents_db(a), &tx, e);
	if (r == 0)
		r = put_row(tx, &row, e);
	if (r == 0)
		r = say_register(tx, &row, e);
	return r < 0 ? r : db_commit(tx, e);
}

/* Those that were not begun go back; those at work are finished. */
static int refuse_waiting(struct db *db, struct err *e)
{
	static const char sql_first[] = "SELECT min(task_id) FROM agent_task WHERE state < 2";

	for (;;) {
		int64_t id = 0;
		int r = db_get_int(db, &id, 0, e, sql_first, "");

		if (r == 0 && id > 0)
			r = member_refuse(db, id, "the machine left the fleet", e);
		if (r < 0 || id == 0)
			return r;
	}
}

int member_leave(struct agents *a, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	AUTO_MEMBER struct member m = { 0 };
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);
	int r = db_begin_tx(agents_db(a), &tx, e);

	if (r == 0)
		r = member_load(tx, &m, e);
	if (r == 0)
		return err_set(e, ERR_NOT_FOUND, "this machine is no member of a fleet");
	if (r > 0)
		r = refuse_waiting(tx, e);
	if (r == 0)
		r = db_exec(tx, e, "DELETE FROM agent_member", "");
	if (r < 0)
		return r;
	json_open(&o, NULL, '{');
	json_add_text(&o, "agent_id", m.agent_id);
	json_close(&o);
	r = member_say(
		tx, &(struct member_message){ MEMBER_LEAVE, SUBJECT, SUBJECT, buf_str(&body) }, e);
	return r < 0 ? r : db_commit(tx, e);
}

int member_register_again(struct agents *a, const struct member *m, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_tx(agents_db(a), &tx, e);

	if (r == 0)
		r = say_register(tx, m, e);
	return r < 0 ? r : db_commit(tx, e);
}

static int add_tasks(struct db *db, struct json_out *o, struct err *e)
{
	static const char sql_tasks[] =
		"SELECT t.task_id, t.state, d.name, t.taken_ms FROM agent_task t LEFT JOIN"
		" agent_dispatch d ON d.id = t.dispatch_id WHERE t.state < 3 ORDER BY t.task_id";
	static const char *const words[] = { "taken", "acknowledged", "begun" };
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_tasks, "");

	while (r >= 0 && (r = stmt_next(q, e)) > 0) {
		json_open(o, NULL, '{');
		json_add_int(o, "task_id", stmt_int(q, 0));
		json_add_text(o, "state", words[stmt_int(q, 1)]);
		json_add_text(o, "workspace", stmt_text(q, 2));
		json_add_time(o, "taken_at", stmt_int(q, 3));
		json_close(o);
	}
	return r;
}

int member_status_add(struct db *db, struct json_out *out, struct err *e)
{
	AUTO_MEMBER struct member m = { 0 };
	int r = member_load(db, &m, e);

	json_add_bool(out, "member", r > 0);
	if (r > 0) {
		json_add_text(out, "agent_id", m.agent_id);
		json_add_text(out, "agent", m.agent);
		json_add_text(out, "platform", m.platform);
		json_add_raw(out, "models", bytes_of(m.models));
		json_add_raw(out, "capabilities", bytes_of(m.capabilities));
		json_add_raw(out, "command", bytes_of(m.command));
		json_add_int(out, "capacity", m.capacity);
		json_add_time(out, "joined_at", m.joined_ms);
		json_add_time(out, "registered_at", m.registered_ms);
		json_add_time(out, "last_heartbeat_at", m.beat_ms);
		json_add_int(out, "stream_failures", m.failures);
		json_add_text(out, "error", *m.error ? m.error : NULL);
	}
	if (r < 0)
		return r;
	json_open(out, "tasks", '[');
	r = add_tasks(db, out, e);
	json_close(out);
	return r;
}
