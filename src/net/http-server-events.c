/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies without an end: while a stream has nothing to say its connection is suspended, which costs no
 * thread. It is resumed by whoever wakes the streams, by the sweeper when its time has come, and by
 * the stop of the server, which ends it. All of that is under the server's lock.
 */
#include "net/http-server-internal.h"

#include "base/time.h"

/* What a stream says at once; a task with its text fits many times over. */
#define PENDING_MAX ((size_t)8 << 20)
/* To the library a hint for its buffer. */
#define BLOCK ((size_t)4096)

struct http_eventing {
	LIST_ENTRY(http_eventing) link;
	struct http_in *in;
	struct http_server *server;
	struct http_events stream;
	struct buf pending;
	size_t sent;     /* of it */
	int64_t wake_ms; /* monotonic */
	bool suspended, woken, ended;
};

static ssize_t give_pending(struct http_eventing *s, char *out, size_t max)
{
	size_t n = s->pending.n - s->sent;

	n = n < max ? n : max;
	memcpy(out, s->pending.p + s->sent, n);
	s->sent += n;
	return (ssize_t)n;
}

/* False when it was woken meanwhile. */
static bool suspend(struct http_eventing *s, int64_t wait_ms)
{
	struct http_server *server = s->server;
	bool sleeps;

	(void)pthread_mutex_lock(&server->lock);
	sleeps = !s->woken && !atomic_load(&server->stopping);
	if (sleeps) {
		s->suspended = true;
		s->wake_ms = time_monotonic() + wait_ms;
		server->mhd->suspend_connection(s->in->connection);
	}
	(void)pthread_mutex_unlock(&server->lock);
	return sleeps;
}

static void begin_look(struct http_eventing *s)
{
	(void)pthread_mutex_lock(&s->server->lock);
	s->woken = false;
	(void)pthread_mutex_unlock(&s->server->lock);
}

static ssize_t on_read(void *ctx, uint64_t position, char *out, size_t max)
{
	struct http_eventing *s = ctx;

	(void)position;
	for (;;) {
		int64_t wait_ms = 0;

		if (s->sent < s->pending.n)
			return give_pending(s, out, max);
		if (s->ended || atomic_load(&s->server->stopping))
			return MHD_CONTENT_READER_END_OF_STREAM;
		begin_look(s);
		buf_clear(&s->pending);
		s->sent = 0;
		s->ended = s->stream.pull(s->stream.state, s->in, &s->pending, &wait_ms) ==
			   HTTP_EVENTS_END;
		if (s->pending.full)
			s->ended = true;
		if (s->pending.n == 0 && !s->ended && suspend(s, wait_ms))
			return 0;
	}
}

static void on_free(void *ctx)
{
	struct http_eventing *s = ctx;

	if (s->stream.free)
		s->stream.free(s->stream.state);
	buf_release(&s->pending);
	free(s);
}

static bool enlist(struct http_server *server, struct http_eventing *s)
{
	bool room;

	(void)pthread_mutex_lock(&server->lock);
	room = server->n_events < HTTP_EVENTS_MAX && !atomic_load(&server->stopping);
	if (room) {
		LIST_INSERT_HEAD(&server->events, s, link);
		server->n_events++;
	}
	(void)pthread_mutex_unlock(&server->lock);
	return room;
}

int http_reply_events(struct http_in *in, const char *content_type,
		      const struct http_events *stream, struct err *e)
{
	struct http_server *server = in->server;
	struct http_eventing *s = xcalloc(1, sizeof(*s));

	*s = (struct http_eventing){
		.in = in, .server = server, .stream = *stream, .pending = BUF_INIT(PENDING_MAX)
	};
	if (!enlist(server, s)) {
		on_free(s);
		(void)err_set(e, ERR_BUSY, "%d streams are open already", HTTP_EVENTS_MAX);
		e->retry_after = HTTP_ASIDE_RETRY_S;
		return e->code;
	}
	in->eventing = s;
	http_reply_add(in, "Content-Type", content_type);
	http_reply_adopt(in, 200, 0,
			 server->mhd->create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK,
								    on_read, s, on_free));
	return 0;
}

/* Under the server's lock. */
static void resume(struct http_eventing *s)
{
	s->woken = true;
	if (!s->suspended)
		return;
	s->suspended = false;
	s->server->mhd->resume_connection(s->in->connection);
}

static void wake_all(struct http_server *server)
{
	struct http_eventing *s = NULL;

	(void)pthread_mutex_lock(&server->lock);
	LIST_FOREACH(s, &server->events, link)
	resume(s);
	(void)pthread_mutex_unlock(&server->lock);
}

void http_events_wake(struct http_in *in)
{
	wake_all(in->server);
}

void http_events_end(struct http_server *server)
{
	wake_all(server);
}

void http_events_tick(struct http_server *server, int64_t now)
{
	struct http_eventing *s = NULL;

	LIST_FOREACH(s, &server->events, link)
	{
		if (s->suspended && s->wake_ms <= now)
			resume(s);
	}
}

void http_events_forget(struct http_in *in)
{
	struct http_server *server = in->server;

	if (!in->eventing)
		return;
	(void)pthread_mutex_lock(&server->lock);
	LIST_REMOVE(in->eventing, link);
	server->n_events--;
	(void)pthread_mutex_unlock(&server->lock);
	in->eventing = NULL;
}
