/* SPDX-License-Identifier: Apache-2.0 */
/* The second half: ranges come, each chunk is checked before it is written, the last one checks all. */
#include "tables/fetch-internal.h"

#include "base/fault.h"
#include "engine/journal.h"
#include "tables/parquet-frame.h"

#include <fcntl.h>

struct ranging {
	struct fetch_worker *worker;
	struct fetch_unit *unit;
	int fd;
	size_t chunk;    /* the one that is coming */
	size_t held;     /* bytes of it; or that wait to be written */
	int64_t hashed;  /* by blocks: up to here, from the beginning of its block */
	int64_t flushed; /* and up to where the kernel was told to start writing */
	const char *why; /* the delta comes to nothing; a literal */
};

/* Negative ends the request; `why` tells it from a failure of the link. */
static int stop(struct ranging *g, const char *why, struct err *e)
{
	g->why = why;
	return err_set(e, ERR_CORRUPT, "%s", why);
}

static int on_head(void *ctx, const struct http_reply *reply, struct err *e)
{
	struct ranging *g = ctx;

	if (reply->status == 200)
		return stop(g, "the server sends no ranges", e);
	if (reply->status == 416)
		return stop(g, "the server has another file", e);
	if (reply->status != 206)
		return 0;
	if (reply->range_first != g->unit->at ||
	    (reply->range_total >= 0 && reply->range_total != g->unit->item->want->size_bytes))
		return stop(g, "the server sends another range than was asked for", e);
	return 1;
}

static int put(struct ranging *g, struct bytes bytes, int64_t at, struct err *e)
{
	const char *name = g->unit->item->staged;
	size_t done = 0;

	if (fault_step("write", name) < 0)
		return err_sys(e, "write '%s'", name);
	while (done < bytes.n) {
		ssize_t n = pwrite(g->fd, bytes.p + done, bytes.n - done, at + (int64_t)done);

		if (n < 0)
			return err_sys(e, "write '%s'", name);
		done += (size_t)n;
	}
	g->held = 0;
	return 0;
}

static int take_chunks(struct ranging *g, const char *from, size_t n, struct err *e)
{
	struct fetch_unit *unit = g->unit;
	int r = 0;

	while (r == 0 && n > 0) {
		struct chunk chunk = chunks_at(unit->item->chunks, g->chunk);
		size_t room = (size_t)chunk.length - g->held;
		size_t piece = n < room ? n : room;

		(void)memcpy(g->worker->chunk + g->held, from, piece);
		g->held += piece;
		from += piece;
		n -= piece;
		if (g->held < (size_t)chunk.length)
			continue;
		if (!fetch_chunk_fits(g->worker, &chunk, g->worker->chunk))
			return stop(g, "the server's bytes are not those of the chunk index", e);
		r = put(g, (struct bytes){ g->worker->chunk, g->held }, unit->at, e);
		unit->at += chunk.length;
		g->chunk++;
	}
	return r;
}

static int64_t block_end(const struct fetch_item *item, int64_t at)
{
	int64_t end = (at / CHUNKS_BLOCK + 1) * CHUNKS_BLOCK;

	return end < item->want->size_bytes ? end : item->want->size_bytes;
}

/* Up to there all is right, once it is written. */
static int check_block(struct ranging *g, struct err *e)
{
	const struct chunks *chunks = g->unit->item->chunks;
	unsigned char digest[32];

	hash_raw(g->worker->sha256, digest);
	hash_reset(g->worker->sha256);
	if (memcmp(digest, chunks_block(chunks, (size_t)((g->hashed - 1) / CHUNKS_BLOCK)),
		   sizeof(digest)) != 0)
		return stop(g, "the server's bytes are not those of the chunk index", e);
	return 0;
}

static int flush_block(struct ranging *g, bool whole, struct err *e)
{
	struct bytes bytes = { g->worker->buffer, g->held };
	int r = whole ? check_block(g, e) : 0;

	if (r == 0)
		r = put(g, bytes, g->hashed - (int64_t)bytes.n, e);
	if (r < 0 || !whole)
		return r;
	g->unit->at = g->hashed;
	if (g->hashed - g->flushed >= FETCH_WRITE_BACK) {
		/* A hint: the sync before the commit is what counts. */
		(void)sync_file_range(g->fd, g->flushed, g->hashed - g->flushed,
				      SYNC_FILE_RANGE_WRITE);
		g->flushed = g->hashed;
	}
	return 0;
}

