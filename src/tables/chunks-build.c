/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutting a file: at the borders of Parquet's pieces, so that a column that did not change is found
 * again wherever it lies, and inside of those by content (FastCDC: a gear hash over the last 64
 * bytes, with a stricter mask before the aim than after it), so that an insertion moves no cut but
 * the next. Large pieces begin with a short chunk: the header of a page tells its length and the
 * number of its values, so it changes with every row more; the bytes after it often do not.
 */
#include "tables/chunks-internal.h"

#include "base/str.h"
#include "tables/parquet-cuts.h"

#include <assert.h>
#include <pthread.h>

/*
 * Content-defined cuts: none before, some before and most after the aim, one at the latest.
 */
#define CUT_MIN ((size_t)16 << 10)
#define CUT_AIM ((size_t)48 << 10)
#define CUT_MAX ((size_t)256 << 10)
/* What comes of these on average. */
#define CUT_MEAN ((int64_t)60 << 10)
/* The first chunk of a piece that is cut inside: 4 to 8 KiB. */
#define HEAD_MAX  ((size_t)8 << 10)
#define BITS_HEAD 11
/*
 * An index is 0.05 % of its file when a chunk has 41,000 bytes on average: 19 each, and the blocks'
 * hashes. What follows the row groups has shorter ones, so that theirs must be longer.
 */
#define BYTES_PER_CHUNK 45000
/* Bits that must be zero before and after the aim: two more and two less than log2 of 64 KiB. */
#define BITS_BEFORE 18
#define BITS_AFTER  14
/* A byte has left the hash after so many shifts. */
#define GEAR_WINDOW ((size_t)64)
/* Read at a time: several of the largest chunks. */
#define READ_BYTES ((size_t)1 << 20)

static uint64_t gear[256];

/*
 * How finely a file is cut: how near to each other two borders may be, and from which length on a
 * piece is cut inside. The first one whose index is not too long is taken. Where columns are many
 * and row groups small, it is worth more to keep columns apart than to find a part of one.
 */
static const struct grain {
	int64_t spacing, inside;
} grains[] = {
	{ 4 << 10, 128 << 10 },  { 4 << 10, 256 << 10 },  { 8 << 10, 256 << 10 },
	{ 16 << 10, 256 << 10 }, { 32 << 10, 256 << 10 }, { 64 << 10, 256 << 10 },
};

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

struct search {
	size_t i;
	uint64_t h; /* of the bytes before i */
};

/* The first cut before `end`, where the hash begins with so many zeros; 0 when there is none. */
static size_t search_to(struct search *s, const unsigned char *p, size_t end, int bits)
{
	size_t i = s->i;
	uint64_t h = s->h;

	while (i < end) {
		h = (h << 1) + gear[p[i++]];
		if (h >> (64 - bits) == 0)
			return i;
	}
	*s = (struct search){ i, h };
	return 0;
}

/* With the first byte that may be the last of a chunk. */
static struct search search_from(const unsigned char *p, size_t least)
{
	struct search s = { .i = least - GEAR_WINDOW };

	while (s.i < least)
		s.h = (s.h << 1) + gear[p[s.i++]];
	return s;
}

static size_t at_most(size_t n, size_t limit)
{
	return n < limit ? n : limit;
}

/* Where the chunk that starts at p ends, of n bytes that belong together. */
static size_t find_cut(const unsigned char *p, size_t n)
{
	struct search s;
	size_t cut;

	if (n <= CUT_MIN)
		return n;
	s = search_from(p, CUT_MIN);
	cut = search_to(&s, p, at_most(n, CUT_AIM), BITS_BEFORE);
	if (cut == 0)
		cut = search_to(&s, p, at_most(n, CUT_MAX), BITS_AFTER);
	return cut ? cut : at_most(n, CUT_MAX);
}

/* The same for the first chunk of a large piece. */
static size_t find_head(const unsigned char *p)
{
	struct search s = search_from(p, CHUNK_LEAST);
	size_t cut = search_to(&s, p, HEAD_MAX, BITS_HEAD);

	return cut ? cut : HEAD_MAX;
}

struct building {
	int fd;
	int64_t size;
	int64_t at; /* of the file: up to here it is cut */
	const struct grain *grain;
	unsigned char *window;
	int64_t window_at; /* of the file */
	int64_t read_to;   /* up to here it is in the window */
	struct hash *chunk_hash, *block_hash, *whole_hash;
	int64_t block_at; /* up to here it is in a block's hash */
	struct buf entries, blocks;
	uint32_t count;
};

