/* SPDX-License-Identifier: Apache-2.0 */
#include "scripts/scripts-internal.h"

#include "base/hash.h"
#include "base/time.h"
#include "engine/lease.h"
#include "engine/schedule.h"

#define ID_BYTES 9

static const char *const migrations[] = {
	"CREATE TABLE script(id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, owner TEXT,"
	" schedule TEXT, source TEXT NOT NULL, timeout_s INTEGER NOT NULL,"
	" network INTEGER NOT NULL, environment TEXT NOT NULL, deployed_ms INTEGER NOT NULL,"
	" last_run_ms INTEGER, last_status TEXT);"
	"CREATE TABLE script_run(id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" script_id TEXT NOT NULL REFERENCES script(id) ON DELETE CASCADE,"
	" started_ms INTEGER NOT NULL, finished_ms INTEGER, status TEXT NOT NULL,"
	" exit_code INTEGER, truncated INTEGER NOT NULL DEFAULT 0, output TEXT);"
	"CREATE INDEX script_run_of ON script_run(script_id, id);"
	"CREATE INDEX script_run_open ON script_run(started_ms) WHERE finished_ms IS NULL;",
	NULL,
};

const struct db_schema scripts_schema = { "scripts", migrations };

void script_release(struct script *s)
{
	free(s->id);
	free(s->name);
	free(s->source);
	strv_release(&s->environment);
	*s = (struct script){ 0 };
}

static int no_script(const char *name, struct err *e)
{
	return err_set(e, ERR_NOT_FOUND, "script '%.*s' not found", NAME_MAX_LEN, name);
}

int script_find(struct db *db, const char *id_or_name, struct script *ret_script, struct err *e)
{
	static const char sql[] = "SELECT id, name, source, timeout_s, network, environment"
				  " FROM script WHERE id=?1 OR name=?1";
	AUTO_STMT struct stmt *q = NULL;
	struct script s = { 0 };
	int r = db_query(db, &q, e, sql, "t", id_or_name);

	if (r == 0)
		r = stmt_next(q, e);
	if (r <= 0)
		return r < 0 ? r : no_script(id_or_name, e);
	s.id = xstrdup(stmt_text(q, 0));
	s.name = xstrdup(stmt_text(q, 1));
	s.source = xstrdup(stmt_text(q, 2));
	s.timeout_s = stmt_int(q, 3);
	s.network = stmt_int(q, 4) != 0;
	strv_split(&s.environment, stmt_text(q, 5), ' ');
	*ret_script = s;
	return 0;
}

int script_find_id(struct db *db, const char *id_or_name, char ret_id[32], struct err *e)
{
	AUTO_SCRIPT struct script s = { 0 };
	int r = script_find(db, id_or_name, &s, e);

	if (r == 0)
		(void)snprintf(ret_id, 32, "%s", s.id);
	return r;
}

