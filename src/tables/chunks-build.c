/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutting a file: at the borders of Parquet's pieces, so that a column that did not change is found
 * again wherever it lies, and inside of those by content (FastCDC: a gear hash over the last 64
 * bytes, with a stricter mask before the aim than after it), so that an insertion moves no cut but
 * the next.
 */
#include "tables/chunks-internal.h"

#include "base/str.h"
#include "tables/parquet-cuts.h"

#include <assert.h>
#include <pthread.h>

/* Content-defined cuts: none before, about half before and half after the aim, one at the latest. */
#define CUT_MIN ((size_t)16 << 10)
#define CUT_AIM ((size_t)64 << 10)
#define CUT_MAX ((size_t)256 << 10)
/* What comes of these on average. */
#define CUT_MEAN ((int64_t)80 << 10)
/* By so many bytes an index may be longer than was expected. */
#define SPARE ((int64_t)64)
/* Bits that must be zero before and after the aim: two more and two less than log2 of the aim. */
#define BITS_BEFORE 18
#define BITS_AFTER  14
/* A byte has left the hash after so many shifts. */
#define GEAR_WINDOW ((size_t)64)
/* Read at a time: several of the largest chunks. */
#define READ_BYTES ((size_t)1 << 20)

static uint64_t gear[256];

/* Any table of random numbers will do, as long as it is always the same: splitmix64 of 1 and on. */
static void fill_gear(void)
{
	uint64_t state = 1;

	for (size_t i = 0; i < ARRAY_LEN(gear); i++) {
		uint64_t z = state += 0x9e3779b97f4a7c15ULL;

		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
		gear[i] = z ^ (z >> 31);
	}
}

/* Where the chunk that starts at p ends, of n bytes that belong together. */
static size_t find_cut(const unsigned char *p, size_t n)
{
	uint64_t h = 0;
	size_t i = CUT_MIN - GEAR_WINDOW;
	size_t aim = n < CUT_AIM ? n : CUT_AIM;
	size_t most = n < CUT_MAX ? n : CUT_MAX;

	if (n <= CUT_MIN)
		return n;
	for (; i < CUT_MIN; i++)
		h = (h << 1) + gear[p[i]];
	for (; i < aim; i++) {
		h = (h << 1) + gear[p[i]];
		if (h >> (64 - BITS_BEFORE) == 0)
			return i + 1;
	}
	for (; i < most; i++) {
		h = (h << 1) + gear[p[i]];
		if (h >> (64 - BITS_AFTER) == 0)
			return i + 1;
	}
	return most;
}

struct building {
	int fd;
	int64_t size;
	int64_t at; /* of the file: up to here it is cut */
	unsigned char *window;
	int64_t window_at; /* of the file */
	int64_t read_to;   /* up to here it is in the window */
	struct hash *chunk_hash, *block_hash;
	int64_t block_at; /* up to here it is in a block's hash */
	struct buf entries, blocks;
	uint32_t count;
};

static void building_release(struct building *b)
{
	free(b->window);
	hash_free(b->chunk_hash);
	hash_free(b->block_hash);
	buf_release(&b->entries);
	buf_release(&b->blocks);
}

static void add_number(struct buf *out, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		buf_addc(out, (char)(value >> (8 * i) & 0xff));
}

static void end_block(struct building *b)
{
	unsigned char digest[SHA256_BYTES];

	hash_raw(b->block_hash, digest);
	hash_reset(b->block_hash);
	buf_add(&b->blocks, digest, sizeof(digest));
}

static void add_to_blocks(struct building *b, const unsigned char *p, size_t n)
{
	while (n > 0) {
		size_t room = (size_t)(CHUNKS_BLOCK - b->block_at % CHUNKS_BLOCK);
		size_t piece = n < room ? n : room;

		hash_add(b->block_hash, p, piece);
		b->block_at += (int64_t)piece;
		p += piece;
		n -= piece;
		if (b->block_at % CHUNKS_BLOCK == 0 || b->block_at == b->size)
			end_block(b);
	}
}

static void add_chunk(struct building *b, const unsigned char *p, size_t n)
{
	unsigned char digest[SHA256_BYTES];

	hash_add(b->chunk_hash, p, n);
	hash_raw(b->chunk_hash, digest);
	hash_reset(b->chunk_hash);
	buf_add(&b->entries, digest, CHUNK_HASH);
	add_number(&b->entries, n, 3);
	b->count++;
	b->at += (int64_t)n;
	add_to_blocks(b, p, n);
}

/* The window holds what follows b->at: at least a largest chunk, or all that is left. */
static int fill_window(struct building *b, struct err *e)
{
	size_t held = (size_t)(b->read_to - b->at);

	if (held > CHUNK_MOST || b->read_to == b->size)
		return 0;
	memmove(b->window, b->window + (b->at - b->window_at), held);
	b->window_at = b->at;
	while (held < READ_BYTES && b->read_to < b->size) {
		ssize_t n = pread(b->fd, b->window + held, READ_BYTES - held, b->read_to);

		if (n <= 0)
			return n < 0 ? err_sys(e, "read at byte %lld", (long long)b->read_to)
				     : err_set(e, ERR_IO, "the file became shorter");
		held += (size_t)n;
		b->read_to += n;
	}
	return 0;
}

