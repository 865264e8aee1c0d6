/* SPDX-License-Identifier: Apache-2.0 */
/* Which manifests were given: followed for the same groups, within limits. */
#include "hub/trail.h"

#include "net/http-blob.h"
#include "test.h"

static void trails_auto(struct trails **p)
{
	trails_free(*p);
}

struct given {
	struct cached c;
};

static void given_release(struct given *g)
{
	cached_release(&g->c);
}

static struct given give(struct buf *text, size_t lasting)
{
	struct given g = { .c = CACHED_INIT };
	char hex[HASH_HEX_MAX];

	hash_text(HASH_SHA256, (struct bytes){ text->p, lasting ? lasting : text->n }, hex);
	(void)snprintf(g.c.etag, sizeof(g.c.etag), "\"%s\"", hex);
	g.c.blob = http_blob_new(text, false);
	return g;
}

/* A manifest of one table with that hash, made by hand in the hub's form. */
static struct given small(const char *name, unsigned n)
{
	AUTO_BUF struct buf text = BUF_INIT(1 << 20);

	buf_addf(&text, "{\"tables\":{\"%s\":{\"id\":\"x\",\"rows\":%u}},\"assets\":{}}", name, n);
	return give(&text, 0);
}

TEST(only_callers_of_the_same_groups_are_told_what_changed)
{
	AUTO(trails_auto) struct trails *trails = trails_new();
	AUTO(trail_found_release) struct trail_found f = TRAIL_FOUND_INIT;
	AUTO(given_release) struct given first = small("a", 1);
	AUTO(given_release) struct given second = small("b", 1);
	AUTO_FREE char *weak = xasprintf("\"other\", W/%s", first.c.etag);

	CHECK(!trails_follow(trails, "one", &first.c, NULL, &f));
	CHECK(!trails_follow(trails, "two", &second.c, first.c.etag, &f));
	CHECK(!trails_follow(trails, "one", &second.c, "\"never given\"", &f));
	CHECK(!trails_follow(trails, "one", &second.c, second.c.etag, &f));
	CHECK(trails_follow(trails, "one", &second.c, weak, &f));
	CHECK_STR(f.base, first.c.etag);
	CHECK_INT(f.names.n, 2);
	CHECK_STR(f.names.v[0], "a");
	CHECK_STR(f.names.v[1], "b");
}

TEST(a_list_of_tags_is_looked_at_up_to_its_limit)
{
	AUTO(trails_auto) struct trails *trails = trails_new();
	AUTO(trail_found_release) struct trail_found f = TRAIL_FOUND_INIT;
	AUTO(given_release) struct given first = small("a", 1);
	AUTO(given_release) struct given second = small("a", 2);
	AUTO_FREE char *fits =
		xasprintf("%*s", TRAIL_KNOWN_MAX, first.c.etag); /* blanks before it */
	AUTO_FREE char *longer = xasprintf(" %s", fits);

	CHECK(!trails_follow(trails, "k", &first.c, NULL, &f));
	CHECK(!trails_follow(trails, "k", &second.c, longer, &f));
	CHECK(trails_follow(trails, "k", &second.c, fits, &f));
}

TEST(what_was_given_and_given_again_is_followed_from_the_last_time)
{
	AUTO(trails_auto) struct trails *trails = trails_new();
	AUTO(trail_found_release) struct trail_found f = TRAIL_FOUND_INIT;
	AUTO(given_release) struct given a = small("a", 1);
	AUTO(given_release) struct given b = small("b", 1);
	AUTO(given_release) struct given c = small("a", 2);

	CHECK(!trails_follow(trails, "k", &a.c, NULL, &f));
	CHECK(!trails_follow(trails, "k", &b.c, NULL, &f));
	CHECK(!trails_follow(trails, "k", &a.c, NULL, &f));
	CHECK(trails_follow(trails, "k", &c.c, a.c.etag, &f));
	CHECK_INT(f.names.n, 1);
	CHECK_STR(f.names.v[0], "a");
}

TEST(the_steps_of_a_trail_are_so_many)
{
	AUTO(trails_auto) struct trails *trails = trails_new();
	AUTO(trail_found_release) struct trail_found f = TRAIL_FOUND_INIT;
	AUTO(given_release) struct given first = small("a", 0);
	AUTO(given_release) struct given second = small("a", 1);

	CHECK(!trails_follow(trails, "k", &first.c, NULL, &f));
	CHECK(!trails_follow(trails, "k", &second.c, NULL, &f));
	for (unsigned n = 2; n <= TRAIL_STEPS_MAX + 1; n++) {
		AUTO(given_release) struct given next = small("a", n);
		AUTO(trail_found_release) struct trail_found g = TRAIL_FOUND_INIT;
		bool is_last = n == TRAIL_STEPS_MAX + 1;

		CHECK(trails_follow(trails, "k", &next.c, first.c.etag, &g) == !is_last);
		CHECK(trails_follow(trails, "k", &next.c, second.c.etag, &f));
		trail_found_release(&f);
		f = (struct trail_found)TRAIL_FOUND_INIT;
	}
}

