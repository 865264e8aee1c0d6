/* SPDX-License-Identifier: Apache-2.0 */
/* The chunk index: what is built is read back, cuts survive an insertion, hostile ones are refused. */
#include "scratch.h"
#include "test.h"

#include "base/str.h"
#include "tables/blocks.h"
#include "tables/chunks-internal.h"
#include "tables/parquet-cuts.h"

#include <fcntl.h>

struct bench {
	char *folder;
	char *data;
	size_t n;
	struct buf index;
	struct chunks *chunks;
};

/* Bytes without any pattern, the same for the same seed. */
static void noise(char *p, size_t n, uint64_t seed)
{
	uint64_t x = seed * 2 + 1;

	for (size_t i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		p[i] = (char)x;
	}
}

static void build(struct bench *b)
{
	AUTO_FREE char *path = xasprintf("%s/file", b->folder);
	AUTO_FD int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char hex[HASH_HEX_MAX];
	struct err e = { 0 };

	assert_true(fd >= 0);
	assert_int_equal(write(fd, b->data, b->n), (ssize_t)b->n);
	hash_text(HASH_SHA256, (struct bytes){ b->data, b->n }, hex);
	buf_release(&b->index);
	b->index = (struct buf)BUF_INIT(CHUNKS_TEXT_MAX);
	chunks_free(TAKE(b->chunks));
	CHECK_OK(chunks_build(fd, (int64_t)b->n, hex, &b->index, &e));
	CHECK_OK(chunks_parse(buf_bytes(&b->index), &b->chunks, &e));
	CHECK_STR(b->chunks->sha256, hex);
	hex[0] = hex[0] == '0' ? '1' : '0';
	CHECK_INT(chunks_build(fd, (int64_t)b->n, hex, &b->index, &e), ERR_CORRUPT);
}

static void bench_release(struct bench *b)
{
	chunks_free(b->chunks);
	buf_release(&b->index);
	free(b->data);
}

/* The index's own hash after a test has changed what it is of. */
static void seal(struct buf *index)
{
	AUTO_HASH struct hash *h = hash_new(HASH_SHA256);

	hash_add(h, index->p, index->n - SHA256_BYTES);
	hash_raw(h, (unsigned char *)index->p + index->n - SHA256_BYTES);
}

static void check_chunk(const struct bench *b, struct chunk c, bool last)
{
	AUTO_HASH struct hash *h = hash_new(HASH_SHA256);
	unsigned char digest[SHA256_BYTES];

	CHECK(c.length <= CHUNK_MOST && (last || c.length >= CHUNK_LEAST));
	hash_add(h, b->data + c.offset, (size_t)c.length);
	hash_raw(h, digest);
	CHECK(memcmp(digest, c.hash, CHUNK_HASH) == 0);
}

static void check_blocks(const struct bench *b)
{
	for (size_t i = 0; i < b->chunks->block_count; i++) {
		AUTO_HASH struct hash *h = hash_new(HASH_SHA256);
		size_t at = i * (size_t)CHUNKS_BLOCK;
		size_t n = b->n - at < (size_t)CHUNKS_BLOCK ? b->n - at : (size_t)CHUNKS_BLOCK;
		unsigned char digest[SHA256_BYTES];

		hash_add(h, b->data + at, n);
		hash_raw(h, digest);
		CHECK(memcmp(digest, chunks_block(b->chunks, i), SHA256_BYTES) == 0);
	}
}

TEST(chunks_cover_the_file_and_have_its_hashes)
{
	static const size_t sizes[] = { 1, 4095, 4096, 16384, 262144 + 4096, 1048576, 5000001 };
	AUTO_SCRATCH char *folder = scratch_new();

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		AUTO(bench_release) struct bench b = { .folder = folder, .n = sizes[i] };
		int64_t at = 0;

		b.data = xmalloc(b.n);
		noise(b.data, b.n, i + 1);
		build(&b);
		for (size_t k = 0; k < b.chunks->count; k++) {
			struct chunk c = chunks_at(b.chunks, k);

			CHECK_INT(c.offset, at);
			CHECK_INT(chunks_find(b.chunks, at), k);
			CHECK_INT(chunks_find(b.chunks, at + c.length - 1), k);
			check_chunk(&b, c, k + 1 == b.chunks->count);
			at += c.length;
		}
		CHECK_INT(at, (int64_t)b.n);
		check_blocks(&b);
	}
}