/* Up to `end`, the border of a piece; what is left after the last cut is never too small. */
static int cut_piece(struct building *b, int64_t end, struct err *e)
{
	while (b->at < end) {
		const unsigned char *p;
		size_t here, left;
		int r = fill_window(b, e);

		if (r < 0)
			return r;
		p = b->window + (b->at - b->window_at);
		left = (size_t)(end - b->at < CHUNK_MOST ? end - b->at : CHUNK_MOST);
		here = find_cut(p, left);
		if (end - b->at - (int64_t)here < CHUNK_LEAST)
			here = (size_t)(end - b->at);
		add_chunk(b, p, here);
	}
	return 0;
}

/*
 * About how many cuts there are by content in a piece, in thousandths: before the aim one at each
 * byte in 2^BITS_BEFORE, after it soon.
 */
static int64_t expect_inner(int64_t length)
{
	int64_t before = length < (int64_t)CUT_AIM ? length : (int64_t)CUT_AIM;

	before -= (int64_t)CUT_MIN;
	if (before <= 0)
		return 0;
	return before * 1000 / (1 << BITS_BEFORE) +
	       (length - (int64_t)CUT_AIM > 0 ? (length - (int64_t)CUT_AIM) * 1000 / CUT_MEAN : 0);
}

/* The footer is another one in each version: what lies before it is not to go with it. */
static int64_t spacing_at(const struct parquet_cuts *cuts, size_t i, int64_t spacing)
{
	return i + 1 == cuts->n ? CHUNK_LEAST : spacing;
}

/* About how long the index is when borders nearer to each other than that are left out. */
static int64_t expect_bytes(const struct building *b, const struct parquet_cuts *cuts,
			    int64_t spacing)
{
	int64_t chunks = 1, inner = 0, at = 0;

	for (size_t i = 0; i < cuts->n; i++) {
		if (cuts->v[i] - at < spacing_at(cuts, i, spacing))
			continue;
		inner += expect_inner(cuts->v[i] - at);
		at = cuts->v[i];
		chunks++;
	}
	chunks += (inner + expect_inner(b->size - at)) / 1000;
	return (int64_t)(HEAD_BYTES + (chunks_blocks_of(b->size) + 1) * SHA256_BYTES) +
	       chunks * (int64_t)ENTRY_BYTES;
}

/* A file of many small columns has more borders than an index of its size has room for. */
static int64_t choose_spacing(const struct building *b, const struct parquet_cuts *cuts)
{
	int64_t spacing = CHUNK_LEAST;

	while (spacing < (int64_t)CUT_AIM &&
	       expect_bytes(b, cuts, spacing) + SPARE > b->size / CHUNKS_FILE_SHARE)
		spacing += CHUNK_LEAST / 2;
	return spacing;
}

static int cut_all(struct building *b, const struct parquet_cuts *cuts, struct err *e)
{
	int64_t spacing = choose_spacing(b, cuts);
	int r = 0;

	for (size_t i = 0; r == 0 && i < cuts->n; i++) {
		if (cuts->v[i] - b->at >= spacing_at(cuts, i, spacing))
			r = cut_piece(b, cuts->v[i], e);
	}
	return r < 0 ? r : cut_piece(b, b->size, e);
}

static void write_index(const struct building *b, const char *sha256, struct buf *out)
{
	AUTO_HASH struct hash *own = hash_new(HASH_SHA256);
	unsigned char digest[SHA256_BYTES];
	int ok = hex_decode(sha256, sizeof(digest), digest);

	assert(ok == 0); /* the caller's own computation */
	(void)ok;
	buf_add(out, CHUNKS_MAGIC, HEAD_VERSION);
	add_number(out, CHUNKS_VERSION, 4);
	add_number(out, b->count, 4);
	add_number(out, (uint64_t)b->size, 8);
	buf_add(out, digest, sizeof(digest));
	buf_add(out, b->entries.p, b->entries.n);
	buf_add(out, b->blocks.p, b->blocks.n);
	hash_add(own, out->p, out->n);
	hash_raw(own, digest);
	buf_add(out, digest, sizeof(digest));
}

int chunks_build(int fd, int64_t size, const char *sha256, struct buf *out, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	AUTO(parquet_cuts_release) struct parquet_cuts cuts = { 0 };
	AUTO(building_release)
	struct building b = {
		.fd = fd,
		.size = size,
		.window = xmalloc(READ_BYTES),
		.chunk_hash = hash_new(HASH_SHA256),
		.block_hash = hash_new(HASH_SHA256),
		.entries = BUF_INIT(CHUNKS_TEXT_MAX),
		.blocks = BUF_INIT(CHUNKS_TEXT_MAX),
	};
	struct err none = { 0 };
	int r;

	(void)pthread_once(&once, fill_gear);
	/* What is no Parquet, or of a kind not known here, is cut by its content alone. */
	(void)parquet_cuts_read(fd, size, &cuts, &none);
	r = cut_all(&b, &cuts, e);
	if (r < 0)
		return r;
	write_index(&b, sha256, out);
	if (b.entries.full || b.blocks.full || out->full || out->n > CHUNKS_TEXT_MAX)
		return err_set(e, ERR_LIMIT, "the chunk index is over %zu bytes", CHUNKS_TEXT_MAX);
	return 0;
}
