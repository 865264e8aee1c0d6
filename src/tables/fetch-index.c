/* SPDX-License-Identifier: Apache-2.0 */
/* The first half of a file in pieces: what it consists of, and what of that is here. */
#include "tables/fetch-internal.h"

#include "base/fault.h"
#include "base/file.h"
#include "base/time.h"
#include "engine/journal.h"
#include "tables/held.h"

#include <fcntl.h>

/* With more than this of it to fetch (in percent), one request for the whole is as good. */
#define WORTH_IT_MAX 95
/* Files that one is copied from; more are closed again and looked for once more. */
#define SOURCES_MAX 32

struct source {
	int64_t id; /* 0: none */
	int fd;
	int64_t size;
};

struct looking {
	struct fetch_worker *worker;
	struct fetch_item *item;
	int fd;         /* of the partial file, -1 when there is none */
	int64_t staged; /* its size */
	struct source sources[SOURCES_MAX];
	size_t next;
};

static void looking_release(struct looking *l)
{
	auto_fd_(&l->fd);
	for (size_t i = 0; i < SOURCES_MAX; i++)
		auto_fd_(&l->sources[i].fd);
}

int fetch_give_up(struct fetch_item *item, const char *fmt, ...)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	va_list ap;

	if (atomic_exchange(&item->whole, true))
		return 0;
	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	item->warning = xasprintf("table '%s': %s; the file is fetched whole", item->table->name,
				  buf_str(&text));
	return 0;
}

char *fetch_chunk_buffer(struct fetch_worker *w)
{
	if (!w->chunk)
		w->chunk = xmalloc(CHUNK_MOST);
	return w->chunk;
}

bool fetch_chunk_fits(struct fetch_worker *w, const struct chunk *chunk, const char *bytes)
{
	unsigned char digest[32];

	hash_reset(w->sha256);
	hash_add(w->sha256, bytes, (size_t)chunk->length);
	hash_raw(w->sha256, digest);
	return memcmp(digest, chunk->hash, CHUNK_HASH) == 0;
}

/* The quickest answer is the one nearest to the link's own time. */
static int on_head(void *ctx, const struct http_reply *reply, struct err *e)
{
	const struct fetch_worker *w = ctx;
	int64_t took = time_monotonic_us() - w->asked_us;
	int64_t known = atomic_load(&w->common->rtt_us);

	(void)reply;
	(void)e;
	if (known == 0 || took < known)
		atomic_store(&w->common->rtt_us, took);
	return 0;
}

static int get_index(struct fetch_worker *w, struct fetch_item *item, struct http_reply *reply,
		     struct err *e)
{
	const struct fetch_ask ask = {
		.what = FETCH_CHUNKS,
		.http = { .method = "GET",
			  .max_body = (size_t)item->want->chunks_bytes + 1,
			  .ctx = w,
			  .on_head = on_head },
	};

	return fetch_request(w, item, &ask, reply, e);
}

/* 1 when it is the index that the manifest spoke of, of the file it spoke of. */
static int take_index(struct fetch_worker *w, struct fetch_item *item,
		      const struct http_reply *reply)
{
	AUTO_CHUNKS struct chunks *chunks = NULL;
	char hex[HASH_HEX_MAX];
	struct err why = { 0 };

	fetch_count(w, item, reply->bytes_received, 0);
	if (reply->status != 200)
		return fetch_give_up(item, "its chunk index did not come (status %ld)",
				     reply->status);
	hash_text(HASH_SHA256, buf_bytes(&reply->body), hex);
	if (!str_eq(hex, item->want->chunks_sha256))
		return fetch_give_up(item,
				     "its chunk index has other bytes than the manifest says");
	if (chunks_parse(buf_bytes(&reply->body), &chunks, &why) < 0)
		return fetch_give_up(item, "%s", why.msg);
	if (!str_eq(chunks->sha256, item->want->sha256) || chunks->size != item->want->size_bytes)
		return fetch_give_up(item, "its chunk index is another file's");
	chunks_free(item->chunks); /* of an attempt that failed after it */
	item->chunks = TAKE(chunks);
	return 1;
}

/* Is the chunk in the partial file? What is a hole there is not read. */
static bool is_there(struct looking *l, const struct chunk *chunk)
{
	char *bytes = fetch_chunk_buffer(l->worker);
	int64_t end = chunk->offset + chunk->length;
	off_t data;

	if (l->fd < 0 || end > l->staged)
		return false;
	data = lseek(l->fd, chunk->offset, SEEK_DATA);
	if (data < 0 || data >= end)
		return false;
	return pread(l->fd, bytes, (size_t)chunk->length, chunk->offset) == chunk->length &&
	       fetch_chunk_fits(l->worker, chunk, bytes);
}

/* NULL when the file is not there any more. */
static const struct source *open_source(struct looking *l, int64_t id)
{
	struct source *s = &l->sources[l->next];
	AUTO_FREE char *path = NULL;
	char sha256[HASH_HEX_MAX] = "";
	struct err ignored = { 0 };
	struct stat st;

	for (size_t i = 0; i < SOURCES_MAX; i++) {
		if (l->sources[i].id == id)
			return l->sources[i].fd < 0 ? NULL : &l->sources[i];
	}
	auto_fd_(&s->fd);
	*s = (struct source){ .id = id, .fd = -1 };
	l->next = (l->next + 1) % SOURCES_MAX;
	if (held_file(l->worker->db, id, sha256, &ignored) < 0 || !*sha256)
		return NULL;
	path = local_version_path(sha256);
	s->fd = openat(root_dirfd(l->worker->common->root), path, O_RDONLY | O_CLOEXEC);
	if (s->fd >= 0 && fstat(s->fd, &st) == 0)
		s->size = st.st_size;
	return s->fd < 0 ? NULL : s;
}

