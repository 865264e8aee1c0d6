/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/sync-internal.h"

#include "agents/mirror.h"
#include "base/time.h"
#include "engine/journal.h"
#include "engine/ledger.h"
#include "net/http-client.h"
#include "net/url.h"

#include <inttypes.h>

#define CURSOR "agents.cursor"
/* A hub that always says there is more is not asked for ever. */
#define PAGES_MAX    1000
#define CONTEXT_FILE "sync/context.json"
#define CURSOR_MAX   200

const struct json *sync_find_items(const struct json *answer)
{
	static const char *const keys[] = { "context", "items", "memories" };
	const struct json *data = json_get(answer, "data");
	const struct json *found = NULL;
	const struct json *places[2] = { data, answer };

	if (json_kind(answer) != JSON_OBJECT)
		return NULL;
	if (json_kind(data) == JSON_ARRAY)
		found = data;
	for (size_t p = 0; p < ARRAY_LEN(places); p++)
		for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
			const struct json *v = json_get(places[p], keys[i]);

			if (json_kind(v) == JSON_ARRAY &&
			    (!found || (json_size(found) == 0 && json_size(v) > 0)))
				found = v;
		}
	return found;
}

struct pull {
	struct agents *a;
	const struct sync_peer *peer;
	const struct sync_pull_options *options;
	struct sync_pulled *ret;
	struct http_client *http;
	char *key;    /* of the cursor */
	char *cursor; /* "" from the beginning */
};

static void pull_release(struct pull *p)
{
	http_client_free(p->http);
	free(p->key);
	free(p->cursor);
}

static int ask(struct pull *p, struct json **ret_answer, struct err *e)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_BUF struct buf url = BUF_INIT(URL_MAX);
	struct http_request q = { .method = "GET",
				  .token = p->peer->token,
				  .max_body = SYNC_REPLY_MAX,
				  .accept_gzip = true };
	int r;

	buf_addf(&url, "%s/v1/agent/context", p->peer->server);
	url_add_query(&url, "agent_id", agents_self(p->a));
	url_add_query(&url, "cursor", p->cursor);
	url_add_query(&url, "limit", "500");
	if (p->options->since)
		url_add_query(&url, "since", p->options->since);
	q.url = buf_str(&url);
	p->ret->requests++;
	r = http_request(p->http, &q, &reply, e);
	if (r == 0)
		r = http_expect(&reply, 200, e);
	if (r < 0)
		return r;
	p->ret->bytes += (int64_t)reply.body.n;
	r = json_parse(buf_bytes(&reply.body), SYNC_REPLY_MAX, ret_answer, e);
	return r < 0 ? err_set(e, ERR_REMOTE, "the answer is not that of a hub") : 0;
}

static int64_t time_of(const struct json *item, const char *key)
{
	const char *text = json_text(json_get(item, key));
	struct err ignored = { 0 };
	int64_t ms = 0;

	return text && time_parse_iso(text, &ms, &ignored) == 0 ? ms : 0;
}

static int drop(struct pull *p, const char *id, struct err *e)
{
	static const char sql_drop[] = "DELETE FROM agent_context WHERE id = ?1";
	int r = db_exec(agents_db(p->a), e, sql_drop, "t", id);

	if (r == 0)
		p->ret->removed += db_changes(agents_db(p->a));
	return r;
}

static int merge_one(struct pull *p, const struct json *item, struct err *e)
{
	static const char sql_put[] =
		"INSERT INTO agent_context (id, body, created_ms, expires_ms) VALUES (?1, ?2, ?3,"
		" nullif(?4, 0)) ON CONFLICT (id) DO UPDATE SET body = excluded.body,"
		" created_ms = excluded.created_ms, expires_ms = excluded.expires_ms";
	const char *id = json_text(json_get(item, "id"));
	const char *older = json_text(json_get(item, "supersedes_id"));
	AUTO_BUF struct buf body = BUF_INIT(SYNC_ITEM_MAX);
	int r;

	if (!id || !*id || strlen(id) > 255)
		return 0; /* nothing to know it by */
	if (json_flag(json_get(item, "deleted"), false))
		return drop(p, id, e);
	json_print(item, &body, false);
	if (body.full)
		return 0; /* larger than anything an agent reads */
	r = db_exec(agents_db(p->a), e, sql_put, "tsii", id, buf_bytes(&body),
		    time_of(item, "created_at"), time_of(item, "expires_at"));
	p->ret->taken++;
	return r < 0 || !older || str_eq(older, id) ? r : drop(p, older, e);
}

static int trim(struct db *db, int64_t now, struct err *e)
{
	static const char sql_expired[] = "DELETE FROM agent_context WHERE expires_ms <= ?1";
	static const char sql_many[] =
		"DELETE FROM agent_context WHERE id IN (SELECT id FROM agent_context"
		" ORDER BY created_ms DESC, id LIMIT -1 OFFSET ?1)";
	int r = db_exec(db, e, sql_expired, "i", now);

	return r < 0 ? r : db_exec(db, e, sql_many, "i", (int64_t)SYNC_CONTEXT_MAX);
}

