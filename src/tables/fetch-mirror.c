/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a file is asked of: the mirror that the hub names (docs/mirror.md), where there is one and it is of
 * use, else the hub.
 *
 * A mirror is any server with the hub's objects under their names, which are hashes: a folder of a web
 * server, a bucket. It is not the hub, so it never sees the token; its entity tags mean nothing here
 * (an object store's are no SHA-256), and what it says of sizes and ranges must be what the manifest
 * says. Its bytes are judged as all others, by hash. Whatever it does not have or does wrong is asked
 * of the hub in the same attempt.
 */
#include "tables/fetch-internal.h"

#include "base/time.h"
#include "tables/mirrored.h"
#include "tables/objects.h"

/* The hub is there to be asked: nobody waits for a mirror as long as for the only server. */
#define CONNECT_MS 5000
#define STALL_S    10
/* In that time: a kilobyte a second is less than a modem brings on each of its connections. */
#define STALL_BYTES 10000
/* Failures in a row after which it is left alone. */
#define TROUBLES_MAX 3
/* Files in a row that it does not have: one publish that is not there yet has few, an empty one all. */
#define MISSES_MAX 16

struct kind {
	const char *word; /* of the hub's API */
	const char *(*path)(const char *sha256, char out[OBJECT_PATH_MAX]);
};

static const struct kind kinds[] = {
	[FETCH_FILE] = { "download", object_path },
	[FETCH_CHUNKS] = { "chunks", object_chunks_path },
	[FETCH_PATCH] = { "patch", object_patch_path },
};

struct asking {
	struct fetch_worker *worker;
	struct fetch_item *item;
	const struct fetch_ask *ask; /* as the caller has it */
	int64_t size;                /* of what is asked for */
	const char *sha256;
	bool taken; /* it sends what it should */
	bool other; /* it has another index or patch of that file */
};

static void note(struct fetch_mirror *m, const char *why)
{
	(void)pthread_mutex_lock(&m->lock);
	if (!*m->why)
		(void)snprintf(m->why, sizeof(m->why), "%s", why);
	(void)pthread_mutex_unlock(&m->lock);
}

void fetch_mirror_begin(struct fetch_mirror *m, const char *url, const char *server)
{
	m->url = "";
	if (!url || !*url)
		return;
	if (str_starts(server, "https://") && !str_starts(url, "https://"))
		note(m, "it would send in the clear what the hub sends encrypted");
	else
		m->url = url;
}

/* Both return 1: the hub is to be asked. */
static int had_trouble(struct fetch_mirror *m, const char *why)
{
	note(m, why);
	if (atomic_fetch_add(&m->troubles, 1) + 1 >= TROUBLES_MAX)
		atomic_store(&m->left, true);
	return 1;
}

static int had_nothing(struct fetch_mirror *m)
{
	if (atomic_fetch_add(&m->misses, 1) + 1 >= MISSES_MAX)
		atomic_store(&m->left, true);
	return 1;
}

static void did_well(struct fetch_mirror *m)
{
	atomic_store(&m->troubles, 0);
	atomic_store(&m->misses, 0);
}

static bool is_of_use(const struct fetch_mirror *m, const struct fetch_item *item)
{
	return *m->url && item->table->mirrored && *item->want->sha256 &&
	       item->want->size_bytes > MIRRORED_ABOVE && !atomic_load(&m->left) &&
	       !atomic_load(&item->only_hub);
}

const char *fetch_mirror_fault(const struct http_request *q, int64_t size,
			       const struct http_reply *reply)
{
	bool ranged = q->range_first > 0 || q->range_last > 0;

	if (ranged && reply->status == 200)
		return "it sends no ranges";
	if (ranged && (reply->range_first != q->range_first ||
		       (reply->range_total >= 0 && reply->range_total != size)))
		return "it sends another range than was asked for";
	if (!ranged && reply->status == 206)
		return "it sends a range that was not asked for";
	if (!ranged && reply->content_length >= 0 && reply->content_length != size)
		return "it has a file of another length";
	return NULL;
}

/* The body of a refusal is read, so that the connection can be kept. */
static int on_head(void *ctx, const struct http_reply *reply, struct err *e)
{
	struct asking *a = ctx;
	const struct http_request *q = &a->ask->http;
	struct http_reply seen = *reply;
	const char *fault;

	if (reply->status != 200 && reply->status != 206)
		return 0;
	fault = fetch_mirror_fault(q, a->size, reply);
	a->other = fault && reply->status == 200 && a->ask->what != FETCH_FILE;
	if (fault)
		return err_set(e, ERR_REMOTE, "%s", fault);
	a->taken = true;
	seen.etag = NULL;
	return q->on_head ? q->on_head(q->ctx, &seen, e) : 0;
}

static int on_body(void *ctx, const void *p, size_t n, struct err *e)
{
	const struct http_request *q = &((const struct asking *)ctx)->ask->http;

	return q->on_body(q->ctx, p, n, e);
}

struct http_client *fetch_mirror_client(const atomic_bool *cancel)
{
	const struct http_client_options options = { .cancel = cancel,
						     .connect_ms = CONNECT_MS,
						     .stall_s = STALL_S,
						     .stall_bytes = STALL_BYTES };

	return http_client_new(&options);
}

/* Whatever could tell the mirror who asks, or be misunderstood there, is left out. */
static int send_it(struct asking *a, struct http_reply *reply, struct err *e)
{
	struct fetch_worker *w = a->worker;
	char path[OBJECT_PATH_MAX];
	const char *name = kinds[a->ask->what].path(a->item->want->sha256, path);
	AUTO_FREE char *url =
		xasprintf("%s%s", w->common->mirror.url, name + strlen(OBJECTS_FOLDER));
	struct http_request request = a->ask->http;

	request.url = url;
	request.token = NULL;
	request.if_range = NULL;
	if (request.max_body < HTTP_SMALL_BODY_MAX)
		request.max_body = 0; /* of a refusal */
	if (request.on_body)
		request.on_body = on_body;
	request.ctx = a;
	request.on_head = on_head;
	(void)atomic_fetch_add(&w->common->requests, 1);
	w->asked_us = time_monotonic_us();
	if (!w->mirror_http)
		w->mirror_http = fetch_mirror_client(w->common->cancel);
	return http_request(w->mirror_http, &request, reply, e);
}

/* What lies beside a file came in one piece: is it what the manifest says? */
static void check_body(struct asking *a, const struct http_reply *reply)
{
	char hex[HASH_HEX_MAX];

	hash_text(HASH_SHA256, buf_bytes(&reply->body), hex);
	a->other = !str_eq(hex, a->sha256);
}

bool fetch_mirror_lacks(long status)
{
	/* An object store says 403 of what is not there to who may not list the bucket. */
	return status == 403 || status == 404 || status == 410;
}

/*
 * 1 when the hub is to be asked; else what came of it, and the bytes that it sent are the caller's. A file
 * never changes, but another publish may give it another patch, and the mirror have the one before.
 */
static int ask_mirror(struct asking *a, struct http_reply *reply, struct err *e)
{
	struct fetch_mirror *m = &a->worker->common->mirror;
	struct err why = { 0 };
	int r = send_it(a, reply, &why);

	if (r == ERR_CANCELLED) {
		*e = why;
		return r;
	}
	if (a->taken && a->ask->what == FETCH_FILE) {
		(void)atomic_fetch_add(&m->bytes, reply->bytes_received);
		a->worker->from_mirror = true;
		*e = r < 0 ? why : *e;
		return r;
	}
	if (r == 0 && a->taken)
		check_body(a, reply);
	if (a->other || (r == 0 && !a->taken && fetch_mirror_lacks(reply->status)))
		return had_nothing(m);
	if (r == 0 && !a->taken)
		r = http_expect(reply, 200, &why);
	if (r < 0)
		return had_trouble(m, why.msg);
	(void)atomic_fetch_add(&m->bytes, reply->bytes_received);
	did_well(m);
	return 0;
}

static int ask_hub(struct asking *a, struct http_reply *reply, struct err *e)
{
	struct fetch_worker *w = a->worker;
	AUTO_BUF struct buf url = BUF_INIT(BUF_OWN_MAX);
	struct http_request request = a->ask->http;

	fetch_add_url(&url, w->common, a->item, kinds[a->ask->what].word);
	request.url = buf_str(&url);
	request.token = w->common->token;
	(void)atomic_fetch_add(&w->common->requests, 1);
	w->asked_us = time_monotonic_us();
	return http_request(w->http, &request, reply, e);
}

int fetch_request(struct fetch_worker *w, struct fetch_item *item, const struct fetch_ask *ask,
		  struct http_reply *reply, struct err *e)
{
	const struct manifest_file *want = item->want;
	struct asking a = { .worker = w, .item = item, .ask = ask };
	int r = 1;

	a.size = ask->what == FETCH_FILE     ? want->size_bytes
		 : ask->what == FETCH_CHUNKS ? want->chunks_bytes
					     : want->patch_bytes;
	a.sha256 = ask->what == FETCH_CHUNKS ? want->chunks_sha256 : want->patch_sha256;
	w->from_mirror = false;
	if (is_of_use(&w->common->mirror, item))
		r = ask_mirror(&a, reply, e);
	return r == 1 ? ask_hub(&a, reply, e) : r;
}

bool fetch_ask_hub_now(struct fetch_worker *w, struct fetch_item *item, int result,
		       const struct err *why)
{
	bool was_mirror = w->from_mirror;

	w->from_mirror = false;
	if (!was_mirror)
		return false;
	if (result == 0)
		did_well(&w->common->mirror);
	if (result != ERR_OFFLINE && result != ERR_REMOTE && result != ERR_CORRUPT)
		return false; /* it is this machine's, or nobody's */
	(void)had_trouble(&w->common->mirror, why->msg);
	atomic_store(&item->only_hub, true);
	item->wrong = 0;
	return true;
}
