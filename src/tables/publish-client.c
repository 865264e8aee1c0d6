/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/publish-client.h"

#include "base/hash.h"
#include "engine/pipeline.h"
#include "net/http-client.h"
#include "net/url.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* While the hub syncs what it was sent, nothing moves on the wire. */
#define UPLOAD_STALL_S 300
/* While it converts, neither. */
#define PUBLISH_STALL_S (PUBLISH_CONVERT_MS / 1000 + 60)
#define REPLY_MAX       ((size_t)64 << 10)

struct upload {
	char sha256[HASH_HEX_MAX]; /* "" until it is hashed */
	bool sent;
};

struct publishing {
	const struct publish_order *order;
	const struct publish_files *files;
	struct upload *uploads;
	bool bytes_needed; /* what only became something else at the hub is sent again */
	struct buf body;
	struct published done;
};

void published_release(struct published *p)
{
	json_free(p->reply);
	*p = (struct published){ 0 };
}

static void *new_worker(void *ctx)
{
	const struct http_client_options o = { .stall_s = UPLOAD_STALL_S };

	(void)ctx;
	return http_client_new(&o);
}

static void free_worker(void *ctx, void *worker)
{
	(void)ctx;
	http_client_free(worker);
}

static char *object_url(const struct publishing *p, const struct upload *u, const char *query)
{
	return xasprintf("%s/api/admin/objects/%s%s", p->order->server, u->sha256, query);
}

/* 1 when the hub has it. */
static int ask_for(const struct publishing *p, struct http_client *client, const struct upload *u,
		   struct err *e)
{
	AUTO_FREE char *url = object_url(p, u, p->bytes_needed ? "?bytes=1" : "");
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct http_request q = { .method = "HEAD", .url = url, .token = p->order->token };
	int r = http_request(client, &q, &reply, e);

	if (r < 0 || reply.status == 404)
		return r;
	r = http_expect(&reply, 200, e);
	return r < 0 ? r : 1;
}

struct sending {
	struct progress *progress;
	int64_t sent;
};

static void on_sent(void *ctx, int64_t bytes)
{
	struct sending *s = ctx;

	progress_add(s->progress, bytes - s->sent);
	s->sent = bytes;
}

static int send_file(const struct publishing *p, struct http_client *client, const struct upload *u,
		     int fd, struct err *e)
{
	AUTO_FREE char *url = object_url(p, u, "");
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct sending sending = { .progress = p->order->progress };
	struct http_request q = { .method = "PUT",
				  .url = url,
				  .token = p->order->token,
				  .content_type = "application/octet-stream",
				  .body_fd = fd,
				  .ctx = &sending,
				  .on_sent = on_sent };
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at the file");
	q.body_size = st.st_size;
	r = http_request(client, &q, &reply, e);
	if (r == 0 && reply.status != 201)
		r = http_expect(&reply, 200, e);
	if (r < 0)
		progress_add(p->order->progress, -sending.sent);
	return r;
}

static int hash_file(struct upload *u, int fd, struct err *e)
{
	return u->sha256[0] ? 0 : sha256_fd(fd, u->sha256, NULL, e);
}

