/* SPDX-License-Identifier: Apache-2.0 */
/* Work beside the pool of the HTTP server. */
#include "http-fixture.h"

static const char aside[] = "POST /aside HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
			    "Content-Length: 2\r\n\r\nhi";

static void wait_for_waiting(struct fixture *f, int n)
{
	(void)pthread_mutex_lock(&f->lock);
	while (f->waiting < n)
		(void)pthread_cond_wait(&f->changed, &f->lock);
	(void)pthread_mutex_unlock(&f->lock);
}

static void assert_done(int fd, unsigned slot)
{
	AUTO_FREE char *reply = raw_read_all(fd);
	AUTO_FREE char *text = xasprintf("done in slot %u", slot);

	assert_non_null(reply);
	assert_int_equal(strncmp(reply, "HTTP/1.1 200", 12), 0);
	assert_non_null(strstr(reply, text));
}

TEST(while_work_runs_aside_the_one_pool_thread_serves_others)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct fixture f;
	AUTO_FD int first = -1;
	AUTO_FD int second = -1;

	fixture_start(&f, &(struct http_server_options){ .threads = 1 });
	f.drain_ms = DEADLINE_MS;
	first = raw_connect(&f);
	raw_send(first, aside);
	wait_for_waiting(&f, 1);
	second = raw_connect(&f);
	raw_send(second, aside);
	wait_for_waiting(&f, HTTP_ASIDE_CONVERT_MAX);

	fixture_ask(&f, &(struct http_request){ .url = "/hello" }, &reply);
	assert_int_equal(reply.status, 200);
	fixture_release(&f);
	assert_done(first, 1);
	assert_done(second, 2);
	fixture_stop(&f);
}

TEST(more_work_than_there_are_places_is_told_to_come_back)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_HTTP_REPLY struct http_reply later = HTTP_REPLY_INIT;
	struct http_request q = { .method = "POST", .url = "/aside", .body = BYTES_LITERAL("x") };
	struct fixture f;
	int fds[HTTP_ASIDE_CONVERT_MAX];

	fixture_start(&f, &(struct http_server_options){ .threads = 2 });
	f.drain_ms = DEADLINE_MS;
	for (int i = 0; i < HTTP_ASIDE_CONVERT_MAX; i++) {
		fds[i] = raw_connect(&f);
		raw_send(fds[i], aside);
	}
	wait_for_waiting(&f, HTTP_ASIDE_CONVERT_MAX);
	fixture_ask(&f, &q, &reply);
	assert_int_equal(reply.status, 503);
	assert_int_equal(reply.retry_after, HTTP_ASIDE_RETRY_S);

	fixture_release(&f);
	for (int i = 0; i < HTTP_ASIDE_CONVERT_MAX; i++) {
		AUTO_FREE char *text = raw_read_all(fds[i]);

		assert_non_null(text);
		(void)close(fds[i]); /* of a test: nothing to lose */
	}
	fixture_ask(&f, &q, &later);
	assert_int_equal(later.status, 200);
	fixture_stop(&f);
}

static void *ask_again_and_again(void *ctx)
{
	const struct fixture *f = ctx;
	AUTO_HTTP struct http_client *client = http_client_new(NULL);
	AUTO_FREE char *url = xasprintf("http://127.0.0.1:%d/aside", http_server_port(f->server));
	struct http_request q = { .method = "POST", .url = url, .body = BYTES_LITERAL("x") };
	struct err e = { 0 };
	uintptr_t refused = 0;

	for (int i = 0; i < 1000; i++) {
		AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;

		refused += http_request(client, &q, &reply, &e) < 0 || reply.status != 200;
	}
	return (void *)refused; /* NOLINT(performance-no-int-to-ptr): a number */
}

TEST(as_many_as_there_are_places_ask_again_at_once_and_none_is_refused)
{
	pthread_t threads[HTTP_ASIDE_CONVERT_MAX];
	struct fixture f;

	fixture_start(&f, &(struct http_server_options){ .threads = 2 });
	f.drain_ms = DEADLINE_MS;
	fixture_release(&f);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_again_and_again, &f), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *refused;

		assert_int_equal(pthread_join(threads[i], &refused), 0);
		assert_null(refused);
	}
	fixture_stop(&f);
}

