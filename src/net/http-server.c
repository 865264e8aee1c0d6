/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http-server-internal.h"

#include "base/hash.h"
#include "base/time.h"
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* Connections that wait to be accepted while all threads are at work; the kernel caps it. */
#define BACKLOG 1024
/* Open files a connection may need (its socket and the file being sent), and those of the rest of
 * the program. */
#define FILES_PER_CONNECTION 2
#define FILES_OF_OTHERS      256
#define CONNECTIONS_MIN      64 /* fewer cannot be shared among the threads */

#define OR(value, otherwise) ((value) > 0 ? (value) : (otherwise))

static struct http_server_options with_defaults(const struct http_server_options *given)
{
	struct http_server_options o = *given;

	o.threads = OR(o.threads, 4U);
	if (o.threads > HTTP_THREADS_MAX)
		o.threads = HTTP_THREADS_MAX;
	o.connections = OR(o.connections, 4096U);
	if (o.connections < CONNECTIONS_MIN)
		o.connections = CONNECTIONS_MIN;
	o.head_ms = OR(o.head_ms, 15000);
	o.idle_ms = OR(o.idle_ms, 75000);
	o.rate_ms = OR(o.rate_ms, 20000);
	o.body_rate = OR(o.body_rate, 1024);
	return o;
}

/* A server at its limit of open files cannot even accept: so as many connections as files allow. */
static void fit_files(struct http_server_options *o)
{
	rlim_t want = (rlim_t)o->connections * FILES_PER_CONNECTION + FILES_OF_OTHERS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (limit.rlim_cur < want) {
		limit.rlim_cur = limit.rlim_max < want ? limit.rlim_max : want;
		(void)setrlimit(RLIMIT_NOFILE, &limit); /* up to the hard limit: always allowed */
	}
	if (limit.rlim_cur < want) {
		rlim_t left =
			limit.rlim_cur > FILES_OF_OTHERS ? limit.rlim_cur - FILES_OF_OTHERS : 0;

		o->connections = (unsigned)(left / FILES_PER_CONNECTION);
		if (o->connections < CONNECTIONS_MIN)
			o->connections = CONNECTIONS_MIN;
	}
}

static int bind_to(const struct addrinfo *a, const char *shown, int *ret_fd, struct err *e)
{
	AUTO_FD int fd = -1;
	const int on = 1;

	fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(e, "open a socket");
	/* A restarted server must not wait for the old one's last connections to be forgotten. */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
		if (errno == EADDRINUSE)
			return err_set(e, ERR_BUSY, "listen on %s: another program does", shown);
		return err_sys(e, "listen on %s", shown);
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int listen_on(const struct http_server_options *o, int *ret_fd, struct err *e)
{
	static const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
					       .ai_socktype = SOCK_STREAM };
	AUTO_FREE char *shown = xasprintf("%s port %u", o->address, o->port);
	struct addrinfo *found = NULL;
	char port[8];
	int r;

	(void)snprintf(port, sizeof(port), "%u", o->port);
	if (getaddrinfo(o->address, port, &hints, &found) != 0)
		return err_set(e, ERR_USAGE, "listen on '%s': it is not a numeric address",
			       o->address);
	r = bind_to(found, shown, ret_fd, e);
	freeaddrinfo(found);
	return r;
}

static uint16_t port_of(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a = { .v6 = { 0 } };
	socklen_t n = sizeof(a);

	if (getsockname(fd, &a.any, &n) < 0)
		return 0;
	return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

/* The target is decoded by us, once; this keeps the library from doing it first. */
static size_t leave_escapes(void *ctx, struct MHD_Connection *connection, char *text)
{
	(void)ctx;
	(void)connection;
	return strlen(text);
}

static struct MHD_Daemon *start_library(struct http_server *server, int listen_fd)
{
	const struct http_server_options *o = &server->options;
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_TURBO |
			 MHD_ALLOW_SUSPEND_RESUME;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)o->tls_cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)o->tls_key },
		{ MHD_OPTION_END, 0, NULL },
	};
	static struct MHD_OptionItem no_tls[] = { { MHD_OPTION_END, 0, NULL } };

	if (o->tls_cert)
		flags |= MHD_USE_TLS;
	return server->mhd->start_daemon(
		flags, 0, NULL, NULL, http_on_access, server, MHD_OPTION_ARRAY,
		o->tls_cert ? tls : no_tls, MHD_OPTION_LISTEN_SOCKET, listen_fd,
		MHD_OPTION_THREAD_POOL_SIZE, o->threads, MHD_OPTION_CONNECTION_LIMIT,
		o->connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT, o->connections_per_address,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_HEAD_MAX, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_UNESCAPE_CALLBACK, leave_escapes, NULL, MHD_OPTION_URI_LOG_CALLBACK,
		http_on_target, server, MHD_OPTION_NOTIFY_CONNECTION, http_on_connection, server,
		MHD_OPTION_NOTIFY_COMPLETED, http_on_completed, server, MHD_OPTION_END);
}