TEST(an_index_is_under_a_twentieth_of_a_percent)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO(bench_release) struct bench b = { .folder = folder, .n = (size_t)32 << 20 };

	b.data = xmalloc(b.n);
	noise(b.data, b.n, 7);
	build(&b);
	CHECK(b.index.n * 2000 < b.n);
	CHECK(b.n / b.chunks->count > 48 * 1024 && b.n / b.chunks->count < 80 * 1024);
}

static void add_varint(struct buf *out, uint64_t value)
{
	for (; value > 0x7f; value >>= 7)
		buf_addc(out, (char)(value | 0x80));
	buf_addc(out, (char)value);
}

/* A Parquet file of row groups: columns of so many bytes each, from byte 4. */
struct layout {
	const size_t *columns;
	size_t n, groups;
	bool begun; /* a last group has a tenth of the rows */
};

static void add_group(struct buf *out, const struct layout *l, size_t part, size_t *at)
{
	buf_adds(out, "\x19\xfc"); /* its field 1: a list of n structures */
	add_varint(out, l->n);
	for (size_t i = 0; i < l->n; i++) {
		buf_adds(out, "\x3c\x76"); /* field 3, a structure: its fields 7 and 9 */
		add_varint(out, 2 * (l->columns[i] / part));
		buf_addc(out, 0x26);
		add_varint(out, 2 * *at);
		buf_add(out, "\0\0", 2);
		*at += l->columns[i] / part;
	}
	buf_addc(out, 0);
}

/* Its footer in Thrift. */
static void add_footer(struct buf *out, const struct layout *l)
{
	size_t begun = out->n, at = 4, length;

	buf_addc(out, 0x49); /* field 4: a list of structures */
	buf_addc(out, (char)((l->groups + l->begun) << 4 | 0x0c));
	for (size_t i = 0; i < l->groups; i++)
		add_group(out, l, 1, &at);
	if (l->begun)
		add_group(out, l, 10, &at);
	buf_addc(out, 0);
	length = out->n - begun;
	for (int i = 0; i < 4; i++)
		buf_addc(out, (char)(length >> (8 * i)));
	buf_adds(out, "PAR1");
}

#define NONE SIZE_MAX

/* The body is noise, but for the byte at `changed`. */
static void build_layout(struct bench *b, const struct layout *l, size_t changed)
{
	struct buf file = BUF_INIT((size_t)64 << 20);
	size_t bytes = 0;
	AUTO_FREE char *body = NULL;

	for (size_t i = 0; i < l->n; i++)
		bytes += l->columns[i] * l->groups + (l->begun ? l->columns[i] / 10 : 0);
	body = xmalloc(bytes);
	noise(body, bytes, 11);
	if (changed != NONE)
		body[changed] ^= 1;
	buf_adds(&file, "PAR1");
	buf_add(&file, body, bytes);
	add_footer(&file, l);
	b->data = file.p;
	b->n = file.n;
	build(b);
}

TEST(an_index_of_many_small_columns_is_no_longer_than_others)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO(bench_release) struct bench b = { .folder = folder };
	size_t columns[1000];

	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		columns[i] = 6000;
	build_layout(&b, &(struct layout){ columns, ARRAY_LEN(columns), 1, false }, NONE);
	CHECK(b.index.n * CHUNKS_FILE_SHARE < b.n);
	CHECK(b.n / b.chunks->count < 80 * 1024);
}

static size_t shared(const struct chunks *a, const struct chunks *b)
{
	size_t bytes = 0;

	for (size_t i = 0; i < b->count; i++)
		for (size_t k = 0; k < a->count; k++)
			if (memcmp(chunks_at(a, k).hash, chunks_at(b, i).hash, CHUNK_HASH) == 0) {
				bytes += (size_t)chunks_at(b, i).length;
				break;
			}
	return bytes;
}

/* How many bytes are others when one of them is. */
static size_t lost_by(const struct layout *l, size_t changed)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO(bench_release) struct bench a = { .folder = folder };
	AUTO(bench_release) struct bench b = { .folder = folder };

	build_layout(&a, l, NONE);
	build_layout(&b, l, changed);
	return b.n - shared(a.chunks, b.chunks);
}

