/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http-server-internal.h"

#include "base/log.h"
#include "base/time.h"
#include "net/http-path.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>

void *http_on_target(void *ctx, const char *target, struct MHD_Connection *connection)
{
	struct http_conn *conn = http_conn_of(ctx, connection);

	/* Kept by the connection, not by a request: there may never be one, if the rest of the head
	 * does not come. */
	free(conn->target);
	conn->target = xstrdup(target);
	return NULL;
}

static const char *lookup(const struct http_in *in, enum MHD_ValueKind kind, const char *name)
{
	return in->server->mhd->lookup_connection_value(in->connection, kind, name);
}

const char *http_header(const struct http_in *in, const char *name)
{
	return lookup(in, MHD_HEADER_KIND, name);
}

/* Ids come from proxies and other services of the same place; anything that would not look like one
 * in a log is replaced. */
static bool is_request_id(const char *id)
{
	size_t n = 0;

	for (; id && id[n]; n++)
		if (n == HTTP_REQUEST_ID_MAX || (!isalnum((unsigned char)id[n]) && id[n] != '-' &&
						 id[n] != '_' && id[n] != '.'))
			return false;
	return n > 0;
}

static void set_id(struct http_in *in)
{
	const char *given = http_header(in, "X-Request-Id");
	uint64_t n = atomic_fetch_add(&in->server->requests, 1);

	if (is_request_id(given))
		(void)snprintf(in->id, sizeof(in->id), "%s", given);
	else
		(void)snprintf(in->id, sizeof(in->id), "%s-%" PRIx64, in->server->id_prefix, n);
}

static int64_t announced_length(const struct http_in *in)
{
	const char *text = http_header(in, "Content-Length");
	struct err e = { 0 };
	int64_t n = 0;

	if (http_header(in, "Transfer-Encoding"))
		return -1;
	if (text && parse_int64(text, 0, INT64_MAX, &n, &e) < 0)
		return -1; /* the library has refused such a head already */
	return n;
}

static struct http_in *in_new(struct http_server *server, struct MHD_Connection *connection,
			      const char *method)
{
	struct http_in *in = xcalloc(1, sizeof(*in));

	in->server = server;
	in->connection = connection;
	in->conn = http_conn_of(server, connection);
	in->method = method;
	in->path = (struct buf)BUF_INIT(HTTP_PATH_MAX);
	in->started = time_monotonic();
	in->content_length = announced_length(in);
	set_id(in);
	atomic_fetch_add(&server->running, 1);
	http_conn_enter(in->conn, HTTP_PHASE_BUSY);
	return in;
}

static void begin(struct http_in *in)
{
	if (http_path_decode(in->conn->target, &in->path) < 0) {
		buf_clear(&in->path);
		http_reply_detail(in, 404, "not_found", "there is nothing here");
	} else {
		in->server->options.on_request(in->server->options.ctx, in);
	}
	if (in->has_body && in->content_length > in->body.max) {
		struct err e = { 0 };

		(void)err_set(&e, ERR_LIMIT, "the body is over %" PRId64 " bytes", in->body.max);
		http_fail(in, &e);
	}
	/* What comes in now is nobody's. */
	if (!in->has_body)
		in->discard_left = HTTP_DISCARD_MAX;
}

void http_fail(struct http_in *in, const struct err *e)
{
	http_body_release(in);
	if (!in->response)
		http_reply_error(in, e);
}

/* A reply before the body: the library sends it and closes. Only for bodies that the client holds
 * back until told to go on, or that are too large to read away: closing with unread bytes resets
 * the connection, and the reply may be lost with it. */
static bool refuses_body(const struct http_in *in)
{
	return in->response && !in->has_body &&
	       (in->content_length > HTTP_DISCARD_MAX ||
		(in->content_length != 0 && http_header(in, "Expect")));
}

/* A reply at this moment is the last of its connection. */
static enum MHD_Result refuse_head(struct http_in *in)
{
	http_reply_add(in, "Connection", "close");
	http_reply_detail(in, 400, "bad_request", "it is not clear where this request ends");
	return http_reply_queue(in);
}

static enum MHD_Result finish(struct http_in *in)
{
	http_conn_enter(in->conn, HTTP_PHASE_BUSY);
	http_body_end(in);
	if (in->aside && !in->response) {
		http_aside_start(in); /* this is called again when it is done */
		return MHD_YES;
	}
	if (!in->response) {
		log_event(LOG_ERROR, "no-reply", "method=%s path=%s id=%s", in->method,
			  buf_str(&in->path), in->id);
		http_reply_detail(in, 500, "failed", "the server has no answer to this");
	}
	return http_reply_queue(in);
}

enum MHD_Result http_on_access(void *ctx, struct MHD_Connection *connection, const char *url,
			       const char *method, const char *version, const char *upload_data,
			       size_t *upload_data_size, void **request_ctx)
{
	struct http_in *in = *request_ctx;
	struct bytes piece = { upload_data, *upload_data_size };

	(void)url; /* cut at what may be a NUL; ours is the raw target */
	(void)version;
	if (!in) {
		in = in_new(ctx, connection, method);
		*request_ctx = in;
		if (!http_framing_is_clear(in))
			return refuse_head(in);
		begin(in);
		if (refuses_body(in))
			return http_reply_queue(in);
		http_conn_enter(in->conn, HTTP_PHASE_BODY);
		return MHD_YES;
	}
	if (piece.n == 0)
		return finish(in);
	*upload_data_size = 0;
	return http_body_piece(in, piece) ? MHD_YES : MHD_NO;
}

