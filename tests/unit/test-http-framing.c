/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of which a proxy in front may think otherwise than we do: none becomes two requests. */
#include "http-fixture.h"

#define NEXT "GET /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

static char *answers_to(const struct fixture *f, const char *request)
{
	AUTO_FD int fd = raw_connect(f);
	char *reply = NULL;

	raw_send(fd, request);
	reply = raw_read_all(fd);
	assert_non_null(reply);
	return reply;
}

static size_t count(const char *text, const char *piece)
{
	size_t n = 0;

	for (const char *p = strstr(text, piece); p; p = strstr(p + 1, piece))
		n++;
	return n;
}

TEST(a_head_with_two_ideas_of_its_body_is_refused_and_nothing_after_it_is_read)
{
	static const char *const heads[] = {
		"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
		"Content-Length: 0\r\nContent-Length: 4\r\n\r\n",
		"content-length: 4\r\nCONTENT-LENGTH: 4\r\n\r\nbody",
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
		"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"Content-Length : 4\r\n\r\n",
		"Transfer-Encoding : chunked\r\n\r\n",
		"Content\tLength: 4\r\n\r\n",
	};
	struct fixture f;

	fixture_start(&f, &(struct http_server_options){ 0 });
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		AUTO_FREE char *text =
			xasprintf("POST /small HTTP/1.1\r\nHost: h\r\n%s" NEXT, heads[i]);
		AUTO_FREE char *reply = answers_to(&f, text);

		if (!str_starts(reply, "HTTP/1.1 400 ") || count(reply, "HTTP/1.1") != 1)
			fail_msg("'%s' is answered by '%s'", heads[i], reply);
	}
	fixture_stop(&f);
}

TEST(a_clear_head_keeps_its_connection)
{
	static const char *const heads[] = {
		"Content-Length: 4\r\n\r\nbody",
		"Transfer-Encoding: Chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
		"X-Odd_name.1: x\r\nContent-Length: 0\r\n\r\n",
	};
	struct fixture f;

	fixture_start(&f, &(struct http_server_options){ 0 });
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		AUTO_FREE char *text =
			xasprintf("POST /small HTTP/1.1\r\nHost: h\r\n%s" NEXT, heads[i]);
		AUTO_FREE char *reply = answers_to(&f, text);

		if (count(reply, "HTTP/1.1 200 ") != 2)
			fail_msg("'%s' is answered by '%s'", heads[i], reply);
	}
	fixture_stop(&f);
}

TEST(a_body_sent_to_a_doubtful_path_still_gets_its_404)
{
	struct fixture f;

	fixture_start(&f, &(struct http_server_options){ 0 });
	assert_int_equal(raw_status(&f, "POST /a%2fb HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
					"Content-Length: 4\r\n\r\nbody"),
			 404);
	fixture_stop(&f);
}

#define OK(test) cmocka_unit_test(test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OK(a_head_with_two_ideas_of_its_body_is_refused_and_nothing_after_it_is_read),
		OK(a_clear_head_keeps_its_connection),
		OK(a_body_sent_to_a_doubtful_path_still_gets_its_404),
	};

	return cmocka_run_group_tests_name("http-framing", tests, NULL, NULL);
}