TEST(jobs_have_places_of_their_own_beside_conversions)
{
	static const char job[] = "POST /job HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
				  "Content-Length: 2\r\n\r\nhi";
	struct http_request q = { .method = "POST", .url = "/job", .body = BYTES_LITERAL("x") };
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct fixture f;
	int fds[HTTP_ASIDE_CONVERT_MAX + HTTP_ASIDE_JOB_MAX];

	fixture_start(&f, &(struct http_server_options){ .threads = 1 });
	f.drain_ms = DEADLINE_MS;
	for (int i = 0; i < HTTP_ASIDE_CONVERT_MAX + HTTP_ASIDE_JOB_MAX; i++) {
		fds[i] = raw_connect(&f);
		raw_send(fds[i], i < HTTP_ASIDE_CONVERT_MAX ? aside : job);
		wait_for_waiting(&f, i + 1);
	}
	fixture_ask(&f, &q, &reply);
	assert_int_equal(reply.status, 503);
	fixture_release(&f);
	for (unsigned i = 0; i < HTTP_ASIDE_CONVERT_MAX + HTTP_ASIDE_JOB_MAX; i++) {
		assert_done(fds[i], 1 + i);
		(void)close(fds[i]); /* of a test: nothing to lose */
	}
	fixture_stop(&f);
}

TEST(work_whose_client_went_away_is_finished_and_forgotten)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct fixture f;
	int fd;

	fixture_start(&f, &(struct http_server_options){ .threads = 1 });
	f.drain_ms = DEADLINE_MS;
	fd = raw_connect(&f);
	raw_send(fd, aside);
	wait_for_waiting(&f, 1);
	(void)close(fd); /* of a test: nothing to lose */
	fixture_release(&f);
	fixture_ask(&f, &(struct http_request){ .url = "/hello" }, &reply);
	assert_int_equal(reply.status, 200);
	fixture_stop(&f);
}

TEST(what_comes_after_work_is_not_waited_for_by_the_client_but_by_a_stop)
{
	struct http_request q = { .method = "POST", .url = "/more", .body = BYTES_LITERAL("x") };
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct fixture f;

	fixture_start(&f, &(struct http_server_options){ .threads = 1 });
	f.drain_ms = DEADLINE_MS;
	fixture_ask(&f, &q, &reply);
	assert_int_equal(reply.status, 200);
	wait_for_waiting(&f, 1);
	fixture_release(&f);
	fixture_stop(&f);
}

static void *stop_main(void *ctx)
{
	struct fixture *f = ctx;

	http_server_stop(f->server, 0);
	return NULL;
}

TEST(work_that_would_begin_in_the_middle_of_a_stop_is_refused)
{
	static const char late[] = "POST /late HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
	struct fixture f;
	AUTO_FD int fd = -1;
	pthread_t thread;
	uint16_t port;

	fixture_start(&f, &(struct http_server_options){ .threads = 1 });
	port = http_server_port(f.server);
	fd = raw_connect(&f);
	raw_send(fd, late);
	wait_for_waiting(&f, 1);
	assert_int_equal(pthread_create(&thread, NULL, stop_main, &f), 0);
	while (!fixture_refuses(port))
		(void)sched_yield();
	fixture_release(&f);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(fixture_waiting(&f), 1); /* the work itself never began */
	f.server = NULL;
	fixture_stop(&f);
}

#define OK(test) cmocka_unit_test(test)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		OK(while_work_runs_aside_the_one_pool_thread_serves_others),
		OK(more_work_than_there_are_places_is_told_to_come_back),
		OK(as_many_as_there_are_places_ask_again_at_once_and_none_is_refused),
		OK(jobs_have_places_of_their_own_beside_conversions),
		OK(what_comes_after_work_is_not_waited_for_by_the_client_but_by_a_stop),
		OK(work_whose_client_went_away_is_finished_and_forgotten),
		OK(work_that_would_begin_in_the_middle_of_a_stop_is_refused),
	};

	return cmocka_run_group_tests_name("http-aside", tests, NULL, NULL);
}
