/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/fetch-internal.h"

#include "base/fault.h"
#include "engine/journal.h"
#include "net/http-warm.h"
#include "net/url.h"
#include "tables/parquet-frame.h"

#include <fcntl.h>

/* One attempt at one file. */
struct transfer {
	struct fetch_worker *worker;
	struct fetch_item *item;
	int fd;
	int64_t at; /* bytes hashed; the last `held` of them are still in the buffer */
	size_t held;
	int64_t flushed;     /* up to where the kernel was told to start writing */
	int64_t announced;   /* -1 while not known */
	int64_t held_before; /* bytes of an earlier run, still in use */
};

char *fetch_staged_name(const struct manifest_table *table, const struct manifest_file *want)
{
	AUTO_BUF struct buf key = BUF_INIT(BUF_OWN_MAX);
	char hex[HASH_HEX_MAX];

	if (*want->sha256)
		return xasprintf("%s" FETCH_STAGED_END, want->sha256);
	if (*want->md5)
		return xasprintf("%s.md5" FETCH_STAGED_END, want->md5);
	buf_addf(&key, "%s/%s", table->name, want->path);
	hash_text(HASH_SHA256, buf_bytes(&key), hex);
	return xasprintf("%s.any" FETCH_STAGED_END, hex);
}

void fetch_item_release(struct fetch_item *item)
{
	free(item->staged);
	free(item->etag);
	free(item->warning);
	chunks_free(item->chunks);
	delta_free(item->delta);
}

struct fetch_worker *fetch_worker_new(struct fetch_common *common)
{
	const struct http_client_options options = { .cancel = common->cancel };
	struct fetch_worker *w = xcalloc(1, sizeof(*w));

	w->common = common;
	w->http_is_lent = common->near != NULL;
	w->http = common->near ? TAKE(common->near) : http_client_new(&options);
	if (common->warm && !w->http_is_lent)
		http_client_warm(w->http, common->warm);
	w->sha256 = hash_new(HASH_SHA256);
	w->md5 = hash_new(HASH_MD5);
	w->buffer = xmalloc(FETCH_WRITE);
	return w;
}

void fetch_worker_free(struct fetch_worker *w)
{
	if (!w)
		return;
	if (!w->http_is_lent)
		http_client_free(w->http);
	http_client_free(w->mirror_http);
	hash_free(w->sha256);
	hash_free(w->md5);
	free(w->buffer);
	free(w->chunk);
	db_close(w->db);
	free(w);
}

static void count(atomic_llong *counter, int64_t bytes)
{
	(void)atomic_fetch_add(counter, bytes);
}

void fetch_show(const struct fetch_worker *w, int64_t bytes)
{
	if (w->common->progress)
		progress_add(w->common->progress, bytes);
}

void fetch_count(const struct fetch_worker *w, struct fetch_item *item, int64_t fetched,
		 int64_t reused)
{
	count(&w->common->bytes_fetched, fetched);
	count(&w->common->bytes_reused, reused);
	count(&item->bytes_fetched, fetched);
	count(&item->bytes_reused, reused);
}

static void show(const struct transfer *t, int64_t bytes)
{
	fetch_show(t->worker, bytes);
}

/* MD5 costs more than all the rest, so only where nothing better is told. */
static bool needs_md5(const struct fetch_item *item)
{
	return !*item->want->sha256 && *item->want->md5;
}

static bool can_resume(const struct fetch_item *item)
{
	return *item->want->sha256 || *item->want->md5;
}

static void add_to_hashes(struct transfer *t, const void *p, size_t n)
{
	hash_add(t->worker->sha256, p, n);
	if (needs_md5(t->item))
		hash_add(t->worker->md5, p, n);
	t->at += (int64_t)n;
}

static int start_over(struct transfer *t, struct err *e)
{
	show(t, -t->at);
	t->held_before = 0;
	hash_reset(t->worker->sha256);
	hash_reset(t->worker->md5);
	t->at = 0;
	t->held = 0;
	t->flushed = 0;
	if (ftruncate(t->fd, 0) < 0)
		return err_sys(e, "empty staged file '%s'", t->item->staged);
	return 0;
}

static int flush(struct transfer *t, struct err *e)
{
	int64_t from = t->at - (int64_t)t->held;
	size_t done = 0;

	if (t->held && fault_step("write", t->item->staged) < 0)
		return err_sys(e, "write '%s'", t->item->staged);
	while (done < t->held) {
		ssize_t n = pwrite(t->fd, t->worker->buffer + done, t->held - done,
				   from + (int64_t)done);

		if (n < 0)
			return err_sys(e, "write '%s'", t->item->staged);
		done += (size_t)n;
	}
	t->held = 0;
	if (t->at - t->flushed >= FETCH_WRITE_BACK) {
		/* A hint: the sync before the commit is what counts. */
		(void)sync_file_range(t->fd, t->flushed, t->at - t->flushed, SYNC_FILE_RANGE_WRITE);
		t->flushed = t->at;
	}
	return 0;
}