static int upload_one(struct publishing *p, struct http_client *client, size_t item, struct err *e)
{
	const struct publish_file *f = &p->files->v[item];
	struct upload *u = &p->uploads[item];
	AUTO_FD int fd = open(f->file, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return err_sys(e, "open");
	r = hash_file(u, fd, e);
	if (r == 0)
		r = ask_for(p, client, u, e);
	u->sent = r == 0;
	if (r > 0)
		progress_add(p->order->progress, f->size_bytes);
	return r == 0 ? send_file(p, client, u, fd, e) : r < 0 ? r : 0;
}

static int prepare(void *ctx, void *worker, size_t item, struct err *e)
{
	struct publishing *p = ctx;
	int r = upload_one(p, worker, item, e);

	return r < 0 ? err_in(e, "'%s'", p->files->v[item].file) : 0;
}

static int commit(void *ctx, const struct pipeline_result *results, size_t count, struct err *e)
{
	struct publishing *p = ctx;

	for (size_t i = 0; i < count; i++) {
		const struct publish_file *f = &p->files->v[results[i].item];
		bool sent = p->uploads[results[i].item].sent;

		progress_step(p->order->progress, f->file, results[i].result == 0);
		if (results[i].result < 0) {
			*e = results[i].error;
			return e->code;
		}
		p->done.uploaded += sent;
		p->done.known += !sent;
		p->done.bytes_sent += sent ? f->size_bytes : 0;
	}
	return 0;
}

static int upload_all(struct publishing *p, struct err *e)
{
	const struct pipeline run = { .ctx = p,
				      .items = p->files->n,
				      .workers = p->order->jobs,
				      .attempts = p->order->retries + 1,
				      .order = PIPELINE_AS_FINISHED,
				      .worker_new = new_worker,
				      .worker_free = free_worker,
				      .prepare = prepare,
				      .commit = commit };

	p->done.uploaded = 0;
	p->done.known = 0;
	return pipeline_run(&run, e);
}

static void write_request(struct publishing *p)
{
	struct json_out o = json_out(&p->body);

	json_open(&o, NULL, '{');
	json_open(&o, "parts", '[');
	for (size_t i = 0; i < p->files->n; i++) {
		json_open(&o, NULL, '{');
		json_add_text(&o, "path", p->files->v[i].path);
		json_add_text(&o, "sha256", p->uploads[i].sha256);
		json_add_text(&o, "format", publish_format_word(p->files->v[i].format));
		json_close(&o);
	}
	json_close(&o);
	json_add_texts(&o, "sort", p->order->sort);
	json_add_texts(&o, "key", p->order->key);
	if (p->order->name)
		json_add_text(&o, "name", p->order->name);
	if (p->order->description)
		json_add_text(&o, "description", p->order->description);
	json_add_bool(&o, "create", true);
	json_close(&o);
}

/* Sent again after a cut connection it is the same publish, and then says "unchanged". */
static int ask_to_publish(void *ctx, void *worker, size_t item, struct err *e)
{
	struct publishing *p = ctx;
	AUTO_BUF struct buf url = BUF_INIT(BUF_OWN_MAX);
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct http_request q = { .method = "POST",
				  .token = p->order->token,
				  .content_type = "application/json",
				  .body = buf_bytes(&p->body) };
	int r;

	(void)item;
	buf_addf(&url, "%s/api/admin/registry/", p->order->server);
	url_add_segment(&url, p->order->table);
	buf_adds(&url, "/versions");
	q.url = buf_str(&url);
	r = http_request(worker, &q, &reply, e);
	if (r == 0 && reply.status != 201)
		r = http_expect(&reply, 200, e);
	return r < 0 ? r : json_parse(buf_bytes(&reply.body), REPLY_MAX, &p->done.reply, e);
}

static void *new_asker(void *ctx)
{
	const struct http_client_options o = { .stall_s = PUBLISH_STALL_S };

	(void)ctx;
	return http_client_new(&o);
}

static int take_result(void *ctx, const struct pipeline_result *results, size_t count,
		       struct err *e)
{
	(void)ctx;
	(void)count; /* one request */
	if (results[0].result < 0)
		*e = results[0].error;
	return results[0].result;
}

static int request_version(struct publishing *p, struct err *e)
{
	const struct pipeline run = { .ctx = p,
				      .items = 1,
				      .workers = 1,
				      .attempts = p->order->retries + 1,
				      .worker_new = new_asker,
				      .worker_free = free_worker,
				      .prepare = ask_to_publish,
				      .commit = take_result };

	buf_clear(&p->body);
	write_request(p);
	return pipeline_run(&run, e);
}

/* A file may be known at the hub only for another purpose (converted in another order): then the
 * hub has a conflict with our list, and gets the bytes. */
static int run(struct publishing *p, struct err *e)
{
	int r = upload_all(p, e);

	if (r == 0)
		r = request_version(p, e);
	if (r != ERR_CONFLICT || p->done.known == 0)
		return r;
	struct err first = *e;

	p->bytes_needed = true;
	r = upload_all(p, e);
	if (r == 0 && p->done.uploaded == 0) {
		*e = first;
		return e->code;
	}
	return r < 0 ? r : request_version(p, e);
}

int publish_run(const struct publish_order *order, const struct publish_files *files,
		struct published *ret_published, struct err *e)
{
	struct publishing p = { .order = order, .files = files, .body = BUF_INIT(BUF_OWN_MAX) };
	int r;

	p.uploads = xcalloc(files->n, sizeof(*p.uploads));
	r = run(&p, e);
	if (r == 0) {
		*ret_published = p.done;
		p.done = (struct published){ 0 };
	}
	published_release(&p.done);
	buf_release(&p.body);
	free(p.uploads);
	return r;
}
