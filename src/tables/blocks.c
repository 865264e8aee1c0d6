/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/blocks.h"

#include "engine/pipeline.h"

#include <stdatomic.h>
#include <sys/stat.h>

/* Blocks that a thread takes at a time: fewer would meet at the pipeline's lock too often. */
#define GROUP_BLOCKS 16

struct checking {
	int fd;
	const struct chunks *chunks;
	atomic_bool wrong;
};

struct worker {
	struct hash *hash;
	char *block; /* CHUNKS_BLOCK bytes */
};

static void *worker_new(void *ctx)
{
	struct worker *w = xcalloc(1, sizeof(*w));

	(void)ctx;
	w->hash = hash_new(HASH_SHA256);
	w->block = xmalloc((size_t)CHUNKS_BLOCK);
	return w;
}

static void worker_free(void *ctx, void *worker)
{
	struct worker *w = worker;

	(void)ctx;
	hash_free(w->hash);
	free(w->block);
	free(w);
}

/* 1 when the block is right. */
static int check_block(struct checking *c, struct worker *w, size_t i, struct err *e)
{
	int64_t at = (int64_t)i * CHUNKS_BLOCK;
	int64_t left = c->chunks->size - at;
	size_t want = (size_t)(left < CHUNKS_BLOCK ? left : CHUNKS_BLOCK);
	unsigned char digest[32];
	size_t have = 0;

	while (have < want) {
		ssize_t n = pread(c->fd, w->block + have, want - have, at + (int64_t)have);

		if (n < 0)
			return err_sys(e, "read at byte %lld", (long long)at);
		if (n == 0)
			return 0;
		have += (size_t)n;
	}
	hash_reset(w->hash);
	hash_add(w->hash, w->block, want);
	hash_raw(w->hash, digest);
	return memcmp(digest, chunks_block(c->chunks, i), sizeof(digest)) == 0;
}

static int prepare(void *ctx, void *worker, size_t group, struct err *e)
{
	struct checking *c = ctx;
	size_t end = (group + 1) * GROUP_BLOCKS;

	if (end > c->chunks->block_count)
		end = c->chunks->block_count;
	for (size_t i = group * GROUP_BLOCKS; i < end && !atomic_load(&c->wrong); i++) {
		int r = check_block(c, worker, i, e);

		if (r < 0)
			return r;
		if (r == 0)
			atomic_store(&c->wrong, true);
	}
	return 0;
}

static int take(void *ctx, const struct pipeline_result *results, size_t n, struct err *e)
{
	(void)ctx;
	for (size_t i = 0; i < n; i++) {
		if (results[i].result < 0) {
			*e = results[i].error;
			return e->code;
		}
	}
	return 0;
}

int blocks_check(int fd, const struct chunks *chunks, unsigned jobs, struct err *e)
{
	struct checking c = { .fd = fd, .chunks = chunks };
	const struct pipeline p = {
		.ctx = &c,
		.items = (chunks->block_count + GROUP_BLOCKS - 1) / GROUP_BLOCKS,
		.workers = jobs,
		.batch = 16,
		.order = PIPELINE_AS_FINISHED,
		.worker_new = worker_new,
		.worker_free = worker_free,
		.prepare = prepare,
		.commit = take,
	};
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at the file");
	if (st.st_size != chunks->size)
		return 0;
	r = p.items > 0 ? pipeline_run(&p, e) : 0;
	return r < 0 ? r : !atomic_load(&c.wrong);
}
