/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/cache.h"

#include "test.h"

static void cache_auto(struct blob_cache **p)
{
	cache_free(*p);
}

static void put(struct blob_cache *cache, const char *key, size_t size, int64_t good_until_ms)
{
	struct buf body = BUF_INIT(BUF_OWN_MAX);
	AUTO_CACHED struct cached c = CACHED_INIT;
	char *p = buf_reserve(&body, size);

	memset(p, 'x', size);
	body.n = size;
	cache_put(cache, key, &body, &(struct cache_options){ .good_until_ms = good_until_ms }, &c);
	CHECK_INT(http_blob_size(c.blob), size);
}

static bool has(struct blob_cache *cache, const char *key, int64_t now_ms)
{
	AUTO_CACHED struct cached c = CACHED_INIT;

	return cache_get(cache, key, now_ms, &c);
}

TEST(what_was_put_is_found_until_its_time)
{
	AUTO(cache_auto) struct blob_cache *cache = cache_new();

	put(cache, "k", 10, 100);
	CHECK(has(cache, "k", 99));
	CHECK(!has(cache, "other", 99));
	CHECK(!has(cache, "k", 100));
	put(cache, "k", 10, 0);
	CHECK(has(cache, "k", INT64_MAX));
}

TEST(equal_texts_have_equal_tags)
{
	AUTO(cache_auto) struct blob_cache *cache = cache_new();
	AUTO_CACHED struct cached a = CACHED_INIT;
	AUTO_CACHED struct cached b = CACHED_INIT;

	put(cache, "a", 10, 0);
	put(cache, "b", 10, 0);
	CHECK(cache_get(cache, "a", 0, &a) && cache_get(cache, "b", 0, &b));
	CHECK_STR(a.etag, b.etag);
	CHECK_INT(strlen(a.etag), SHA256_HEX + 2);
}

TEST(the_entry_not_asked_for_longest_makes_room)
{
	AUTO(cache_auto) struct blob_cache *cache = cache_new();
	char key[16];

	for (int i = 0; i < CACHE_ENTRIES; i++) {
		(void)snprintf(key, sizeof(key), "k%d", i);
		put(cache, key, 10, 0);
	}
	CHECK(has(cache, "k0", 0));
	put(cache, "new", 10, 0);
	CHECK(has(cache, "k0", 0) && has(cache, "new", 0) && has(cache, "k2", 0));
	CHECK(!has(cache, "k1", 0));
}

TEST(the_bytes_of_all_entries_have_a_limit)
{
	AUTO(cache_auto) struct blob_cache *cache = cache_new();

	put(cache, "a", CACHE_BYTES_MAX / 2, 0);
	put(cache, "b", CACHE_BYTES_MAX / 2, 0);
	CHECK(has(cache, "a", 0) && has(cache, "b", 0));
	put(cache, "c", 1, 0);
	CHECK(!has(cache, "a", 0) && has(cache, "b", 0) && has(cache, "c", 0));
	put(cache, "too large", CACHE_BYTES_MAX + 1, 0);
	CHECK(!has(cache, "too large", 0) && has(cache, "b", 0));
}

TEST(a_lent_text_outlives_its_entry)
{
	AUTO(cache_auto) struct blob_cache *cache = cache_new();
	AUTO_CACHED struct cached c = CACHED_INIT;

	put(cache, "k", 10, 0);
	CHECK(cache_get(cache, "k", 0, &c));
	put(cache, "k", 20, 0);
	CHECK_INT(http_blob_size(c.blob), 10);
}

static void key_of(const char *const *groups, bool is_admin, int64_t generation, struct buf *out)
{
	AUTO_CALLER struct caller caller = CALLER_INIT;

	caller.is_admin = is_admin;
	for (size_t i = 0; groups[i]; i++)
		strv_add(&caller.group_ids, groups[i]);
	cache_key(out, "bundle", &generation, 1, &caller);
}

TEST(each_state_and_set_of_groups_has_a_key_of_its_own)
{
	static const char *const sets[][3] = {
		{ NULL }, { "a", NULL }, { "a", "b", NULL }, { "ab", NULL }, { "all", NULL }
	};
	AUTO_STRV struct strv keys = STRV_INIT;

	/* The sets, then an admin, then another state. */
	for (size_t i = 0; i < ARRAY_LEN(sets) + 2; i++) {
		struct buf key = BUF_INIT(BUF_OWN_MAX);

		key_of(sets[i % ARRAY_LEN(sets)], i == ARRAY_LEN(sets), i > ARRAY_LEN(sets) ? 2 : 1,
		       &key);
		strv_adopt(&keys, buf_take(&key));
	}
	for (size_t i = 0; i < keys.n; i++) {
		for (size_t j = 0; j < i; j++)
			CHECK(strcmp(keys.v[i], keys.v[j]) != 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_was_put_is_found_until_its_time),
		CASE(equal_texts_have_equal_tags),
		CASE(the_entry_not_asked_for_longest_makes_room),
		CASE(the_bytes_of_all_entries_have_a_limit),
		CASE(a_lent_text_outlives_its_entry),
		CASE(each_state_and_set_of_groups_has_a_key_of_its_own),
	};

	return RUN(tests);
}
