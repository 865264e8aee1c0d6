/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many HTTP requests at once, in one loop of one thread (libcurl's multi interface). Only short
 * answers: each is kept whole in memory until its end was told.
 *
 *	AUTO_HTTP_MULTI struct http_multi *m = http_multi_new(&options);
 *	http_multi_start(m, &call, e)            on its way; options.done is called from wait
 *	for (;;)
 *		r = http_multi_wait(m, fd, ms, e);   1 when fd can be read, 0 otherwise
 *
 * A request and what it points to (but not the struct http_call) are lent until `done` or
 * http_multi_free(), which ends what still runs without a word. `done` may start others. All are
 * to HTTP servers as of http-client.h, whose errors and environment hold here too; a request has
 * timeout_ms in all, as a server may work long before its first byte. A 0 return of
 * http_multi_wait() means that something moved, or the time is over.
 *
 * Threads: one. Errors of http_multi_start(): ERR_USAGE for a URL or header that cannot be sent.
 */
#ifndef LARDER_NET_HTTP_MULTI_H
#define LARDER_NET_HTTP_MULTI_H

#include "net/http-client.h"

struct http_multi;

struct http_multi_options {
	unsigned connections; /* kept open between requests */
	void *ctx;
	/* e->code 0: `reply` is whole, whatever its status. Both are lent. */
	void (*done)(void *ctx, void *tag, const struct http_reply *reply, const struct err *e);
};

struct http_call {
	const struct http_request *request; /* neither on_head nor body_fd */
	int64_t timeout_ms;
	void *tag; /* for done */
};

struct http_multi *http_multi_new(const struct http_multi_options *options);
void http_multi_free(struct http_multi *m);
static inline void http_multi_auto_(struct http_multi **p)
{
	http_multi_free(*p);
}
#define AUTO_HTTP_MULTI AUTO(http_multi_auto_)

int http_multi_start(struct http_multi *m, const struct http_call *call, struct err *e);
size_t http_multi_running(const struct http_multi *m);
/* fd -1: none. */
int http_multi_wait(struct http_multi *m, int fd, int64_t timeout_ms, struct err *e);

#endif