TEST(the_header_of_a_large_page_costs_a_short_chunk)
{
	static const size_t columns[] = { 400000, 1700000, 500000 };
	const struct layout l = { columns, ARRAY_LEN(columns), 1, false };

	CHECK(lost_by(&l, 400010) <= 8192);
	CHECK(lost_by(&l, 2100010) <= 8192);
}

TEST(a_small_column_goes_with_small_ones_and_with_no_large_one)
{
	static const size_t columns[] = { 600000, 5500, 3600, 45000, 800000, 3000, 100, 5000 };
	const struct layout l = { columns, ARRAY_LEN(columns), 3, false };

	CHECK(lost_by(&l, 600010) <= 9100);
	CHECK(lost_by(&l, 605510) <= 9100);
	CHECK(lost_by(&l, 1454110) <= 3100 + 5000);
	CHECK(lost_by(&l, 609110) <= 45000);
}

TEST(row_groups_that_stay_are_cut_as_before)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO(bench_release) struct bench a = { .folder = folder };
	AUTO(bench_release) struct bench b = { .folder = folder };
	size_t columns[30];

	/* All with the next row group, the file had more chunks than its index has room for. */
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		columns[i] = 45200;
	build_layout(&a, &(struct layout){ columns, ARRAY_LEN(columns), 2, true }, NONE);
	build_layout(&b, &(struct layout){ columns, ARRAY_LEN(columns), 3, false }, NONE);
	CHECK(shared(a.chunks, b.chunks) + 45200 >= 2 * ARRAY_LEN(columns) * 45200);
}

TEST(an_insertion_moves_no_cut_but_its_neighbours)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO(bench_release) struct bench a = { .folder = folder, .n = (size_t)8 << 20 };
	AUTO(bench_release) struct bench b = { .folder = folder, .n = ((size_t)8 << 20) + 10 };

	a.data = xmalloc(a.n);
	b.data = xmalloc(b.n);
	noise(a.data, a.n, 3);
	memcpy(b.data, a.data, 1000000);
	memcpy(b.data + 1000000, "insertions", 10);
	memcpy(b.data + 1000010, a.data + 1000000, a.n - 1000000);
	build(&a);
	build(&b);
	CHECK(shared(a.chunks, b.chunks) + 600000 > b.n);
}

TEST(every_changed_byte_of_an_index_is_noticed)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO(bench_release) struct bench b = { .folder = folder, .n = 300000 };

	b.data = xmalloc(b.n);
	noise(b.data, b.n, 9);
	build(&b);
	for (size_t i = 0; i < b.index.n; i++) {
		struct chunks *c = NULL;
		struct err e = { 0 };

		b.index.p[i] ^= 1;
		CHECK_ERR(chunks_parse(buf_bytes(&b.index), &c, &e), ERR_CORRUPT);
		b.index.p[i] ^= 1;
		CHECK_ERR(chunks_parse((struct bytes){ b.index.p, i }, &c, &e), ERR_CORRUPT);
	}
}

static void refuse(struct buf *index, const char *why)
{
	struct chunks *c = NULL;
	struct err e = { 0 };

	seal(index);
	CHECK_ERR(chunks_parse(buf_bytes(index), &c, &e), ERR_CORRUPT);
	CHECK_HAS(e.msg, why);
}

TEST(an_index_that_lies_is_refused_though_its_hash_is_right)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO(bench_release) struct bench b = { .folder = folder, .n = 300000 };

	b.data = xmalloc(b.n);
	noise(b.data, b.n, 11);
	build(&b);
	memset(b.index.p + HEAD_SIZE, 0xff, 8); /* 2^64 - 1 bytes */
	refuse(&b.index, "over the limit");
	build(&b);
	memset(b.index.p + HEAD_SIZE, 0, 8);
	b.index.p[HEAD_SIZE + 7] = (char)0x80; /* 2^63 */
	refuse(&b.index, "over the limit");
	build(&b);
	b.index.p[HEAD_SIZE] ^= 1;
	refuse(&b.index, "not the file's length");
	build(&b);
	memset(b.index.p + HEAD_COUNT, 0xff, 4);
	refuse(&b.index, "length is not that of its entries");
	build(&b);
	memset(b.index.p + HEAD_BYTES + CHUNK_HASH, 0xff, 3); /* overlaps all that follow */
	refuse(&b.index, "no length of one");
	build(&b);
	memset(b.index.p + HEAD_BYTES + CHUNK_HASH, 0, 3);
	refuse(&b.index, "no length of one");
	build(&b);
	b.index.p[HEAD_VERSION] = 2;
	refuse(&b.index, "another version");
}

