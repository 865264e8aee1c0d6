/* SPDX-License-Identifier: Apache-2.0 */
/* What is said to the hub, and what it is asked. */
#include "agents/member-internal.h"

#include "base/time.h"
#include "net/url.h"

#include <inttypes.h>

static const struct {
	const char *kind, *path;
	long expected;
} messages[] = {
	{ MEMBER_REGISTER, "register", 201 },
	{ MEMBER_LEAVE, "deregister", 200 },
	{ MEMBER_ACK, "task/ack", 200 },
	{ MEMBER_DONE, "task/complete", 200 },
};

bool member_is_message(const struct outbox_item *item)
{
	for (size_t i = 0; i < ARRAY_LEN(messages); i++)
		if (str_eq(item->kind, messages[i].kind))
			return true;
	return false;
}

static int post(struct http_client *http, const struct sync_peer *peer, const char *path,
		struct bytes body, struct http_reply *reply, struct err *e)
{
	AUTO_FREE char *url = xasprintf("%s/v1/fleet/%s", peer->server, path);
	const struct http_request q = { .method = "POST",
					.url = url,
					.token = peer->token,
					.content_type = "application/json",
					.body = body,
					.max_body = SYNC_REPLY_MAX };

	return http_request(http, &q, reply, e);
}

/* A page of a portal is no answer of a hub. */
static bool is_answer(const struct http_reply *reply, long expected)
{
	AUTO_JSON struct json *doc = NULL;
	struct err ignored = { 0 };

	return reply->status == expected &&
	       json_parse(buf_bytes(&reply->body), SYNC_REPLY_MAX, &doc, &ignored) == 0 &&
	       json_kind(json_get(doc, "data")) == JSON_OBJECT;
}

int member_deliver(struct http_client *http, const struct sync_peer *peer,
		   const struct outbox_item *item, struct outbox_attempt *ret, bool *ret_refused,
		   struct err *why)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	bool registers = str_eq(item->kind, MEMBER_REGISTER);
	size_t i = 0;
	int r;

	while (i + 1 < ARRAY_LEN(messages) && !str_eq(item->kind, messages[i].kind))
		i++;
	*ret_refused = false;
	r = post(http, peer, messages[i].path, bytes_of(item->payload), &reply, why);
	if (r < 0)
		return r == ERR_CANCELLED || r == ERR_USAGE ? r : 0;
	ret->status = reply.status;
	ret->retry_after = reply.retry_after;
	ret->as_expected = is_answer(&reply, messages[i].expected);
	/* The task is another's by now, or done, or was never ours: so be it. */
	*ret_refused = !registers && (reply.status == 404 || reply.status == 409);
	ret->unneeded = *ret_refused;
	if (registers && reply.status == 404)
		ret->status = 501; /* a hub without fleets may get them with its next version */
	if (!ret->as_expected && http_expect(&reply, messages[i].expected, why) == 0)
		(void)err_set(why, ERR_REMOTE, "the answer is not that of a hub");
	return 0;
}

static int note_beat(struct agents *a, const struct err *why, struct err *e)
{
	static const char sql_beat[] = "UPDATE agent_member SET beat_ms = ?1, error = ''";
	static const char sql_why[] = "UPDATE agent_member SET error = ?1 WHERE error <> ?1";
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_lazy(agents_db(a), e);

	if (r < 0)
		return r;
	tx = agents_db(a);
	r = why ? db_exec(tx, e, sql_why, "t", why->msg)
		: db_exec(tx, e, sql_beat, "i", time_now());
	return r < 0 ? r : db_commit(tx, e);
}

int member_beat(struct agents *a, const struct sync_peer *peer, const struct member *m,
		struct err *e)
{
	AUTO_HTTP struct http_client *http = http_client_new(NULL);
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);
	struct err why = { 0 };
	int r;

	json_open(&o, NULL, '{');
	json_add_text(&o, "agent_id", m->agent_id);
	json_add_text(&o, "status", m->open < m->capacity ? "online" : "busy");
	json_close(&o);
	r = post(http, peer, "heartbeat", buf_bytes(&body), &reply, &why);
	if (r == 0)
		r = http_expect(&reply, 200, &why);
	if (r == ERR_NOT_FOUND)
		return member_register_again(a, m, e);
	r = note_beat(a, r < 0 ? &why : NULL, e);
	if (r < 0 || why.code == 0)
		return r;
	return err_set(e, ERR_REMOTE, "%s", why.msg); /* whatever it was, it was not this machine */
}

int member_poll(struct agents *a, const struct sync_peer *peer, const struct member *m,
		struct err *e)
{
	AUTO_HTTP struct http_client *http = http_client_new(NULL);
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_BUF struct buf url = BUF_INIT(URL_MAX);
	AUTO_JSON struct json *answer = NULL;
	struct http_request q = { .method = "GET",
				  .token = peer->token,
				  .max_body = SYNC_REPLY_MAX };
	const struct json *task;
	int r;

	buf_addf(&url, "%s/v1/fleet/task/next", peer->server);
	url_add_query(&url, "agent_id", m->agent_id);
	url_add_query(&url, "lease", MEMBER_LEASE_TEXT);
	q.url = buf_str(&url);
	r = http_request(http, &q, &reply, e);
	if (r == 0)
		r = http_expect(&reply, 200, e);
	if (r == 0)
		r = json_parse(buf_bytes(&reply.body), SYNC_REPLY_MAX, &answer, e);
	task = json_get(answer, "data");
	if (r < 0 || json_kind(task) == JSON_NULL)
		return r;
	r = member_take(a, task, json_int(json_get(answer, "event_id"), 0), e);
	return r < 0 ? r : 1;
}
