/* SPDX-License-Identifier: Apache-2.0 */
/* Many requests at once, and who watches them on the other side. */
#include "net/http-multi.h"

#include "http-fixture.h"

struct told {
	int n, status, code;
	void *tag;
	char body[64];
};

static void done(void *ctx, void *tag, const struct http_reply *reply, const struct err *e)
{
	struct told *told = ctx;

	told->n++;
	told->tag = tag;
	told->code = e->code;
	told->status = (int)reply->status;
	(void)snprintf(told->body, sizeof(told->body), "%s", buf_str(&reply->body));
}

static struct http_multi *multi_for(struct told *told)
{
	return http_multi_new(
		&(struct http_multi_options){ .connections = 32, .ctx = told, .done = done });
}

static void start(struct http_multi *m, const struct http_request *q, int64_t timeout_ms)
{
	struct err e = { 0 };

	CHECK_OK(http_multi_start(
		m, &(struct http_call){ .request = q, .timeout_ms = timeout_ms, .tag = m }, &e));
}

static void wait_until_told(struct http_multi *m, const struct told *told, int n)
{
	struct err e = { 0 };
	int64_t end = time_monotonic() + DEADLINE_MS;

	while (told->n < n && time_monotonic() < end)
		CHECK_OK(http_multi_wait(m, -1, 1000, &e));
	CHECK_INT(told->n, n);
}

static void move(struct http_multi *m, int64_t ms)
{
	struct err e = { 0 };

	CHECK_OK(http_multi_wait(m, -1, ms, &e));
}

TEST(many_requests_are_on_their_way_at_once)
{
	struct told told = { 0 };
	struct fixture f;
	AUTO_HTTP_MULTI struct http_multi *m = multi_for(&told);
	AUTO_FREE char *hello = NULL;
	AUTO_FREE char *wait = NULL;
	struct http_request quick = { .method = "GET" };
	struct http_request slow = { .method = "POST", .body = BYTES_LITERAL("x") };

	fixture_start(&f, &(struct http_server_options){ .threads = 1 });
	hello = xasprintf("%s/hello", f.url);
	wait = xasprintf("%s/job", f.url);
	quick.url = hello;
	slow.url = wait;
	start(m, &slow, DEADLINE_MS);
	for (int i = 0; i < 100; i++)
		start(m, &quick, DEADLINE_MS);
	CHECK_INT(http_multi_running(m), 101);
	while (fixture_waiting(&f) == 0 || told.n < 100)
		move(m, 1000);
	CHECK_STR(told.body, "hello");
	fixture_release(&f);
	wait_until_told(m, &told, 101);
	CHECK_INT(told.status, 200);
	CHECK_INT(told.code, 0);
	CHECK(told.tag == m);
	CHECK_INT(http_multi_running(m), 0);
	fixture_stop(&f);
}

TEST(a_request_ends_at_its_own_time)
{
	struct told told = { 0 };
	struct fixture f;
	AUTO_HTTP_MULTI struct http_multi *m = multi_for(&told);
	AUTO_FREE char *url = NULL;
	struct http_request q = { .method = "GET" };

	fixture_start(&f, &(struct http_server_options){ .threads = 1 });
	q.url = url = xasprintf("%s/wait", f.url);
	start(m, &q, 30);
	wait_until_told(m, &told, 1);
	CHECK_INT(told.code, ERR_OFFLINE);
	CHECK_INT(told.status, 0);
	fixture_stop(&f);
}

TEST(what_cannot_be_sent_or_reached_is_an_error)
{
	struct told told = { 0 };
	AUTO_HTTP_MULTI struct http_multi *m = multi_for(&told);
	struct http_request ftp = { .method = "GET", .url = "ftp://x/" };
	struct http_request nobody = { .method = "GET", .url = "http://127.0.0.1:1/" };
	struct err e = { 0 };

	CHECK_ERR(http_multi_start(m, &(struct http_call){ .request = &ftp }, &e), ERR_USAGE);
	CHECK_INT(http_multi_running(m), 0);
	start(m, &nobody, DEADLINE_MS);
	wait_until_told(m, &told, 1);
	CHECK_INT(told.code, ERR_OFFLINE);
}

