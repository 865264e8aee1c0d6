/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events (the WHATWG's "text/event-stream"), as model servers and hubs send them: the
 * data of each event, lines joined, its name and the last id; comments and other fields are passed over.
 *
 *	AUTO_SSE struct sse sse = SSE_INIT(on_event, ctx);
 *	sse_add(&sse, piece, e) ...         pieces may be cut anywhere
 *
 * What was not ended by an empty line is no event. Pure; fuzzed. Errors: ERR_LIMIT for a line or an
 * event over SSE_EVENT_MAX, and what on_event returns. Threads: one.
 */
#ifndef LARDER_NET_SSE_H
#define LARDER_NET_SSE_H

#include "base/buf.h"
#include "base/err.h"

/* An event holds a few words; the last may repeat the whole answer. */
#define SSE_EVENT_MAX ((size_t)8 << 20)

/* A name is a word, an id a number; longer ones are taken for none. */
#define SSE_NAME_MAX ((size_t)256)

typedef int (*sse_event_fn)(void *ctx, struct bytes data, struct err *e);

struct sse {
	sse_event_fn on_event;
	void *ctx;
	struct buf line, data;
	struct buf name, id; /* of the event that on_event is called for; "" when it has none */
	bool has_data;
	bool after_return; /* the last byte was CR: an LF now belongs to it */
};
#define SSE_INIT(fn, context)                                                                      \
	{                                                                                          \
		.on_event = (fn), .ctx = (context), .line = BUF_INIT(SSE_EVENT_MAX),               \
		.data = BUF_INIT(SSE_EVENT_MAX), .name = BUF_INIT(SSE_NAME_MAX),                   \
		.id = BUF_INIT(SSE_NAME_MAX)                                                       \
	}
void sse_release(struct sse *sse);
#define AUTO_SSE AUTO(sse_release)

int sse_add(struct sse *sse, struct bytes piece, struct err *e);

#endif
