/* SPDX-License-Identifier: Apache-2.0 */
#include "net/gunzip.h"

#define ZLIB_CONST /* its input is const */
#include <zlib.h>

#define OUT_PIECE ((size_t)64 << 10)

struct gunzip {
	z_stream z;
	bool started;
	bool ended;
	char out[OUT_PIECE];
};

struct gunzip *gunzip_new(void)
{
	return xcalloc(1, sizeof(struct gunzip));
}

void gunzip_free(struct gunzip *g)
{
	if (g && g->started)
		(void)inflateEnd(&g->z); /* only frees */
	free(g);
}

static int start(struct gunzip *g, struct err *e)
{
	if (g->started)
		return 0;
	if (inflateInit2(&g->z, MAX_WBITS + 16) != Z_OK) /* + 16: the gzip format only */
		return err_set(e, ERR_FAILED, "start decoding gzip");
	g->started = true;
	return 0;
}

static int over(struct err *e)
{
	return err_set(e, ERR_CORRUPT, "bytes after the end of the gzip body");
}

int gunzip_feed(struct gunzip *g, struct bytes piece, gunzip_sink_fn sink, void *ctx, struct err *e)
{
	int z = Z_OK;

	if (piece.n == 0)
		return 0;
	if (g->ended)
		return over(e);
	if (start(g, e) < 0)
		return e->code;
	g->z.next_in = (const Bytef *)piece.p;
	g->z.avail_in = (uInt)piece.n; /* a piece off the wire: far below 4 GB */
	do {
		g->z.next_out = (Bytef *)g->out;
		g->z.avail_out = (uInt)OUT_PIECE;
		z = inflate(&g->z, Z_NO_FLUSH);
		if (z != Z_OK && z != Z_STREAM_END && z != Z_BUF_ERROR)
			return err_set(e, ERR_CORRUPT, "the body is not gzip");
		if (sink(ctx, (struct bytes){ g->out, OUT_PIECE - g->z.avail_out }, e) < 0)
			return e->code;
	} while (z == Z_OK && g->z.avail_out == 0);
	g->ended = z == Z_STREAM_END;
	return g->ended && g->z.avail_in > 0 ? over(e) : 0;
}

int gunzip_finish(const struct gunzip *g, struct err *e)
{
	return g->ended ? 0 : err_set(e, ERR_CORRUPT, "the gzip body is cut short");
}
