/* SPDX-License-Identifier: Apache-2.0 */
/* Small files, many in one request; each is verified and staged by itself. */
#include "tables/fetch-internal.h"

#include "base/fault.h"
#include "base/file.h"
#include "base/json.h"
#include "engine/journal.h"
#include "tables/batch.h"
#include "tables/parquet-frame.h"

#include <fcntl.h>

struct batching {
	struct fetch_worker *worker;
	struct fetch_item *asked[BATCH_FILES_MAX];
	size_t n, at; /* asked for, come */
	unsigned char length[BATCH_LENGTH_BYTES];
	size_t length_n;
	int64_t size, held; /* of the file that is coming */
};

static int on_head(void *ctx, const struct http_reply *reply, struct err *e)
{
	(void)ctx;
	(void)e;
	return reply->status == 200;
}

/* A file that is not right is asked for alone, where its trouble is told. */
static int stage(struct batching *b, struct fetch_item *item, struct err *e)
{
	struct fetch_worker *w = b->worker;
	struct bytes bytes = { w->buffer, (size_t)b->held };
	struct err not_right = { 0 };
	AUTO_FD int fd = -1;
	struct stat st;
	int r;

	hash_reset(w->sha256);
	hash_add(w->sha256, bytes.p, bytes.n);
	hash_hex(w->sha256, item->sha256);
	if (!str_eq(item->sha256, item->want->sha256) ||
	    parquet_frame_check_bytes(bytes, &not_right) < 0)
		return 0;
	r = journal_stage_anew(w->common->root, item->staged, &fd, e);
	if (r == 0 && fault_step("write", item->staged) < 0)
		r = err_sys(e, "write '%s'", item->staged);
	if (r == 0)
		r = file_write_all(fd, bytes, item->staged, e);
	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at staged file '%s'", item->staged);
	(void)snprintf(item->md5, sizeof(item->md5), "%s", item->want->md5);
	item->mark = file_mark_of(&st);
	item->ready = true;
	return 0;
}

static int end_file(struct batching *b, struct err *e)
{
	int r = b->length_n == 0 ? 0 : stage(b, b->asked[b->at], e);

	b->at++;
	b->length_n = 0;
	b->held = 0;
	return r;
}

/* The length has come: 1 when bytes follow. */
static int begin_file(struct batching *b, struct err *e)
{
	uint64_t length = 0;

	for (int i = BATCH_LENGTH_BYTES - 1; i >= 0; i--)
		length = length << 8 | b->length[i];
	if (length == BATCH_ABSENT) {
		b->length_n = 0;
		b->at++;
		return 0;
	}
	if (length != (uint64_t)b->asked[b->at]->want->size_bytes)
		return err_set(e, ERR_CORRUPT, "a batch has a file of another length");
	b->size = (int64_t)length;
	return 1;
}

static int on_body(void *ctx, const void *p, size_t n, struct err *e)
{
	struct batching *b = ctx;
	const char *from = p;
	int r = 0;

	while (r >= 0 && n > 0) {
		bool in_length = b->length_n < BATCH_LENGTH_BYTES;
		size_t room =
			in_length ? BATCH_LENGTH_BYTES - b->length_n : (size_t)(b->size - b->held);
		size_t piece = n < room ? n : room;

		if (b->at == b->n)
			return err_set(e, ERR_CORRUPT, "a batch has more than was asked for");
		(void)memcpy(in_length ? (char *)b->length + b->length_n
				       : b->worker->buffer + b->held,
			     from, piece);
		b->length_n += in_length ? piece : 0;
		b->held += in_length ? 0 : (int64_t)piece;
		from += piece;
		n -= piece;
		if (!in_length) {
			fetch_count(b->worker, b->asked[b->at], (int64_t)piece, 0);
			fetch_show(b->worker, (int64_t)piece);
		} else if (b->length_n == BATCH_LENGTH_BYTES) {
			r = begin_file(b, e);
		}
		if (r >= 0 && b->length_n == BATCH_LENGTH_BYTES && b->held == b->size)
			r = end_file(b, e);
	}
	return r < 0 ? r : 0;
}

static void write_request(const struct batching *b, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_open(&o, "files", '[');
	for (size_t i = 0; i < b->n; i++) {
		const struct fetch_item *item = b->asked[i];

		json_open(&o, NULL, '{');
		json_add_text(&o, "table", item->table->id);
		json_add_text(&o, "v", item->table->version);
		if (item->table->in_parts)
			json_add_text(&o, "part", item->want->path);
		json_close(&o);
	}
	json_close(&o);
	json_close(&o);
}

static int ask(struct batching *b, struct err *e)
{
	AUTO_FREE char *url = xasprintf("%s/api/data/batch", b->worker->common->server);
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct http_request request = {
		.method = "POST",
		.url = url,
		.token = b->worker->common->token,
		.content_type = "application/json",
		.ctx = b,
		.on_head = on_head,
		.on_body = on_body,
	};
	int r;

	write_request(b, &body);
	request.body = buf_bytes(&body);
	(void)atomic_fetch_add(&b->worker->common->requests, 1);
	r = http_request(b->worker->http, &request, &reply, e);
	if (r == ERR_CORRUPT || (r == 0 && reply.status != 200 && reply.status != 401))
		return 0; /* each alone, then */
	return r < 0 ? r : http_expect(&reply, 200, e);
}

/* Is there anything of it here already? Then it is looked at alone. */
static bool is_begun(const struct fetch_worker *w, const struct fetch_item *item)
{
	AUTO_FREE char *staged = xasprintf(ROOT_STAGING "/%s", item->staged);
	AUTO_FREE char *version = local_version_path(item->want->sha256);
	int dirfd = root_dirfd(w->common->root);

	if (w->common->fresh)
		return false;
	return faccessat(dirfd, staged, F_OK, 0) == 0 || faccessat(dirfd, version, F_OK, 0) == 0;
}

int fetch_batch(struct fetch_worker *w, struct fetch_item *const *items, size_t n, struct err *e)
{
	struct batching b = { .worker = w };

	for (size_t i = 0; i < n && b.n < BATCH_FILES_MAX; i++) {
		if (!items[i]->ready && !is_begun(w, items[i]))
			b.asked[b.n++] = items[i];
	}
	return b.n > 0 ? ask(&b, e) : 0;
}