static bool is_variable(const char *s)
{
	static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
	static const char digits[] = "0123456789";
	size_t n = strlen(s);

	if (n == 0 || n > 100 || !strchr(first, s[0]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!strchr(first, s[i]) && !strchr(digits, s[i]))
			return false;
	return true;
}

int script_check_wish(const struct script_wish *wish, struct err *e)
{
	size_t n = wish->source ? strlen(wish->source) : 0;
	struct schedule schedule;

	if (n == 0 || n > SCRIPT_SOURCE_MAX)
		return err_set(e, ERR_USAGE, "a script needs a 'source' of 1 to %zu bytes",
			       SCRIPT_SOURCE_MAX);
	if (wish->timeout_s < 0 || wish->timeout_s > SCRIPT_TIMEOUT_MAX_S)
		return err_set(e, ERR_USAGE, "the 'timeout' must be 1 to %d seconds",
			       SCRIPT_TIMEOUT_MAX_S);
	if (wish->environment && wish->environment->n > SCRIPT_NAMES_MAX)
		return err_set(e, ERR_LIMIT, "at most %d variables can be given to a script",
			       SCRIPT_NAMES_MAX);
	for (size_t i = 0; wish->environment && i < wish->environment->n; i++)
		if (!is_variable(wish->environment->v[i]))
			return err_set(e, ERR_USAGE, "'%.60s' cannot be the name of a variable",
				       wish->environment->v[i]);
	return wish->schedule ? schedule_parse(wish->schedule, NULL, &schedule, e) : 0;
}

static int put_script(struct db *db, const struct caller *by, const struct script_wish *wish,
		      const char *id, struct err *e)
{
	/* One that is deployed anew counts from now: it is not due at once for what it was. */
	static const char sql[] =
		"INSERT INTO script(id, name, owner, schedule, source, timeout_s, network,"
		" environment, deployed_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
		" ON CONFLICT(id) DO UPDATE SET owner=excluded.owner, schedule=excluded.schedule,"
		" source=excluded.source, timeout_s=excluded.timeout_s, network=excluded.network,"
		" environment=excluded.environment, deployed_ms=excluded.deployed_ms";
	AUTO_BUF struct buf names = BUF_INIT(BUF_OWN_MAX);

	for (size_t i = 0; wish->environment && i < wish->environment->n; i++)
		buf_addf(&names, "%s%s", i ? " " : "", wish->environment->v[i]);
	return db_exec(db, e, sql, "tttttiiti", id, wish->name, by ? by->email : NULL,
		       wish->schedule, wish->source,
		       wish->timeout_s ? wish->timeout_s : (int64_t)SCRIPT_TIMEOUT_S,
		       (int64_t)wish->network, buf_str(&names), time_now());
}

int script_deploy(struct db *db, const struct caller *by, const struct script_wish *wish,
		  char ret_id[32], bool *ret_created, struct err *e)
{
	AUTO_FREE char *known = NULL;
	unsigned char random[ID_BYTES];
	int r;

	if (!wish->name || !name_is_table(wish->name))
		return err_set(e, ERR_USAGE,
			       "a script needs a 'name': letters, digits, '_', '.' and '-'");
	r = script_check_wish(wish, e);
	if (r == 0)
		r = db_get_text(db, &known, e, "SELECT id FROM script WHERE name=?1", "t",
				wish->name);
	if (r < 0)
		return r;
	random_bytes(random, sizeof(random));
	if (known) {
		(void)snprintf(ret_id, 32, "%s", known);
	} else {
		memcpy(ret_id, "sc_", 3);
		hex_encode(random, sizeof(random), ret_id + 3);
	}
	*ret_created = !known;
	r = put_script(db, by, wish, ret_id, e);
	return r < 0 ? r : audit_add(db, by, "script.deploy", ret_id, wish->name, e);
}

int script_remove(struct db *db, const struct caller *by, const char *id_or_name, struct err *e)
{
	AUTO_SCRIPT struct script s = { 0 };
	int r = script_find(db, id_or_name, &s, e);

	if (r == 0)
		r = db_exec(db, e, "DELETE FROM script WHERE id=?1", "t", s.id);
	return r < 0 ? r : audit_add(db, by, "script.remove", s.id, s.name, e);
}

#define SCRIPT_COLUMNS                                                                             \
	"SELECT s.id, s.name, s.owner, s.schedule, s.timeout_s, s.network, s.environment,"         \
	" s.deployed_ms, s.last_run_ms, s.last_status FROM script s"

static int add_script(struct db *db, const struct stmt *q, bool *ret_running, struct json_out *out,
		      struct err *e)
{
	AUTO_FREE char *lease = xasprintf(SCRIPT_LEASE_PREFIX "%s", stmt_text(q, 0));
	AUTO_STRV struct strv names = STRV_INIT;
	struct lease_view view = { 0 };
	int running = lease_look(db, lease, &view, e);

	lease_view_release(&view);
	if (running < 0)
		return running;
	*ret_running = running > 0;
	json_add_text(out, "id", stmt_text(q, 0));
	json_add_text(out, "name", stmt_text(q, 1));
	json_add_text(out, "owner", stmt_text(q, 2));
	json_add_text(out, "schedule", stmt_text(q, 3));
	json_add_int(out, "timeout", stmt_int(q, 4));
	json_add_bool(out, "network", stmt_int(q, 5) != 0);
	strv_split(&names, stmt_text(q, 6), ' ');
	json_add_texts(out, "env", &names);
	json_add_time(out, "deployed_at", stmt_int(q, 7));
	json_add_time(out, "last_run", stmt_int(q, 8));
	/* What is written may be of a run that was killed: the lease knows. */
	json_add_text(out, "last_status", running ? "running" : stmt_text(q, 9));
	return 0;
}

int script_list(struct db *db, struct json_out *out, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, SCRIPT_COLUMNS " ORDER BY s.name", "");

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		bool running = false;

		json_open(out, NULL, '{');
		r = add_script(db, q, &running, out, e);
		json_close(out);
	}
	return r;
}

/* A run that has no end is at work when it is the newest and its script is; else nobody will write one,
 * and scripts_reap() has not been here yet. */
static const char *run_status(const struct stmt *q, bool at_work)
{
	return stmt_is_null(q, 2) && !at_work ? "lost" : stmt_text(q, 3);
}

static int add_runs(struct db *db, const char *id, bool at_work, struct json_out *out,
		    struct err *e)
{
	static const char sql[] =
		"SELECT id, started_ms, finished_ms, status, exit_code, truncated, output"
		" FROM script_run WHERE script_id=?1 ORDER BY id DESC";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql, "t", id);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		json_open(out, NULL, '{');
		json_add_int(out, "run", stmt_int(q, 0));
		json_add_time(out, "started", stmt_int(q, 1));
		json_add_time(out, "finished", stmt_int(q, 2));
		json_add_text(out, "status", run_status(q, at_work));
		at_work = false;
		if (stmt_is_null(q, 4))
			json_add_null(out, "exit_code");
		else
			json_add_int(out, "exit_code", stmt_int(q, 4));
		json_add_bool(out, "truncated", stmt_int(q, 5) != 0);
		json_add_bytes(out, "output", stmt_bytes(q, 6));
		json_close(out);
		r = 0;
	}
	return r;
}

