/* SPDX-License-Identifier: Apache-2.0 */
/* Replies made while they are sent: whole, broken, slower or faster than their reader, or left alone. */
#include "http-fixture.h"

#include "base/str.h"

#define PIECE ((size_t)10000)

struct site {
	struct http_server *server;
	struct http_client *client;
	char *url;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool go;         /* the writer of /held goes on */
	int left;        /* writers told that their client left */
	int64_t written; /* by the writer that is told so */
};

static void wait_to_go(struct site *site)
{
	(void)pthread_mutex_lock(&site->lock);
	while (!site->go)
		(void)pthread_cond_wait(&site->changed, &site->lock);
	(void)pthread_mutex_unlock(&site->lock);
}

static void note_left(struct site *site, int64_t written)
{
	(void)pthread_mutex_lock(&site->lock);
	site->left++;
	site->written = written;
	(void)pthread_cond_broadcast(&site->changed);
	(void)pthread_mutex_unlock(&site->lock);
}

static int write_piece(struct http_stream *s, int64_t from, size_t n)
{
	char piece[PIECE];
	struct err e = { 0 };

	for (size_t i = 0; i < n; i++)
		piece[i] = fixture_byte((size_t)from + i);
	return http_stream_write(s, (struct bytes){ piece, n }, &e);
}

/* "/bytes?n=N", "/held?n=N" (waits in the middle), "/broken?n=N". */
static void stream(struct http_in *in, void *state)
{
	struct site *site = state;
	bool held = str_eq(http_path(in), "/held"), broken = str_eq(http_path(in), "/broken");
	int64_t n = 0, sent = 0;
	struct http_stream *s;
	struct err e = { 0 };

	CHECK_OK(parse_int64(http_query(in, "n"), 0, INT64_MAX, &n, &e));
	s = http_stream_begin(in, 200, "application/octet-stream");
	assert_non_null(s);
	while (sent < n) {
		size_t size = n - sent > (int64_t)PIECE ? PIECE : (size_t)(n - sent);

		if (write_piece(s, sent, size) < 0) {
			note_left(site, sent);
			break;
		}
		sent += (int64_t)size;
		if (held)
			wait_to_go(site);
	}
	http_stream_end(s, !broken && sent == n);
}

static void refuse(struct http_in *in, void *state)
{
	(void)state;
	http_reply_detail(in, 409, "conflict", "not today");
}

static void on_request(void *ctx, struct http_in *in)
{
	struct err e = { 0 };

	if (str_eq(http_path(in), "/hello"))
		http_reply_bytes(in, 200, "text/plain", BYTES_LITERAL("hello"));
	else if (http_run_aside(in, HTTP_ASIDE_QUERY,
				str_eq(http_path(in), "/fail") ? refuse : stream, ctx, &e) < 0)
		http_reply_error(in, &e);
}

static void site_start(struct site *site, struct http_server_options options)
{
	struct err e = { 0 };

	*site = (struct site){ .client = http_client_new(NULL) };
	(void)pthread_mutex_init(&site->lock, NULL);
	(void)pthread_cond_init(&site->changed, NULL);
	options.address = "127.0.0.1";
	options.on_request = on_request;
	options.ctx = site;
	CHECK_OK(http_server_start(&options, &site->server, &e));
	site->url = xasprintf("http://127.0.0.1:%u", (unsigned)http_server_port(site->server));
}

static void site_stop(struct site *site)
{
	http_client_free(site->client);
	assert_true(http_server_stop(site->server, DEADLINE_MS));
	free(site->url);
	(void)pthread_mutex_destroy(&site->lock);
	(void)pthread_cond_destroy(&site->changed);
}

static int ask(struct site *site, const char *path, struct http_reply *reply, struct err *e)
{
	AUTO_FREE char *url = xasprintf("%s%s", site->url, path);
	const struct http_request q = { .method = "GET", .url = url, .max_body = (size_t)64 << 20 };

	return http_request(site->client, &q, reply, e);
}

static void assert_bytes(struct site *site, int64_t n)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_FREE char *path = xasprintf("/bytes?n=%lld", (long long)n);
	struct err e = { 0 };

	CHECK_OK(ask(site, path, &reply, &e));
	assert_int_equal(reply.status, 200);
	assert_int_equal(reply.body.n, n);
	for (size_t i = 0; i < reply.body.n; i++) {
		if (reply.body.p[i] != fixture_byte(i))
			fail_msg("byte %zu is wrong", i);
	}
}