/* Hashes what an earlier attempt or run has left. */
static int read_held(struct transfer *t, struct err *e)
{
	ssize_t n;

	while ((n = pread(t->fd, t->worker->buffer, FETCH_WRITE, t->at)) > 0)
		add_to_hashes(t, t->worker->buffer, (size_t)n);
	if (n < 0)
		return err_sys(e, "read staged file '%s'", t->item->staged);
	t->flushed = t->at;
	show(t, t->at);
	if (t->item->want->size_bytes >= 0 && t->at > t->item->want->size_bytes)
		return start_over(t, e);
	/* What an attempt of this run has left is no saving. */
	if (!t->item->tried)
		t->held_before = t->at;
	return 0;
}

static int too_long(const struct transfer *t, struct err *e)
{
	int64_t told = t->item->want->size_bytes;

	return err_set(e, ERR_CORRUPT, "it is longer than the %lld bytes %s",
		       (long long)(told >= 0 ? told : t->announced),
		       told >= 0 ? "the manifest says" : "announced");
}

static int on_head(void *ctx, const struct http_reply *reply, struct err *e)
{
	struct transfer *t = ctx;
	int64_t told = t->item->want->size_bytes;

	if (reply->status != 200 && reply->status != 206)
		return 0;
	if (reply->status == 206 && reply->range_first != t->at)
		return err_set(e, ERR_CORRUPT, "asked from byte %lld, given from byte %lld",
			       (long long)t->at, (long long)reply->range_first);
	if (reply->status == 200 && t->at > 0 && start_over(t, e) < 0)
		return e->code;
	free(t->item->etag);
	t->item->etag = reply->etag && *reply->etag == '"' ? xstrdup(reply->etag) : NULL;
	t->announced = reply->status == 206 ? reply->range_total : reply->content_length;
	if (told >= 0 && t->announced >= 0 && t->announced != told)
		return err_set(e, ERR_CORRUPT, "the server has %lld bytes, its manifest says %lld",
			       (long long)t->announced, (long long)told);
	if (t->announced > MANIFEST_FILE_MAX)
		return err_set(e, ERR_LIMIT, "%lld bytes exceed the limit of a file, %lld",
			       (long long)t->announced, (long long)MANIFEST_FILE_MAX);
	return 1;
}

static int64_t longest(const struct transfer *t)
{
	if (t->item->want->size_bytes >= 0)
		return t->item->want->size_bytes;
	return t->announced >= 0 ? t->announced : MANIFEST_FILE_MAX;
}

static int on_body(void *ctx, const void *p, size_t n, struct err *e)
{
	struct transfer *t = ctx;
	const char *from = p;

	if ((int64_t)n > longest(t) - t->at)
		return too_long(t, e);
	fetch_count(t->worker, t->item, (int64_t)n, 0);
	show(t, (int64_t)n);
	while (n > 0) {
		size_t room = FETCH_WRITE - t->held;
		size_t piece = n < room ? n : room;

		(void)memcpy(t->worker->buffer + t->held, from, piece);
		add_to_hashes(t, from, piece);
		t->held += piece;
		from += piece;
		n -= piece;
		if (t->held == FETCH_WRITE && flush(t, e) < 0)
			return e->code;
	}
	return 0;
}

void fetch_add_url(struct buf *url, const struct fetch_common *common,
		   const struct fetch_item *item, const char *what)
{
	buf_addf(url, "%s/api/data/", common->server);
	url_add_segment(url, item->table->id);
	buf_addf(url, "/%s", what);
	if (item->table->pinned)
		url_add_query(url, "v", item->table->version);
	if (item->table->in_parts)
		url_add_query(url, "part", item->want->path);
}

/* The server has no byte there: what is held cannot be a piece of what it has. */
static int nothing_there(struct transfer *t, struct err *e)
{
	int64_t at = t->at;

	if (start_over(t, e) < 0)
		return e->code;
	return err_set(e, at > 0 ? ERR_REMOTE : ERR_CORRUPT, "the server has no byte %lld of it",
		       (long long)at);
}

static int transfer_rest(struct transfer *t, struct err *e)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct fetch_item *item = t->item;
	char tag[HASH_HEX_MAX + 2];
	struct fetch_ask ask = {
		.what = FETCH_FILE,
		.http = { .method = "GET",
			  .range_first = t->at,
			  .ctx = t,
			  .on_head = on_head,
			  .on_body = on_body },
	};
	struct err ignored = { 0 };
	int r;

	(void)snprintf(tag, sizeof(tag), "\"%s\"", item->want->sha256);
	if (t->at > 0 && item->etag)
		ask.http.if_range = item->etag;
	else if (t->at > 0 && item->table->pinned)
		ask.http.if_range = tag;
	r = fetch_request(t->worker, item, &ask, &reply, e);
	if (r < 0) {
		(void)flush(t, &ignored); /* what came is for the next attempt; `e` says why */
		return r;
	}
	if (reply.status == 416)
		return nothing_there(t, e);
	r = reply.status == 206 ? 0 : http_expect(&reply, 200, e);
	return r < 0 ? r : flush(t, e);
}

