/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies made while they are sent: a thread aside writes, the pool's thread reads. While there is
 * nothing to send the connection is suspended, so that its pool thread serves others.
 *
 * The stream belongs to both sides and goes with the second that lets go of it.
 */
#include "net/http-server-internal.h"

/* What the library asks for at a time. */
#define BLOCK ((size_t)32 << 10)

struct http_stream {
	struct http_server *server;
	struct http_conn *conn;
	struct MHD_Connection *connection;
	pthread_mutex_t lock;
	pthread_cond_t room; /* bytes were taken, or the reader left */
	struct buf text;
	size_t taken; /* of text, by the reader */
	bool ended, complete;
	bool waiting; /* suspended: only then may the writer touch the connection */
	bool gone;    /* the reader left: nobody takes any more */
	bool alone;   /* one side let go: the other frees */
};

static void let_go(struct http_stream *s)
{
	bool last = s->alone;

	s->alone = true;
	(void)pthread_mutex_unlock(&s->lock); /* held by both callers */
	if (!last)
		return;
	(void)pthread_mutex_destroy(&s->lock);
	(void)pthread_cond_destroy(&s->room);
	buf_release(&s->text);
	free(s);
}

static ssize_t take(struct http_stream *s, char *out, size_t max)
{
	size_t n = s->text.n - s->taken;

	n = n < max ? n : max;
	memcpy(out, s->text.p + s->taken, n);
	s->taken += n;
	if (s->taken == s->text.n) {
		buf_clear(&s->text);
		s->taken = 0;
	}
	atomic_fetch_add(&s->server->bytes_sent, n);
	(void)pthread_cond_signal(&s->room);
	return (ssize_t)n;
}

static ssize_t on_read(void *ctx, uint64_t position, char *out, size_t max)
{
	struct http_stream *s = ctx;
	ssize_t n = 0;

	(void)position;
	(void)pthread_mutex_lock(&s->lock); /* fails only for a thread that holds it */
	if (s->text.n > s->taken) {
		n = take(s, out, max);
	} else if (s->ended) {
		n = s->complete ? MHD_CONTENT_READER_END_OF_STREAM
				: MHD_CONTENT_READER_END_WITH_ERROR;
	} else {
		s->waiting = true;
		http_conn_enter(s->conn, HTTP_PHASE_BUSY); /* that it is slow is ours */
		s->server->mhd->suspend_connection(s->connection);
	}
	if (n > 0 && atomic_load(&s->conn->phase) == HTTP_PHASE_BUSY)
		http_conn_enter(s->conn, HTTP_PHASE_REPLY);
	(void)pthread_mutex_unlock(&s->lock);
	return n;
}

static void on_free(void *ctx)
{
	struct http_stream *s = ctx;

	(void)pthread_mutex_lock(&s->lock); /* as above */
	s->gone = true;
	(void)pthread_cond_signal(&s->room);
	let_go(s);
}

struct http_stream *http_stream_begin(struct http_in *in, int status, const char *content_type)
{
	struct http_aside_thread *thread = in->aside_thread;
	struct http_server *server = in->server;
	struct http_stream *s;

	if (!thread)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->server = server;
	s->conn = in->conn;
	s->connection = in->connection;
	s->text.max = BUF_OWN_MAX;
	(void)pthread_mutex_init(&s->lock, NULL); /* cannot fail for default ones */
	(void)pthread_cond_init(&s->room, NULL);
	http_reply_add(in, "Content-Type", content_type);
	http_reply_adopt(in, status, -1,
			 server->mhd->create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK,
								    on_read, s, on_free));
	thread->streamed = true;
	in->aside = NULL;
	server->mhd->resume_connection(s->connection); /* from here on `in` is the pool's */
	return s;
}

/* Under the lock: there is something to read again. */
static void wake(struct http_stream *s)
{
	if (!s->waiting)
		return;
	s->waiting = false;
	s->server->mhd->resume_connection(s->connection);
}

int http_stream_write(struct http_stream *s, struct bytes piece, struct err *e)
{
	bool gone;

	(void)pthread_mutex_lock(&s->lock); /* as above */
	while (!s->gone && s->text.n - s->taken > HTTP_STREAM_BUFFER)
		(void)pthread_cond_wait(&s->room, &s->lock);
	gone = s->gone;
	if (!gone && piece.n > 0) {
		if (s->taken > HTTP_STREAM_BUFFER) { /* what was read makes room */
			memmove(s->text.p, s->text.p + s->taken, s->text.n - s->taken);
			s->text.n -= s->taken;
			s->taken = 0;
		}
		buf_add(&s->text, piece.p, piece.n);
		wake(s);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return gone ? err_set(e, ERR_CANCELLED, "the client left") : 0;
}

void http_stream_end(struct http_stream *s, bool complete)
{
	if (!s)
		return;
	(void)pthread_mutex_lock(&s->lock); /* as above */
	s->ended = true;
	s->complete = complete;
	if (!s->gone)
		wake(s);
	let_go(s);
}
