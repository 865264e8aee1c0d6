/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http-server-internal.h"

#include "base/time.h"
#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* A limit is kept to a quarter of it, and never needs more than this. */
#define SWEEP_MAX_MS 1000
#define SWEEP_MIN_MS 20
/* With fewer than a tenth of the connections left, idle ones are recycled down to four fifths, and
 * a head must come three times as fast. */
#define FULL(limit)   ((limit) - (limit) / 10)
#define RELIEF(limit) ((limit) - (limit) / 5)
#define FULL_HASTE    3
/* Idle for less than that part of the idle time: about to send its next request. */
#define RECYCLE_MIN(idle_ms) ((idle_ms) / 75)

struct sweep {
	struct http_server *server;
	int64_t now;
	bool full;
};

static void conn_free(struct http_conn *conn)
{
	free(conn->target);
	free(conn);
}

static struct http_conn *conn_new(struct http_server *server, struct MHD_Connection *connection)
{
	struct http_conn *conn = xcalloc(1, sizeof(*conn));

	conn->fd = server->mhd->get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
			   ->connect_fd;
	atomic_init(&conn->phase, HTTP_PHASE_HEAD);
	atomic_init(&conn->turn, 1); /* differs from seen_turn: the first sweep takes its marks */
	return conn;
}

void http_on_connection(void *ctx, struct MHD_Connection *connection, void **conn_ctx,
			enum MHD_ConnectionNotificationCode what)
{
	struct http_server *server = ctx;
	struct http_conn *conn = NULL;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		conn = conn_new(server, connection);
		*conn_ctx = conn;
		(void)pthread_mutex_lock(&server->lock);
		LIST_INSERT_HEAD(&server->connections, conn, link);
		server->n_connections++;
		(void)pthread_mutex_unlock(&server->lock);
		return;
	}
	conn = *conn_ctx;
	if (!conn)
		return;
	/* From here on its fd may become another's. */
	(void)pthread_mutex_lock(&server->lock);
	LIST_REMOVE(conn, link);
	server->n_connections--;
	(void)pthread_mutex_unlock(&server->lock);
	conn_free(conn);
	*conn_ctx = NULL;
}

struct http_conn *http_conn_of(struct http_server *server, struct MHD_Connection *connection)
{
	return server->mhd->get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
		->socket_context;
}

void http_conn_enter(struct http_conn *conn, enum http_phase phase)
{
	atomic_store_explicit(&conn->phase, phase, memory_order_relaxed);
	atomic_fetch_add_explicit(&conn->turn, 1, memory_order_release);
}

/* Bytes the peer sent, and bytes it acknowledged, since the connection began: the kernel's own
 * count, so that sendfile and TLS are seen as well. */
static void moved(const struct http_conn *conn, uint64_t *in, uint64_t *out)
{
	struct tcp_info info = { 0 };
	socklen_t n = sizeof(info);

	/* A failure leaves zeros: nothing moved. Such a connection is dead anyway. */
	(void)getsockopt(conn->fd, IPPROTO_TCP, TCP_INFO, &info, &n);
	*in = info.tcpi_bytes_received;
	*out = info.tcpi_bytes_acked;
}

static bool has_waiting(const struct http_conn *conn, unsigned long queue)
{
	int n = 0;

	return ioctl(conn->fd, queue, &n) == 0 && n > 0;
}

static void mark(struct http_conn *conn, int64_t now)
{
	conn->mark_ms = now;
	moved(conn, &conn->mark_in, &conn->mark_out);
}

static void cut(const struct sweep *s, struct http_conn *conn, bool slow)
{
	static const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	conn->cut = true;
	if (slow) {
		atomic_fetch_add(&s->server->dropped_slow, 1);
		/* What it did not read must not stay in kernel memory until TCP gives up. */
		(void)setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	}
	/* Wakes the pool thread that owns it, which finds it ended and closes it. */
	(void)shutdown(conn->fd, SHUT_RDWR);
}

/*
 * libmicrohttpd takes 128 events from the kernel at a time. After exactly so many it asks for more
 * before it serves these, and sleeps there until the next event, for as long as that takes. So a
 * connection that waits for us is reported once more: setting this option, to what it is, makes
 * the kernel say that the socket can be written to. One such event frees the whole batch.
 */
static void wake(const struct http_conn *conn)
{
	static const int as_it_is = 0;

	(void)setsockopt(conn->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &as_it_is, sizeof(as_it_is));
}

/* Is it for us to go on: bytes we have not read yet, or none of ours on their way? */
static bool is_our_turn(const struct http_conn *conn)
{
	switch ((enum http_phase)atomic_load_explicit(&conn->phase, memory_order_relaxed)) {
	case HTTP_PHASE_HEAD:
	case HTTP_PHASE_IDLE:
	case HTTP_PHASE_BODY:
		return has_waiting(conn, SIOCINQ);
	case HTTP_PHASE_REPLY:
		return !has_waiting(conn, SIOCOUTQ);
	case HTTP_PHASE_BUSY:
	default:
		return false;
	}
}

static int64_t head_limit_ms(const struct sweep *s)
{
	int64_t ms = s->server->options.head_ms;

	return s->full ? ms / FULL_HASTE : ms;
}

