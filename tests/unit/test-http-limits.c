/* SPDX-License-Identifier: Apache-2.0 */
/* What the HTTP server does to clients that are slow, many, or up to no good, and how it stops. */
#include "http-fixture.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

/* Short enough for a test, long enough for a busy machine. */
static const struct http_server_options strict = { .threads = 2,
						   .connections = 700,
						   .head_ms = 400,
						   .idle_ms = 4000,
						   .rate_ms = 400,
						   .body_rate = 10000 };

static struct http_server_stats stats_of(const struct fixture *f)
{
	struct http_server_stats stats;

	http_server_get_stats(f->server, &stats);
	return stats;
}

/* Waits for a moment without sleeping: nothing ever comes from no descriptor. */
static void moment(int ms)
{
	(void)poll(NULL, 0, ms);
}

static bool wait_dropped(const struct fixture *f, int64_t n)
{
	int64_t until = time_monotonic() + DEADLINE_MS;

	while (stats_of(f).dropped_slow < n && time_monotonic() < until)
		moment(20);
	return stats_of(f).dropped_slow == n;
}

static bool wait_connections(const struct fixture *f, int64_t n)
{
	int64_t until = time_monotonic() + DEADLINE_MS;

	while (stats_of(f).connections_now != n && time_monotonic() < until)
		moment(20);
	return stats_of(f).connections_now == n;
}

static void assert_served(struct fixture *f)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	int64_t started = time_monotonic();

	fixture_ask(f, &(struct http_request){ .url = "/hello" }, &reply);
	assert_int_equal(reply.status, 200);
	assert_true(time_monotonic() - started < DEADLINE_MS / 2);
}

TEST(a_path_that_climbs_is_not_found_in_any_form)
{
	static const char *const targets[] = {
		"/../etc/passwd",
		"/file/../../etc/passwd",
		"/./file",
		"/%2e%2e/etc/passwd",
		"/%2E%2E/%2E%2E/etc",
		"/..%2fetc%2fpasswd",
		"/file%2f..%2fhello",
		"/..%5cetc",
		"/..\\etc",
		"//hello",
		"/hello//",
		"/hello/..",
		"/%c0%ae%c0%ae/hello",
		"/hello%00.json",
		"/%252e%252e/hello",
		"/hello%",
		"/hello%zz",
		"http://h/../hello",
		"/hello/%2e",
		"/%u002e%u002e/etc/passwd",
	};
	struct fixture f;

	fixture_start(&f, &(struct http_server_options){ 0 });
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		AUTO_FREE char *request = xasprintf(
			"GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", targets[i]);

		if (raw_status(&f, request) != 404)
			fail_msg("'%s' was not answered with 404", targets[i]);
	}
	assert_int_equal(raw_status(&f, "GET http://h/hello HTTP/1.1\r\nHost: h\r\n"
					"Connection: close\r\n\r\n"),
			 200);
	fixture_stop(&f);
}

TEST(a_head_over_its_limit_gives_431)
{
	AUTO_FREE char *large = xasprintf("GET /hello HTTP/1.1\r\nHost: h\r\nX: %0*d\r\n"
					  "Connection: close\r\n\r\n",
					  (int)HTTP_HEAD_MAX, 0);
	AUTO_FREE char *fits = xasprintf("GET /hello HTTP/1.1\r\nHost: h\r\nX: %0*d\r\n"
					 "Connection: close\r\n\r\n",
					 (int)HTTP_HEAD_MAX / 2, 0);
	struct fixture f;

	fixture_start(&f, &(struct http_server_options){ 0 });
	assert_int_equal(raw_status(&f, large), 431);
	assert_int_equal(raw_status(&f, fits), 200);
	fixture_stop(&f);
}

