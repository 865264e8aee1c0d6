/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client against a server that misbehaves: each fault is told apart, and none is believed.
 */
#include "net/http-client.h"

#include "base/time.h"
#include "net/http-client-reply.h"
#include "scratch.h"
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define BODY        100000
#define DEADLINE_MS 20000

/* The faulty server, its files and one client. */
static struct {
	char *folder, *root, *plan;
	pid_t pid;
	unsigned port;
	struct http_client *client;
} site;

static void write_file(const char *name, const char *text, size_t n)
{
	AUTO_FREE char *path = xasprintf("%s/%s", site.folder, name);
	struct err e = { 0 };

	if (file_replace(AT_FDCWD, path, (struct bytes){ text, n }, 0644, &e) < 0)
		fail_msg("%s", e.msg);
}

static void plan(const char *text)
{
	write_file("plan", text, strlen(text));
}

static void run_server(int out)
{
	const char *bin = getenv("LARDER_BIN");
	AUTO_FREE char *program =
		xasprintf("%s/../tests/tools/faulty-server", bin ? bin : "build/src");

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)dup2(out, STDOUT_FILENO);
	(void)execl(program, "faulty-server", "--root", site.root, "--plan", site.plan, NULL);
	perror(program);
	_exit(127);
}

static int start_site(void **state)
{
	char *body = xmalloc(BODY);
	char line[16] = "";
	int fds[2];

	(void)state;
	site.folder = scratch_new();
	site.root = xasprintf("%s/root", site.folder);
	site.plan = xasprintf("%s/plan", site.folder);
	assert_int_equal(mkdir(site.root, 0700), 0);
	for (size_t i = 0; i < BODY; i++)
		body[i] = (char)('a' + i % 23);
	write_file("root/file", body, BODY);
	free(body);
	assert_int_equal(pipe(fds), 0);
	site.pid = fork();
	if (site.pid == 0)
		run_server(fds[1]);
	(void)close(fds[1]);
	assert_true(read(fds[0], line, sizeof(line) - 1) > 0);
	(void)close(fds[0]);
	site.port = (unsigned)strtoul(line, NULL, 10);
	site.client = http_client_new(&(struct http_client_options){ .stall_s = 1 });
	return 0;
}

static int stop_site(void **state)
{
	(void)state;
	http_client_free(site.client);
	(void)kill(site.pid, SIGKILL);
	(void)waitpid(site.pid, NULL, 0);
	scratch_free(&site.folder);
	free(site.root);
	free(site.plan);
	return 0;
}

static int request(struct http_request q, struct http_reply *reply, struct err *e)
{
	AUTO_FREE char *url = xasprintf("http://127.0.0.1:%u/file", site.port);

	q.url = url;
	if (!q.method)
		q.method = "GET";
	return http_request(site.client, &q, reply, e);
}

/* What a plain GET under this plan gives. */
static int get(const char *faults, struct http_reply *reply, struct err *e)
{
	plan(faults);
	return request((struct http_request){ 0 }, reply, e);
}

static void assert_whole(void)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct err e = { 0 };

	if (get("", &reply, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(reply.status, 200);
	assert_int_equal(reply.body.n, BODY);
}

TEST(a_reset_at_every_tenth_of_a_body_is_being_offline)
{
	for (int percent = 0; percent < 100; percent += 10) {
		AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
		AUTO_FREE char *faults = xasprintf("/file reset:%d%%\n", percent);
		struct err e = { 0 };

		assert_int_equal(get(faults, &reply, &e), ERR_OFFLINE);
		/* a reset overtakes what was sent before it, so less may have come */
		assert_true(reply.bytes_received <= BODY * percent / 100);
		assert_true(err_is_passing(e.code));
	}
	assert_whole();
}

TEST(a_body_cut_short_is_being_offline)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct err e = { 0 };

	assert_int_equal(get("/file short:99999\n", &reply, &e), ERR_OFFLINE);
	assert_int_equal(reply.bytes_received, BODY - 1);
	assert_non_null(strstr(e.msg, "/file"));
	assert_whole();
}

