/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server: libmicrohttpd with epoll and a fixed pool of threads; seen only by
 * http-server*.c, and loaded when a server is started.
 *
 *	struct http_server_options o = { .address = "127.0.0.1", .on_request = route, .ctx = hub };
 *	r = http_server_start(&o, &server, e);
 *	http_server_port(server)                 says which port it got
 *	http_server_stop(server, 10000);         stops accepting, waits for running replies, then
 *	                                         cuts; frees it
 *
 * A request runs on one thread from start to end. on_request() is called when the head has been
 * read. It either replies, or calls http_take_body() to receive the body piece by piece, and
 * replies in on_end. A request that was not replied to gets 500. Each pool thread has a number
 * (http_thread_slot) for per-thread objects such as read connections. While a handler runs, its
 * thread serves nobody else: what takes seconds belongs in a child process with a deadline, and
 * waiting for it into http_run_aside().
 *
 * Limits, all named, all with a reason here or in http-server*.c: connections, connections per
 * address, size of the head (431), of the body (413, as told by http_take_body), time for the head,
 * minimum rate of a body in and out, idle time. The sweeper that enforces the last three is ours,
 * because the library's time-out starts anew with every byte (measured: 1,900 slow sockets were
 * never dropped). It asks the kernel what arrived and what was acknowledged, so sendfile and TLS
 * count too and a request costs nothing more. When connections run out, idle ones go first. Its
 * tick, a second at most, also frees connections that the library forgot (wake() there says how).
 *
 * The path given is decoded once and strictly (http-path.h): anything doubtful is answered with 404
 * before on_request() sees it. Every reply carries x-request-id (the client's, if it sent a decent
 * one) and X-Content-Type-Options: nosniff. Each request is one line of the debug log and one
 * "request" event of the trace; queries and tokens are in neither.
 */
#ifndef LARDER_NET_HTTP_SERVER_H
#define LARDER_NET_HTTP_SERVER_H

#include "base/str.h"
#include <stdatomic.h>

/* More than one a core gains nothing: a handler that waits long belongs in a child. */
#define HTTP_THREADS_MAX 64
/* Headers of a request, its request line included; over it 431. Also what one connection costs. */
#define HTTP_HEAD_MAX ((size_t)32 << 10)
/* Of a body nobody wants, read away so that the client sees the reply instead of a reset. Larger
 * ones are announced with Expect: 100-continue by common clients, and then never sent. */
#define HTTP_DISCARD_MAX    ((int64_t)1 << 20)
#define HTTP_REQUEST_ID_MAX 64

struct http_server;
struct http_in; /* a request being answered; valid until its reply is sent */

struct http_server_options {
	const char *address;  /* numeric, v4 or v6; "127.0.0.1" */
	uint16_t port;        /* 0 picks one */
	const char *tls_cert; /* PEM text (not a path); both or neither */
	const char *tls_key;
	unsigned threads;     /* 0: 4 */
	unsigned connections; /* 0: 4096; fewer when the limit of open files is lower */
	/* 0: no limit of its own (a proxy in front shares one address) */
	unsigned connections_per_address;
	int64_t head_ms;   /* a whole head, from its first byte or the connecting; 0: 15 s */
	int64_t idle_ms;   /* of a kept connection between requests; 0: 75 s, as nginx */
	int64_t rate_ms;   /* the time over which body_rate is measured; 0: 20 s */
	int64_t body_rate; /* minimum bytes per second in either direction; 0: 1024 */
	void *ctx;
	void (*on_request)(void *ctx, struct http_in *in);
	/* May be NULL; at stop, once per slot, when no request runs any more. */
	void (*on_thread_end)(void *ctx, unsigned slot);
};

/* ERR_BUSY when the address is taken; TLS texts that do not fit are ERR_USAGE. */
int http_server_start(const struct http_server_options *options, struct http_server **ret_server,
		      struct err *e);
uint16_t http_server_port(const struct http_server *server);
/* False when work aside (http_run_aside) still runs after the drain: it cannot be cut, so nothing
 * was freed, and all that is left is to end the process. */
bool http_server_stop(struct http_server *server, int64_t drain_ms);