TEST(what_is_not_http_is_refused_and_others_are_served)
{
	struct fixture f;
	int status;

	fixture_start(&f, &(struct http_server_options){ 0 });
	status = raw_status(&f, "\x16\x03\x01\x02\r\n\r\n");
	assert_true(status == 0 || status == 400);
	status = raw_status(&f, "GET /hello HTTP/1.1\r\n\r\n"); /* no Host */
	assert_int_equal(status, 400);
	assert_served(&f);
	fixture_stop(&f);
}

#define SLOW 100

TEST(slow_heads_are_dropped_while_others_are_served)
{
	int64_t until = time_monotonic() + DEADLINE_MS;
	struct fixture f;
	int fds[SLOW];

	fixture_start(&f, &strict);
	for (int i = 0; i < SLOW; i++) {
		fds[i] = raw_connect(&f);
		raw_send(fds[i], "GET /hello HTTP/1.1\r\nX: ");
	}
	while (stats_of(&f).dropped_slow < SLOW && time_monotonic() < until) {
		for (int i = 0; i < SLOW; i++)
			(void)send(fds[i], "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		assert_served(&f);
		moment(50);
	}
	assert_int_equal(stats_of(&f).dropped_slow, SLOW);
	for (int i = 0; i < SLOW; i++)
		(void)close(fds[i]);
	assert_served(&f);
	fixture_stop(&f);
}

TEST(a_slow_second_head_is_dropped_too)
{
	int64_t until = time_monotonic() + DEADLINE_MS;
	struct http_server_options options = strict;
	struct fixture f;
	AUTO_FD int fd = -1;

	options.idle_ms = 60000;
	fixture_start(&f, &options);
	fd = raw_connect(&f);
	raw_send(fd, "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
	while (stats_of(&f).dropped_slow < 1 && time_monotonic() < until) {
		(void)send(fd, "G", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		moment(50);
	}
	assert_int_equal(stats_of(&f).dropped_slow, 1);
	fixture_stop(&f);
}

TEST(a_silent_connection_is_dropped)
{
	struct fixture f;
	AUTO_FD int fd = -1;

	fixture_start(&f, &strict);
	fd = raw_connect(&f);
	assert_true(wait_dropped(&f, 1));
	assert_true(wait_connections(&f, 0));
	fixture_stop(&f);
}

TEST(a_reader_that_stops_reading_is_dropped)
{
	struct fixture f;
	AUTO_FD int fd = -1;

	fixture_start(&f, &strict);
	fd = raw_connect(&f);
	raw_send(fd, "GET /file HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_true(wait_dropped(&f, 1));
	assert_true(wait_connections(&f, 0));
	assert_served(&f);
	fixture_stop(&f);
}

TEST(a_reader_at_a_fair_rate_is_let_to_finish)
{
	int64_t started = time_monotonic();
	AUTO_FREE char *piece = xmalloc(256 << 10);
	int64_t total = 0;
	struct fixture f;
	AUTO_FD int fd = -1;
	ssize_t n;

	fixture_start(&f, &strict);
	fd = raw_connect(&f);
	raw_send(fd, "GET /file HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	while ((n = recv(fd, piece, 256 << 10, 0)) > 0) {
		total += n;
		moment(20);
	}
	assert_int_equal(n, 0);
	assert_true(total > (int64_t)FILE_BYTES);
	assert_true(time_monotonic() - started > 800); /* it was slower than one window */
	assert_int_equal(stats_of(&f).dropped_slow, 0);
	fixture_stop(&f);
}

TEST(a_sender_that_stops_sending_is_dropped_and_its_state_freed)
{
	struct fixture f;
	AUTO_FD int fd = -1;

	fixture_start(&f, &strict);
	fd = raw_connect(&f);
	raw_send(fd, "PUT /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nabc");
	assert_true(wait_dropped(&f, 1));
	assert_true(wait_connections(&f, 0));
	assert_int_equal(f.freed, 1);
	fixture_stop(&f);
}

TEST(a_handler_that_takes_long_is_not_held_against_the_client)
{
	struct http_server_options options = strict;
	struct fixture f;
	AUTO_FD int fd = -1;
	AUTO_FREE char *reply = NULL;

	fixture_start(&f, &options);
	fd = raw_connect(&f);
	raw_send(fd, "GET /wait HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	moment(1300); /* three windows */
	fixture_release(&f);
	reply = raw_read_all(fd);
	assert_non_null(reply);
	assert_true(str_ends(reply, "waited"));
	assert_int_equal(stats_of(&f).dropped_slow, 0);
	fixture_stop(&f);
}

#define IDLE 500

TEST(hundreds_of_idle_connections_cost_others_nothing)
{
	struct http_server_options options = strict;
	struct fixture f;
	int fds[IDLE];

	options.idle_ms = 60000;
	fixture_start(&f, &options);
	for (int i = 0; i < IDLE; i++) {
		fds[i] = raw_connect(&f);
		raw_send(fds[i], "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
	}
	assert_true(wait_connections(&f, IDLE));
	moment(1000); /* longer than a head may take */
	assert_served(&f);
	assert_int_equal(stats_of(&f).connections_now, IDLE + 1);
	assert_int_equal(stats_of(&f).dropped_slow, 0);
	for (int i = 0; i < IDLE; i++)
		(void)close(fds[i]);
	assert_true(wait_connections(&f, 1));
	fixture_stop(&f);
}

TEST(an_idle_connection_ends_after_its_time)
{
	struct http_server_options options = strict;
	struct fixture f;

	options.idle_ms = 400;
	fixture_start(&f, &options);
	assert_served(&f);
	assert_true(wait_connections(&f, 0));
	assert_int_equal(stats_of(&f).dropped_slow, 0);
	assert_served(&f); /* the client finds its connection gone, and makes a new one */
	fixture_stop(&f);
}

#define FEW 64

TEST(idle_connections_make_room_when_there_are_too_many)
{
	struct http_server_options options = strict;
	struct fixture f;
	int fds[FEW];

	options.threads = 1;
	options.connections = FEW;
	options.idle_ms = 60000;
	fixture_start(&f, &options);
	for (int i = 0; i < FEW; i++) {
		fds[i] = raw_connect(&f);
		raw_send(fds[i], "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
	}
	assert_served(&f);
	assert_int_equal(stats_of(&f).dropped_slow, 0);
	for (int i = 0; i < FEW; i++)
		(void)close(fds[i]);
	fixture_stop(&f);
}

struct stopping {
	struct fixture *f;
	int64_t drain_ms;
};

static void *stop_main(void *ctx)
{
	struct stopping *s = ctx;

	http_server_stop(s->f->server, s->drain_ms);
	return NULL;
}

static void wait_waiting(struct fixture *f)
{
	(void)pthread_mutex_lock(&f->lock);
	while (f->waiting == 0)
		(void)pthread_cond_wait(&f->changed, &f->lock);
	(void)pthread_mutex_unlock(&f->lock);
}

/* What fixture_stop() does, but for the server, which is gone. */
static void forget(struct fixture *f)
{
	f->server = NULL;
	fixture_stop(f);
}

TEST(stopping_lets_running_requests_finish_and_takes_no_new_ones)
{
	int64_t until = time_monotonic() + DEADLINE_MS;
	struct stopping s = { .drain_ms = DEADLINE_MS };
	AUTO_FREE char *reply = NULL;
	AUTO_FD int fd = -1;
	struct fixture f;
	pthread_t thread;
	uint16_t port;

	fixture_start(&f, &(struct http_server_options){ .threads = 3 });
	s.f = &f;
	port = http_server_port(f.server);
	fd = raw_connect(&f);
	raw_send(fd, "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
	wait_waiting(&f);
	assert_int_equal(pthread_create(&thread, NULL, stop_main, &s), 0);
	while (!fixture_refuses(port) && time_monotonic() < until)
		moment(10);
	assert_true(fixture_refuses(port));
	fixture_release(&f);
	reply = raw_read_all(fd);
	assert_non_null(reply);
	assert_true(str_ends(reply, "waited"));
	assert_non_null(strstr(reply, "Connection: close"));
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(f.slots_done, 3 + HTTP_ASIDE_MAX);
	forget(&f);
}

TEST(stopping_cuts_what_is_not_done_in_time)
{
	int64_t started = time_monotonic();
	struct fixture f;
	AUTO_FD int fd = -1;
	AUTO_FD int idle = -1;

	fixture_start(&f, &(struct http_server_options){ 0 });
	idle = raw_connect(&f);
	fd = raw_connect(&f);
	raw_send(fd, "PUT /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nabc");
	while (stats_of(&f).requests == 0)
		moment(10);
	http_server_stop(f.server, 200);
	assert_int_equal(f.freed, 1);
	assert_true(time_monotonic() - started < DEADLINE_MS / 2);
	forget(&f);
}

/* As many events as libmicrohttpd takes from the kernel at once (see wake() of the sweeper). */
#define BATCH 128

TEST(exactly_one_batch_of_requests_at_once_is_served_without_another_event)
{
	struct http_server_options options = strict;
	int64_t started = time_monotonic();
	struct fixture f;
	AUTO_FD int busy = -1;
	int fds[BATCH];

	options.threads = 1;
	options.head_ms = options.idle_ms = 4 * (int64_t)DEADLINE_MS;
	fixture_start(&f, &options);
	for (int i = 0; i < BATCH; i++)
		fds[i] = raw_connect(&f);
	assert_true(wait_connections(&f, BATCH));
	busy = raw_connect(&f);
	raw_send(busy, "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
	wait_waiting(&f);
	for (int i = 0; i < BATCH; i++)
		raw_send(fds[i], "GET /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	fixture_release(&f);
	for (int i = 0; i < BATCH; i++) {
		AUTO_FREE char *reply = raw_read_all(fds[i]);

		assert_non_null(reply);
		(void)close(fds[i]);
	}
	assert_true(time_monotonic() - started < DEADLINE_MS);
	fixture_stop(&f);
}

TEST(an_address_in_use_and_one_that_is_none_are_told)
{
	struct http_server *second = NULL;
	struct http_server_options o = { .address = "127.0.0.1" };
	struct fixture f;
	struct err e = { 0 };

	fixture_start(&f, &(struct http_server_options){ 0 });
	o.port = http_server_port(f.server);
	assert_int_equal(http_server_start(&o, &second, &e), ERR_BUSY);
	o.address = "localhost";
	assert_int_equal(http_server_start(&o, &second, &e), ERR_USAGE);
	o.address = "127.0.0.1";
	o.tls_cert = "x";
	assert_int_equal(http_server_start(&o, &second, &e), ERR_USAGE);
	o.port = 0;
	o.tls_key = "y";
	assert_int_equal(http_server_start(&o, &second, &e), ERR_USAGE);
	assert_null(second);
	fixture_stop(&f);
}

TEST(ipv6_is_listened_on_too)
{
	struct http_server_options o = { .address = "::1", .on_request = fixture_route };
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_HTTP struct http_client *client = http_client_new(NULL);
	struct http_server *server = NULL;
	AUTO_FREE char *url = NULL;
	struct err e = { 0 };

	if (http_server_start(&o, &server, &e) < 0)
		skip(); /* a machine without IPv6 */
	url = xasprintf("http://[::1]:%u/show", http_server_port(server));
	assert_int_equal(http_request(client, &(struct http_request){ .method = "GET", .url = url },
				      &reply, &e),
			 0);
	assert_non_null(strstr(buf_str(&reply.body), "peer=::1 "));
	http_server_stop(server, 0);
}

static char *pem_text(BIO *bio)
{
	char *p = NULL;
	long n = BIO_get_mem_data(bio, &p);
	char *text = xstrndup(p, (size_t)n);

	BIO_free(bio);
	return text;
}

/* A certificate for 127.0.0.1 that signs itself. */
static void make_certificate(char **ret_cert, char **ret_key)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_EXTENSION *names =
		X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
	BIO *key_out = BIO_new(BIO_s_mem());
	BIO *cert_out = BIO_new(BIO_s_mem());

	(void)X509_set_version(cert, 2);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	(void)X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	(void)X509_set_pubkey(cert, key);
	(void)X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
					 (const unsigned char *)"test", -1, -1, 0);
	(void)X509_set_issuer_name(cert, X509_get_subject_name(cert));
	(void)X509_add_ext(cert, names, -1);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	(void)PEM_write_bio_PrivateKey(key_out, key, NULL, NULL, 0, NULL, NULL);
	(void)PEM_write_bio_X509(cert_out, cert);
	*ret_key = pem_text(key_out);
	*ret_cert = pem_text(cert_out);
	X509_EXTENSION_free(names);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static int tls_request(const char *url, const char *ca_file, struct http_reply *reply,
		       struct err *e)
{
	AUTO_HTTP struct http_client *client =
		http_client_new(&(struct http_client_options){ .ca_file = ca_file });

	return http_request(
		client,
		&(struct http_request){ .method = "GET", .url = url, .max_body = 2 * FILE_BYTES },
		reply, e);
}

TEST(tls_serves_who_trusts_its_certificate_and_nobody_else)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	char ca_file[] = "/tmp/larder-test-ca-XXXXXX";
	AUTO_FREE char *cert = NULL;
	AUTO_FREE char *key = NULL;
	AUTO_FREE char *url = NULL;
	AUTO_FD int fd = mkstemp(ca_file);
	struct err e = { 0 };
	struct fixture f;

	make_certificate(&cert, &key);
	assert_int_equal(write(fd, cert, strlen(cert)), strlen(cert));
	fixture_start(&f, &(struct http_server_options){ .tls_cert = cert, .tls_key = key });
	url = xasprintf("https://127.0.0.1:%u/file", http_server_port(f.server));
	if (tls_request(url, ca_file, &reply, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(reply.body.n, FILE_BYTES);
	for (size_t i = 0; i < FILE_BYTES; i += 997)
		assert_int_equal(reply.body.p[i], fixture_byte(i));
	assert_int_equal(tls_request(url, NULL, &reply, &e), ERR_FAILED);
	assert_non_null(strstr(e.hint, "SSL_CERT_FILE"));
	(void)unlink(ca_file);
	fixture_stop(&f);
}

#define OK(test) cmocka_unit_test(test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OK(a_path_that_climbs_is_not_found_in_any_form),
		OK(a_head_over_its_limit_gives_431),
		OK(what_is_not_http_is_refused_and_others_are_served),
		OK(slow_heads_are_dropped_while_others_are_served),
		OK(a_slow_second_head_is_dropped_too),
		OK(a_silent_connection_is_dropped),
		OK(a_reader_that_stops_reading_is_dropped),
		OK(a_reader_at_a_fair_rate_is_let_to_finish),
		OK(a_sender_that_stops_sending_is_dropped_and_its_state_freed),
		OK(a_handler_that_takes_long_is_not_held_against_the_client),
		OK(hundreds_of_idle_connections_cost_others_nothing),
		OK(an_idle_connection_ends_after_its_time),
		OK(idle_connections_make_room_when_there_are_too_many),
		OK(stopping_lets_running_requests_finish_and_takes_no_new_ones),
		OK(stopping_cuts_what_is_not_done_in_time),
		OK(exactly_one_batch_of_requests_at_once_is_served_without_another_event),
		OK(an_address_in_use_and_one_that_is_none_are_told),
		OK(ipv6_is_listened_on_too),
		OK(tls_serves_who_trusts_its_certificate_and_nobody_else),
	};

	return cmocka_run_group_tests_name("http-limits", tests, NULL, NULL);
}
