/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chunk index of a file: which pieces it consists of, by hash, so that who has another version
 * fetches only what it lacks; and the SHA-256 of each block of 1 MiB, so that a large file is
 * verified on all cores. Format: docs/format-chunks.md.
 *
 *	AUTO_CHUNKS struct chunks *c = NULL;
 *	if (chunks_parse(text, &c, e) < 0) ...
 *	for (size_t i = 0; i < c->count; i++)
 *		chunks_at(c, i)				offset, length, hash
 *
 * Whoever reads an index trusts nothing in it: lengths add up to the size, none is smaller or
 * larger than a chunk may be (so their number is bounded by the size), its own hash fits. What it
 * says of the file's bytes is only believed when the file's SHA-256 has come out right.
 *
 * chunks_build() makes one from an open file. The cut rule is only the writer's: readers take
 * chunks as they are, so it may change without a new version of the format.
 *
 * Pure but for chunks_build(); parsing is fuzzed. Errors: ERR_CORRUPT, ERR_LIMIT; ERR_IO.
 */
#ifndef LARDER_TABLES_CHUNKS_H
#define LARDER_TABLES_CHUNKS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"

/* Files of this size and more have an index, and with them nearly all parts of tables with a key: below it,
 * a request for the index costs as much as is saved. */
#define CHUNKS_FILE_MIN ((int64_t)2 << 20)
#define CHUNKS_BLOCK    ((int64_t)1 << 20)
/* Of a chunk; only the last of a file may be shorter. */
#define CHUNK_LEAST ((uint32_t)4 << 10)
#define CHUNK_MOST  (((uint32_t)256 << 10) + CHUNK_LEAST)
/* Bytes of a chunk's SHA-256 that are kept: no two chunks of one world meet by chance. */
#define CHUNK_HASH 16
/* An index of a file of 64 GiB in chunks of the usual size has 20 MB. */
#define CHUNKS_TEXT_MAX ((size_t)64 << 20)
/* An index is at most about this part of its file: 0.05 %. */
#define CHUNKS_FILE_SHARE 2000

struct chunks {
	int64_t size;                /* of the file */
	char sha256[SHA256_HEX + 1]; /* of the file */
	size_t count;
	size_t block_count;
	/* Private: */
	struct buf text;
	int64_t *offsets; /* count + 1 */
};

struct chunk {
	int64_t offset;
	int64_t length;
	const unsigned char *hash; /* CHUNK_HASH bytes, lent */
};

/* Copies the text. */
int chunks_parse(struct bytes text, struct chunks **ret_chunks, struct err *e);
void chunks_free(struct chunks *c);
static inline void chunks_auto_(struct chunks **p)
{
	chunks_free(*p);
}
#define AUTO_CHUNKS AUTO(chunks_auto_)

struct chunk chunks_at(const struct chunks *c, size_t i);
/* SHA-256 of block i, lent: bytes [i, i + 1) * CHUNKS_BLOCK of the file. */
const unsigned char *chunks_block(const struct chunks *c, size_t i);
/* The chunk that holds the byte. */
size_t chunks_find(const struct chunks *c, int64_t offset);

/* The index of the file's `size` bytes, whose SHA-256 the caller knows: of other bytes none is made (ERR_CORRUPT),
 * since who has the index believes its blocks; and only of these ERR_LIMIT is said. */
int chunks_build(int fd, int64_t size, const char *sha256, struct buf *out, struct err *e);

#endif
