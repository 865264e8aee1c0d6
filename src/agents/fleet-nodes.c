/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/fleet-internal.h"

#include "base/time.h"

#define DAY_MS ((int64_t)24 * 3600 * 1000)

int fleet_text(const struct json *body, const struct fleet_field *field, const char **ret,
	       struct err *e)
{
	const struct json *v = json_get(body, field->key);
	const char *text = json_text(v);
	bool absent = json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL;

	*ret = NULL;
	if (absent && !field->required)
		return 0;
	if (absent || !text || (field->required && !*text))
		return err_set(e, ERR_USAGE, "%s %s", field->key,
			       absent ? "is required" : "must be a text");
	if (strlen(text) > field->max || !text_is_clean(bytes_of(text)))
		return err_set(e, ERR_USAGE, "%s must be clean text of at most %zu bytes",
			       field->key, field->max);
	*ret = text;
	return 0;
}

int fleet_json(const struct json *body, const char *key, size_t max, struct buf *out, struct err *e)
{
	const struct json *v = json_get(body, key);

	if (json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL)
		return 0;
	if (json_kind(v) != JSON_ARRAY && json_kind(v) != JSON_OBJECT)
		return err_set(e, ERR_USAGE, "%s must be an array or an object", key);
	json_print(v, out, false);
	return out->full || out->n > max ? err_set(e, ERR_USAGE, "%s exceeds %zu bytes", key, max)
					 : 0;
}

void fleet_add_raw(struct json_out *o, const char *key, const char *json, const char *otherwise)
{
	json_add_raw(o, key, bytes_of(json && *json ? json : otherwise));
}

#define COLUMNS                                                                                    \
	"agent_id, platform, models, capabilities, CASE WHEN status <> 'offline' AND"              \
	" coalesce(last_heartbeat_ms, 0) < ?2 THEN 'offline' ELSE status END AS state, budget,"    \
	" last_heartbeat_ms, registered_ms, (SELECT max(t.id) FROM fleet_task t"                   \
	" WHERE t.user_id = a.user_id AND t.agent_id = a.agent_id AND t.status = 'in_progress')"

static void add_node(struct json_out *o, const struct stmt *q)
{
	json_open(o, NULL, '{');
	json_add_text(o, "id", stmt_text(q, 0));
	json_add_text(o, "agent_id", stmt_text(q, 0));
	json_add_text(o, "platform", stmt_text(q, 1));
	fleet_add_raw(o, "models", stmt_text(q, 2), "[]");
	fleet_add_raw(o, "capabilities", stmt_text(q, 3), "[]");
	json_add_text(o, "status", stmt_text(q, 4));
	fleet_add_raw(o, "compute_budget", stmt_text(q, 5), "null");
	if (stmt_is_null(q, 8))
		json_add_null(o, "current_task_id");
	else
		json_add_int(o, "current_task_id", stmt_int(q, 8));
	json_add_time(o, "last_heartbeat_at", stmt_int(q, 6));
	json_add_time(o, "registered_at", stmt_int(q, 7));
	json_close(o);
}

int fleet_find_node(struct db *db, const struct caller *by, const char *agent_id,
		    struct json_out *out, struct err *e)
{
	static const char sql_node[] = "SELECT " COLUMNS " FROM fleet_agent a WHERE user_id = ?1"
				       " AND agent_id = ?3 AND registered_ms IS NOT NULL";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_node, "iit", by->user_id, time_now() - FLEET_SILENT_MS,
			 agent_id);

	if (r == 0)
		r = stmt_next(q, e);
	if (r == 0)
		return err_set(e, ERR_NOT_FOUND, "agent '%.100s' is not registered", agent_id);
	if (r > 0)
		add_node(out, q);
	return r < 0 ? r : 0;
}

static int agent_of(const struct json *body, const char **ret, struct err *e)
{
	*ret = json_text(json_get(body, "agent_id"));
	return inbox_check_agent(*ret, e);
}

int fleet_register(struct db *db, const struct caller *by, const struct json *body,
		   struct json_out *out, struct err *e)
{
	static const char sql_add[] =
		"INSERT INTO fleet_agent (user_id, agent_id, registered_ms, platform, models,"
		" capabilities, status, last_heartbeat_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'online',"
		" ?3) ON CONFLICT (user_id, agent_id) DO UPDATE SET registered_ms ="
		" coalesce(registered_ms, excluded.registered_ms), platform = excluded.platform,"
		" models = excluded.models, capabilities = excluded.capabilities,"
		" status = 'online', last_heartbeat_ms = excluded.last_heartbeat_ms";
	const struct fleet_field field = { "platform", FLEET_PLATFORM_MAX, false };
	AUTO_BUF struct buf models = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf capabilities = BUF_INIT(BUF_OWN_MAX);
	const char *agent_id = NULL, *platform = NULL;
	int r = agent_of(body, &agent_id, e);