static void sweep_idle(const struct sweep *s, struct http_conn *conn)
{
	uint64_t in, out;

	moved(conn, &in, &out);
	if (in != conn->mark_in && conn->head_since == 0)
		conn->head_since = s->now;
	if (conn->head_since != 0 && s->now - conn->head_since > head_limit_ms(s))
		cut(s, conn, true);
	else if (s->now - conn->since > s->server->options.idle_ms)
		cut(s, conn, false);
}

/* At the end of a window: did enough move, or is it our turn (bytes we have not yet read, or
 * nothing left of ours to be acknowledged)? */
static void sweep_rate(const struct sweep *s, struct http_conn *conn, bool inwards)
{
	const struct http_server_options *o = &s->server->options;
	uint64_t want = (uint64_t)(o->body_rate * o->rate_ms / 1000);
	uint64_t in, out;

	if (s->now - conn->mark_ms < o->rate_ms)
		return;
	moved(conn, &in, &out);
	if (inwards && in - conn->mark_in < want && !has_waiting(conn, SIOCINQ))
		cut(s, conn, true);
	else if (!inwards && out - conn->mark_out < want && has_waiting(conn, SIOCOUTQ))
		cut(s, conn, true);
	else
		mark(conn, s->now);
}

static void sweep_one(const struct sweep *s, struct http_conn *conn)
{
	unsigned turn = atomic_load_explicit(&conn->turn, memory_order_acquire);

	if (turn != conn->seen_turn) {
		conn->seen_turn = turn;
		conn->since = s->now;
		conn->head_since = 0;
		mark(conn, s->now);
		return;
	}
	switch ((enum http_phase)atomic_load_explicit(&conn->phase, memory_order_relaxed)) {
	case HTTP_PHASE_HEAD:
		if (s->now - conn->since > head_limit_ms(s))
			cut(s, conn, true);
		break;
	case HTTP_PHASE_IDLE:
		sweep_idle(s, conn);
		break;
	case HTTP_PHASE_BODY:
		sweep_rate(s, conn, true);
		break;
	case HTTP_PHASE_REPLY:
		sweep_rate(s, conn, false);
		break;
	case HTTP_PHASE_BUSY:
	default:
		mark(conn, s->now);
		break;
	}
}

/* Takes away idle connections, the longest idle first, until enough are free. */
static void recycle(const struct sweep *s)
{
	struct http_server *server = s->server;
	unsigned target = RELIEF(server->options.connections);
	unsigned excess = server->n_connections > target ? server->n_connections - target : 0;
	int64_t least = RECYCLE_MIN(server->options.idle_ms);
	int64_t age = server->options.idle_ms;
	struct http_conn *conn = NULL;

	while (excess > 0 && (age /= 2) >= least) {
		LIST_FOREACH(conn, &server->connections, link)
		{
			if (excess == 0)
				return;
			if (conn->cut || conn->since == 0 || s->now - conn->since < age ||
			    atomic_load_explicit(&conn->phase, memory_order_relaxed) !=
				    HTTP_PHASE_IDLE ||
			    atomic_load_explicit(&conn->turn, memory_order_relaxed) !=
				    conn->seen_turn)
				continue;
			cut(s, conn, false);
			excess--;
		}
	}
}

static void sweep_all(struct http_server *server)
{
	struct sweep s = { .server = server,
			   .now = time_monotonic(),
			   .full = server->n_connections >= FULL(server->options.connections) };
	struct http_conn *conn = NULL;

	LIST_FOREACH(conn, &server->connections, link)
	{
		if (conn->cut)
			continue;
		sweep_one(&s, conn);
		if (is_our_turn(conn))
			wake(conn);
	}
	http_events_tick(server, s.now);
	if (s.full)
		recycle(&s);
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t sweep_interval(const struct http_server_options *o)
{
	int64_t ms = smaller(smaller(o->head_ms, o->idle_ms), o->rate_ms) / 4;

	ms = smaller(ms, SWEEP_MAX_MS);
	return ms > SWEEP_MIN_MS ? ms : SWEEP_MIN_MS;
}

static void *sweeper_main(void *ctx)
{
	struct http_server *server = ctx;
	int64_t interval = sweep_interval(&server->options);
	struct timespec at;
	int64_t next;

	(void)pthread_mutex_lock(&server->lock);
	while (!server->sweeper_ends) {
		sweep_all(server);
		next = time_monotonic() + interval;
		at = (struct timespec){ next / 1000, next % 1000 * 1000000 };
		(void)pthread_cond_timedwait(&server->wake, &server->lock, &at);
	}
	(void)pthread_mutex_unlock(&server->lock);
	return NULL;
}

int http_sweeper_start(struct http_server *server, struct err *e)
{
	errno = pthread_create(&server->sweeper, NULL, sweeper_main, server);
	if (errno != 0)
		return err_sys(e, "start the server's sweeper");
	server->has_sweeper = true;
	return 0;
}

void http_sweeper_stop(struct http_server *server)
{
	if (!server->has_sweeper)
		return;
	(void)pthread_mutex_lock(&server->lock);
	server->sweeper_ends = true;
	(void)pthread_cond_signal(&server->wake);
	(void)pthread_mutex_unlock(&server->lock);
	(void)pthread_join(server->sweeper, NULL);
	server->has_sweeper = false;
}
