/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP requests. libcurl is behind it, seen only by http-client*.c, and loaded at the first
 * request, so that commands which make none start in a millisecond.
 *
 *	AUTO_HTTP struct http_client *c = http_client_new(&options);
 *	struct http_request q = { .method = "GET", .url = url, .token = token };
 *	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
 *	r = http_request(c, &q, &reply, e);     0 whenever a whole reply came, whatever its status
 *	r = http_expect(&reply, 200, e);        turns 401, 403, 404, 409, 413, 429, 5xx ... into
 *	                                        the right error
 *
 * A client keeps its connections: one client per thread, many requests. HTTP/1.1 only: a connection
 * of its own per parallel download is what a bulk transfer wants. Redirects are never followed (a
 * token must not travel): 3xx is a reply like another, and http_expect() says where it pointed.
 *
 * on_body gets pieces of at most 16 KB (libcurl's own), straight from its receive buffer of 512 KB:
 * whoever writes to disk or hands over to another thread gathers them first.
 *
 * Times: connect HTTP_CONNECT_MS; then no total limit but a stall limit: no byte in either
 * direction for stall_s seconds (default HTTP_STALL_S) ends the request, or with stall_bytes
 * fewer than so many; who has another server to ask sets them, and connect_ms, lower.
 * `*cancel` is looked at whenever bytes move and at least once a second.
 *
 * Errors: ERR_OFFLINE (refused, reset, stalled, name unknown, body cut short), ERR_REMOTE (not
 * HTTP), ERR_LIMIT (headers or body over their limit), ERR_CANCELLED, ERR_USAGE (a URL or header
 * value that cannot be sent), ERR_FAILED (the server's certificate is not trusted). Bytes that
 * follow a body of announced length are not part of any reply: they end the connection, unseen.
 *
 * Environment: http_proxy, https_proxy, all_proxy, no_proxy as libcurl has them, but this machine
 * itself is never reached through a proxy; CURL_CA_BUNDLE, then SSL_CERT_FILE.
 *
 * Threads: one at a time per client.
 */
#ifndef LARDER_NET_HTTP_CLIENT_H
#define LARDER_NET_HTTP_CLIENT_H

#include "base/str.h"
#include <stdatomic.h>

#define HTTP_CONNECT_MS 15000
#define HTTP_STALL_S    30
/* Of a reply, all together: twice what servers allow in requests. */
#define HTTP_HEADERS_MAX ((size_t)64 << 10)
/* Of an error or a short answer. */
#define HTTP_SMALL_BODY_MAX ((size_t)1 << 20)
/* A peer that asks for longer is asked again after an hour. */
#define HTTP_RETRY_AFTER_MAX 3600

struct http_client;

struct http_client_options {
	const char *user_agent;    /* NULL: "larder/<version>" */
	const atomic_bool *cancel; /* may be NULL */
	long stall_s;              /* 0: HTTP_STALL_S */
	int64_t stall_bytes;       /* 0: one */
	long connect_ms;           /* 0: HTTP_CONNECT_MS */
	const char *ca_file;       /* NULL: the environment's or the system's */
	bool load_ahead;           /* libcurl is loaded while the caller does something else */
};

/* Makes nothing but the object. Options may be NULL; their texts are copied. */
struct http_client *http_client_new(const struct http_client_options *options);
void http_client_free(struct http_client *c);
static inline void http_client_auto_(struct http_client **p)
{
	http_client_free(*p);
}
#define AUTO_HTTP AUTO(http_client_auto_)

struct http_reply {
	long status;
	char *etag; /* as sent, quotes included; NULL when absent */
	char *location;
	char *content_type;
	int64_t content_length; /* -1 unknown */
	int64_t range_first;    /* from Content-Range, else -1 */
	int64_t range_total;    /* -1 unknown; also given by a 416 */
	int retry_after;        /* seconds, 0 when absent, at most HTTP_RETRY_AFTER_MAX */
	struct strv headers;    /* "name: value", names in lower case */
	struct buf body;        /* the body when no on_body took it */
	int64_t bytes_received; /* body bytes off the wire */
};
#define HTTP_REPLY_INIT                                                                            \
	{                                                                                          \
		.content_length = -1, .range_first = -1, .range_total = -1                         \
	}
void http_reply_release(struct http_reply *reply);
#define AUTO_HTTP_REPLY AUTO(http_reply_release)
const char *http_reply_header(const struct http_reply *reply, const char *lower_case_name);

struct http_request {
	const char *method;
	const char *url;
	const char *token; /* sent as Authorization: Bearer; never logged or traced */
	const char *if_none_match;
	const char *if_range;
	int64_t range_first; /* > 0, or range_last set: sends Range: bytes=first- */
	int64_t range_last;  /* 0 = to the end */
	const char *content_type;
	struct bytes body; /* sent as it is */
	int body_fd;       /* used when > 0 and body is empty: body_size bytes from offset 0 */
	int64_t body_size;
	bool accept_gzip;           /* the body arrives decoded; max_body limits the decoded size */
	size_t max_body;            /* 0: HTTP_SMALL_BODY_MAX; not applied when on_body takes it */
	const struct strv *headers; /* further "Name: value" lines; may be NULL */

	void *ctx;
	/* Called once with status and headers, before the body. Return 1 to have on_body take the
	 * body, 0 to have it kept in reply.body, negative to end the request with *e. */
	int (*on_head)(void *ctx, const struct http_reply *reply, struct err *e);
	int (*on_body)(void *ctx, const void *p, size_t n, struct err *e);
	/* Called as an upload proceeds, with bytes sent so far; may be NULL. */
	void (*on_sent)(void *ctx, int64_t bytes);
};

/* `reply` is HTTP_REPLY_INIT or that of an earlier request, whose contents go. */
int http_request(struct http_client *c, const struct http_request *request,
		 struct http_reply *reply, struct err *e);

/*
 * The same while the caller does something else: a thread loads libcurl, connects and asks. What the
 * request points to stays until the end, its functions are called on that thread, and the client is not
 * used in between. Each begin has one end, or the client is freed: then the request is broken off.
 */
void http_request_begin(struct http_client *c, const struct http_request *request);
int http_request_end(struct http_client *c, struct http_reply *reply, struct err *e);

/* 0 when reply->status is `status`; else the error for it, with the server's {"detail"} when it
 * sent one, and e->retry_after. */
int http_expect(const struct http_reply *reply, long status, struct err *e);

/* Which libcurl is in use, for a person who looks for a fault. */
struct http_library {
	const char *file;
	bool missed; /* libcurl-http.so of this installation is missing or damaged: this is the system's */
	bool outdated; /* this is libcurl-http.so, and the system's is newer */
};
int http_library(struct http_library *ret, struct err *e);

#endif
