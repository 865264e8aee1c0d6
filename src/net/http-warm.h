/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that are made before there is anything to ask: while the first answer of a server far away is on its
 * way, others connect to the same address, and are there when it is known what is to come over them. That spares
 * each of them a round trip.
 *
 *	struct http_warm *w = http_warm_new(31, 5000);
 *	http_client_warm(first, w);	by http_request_begin() and _end(): an answer that has not come in 5 ms is far
 *	http_client_warm(other, w);	takes one instead of connecting, as long as there are any to that address
 *	http_warm_free(w);		after the clients; what nobody took is closed
 *
 * They are connected, no more: TLS, and what is said to a proxy, is the business of who takes one. One that is not
 * through yet, has failed, or was closed by the server, is passed over; nothing here fails, at worst a client connects
 * by itself.
 *
 * Threads: any client on any thread.
 */
#ifndef LARDER_NET_HTTP_WARM_H
#define LARDER_NET_HTTP_WARM_H

#include "net/http-client.h"

struct http_warm;

/* At most so many, and only where the first answer takes longer than `far_us`, connecting included. */
struct http_warm *http_warm_new(unsigned most, int64_t far_us);
void http_warm_free(struct http_warm *w);
/* Before its first request; lent to the client. */
void http_client_warm(struct http_client *c, struct http_warm *w);

#endif
