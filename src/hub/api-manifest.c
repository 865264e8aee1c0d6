/* SPDX-License-Identifier: Apache-2.0 */
/* The manifest of a caller: whole, or as its difference from the one the caller has. */
#include "hub/api.h"

#include "base/time.h"
#include "hub/cache.h"
#include "hub/excerpts.h"
#include "hub/trail.h"
#include "net/http-blob.h"
#include "tables/manifest-build.h"
#include "tables/manifest-since.h"

static int read_generations(struct db *db, int64_t generations[2], struct err *e)
{
	int r = generation_get(db, "tables", &generations[0], e);

	return r < 0 ? r : generation_get(db, "access", &generations[1], e);
}

/* The bundle's ETag is part of the text, so a changed rule changes the manifest's own. */
static int find_manifest(struct request *q, struct cached *c, struct err *e)
{
	AUTO_BUF struct buf key = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf text = BUF_INIT(MANIFEST_BUILD_MAX);
	AUTO_CACHED struct cached bundle = CACHED_INIT;
	struct manifest_for who = { .caller = q->caller,
				    .now_ms = time_now(),
				    .mirror = hub_settings(q->hub)->mirror };
	int64_t generations[2];
	size_t lasting = 0;
	int r = read_generations(q->db, generations, e);

	if (r == 0)
		r = api_find_bundle(q, &bundle, e);
	if (r < 0)
		return r;
	who.bundle_etag = bundle.etag;
	cache_key(&key, "manifest", generations, ARRAY_LEN(generations), q->caller);
	buf_addf(&key, " %s", bundle.etag);
	if (cache_get(hub_cache(q->hub), buf_str(&key), who.now_ms, c))
		return 0;
	r = manifest_build(q->db, &who, &text, &lasting, e);
	if (r == 0)
		cache_put(hub_cache(q->hub), buf_str(&key), &text,
			  &(struct cache_options){ .lasting = lasting }, c);
	return r;
}

/* Many come with the same manifest, that of yesterday evening: the difference is made once. */
static bool find_difference(struct request *q, const char *trail, const struct cached *whole,
			    const struct trail_found *found, struct cached *ret_c)
{
	AUTO_BUF struct buf key = BUF_INIT(BUF_OWN_MAX);
	/* over half of the whole, which is there gzipped, it is not worth its making */
	AUTO_BUF struct buf text = BUF_INIT(http_blob_size(whole->blob) / 2);

	buf_addf(&key, "%s %s %s", trail, found->base, whole->etag);
	if (cache_get(hub_cache(q->hub), buf_str(&key), 0, ret_c))
		return true;
	if (!since_write(http_blob_plain(whole->blob), &found->names, &text))
		return false;
	cache_put(hub_cache(q->hub), buf_str(&key), &text, &(struct cache_options){ 0 }, ret_c);
	return true;
}

/* True when it was sent. What was given is noted for who does not ask for differences, too. */
static bool send_difference(struct request *q, const struct cached *whole)
{
	AUTO(trail_found_release) struct trail_found found = TRAIL_FOUND_INIT;
	AUTO_BUF struct buf key = BUF_INIT(BUF_OWN_MAX);
	AUTO_CACHED struct cached c = CACHED_INIT;
	const char *asked = http_header(q->in, "A-IM");
	bool wanted = asked && strcasecmp(asked, SINCE_MANIPULATION) == 0;

	cache_key(&key, "since", NULL, 0, q->caller);
	if (!trails_follow(hub_trails(q->hub), buf_str(&key), whole,
			   wanted ? http_header(q->in, "If-None-Match") : NULL, &found) ||
	    !find_difference(q, buf_str(&key), whole, &found, &c))
		return false;
	http_reply_add(q->in, "ETag", whole->etag);
	http_reply_add(q->in, "Cache-Control", "private, no-cache");
	http_reply_add(q->in, "IM", SINCE_MANIPULATION);
	http_reply_add(q->in, "Delta-Base", found.base);
	http_reply_blob(q->in, SINCE_STATUS, "application/json", c.blob);
	return true;
}

int api_manifest(struct request *q, struct err *e)
{
	AUTO_CACHED struct cached c = CACHED_INIT;
	int r = excerpts_first(q, NULL, e);

	if (r != 0)
		return r < 0 ? r : 0;
	r = request_read(q, e);
	if (r == 0)
		r = find_manifest(q, &c, e);
	db_rollback(q->db);
	if (r == 0 && !send_difference(q, &c))
		cache_reply(q->in, "application/json", &c);
	return r;
}
