/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies that were built from rows and are sent again as long as those rows stand: the manifest
 * and the bundle. The key holds all the reply depends on: the generations (access.h), whether the
 * caller is admin, the caller's groups. A change bumps a generation, so it makes another key; old
 * ones fall out by age. Nothing is decided from this cache: who asks is found out before.
 *
 *	AUTO_BUF struct buf key = BUF_INIT(BUF_OWN_MAX);
 *	cache_key(&key, "manifest", generations, 2, caller);
 *	if (!cache_get(cache, buf_str(&key), time_now(), &c))
 *		... build, cache_put(cache, buf_str(&key), &body, &options, &c) ...
 *	cache_reply(in, "application/json", &c);       200 or, by If-None-Match, 304
 *	cached_release(&c);
 *
 * Threads: any.
 */
#ifndef LARDER_HUB_CACHE_H
#define LARDER_HUB_CACHE_H

#include "access/access.h"
#include "base/hash.h"
#include "net/http-server.h"

/* One entry per set of groups in use and kind of reply; a manifest of 10,000 tables is 4 MB, so
 * this many of the largest ones stay below CACHE_BYTES_MAX only in part, and then the oldest go. */
#define CACHE_ENTRIES   64
#define CACHE_BYTES_MAX ((size_t)32 << 20)

struct cached {
	struct http_blob *blob;
	char etag[HASH_HEX_MAX + 2]; /* quoted SHA-256 of the text: strong */
};
#define CACHED_INIT                                                                                \
	{                                                                                          \
		NULL                                                                               \
	}
void cached_release(struct cached *c);
#define AUTO_CACHED AUTO(cached_release)

struct blob_cache *cache_new(void);
void cache_free(struct blob_cache *cache);

void cache_key(struct buf *out, const char *kind, const int64_t *generations, size_t n,
	       const struct caller *caller);
/* true and a reference of the caller's own, or false. */
bool cache_get(struct blob_cache *cache, const char *key, int64_t now_ms, struct cached *ret_c);
struct cache_options {
	int64_t good_until_ms; /* 0: until it falls out */
	/* The tag is the hash of the text up to here, as what follows only says when it was built:
	 * a hub that was restarted then tags the same as the same. 0: all of it. */
	size_t lasting;
};
/* Takes the text out of `body`; the caller gets a reference. */
void cache_put(struct blob_cache *cache, const char *key, struct buf *body,
	       const struct cache_options *options, struct cached *ret_c);
void cache_reply(struct http_in *in, const char *content_type, const struct cached *c);

#endif
