/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of a delta, and what is made by it: random pairs of files, cut at random, become the new
 * file whatever the gap is. Rows that say where chunks are.
 */
#include "scratch.h"
#include "test.h"

#include "base/str.h"
#include "engine/root.h"
#include "tables/chunks-internal.h"
#include "tables/delta.h"
#include "tables/held.h"
#include "tables/local.h"

#define FILE_MAX ((size_t)3 << 20)
#define TRIALS   300

struct dice {
	uint64_t x;
};

static uint64_t roll(struct dice *d, uint64_t below)
{
	d->x ^= d->x << 13;
	d->x ^= d->x >> 7;
	d->x ^= d->x << 17;
	return (d->x >> 11) % below;
}

static void fill(struct dice *d, char *p, size_t n)
{
	for (size_t i = 0; i < n; i += 8) {
		uint64_t x = roll(d, UINT64_MAX >> 11);

		memcpy(p + i, &x, n - i < 8 ? n - i : 8);
	}
}

static void add_number(struct buf *out, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		buf_addc(out, (char)(value >> (8 * i) & 0xff));
}

static void add_hash(struct buf *out, const char *p, size_t n, size_t keep)
{
	AUTO_HASH struct hash *h = hash_new(HASH_SHA256);
	unsigned char digest[SHA256_BYTES];

	hash_add(h, p, n);
	hash_raw(h, digest);
	buf_add(out, digest, keep);
}

/* An index of the bytes with cuts of our own: any that the format allows. */
static struct chunks *cut(struct dice *d, const char *p, size_t n, bool by_content)
{
	AUTO_BUF struct buf entries = BUF_INIT(CHUNKS_TEXT_MAX), text = BUF_INIT(CHUNKS_TEXT_MAX);
	struct chunks *c = NULL;
	struct err e = { 0 };
	uint64_t count = 0;

	for (size_t at = 0; at < n; count++) {
		size_t length = CHUNK_LEAST + (by_content ? 0 : roll(d, 40000));

		/* After a byte that says so: an edit moves only the cuts near it. */
		while (by_content && at + length < n && length < CHUNK_MOST - 1 &&
		       (p[at + length] & 0x0fff) != 0 && (p[at + length - 1] & 0x3f) != 0)
			length++;
		if (n - at < length + CHUNK_LEAST)
			length = n - at < CHUNK_MOST ? n - at : CHUNK_MOST;
		add_hash(&entries, p + at, length, CHUNK_HASH);
		add_number(&entries, length, 3);
		at += length;
	}
	buf_adds(&text, CHUNKS_MAGIC);
	add_number(&text, CHUNKS_VERSION, 4);
	add_number(&text, count, 4);
	add_number(&text, n, 8);
	add_hash(&text, p, n, SHA256_BYTES);
	buf_add(&text, entries.p, entries.n);
	for (size_t at = 0; at < n; at += (size_t)CHUNKS_BLOCK)
		add_hash(&text, p + at,
			 n - at < (size_t)CHUNKS_BLOCK ? n - at : (size_t)CHUNKS_BLOCK,
			 SHA256_BYTES);
	add_hash(&text, text.p, text.n, SHA256_BYTES);
	CHECK_OK(chunks_parse(buf_bytes(&text), &c, &e));
	return c;
}

/* The new file: pieces of the old one, shuffled, lost and doubled, with new bytes between. */
static size_t edit(struct dice *d, const char *old, size_t n, char *out)
{
	size_t made = 0;

	for (uint64_t i = roll(d, 12) + 1; i > 0; i--) {
		size_t from = roll(d, n);
		size_t length = roll(d, n - from) + 1;

		if (roll(d, 3) == 0)
			length = roll(d, 5000) + 1;
		if (length > FILE_MAX - made)
			length = FILE_MAX - made;
		if (length && roll(d, 3) == 0)
			fill(d, out + made, length);
		else
			memcpy(out + made, old + from, length < n - from ? length : n - from);
		made += length < n - from ? length : n - from;
	}
	return made;
}

static int find(void *ctx, const struct chunk *chunk, const struct delta_place *wish,
		struct delta_place *ret_place, struct err *e)
{
	const struct chunks *old = ctx;

	(void)wish;
	(void)e;
	*ret_place = (struct delta_place){ .kind = DELTA_FETCH };
	for (size_t i = 0; i < old->count; i++) {
		struct chunk c = chunks_at(old, i);

		if (c.length == chunk->length && memcmp(c.hash, chunk->hash, CHUNK_HASH) == 0)
			*ret_place = (struct delta_place){ DELTA_COPY, 1, c.offset };
	}
	return ret_place->kind == DELTA_COPY;
}

static void reassemble(const struct delta *d, const char *old, const char *new, size_t n)
{
	AUTO_FREE char *out = xcalloc(n + 1, 1);
	int64_t at = 0;

	for (size_t i = 0; i < d->n; i++) {
		const struct delta_piece *piece = &d->pieces[i];

		CHECK_INT(piece->offset, at);
		CHECK(piece->place.kind == DELTA_COPY || piece->length <= DELTA_RANGE_MAX);
		memcpy(out + at,
		       piece->place.kind == DELTA_COPY ? old + piece->place.from : new + at,
		       (size_t)piece->length);
		at += piece->length;
	}
	CHECK_INT(at, (int64_t)n);
	CHECK(memcmp(out, new, n) == 0);
	CHECK_INT(d->bytes[DELTA_COPY] + d->bytes[DELTA_FETCH], (int64_t)n);
}

