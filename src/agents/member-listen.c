/* SPDX-License-Identifier: Apache-2.0 */
/* The stream of tasks. */
#include "agents/member-internal.h"

#include "base/time.h"
#include "net/sse.h"
#include "net/url.h"

#include <inttypes.h>

/* The owner of a lease is known by its process: agents/daemon.c. */
#define LEASE_MS ((int64_t)24 * 3600 * 1000)

struct stream {
	struct agents *a;
	struct sse sse;
	bool greeted;
};

static void stream_release(struct stream *s)
{
	sse_release(&s->sse);
}

static int note_stream(struct agents *a, const struct err *why, struct err *e)
{
	static const char sql_well[] =
		"UPDATE agent_member SET failures = 0, error = '' WHERE failures > 0";
	static const char sql_failed[] =
		"UPDATE agent_member SET failures = failures + 1, error = ?1";
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_lazy(agents_db(a), e);

	if (r < 0)
		return r;
	tx = agents_db(a);
	r = why ? db_exec(tx, e, sql_failed, "t", why->msg) : db_exec(tx, e, sql_well, "");
	return r < 0 ? r : db_commit(tx, e);
}

static int on_event(void *ctx, struct bytes data, struct err *e)
{
	struct stream *s = ctx;
	AUTO_JSON struct json *task = NULL;
	struct err ignored = { 0 };
	int64_t event = 0;
	int r;

	if (str_eq(buf_str(&s->sse.name), "ready")) {
		s->greeted = true;
		return note_stream(s->a, NULL, e);
	}
	if (!str_eq(buf_str(&s->sse.name), "task.assigned"))
		return 0; /* of a newer hub */
	r = json_parse(data, MEMBER_TASK_MAX, &task, e);
	if (r < 0)
		return err_in(e, "a task of the stream");
	(void)parse_int64(buf_str(&s->sse.id), 0, INT64_MAX, &event, &ignored); /* 0: it has none */
	return member_take(s->a, task, event, e);
}

/* Nobody begins what is taken when the daemon is gone: it is better given to another. */
static int check_daemon(struct agents *a, struct err *e)
{
	int r = lease_owner_lives(agents_db(a), "daemon", e);

	return r == 0 ? err_set(e, ERR_CANCELLED, "there is no daemon any more") : r < 0 ? r : 0;
}

static int on_body(void *ctx, const void *p, size_t n, struct err *e)
{
	struct stream *s = ctx;
	int r = check_daemon(s->a, e);

	return r < 0 ? r : sse_add(&s->sse, (struct bytes){ p, n }, e);
}

static int on_head(void *ctx, const struct http_reply *reply, struct err *e)
{
	(void)ctx, (void)e;
	return reply->status == 200 && reply->content_type &&
	       str_starts(reply->content_type, "text/event-stream");
}

static int hear(struct stream *s, const struct sync_peer *peer, const struct member *m,
		struct err *e)
{
	AUTO_HTTP struct http_client *http = http_client_new(NULL);
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_STRV struct strv headers = STRV_INIT;
	AUTO_BUF struct buf url = BUF_INIT(URL_MAX);
	AUTO_FREE char *limit = xasprintf("%" PRId64, m->capacity - m->open);
	struct http_request q = { .method = "GET",
				  .token = peer->token,
				  .headers = &headers,
				  .ctx = s,
				  .on_head = on_head,
				  .on_body = on_body };
	int r;

	buf_addf(&url, "%s/v1/fleet/events", peer->server);
	url_add_query(&url, "agent_id", m->agent_id);
	url_add_query(&url, "lease", MEMBER_LEASE_TEXT);
	url_add_query(&url, "limit", limit);
	if (m->event > 0)
		strv_addf(&headers, "Last-Event-ID: %" PRId64, m->event);
	q.url = buf_str(&url);
	r = http_request(http, &q, &reply, e);
	if (r == 0)
		r = http_expect(&reply, 200, e);
	if (r == 0 && !s->greeted)
		r = err_set(e, ERR_REMOTE, "the answer is no stream of a hub");
	return r;
}

int member_listen(struct agents *a, const struct sync_peer *peer, struct err *e)
{
	AUTO_LEASE struct lease *lease = NULL;
	AUTO_MEMBER struct member m = { 0 };
	AUTO(stream_release) struct stream s = { .a = a };
	struct err why = { 0 };
	int r = lease_take(agents_db(a), MEMBER_LEASE, LEASE_MS, "larder agent listen", &lease, e);

	if (r == 0)
		r = check_daemon(a, e);
	if (r == 0)
		r = member_load(agents_db(a), &m, e);
	if (r <= 0 || m.open >= m.capacity)
		return r < 0 ? r : 0;
	s.sse = (struct sse)SSE_INIT(on_event, &s);
	r = hear(&s, peer, &m, &why);
	if (r == ERR_CANCELLED)
		return 0;
	/* One that worked and was cut is tried again at once. */
	if (r < 0 && !s.greeted)
		(void)note_stream(a, &why, e); /* what is not counted is tried sooner */
	*e = why;
	return r;
}
