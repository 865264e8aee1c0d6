/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that are made ahead, against a server of this process that sees each of them. */
#include "net/http-warm.h"

#include "base/time.h"
#include "test.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>

#define AHEAD       3
#define PEERS_MAX   8
#define DEADLINE_MS 20000
#define CROWD_MS    2000
#define FAR_US      1000
#define NEAR_US     ((int64_t)60 * 1000 * 1000) /* no answer is as late as that */

struct site {
	int listener;
	int fds[PEERS_MAX]; /* as they came; -1: closed */
	int n;
	char *url;
	struct http_warm *warm;
	struct http_client *client;
};

static void site_start(struct site *s, int64_t far_us)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(at);

	*s = (struct site){ .listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	assert_int_equal(bind(s->listener, (struct sockaddr *)&at, size), 0);
	assert_int_equal(listen(s->listener, PEERS_MAX), 0);
	assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &size), 0);
	s->url = xasprintf("http://127.0.0.1:%u/x", (unsigned)ntohs(at.sin_port));
	s->warm = http_warm_new(AHEAD, far_us);
	s->client = http_client_new(NULL);
	http_client_warm(s->client, s->warm);
}

static void site_stop(struct site *s)
{
	http_client_free(s->client);
	http_warm_free(s->warm);
	for (int i = 0; i < s->n; i++)
		if (s->fds[i] >= 0)
			(void)close(s->fds[i]);
	(void)close(s->listener);
	free(s->url);
}

static bool is_readable(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1;
}

static void accept_some(struct site *s, int n)
{
	for (int i = 0; i < n; i++) {
		assert_true(is_readable(s->listener, DEADLINE_MS));
		s->fds[s->n] = accept(s->listener, NULL, NULL);
		assert_true(s->fds[s->n++] >= 0);
	}
}

/* The number of the connection that a request has come over. */
static int await_request(const struct site *s)
{
	struct pollfd p[PEERS_MAX];
	char text[2000];

	for (int i = 0; i < s->n; i++)
		p[i] = (struct pollfd){ .fd = s->fds[i], .events = POLLIN };
	assert_true(poll(p, (nfds_t)s->n, DEADLINE_MS) > 0);
	for (int i = 0; i < s->n; i++) {
		if (!(p[i].revents & POLLIN))
			continue;
		assert_true(recv(s->fds[i], text, sizeof(text), 0) > 0);
		return i;
	}
	fail_msg("a connection has failed");
	return -1;
}

/* The same, of those that connect until then as well. */
static int await_any(struct site *s)
{
	for (;;) {
		struct pollfd p[PEERS_MAX + 1] = { { .fd = s->listener, .events = POLLIN } };

		for (int i = 0; i < s->n; i++)
			p[i + 1] = (struct pollfd){ .fd = s->fds[i], .events = POLLIN };
		assert_true(poll(p, (nfds_t)s->n + 1, DEADLINE_MS) > 0);
		if (!p[0].revents)
			return await_request(s);
		accept_some(s, 1);
	}
}

static void answer(const struct site *s, int i)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

	assert_int_equal(send(s->fds[i], text, sizeof(text) - 1, MSG_NOSIGNAL), sizeof(text) - 1);
}