struct http_server_stats {
	int64_t requests, connections_now, dropped_slow, bytes_sent;
};
void http_server_get_stats(const struct http_server *server, struct http_server_stats *ret_stats);

/* The request. Texts are lent for its life. */
const char *http_method(const struct http_in *in);
const char *http_path(const struct http_in *in);                     /* decoded, starts with '/' */
const char *http_query(struct http_in *in, const char *key);         /* decoded; NULL when absent */
const char *http_header(const struct http_in *in, const char *name); /* NULL when absent */
const char *http_bearer(
	const struct http_in *in); /* of Authorization, or cookie access_token; or NULL */
const char *http_peer(const struct http_in *in); /* numeric address */
/* Its socket, to be looked at for its end by work aside, until it replies or streams. */
int http_client_fd(const struct http_in *in);
const char *http_request_id(const struct http_in *in); /* sent back as x-request-id */
int64_t http_content_length(const struct http_in *in); /* 0 without a body, -1 unknown */
/* 0 .. threads-1, and HTTP_ASIDE_MAX more for work aside. */
unsigned http_thread_slot(const struct http_in *in);
void *http_context(const struct http_in *in); /* options.ctx */
/* Of the server that took the request. */
void http_stats(const struct http_in *in, struct http_server_stats *ret_stats);

/* The body. on_data's negative return ends the request with its error; on_end is called once when
 * all has come and must reply; it is not called when the client went away or a limit was hit.
 * on_free always comes last, once; all three may be NULL. The struct is copied. */
struct http_body {
	int64_t max;      /* over it: 413 */
	bool decode_gzip; /* Content-Encoding: gzip is undone; max limits both sizes */
	void *state;
	int (*on_data)(void *state, struct http_in *in, struct bytes piece, struct err *e);
	void (*on_end)(void *state, struct http_in *in);
	void (*on_free)(void *state);
};
void http_take_body(struct http_in *in, const struct http_body *body);
/* The common case: the whole body in memory (gzip undone), then `done`. */
void http_take_small_body(struct http_in *in, size_t max,
			  void (*done)(struct http_in *in, struct bytes body));

/*
 * Long work in place of a reply, from on_end: `work` runs on a thread of its own, frees `state` and
 * replies, while the pool serves others. Each kind has places of its own, so that none keeps the
 * others waiting: two conversions, as the machine is busy with two and a third would only slow both
 * down; eight waits for child processes that do the jobs of a schedule, which are a dozen and
 * rarely meet; thirty-two queries of people, most of which wait, for their turn or for a source. ERR_BUSY when they are taken, with a time to come back, and once the server is
 * stopping: what begins now would only be cut.
 */
enum http_aside { HTTP_ASIDE_CONVERT, HTTP_ASIDE_JOB, HTTP_ASIDE_QUERY };
#define HTTP_ASIDE_CONVERT_MAX 2
#define HTTP_ASIDE_JOB_MAX     8
#define HTTP_ASIDE_QUERY_MAX   32
#define HTTP_ASIDE_MAX         (HTTP_ASIDE_CONVERT_MAX + HTTP_ASIDE_JOB_MAX + HTTP_ASIDE_QUERY_MAX)
#define HTTP_ASIDE_RETRY_S     10
bool http_is_aside(const struct http_in *in); /* is this the thread of such work? */
int http_run_aside(struct http_in *in, enum http_aside kind,
		   void (*work)(struct http_in *in, void *state), void *state, struct err *e);
/* From within such work: what nobody waits for, done by the same thread once the reply is on its way, and before its
 * place is given back. One for each request; before a stream is begun. */
void http_after_aside(struct http_in *in, void (*after)(void *state), void *state);
/* Becomes true when the server is about to stop: work aside that can be cut ends then. */
const atomic_bool *http_stopping(const struct http_in *in);

/*
 * Who keeps a record of what came of a request: `done` is told once, on a thread of the pool, when
 * the reply is decided (whether or not the client still waits for it), or when the request has ended
 * without one (status 0). The texts are lent.
 */
struct http_outcome {
	int status;
	int64_t ms;         /* since its head was read */
	const char *detail; /* what an error reply says, else NULL */
};
void http_watch(struct http_in *in, void (*done)(void *state, const struct http_outcome *outcome),
		void *state);