TEST(bytes_after_the_body_are_no_part_of_this_or_the_next_reply)
{
	for (int i = 0; i < 5; i++) {
		AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
		struct err e = { 0 };

		assert_int_equal(get("/file long:50\n", &reply, &e), 0);
		assert_int_equal(reply.body.n, BODY);
		(void)poll(NULL, 0, 20); /* by then the 50 have come too */
	}
	assert_whole();
}

TEST(a_connection_reset_before_the_answer_is_being_offline)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct err e = { 0 };

	assert_int_equal(get("/file refuse\n", &reply, &e), ERR_OFFLINE);
	assert_int_equal(reply.status, 0);
	assert_whole();
}

TEST(a_refused_connection_is_being_offline)
{
	AUTO_HTTP struct http_client *client = http_client_new(NULL);
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	AUTO_FD int bound = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(a);
	AUTO_FREE char *url = NULL;
	struct err e = { 0 };

	/* bound, but nobody listens */
	assert_int_equal(bind(bound, (const struct sockaddr *)&a, n), 0);
	assert_int_equal(getsockname(bound, (struct sockaddr *)&a, &n), 0);
	url = xasprintf("http://127.0.0.1:%u/", ntohs(a.sin_port));
	assert_int_equal(http_request(client, &(struct http_request){ .method = "GET", .url = url },
				      &reply, &e),
			 ERR_OFFLINE);
}

TEST(a_server_that_says_nothing_is_given_up)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	int64_t started = time_monotonic();
	struct err e = { 0 };

	assert_int_equal(get("/file hang\n", &reply, &e), ERR_OFFLINE);
	assert_true(time_monotonic() - started < DEADLINE_MS);
	assert_whole();
}

TEST(a_body_that_stops_coming_is_given_up)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct err e = { 0 };

	assert_int_equal(get("/file stall:50%\n", &reply, &e), ERR_OFFLINE);
	assert_int_equal(reply.bytes_received, BODY / 2);
	assert_whole();
}

TEST(a_slow_body_is_waited_for)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct err e = { 0 };

	/* longer than the stall limit, but never silent for as long */
	assert_int_equal(get("/file slow:60000\n", &reply, &e), 0);
	assert_int_equal(reply.body.n, BODY);
}

TEST(a_body_slower_than_the_caller_allows_is_given_up)
{
	AUTO_HTTP struct http_client *client = http_client_new(
		&(struct http_client_options){ .stall_s = 1, .stall_bytes = 50000 });
	AUTO_FREE char *url = xasprintf("http://127.0.0.1:%u/file", site.port);
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct http_request q = { .method = "GET", .url = url };
	struct err e = { 0 };

	plan("/file slow:5000\n");
	assert_int_equal(http_request(client, &q, &reply, &e), ERR_OFFLINE);
	assert_non_null(strstr(e.msg, "next to nothing"));
	assert_true(reply.bytes_received < BODY);
	plan("");
	assert_int_equal(http_request(client, &q, &reply, &e), 0);
	assert_int_equal(reply.body.n, BODY);
}

TEST(what_is_not_http_is_a_fault_of_the_server)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct err e = { 0 };

	assert_int_equal(get("/file garbage\n", &reply, &e), ERR_REMOTE);
	assert_whole();
}

TEST(each_status_becomes_its_error)
{
	static const struct {
		int status, code;
	} cases[] = {
		{ 400, ERR_USAGE },     { 401, ERR_AUTH },     { 403, ERR_DENIED },
		{ 404, ERR_NOT_FOUND }, { 409, ERR_CONFLICT }, { 410, ERR_NOT_FOUND },
		{ 413, ERR_LIMIT },     { 416, ERR_REMOTE },   { 422, ERR_CORRUPT },
		{ 429, ERR_BUSY },      { 500, ERR_REMOTE },   { 502, ERR_REMOTE },
		{ 503, ERR_BUSY },      { 204, ERR_REMOTE },   { 304, ERR_REMOTE },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
		AUTO_FREE char *faults = xasprintf("/file status:%d\n", cases[i].status);
		struct err e = { 0 };

		if (cases[i].status == 204 || cases[i].status == 304)
			reply.status = cases[i].status;
		else
			assert_int_equal(get(faults, &reply, &e), 0);
		assert_int_equal(reply.status, cases[i].status);
		assert_int_equal(http_expect(&reply, 200, &e), cases[i].code);
		assert_int_equal(e.retry_after, 0);
	}
}