TEST(any_pair_of_files_cut_anywhere_becomes_the_new_one)
{
	AUTO_FREE char *old = xcalloc(FILE_MAX, 1);
	AUTO_FREE char *new = xcalloc(FILE_MAX, 1);
	struct dice d = { .x = 88172645463325252ULL };

	for (int i = 0; i < TRIALS; i++) {
		size_t n = roll(&d, 400000) + 1, made;
		bool by_content = roll(&d, 2);
		AUTO_CHUNKS struct chunks *a = NULL;
		AUTO_CHUNKS struct chunks *b = NULL;
		AUTO_DELTA struct delta *delta = NULL;
		struct delta_request q = { .find = find, .gap = (int64_t)roll(&d, 100000) };
		struct err e = { 0 };

		fill(&d, old, n);
		made = edit(&d, old, n, new);
		a = cut(&d, old, n, by_content);
		b = cut(&d, new, made, by_content);
		q.chunks = b;
		q.ctx = a;
		CHECK_OK(delta_plan(&q, &delta, &e));
		reassemble(delta, old, new, made);
	}
}

struct pattern {
	const char *text; /* a chunk each: c copied, f fetched */
};

static int find_pattern(void *ctx, const struct chunk *chunk, const struct delta_place *wish,
			struct delta_place *ret_place, struct err *e)
{
	struct pattern *p = ctx;
	bool copied = *p->text++ == 'c';

	(void)wish;
	(void)e;
	*ret_place = (struct delta_place){ copied ? DELTA_COPY : DELTA_FETCH, 1, chunk->offset };
	return copied;
}

static struct delta *plan_of(const char *text, int64_t gap, int64_t range)
{
	AUTO_BUF struct buf bytes = BUF_INIT(FILE_MAX);
	AUTO_CHUNKS struct chunks *c = NULL;
	struct delta *d = NULL;
	struct pattern p = { text };
	struct delta_request q = { .gap = gap, .range = range, .ctx = &p, .find = find_pattern };
	struct dice dice = { .x = 1 };
	struct err e = { 0 };

	for (size_t i = 0; i < strlen(text) * CHUNK_LEAST; i++)
		buf_addc(&bytes, 0);
	(void)dice;
	/* All zero and cut by content: each chunk has the least length. */
	c = cut(&dice, bytes.p, bytes.n, true);
	CHECK_INT(c->count, strlen(text));
	q.chunks = c;
	CHECK_OK(delta_plan(&q, &d, &e));
	return d;
}

static void check_pattern(const char *text, int64_t gap, size_t pieces, int64_t fetched)
{
	AUTO_DELTA struct delta *d = plan_of(text, gap, 0);

	CHECK_INT(d->n, pieces);
	CHECK_INT(d->bytes[DELTA_FETCH], fetched * (int64_t)CHUNK_LEAST);
}

TEST(a_gap_is_fetched_along_up_to_its_limit_and_only_between)
{
	check_pattern("fcf", CHUNK_LEAST, 1, 3);
	check_pattern("fcf", CHUNK_LEAST - 1, 3, 2);
	check_pattern("fccf", CHUNK_LEAST, 3, 2);
	check_pattern("cfc", CHUNK_LEAST, 3, 1);
	check_pattern("fcfcf", CHUNK_LEAST, 1, 5);
	check_pattern("cccc", 0, 1, 0);
	check_pattern("ffff", 0, 1, 4);
}

TEST(ranges_keep_to_chunks_but_where_all_is_fetched)
{
	AUTO_DELTA struct delta *all = plan_of("ffff", 0, CHUNK_LEAST + 1);
	AUTO_DELTA struct delta *along = plan_of("fcff", CHUNK_LEAST, CHUNK_LEAST + 1);
	AUTO_DELTA struct delta *some = plan_of("fcff", 0, CHUNK_LEAST + 1);

	CHECK_INT(all->n, 4);
	CHECK_INT(all->pieces[1].offset, CHUNK_LEAST + 1);
	CHECK_INT(all->bytes[DELTA_FETCH], 4 * CHUNK_LEAST);
	CHECK_INT(along->pieces[1].offset, CHUNK_LEAST + 1);
	CHECK_INT(some->n, 3);
	CHECK_INT(some->pieces[2].length, 2 * CHUNK_LEAST);
}

