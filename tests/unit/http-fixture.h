/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small site served in this process, for the tests of the HTTP server and client.
 *
 *	struct fixture f;
 *	fixture_start(&f, &(struct http_server_options){ .head_ms = 400 });
 *	... fixture_get(&f, "/hello", &reply) ...
 *	fixture_stop(&f);
 *
 * What each path answers is in fixture_route().
 */
#ifndef LARDER_TEST_HTTP_FIXTURE_H
#define LARDER_TEST_HTTP_FIXTURE_H

#include "test.h"

#include "base/time.h"
#include "net/http-client.h"
#include "net/http-server.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define FILE_BYTES  ((size_t)10 << 20)
#define FILE_ETAG   "\"v1\""
#define FILE_MS     784111777000 /* Sun, 06 Nov 1994 08:49:37 GMT */
#define JSON_BYTES  8000
#define SMALL_MAX   100
#define STREAM_MAX  ((int64_t)64 << 20)
#define DEADLINE_MS 20000 /* what a test waits for comes in a fraction of it, or never */

struct fixture {
	struct http_server *server;
	struct http_client *client;
	char *url;
	struct http_blob *blob;
	int file;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int waiting; /* handlers inside /wait */
	bool released;
	int freed; /* on_free calls */
	int64_t drain_ms;
	int slots_done; /* on_thread_end calls */
	int watched;    /* outcomes told, and the last of them */
	int watched_status;
	char watched_detail[100];
};

/* The byte of the test file at an offset: no two nearby pieces are alike. */
static inline char fixture_byte(size_t offset)
{
	return (char)((offset * 2654435761U) >> 13);
}