/* Thrown away and, the first time, tried again. */
static int wrong_bytes(struct transfer *t, const char *want, const char *got, struct err *e)
{
	struct fetch_item *item = t->item;
	int r = start_over(t, e);

	if (r < 0)
		return r;
	return err_set(e, item->wrong++ == 0 ? ERR_REMOTE : ERR_CORRUPT,
		       "its bytes are wrong: hash %.12s instead of %.12s", got, want);
}

static int check_hash(struct transfer *t, struct err *e)
{
	struct fetch_item *item = t->item;

	hash_hex(t->worker->sha256, item->sha256);
	(void)snprintf(item->md5, sizeof(item->md5), "%s", item->want->md5);
	if (*item->want->sha256 && !str_eq(item->sha256, item->want->sha256))
		return wrong_bytes(t, item->want->sha256, item->sha256, e);
	if (!needs_md5(item))
		return 0;
	hash_hex(t->worker->md5, item->md5);
	return str_eq(item->md5, item->want->md5) ? 0
						  : wrong_bytes(t, item->want->md5, item->md5, e);
}

static int finish(struct transfer *t, struct err *e)
{
	struct stat st;
	int r;

	if (t->item->want->size_bytes >= 0 && t->at != t->item->want->size_bytes)
		return err_set(e, ERR_OFFLINE, "it ended after %lld of %lld bytes",
			       (long long)t->at, (long long)t->item->want->size_bytes);
	r = check_hash(t, e);
	if (r < 0)
		return r;
	if (parquet_frame_check(t->fd, t->at, e) < 0) {
		struct err why = *e;

		r = start_over(t, e);
		return r < 0 ? r : err_set(e, ERR_CORRUPT, "%s", why.msg);
	}
	if (fstat(t->fd, &st) < 0)
		return err_sys(e, "look at staged file '%s'", t->item->staged);
	t->item->mark = file_mark_of(&st);
	return 0;
}

static bool is_complete(const struct transfer *t)
{
	return t->item->want->size_bytes >= 0 && t->at == t->item->want->size_bytes;
}

static int fetch_into(struct transfer *t, struct err *e)
{
	int r;

	hash_reset(t->worker->sha256);
	hash_reset(t->worker->md5);
	r = can_resume(t->item) ? read_held(t, e) : start_over(t, e);
	if (r < 0)
		return r;
	if (!is_complete(t))
		r = transfer_rest(t, e);
	if (r == 0)
		r = finish(t, e);
	fetch_count(t->worker, t->item, 0, t->held_before);
	t->item->tried = true;
	return r;
}

bool fetch_find_on_disk(struct fetch_worker *w, struct fetch_item *item)
{
	AUTO_FREE char *path = local_version_path(item->want->sha256);
	AUTO_FD int fd = openat(root_dirfd(w->common->root), path, O_RDONLY | O_CLOEXEC);
	struct err ignored = { 0 };
	struct stat st;
	int64_t size;

	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	hash_reset(w->sha256);
	if (hash_fd(fd, w->sha256, NULL, &size, &ignored) < 0)
		return false; /* it cannot be read: fetched again, which replaces it */
	hash_hex(w->sha256, item->sha256);
	if (!str_eq(item->sha256, item->want->sha256))
		return false;
	(void)snprintf(item->md5, sizeof(item->md5), "%s", item->want->md5);
	item->mark = file_mark_of(&st);
	item->on_disk = true;
	fetch_count(w, item, 0, size);
	fetch_show(w, size);
	return true;
}

int fetch_file(struct fetch_worker *w, struct fetch_item *item, struct err *e)
{
	struct transfer t = { .worker = w, .item = item, .fd = -1, .announced = -1 };
	int r;

	if (item->on_disk || (*item->want->sha256 && fetch_find_on_disk(w, item)))
		return 0;
	w->from_mirror = false;
	r = journal_stage_go_on(w->common->root, item->staged, &t.fd, e);
	if (r == 0)
		r = fetch_into(&t, e);
	if (fetch_ask_hub_now(w, item, r, e)) {
		show(&t, -t.at);
		t = (struct transfer){ .worker = w, .item = item, .fd = t.fd, .announced = -1 };
		r = fetch_into(&t, e);
	}
	if (r < 0)
		show(&t, -t.at);
	if (t.fd >= 0)
		(void)close(t.fd); /* journal_sync() reports what a write-back could not do */
	return r;
}