int script_show(struct db *db, const char *id_or_name, struct json_out *out, struct err *e)
{
	AUTO_SCRIPT struct script s = { 0 };
	AUTO_STMT struct stmt *q = NULL;
	bool running = false;
	int r = script_find(db, id_or_name, &s, e);

	if (r == 0)
		r = db_query(db, &q, e, SCRIPT_COLUMNS " WHERE s.id=?1", "t", s.id);
	if (r == 0)
		r = stmt_next(q, e);
	if (r < 0)
		return r;
	if (r == 0)
		return no_script(id_or_name, e);
	r = add_script(db, q, &running, out, e);
	if (r < 0)
		return r;
	json_add_text(out, "source", s.source);
	json_open(out, "runs", '[');
	r = add_runs(db, s.id, running, out, e);
	json_close(out);
	return r;
}

static bool is_due(const struct stmt *q, int64_t now_ms)
{
	struct schedule schedule;
	struct err ignored = { 0 };
	int64_t last = stmt_int(q, 2);

	if (schedule_parse(stmt_text(q, 1), NULL, &schedule, &ignored) < 0)
		return false;
	/* A clock that was set back does not stall it. */
	if (last == 0 || last > now_ms)
		return true;
	return schedule_next(&schedule, last, last) <= now_ms;
}

static int list_due(struct db *db, int64_t now_ms, size_t max, struct strv *out, struct err *e)
{
	static const char sql[] = "SELECT id, schedule, last_run_ms FROM script"
				  " WHERE schedule IS NOT NULL"
				  " ORDER BY coalesce(last_run_ms, 0), id";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql, "");

	while (r == 0 && out->n < max && (r = stmt_next(q, e)) > 0) {
		AUTO_FREE char *lease = xasprintf(SCRIPT_LEASE_PREFIX "%s", stmt_text(q, 0));
		struct lease_view view = { 0 };

		r = 0;
		if (!is_due(q, now_ms))
			continue;
		r = lease_look(db, lease, &view, e);
		lease_view_release(&view);
		if (r == 0)
			strv_add(out, stmt_text(q, 0));
		r = r < 0 ? r : 0;
	}
	return r < 0 ? r : 0;
}

int scripts_claim_due(struct db *db, int64_t now_ms, size_t max, struct strv *ret_ids,
		      struct err *e)
{
	int r = list_due(db, now_ms, max, ret_ids, e);

	for (size_t i = 0; r == 0 && i < ret_ids->n; i++)
		r = db_exec(db, e, "UPDATE script SET last_run_ms=?2 WHERE id=?1", "ti",
			    ret_ids->v[i], now_ms);
	return r;
}

static int list_open(struct db *db, int64_t before_ms, struct strv *runs, struct strv *scripts,
		     struct err *e)
{
	static const char sql[] = "SELECT id, script_id FROM script_run"
				  " WHERE finished_ms IS NULL AND started_ms <= ?1";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql, "i", before_ms);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		strv_addf(runs, "%lld", (long long)stmt_int(q, 0));
		strv_add(scripts, stmt_text(q, 1));
		r = 0;
	}
	return r;
}

static int set_lost(struct db *db, const char *run, const char *script, struct err *e)
{
	int r = db_exec(db, e,
			"UPDATE script_run SET status='lost', finished_ms=?2"
			" WHERE id=CAST(?1 AS INTEGER) AND finished_ms IS NULL",
			"ti", run, time_now());

	return r < 0 ? r
		     : db_exec(db, e, "UPDATE script SET last_status='lost' WHERE id=?1", "t",
			       script);
}

int scripts_reap(struct db *db, int64_t grace_ms, int64_t *ret_lost, struct err *e)
{
	AUTO_STRV struct strv runs = STRV_INIT, scripts = STRV_INIT;
	int r = list_open(db, time_now() - grace_ms, &runs, &scripts, e);

	*ret_lost = 0;
	for (size_t i = 0; r == 0 && i < runs.n; i++) {
		AUTO_FREE char *lease = xasprintf(SCRIPT_LEASE_PREFIX "%s", scripts.v[i]);
		struct lease_view view = { 0 };

		r = lease_look(db, lease, &view, e);
		lease_view_release(&view);
		if (r == 1) {
			r = 0; /* the last one may be that which runs */
			continue;
		}
		if (r == 0)
			r = set_lost(db, runs.v[i], scripts.v[i], e);
		*ret_lost += r == 0;
	}
	return r;
}