static inline int fixture_file(size_t size)
{
	int fd = memfd_create("fixture", MFD_CLOEXEC);
	char *p = NULL;

	assert_true(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(p != MAP_FAILED);
	for (size_t i = 0; i < size; i++)
		p[i] = fixture_byte(i);
	(void)munmap(p, size);
	return fd;
}

struct fixture_upload {
	struct fixture *f;
	int64_t bytes, wrong;
	int64_t fail_after; /* 0: never */
};

static inline int fixture_on_data(void *state, struct http_in *in, struct bytes piece,
				  struct err *e)
{
	struct fixture_upload *u = state;

	(void)in;
	for (size_t i = 0; i < piece.n; i++)
		u->wrong += piece.p[i] != fixture_byte((size_t)u->bytes + i);
	u->bytes += (int64_t)piece.n;
	if (u->fail_after && u->bytes > u->fail_after)
		return err_set(e, ERR_CONFLICT, "enough");
	return 0;
}

static inline void fixture_on_end(void *state, struct http_in *in)
{
	struct fixture_upload *u = state;
	AUTO_FREE char *text =
		xasprintf("%lld bytes, %lld wrong", (long long)u->bytes, (long long)u->wrong);

	http_reply_bytes(in, 200, "text/plain", bytes_of(text));
}

static inline void fixture_on_free(void *state)
{
	struct fixture_upload *u = state;

	(void)pthread_mutex_lock(&u->f->lock);
	u->f->freed++;
	(void)pthread_cond_broadcast(&u->f->changed);
	(void)pthread_mutex_unlock(&u->f->lock);
	free(u);
}

static inline void fixture_upload(struct fixture *f, struct http_in *in, int64_t fail_after)
{
	struct fixture_upload *u = xcalloc(1, sizeof(*u));
	struct http_body body = { .max = STREAM_MAX,
				  .decode_gzip = true,
				  .state = u,
				  .on_data = fixture_on_data,
				  .on_end = fixture_on_end,
				  .on_free = fixture_on_free };

	u->f = f;
	u->fail_after = fail_after;
	http_take_body(in, &body);
}

static inline void fixture_echo(struct http_in *in, struct bytes body)
{
	http_reply_bytes(in, 200, "text/plain", body);
}

static inline void fixture_wait(struct fixture *f)
{
	(void)pthread_mutex_lock(&f->lock);
	f->waiting++;
	(void)pthread_cond_broadcast(&f->changed);
	while (!f->released)
		(void)pthread_cond_wait(&f->changed, &f->lock);
	(void)pthread_mutex_unlock(&f->lock);
}

/* Requests that are in fixture_wait(), or were. */
static inline int fixture_waiting(struct fixture *f)
{
	int n;

	(void)pthread_mutex_lock(&f->lock);
	n = f->waiting;
	(void)pthread_mutex_unlock(&f->lock);
	return n;
}

static inline void fixture_work(struct http_in *in, void *state)
{
	AUTO_FREE char *text = NULL;

	fixture_wait(state);
	text = xasprintf("done in slot %u", http_thread_slot(in));
	http_reply_bytes(in, 200, "text/plain", bytes_of(text));
}

static inline void fixture_aside(struct http_in *in, struct bytes body)
{
	struct err e = { 0 };

	(void)body;
	if (http_run_aside(in, HTTP_ASIDE_CONVERT, fixture_work, http_context(in), &e) < 0)
		http_reply_error(in, &e);
}

static inline void fixture_job(struct http_in *in, struct bytes body)
{
	struct err e = { 0 };

	(void)body;
	if (http_run_aside(in, HTTP_ASIDE_JOB, fixture_work, http_context(in), &e) < 0)
		http_reply_error(in, &e);
}

static inline void fixture_afterwards(void *state)
{
	fixture_wait(state);
}

static inline void fixture_work_and_more(struct http_in *in, void *state)
{
	http_after_aside(in, fixture_afterwards, state);
	http_reply_bytes(in, 200, "text/plain", BYTES_LITERAL("done, with more to do"));
}

static inline void fixture_more(struct http_in *in, struct bytes body)
{
	struct err e = { 0 };

	(void)body;
	if (http_run_aside(in, HTTP_ASIDE_JOB, fixture_work_and_more, http_context(in), &e) < 0)
		http_reply_error(in, &e);
}

/* Comes to ask for work aside when the test says so. */
static inline void fixture_late(struct http_in *in, struct bytes body)
{
	fixture_wait(http_context(in));
	fixture_aside(in, body);
}

/* What the server saw of the request, for tests to compare. */
static inline void fixture_show(struct http_in *in)
{
	const char *q = http_query(in, "q");
	const char *token = http_bearer(in);
	AUTO_FREE char *text = xasprintf(
		"%s %s q=%s token=%s peer=%s length=%lld slot=%d", http_method(in), http_path(in),
		q ? q : "-", token ? token : "-", http_peer(in), (long long)http_content_length(in),
		http_thread_slot(in) < HTTP_THREADS_MAX);

	http_reply_bytes(in, 200, "text/plain", bytes_of(text));
}

static inline void fixture_json(struct http_in *in)
{
	AUTO_FREE char *text = xmalloc(JSON_BYTES + 1);

	memset(text, 'j', JSON_BYTES);
	http_reply_add(in, "ETag", "\"j\"");
	http_reply_bytes(in, 200, "application/json", (struct bytes){ text, JSON_BYTES });
}

static inline void fixture_error(struct http_in *in)
{
	struct err e = { 0 };

	(void)err_set(&e, ERR_BUSY, "come \"back\"");
	e.retry_after = 7;
	http_reply_error(in, &e);
}

static inline void fixture_watched(void *state, const struct http_outcome *outcome)
{
	struct fixture *f = state;

	(void)pthread_mutex_lock(&f->lock);
	f->watched++;
	f->watched_status = outcome->status;
	(void)snprintf(f->watched_detail, sizeof(f->watched_detail), "%s",
		       outcome->detail ? outcome->detail : "-");
	(void)pthread_cond_broadcast(&f->changed);
	(void)pthread_mutex_unlock(&f->lock);
}

static inline void fixture_route(void *ctx, struct http_in *in)
{
	struct fixture *f = ctx;
	const char *path = http_path(in);

	if (http_header(in, "X-Watch"))
		http_watch(in, fixture_watched, f);

	if (str_eq(path, "/hello")) {
		http_reply_bytes(in, 200, "text/plain", BYTES_LITERAL("hello"));
	} else if (str_eq(path, "/file")) {
		http_reply_add(in, "Cache-Control", "private");
		http_reply_file(in, dup(f->file), FILE_ETAG, FILE_MS, "application/x-test");
	} else if (str_eq(path, "/json")) {
		fixture_json(in);
	} else if (str_eq(path, "/blob")) {
		if (!http_reply_not_modified(in, "\"b\""))
			http_reply_blob(in, 200, "application/json", f->blob);
	} else if (str_eq(path, "/small")) {
		http_take_small_body(in, SMALL_MAX, fixture_echo);
	} else if (str_eq(path, "/upload")) {
		fixture_upload(f, in, 0);
	} else if (str_eq(path, "/fail")) {
		fixture_upload(f, in, 100000);
	} else if (str_eq(path, "/error")) {
		fixture_error(in);
	} else if (str_eq(path, "/wait")) {
		fixture_wait(f);
		http_reply_bytes(in, 200, "text/plain", BYTES_LITERAL("waited"));
	} else if (str_eq(path, "/aside")) {
		http_take_small_body(in, SMALL_MAX, fixture_aside);
	} else if (str_eq(path, "/job")) {
		http_take_small_body(in, SMALL_MAX, fixture_job);
	} else if (str_eq(path, "/more")) {
		http_take_small_body(in, SMALL_MAX, fixture_more);
	} else if (str_eq(path, "/late")) {
		http_take_small_body(in, SMALL_MAX, fixture_late);
	} else if (str_eq(path, "/show")) {
		fixture_show(in);
	} else if (!str_eq(path, "/forget")) {
		http_reply_detail(in, 404, "not_found", "no such page");
	}
}

static inline void fixture_thread_end(void *ctx, unsigned slot)
{
	struct fixture *f = ctx;

	(void)slot;
	f->slots_done++;
}

static inline void fixture_start(struct fixture *f, const struct http_server_options *options)
{
	struct http_server_options o = *options;
	struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct err e = { 0 };

	*f = (struct fixture){ .file = fixture_file(FILE_BYTES) };
	(void)pthread_mutex_init(&f->lock, NULL);
	(void)pthread_cond_init(&f->changed, NULL);
	for (int i = 0; i < JSON_BYTES; i++)
		buf_addc(&text, 'b');
	f->blob = http_blob_new(&text, true);
	o.address = "127.0.0.1";
	o.ctx = f;
	o.on_request = fixture_route;
	o.on_thread_end = fixture_thread_end;
	if (http_server_start(&o, &f->server, &e) < 0)
		fail_msg("%s", e.msg);
	f->url = xasprintf("http://127.0.0.1:%u", http_server_port(f->server));
	f->client = http_client_new(NULL);
}

static inline void fixture_release(struct fixture *f)
{
	(void)pthread_mutex_lock(&f->lock);
	f->released = true;
	(void)pthread_cond_broadcast(&f->changed);
	(void)pthread_mutex_unlock(&f->lock);
}

/* Nobody listens there any more: a stop has begun. */
static inline bool fixture_refuses(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	AUTO_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 && errno == ECONNREFUSED;
}

static inline void fixture_stop(struct fixture *f)
{
	fixture_release(f);
	(void)http_server_stop(f->server, f->drain_ms); /* false is a leak, which asan finds */
	http_client_free(f->client);
	http_blob_unref(f->blob);
	free(f->url);
	(void)close(f->file);
	(void)pthread_mutex_destroy(&f->lock);
	(void)pthread_cond_destroy(&f->changed);
}

/* Sends q, whose url is a path of the fixture here. */
static inline int fixture_send(struct fixture *f, const struct http_request *q,
			       struct http_reply *reply, struct err *e)
{
	AUTO_FREE char *url = xasprintf("%s%s", f->url, q->url);
	struct http_request full = *q;

	full.url = url;
	if (!full.method)
		full.method = "GET";
	return http_request(f->client, &full, reply, e);
}

/* The same for a request that must be answered. */
static inline void fixture_ask(struct fixture *f, const struct http_request *q,
			       struct http_reply *reply)
{
	struct err e = { 0 };

	if (fixture_send(f, q, reply, &e) < 0)
		fail_msg("%s", e.msg);
}

static inline int raw_connect(const struct fixture *f)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(http_server_port(f->server)),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static inline void raw_send(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* All that comes until the server closes; NULL when it does not within the deadline. */
static inline char *raw_read_all(int fd)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char piece[4096];
	ssize_t n = 1;

	while (n > 0) {
		if (poll(&p, 1, DEADLINE_MS) != 1)
			return NULL;
		n = recv(fd, piece, sizeof(piece), 0);
		if (n > 0)
			buf_add(&text, piece, (size_t)n);
	}
	return buf_take(&text);
}

/* One request on a connection of its own; the status that came, 0 for none. */
static inline int raw_status(const struct fixture *f, const char *request)
{
	AUTO_FD int fd = raw_connect(f);
	AUTO_FREE char *reply = NULL;
	int status = 0;

	raw_send(fd, request);
	reply = raw_read_all(fd);
	assert_non_null(reply);
	return sscanf(reply, "HTTP/1.1 %d", &status) == 1 ? status : 0;
}

#endif