int sync_context_add(struct agents *a, struct json_out *out, int64_t *ret_count, struct err *e)
{
	static const char sql_all[] =
		"SELECT body FROM agent_context WHERE coalesce(expires_ms > ?1, 1)"
		" ORDER BY created_ms DESC, id";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(agents_db(a), &q, e, sql_all, "i", time_now());

	while (r >= 0 && (r = stmt_next(q, e)) > 0) {
		json_add_raw(out, NULL, stmt_bytes(q, 0));
		++*ret_count;
	}
	return r;
}

static int put_mirror(struct pull *p, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&text);
	int64_t n = 0;
	int r;

	json_open(&o, NULL, '[');
	r = sync_context_add(p->a, &o, &n, e);
	json_close(&o);
	buf_addc(&text, '\n');
	return r < 0 ? r : mirror_put_file(p->a, "context", buf_bytes(&text), CONTEXT_FILE, e);
}

/* One page and where the next begins are one commit. 1 when there is more. */
static int take_page(struct pull *p, const struct json *answer, struct err *e)
{
	const struct json *items = sync_find_items(answer);
	const char *cursor = json_text(json_get(answer, "cursor"));
	bool more = json_flag(json_get(answer, "more"), false);
	AUTO_TX struct db *tx = NULL;
	int r;

	if (!items)
		return err_set(e, ERR_REMOTE, "the answer holds no context");
	if (cursor && strlen(cursor) > CURSOR_MAX)
		return err_set(e, ERR_REMOTE, "the hub's cursor is too long");
	if (more && (!cursor || str_eq(cursor, p->cursor)))
		return err_set(e, ERR_REMOTE, "the hub's cursor does not move");
	r = db_begin_tx(agents_db(p->a), &tx, e);
	for (size_t i = 0; r == 0 && i < json_size(items); i++)
		r = merge_one(p, json_at(items, i), e);
	if (r == 0 && cursor && !p->options->since)
		r = ledger_put(tx, CURSOR, p->key, cursor, e);
	if (r == 0)
		r = trim(tx, time_now(), e);
	if (r == 0 && !more && p->ret->taken + p->ret->removed > 0)
		r = put_mirror(p, e);
	if (r == 0)
		r = journal_commit(agents_root(p->a), e);
	if (r == 0 && cursor)
		dispatch_set(&p->cursor, cursor);
	return r < 0 ? r : more;
}

static int take_all(struct pull *p, struct err *e)
{
	int r = 1;

	for (int page = 0; r > 0 && page < PAGES_MAX; page++) {
		AUTO_JSON struct json *answer = NULL;

		r = ask(p, &answer, e);
		if (r == 0)
			r = take_page(p, answer, e);
	}
	return r < 0 ? r : 0;
}

static bool is_remote(int code)
{
	return code == ERR_OFFLINE || code == ERR_REMOTE || code == ERR_BUSY || code == ERR_AUTH ||
	       code == ERR_DENIED || code == ERR_NOT_FOUND || code == ERR_LIMIT ||
	       code == ERR_FAILED || code == ERR_USAGE || code == ERR_CORRUPT;
}

static int fetch(struct pull *p, struct err *e)
{
	AUTO_FREE char *known = NULL;
	struct sync_event event = { "pull", 0, 0, 0, NULL };
	int r;

	p->key = xasprintf("%s %s", p->peer->server, agents_self(p->a));
	r = ledger_get(agents_db(p->a), CURSOR, p->key, &known, e);
	if (r < 0)
		return r;
	p->cursor = xstrdup(known && !p->options->anew && !p->options->since ? known : "");
	p->http = http_client_new(NULL);
	r = take_all(p, &p->ret->why);
	if (r < 0 && !is_remote(r)) {
		*e = p->ret->why;
		return r;
	}
	p->ret->stale = r < 0;
	event.items = p->ret->taken;
	event.bytes = p->ret->bytes;
	event.requests = p->ret->requests;
	event.error = r < 0 ? &p->ret->why : NULL;
	return sync_note(p->a, &event, e);
}

int sync_pull(struct agents *a, const struct sync_peer *peer,
	      const struct sync_pull_options *options, struct sync_pulled *ret, struct err *e)
{
	static const char sql_count[] =
		"SELECT count(*) FROM agent_context WHERE coalesce(expires_ms > ?1, 1)";
	AUTO(pull_release) struct pull p = { .a = a, .peer = peer, .options = options, .ret = ret };
	int64_t last = 0;
	int r = 0;

	if (!peer->server || !peer->token) {
		ret->stale = true;
		(void)err_set(&ret->why, ERR_AUTH, "no token is known");
	} else {
		r = sync_check_server(peer->server, e);
		if (r == 0)
			r = fetch(&p, e);
	}
	if (r == 0)
		r = sync_last(a, "pull", &last, e);
	ret->age_ms = last ? time_now() - last : -1;
	return r < 0 ? r : db_get_int(agents_db(a), &ret->count, 0, e, sql_count, "i", time_now());
}