static int start_threads(struct http_server *server, int *listen_fd, struct err *e)
{
	sigset_t all, before;
	int r;

	/* Signals are for the program's own threads, which wait for them. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, &before);
	r = http_sweeper_start(server, e);
	if (r == 0) {
		server->daemon = start_library(server, *listen_fd);
		if (server->daemon)
			*listen_fd = -1; /* now the library's */
		else if (server->options.tls_cert)
			r = err_set(e, ERR_USAGE,
				    "start the server: the certificate and the key do not fit, or "
				    "are not PEM");
		else
			r = err_set(e, ERR_FAILED, "start the server's threads");
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

static void server_free(struct http_server *server)
{
	if (!server)
		return;
	http_sweeper_stop(server);
	(void)pthread_cond_destroy(&server->wake);
	(void)pthread_cond_destroy(&server->drained);
	(void)pthread_mutex_destroy(&server->lock);
	free(server);
}
DEFINE_AUTO(struct http_server, server_auto, server_free);

static struct http_server *server_new(const struct http_server_options *options)
{
	struct http_server *server = xcalloc(1, sizeof(*server));
	unsigned char prefix[4];
	pthread_condattr_t monotonic;

	server->options = with_defaults(options);
	fit_files(&server->options);
	random_bytes(prefix, sizeof(prefix));
	hex_encode(prefix, sizeof(prefix), server->id_prefix);
	LIST_INIT(&server->connections);
	LIST_INIT(&server->events);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_mutex_init(&server->lock, NULL);
	(void)pthread_cond_init(&server->wake, &monotonic);
	(void)pthread_cond_init(&server->drained, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	return server;
}

int http_server_start(const struct http_server_options *options, struct http_server **ret_server,
		      struct err *e)
{
	AUTO(server_auto) struct http_server *server = server_new(options);
	AUTO_FD int listen_fd = -1;

	if (!options->tls_cert != !options->tls_key)
		return err_set(e, ERR_USAGE, "TLS needs both a certificate and its key");
	if (mhd_library_load(&server->mhd, e) < 0 || listen_on(&server->options, &listen_fd, e) < 0)
		return e->code;
	server->port = port_of(listen_fd);
	if (start_threads(server, &listen_fd, e) < 0)
		return e->code;
	server->options.tls_cert = server->options.tls_key = NULL;
	*ret_server = TAKE(server);
	return 0;
}

uint16_t http_server_port(const struct http_server *server)
{
	return server->port;
}

static void wait_for_running(struct http_server *server, int64_t drain_ms)
{
	int64_t until = time_monotonic() + drain_ms;
	struct timespec at = { until / 1000, until % 1000 * 1000000 };

	(void)pthread_mutex_lock(&server->lock);
	while (atomic_load(&server->running) > 0)
		if (pthread_cond_timedwait(&server->drained, &server->lock, &at) == ETIMEDOUT)
			break;
	(void)pthread_mutex_unlock(&server->lock);
}

bool http_server_stop(struct http_server *server, int64_t drain_ms)
{
	MHD_socket listening;

	if (!server)
		return true;
	atomic_store(&server->stopping, true);
	listening = server->mhd->quiesce_daemon(server->daemon);
	if (listening != MHD_INVALID_SOCKET)
		(void)close(listening);
	http_events_end(server);
	wait_for_running(server, drain_ms);
	if (!http_aside_done(server)) /* the library cannot end with suspended connections */
		return false;
	server->mhd->stop_daemon(server->daemon);
	for (unsigned i = 0; i < server->options.threads + HTTP_ASIDE_MAX; i++)
		if (server->options.on_thread_end)
			server->options.on_thread_end(server->options.ctx, i);
	server_free(server);
	return true;
}

void http_server_get_stats(const struct http_server *server, struct http_server_stats *ret_stats)
{
	/* The lock is the one member that reading changes. */
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&server->lock;

	ret_stats->requests = (int64_t)atomic_load(&server->requests);
	ret_stats->bytes_sent = (int64_t)atomic_load(&server->bytes_sent);
	ret_stats->dropped_slow = (int64_t)atomic_load(&server->dropped_slow);
	(void)pthread_mutex_lock(lock);
	ret_stats->connections_now = server->n_connections;
	(void)pthread_mutex_unlock(lock);
}
