/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http-blob.h"

#include <assert.h>
#include <stdatomic.h>
#define ZLIB_CONST /* its input is const */
#include <zlib.h>

/* Level 6 of JSON costs 10 ms a MB and gives 20:1; less is no faster on small replies. */
#define GZIP_LEVEL 6
/* Large replies are manifests, mostly hashes: level 1 takes 26 ms where 6 takes 74 for 4 MB, and
 * what comes out is a tenth larger. */
#define GZIP_LARGE       ((size_t)256 << 10)
#define GZIP_LEVEL_LARGE 1
/* windowBits for zlib to write a gzip head instead of its own. */
#define GZIP_WINDOW (MAX_WBITS + 16)

struct http_blob {
	atomic_int references;
	struct buf plain;
	char *gzip;
	size_t gzip_size;
};

char *http_gzip(struct bytes plain, size_t *ret_size)
{
	z_stream z = { 0 };
	AUTO_FREE char *out = NULL;
	int level = plain.n > GZIP_LARGE ? GZIP_LEVEL_LARGE : GZIP_LEVEL;
	int r;

	if (plain.n > UINT32_MAX / 2) /* zlib counts in unsigned; such a body is a file's matter */
		return NULL;
	if (deflateInit2(&z, level, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return NULL;
	out = xmalloc(plain.n + 1);
	z.next_in = (const Bytef *)plain.p;
	z.avail_in = (uInt)plain.n;
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)plain.n;
	r = deflate(&z, Z_FINISH);
	*ret_size = z.total_out;
	(void)deflateEnd(&z);
	return r == Z_STREAM_END ? TAKE(out) : NULL;
}

struct http_blob *http_blob_new(struct buf *adopted, bool also_gzip)
{
	struct http_blob *b = xcalloc(1, sizeof(*b));

	atomic_init(&b->references, 1);
	b->plain = *adopted;
	*adopted = (struct buf)BUF_INIT(adopted->max);
	if (also_gzip)
		b->gzip = http_gzip(buf_bytes(&b->plain), &b->gzip_size);
	return b;
}

void http_blob_ref(struct http_blob *b)
{
	int before = atomic_fetch_add(&b->references, 1);

	assert(before > 0);
	(void)before;
}

void http_blob_unref(struct http_blob *b)
{
	if (!b || atomic_fetch_sub(&b->references, 1) > 1)
		return;
	buf_release(&b->plain);
	free(b->gzip);
	free(b);
}

size_t http_blob_size(const struct http_blob *b)
{
	return b->plain.n;
}

struct bytes http_blob_plain(const struct http_blob *b)
{
	return (struct bytes){ buf_str(&b->plain), b->plain.n };
}

struct bytes http_blob_gzip(const struct http_blob *b)
{
	return (struct bytes){ b->gzip, b->gzip ? b->gzip_size : 0 };
}
