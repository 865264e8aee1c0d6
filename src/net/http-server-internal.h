/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the server share: http-server.c starts and stops it, -request.c takes a request
 * in, -framing.c asks where its body ends, -body.c its body, -aside.c runs long work, -reply.c sends the
 * answer, -events.c one without an end, -sweep.c drops who is
 * too slow.
 *
 * A struct http_conn is made and freed by libmicrohttpd's notification, on a thread of the pool,
 * and stands on the server's list for as long as its fd is open; under the server's lock it can be
 * shut down by the sweeper. Its phase is written by the pool thread that serves it, and read by the
 * sweeper; all other members belong to one of the two, as said.
 */
#ifndef LARDER_NET_HTTP_SERVER_INTERNAL_H
#define LARDER_NET_HTTP_SERVER_INTERNAL_H

#include "net/http-server.h"

#include "net/gunzip.h"
#include "net/http-server-load.h"
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

enum http_phase {
	HTTP_PHASE_HEAD,  /* connected, no request yet */
	HTTP_PHASE_IDLE,  /* between two requests, or in the head of the next */
	HTTP_PHASE_BODY,  /* it is the client's turn to send */
	HTTP_PHASE_BUSY,  /* a handler runs: slowness is ours */
	HTTP_PHASE_REPLY, /* it is the client's turn to read */
};

struct http_conn {
	LIST_ENTRY(http_conn) link;
	int fd;
	atomic_int phase;
	atomic_uint turn; /* grows with each phase that starts a new measurement */
	char *target;     /* of the request being read; the pool thread's */

	/* The sweeper's. */
	unsigned seen_turn;
	bool cut;
	int64_t since;      /* when this turn was first seen */
	int64_t head_since; /* when bytes of a next head were first seen; 0 none */
	int64_t mark_ms;    /* start of the window, and what had been moved by then */
	uint64_t mark_in, mark_out;
};

struct http_server {
	const struct mhd_library *mhd;
	struct MHD_Daemon *daemon;
	struct http_server_options options; /* defaults filled in; the texts are not kept */
	uint16_t port;
	char id_prefix[9]; /* of request ids: tells one run of the server from another */

	atomic_uint_fast64_t requests, bytes_sent, dropped_slow;
	atomic_uintptr_t slots[HTTP_THREADS_MAX]; /* pthread_t of each pool thread, 0 unused */
	atomic_int running;                       /* requests between head and sent reply */
	atomic_bool stopping;

	pthread_mutex_t lock;
	pthread_cond_t wake;    /* the sweeper, to stop */
	pthread_cond_t drained; /* running is 0, or asides changed */
	LIST_HEAD(, http_conn) connections;
	unsigned n_connections; /* under lock */
	pthread_t sweeper;
	bool has_sweeper, sweeper_ends;
	uint64_t asides;                   /* under lock: a bit for each aside thread at work */
	uint64_t leaving;                  /* likewise: those that only have to give it back */
	LIST_HEAD(, http_eventing) events; /* under lock, like their number */
	unsigned n_events;
};

struct http_in {
	struct http_server *server;
	struct http_conn *conn;
	struct MHD_Connection *connection;
	const char *method;
	struct buf path;
	struct strv query; /* key, value, ... once asked for */
	bool query_read;
	char id[HTTP_REQUEST_ID_MAX + 1];
	char peer[INET6_ADDRSTRLEN];
	int64_t started;
	int64_t content_length;

	struct http_body body; /* valid while has_body */
	bool has_body;
	int64_t received, decoded; /* of the body */
	struct gunzip *gunzip;     /* decoder, while there is one */
	int64_t discard_left;      /* once a reply is known before the body's end */

	/* Set by http_run_aside() until the work is done. */
	void (*aside)(struct http_in *in, void *state);
	void *aside_state;
	unsigned aside_slot;
	struct http_after *after;               /* while it runs: on its thread's stack */
	struct http_aside_thread *aside_thread; /* while it runs; NULL when it runs in the pool */

	/* Of http_watch(), until it was told. */
	void (*watch)(void *state, const struct http_outcome *outcome);
	void *watch_state;
	char *detail; /* of an error reply that is watched */

	struct http_eventing *eventing; /* of a reply without an end */
	struct strv headers;            /* of the reply: name, value, ... */
	struct MHD_Response *response;
	int status;
	int64_t reply_size;
};

/* http-server-request.c: the library's callbacks. */
enum MHD_Result http_on_access(void *ctx, struct MHD_Connection *connection, const char *url,
			       const char *method, const char *version, const char *upload_data,
			       size_t *upload_data_size, void **request_ctx);
void *http_on_target(void *ctx, const char *target, struct MHD_Connection *connection);
void http_on_completed(void *ctx, struct MHD_Connection *connection, void **request_ctx,
		       enum MHD_RequestTerminationCode how);
void http_fail(struct http_in *in, const struct err *e);

/* http-server-framing.c: does the head leave no doubt about where its body ends? */
bool http_framing_is_clear(const struct http_in *in);

/* http-server-request.c */
void http_tell_watch(struct http_in *in);

/* http-server-body.c: the body on its way in. */
bool http_body_piece(struct http_in *in, struct bytes piece); /* false: close the connection */
void http_body_end(struct http_in *in);
void http_body_release(struct http_in *in);

/* http-server-aside.c: suspends the request and starts its work; is all such work done? Asked of
 * a server that is stopping, where none begins any more. */
void http_aside_start(struct http_in *in);
bool http_aside_done(struct http_server *server);
struct http_after {
	void (*run)(void *state);
	void *state;
};
/* What a thread aside knows of itself: a reply that streams may end before the thread does. */
struct http_aside_thread {
	struct http_in *in;
	bool streamed; /* `in` and its connection are the pool's again */
};

/* http-server-reply.c: takes the response over; `size` -1 is not known. */
void http_reply_adopt(struct http_in *in, int status, int64_t size, struct MHD_Response *response);

/* http-server-reply.c: hands the finished reply to the library. */
enum MHD_Result http_reply_queue(struct http_in *in);

/* http-server-events.c: at stop; by the sweeper, under the lock; before a request goes. */
void http_events_end(struct http_server *server);
void http_events_tick(struct http_server *server, int64_t now);
void http_events_forget(struct http_in *in);

/* http-server-sweep.c */
void http_on_connection(void *ctx, struct MHD_Connection *connection, void **conn_ctx,
			enum MHD_ConnectionNotificationCode what);
struct http_conn *http_conn_of(struct http_server *server, struct MHD_Connection *connection);
void http_conn_enter(struct http_conn *conn, enum http_phase phase);
int http_sweeper_start(struct http_server *server, struct err *e);
void http_sweeper_stop(struct http_server *server);

#endif