TEST(the_servers_own_words_are_in_the_error)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct err e = { 0 };

	assert_int_equal(get("/file status:500\n", &reply, &e), 0);
	assert_int_equal(http_expect(&reply, 200, &e), ERR_REMOTE);
	assert_string_equal(e.msg, "told to fail (HTTP 500)");
}

TEST(retry_after_is_read_in_seconds_and_bounded)
{
	static const struct {
		const char *faults;
		int seconds;
	} cases[] = {
		{ "/file status:429:7\n", 7 },
		{ "/file status:503:0\n", 0 },
		{ "/file status:429:soon\n", 0 },
		{ "/file status:429:-5\n", 0 },
		{ "/file status:429:99999999\n", HTTP_RETRY_AFTER_MAX },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
		struct err e = { 0 };

		assert_int_equal(get(cases[i].faults, &reply, &e), 0);
		assert_int_equal(http_expect(&reply, 200, &e), ERR_BUSY);
		assert_int_equal(e.retry_after, cases[i].seconds);
	}
}

TEST(retry_after_is_read_as_a_date_too)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_HTTP_REPLY struct http_reply past = HTTP_REPLY_INIT;
	char date[TIME_TEXT_MAX];
	AUTO_FREE char *line =
		xasprintf("Retry-After: %s\r\n", time_format_http(time_now() + 60000, date));

	(void)http_reply_add_line(&reply, bytes_of(line));
	assert_true(reply.retry_after >= 58 && reply.retry_after <= 61);
	(void)http_reply_add_line(&past,
				  bytes_of("Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
	assert_int_equal(past.retry_after, 0);
}

TEST(a_redirect_is_told_and_not_followed)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct err e = { 0 };

	assert_int_equal(get("/file redirect:http://elsewhere.example/x\n", &reply, &e), 0);
	assert_int_equal(reply.status, 302);
	assert_string_equal(reply.location, "http://elsewhere.example/x");
	assert_int_equal(http_expect(&reply, 200, &e), ERR_REMOTE);
	assert_non_null(strstr(e.msg, "http://elsewhere.example/x"));
}

TEST(an_ignored_range_shows_as_200)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct err e = { 0 };

	plan("/file norange\n");
	assert_int_equal(request((struct http_request){ .range_first = 5 }, &reply, &e), 0);
	assert_int_equal(reply.status, 200);
	assert_int_equal(reply.range_first, -1);
	assert_int_equal(reply.body.n, BODY);
}

TEST(another_etag_ends_a_resumed_download_with_the_whole)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct err e = { 0 };

	plan("/file etag:\"other\"\n");
	assert_int_equal(request((struct http_request){ .range_first = 5, .if_range = "\"mine\"" },
				 &reply, &e),
			 0);
	assert_int_equal(reply.status, 200);
	assert_string_equal(reply.etag, "\"other\"");
}

TEST(a_kept_connection_that_died_is_replaced_unseen)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct err e = { 0 };

	for (int i = 0; i < 5; i++) {
		/* after the whole body the server closes, though it did not say so */
		assert_int_equal(get("/file short:100%\n", &reply, &e), 0);
		assert_int_equal(reply.body.n, BODY);
	}
	assert_whole();
}

static void *cancel_main(void *flag)
{
	(void)poll(NULL, 0, 200); /* by then the request hangs */
	atomic_store((atomic_bool *)flag, true);
	return NULL;
}