TEST(a_stream_comes_whole_whatever_its_length)
{
	static const int64_t lengths[] = { 0, 1, 9999, 10000, 10001, 32768, 1000000, 20000000 };
	struct site site;

	site_start(&site, (struct http_server_options){ .threads = 2 });
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
		assert_bytes(&site, lengths[i]);
	site_stop(&site);
}

TEST(a_stream_that_breaks_is_not_taken_for_whole)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct err e = { 0 };
	struct site site;

	site_start(&site, (struct http_server_options){ .threads = 1 });
	assert_true(ask(&site, "/broken?n=100000", &reply, &e) < 0);
	assert_bytes(&site, 5);
	site_stop(&site);
}

TEST(work_that_does_not_stream_replies_as_before)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct err e = { 0 };
	struct site site;

	site_start(&site, (struct http_server_options){ .threads = 1 });
	CHECK_OK(ask(&site, "/fail", &reply, &e));
	assert_int_equal(reply.status, 409);
	site_stop(&site);
}

/* A client that asks and reads nothing more than it is told to. */
static int raw_ask(const struct site *site, const char *path)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(http_server_port(site->server)),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	AUTO_FREE char *text = xasprintf("GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
	int small = 4096;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)); /* else: slower */
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
	return fd;
}

TEST(while_a_writer_has_nothing_the_one_pool_thread_serves_others)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct err e = { 0 };
	struct site site;
	char some[100];
	int fd;

	site_start(&site, (struct http_server_options){ .threads = 1, .rate_ms = 100 });
	fd = raw_ask(&site, "/held?n=20000");
	assert_true(recv(fd, some, sizeof(some), 0) > 0); /* its head, and it waits */
	for (int i = 0; i < 20; i++) {
		http_reply_release(&reply);
		reply = (struct http_reply)HTTP_REPLY_INIT;
		CHECK_OK(ask(&site, "/hello", &reply, &e));
		assert_int_equal(reply.status, 200);
	}
	(void)pthread_mutex_lock(&site.lock);
	site.go = true;
	(void)pthread_cond_broadcast(&site.changed);
	(void)pthread_mutex_unlock(&site.lock);
	while (recv(fd, some, sizeof(some), 0) > 0 && !memmem(some, sizeof(some), "0\r\n\r\n", 5))
		;
	(void)close(fd); /* of a test: nothing to lose */
	site_stop(&site);
}

static void wait_left(struct site *site)
{
	(void)pthread_mutex_lock(&site->lock);
	while (site->left == 0)
		(void)pthread_cond_wait(&site->changed, &site->lock);
	(void)pthread_mutex_unlock(&site->lock);
}

TEST(a_client_that_leaves_stops_the_writer_soon)
{
	struct site site;
	char some[100];
	int fd;

	site_start(&site, (struct http_server_options){ .threads = 1 });
	fd = raw_ask(&site, "/bytes?n=60000000");
	assert_true(recv(fd, some, sizeof(some), 0) > 0);
	(void)close(fd); /* that is the point */
	wait_left(&site);
	assert_true(site.written < 60000000);
	site_stop(&site);
}

TEST(a_client_that_reads_nothing_holds_up_the_writer_and_is_dropped)
{
	struct site site;
	int fd;

	site_start(&site, (struct http_server_options){ .threads = 1, .rate_ms = 300 });
	fd = raw_ask(&site, "/bytes?n=60000000");
	wait_left(&site);
	/* What is kept for it: the stream's buffer, and the socket's own. */
	assert_true(site.written < 20000000);
	(void)close(fd); /* of a test: nothing to lose */
	site_stop(&site);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(a_stream_comes_whole_whatever_its_length),
		CASE(a_stream_that_breaks_is_not_taken_for_whole),
		CASE(work_that_does_not_stream_replies_as_before),
		CASE(while_a_writer_has_nothing_the_one_pool_thread_serves_others),
		CASE(a_client_that_leaves_stops_the_writer_soon),
		CASE(a_client_that_reads_nothing_holds_up_the_writer_and_is_dropped),
	};

	return RUN(tests);
}