TEST(the_names_of_a_trail_have_a_limit)
{
	AUTO(trails_auto) struct trails *trails = trails_new();
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO(given_release) struct given empty = small("a", 1);
	AUTO(given_release) struct given after = small("a", 2);
	char name[128];

	memset(name, 'x', sizeof(name));
	buf_adds(&text, "{\"tables\":{");
	for (unsigned i = 0; i < TRAIL_NAMES_MAX / sizeof(name); i++)
		buf_addf(&text, "%s\"%04u%.123s\":{\"id\":\"x\"}", i ? "," : "", i, name);
	buf_adds(&text, "}}");
	AUTO(given_release) struct given many = give(&text, 0);
	AUTO(trail_found_release) struct trail_found f = TRAIL_FOUND_INIT;

	/* all of them and "a": just too much */
	CHECK(!trails_follow(trails, "k", &empty.c, NULL, &f));
	CHECK(!trails_follow(trails, "k", &many.c, empty.c.etag, &f));
	/* what follows is remembered again */
	CHECK(!trails_follow(trails, "k", &after.c, many.c.etag, &f));
	CHECK(trails_follow(trails, "k", &empty.c, after.c.etag, &f));
	CHECK_INT(f.names.n, 1);
}

TEST(the_trail_not_asked_for_longest_makes_room)
{
	AUTO(trails_auto) struct trails *trails = trails_new();
	AUTO(trail_found_release) struct trail_found f = TRAIL_FOUND_INIT;
	AUTO(given_release) struct given first = small("a", 1);
	AUTO(given_release) struct given second = small("a", 2);
	char key[16];

	for (int i = 0; i <= TRAILS_MAX; i++) {
		(void)snprintf(key, sizeof(key), "k%d", i);
		CHECK(!trails_follow(trails, key, &first.c, NULL, &f));
	}
	CHECK(trails_follow(trails, "k1", &second.c, first.c.etag, &f));
	CHECK(!trails_follow(trails, "k0", &second.c, first.c.etag, &f));
}

TEST(the_texts_of_all_trails_have_a_limit)
{
	AUTO(trails_auto) struct trails *trails = trails_new();
	AUTO(trail_found_release) struct trail_found f = TRAIL_FOUND_INIT;
	AUTO(given_release) struct given first = small("a", 1);
	AUTO(given_release) struct given second = small("a", 2);
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf more = BUF_INIT(BUF_OWN_MAX);

	memset(buf_reserve(&text, TRAILS_TEXT_MAX), ' ', TRAILS_TEXT_MAX);
	text.n = TRAILS_TEXT_MAX;
	memset(buf_reserve(&more, TRAILS_TEXT_MAX + 1), ' ', TRAILS_TEXT_MAX + 1);
	more.n = TRAILS_TEXT_MAX + 1;
	AUTO(given_release) struct given full = give(&text, 10);
	AUTO(given_release) struct given over = give(&more, 11);

	CHECK(!trails_follow(trails, "small", &first.c, NULL, &f));
	CHECK(!trails_follow(trails, "over", &over.c, NULL, &f));
	CHECK(trails_follow(trails, "small", &second.c, first.c.etag, &f));
	CHECK(!trails_follow(trails, "full", &full.c, NULL, &f));
	CHECK(!trails_follow(trails, "small", &first.c, second.c.etag, &f));
}

/* A manifest of tables, each a letter. */
static struct given of_tables(const char *letters)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&text, "{\"tables\":{");
	for (const char *p = letters; *p; p++)
		buf_addf(&text, "%s\"%c\":{\"id\":\"x\"}", p > letters ? "," : "", *p);
	buf_adds(&text, "},\"assets\":{}}");
	return give(&text, 0);
}

TEST(what_came_and_went_meanwhile_is_told_to_nobody)
{
	static const char *const later[] = { "abs", "bcs", "bc", "abcs", "bc" };
	AUTO(trails_auto) struct trails *trails = trails_new();
	AUTO(given_release) struct given first = of_tables("ab");
	AUTO(trail_found_release) struct trail_found f = TRAIL_FOUND_INIT;

	CHECK(!trails_follow(trails, "k", &first.c, NULL, &f));
	for (size_t i = 0; i < ARRAY_LEN(later); i++) {
		AUTO(given_release) struct given next = of_tables(later[i]);

		trail_found_release(&f);
		f = (struct trail_found)TRAIL_FOUND_INIT;
		CHECK(trails_follow(trails, "k", &next.c, first.c.etag, &f));
	}
	CHECK_INT(f.names.n, 2);
	CHECK_STR(f.names.v[0], "a");
	CHECK_STR(f.names.v[1], "c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(only_callers_of_the_same_groups_are_told_what_changed),
		CASE(a_list_of_tags_is_looked_at_up_to_its_limit),
		CASE(what_was_given_and_given_again_is_followed_from_the_last_time),
		CASE(what_came_and_went_meanwhile_is_told_to_nobody),
		CASE(the_steps_of_a_trail_are_so_many),
		CASE(the_names_of_a_trail_have_a_limit),
		CASE(the_trail_not_asked_for_longest_makes_room),
		CASE(the_texts_of_all_trails_have_a_limit),
	};

	return RUN(tests);
}
