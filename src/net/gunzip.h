/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One gzip stream, decoded as it comes.
 *
 *	AUTO_GUNZIP struct gunzip *g = gunzip_new();
 *	gunzip_feed(g, piece, sink, ctx, e)     calls sink for what comes out, 64 KB at a time
 *	gunzip_finish(g, e)                     ERR_CORRUPT when it was cut short
 *
 * What it becomes is for the sink to limit: its error ends the decoding and is passed on. A second
 * stream behind the first is refused. Threads: one. Errors: ERR_CORRUPT, the sink's.
 */
#ifndef LARDER_NET_GUNZIP_H
#define LARDER_NET_GUNZIP_H

#include "base/buf.h"
#include "base/err.h"

struct gunzip;

typedef int (*gunzip_sink_fn)(void *ctx, struct bytes piece, struct err *e);

struct gunzip *gunzip_new(void);
void gunzip_free(struct gunzip *g);
static inline void gunzip_auto_(struct gunzip **p)
{
	gunzip_free(*p);
}
#define AUTO_GUNZIP AUTO(gunzip_auto_)

int gunzip_feed(struct gunzip *g, struct bytes piece, gunzip_sink_fn sink, void *ctx,
		struct err *e);
int gunzip_finish(const struct gunzip *g, struct err *e);

#endif
