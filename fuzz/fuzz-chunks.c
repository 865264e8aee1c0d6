/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chunk index: whatever is accepted covers its file once, in order, with chunks of allowed
 * lengths. The index's own hash would stop every input, so it is put right first.
 */
#include "tables/chunks-internal.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct chunks *c)
{
	int64_t at = 0;

	for (size_t i = 0; i < c->count; i++) {
		struct chunk chunk = chunks_at(c, i);

		assert(chunk.offset == at && chunk.length > 0 && chunk.length <= CHUNK_MOST);
		assert(chunk.hash[0] + chunk.hash[CHUNK_HASH - 1] >= 0);
		assert(chunks_find(c, at) == i);
		at += chunk.length;
	}
	assert(at == c->size);
	for (size_t i = 0; i < c->block_count; i++)
		assert(chunks_block(c, i)[SHA256_BYTES - 1] + 0 >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_CHUNKS struct chunks *c = NULL;
	AUTO_FREE char *text = xmalloc(size + 1);
	struct err e = { 0 };

	memcpy(text, data, size);
	if (size >= SHA256_BYTES) {
		AUTO_HASH struct hash *h = hash_new(HASH_SHA256);

		hash_add(h, text, size - SHA256_BYTES);
		hash_raw(h, (unsigned char *)text + size - SHA256_BYTES);
	}
	if (chunks_parse((struct bytes){ text, size }, &c, &e) < 0)
		assert(!c && e.msg[0]);
	else
		check(c);
	return 0;
}