TEST(a_million_entries_of_one_byte_are_refused)
{
	AUTO_BUF struct buf index = BUF_INIT(CHUNKS_TEXT_MAX);
	static const unsigned char entry[ENTRY_BYTES] = { [CHUNK_HASH] = 1 };
	static const unsigned char head[HEAD_BYTES] = {
		'L', 'A', 'R',  'D',  'E',  'R', 'C',  'I',  1,    0,
		0,   0,   0x40, 0x42, 0x0f, 0,   0x40, 0x42, 0x0f,
	};
	static const char hashes[2 * SHA256_BYTES];

	buf_add(&index, head, sizeof(head));
	for (size_t i = 0; i < 1000000; i++)
		buf_add(&index, entry, sizeof(entry));
	buf_add(&index, hashes, sizeof(hashes));
	refuse(&index, "no length of one");
}

TEST(an_index_over_the_limit_is_not_looked_at)
{
	static const char one = 0;
	struct chunks *c = NULL;
	struct err e = { 0 };

	CHECK_ERR(chunks_parse((struct bytes){ &one, CHUNKS_TEXT_MAX + 1 }, &c, &e), ERR_LIMIT);
}

TEST(a_footer_that_is_none_has_no_cuts)
{
	AUTO(parquet_cuts_release) struct parquet_cuts cuts = { 0 };
	struct err e = { 0 };

	CHECK_ERR(parquet_cuts_parse(BYTES_LITERAL("\x1c\x1c\x1c\x1c"), 1000, &cuts, &e),
		  ERR_CORRUPT);
	CHECK_ERR(parquet_cuts_parse(BYTES_LITERAL(""), 1000, &cuts, &e), ERR_CORRUPT);
	/* A list of 2^28 structures in six bytes. */
	CHECK_ERR(parquet_cuts_parse(BYTES_LITERAL("\x49\xfc\xff\xff\xff\x7f"), 1000, &cuts, &e),
		  ERR_CORRUPT);
}

TEST(blocks_find_one_wrong_byte_anywhere_and_a_wrong_length)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO(bench_release) struct bench b = { .folder = folder, .n = ((size_t)40 << 20) + 5 };
	AUTO_FREE char *path = xasprintf("%s/file", folder);
	static const off_t places[] = { 0, (17 << 20) - 1, 40 << 20 };
	AUTO_FD int fd = -1;
	struct err e = { 0 };

	b.data = xmalloc(b.n);
	noise(b.data, b.n, 5);
	build(&b);
	fd = open(path, O_RDWR | O_CLOEXEC);
	CHECK_INT(blocks_check(fd, b.chunks, 3, &e), 1);
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		char was = b.data[places[i]];
		char other = (char)(was ^ 1);

		assert_int_equal(pwrite(fd, &other, 1, places[i]), 1);
		CHECK_INT(blocks_check(fd, b.chunks, 3, &e), 0);
		assert_int_equal(pwrite(fd, &was, 1, places[i]), 1);
	}
	CHECK_INT(blocks_check(fd, b.chunks, 1, &e), 1);
	assert_int_equal(ftruncate(fd, (off_t)b.n - 1), 0);
	CHECK_INT(blocks_check(fd, b.chunks, 3, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(chunks_cover_the_file_and_have_its_hashes),
		CASE(an_index_is_under_a_twentieth_of_a_percent),
		CASE(an_index_of_many_small_columns_is_no_longer_than_others),
		CASE(the_header_of_a_large_page_costs_a_short_chunk),
		CASE(a_small_column_goes_with_small_ones_and_with_no_large_one),
		CASE(row_groups_that_stay_are_cut_as_before),
		CASE(an_insertion_moves_no_cut_but_its_neighbours),
		CASE(every_changed_byte_of_an_index_is_noticed),
		CASE(an_index_that_lies_is_refused_though_its_hash_is_right),
		CASE(a_million_entries_of_one_byte_are_refused),
		CASE(an_index_over_the_limit_is_not_looked_at),
		CASE(a_footer_that_is_none_has_no_cuts),
		CASE(blocks_find_one_wrong_byte_anywhere_and_a_wrong_length),
	};

	return RUN(tests);
}
