/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP client over libcurl-http.so, in which curl-unused.c stands for what http does not need: what a
 * server or a proxy can reach of that by what it sends is an error, and the next request is answered.
 */
#include "http-fixture.h"

#include "net/http-client-load.h"
#include <dlfcn.h>
#include <link.h>

/* One connection of a server that says what it is told to: it waits for some bytes, and answers. */
struct line {
	size_t wait;     /* bytes to read first; 0: the head of a request */
	const char *say; /* to the NUL, or `n` bytes */
	size_t n;
};

static struct {
	int listener;
	unsigned port;
	pthread_t thread;
	const struct line *lines;
	size_t count;
	char heard[8192];
	size_t heard_n;
} peer;

static struct http_client *client;
static char *library; /* libcurl-http.so of this build */

static bool has_heard(const struct line *line, size_t since)
{
	peer.heard[peer.heard_n] = '\0';
	return line->wait ? peer.heard_n - since >= line->wait
			  : strstr(peer.heard + since, "\r\n\r\n") != NULL;
}

static bool listen_for(int fd, const struct line *line)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t since = peer.heard_n;
	ssize_t n = 1;

	while (!has_heard(line, since) && n > 0) {
		n = poll(&p, 1, DEADLINE_MS) == 1 ? recv(fd, peer.heard + peer.heard_n,
							 sizeof(peer.heard) - 1 - peer.heard_n, 0)
						  : -1;
		peer.heard_n += n > 0 ? (size_t)n : 0;
	}
	return has_heard(line, since);
}

static void *play(void *ctx)
{
	struct pollfd p = { .fd = peer.listener, .events = POLLIN };
	AUTO_FD int fd = poll(&p, 1, DEADLINE_MS) == 1
				 ? accept4(peer.listener, NULL, NULL, SOCK_CLOEXEC)
				 : -1;

	(void)ctx;
	for (size_t i = 0; i < peer.count; i++) {
		const struct line *line = &peer.lines[i];

		if (!listen_for(fd, line))
			break;
		(void)send(fd, line->say, line->n ? line->n : strlen(line->say), MSG_NOSIGNAL);
	}
	return NULL;
}

static int start(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);

	(void)state;
	peer.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(peer.listener, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(peer.listener, 5), 0);
	assert_int_equal(getsockname(peer.listener, (struct sockaddr *)&a, &n), 0);
	peer.port = ntohs(a.sin_port);
	client = http_client_new(NULL);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	http_client_free(client);
	(void)close(peer.listener);
	free(library);
	return 0;
}

static void start_peer(const struct line *lines, size_t count)
{
	peer.lines = lines;
	peer.count = count;
	peer.heard_n = 0;
	assert_int_equal(pthread_create(&peer.thread, NULL, play, NULL), 0);
}

/* One request, answered by these lines on a connection of its own. */
static int ask_at(const char *url, const struct line *lines, size_t count, struct http_reply *reply,
		  struct err *e)
{
	const struct http_request q = { .method = "GET", .url = url, .accept_gzip = true };
	int r;

	start_peer(lines, count);
	r = http_request(client, &q, reply, e);
	(void)pthread_join(peer.thread, NULL);
	return r;
}

static int answer(const char *text, struct http_reply *reply, struct err *e)
{
	AUTO_FREE char *url = xasprintf("http://127.0.0.1:%u/x", peer.port);
	const struct line line = { .say = text };

	return ask_at(url, &line, 1, reply, e);
}

static void assert_still_works(void)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct err e = { 0 };

	CHECK_OK(answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", &reply, &e));
	CHECK_STR(buf_str(&reply.body), "ok");
}

static int collect(struct dl_phdr_info *info, size_t size, void *ctx)
{
	(void)size;
	strv_add(ctx, info->dlpi_name);
	return 0;
}

/* Runs first: what is loaded with it is seen once. */
TEST(it_brings_nothing_but_libssl)
{
	static const char *const may[] = { "libcurl-http.so", "libssl.so.", "libcrypto.so.",
					   "libz.so.", "libc.so." };
	AUTO_STRV struct strv before = STRV_INIT;
	AUTO_STRV struct strv after = STRV_INIT;
	const struct curl_library *curl = NULL;
	struct err e = { 0 };

	(void)dl_iterate_phdr(collect, &before);
	CHECK_OK(curl_library_load(&curl, &e));
	(void)dl_iterate_phdr(collect, &after);
	CHECK(after.n > before.n);
	for (size_t i = before.n; i < after.n; i++) {
		bool fits = false;

		for (size_t k = 0; k < ARRAY_LEN(may); k++)
			fits = fits || strstr(after.v[i], may[k]);
		if (!fits)
			fail_msg("it brought '%s'", after.v[i]);
	}
}

TEST(it_is_the_one_in_use)
{
	struct http_library found = { 0 };
	struct err e = { 0 };

	CHECK_OK(http_library(&found, &e));
	CHECK_STR(found.file, library);
	CHECK(!found.missed);
}

