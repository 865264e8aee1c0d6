/* SPDX-License-Identifier: Apache-2.0 */
/* What chunks*.c share: the layout of an index (docs/format-chunks.md). */
#ifndef LARDER_TABLES_CHUNKS_INTERNAL_H
#define LARDER_TABLES_CHUNKS_INTERNAL_H

#include "tables/chunks.h"

#define CHUNKS_MAGIC   "LARDERCI"
#define CHUNKS_VERSION 1

/* Offsets in the head. Numbers are little-endian. */
enum {
	HEAD_MAGIC = 0,
	HEAD_VERSION = 8, /* u32 */
	HEAD_COUNT = 12,  /* u32 */
	HEAD_SIZE = 16,   /* u64 */
	HEAD_SHA256 = 24,
	HEAD_BYTES = 56,
};
#define SHA256_BYTES ((size_t)32)
/* A hash and three bytes of length. */
#define ENTRY_BYTES ((size_t)CHUNK_HASH + 3)

static inline size_t chunks_blocks_of(int64_t size)
{
	return (size_t)((size + CHUNKS_BLOCK - 1) / CHUNKS_BLOCK);
}

#endif
