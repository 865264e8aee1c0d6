/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event stream of an agent: "ready", then each task as it is given out, a comment now and then so
 * that nothing in between takes the line for dead. It reads rows when it is woken, and holds nothing
 * but who it is for: a stream that is cut loses no task, since one that is not acknowledged is given
 * out again.
 */
#include "hub/api.h"

#include "access/token.h"
#include "agents/fleet.h"
#include "base/log.h"
#include "base/time.h"
#include <inttypes.h>

#define KEEP_ALIVE_MS ((int64_t)15 * 1000)
#define FRAME_MAX     ((size_t)4 << 20)

struct stream {
	struct hub *hub;
	struct caller caller;
	char *agent_id;
	struct fleet_claim claim;
	bool greeted;
	int64_t limit; /* tasks after which it ends; 0: none */
	int64_t given;
	int64_t last_ms; /* of the last bytes */
};

static void stream_free(void *state)
{
	struct stream *s = state;

	caller_release(&s->caller);
	free(s->agent_id);
	free(s);
}

static int claim(struct stream *s, struct buf *task, int64_t *event, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	int r = hub_write_begin(s->hub, &w, e);

	if (r == 0)
		r = access_renew(w.db, &s->caller, e);
	if (r == 0)
		r = fleet_task_claim(w.db, &s->claim, task, event, e);
	if (r <= 0)
		return r;
	r = hub_write_commit(&w, e);
	return r < 0 ? r : 1;
}

static void greet(struct stream *s, struct buf *out)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&text);

	json_open(&o, NULL, '{');
	json_add_text(&o, "agent_id", s->agent_id);
	json_close(&o);
	buf_addf(out, "retry: 1000\nevent: ready\ndata: %s\n\n", buf_str(&text));
	s->greeted = true;
}

/* When to look again though nobody wakes us: a lease that ends, or the next sign of life. */
static int64_t next_look(struct stream *s, struct db *db)
{
	struct err ignored = { 0 };
	int64_t lease = -1, now = time_now();
	int64_t wait = s->last_ms + KEEP_ALIVE_MS - time_monotonic();

	if (fleet_next_lease(db, s->claim.user_id, &lease, &ignored) == 0 && lease >= 0 &&
	    lease - now < wait)
		wait = lease - now;
	return wait > 0 ? wait : 0;
}

/* base: net/http-server.h, http_reply_events(). */
static enum http_events_next pull(void *state, struct http_in *in, struct buf *out,
				  int64_t *ret_wait_ms)
{
	struct stream *s = state;
	AUTO_BUF struct buf task = BUF_INIT(FRAME_MAX);
	struct err e = { 0 };
	struct db *db = hub_read_db(s->hub, http_thread_slot(in), &e);
	int64_t event = 0;
	int r = db ? access_renew(db, &s->caller, &e) : e.code;

	if (r < 0 || (s->limit > 0 && s->given >= s->limit))
		return HTTP_EVENTS_END;
	if (!s->greeted)
		greet(s, out);
	r = fleet_has_task(db, &s->claim, &e);
	if (r > 0)
		r = claim(s, &task, &event, &e);
	if (r > 0) {
		buf_addf(out, "id: %" PRId64 "\nevent: task.assigned\ndata: %s\n\n", event,
			 buf_str(&task));
		s->given++;
		s->claim.seen_event = -1; /* what it had not seen is given out again by now */
	}
	if (r < 0) {
		log_event(LOG_WARN, "stream", "agent=%s error=%s", s->agent_id, e.msg);
		return e.code == ERR_AUTH ? HTTP_EVENTS_END : HTTP_EVENTS_WAIT;
	}
	if (out->n == 0 && time_monotonic() - s->last_ms >= KEEP_ALIVE_MS)
		buf_adds(out, ": alive\n\n");
	if (out->n > 0)
		s->last_ms = time_monotonic();
	*ret_wait_ms = r > 0 ? 0 : next_look(s, db);
	return HTTP_EVENTS_WAIT;
}

static int read_options(struct request *q, struct stream *s, struct err *e)
{
	const char *seen = http_header(q->in, "Last-Event-ID");
	const char *limit = http_query(q->in, "limit");
	const char *interval = http_query(q->in, "poll_interval_ms");
	int64_t unused = 0;
	int r = api_read_lease(q, &s->claim, e);

	if (r == 0 && seen && *seen)
		r = parse_int64(seen, 0, INT64_MAX, &s->claim.seen_event, e);
	if (r == 0 && limit)
		r = parse_int64(limit, 1, 1000000, &s->limit, e);
	/* Older clients ask us to poll: we are woken, so it only must be a number of theirs. */
	return r == 0 && interval ? parse_int64(interval, 100, 5000, &unused, e) : r;
}

int api_fleet_events(struct request *q, struct err *e)
{
	struct stream *s = xcalloc(1, sizeof(*s));
	int r = read_options(q, s, e);

	if (r < 0) {
		stream_free(s);
		return r;
	}
	s->hub = q->hub;
	s->caller = caller_copy(q->caller);
	s->agent_id = xstrdup(s->claim.agent_id);
	s->claim.agent_id = s->agent_id;
	s->last_ms = time_monotonic();
	http_reply_add(q->in, "Cache-Control", "no-store");
	http_reply_add(q->in, "X-Accel-Buffering", "no");
	return http_reply_events(q->in, "text/event-stream",
				 &(struct http_events){ s, pull, stream_free }, e);
}