TEST(an_encoding_that_was_not_asked_for_is_an_error)
{
	static const char *const heads[] = {
		"Content-Encoding: br\r\nContent-Length: 4\r\n\r\nabcd",
		"Content-Encoding: zstd\r\nContent-Length: 4\r\n\r\n\x28\xb5\x2f\xfd",
		"Content-Encoding: gzip, br\r\nContent-Length: 4\r\n\r\nabcd",
		"Content-Encoding: zstd, gzip\r\nContent-Length: 4\r\n\r\nabcd",
		"Content-Encoding: br\r\nContent-Encoding: zstd\r\n\r\nabcd",
		"Content-Encoding: br, br, br, br, br, br\r\nContent-Length: 4\r\n\r\nabcd",
		"Transfer-Encoding: br, chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
		"Transfer-Encoding: zstd\r\n\r\nabcd",
	};

	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
		AUTO_FREE char *text = xasprintf("HTTP/1.1 200 OK\r\n%s", heads[i]);
		struct err e = { 0 };

		CHECK_ERR(answer(text, &reply, &e), ERR_REMOTE);
		CHECK_HAS(e.msg, "ncod"); /* "encoding", or "chunked-encoded" */
		CHECK_INT(reply.body.n, 0);
	}
	assert_still_works();
}

TEST(an_encoding_of_nothing_is_nothing)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct err e = { 0 };

	CHECK_OK(answer("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 0\r\n\r\n",
			&reply, &e));
	CHECK_INT(reply.status, 200);
	CHECK_OK(answer("HTTP/1.1 304 Not Modified\r\nContent-Encoding: zstd\r\n\r\n", &reply, &e));
	CHECK_INT(reply.status, 304);
}

TEST(another_protocol_than_asked_for_is_an_error)
{
	static const char *const replies[] = {
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n\1\2",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"SSH-2.0-OpenSSH_9.2\r\n\r\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
		AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
		struct err e = { 0 };

		CHECK(answer(replies[i], &reply, &e) < 0 || http_expect(&reply, 200, &e) < 0);
		CHECK(e.code == ERR_REMOTE || e.code == ERR_OFFLINE);
	}
	assert_still_works();
}

TEST(cookies_other_services_and_ways_to_log_in_are_passed_over)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct err e = { 0 };

	CHECK_OK(answer("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\n"
			"WWW-Authenticate: NTLM\r\nSet-Cookie: a=b; Domain=co.uk\r\n"
			"Alt-Svc: h2=\":1\"; ma=60\r\nStrict-Transport-Security: max-age=60\r\n"
			"Location: sftp://127.0.0.1/\r\nContent-Length: 0\r\n\r\n",
			&reply, &e));
	CHECK_INT(reply.status, 401);
	CHECK(!strstr(peer.heard, "Authorization"));
	assert_still_works();
	CHECK(!strstr(peer.heard, "Cookie"));
}

TEST(a_host_name_beyond_ascii_is_found)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_FREE char *url = xasprintf("http://b\u00fccher.localhost:%u/x", peer.port);
	AUTO_FREE char *host = xasprintf("Host: xn--bcher-kva.localhost:%u\r\n", peer.port);
	const struct line line = { .say = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" };
	struct err e = { 0 };

	CHECK_OK(ask_at(url, &line, 1, &reply, &e));
	CHECK_INT(reply.status, 200);
	CHECK_HAS(peer.heard, host);
}

TEST(a_host_name_that_is_none_is_an_error)
{
	static const char *const urls[] = { "http://b\xff\xfe.localhost/", "http://\u2488.com/",
					    "sftp://127.0.0.1/", "ldap://127.0.0.1/",
					    "rtmp://127.0.0.1/x" };

	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
		const struct http_request q = { .method = "GET", .url = urls[i] };
		struct err e = { 0 };

		CHECK_ERR(http_request(client, &q, &reply, &e), ERR_USAGE);
	}
}

/* What http_proxy names is asked for a host that only it knows. */
static int ask_proxy(const char *scheme, const struct line *lines, size_t count,
		     struct http_reply *reply, struct err *e)
{
	AUTO_FREE char *proxy = xasprintf("%s://127.0.0.1:%u", scheme, peer.port);
	int r;

	assert_int_equal(setenv("http_proxy", proxy, 1), 0);
	r = ask_at("http://hub.example/x", lines, count, reply, e);
	assert_int_equal(unsetenv("http_proxy"), 0);
	return r;
}

TEST(an_http_proxy_is_asked)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	const struct line good = { .say = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi" };
	const struct line denied = { .say = "HTTP/1.1 407 Log in\r\nProxy-Authenticate: Negotiate"
					    "\r\nProxy-Authenticate: NTLM\r\nContent-Length: 0"
					    "\r\n\r\n" };
	struct err e = { 0 };

	CHECK_OK(ask_proxy("http", &good, 1, &reply, &e));
	CHECK_STR(buf_str(&reply.body), "hi");
	CHECK_HAS(peer.heard, "GET http://hub.example/x HTTP/1.1\r\n");
	CHECK_OK(ask_proxy("http", &denied, 1, &reply, &e));
	CHECK_INT(reply.status, 407);
}