static void building_release(struct building *b)
{
	free(b->window);
	hash_free(b->chunk_hash);
	hash_free(b->block_hash);
	hash_free(b->whole_hash);
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
	hash_add(b->whole_hash, p, n);
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
	bool inside = end - b->at >= b->grain->inside;
	bool head = inside;

	while (b->at < end) {
		const unsigned char *p;
		size_t here, left;
		int r = fill_window(b, e);

		if (r < 0)
			return r;
		p = b->window + (b->at - b->window_at);
		left = (size_t)(end - b->at < CHUNK_MOST ? end - b->at : CHUNK_MOST);
		here = head ? find_head(p) : inside ? find_cut(p, left) : left;
		head = false;
		if (end - b->at - (int64_t)here < CHUNK_LEAST)
			here = (size_t)(end - b->at);
		add_chunk(b, p, here);
	}
	return 0;
}

/* From border i to the next one, or to the end. */
static int64_t piece_at(const struct building *b, const struct parquet_cuts *cuts, size_t i)
{
	if (i >= cuts->n)
		return 0;
	return (i + 1 < cuts->n ? cuts->v[i + 1] : b->size) - cuts->v[i];
}

/*
 * Small pieces go together, but not with a large one, which would have to come along; what is
 * no chunk by itself goes with the shorter of its neighbours. The footer is another one in each
 * version, and bloom filters are not worth much of the index.
 */
static bool is_cut(const struct building *b, const struct parquet_cuts *cuts, size_t i, int64_t at)
{
	int64_t before = cuts->v[i] - at;
	int64_t piece = piece_at(b, cuts, i);
	int64_t spacing = b->grain->spacing;

	if (before < CHUNK_LEAST || i + 1 == cuts->n)
		return before >= CHUNK_LEAST;
	if (cuts->v[i] > cuts->data_end && spacing < (int64_t)CUT_MIN)
		spacing = (int64_t)CUT_MIN;
	if (piece < CHUNK_LEAST && before < piece_at(b, cuts, i + 1))
		return false;
	return before >= spacing || piece >= spacing;
}

/*
 * About how many chunks the first bytes have. No content is looked at, so that a value that changes
 * there changes little of it.
 */
static int64_t expect_chunks(const struct building *b, const struct parquet_cuts *cuts,
			     int64_t sample)
{
	int64_t at = 0, pieces = 0, heads = 0, inside = 0;

	for (size_t i = 0; i < cuts->n && cuts->v[i] <= sample; i++) {
		if (!is_cut(b, cuts, i, at))
			continue;
		pieces++;
		if (cuts->v[i] - at >= b->grain->inside) {
			heads++;
			inside += cuts->v[i] - at;
		}
		at = cuts->v[i];
	}
	/* Of the last one in each piece half is missing. */
	return pieces + heads / 2 + inside / CUT_MEAN;
}

/*
 * A file of many small columns has more borders than an index of its size has room for. The first
 * row groups decide for all: where rows are added at the end they are the same in the next version,
 * and with another grain nothing of them would be found again.
 */
static void choose_grain(struct building *b, const struct parquet_cuts *cuts)
{
	int64_t sample = cuts->groups_end < PARQUET_SAMPLE / 2 ? b->size : cuts->groups_end;
	size_t i = 0;

	b->grain = &grains[0];
	while (++i < ARRAY_LEN(grains) && expect_chunks(b, cuts, sample) > sample / BYTES_PER_CHUNK)
		b->grain = &grains[i];
}

static int cut_all(struct building *b, const struct parquet_cuts *cuts, struct err *e)
{
	int r = 0;

	choose_grain(b, cuts);
	for (size_t i = 0; r == 0 && i < cuts->n; i++) {
		if (is_cut(b, cuts, i, b->at))
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
		.whole_hash = hash_new(HASH_SHA256),
		.entries = BUF_INIT(CHUNKS_TEXT_MAX),
		.blocks = BUF_INIT(CHUNKS_TEXT_MAX),
	};
	char hex[HASH_HEX_MAX];
	struct err none = { 0 };
	int r;

	(void)pthread_once(&once, fill_gear);
	/* What is no Parquet, or of a kind not known here, is cut by its content alone. */
	(void)parquet_cuts_read(fd, size, &cuts, &none);
	r = cut_all(&b, &cuts, e);
	if (r < 0)
		return r;
	hash_hex(b.whole_hash, hex);
	if (!str_eq(hex, sha256))
		return err_set(e, ERR_CORRUPT,
			       "its bytes have changed: hash %.12s instead of %.12s", hex, sha256);
	write_index(&b, sha256, out);
	if (b.entries.full || b.blocks.full || out->full || out->n > CHUNKS_TEXT_MAX)
		return err_set(e, ERR_LIMIT, "the chunk index is over %zu bytes", CHUNKS_TEXT_MAX);
	return 0;
}