/* The first request, answered at once. */
static void ask_first(struct site *s)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	const struct http_request q = { .method = "GET", .url = s->url };
	struct err e = { 0 };

	http_request_begin(s->client, &q);
	accept_some(s, 1);
	assert_int_equal(await_request(s), 0);
	answer(s, 0);
	if (http_request_end(s->client, &reply, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(reply.status, 200);
}

/* The first request's connection comes to the front: on a busy machine one that is made ahead can be faster. */
static void take_first(struct site *s)
{
	int i = await_any(s);
	int fd = s->fds[i];

	(void)memmove(s->fds + 1, s->fds, (size_t)i * sizeof(*s->fds));
	s->fds[0] = fd;
}

/* Answers when those ahead have connected. */
static void *answer_late(void *ctx)
{
	struct site *s = ctx;

	take_first(s);
	accept_some(s, 1 + AHEAD - s->n);
	answer(s, 0);
	return NULL;
}

static void ask_first_late(struct site *s, void *(*answering)(void *))
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	const struct http_request q = { .method = "GET", .url = s->url };
	struct err e = { 0 };
	pthread_t server;

	assert_int_equal(pthread_create(&server, NULL, answering, s), 0);
	http_request_begin(s->client, &q);
	if (http_request_end(s->client, &reply, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(pthread_join(server, NULL), 0);
	assert_int_equal(reply.status, 200);
}

/* By a client of its own; the number of its connection. */
static int ask_other(struct site *s)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_HTTP struct http_client *other = http_client_new(NULL);
	const struct http_request q = { .method = "GET", .url = s->url };
	struct err e = { 0 };
	int i;

	http_client_warm(other, s->warm);
	http_request_begin(other, &q);
	i = await_any(s);
	answer(s, i);
	if (http_request_end(other, &reply, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(reply.status, 200);
	return i;
}

TEST(while_a_late_answer_is_on_its_way_others_connect_and_are_used)
{
	struct site s;
	bool used[PEERS_MAX] = { false };

	site_start(&s, FAR_US);
	ask_first_late(&s, answer_late);
	assert_int_equal(s.n, 1 + AHEAD);
	for (int k = 0; k < AHEAD; k++) {
		int i = ask_other(&s);

		assert_false(used[i]); /* each is taken once, and ends with its client */
		used[i] = true;
		(void)close(s.fds[i]);
		s.fds[i] = -1;
	}
	assert_false(used[0]);
	assert_false(is_readable(s.listener, 0)); /* nobody connected again */
	site_stop(&s);
}

TEST(an_answer_that_is_not_late_brings_none)
{
	struct site s;

	site_start(&s, NEAR_US);
	ask_first(&s);
	assert_int_equal(s.n, 1);
	assert_int_equal(ask_other(&s), 1); /* by a connection that it made itself */
	site_stop(&s);
}

/* The other end has heard of it when it has acknowledged it. */
static void end_connection(int fd)
{
	int64_t end = time_monotonic() + DEADLINE_MS;
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	while (info.tcpi_state != TCP_FIN_WAIT2) {
		assert_true(time_monotonic() < end);
		assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
		(void)sched_yield();
	}
}

TEST(one_that_the_server_has_closed_is_passed_over)
{
	struct site s;

	site_start(&s, FAR_US);
	ask_first_late(&s, answer_late);
	/* The last is taken first. */
	end_connection(s.fds[AHEAD]);
	(void)close(s.fds[AHEAD]);
	s.fds[AHEAD] = -1;
	assert_int_equal(ask_other(&s), AHEAD - 1);
	site_stop(&s);
}

/* Answers when one of those ahead is through; for the others there is no room. */
static void *answer_in_a_crowd(void *ctx)
{
	struct site *s = ctx;

	take_first(s);
	if (s->n == 1)
		(void)is_readable(s->listener, CROWD_MS); /* if all of them wait, that is as good */
	answer(s, 0);
	return NULL;
}

TEST(one_that_is_not_through_yet_is_passed_over)
{
	struct site s;

	site_start(&s, FAR_US);
	assert_int_equal(listen(s.listener, 0), 0); /* one waits, no more */
	ask_first_late(&s, answer_in_a_crowd);
	(void)ask_other(&s); /* by that which is, or by its own */
	site_stop(&s);
}

TEST(what_nobody_took_is_closed)
{
	struct site s;
	char c;

	site_start(&s, FAR_US);
	ask_first_late(&s, answer_late);
	http_client_free(TAKE(s.client));
	http_warm_free(TAKE(s.warm));
	for (int i = 0; i < s.n; i++) {
		assert_true(is_readable(s.fds[i], DEADLINE_MS));
		assert_int_equal(recv(s.fds[i], &c, 1, 0), 0);
	}
	site_stop(&s);
}

TEST(a_server_that_refuses_is_an_error_of_the_first_alone)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct http_request q = { .method = "GET" };
	struct err e = { 0 };
	struct site s;

	site_start(&s, FAR_US);
	(void)close(s.listener);
	s.listener = -1;
	q.url = s.url;
	http_request_begin(s.client, &q);
	assert_int_equal(http_request_end(s.client, &reply, &e), ERR_OFFLINE);
	site_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(while_a_late_answer_is_on_its_way_others_connect_and_are_used),
		cmocka_unit_test(an_answer_that_is_not_late_brings_none),
		cmocka_unit_test(one_that_the_server_has_closed_is_passed_over),
		cmocka_unit_test(one_that_is_not_through_yet_is_passed_over),
		cmocka_unit_test(what_nobody_took_is_closed),
		cmocka_unit_test(a_server_that_refuses_is_an_error_of_the_first_alone),
	};

	return cmocka_run_group_tests_name("http-warm", tests, NULL, NULL);
}