TEST(a_socks_proxy_is_asked)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	const struct line lines[] = {
		{ .wait = 3, .say = "\5\0", .n = 2 },
		{ .wait = 7 + 11, .say = "\5\0\0\1\177\0\0\1\0\120", .n = 10 },
		{ .say = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi" },
	};
	struct err e = { 0 };

	CHECK_OK(ask_proxy("socks5h", lines, ARRAY_LEN(lines), &reply, &e));
	CHECK_STR(buf_str(&reply.body), "hi");
}

TEST(a_socks_proxy_that_wants_kerberos_is_an_error)
{
	static const char *const says[] = { "\5\1", "\5\377" };

	for (size_t i = 0; i < ARRAY_LEN(says); i++) {
		AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
		const struct line line = { .wait = 3, .say = says[i], .n = 2 };
		struct err e = { 0 };

		CHECK_ERR(ask_proxy("socks5h", &line, 1, &reply, &e), ERR_OFFLINE);
		for (size_t k = 2; k < peer.heard_n; k++)
			CHECK(peer.heard[k] != 1); /* nor was it offered */
	}
	assert_still_works();
}

static size_t swallow(char *p, size_t size, size_t n, void *ctx)
{
	(void)p;
	(void)ctx;
	return size * n;
}

/* A handle that asks for what ours never do. */
static CURLcode ask_for(CURLoption option, long value, bool through_proxy, const struct line *line)
{
	AUTO_FREE char *here = xasprintf("127.0.0.1:%u", peer.port);
	AUTO_FREE char *proxy = xasprintf("socks5h://%s", here);
	const struct curl_library *curl = NULL;
	struct err e = { 0 };
	CURL *h;
	CURLcode r;

	CHECK_OK(curl_library_load(&curl, &e));
	h = curl->easy_init();
	(void)curl->easy_setopt(h, CURLOPT_URL, here);
	(void)curl->easy_setopt(h, CURLOPT_WRITEFUNCTION, swallow);
	(void)curl->easy_setopt(h, CURLOPT_USERPWD, ":");
	(void)curl->easy_setopt(h, option, value);
	if (through_proxy)
		(void)curl->easy_setopt(h, CURLOPT_PROXY, proxy);
	start_peer(line, 1);
	r = curl->easy_perform(h);
	curl->easy_cleanup(h);
	(void)pthread_join(peer.thread, NULL);
	return r;
}

/* Behind the settings of http-transfer.c, which none of these passes, nothing ends the process either. */
TEST(what_is_never_asked_for_fails_as_well)
{
	const struct line kerberos = { .wait = 3, .say = "\5\1", .n = 2 };
	const struct line negotiate = { .say = "HTTP/1.1 401 Log in\r\nWWW-Authenticate: Negotiate"
					       "\r\nContent-Length: 0\r\n\r\n" };

	CHECK_INT(ask_for(CURLOPT_SOCKS5_AUTH, (long)CURLAUTH_GSSAPI, true, &kerberos),
		  CURLE_PROXY);
	CHECK_INT(ask_for(CURLOPT_HTTPAUTH, (long)CURLAUTH_NEGOTIATE, false, &negotiate), CURLE_OK);
	CHECK_INT(ask_for(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE, false,
			  &negotiate),
		  CURLE_OUT_OF_MEMORY);
	CHECK_INT(ask_for(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2, false, &negotiate),
		  CURLE_FAILED_INIT);
}

TEST(its_version_can_be_asked_for)
{
	void *own = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	char *(*version)(void) = NULL;
	curl_version_info_data *(*info)(CURLversion) = NULL;

	assert_non_null(own);
	*(void **)&version = dlsym(own, "curl_version");
	*(void **)&info = dlsym(own, "curl_version_info");
	CHECK_HAS(version(), "libcurl/");
	CHECK_INT(info(CURLVERSION_NOW)->age, CURLVERSION_NOW);
	(void)dlclose(own);
}

int main(void)
{
	const char *bin = getenv("LARDER_BIN");
	const struct CMUnitTest tests[] = {
		CASE(it_brings_nothing_but_libssl),
		CASE(it_is_the_one_in_use),
		CASE(an_encoding_that_was_not_asked_for_is_an_error),
		CASE(an_encoding_of_nothing_is_nothing),
		CASE(another_protocol_than_asked_for_is_an_error),
		CASE(cookies_other_services_and_ways_to_log_in_are_passed_over),
		CASE(a_host_name_beyond_ascii_is_found),
		CASE(a_host_name_that_is_none_is_an_error),
		CASE(an_http_proxy_is_asked),
		CASE(a_socks_proxy_is_asked),
		CASE(a_socks_proxy_that_wants_kerberos_is_an_error),
		CASE(what_is_never_asked_for_fails_as_well),
		CASE(its_version_can_be_asked_for),
	};

	library = xasprintf("%s/libcurl-http.so", bin ? bin : "build/src");
	if (setenv("LARDER_LIBCURL", library, 1) < 0)
		return 1;
	return cmocka_run_group_tests_name("http-small", tests, start, stop);
}
