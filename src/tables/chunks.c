/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/chunks-internal.h"

#include "base/str.h"
#include "tables/manifest.h"

#include <assert.h>

static uint64_t number(const unsigned char *p, size_t bytes)
{
	uint64_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | p[bytes];
	return value;
}

static const unsigned char *text_of(const struct chunks *c)
{
	return (const unsigned char *)c->text.p;
}

static const unsigned char *entry(const struct chunks *c, size_t i)
{
	return text_of(c) + HEAD_BYTES + i * ENTRY_BYTES;
}

static int corrupt(const char *why, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "the chunk index cannot be used: %s", why);
}

static int check_hash(struct bytes text, struct err *e)
{
	AUTO_HASH struct hash *h = hash_new(HASH_SHA256);
	unsigned char own[SHA256_BYTES];

	hash_add(h, text.p, text.n - SHA256_BYTES);
	hash_raw(h, own);
	return memcmp(own, text.p + text.n - SHA256_BYTES, SHA256_BYTES) == 0
		       ? 0
		       : corrupt("its own hash is wrong", e);
}

/* Everything that can be said without looking at the entries. */
static int read_head(struct bytes text, struct chunks *c, struct err *e)
{
	const unsigned char *p = (const unsigned char *)text.p;
	uint64_t size;

	if (text.n < HEAD_BYTES + SHA256_BYTES || memcmp(p, CHUNKS_MAGIC, HEAD_VERSION) != 0)
		return corrupt("it is none", e);
	if (number(p + HEAD_VERSION, 4) != CHUNKS_VERSION)
		return corrupt("it is of another version of the format", e);
	size = number(p + HEAD_SIZE, 8);
	if (size > (uint64_t)MANIFEST_FILE_MAX)
		return corrupt("its file would be over the limit", e);
	c->size = (int64_t)size;
	c->count = number(p + HEAD_COUNT, 4);
	c->block_count = chunks_blocks_of(c->size);
	hex_encode(p + HEAD_SHA256, SHA256_BYTES, c->sha256);
	/* No sum here can overflow: the count has 32 bits, the size a limit. */
	if (text.n != HEAD_BYTES + c->count * ENTRY_BYTES + (c->block_count + 1) * SHA256_BYTES)
		return corrupt("its length is not that of its entries", e);
	return check_hash(text, e);
}

static int read_entries(struct chunks *c, struct err *e)
{
	int64_t at = 0;

	c->offsets = xcalloc(c->count + 1, sizeof(*c->offsets));
	for (size_t i = 0; i < c->count; i++) {
		int64_t length = (int64_t)number(entry(c, i) + CHUNK_HASH, 3);

		if (length == 0 || length > CHUNK_MOST ||
		    (length < CHUNK_LEAST && i + 1 < c->count))
			return corrupt("a chunk has no length of one", e);
		c->offsets[i] = at;
		at += length;
	}
	c->offsets[c->count] = at;
	return at == c->size ? 0 : corrupt("its chunks are not the file's length", e);
}

int chunks_parse(struct bytes text, struct chunks **ret_chunks, struct err *e)
{
	AUTO_CHUNKS struct chunks *c = xcalloc(1, sizeof(*c));
	int r;

	if (text.n > CHUNKS_TEXT_MAX)
		return err_set(e, ERR_LIMIT, "a chunk index of %zu bytes, the limit is %zu", text.n,
			       CHUNKS_TEXT_MAX);
	r = read_head(text, c, e);
	if (r < 0)
		return r;
	c->text = (struct buf)BUF_INIT(CHUNKS_TEXT_MAX);
	buf_add(&c->text, text.p, text.n);
	r = read_entries(c, e);
	if (r == 0)
		*ret_chunks = TAKE(c);
	return r;
}

void chunks_free(struct chunks *c)
{
	if (!c)
		return;
	buf_release(&c->text);
	free(c->offsets);
	free(c);
}

struct chunk chunks_at(const struct chunks *c, size_t i)
{
	assert(i < c->count);
	return (struct chunk){ c->offsets[i], c->offsets[i + 1] - c->offsets[i], entry(c, i) };
}

const unsigned char *chunks_block(const struct chunks *c, size_t i)
{
	assert(i < c->block_count);
	return entry(c, c->count) + i * SHA256_BYTES;
}

size_t chunks_find(const struct chunks *c, int64_t offset)
{
	size_t low = 0;
	size_t high = c->count;

	assert(offset >= 0 && offset < c->size);
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (c->offsets[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}
