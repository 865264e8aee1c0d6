/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/sync-internal.h"

#include "base/time.h"
#include "engine/outbox.h"
#include "net/http-client.h"
#include "net/url.h"

#include <arpa/inet.h>

static const char *const migrations[] = {
	"CREATE TABLE agent_context (id TEXT PRIMARY KEY, body TEXT NOT NULL,"
	" created_ms INTEGER NOT NULL, expires_ms INTEGER) WITHOUT ROWID;"
	"CREATE INDEX agent_context_by_age ON agent_context (created_ms);"
	"CREATE TABLE agent_sync (id INTEGER PRIMARY KEY AUTOINCREMENT, direction TEXT NOT NULL"
	" CHECK (direction IN ('push', 'pull')), agent_id TEXT NOT NULL, at_ms INTEGER NOT NULL,"
	" items INTEGER NOT NULL, bytes INTEGER NOT NULL, requests INTEGER NOT NULL, error TEXT)",
	NULL,
};
const struct db_schema sync_schema = { "agent-sync", migrations };

static bool is_loopback(const char *rest)
{
	AUTO_FREE char *host =
		xstrndup(rest, *rest == '[' ? strcspn(rest, "]") + 1 : strcspn(rest, ":/"));
	struct in_addr v4;

	return str_eq(host, "localhost") || str_eq(host, "[::1]") ||
	       (str_starts(host, "127.") && inet_pton(AF_INET, host, &v4) == 1);
}

int sync_check_server(const char *server, struct err *e)
{
	const char *insecure = getenv("LARDER_AGENT_INSECURE");

	if (!str_starts(server, "http://") || is_loopback(server + strlen("http://")) ||
	    (insecure && *insecure))
		return 0;
	(void)err_set(e, ERR_USAGE, "'%.200s' would get the token and the records in the clear",
		      server);
	return err_hint(e, "use https, or set LARDER_AGENT_INSECURE=1 on a network you trust");
}

int sync_note(struct agents *a, const struct sync_event *event, struct err *e)
{
	static const char sql_add[] =
		"INSERT INTO agent_sync (direction, agent_id, at_ms, items,"
		" bytes, requests, error) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
	static const char sql_trim[] = "DELETE FROM agent_sync WHERE id <= ?1";
	struct db *db = agents_db(a);
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_lazy(db, e);

	if (r < 0)
		return r;
	tx = db;
	r = db_exec(db, e, sql_add, "ttiiiit", event->direction, agents_self(a), time_now(),
		    event->items, event->bytes, event->requests,
		    event->error ? event->error->msg : NULL);
	if (r == 0)
		r = db_exec(db, e, sql_trim, "i", db_last_id(db) - SYNC_HISTORY);
	return r < 0 ? r : db_commit(db, e);
}

int sync_last(struct agents *a, const char *direction, int64_t *ret_ms, struct err *e)
{
	static const char sql_last[] =
		"SELECT max(at_ms) FROM agent_sync WHERE direction = ?1 AND error IS NULL";

	return db_get_int(agents_db(a), ret_ms, 0, e, sql_last, "t", direction);
}

int sync_history_add(struct agents *a, struct json_out *out, struct err *e)
{
	static const char sql_history[] = "SELECT direction, agent_id, at_ms, items, bytes,"
					  " requests, error FROM agent_sync ORDER BY id DESC";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(agents_db(a), &q, e, sql_history, "");

	while (r >= 0 && (r = stmt_next(q, e)) > 0) {
		json_open(out, NULL, '{');
		json_add_text(out, "direction", stmt_text(q, 0));
		json_add_text(out, "agent_id", stmt_text(q, 1));
		json_add_time(out, "synced_at", stmt_int(q, 2));
		json_add_int(out, "items_count", stmt_int(q, 3));
		json_add_int(out, "payload_size", stmt_int(q, 4));
		json_add_int(out, "requests", stmt_int(q, 5));
		json_add_text(out, "error", stmt_text(q, 6));
		json_close(out);
	}
	return r;
}

static int ask(struct agents *a, const struct sync_peer *peer, struct json **ret, struct err *e)
{
	AUTO_HTTP struct http_client *http = http_client_new(NULL);
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_BUF struct buf url = BUF_INIT(URL_MAX);
	struct http_request q = { .method = "GET", .token = peer->token };
	int r = sync_check_server(peer->server, e);

	buf_addf(&url, "%s/v1/agent/status", peer->server);
	url_add_query(&url, "agent_id", agents_self(a));
	q.url = buf_str(&url);
	if (r == 0)
		r = http_request(http, &q, &reply, e);
	if (r == 0)
		r = http_expect(&reply, 200, e);
	return r < 0 ? r : json_parse(buf_bytes(&reply.body), HTTP_SMALL_BODY_MAX, ret, e);
}

/* The hub's word counts where it has one. */
static void overlay(const struct json *answer, const char **status, int64_t *push, int64_t *pull)
{
	const struct json *data = json_get(answer, "data");
	const char *word = json_text(json_get(data, "status"));
	const char *pushed = json_text(json_get(data, "last_push_at"));
	const char *pulled = json_text(json_get(data, "last_pull_at"));
	struct err ignored = { 0 };

	if (word)
		*status = word;
	if (pushed)
		(void)time_parse_iso(pushed, push, &ignored);
	if (pulled)
		(void)time_parse_iso(pulled, pull, &ignored);
}

int sync_status_add(struct agents *a, const struct sync_peer *peer, struct json_out *out,
		    struct err *e)
{
	static const char sql_count[] =
		"SELECT count(*) FROM agent_context WHERE coalesce(expires_ms > ?1, 1)";
	AUTO_JSON struct json *answer = NULL;
	struct outbox_summary sum = { 0 };
	const char *status = "offline";
	int64_t push = 0, pull = 0, context = 0;
	struct err why = { 0 };
	char credential[65];
	int r;

	sync_credential(peer, credential);
	r = outbox_summary(agents_db(a), credential, &sum, e);
	if (r == 0)
		r = sync_last(a, "push", &push, e);
	if (r == 0)
		r = sync_last(a, "pull", &pull, e);
	if (r == 0)
		r = db_get_int(agents_db(a), &context, 0, e, sql_count, "i", time_now());
	if (r < 0)
		return r;
	if (peer->server && peer->token && ask(a, peer, &answer, &why) == 0)
		overlay(answer, &status, &push, &pull);
	json_add_text(out, "agent_id", agents_self(a));
	json_add_text(out, "status", status);
	json_add_text(out, "server", peer->server);
	json_add_bool(out, "token_known", peer->token != NULL);
	json_add_time(out, "last_push_at", push);
	json_add_time(out, "last_pull_at", pull);
	json_add_int(out, "queued", sum.waiting);
	json_add_int(out, "dead", sum.dead);
	json_add_bool(out, "paused", sum.paused);
	json_add_time(out, "next_attempt_at", sum.due_ms > 0 ? sum.due_ms : 0);
	json_add_int(out, "context_count", context);
	if (*why.msg)
		json_add_text(out, "remote_error", why.msg);
	return 0;
}