/*
 * A reply whose bytes are made while they are sent, by work aside, in place of the other replies.
 * After http_stream_begin() `in` is the server's and must not be touched again; the stream is the
 * thread's, up to http_stream_end(). Writing waits while the client has HTTP_STREAM_BUFFER still to
 * read: one that reads nothing is dropped by the sweeper, and then, as when it leaves, writing is
 * ERR_CANCELLED. A stream that is ended not complete breaks the connection, so that the client does not
 * take it for whole. NULL when this thread cannot stream: reply otherwise.
 */
#define HTTP_STREAM_BUFFER ((size_t)256 << 10)
struct http_stream;
struct http_stream *http_stream_begin(struct http_in *in, int status, const char *content_type);
int http_stream_write(struct http_stream *stream, struct bytes piece, struct err *e);
void http_stream_end(struct http_stream *stream, bool complete);

/* The reply: headers first, then exactly one of these. HEAD is answered with the same headers and
 * no body, by itself. An ETag added by the handler goes out weak ("W/...") with a gzipped body, as
 * it names other bytes. */
void http_reply_add(struct http_in *in, const char *name, const char *value);
void http_reply_bytes(struct http_in *in, int status, const char *content_type,
		      struct bytes body); /* copied; gzipped over 1 KB if text and accepted */
/* `shared` is reference-counted text kept by the caller (a cached manifest): sent without a copy.
 */
struct http_blob;
struct http_blob *http_blob_new(struct buf *adopted, bool also_gzip);
void http_blob_ref(struct http_blob *b);
void http_blob_unref(struct http_blob *b);
size_t http_blob_size(const struct http_blob *b);
void http_reply_blob(struct http_in *in, int status, const char *content_type,
		     struct http_blob *blob);
/* Adds the ETag. True when If-None-Match already names it: then 304 is the reply, and given. */
bool http_reply_not_modified(struct http_in *in, const char *etag);
/* `size` bytes that are made while they are sent: `read` fills as much as it can of what it is given, -1 breaks
 * the connection; it runs on a thread of the pool and must not wait. `free` is called once, in any case. */
struct http_source {
	int64_t size;
	void *ctx;
	ssize_t (*read)(void *ctx, char *out, size_t max);
	void (*free)(void *ctx);
};
void http_reply_source(struct http_in *in, int status, const char *content_type,
		       const struct http_source *source);
/* The file's bytes with sendfile; `fd` is adopted. Range, If-Range, If-None-Match, If-Match and
 * their dates are honoured against `etag` (quoted) and `modified_ms`; 200, 206, 304, 412 or 416 as
 * they say. Never gzipped. */
void http_reply_file(struct http_in *in, int fd, const char *etag, int64_t modified_ms,
		     const char *content_type);
/*
 * A reply without an end (events): `pull` is asked for bytes, on a thread of the pool, when the stream
 * begins, whenever http_events_wake() is called, and after *ret_wait_ms without that; in between the
 * connection takes no thread. With bytes added it is asked again at once, with none it sleeps. It must
 * not block. It ends by HTTP_EVENTS_END, when the client goes, and when the server stops; then `free`,
 * once. ERR_BUSY beyond HTTP_EVENTS_MAX at once: `free` was called, nothing was replied.
 */
#define HTTP_EVENTS_MAX 1000
enum http_events_next { HTTP_EVENTS_WAIT, HTTP_EVENTS_END };
struct http_events {
	void *state;
	enum http_events_next (*pull)(void *state, struct http_in *in, struct buf *out,
				      int64_t *ret_wait_ms);
	void (*free)(void *state);
};
int http_reply_events(struct http_in *in, const char *content_type,
		      const struct http_events *stream, struct err *e);
void http_events_wake(struct http_in *in);              /* all of this request's server */
void http_reply_status(struct http_in *in, int status); /* no body: 204, 304 */
/* {"detail": e->msg, "code": err_word(e->code)}, and "hint" when there is one; 401 adds WWW-Authenticate, BUSY adds
 * Retry-After. */
void http_reply_error(struct http_in *in, const struct err *e);
/* The same with a status of the contract's own. */
void http_reply_detail(struct http_in *in, int status, const char *code, const char *detail);

#endif