TEST(a_file_of_which_nothing_is_here_is_fetched_in_ranges_that_cover_it)
{
	static const int64_t sizes[] = { 1, 4 << 20, (4 << 20) + 1, (12 << 20) - 1 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		const struct chunks c = { .size = sizes[i] };
		const struct delta_request q = { .chunks = &c, .range = 4 << 20 };
		AUTO_DELTA struct delta *d = NULL;
		struct err e = { 0 };
		int64_t at = 0;

		CHECK_OK(delta_plan(&q, &d, &e));
		for (size_t k = 0; k < d->n; k++) {
			CHECK_INT(d->pieces[k].place.kind, DELTA_FETCH);
			CHECK_INT(d->pieces[k].offset, at);
			assert_true(d->pieces[k].length > 0 && d->pieces[k].length <= 4 << 20);
			at += d->pieces[k].length;
		}
		CHECK_INT(at, sizes[i]);
		CHECK_INT(d->bytes[DELTA_FETCH], sizes[i]);
	}
}

TEST(the_gap_follows_the_link)
{
	CHECK_INT(delta_gap(0, 1000000000, 8), 0);
	CHECK_INT(delta_gap(20000, 20000000, 8), 50000);
	CHECK_INT(delta_gap(80000, 20000000, 8), 200000);
	CHECK_INT(delta_gap(INT64_MAX, INT64_MAX, 1), DELTA_GAP_MAX);
	CHECK_INT(delta_gap(-5, -5, 0), 0);
}

TEST(a_patch_pays_where_the_link_is_slower_than_this_machine)
{
	struct delta_choice c = {
		.missing = 100, .patch = 1, .part = 100, .rate = 10, .rebuild_rate = 25
	};

	CHECK(delta_patch_pays(&c));
	c.rate = 30;
	CHECK(!delta_patch_pays(&c));
	c = (struct delta_choice){
		.missing = 30, .patch = 1, .part = 100, .rate = 10, .rebuild_rate = 25
	};
	CHECK(!delta_patch_pays(
		&c)); /* by chunks a third comes: three seconds, or four to make it */
	c.missing = 50;
	CHECK(delta_patch_pays(&c));
	c.patch = 50; /* no longer than what is missing */
	CHECK(!delta_patch_pays(&c));
	c = (struct delta_choice){ .missing = INT64_MAX, .part = INT64_MAX, .rate = 1 };
	CHECK(!delta_patch_pays(&c)); /* not known how quick */
}

static struct root *workspace_root_of(const char *folder)
{
	static const struct db_schema *const schemas[] = { &local_schema };
	struct root_options o = {
		.path = folder, .schemas = schemas, .schema_count = 1, .create = true
	};
	struct root *root = NULL;
	struct err e = { 0 };

	CHECK_OK(root_open(&o, &root, &e));
	return root;
}

TEST(held_chunks_are_found_in_every_file_and_forgotten_with_theirs)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = workspace_root_of(folder);
	AUTO_FREE char *bytes = xcalloc(400000, 1);
	struct dice d = { .x = 77 };
	AUTO_CHUNKS struct chunks *a = NULL;
	AUTO_CHUNKS struct chunks *b = NULL;
	AUTO_CHUNKS struct chunks *back = NULL;
	struct delta_place wish = { .kind = DELTA_FETCH }, place = { .kind = DELTA_FETCH };
	struct chunk c;
	char file[HASH_HEX_MAX];
	struct err e = { 0 };

	fill(&d, bytes, 400000);
	a = cut(&d, bytes, 400000, true);
	b = cut(&d, bytes, 399000, true); /* shares all but its last */
	CHECK_OK(db_begin(root_db(root), &e));
	CHECK_OK(held_add(root_db(root), a, &e));
	CHECK_OK(held_add(root_db(root), a, &e));
	CHECK_OK(held_add(root_db(root), b, &e));
	CHECK_OK(db_commit(root_db(root), &e));

	c = chunks_at(a, 0);
	CHECK_INT(held_find(root_db(root), &c, &wish, &place, &e), 1);
	CHECK_OK(held_file(root_db(root), place.source, file, &e));
	CHECK_STR(file, a->sha256);
	/* What follows the chunk before it is preferred, in whichever file that was. */
	wish = (struct delta_place){ DELTA_COPY, place.source + 1, 0 };
	CHECK_INT(held_find(root_db(root), &c, &wish, &place, &e), 1);
	CHECK_INT(place.source, wish.source);

	CHECK_INT(held_index(root_db(root), a->sha256, &back, &e), 1);
	CHECK_INT(back->count, a->count);
	CHECK_OK(held_forget(root_db(root), a->sha256, &e));
	CHECK_OK(held_forget(root_db(root), a->sha256, &e));
	CHECK_INT(held_find(root_db(root), &c, &wish, &place, &e), 1);
	CHECK_OK(held_forget(root_db(root), b->sha256, &e));
	CHECK_INT(held_find(root_db(root), &c, &wish, &place, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(any_pair_of_files_cut_anywhere_becomes_the_new_one),
		CASE(a_gap_is_fetched_along_up_to_its_limit_and_only_between),
		CASE(ranges_keep_to_chunks_but_where_all_is_fetched),
		CASE(a_file_of_which_nothing_is_here_is_fetched_in_ranges_that_cover_it),
		CASE(the_gap_follows_the_link),
		CASE(a_patch_pays_where_the_link_is_slower_than_this_machine),
		CASE(held_chunks_are_found_in_every_file_and_forgotten_with_theirs),
	};

	return RUN(tests);
}
