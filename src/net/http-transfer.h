/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request while it runs, between http-client.c (which waits for it) and http-multi.c (which has
 * many of them at once). Only these include this.
 *
 *	transfer_open(client, handle, many)     what holds for all its requests
 *	transfer_prepare(&t, handle)            what holds for this one; then libcurl performs it
 *	transfer_end(&t, handle, result)        0, or the error in *t.e
 *	transfer_release(&t, handle)            which can take the next one now
 */
#ifndef LARDER_NET_HTTP_TRANSFER_H
#define LARDER_NET_HTTP_TRANSFER_H

#include "net/http-client-load.h"
#include "net/http-client.h"
#include <pthread.h>

struct http_client {
	const struct curl_library *curl; /* NULL until the first request */
	CURL *handle;                    /* holds the connections from request to request */
	char *user_agent;
	char *ca_file;
	char *no_proxy;
	const atomic_bool *cancel;
	long stall_s;
	int64_t stall_bytes;
	long connect_ms;
	struct http_ahead *ahead; /* a thread that loads, or asks: until http_request_end() */
	atomic_bool abandoned;    /* nobody waits for its end any more */
	struct http_warm *warm;   /* lent; NULL: it makes its connections itself */
	int taken;                /* the one of `warm` that libcurl got last, or -1 */
};

struct transfer {
	const struct http_client *client;
	const struct http_request *request;
	struct http_reply *reply;
	struct curl_slist *headers;
	struct err *e; /* set when a callback of ours or of the caller ended it */
	int failed;
	size_t header_bytes;
	int64_t sent;
	int64_t started;
	int64_t moved, moved_ms; /* bytes in both directions, and when they last grew */
	bool head_done;
	bool to_caller;
	char message[CURL_ERROR_SIZE];
};

/* The thread of load_ahead and http_request_begin(). */
void http_ahead_start(struct http_client *c);
/* Ends it, and breaks off what it asks for; does nothing without. */
void http_ahead_abandon(struct http_client *c);
/* A connection is being made for the request of the thread, which may be waited for. */
void http_ahead_connects(struct http_client *c);
/* The handle takes its connections from c->warm. */
void http_warm_open(struct http_client *c, CURL *handle);
/* When the first connection of all is late, monotonic; INT64_MAX while none is being made. */
int64_t http_warm_late_us(struct http_warm *w);
/* It is: others are begun, to the same address. */
void http_warm_connect(struct http_warm *w);

int transfer_load(struct http_client *c, struct err *e);
/* Is the address one, and libcurl there? */
int transfer_check(struct http_client *c, const struct http_request *request, struct err *e);
/* `many`: one of many at once, with a short answer and a time in all: buffers are small, and nobody
 * asks again and again whether it stalls. */
void transfer_open(struct http_client *c, CURL *handle, bool many);
int transfer_prepare(struct transfer *t, CURL *handle);
int transfer_end(struct transfer *t, CURL *handle, CURLcode result);
void transfer_release(struct transfer *t, CURL *handle);

#endif