	if (r == 0)
		r = inbox_check_room(db, by, agent_id, e);
	if (r == 0)
		r = fleet_text(body, &field, &platform, e);
	if (r == 0)
		r = fleet_json(body, "models", FLEET_JSON_MAX, &models, e);
	if (r == 0)
		r = fleet_json(body, "capabilities", FLEET_JSON_MAX, &capabilities, e);
	if (r == 0)
		r = db_exec(db, e, sql_add, "itittt", by->user_id, agent_id, time_now(), platform,
			    buf_str(&models), buf_str(&capabilities));
	return r < 0 ? r : fleet_find_node(db, by, agent_id, out, e);
}

int fleet_heartbeat(struct db *db, const struct caller *by, const struct json *body,
		    struct json_out *out, struct err *e)
{
	static const char sql_beat[] =
		"UPDATE fleet_agent SET last_heartbeat_ms = ?3, status = coalesce(?4, status),"
		" budget = CASE WHEN ?5 = '' THEN budget ELSE ?5 END WHERE user_id = ?1"
		" AND agent_id = ?2 AND registered_ms IS NOT NULL";
	static const char *const known[] = { "offline", "online", "busy", "paused" };
	const struct fleet_field field = { "status", FLEET_STATUS_MAX, false };
	AUTO_BUF struct buf budget = BUF_INIT(BUF_OWN_MAX);
	const char *agent_id = NULL, *status = NULL;
	bool fits = false;
	int r = agent_of(body, &agent_id, e);

	if (r == 0)
		r = fleet_text(body, &field, &status, e);
	for (size_t i = 0; status && i < ARRAY_LEN(known); i++)
		fits = fits || str_eq(status, known[i]);
	if (r == 0 && status && !fits)
		r = err_set(e, ERR_USAGE, "status must be offline, online, busy or paused");
	if (r == 0)
		r = fleet_json(body, "compute_budget", FLEET_JSON_MAX, &budget, e);
	if (r == 0)
		r = db_exec(db, e, sql_beat, "ititt", by->user_id, agent_id, time_now(), status,
			    buf_str(&budget));
	return r < 0 ? r : fleet_find_node(db, by, agent_id, out, e);
}

int fleet_deregister(struct db *db, const struct caller *by, const struct json *body, struct err *e)
{
	static const char sql_end[] = "UPDATE fleet_agent SET registered_ms = NULL,"
				      " status = 'offline' WHERE user_id = ?1 AND agent_id = ?2"
				      " AND registered_ms IS NOT NULL";
	const char *agent_id = NULL;
	int r = agent_of(body, &agent_id, e);

	if (r == 0)
		r = db_exec(db, e, sql_end, "it", by->user_id, agent_id);
	if (r == 0 && db_changes(db) == 0)
		return err_set(e, ERR_NOT_FOUND, "agent '%.100s' is not registered", agent_id);
	return r;
}

int fleet_nodes(struct db *db, const struct caller *by, const struct fleet_filter *filter,
		struct json_out *out, int64_t *ret_total, struct err *e)
{
	static const char sql_nodes[] =
		"SELECT * FROM (SELECT " COLUMNS " FROM fleet_agent a WHERE user_id = ?1"
		" AND registered_ms IS NOT NULL AND (?3 IS NULL OR platform = ?3))"
		" WHERE ?4 IS NULL OR state = ?4 ORDER BY agent_id";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_nodes, "iitt", by->user_id, time_now() - FLEET_SILENT_MS,
			 filter->platform, filter->status);

	while (r >= 0 && (r = stmt_next(q, e)) > 0) {
		add_node(out, q);
		++*ret_total;
	}
	return r;
}

int fleet_stats_add(struct db *db, const struct caller *by, struct json_out *out, struct err *e)
{
	static const char sql_stats[] =
		"SELECT (SELECT count(*) FROM fleet_agent WHERE user_id = ?1 AND registered_ms"
		" IS NOT NULL AND status <> 'offline' AND last_heartbeat_ms >= ?2),"
		" (SELECT count(*) FROM fleet_task WHERE user_id = ?1 AND created_ms >= ?3),"
		" (SELECT count(*) FROM fleet_task WHERE user_id = ?1 AND created_ms >= ?4),"
		" count(DISTINCT repo), coalesce(sum(findings), 0), coalesce(sum(duration_ms), 0)"
		" FROM fleet_record WHERE user_id = ?1";
	static const char *const keys[] = { "nodes_online",  "tasks_today",    "tasks_week",
					    "repos_touched", "findings_total", NULL };
	int64_t now = time_now();
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_stats, "iiii", by->user_id, now - FLEET_SILENT_MS,
			 now - now % DAY_MS, now - 7 * DAY_MS);

	if (r == 0)
		r = stmt_next(q, e);
	if (r <= 0)
		return r;
	for (int i = 0; keys[i]; i++)
		json_add_int(out, keys[i], stmt_int(q, i));
	json_add_double(out, "compute_hours", (double)stmt_int(q, 5) / 3600000);
	return 0;
}