static int take_blocks(struct ranging *g, const char *from, size_t n, struct err *e)
{
	int r = 0;

	while (r == 0 && n > 0) {
		int64_t end = block_end(g->unit->item, g->hashed);
		size_t piece = n < FETCH_WRITE - g->held ? n : FETCH_WRITE - g->held;

		if ((int64_t)piece > end - g->hashed)
			piece = (size_t)(end - g->hashed);
		(void)memcpy(g->worker->buffer + g->held, from, piece);
		hash_add(g->worker->sha256, from, piece);
		g->held += piece;
		g->hashed += (int64_t)piece;
		from += piece;
		n -= piece;
		if (g->hashed == end || g->held == FETCH_WRITE)
			r = flush_block(g, g->hashed == end, e);
	}
	return r;
}

static int on_body(void *ctx, const void *p, size_t n, struct err *e)
{
	struct ranging *g = ctx;
	struct fetch_unit *unit = g->unit;
	int64_t at = unit->item->by_blocks ? g->hashed : unit->at + (int64_t)g->held;

	if ((int64_t)n > unit->first + unit->length - at)
		return stop(g, "the server sends more than was asked for", e);
	fetch_count(g->worker, unit->item, (int64_t)n, 0);
	fetch_show(g->worker, (int64_t)n);
	return unit->item->by_blocks ? take_blocks(g, p, n, e) : take_chunks(g, p, n, e);
}

static int ask_for_range(struct ranging *g, struct err *e)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct fetch_unit *unit = g->unit;
	char tag[HASH_HEX_MAX + 2];
	struct fetch_ask ask = {
		.what = FETCH_FILE,
		.http = { .method = "GET",
			  .range_first = unit->at,
			  .range_last = unit->first + unit->length - 1,
			  .ctx = g,
			  .on_head = on_head,
			  .on_body = on_body },
	};
	int r;

	g->chunk = chunks_find(unit->item->chunks, unit->at);
	g->hashed = g->flushed = unit->at;
	hash_reset(g->worker->sha256);
	(void)snprintf(tag, sizeof(tag), "\"%s\"", unit->item->want->sha256);
	if (unit->item->table->pinned)
		ask.http.if_range = tag;
	r = fetch_request(g->worker, unit->item, &ask, &reply, e);
	if (r == 0 && reply.status != 206)
		r = http_expect(&reply, 206, e);
	if (r == 0 && unit->at < unit->first + unit->length)
		r = err_set(e, ERR_OFFLINE, "the range ended after %lld of %lld bytes",
			    (long long)(unit->at - unit->first), (long long)unit->length);
	return r;
}

static int fetch_range(struct fetch_worker *w, struct fetch_unit *unit, struct err *e)
{
	struct fetch_item *item = unit->item;
	struct ranging g = { .worker = w, .unit = unit };
	AUTO_FD int fd = -1;
	int r;

	if (unit->at < unit->first)
		unit->at = unit->first;
	if (!item->by_blocks)
		(void)fetch_chunk_buffer(w);
	r = journal_stage_open(w->common->root, item->staged, O_RDWR, &fd, e);
	if (r < 0)
		return r;
	g.fd = fd;
	r = ask_for_range(&g, e);
	if (fetch_ask_hub_now(w, item, r, e)) {
		g = (struct ranging){ .worker = w, .unit = unit, .fd = fd };
		r = ask_for_range(&g, e);
	}
	return r < 0 && g.why ? fetch_give_up(item, "%s", g.why) : r;
}

static int note_staged(struct fetch_item *item, int fd, struct err *e)
{
	struct stat st;

	if (parquet_frame_check(fd, item->want->size_bytes, e) < 0)
		return e->code;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at staged file '%s'", item->staged);
	(void)snprintf(item->md5, sizeof(item->md5), "%s", item->want->md5);
	item->mark = file_mark_of(&st);
	return 1;
}