static int find(void *ctx, const struct chunk *chunk, const struct delta_place *wish,
		struct delta_place *ret_place, struct err *e)
{
	struct looking *l = ctx;
	const struct source *s;
	int r;

	if (is_there(l, chunk)) {
		*ret_place = (struct delta_place){ .kind = DELTA_THERE };
		return 1;
	}
	r = held_find(l->worker->db, chunk, wish, ret_place, e);
	s = r > 0 ? open_source(l, ret_place->source) : NULL;
	if (r > 0 && (!s || ret_place->from > s->size - chunk->length))
		*ret_place = (struct delta_place){ .kind = DELTA_FETCH };
	return r;
}

static int open_db(struct fetch_worker *w, struct err *e)
{
	AUTO_FREE char *path = xasprintf("%s/%s", root_path(w->common->root), ROOT_DB);
	const struct db_options options = { .path = path, .read_only = true };

	return w->db ? 0 : db_open(&options, &w->db, e);
}

static int copy_pieces(struct looking *l, const struct delta *d, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < d->n; i++) {
		const struct delta_piece *piece = &d->pieces[i];
		const struct source *s;

		if (piece->place.kind != DELTA_COPY)
			continue;
		s = open_source(l, piece->place.source);
		if (!s)
			return err_set(e, ERR_BUSY, "a file it is made from was removed meanwhile");
		r = file_copy_piece(&(struct file_piece){ .from = s->fd,
							  .to = l->fd,
							  .from_at = piece->place.from,
							  .to_at = piece->offset,
							  .n = piece->length },
				    l->item->staged, e);
	}
	return r;
}

/* Not all that it has is to be fetched, by far; or a run before this one began so, and what is not there yet of
 * it are holes. */
static bool is_worth_it(const struct looking *l, const struct delta *d, int64_t size)
{
	return d->bytes[DELTA_FETCH] / WORTH_IT_MAX < size / 100 || l->staged >= size;
}

/* Where the workspace has no chunks at all, none is looked for; a large file of which nothing is here comes
 * by blocks. */
static int make_plan(struct looking *l, struct delta **ret_delta, struct err *e)
{
	const struct fetch_common *common = l->worker->common;
	int64_t size = l->item->want->size_bytes;
	bool large = size >= common->pieces_from;
	struct delta_request request = {
		.chunks = l->item->chunks,
		.gap = delta_gap(atomic_load(&common->rtt_us), common->rate, common->at_once),
		.range = large ? common->range : 0,
		.ctx = l,
	};
	int r = l->staged > 0 ? 1 : held_any(l->worker->db, e);

	if (r > 0)
		request.find = find;
	if (r >= 0)
		r = delta_plan(&request, ret_delta, e);
	if (r == 0)
		l->item->by_blocks = large && (*ret_delta)->bytes[DELTA_FETCH] == size;
	return r;
}

/* What an earlier run has left of it. */
static int open_staged(struct looking *l, struct err *e)
{
	int r = journal_stage_open(l->worker->common->root, l->item->staged, O_RDWR, &l->fd, e);
	struct stat st;

	if (r == 0 && fstat(l->fd, &st) == 0)
		l->staged = st.st_size;
	return r == ERR_NOT_FOUND ? 0 : r;
}

/* The partial file: what is here in its place, and room for the rest. */
static int look(struct looking *l, struct err *e)
{
	AUTO_DELTA struct delta *d = NULL;
	int64_t size = l->item->want->size_bytes;
	int64_t held;
	int r = open_staged(l, e);

	if (r == 0)
		r = make_plan(l, &d, e);
	if (r == 0)
		l->item->patched =
			fetch_patch_is_quicker(l->worker, l->item, d->bytes[DELTA_FETCH]);
	if (r < 0 || l->item->patched || (!l->item->by_blocks && !is_worth_it(l, d, size)))
		return r;
	if (l->fd < 0)
		r = journal_stage_go_on(l->worker->common->root, l->item->staged, &l->fd, e);
	if (r == 0 && ftruncate(l->fd, size) < 0)
		r = err_sys(e, "make room for '%s'", l->item->staged);
	if (r == 0)
		r = copy_pieces(l, d, e);
	if (r < 0)
		return r;
	held = d->bytes[DELTA_COPY] + d->bytes[DELTA_THERE];
	fetch_count(l->worker, l->item, 0, held);
	fetch_show(l->worker, held);
	l->item->delta = TAKE(d);
	return 0;
}

int fetch_index(struct fetch_worker *w, struct fetch_item *item, struct err *e)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO(looking_release) struct looking l = { .worker = w, .item = item, .fd = -1 };
	int r;

	for (size_t i = 0; i < SOURCES_MAX; i++)
		l.sources[i].fd = -1;
	if (fetch_find_on_disk(w, item))
		return 0;
	/* Where patches are wanted in any case, there is nothing to choose by an index. */
	if (!*item->want->chunks_sha256 || w->common->patches == PATCHES_ALWAYS)
		item->patched = fetch_patch_is_quicker(w, item, item->want->size_bytes);
	if (!*item->want->chunks_sha256 || item->patched)
		return 0;
	r = open_db(w, e);
	if (r == 0)
		r = get_index(w, item, &reply, e);
	if (r == ERR_LIMIT)
		return fetch_give_up(item, "its chunk index is longer than the manifest says");
	if (r < 0 || take_index(w, item, &reply) == 0)
		return r;
	return look(&l, e);
}