TEST(a_request_that_hangs_can_be_cancelled)
{
	atomic_bool cancel = false;
	AUTO_HTTP struct http_client *client = http_client_new(
		&(struct http_client_options){ .stall_s = 3600, .cancel = &cancel });
	AUTO_FREE char *url = xasprintf("http://127.0.0.1:%u/file", site.port);
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	int64_t started = time_monotonic();
	struct err e = { 0 };
	pthread_t thread;

	plan("/file hang\n");
	assert_int_equal(pthread_create(&thread, NULL, cancel_main, &cancel), 0);
	assert_int_equal(http_request(client, &(struct http_request){ .method = "GET", .url = url },
				      &reply, &e),
			 ERR_CANCELLED);
	assert_true(time_monotonic() - started < DEADLINE_MS / 2);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

TEST(a_request_begun_gives_its_reply_or_its_error_at_the_end)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_FREE char *url = xasprintf("http://127.0.0.1:%u/file", site.port);
	struct http_request q = { .method = "GET", .url = url };
	struct err e = { 0 };

	plan("");
	http_request_begin(site.client, &q);
	assert_int_equal(http_request_end(site.client, &reply, &e), 0);
	assert_int_equal(reply.body.n, BODY);
	plan("/file short:50%\n");
	http_request_begin(site.client, &q);
	assert_int_equal(http_request_end(site.client, &reply, &e), ERR_OFFLINE);
	assert_non_null(strstr(e.msg, url));
	assert_whole(); /* the client is as good as before */
}

TEST(a_request_begun_is_broken_off_when_its_client_goes)
{
	struct http_client *client = http_client_new(
		&(struct http_client_options){ .stall_s = 3600, .load_ahead = true });
	AUTO_FREE char *url = xasprintf("http://127.0.0.1:%u/file", site.port);
	struct http_request q = { .method = "GET", .url = url };
	int64_t started = time_monotonic();

	plan("/file hang\n");
	http_request_begin(client, &q);
	http_client_free(client);
	http_client_free(http_client_new(&(struct http_client_options){ .load_ahead = true }));
	assert_true(time_monotonic() - started < DEADLINE_MS / 2);
}

TEST(an_unknown_host_is_being_offline_and_a_bad_url_is_usage)
{
	AUTO_HTTP struct http_client *client = http_client_new(NULL);
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct http_request q = { .method = "GET", .url = "http://no-such-host.invalid/" };
	struct err e = { 0 };

	assert_int_equal(http_request(client, &q, &reply, &e), ERR_OFFLINE);
	q.url = "ftp://127.0.0.1/x";
	assert_int_equal(http_request(client, &q, &reply, &e), ERR_USAGE);
	q.url = "http://";
	assert_int_equal(http_request(client, &q, &reply, &e), ERR_USAGE);
	q.url = "file:///etc/passwd";
	assert_int_equal(http_request(client, &q, &reply, &e), ERR_USAGE);
}

#define OK(test) cmocka_unit_test(test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OK(a_reset_at_every_tenth_of_a_body_is_being_offline),
		OK(a_body_cut_short_is_being_offline),
		OK(bytes_after_the_body_are_no_part_of_this_or_the_next_reply),
		OK(a_connection_reset_before_the_answer_is_being_offline),
		OK(a_refused_connection_is_being_offline),
		OK(a_server_that_says_nothing_is_given_up),
		OK(a_body_that_stops_coming_is_given_up),
		OK(a_slow_body_is_waited_for),
		OK(a_body_slower_than_the_caller_allows_is_given_up),
		OK(what_is_not_http_is_a_fault_of_the_server),
		OK(each_status_becomes_its_error),
		OK(the_servers_own_words_are_in_the_error),
		OK(retry_after_is_read_in_seconds_and_bounded),
		OK(retry_after_is_read_as_a_date_too),
		OK(a_redirect_is_told_and_not_followed),
		OK(an_ignored_range_shows_as_200),
		OK(another_etag_ends_a_resumed_download_with_the_whole),
		OK(a_kept_connection_that_died_is_replaced_unseen),
		OK(a_request_that_hangs_can_be_cancelled),
		OK(a_request_begun_gives_its_reply_or_its_error_at_the_end),
		OK(a_request_begun_is_broken_off_when_its_client_goes),
		OK(an_unknown_host_is_being_offline_and_a_bad_url_is_usage),
	};

	return cmocka_run_group_tests_name("http-faults", tests, start_site, stop_site);
}