/*
 * 1 when those are the bytes, 0 when not. Where the file's index was not asked for, the same reading makes it
 * for the next refresh: the rule of this program is most often the hub's, and by another one too it is an index
 * of these bytes.
 */
static int has_bytes(struct fetch_item *item, int fd, struct err *e)
{
	const struct manifest_file *want = item->want;
	AUTO_BUF struct buf text = BUF_INIT(CHUNKS_TEXT_MAX);
	int r;

	if (item->chunks || !*want->chunks_sha256) {
		r = sha256_fd(fd, item->sha256, NULL, e);
		return r < 0 ? r : str_eq(item->sha256, want->sha256);
	}
	r = chunks_build(fd, want->size_bytes, want->sha256, &text, e);
	if (r == ERR_CORRUPT)
		return 0;
	if (r == 0)
		r = chunks_parse(buf_bytes(&text), &item->chunks, e);
	(void)snprintf(item->sha256, sizeof(item->sha256), "%s", want->sha256);
	return r == 0 || r == ERR_LIMIT ? 1 : r;
}

int fetch_check_whole(struct fetch_worker *w, struct fetch_item *item, const char *otherwise,
		      struct err *e)
{
	AUTO_FD int fd = -1;
	struct stat st;
	int r = journal_stage_open(w->common->root, item->staged, O_RDWR, &fd, e);

	if (r == 0 && fstat(fd, &st) < 0)
		r = err_sys(e, "look at staged file '%s'", item->staged);
	if (r == 0 && st.st_size == item->want->size_bytes)
		r = has_bytes(item, fd, e);
	if (r < 0)
		return r;
	return r ? note_staged(item, fd, e) : fetch_give_up(item, "%s", otherwise);
}

/* Every block was right when it came, by the index that the manifest names by its hash. */
static int end_blocks(struct fetch_worker *w, struct fetch_item *item, struct err *e)
{
	AUTO_FD int fd = -1;
	int r = journal_stage_open(w->common->root, item->staged, O_RDWR, &fd, e);

	(void)snprintf(item->sha256, sizeof(item->sha256), "%s", item->want->sha256);
	return r < 0 ? r : note_staged(item, fd, e);
}

int fetch_come_whole(struct fetch_worker *w, struct fetch_item *item, struct err *e)
{
	int64_t counted = atomic_exchange(&item->bytes_reused, 0);
	int r = 0;

	if (!item->emptied) {
		r = journal_stage_remove(w->common->root, item->staged, e);
		(void)atomic_fetch_sub(&w->common->bytes_reused, counted);
		fetch_show(w, -(counted + atomic_load(&item->bytes_fetched)));
	}
	if (r < 0)
		return r;
	item->emptied = true;
	chunks_free(TAKE(item->chunks));
	return fetch_file(w, item, e);
}

static int finish(struct fetch_worker *w, struct fetch_item *item, struct err *e)
{
	int r = 0;

	if (!atomic_load(&item->whole) && item->by_blocks)
		r = end_blocks(w, item, e);
	else if (!atomic_load(&item->whole))
		r = fetch_check_whole(w, item, "what was made from its chunks has another hash", e);
	if (r != 0)
		return r < 0 ? r : 0;
	return fetch_come_whole(w, item, e);
}

int fetch_unit(struct fetch_worker *w, struct fetch_unit *unit, struct err *e)
{
	struct fetch_item *item = unit->item;
	int r;

	if (unit->batch)
		return fetch_batch(w, unit->batch, unit->batch_count, e);
	if (item->patched)
		return fetch_patch(w, item, e);
	if (unit->length == 0 && !item->delta)
		return fetch_file(w, item, e);
	if (atomic_load(&item->failed))
		return err_set(e, ERR_CANCELLED, "not asked for");
	if (!unit->done && unit->length > 0 && !atomic_load(&item->whole)) {
		r = fetch_range(w, unit, e);
		if (r < 0)
			return r;
	}
	if (!unit->done) {
		unit->done = true;
		unit->last = atomic_fetch_sub(&item->units_left, 1) == 1;
	}
	return unit->last ? finish(w, item, e) : 0;
}
