/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/cache.h"

#include "net/http-range.h"
#include <assert.h>
#include <pthread.h>

struct entry {
	char *key;
	struct cached c;
	int64_t good_until_ms;
	uint64_t used; /* the count of the last use: the smallest is the oldest */
};

struct blob_cache {
	pthread_mutex_t lock;
	struct entry entries[CACHE_ENTRIES];
	uint64_t uses;
	size_t bytes;
};

void cached_release(struct cached *c)
{
	if (c->blob)
		http_blob_unref(c->blob);
	*c = (struct cached)CACHED_INIT;
}

struct blob_cache *cache_new(void)
{
	struct blob_cache *cache = xcalloc(1, sizeof(*cache));

	(void)pthread_mutex_init(&cache->lock, NULL); /* cannot fail for a default mutex */
	return cache;
}

static void drop(struct blob_cache *cache, struct entry *entry)
{
	if (!entry->key)
		return;
	cache->bytes -= http_blob_size(entry->c.blob);
	cached_release(&entry->c);
	free(entry->key);
	*entry = (struct entry){ 0 };
}

void cache_free(struct blob_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < CACHE_ENTRIES; i++)
		drop(cache, &cache->entries[i]);
	(void)pthread_mutex_destroy(&cache->lock); /* nobody else is left */
	free(cache);
}

void cache_key(struct buf *out, const char *kind, const int64_t *generations, size_t n,
	       const struct caller *caller)
{
	buf_adds(out, kind);
	for (size_t i = 0; i < n; i++)
		buf_addf(out, " %lld", (long long)generations[i]);
	if (caller->is_admin) {
		buf_adds(out, " all");
		return;
	}
	/* Ids hold no blank, so no two sets give the same text. */
	for (size_t i = 0; i < caller->group_ids.n; i++)
		buf_addf(out, " g:%s", caller->group_ids.v[i]);
}

static struct entry *find(struct blob_cache *cache, const char *key)
{
	for (size_t i = 0; i < CACHE_ENTRIES; i++) {
		if (cache->entries[i].key && str_eq(cache->entries[i].key, key))
			return &cache->entries[i];
	}
	return NULL;
}

/* Of those in use the one that was not asked for longest; NULL when none is. */
static struct entry *oldest(struct blob_cache *cache)
{
	struct entry *found = NULL;

	for (size_t i = 0; i < CACHE_ENTRIES; i++) {
		struct entry *entry = &cache->entries[i];

		if (entry->key && (!found || entry->used < found->used))
			found = entry;
	}
	return found;
}

static struct entry *unused(struct blob_cache *cache)
{
	for (size_t i = 0; i < CACHE_ENTRIES; i++) {
		if (!cache->entries[i].key)
			return &cache->entries[i];
	}
	return NULL;
}

static void lend(struct blob_cache *cache, struct entry *entry, struct cached *ret_c)
{
	entry->used = ++cache->uses;
	http_blob_ref(entry->c.blob);
	*ret_c = entry->c;
}

bool cache_get(struct blob_cache *cache, const char *key, int64_t now_ms, struct cached *ret_c)
{
	struct entry *entry;

	(void)pthread_mutex_lock(&cache->lock); /* fails only for a thread that holds it */
	entry = find(cache, key);
	if (entry && entry->good_until_ms && entry->good_until_ms <= now_ms) {
		drop(cache, entry);
		entry = NULL;
	}
	if (entry)
		lend(cache, entry, ret_c);
	(void)pthread_mutex_unlock(&cache->lock);
	return entry != NULL;
}

/* The oldest ones go until the new one fits; a text over the whole maximum is not kept at all. */
static struct entry *make_room(struct blob_cache *cache, const char *key, size_t size)
{
	struct entry *entry = find(cache, key);

	if (entry)
		drop(cache, entry);
	if (size > CACHE_BYTES_MAX)
		return NULL;
	while (cache->bytes + size > CACHE_BYTES_MAX || !unused(cache)) {
		struct entry *old = oldest(cache);

		assert(old); /* what is over the maximum, or fills all places, is not empty */
		drop(cache, old);
	}
	return unused(cache);
}

void cache_put(struct blob_cache *cache, const char *key, struct buf *body,
	       const struct cache_options *options, struct cached *ret_c)
{
	struct bytes lasting = buf_bytes(body);
	struct cached c = CACHED_INIT;
	char hex[HASH_HEX_MAX];
	struct entry *entry;

	if (options->lasting)
		lasting.n = options->lasting;
	hash_text(HASH_SHA256, lasting, hex);
	(void)snprintf(c.etag, sizeof(c.etag), "\"%s\"", hex);
	c.blob = http_blob_new(body, true);

	(void)pthread_mutex_lock(&cache->lock); /* fails only for a thread that holds it */
	entry = make_room(cache, key, http_blob_size(c.blob));
	if (entry) {
		*entry = (struct entry){ xstrdup(key), c, options->good_until_ms, 0 };
		cache->bytes += http_blob_size(c.blob);
		lend(cache, entry, ret_c);
	} else {
		*ret_c = c;
	}
	(void)pthread_mutex_unlock(&cache->lock);
}

void cache_reply(struct http_in *in, const char *content_type, const struct cached *c)
{
	const char *known = http_header(in, "If-None-Match");

	http_reply_add(in, "ETag", c->etag);
	/* For this caller only, and to be asked for again each time: grants change. */
	http_reply_add(in, "Cache-Control", "private, no-cache");
	if (known && http_etag_matches(known, c->etag, true))
		http_reply_status(in, 304);
	else
		http_reply_blob(in, 200, content_type, c->blob);
}