static void report(const struct http_in *in, bool completed)
{
	if (log_enabled(LOG_DEBUG))
		log_event(LOG_DEBUG, "request",
			  "method=%s path=%s status=%d ms=%" PRId64 " bytes=%" PRId64
			  " complete=%d peer=%s id=%s",
			  in->method, buf_str(&in->path), in->status,
			  time_monotonic() - in->started, in->reply_size, completed, http_peer(in),
			  in->id);
	trace_event("request", in->started,
		    "\"method\":\"%s\",\"path\":\"%s\",\"status\":%d,\"bytes\":%" PRId64
		    ",\"complete\":%s,\"id\":\"%s\"",
		    in->method, buf_str(&in->path), in->status, in->reply_size,
		    completed ? "true" : "false", in->id);
}

void http_watch(struct http_in *in, void (*done)(void *state, const struct http_outcome *outcome),
		void *state)
{
	in->watch = done;
	in->watch_state = state;
}

void http_tell_watch(struct http_in *in)
{
	void (*watch)(void *, const struct http_outcome *) = in->watch;
	struct http_outcome outcome = { in->response ? in->status : 0,
					time_monotonic() - in->started, in->detail };

	in->watch = NULL;
	if (watch)
		watch(in->watch_state, &outcome);
}

static void in_free(struct http_in *in)
{
	free(in->detail);
	http_body_release(in);
	if (in->response) /* the library has its own reference while it sends */
		in->server->mhd->destroy_response(in->response);
	buf_release(&in->path);
	strv_release(&in->query);
	strv_release(&in->headers);
	free(in);
}

static void leave(struct http_server *server)
{
	/* Last: a stop that waits for this may free what the request used. */
	if (atomic_fetch_sub(&server->running, 1) > 1 || !atomic_load(&server->stopping))
		return;
	(void)pthread_mutex_lock(&server->lock);
	(void)pthread_cond_signal(&server->drained);
	(void)pthread_mutex_unlock(&server->lock);
}

void http_on_completed(void *ctx, struct MHD_Connection *connection, void **request_ctx,
		       enum MHD_RequestTerminationCode how)
{
	struct http_server *server = ctx;
	struct http_in *in = *request_ctx;
	bool completed = how == MHD_REQUEST_TERMINATED_COMPLETED_OK;

	(void)connection;
	if (!in)
		return;
	*request_ctx = NULL;
	if (completed)
		atomic_fetch_add(&server->bytes_sent, (uint64_t)in->reply_size);
	http_tell_watch(in);
	http_events_forget(in);
	http_conn_enter(in->conn, HTTP_PHASE_IDLE);
	report(in, completed);
	in_free(in);
	leave(server);
}

const char *http_method(const struct http_in *in)
{
	return in->method;
}

const char *http_path(const struct http_in *in)
{
	return buf_str(&in->path);
}

const char *http_query(struct http_in *in, const char *key)
{
	if (!in->query_read) {
		http_query_decode(in->conn->target, &in->query);
		in->query_read = true;
	}
	for (size_t i = 0; i + 1 < in->query.n; i += 2)
		if (str_eq(in->query.v[i], key))
			return in->query.v[i + 1];
	return NULL;
}

const char *http_bearer(const struct http_in *in)
{
	const char *value = http_header(in, "Authorization");

	if (!value)
		return lookup(in, MHD_COOKIE_KIND, "access_token");
	if (strncasecmp(value, "Bearer ", 7) != 0)
		return NULL;
	value += 7;
	while (*value == ' ')
		value++;
	return *value ? value : NULL;
}

const char *http_peer(const struct http_in *in)
{
	struct http_in *mine = (struct http_in *)(uintptr_t)in; /* fills in what is asked for */
	const struct sockaddr *a =
		in->server->mhd
			->get_connection_info(in->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)
			->client_addr;

	if (in->peer[0])
		return in->peer;
	if (a->sa_family == AF_INET6)
		(void)inet_ntop(AF_INET6,
				&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
				mine->peer, sizeof(mine->peer));
	else
		(void)inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr,
				mine->peer, sizeof(mine->peer));
	return in->peer;
}

int http_client_fd(const struct http_in *in)
{
	return in->conn->fd;
}

const char *http_request_id(const struct http_in *in)
{
	return in->id;
}

int64_t http_content_length(const struct http_in *in)
{
	return in->content_length;
}

void http_stats(const struct http_in *in, struct http_server_stats *ret_stats)
{
	http_server_get_stats(in->server, ret_stats);
}

void *http_context(const struct http_in *in)
{
	return in->server->options.ctx;
}

unsigned http_thread_slot(const struct http_in *in)
{
	struct http_server *server = in->server;
	uintptr_t self = (uintptr_t)pthread_self();

	if (in->aside)
		return server->options.threads + in->aside_slot;
	/* The pool never changes while it runs: a thread's first request takes the next free slot.
	 */
	for (unsigned i = 0; i < server->options.threads; i++) {
		uintptr_t owner = atomic_load_explicit(&server->slots[i], memory_order_relaxed);

		if (owner == self ||
		    (owner == 0 && atomic_compare_exchange_strong(&server->slots[i], &owner, self)))
			return i;
	}
	abort(); /* called from a thread that is not of the pool: our own mistake */
}