TEST(a_descriptor_wakes_who_waits)
{
	struct told told = { 0 };
	AUTO_HTTP_MULTI struct http_multi *m = multi_for(&told);
	struct err e = { 0 };
	int fds[2];

	CHECK_INT(pipe(fds), 0);
	CHECK_INT(http_multi_wait(m, fds[0], 1, &e), 0);
	CHECK_INT(write(fds[1], "x", 1), 1);
	CHECK_INT(http_multi_wait(m, fds[0], DEADLINE_MS, &e), 1);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

TEST(requests_that_run_can_be_left)
{
	struct told told = { 0 };
	struct fixture f;
	struct http_multi *m = multi_for(&told);
	AUTO_FREE char *url = NULL;
	struct http_request q = { .method = "GET" };

	fixture_start(&f, &(struct http_server_options){ .threads = 1 });
	q.url = url = xasprintf("%s/wait", f.url);
	start(m, &q, DEADLINE_MS);
	while (fixture_waiting(&f) == 0)
		move(m, 10);
	http_multi_free(m);
	CHECK_INT(told.n, 0);
	fixture_stop(&f);
}

static void wait_for_watched(struct fixture *f, int n)
{
	(void)pthread_mutex_lock(&f->lock);
	while (f->watched < n)
		(void)pthread_cond_wait(&f->changed, &f->lock);
	(void)pthread_mutex_unlock(&f->lock);
}

TEST(who_watches_a_request_hears_once_how_it_ended)
{
	static const struct {
		const char *path;
		int status;
		const char *detail;
	} table[] = { { "/hello", 200, "-" },
		      { "/error", 503, "come \"back\"" },
		      { "/forget", 500, "the server has no answer to this" } };
	struct strv headers = STRV_INIT;
	struct fixture f;

	strv_add(&headers, "X-Watch: yes");
	fixture_start(&f, &(struct http_server_options){ .threads = 1 });
	for (int i = 0; i < (int)ARRAY_LEN(table); i++) {
		AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;

		fixture_ask(&f, &(struct http_request){ .url = table[i].path, .headers = &headers },
			    &reply);
		wait_for_watched(&f, i + 1);
		CHECK_INT(f.watched_status, table[i].status);
		CHECK_STR(f.watched_detail, table[i].detail);
	}
	fixture_stop(&f);
	CHECK_INT(f.watched, ARRAY_LEN(table));
	strv_release(&headers);
}

TEST(the_end_of_work_is_told_though_its_client_has_gone)
{
	struct fixture f;
	int fd;

	fixture_start(&f, &(struct http_server_options){ .threads = 1 });
	f.drain_ms = DEADLINE_MS;
	fd = raw_connect(&f);
	raw_send(fd, "POST /job HTTP/1.1\r\nHost: x\r\nX-Watch: y\r\nContent-Length: 2\r\n\r\nhi");
	(void)pthread_mutex_lock(&f.lock);
	while (f.waiting == 0)
		(void)pthread_cond_wait(&f.changed, &f.lock);
	CHECK_INT(f.watched, 0);
	(void)pthread_mutex_unlock(&f.lock);
	(void)close(fd);
	fixture_release(&f);
	wait_for_watched(&f, 1);
	CHECK_INT(f.watched_status, 200);
	fixture_stop(&f);
}

TEST(a_request_that_never_came_whole_is_told_too)
{
	struct fixture f;
	int fd;

	fixture_start(&f, &(struct http_server_options){ .threads = 1 });
	fd = raw_connect(&f);
	raw_send(fd,
		 "POST /small HTTP/1.1\r\nHost: x\r\nX-Watch: y\r\nContent-Length: 9\r\n\r\nhi");
	(void)shutdown(fd, SHUT_WR);
	wait_for_watched(&f, 1);
	CHECK_INT(f.watched_status, 0);
	(void)close(fd);
	fixture_stop(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(many_requests_are_on_their_way_at_once),
		CASE(a_request_ends_at_its_own_time),
		CASE(what_cannot_be_sent_or_reached_is_an_error),
		CASE(a_descriptor_wakes_who_waits),
		CASE(requests_that_run_can_be_left),
		CASE(who_watches_a_request_hears_once_how_it_ended),
		CASE(the_end_of_work_is_told_though_its_client_has_gone),
		CASE(a_request_that_never_came_whole_is_told_too),
	};

	return RUN(tests);
}
