/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client against the HTTP server: what a request carries there and back. */
#include "http-fixture.h"

#include "base/json.h"
#include <zlib.h>

static struct fixture site;

static int start_site(void **state)
{
	(void)state;
	fixture_start(&site, &(struct http_server_options){ .threads = 2 });
	return 0;
}

static int stop_site(void **state)
{
	(void)state;
	fixture_stop(&site);
	return 0;
}

static void ask(const struct http_request *q, struct http_reply *reply)
{
	fixture_ask(&site, q, reply);
}

/* How many connections are open, once the server has noticed that others were closed. */
static int64_t connections(void)
{
	struct http_server_stats stats;

	http_server_get_stats(site.server, &stats);
	return stats.connections_now;
}

TEST(a_request_is_answered)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;

	ask(&(struct http_request){ .url = "/hello" }, &reply);
	assert_int_equal(reply.status, 200);
	assert_string_equal(buf_str(&reply.body), "hello");
	assert_string_equal(reply.content_type, "text/plain");
	assert_int_equal(reply.content_length, 5);
	assert_int_equal(reply.bytes_received, 5);
	assert_string_equal(http_reply_header(&reply, "x-content-type-options"), "nosniff");
	assert_null(http_reply_header(&reply, "server"));
}

TEST(one_connection_serves_many_requests)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	int64_t before = connections();

	for (int i = 0; i < 50; i++)
		ask(&(struct http_request){ .url = i % 2 ? "/hello" : "/nothing" }, &reply);
	assert_int_equal(connections(), before ? before : 1);
}

TEST(the_handler_sees_path_query_token_and_peer)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;

	ask(&(struct http_request){ .url = "/show?x=1&q=a%20b%2B", .token = "s3cret" }, &reply);
	assert_string_equal(buf_str(&reply.body),
			    "GET /show q=a b+ token=s3cret peer=127.0.0.1 length=0 slot=1");
}

TEST(a_cookie_stands_in_for_the_bearer_token)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_STRV struct strv headers = STRV_INIT;

	strv_add(&headers, "Cookie: a=b; access_token=fromcookie");
	ask(&(struct http_request){ .url = "/show", .headers = &headers }, &reply);
	assert_non_null(strstr(buf_str(&reply.body), "token=fromcookie"));
}

TEST(the_request_id_of_the_client_comes_back_if_it_is_one)
{
	AUTO_HTTP_REPLY struct http_reply kept = HTTP_REPLY_INIT;
	AUTO_HTTP_REPLY struct http_reply replaced = HTTP_REPLY_INIT;
	AUTO_STRV struct strv good = STRV_INIT;
	AUTO_STRV struct strv bad = STRV_INIT;

	strv_add(&good, "X-Request-Id: abc-1.2_Z");
	strv_add(&bad, "X-Request-Id: a b=\"c\"");
	ask(&(struct http_request){ .url = "/hello", .headers = &good }, &kept);
	ask(&(struct http_request){ .url = "/hello", .headers = &bad }, &replaced);
	assert_string_equal(http_reply_header(&kept, "x-request-id"), "abc-1.2_Z");
	assert_null(strchr(http_reply_header(&replaced, "x-request-id"), '"'));
}

TEST(a_header_with_a_line_end_is_not_sent)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct err e = { 0 };

	assert_int_equal(
		fixture_send(&site,
			     &(struct http_request){ .url = "/hello", .token = "x\r\nEvil: 1" },
			     &reply, &e),
		ERR_USAGE);
}

TEST(a_handler_that_forgets_to_reply_gives_500)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;

	ask(&(struct http_request){ .url = "/forget" }, &reply);
	assert_int_equal(reply.status, 500);
}

TEST(errors_are_json_that_http_expect_reads)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_JSON struct json *doc = NULL;
	struct err e = { 0 };

	ask(&(struct http_request){ .url = "/error" }, &reply);
	assert_int_equal(reply.status, 503);
	assert_int_equal(json_parse(buf_bytes(&reply.body), 1000, &doc, &e), 0);
	assert_string_equal(json_text(json_get(doc, "code")), err_word(ERR_BUSY));
	assert_int_equal(http_expect(&reply, 200, &e), ERR_BUSY);
	assert_string_equal(e.msg, "come \"back\" (HTTP 503)");
	assert_int_equal(e.retry_after, 7);
}

TEST(head_has_the_headers_and_no_body)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;

	ask(&(struct http_request){ .method = "HEAD", .url = "/file" }, &reply);
	assert_int_equal(reply.status, 200);
	assert_int_equal(reply.content_length, FILE_BYTES);
	assert_int_equal(reply.bytes_received, 0);
	assert_string_equal(reply.etag, FILE_ETAG);
}

struct check {
	size_t at;
	int64_t wrong;
};

static int check_on_head(void *ctx, const struct http_reply *reply, struct err *e)
{
	struct check *c = ctx;

	(void)e;
	c->at = reply->range_first > 0 ? (size_t)reply->range_first : 0;
	return reply->status == 200 || reply->status == 206;
}

static int check_on_body(void *ctx, const void *p, size_t n, struct err *e)
{
	struct check *c = ctx;
	const char *bytes = p;

	(void)e;
	for (size_t i = 0; i < n; i++)
		c->wrong += bytes[i] != fixture_byte(c->at + i);
	c->at += n;
	return 0;
}

static struct http_request checked(struct check *c)
{
	return (struct http_request){
		.url = "/file", .ctx = c, .on_head = check_on_head, .on_body = check_on_body
	};
}

TEST(a_large_file_arrives_whole)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct check c = { 0 };
	struct http_request q = checked(&c);

	ask(&q, &reply);
	assert_int_equal(reply.status, 200);
	assert_int_equal(c.at, FILE_BYTES);
	assert_int_equal(c.wrong, 0);
	assert_int_equal(reply.bytes_received, FILE_BYTES);
	assert_string_equal(http_reply_header(&reply, "accept-ranges"), "bytes");
	assert_string_equal(http_reply_header(&reply, "cache-control"), "private");
	assert_string_equal(http_reply_header(&reply, "last-modified"),
			    "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(a_download_goes_on_where_it_stopped)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct check c = { 0 };
	struct http_request q = checked(&c);

	q.range_first = 1234567;
	q.if_range = FILE_ETAG;
	ask(&q, &reply);
	assert_int_equal(reply.status, 206);
	assert_int_equal(reply.range_first, 1234567);
	assert_int_equal(reply.range_total, FILE_BYTES);
	assert_int_equal(c.at, FILE_BYTES);
	assert_int_equal(c.wrong, 0);
}

TEST(a_range_in_the_middle_is_just_that)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct check c = { 0 };
	struct http_request q = checked(&c);

	q.range_first = 5000;
	q.range_last = 5999;
	ask(&q, &reply);
	assert_int_equal(reply.status, 206);
	assert_int_equal(reply.content_length, 1000);
	assert_int_equal(c.at, 6000);
	assert_int_equal(c.wrong, 0);
}

TEST(a_range_of_another_version_gets_the_whole_new_one)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct check c = { 0 };
	struct http_request q = checked(&c);

	q.range_first = 5000;
	q.if_range = "\"v0\"";
	ask(&q, &reply);
	assert_int_equal(reply.status, 200);
	assert_int_equal(c.at, FILE_BYTES);
}

TEST(a_range_past_the_end_gives_416_and_the_size)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;

	ask(&(struct http_request){ .url = "/file", .range_first = FILE_BYTES }, &reply);
	assert_int_equal(reply.status, 416);
	assert_int_equal(reply.range_first, -1);
	assert_int_equal(reply.range_total, FILE_BYTES);
}

TEST(a_file_that_is_known_gives_304)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;

	ask(&(struct http_request){ .url = "/file", .if_none_match = FILE_ETAG }, &reply);
	assert_int_equal(reply.status, 304);
	assert_int_equal(reply.bytes_received, 0);
	assert_string_equal(reply.etag, FILE_ETAG);
}

TEST(a_precondition_that_fails_gives_412)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_STRV struct strv headers = STRV_INIT;

	strv_add(&headers, "If-Match: \"v0\"");
	ask(&(struct http_request){ .url = "/file", .headers = &headers }, &reply);
	assert_int_equal(reply.status, 412);
}

TEST(json_is_gzipped_for_those_who_accept_it)
{
	AUTO_HTTP_REPLY struct http_reply plain = HTTP_REPLY_INIT;
	AUTO_HTTP_REPLY struct http_reply gzip = HTTP_REPLY_INIT;

	ask(&(struct http_request){ .url = "/json" }, &plain);
	ask(&(struct http_request){ .url = "/json", .accept_gzip = true }, &gzip);
	assert_int_equal(plain.bytes_received, JSON_BYTES);
	assert_string_equal(plain.etag, "\"j\"");
	assert_null(http_reply_header(&plain, "content-encoding"));
	assert_true(gzip.bytes_received < 200);
	assert_string_equal(gzip.etag, "W/\"j\"");
	assert_string_equal(http_reply_header(&gzip, "vary"), "Accept-Encoding");
	assert_string_equal(buf_str(&plain.body), buf_str(&gzip.body));
}

TEST(gzip_that_is_refused_is_not_sent)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_STRV struct strv headers = STRV_INIT;

	strv_add(&headers, "Accept-Encoding: br, gzip;q=0.0");
	ask(&(struct http_request){ .url = "/json", .headers = &headers }, &reply);
	assert_null(http_reply_header(&reply, "content-encoding"));
	assert_int_equal(reply.bytes_received, JSON_BYTES);
}

TEST(a_blob_is_sent_plain_gzipped_or_not_at_all)
{
	AUTO_HTTP_REPLY struct http_reply plain = HTTP_REPLY_INIT;
	AUTO_HTTP_REPLY struct http_reply gzip = HTTP_REPLY_INIT;
	AUTO_HTTP_REPLY struct http_reply known = HTTP_REPLY_INIT;

	ask(&(struct http_request){ .url = "/blob" }, &plain);
	ask(&(struct http_request){ .url = "/blob", .accept_gzip = true }, &gzip);
	ask(&(struct http_request){ .url = "/blob", .if_none_match = gzip.etag }, &known);
	assert_int_equal(plain.bytes_received, JSON_BYTES);
	assert_true(gzip.bytes_received < 200);
	assert_string_equal(buf_str(&plain.body), buf_str(&gzip.body));
	assert_int_equal(known.status, 304);
}

TEST(a_large_body_is_streamed_in)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;

	ask(&(struct http_request){ .method = "PUT",
				    .url = "/upload",
				    .body_fd = site.file,
				    .body_size = FILE_BYTES },
	    &reply);
	assert_int_equal(reply.status, 200);
	assert_string_equal(buf_str(&reply.body), "10485760 bytes, 0 wrong");
}

TEST(a_body_of_unknown_length_is_streamed_in)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_STRV struct strv headers = STRV_INIT;
	char body[1000];

	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = fixture_byte(i);
	strv_add(&headers, "Transfer-Encoding: chunked");
	ask(&(struct http_request){ .method = "POST",
				    .url = "/upload",
				    .headers = &headers,
				    .body = { body, sizeof(body) } },
	    &reply);
	assert_string_equal(buf_str(&reply.body), "1000 bytes, 0 wrong");
}

static void gzip_of(struct bytes plain, struct buf *out)
{
	z_stream z = { 0 };

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY),
			 Z_OK);
	z.next_in = (Bytef *)(uintptr_t)plain.p;
	z.avail_in = (uInt)plain.n;
	z.next_out = (Bytef *)buf_reserve(out, plain.n + 100);
	z.avail_out = (uInt)plain.n + 100;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->n += z.total_out;
	(void)deflateEnd(&z);
}

static long post_gzip(const char *url, struct bytes body, struct http_reply *reply)
{
	AUTO_STRV struct strv headers = STRV_INIT;

	strv_add(&headers, "Content-Encoding: gzip");
	ask(
		&(struct http_request){
			.method = "POST", .url = url, .headers = &headers, .body = body },
		reply);
	return reply->status;
}

TEST(a_gzipped_body_is_undone)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);

	gzip_of(BYTES_LITERAL("hello, hello"), &body);
	assert_int_equal(post_gzip("/small", buf_bytes(&body), &reply), 200);
	assert_string_equal(buf_str(&reply.body), "hello, hello");
}

TEST(a_gzip_bomb_stops_at_the_limit)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *zeros = xcalloc(1, 40000);

	gzip_of((struct bytes){ zeros, 40000 }, &body);
	assert_true(body.n <= SMALL_MAX);
	assert_int_equal(post_gzip("/small", buf_bytes(&body), &reply), 413);
}

TEST(a_gzipped_body_that_is_cut_or_none_is_refused)
{
	AUTO_HTTP_REPLY struct http_reply cut = HTTP_REPLY_INIT;
	AUTO_HTTP_REPLY struct http_reply none = HTTP_REPLY_INIT;
	AUTO_HTTP_REPLY struct http_reply more = HTTP_REPLY_INIT;
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);

	gzip_of(BYTES_LITERAL("hello, hello"), &body);
	assert_int_equal(post_gzip("/small", (struct bytes){ body.p, body.n - 3 }, &cut), 422);
	assert_int_equal(post_gzip("/small", BYTES_LITERAL("hello"), &none), 422);
	buf_adds(&body, "x");
	assert_int_equal(post_gzip("/small", buf_bytes(&body), &more), 422);
}

TEST(a_body_over_its_limit_gives_413)
{
	AUTO_FREE char *body = xcalloc(1, 3 << 20);
	static const size_t sizes[] = { SMALL_MAX + 1, 100000, 3 << 20 };

	memset(body, 'x', 3 << 20);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
		struct err e = { 0 };

		ask(&(struct http_request){ .method = "POST",
					    .url = "/small",
					    .body = { body, sizes[i] } },
		    &reply);
		assert_int_equal(reply.status, 413);
		assert_int_equal(http_expect(&reply, 200, &e), ERR_LIMIT);
	}
}

TEST(a_body_at_its_limit_is_taken)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	char body[SMALL_MAX];

	memset(body, 'x', sizeof(body));
	ask(&(struct http_request){ .method = "POST",
				    .url = "/small",
				    .body = { body, sizeof(body) } },
	    &reply);
	assert_int_equal(reply.status, 200);
	assert_int_equal(reply.body.n, SMALL_MAX);
}

TEST(a_body_of_unknown_length_over_its_limit_gives_413)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_STRV struct strv headers = STRV_INIT;
	AUTO_FREE char *body = xcalloc(1, 200000);

	strv_add(&headers, "Transfer-Encoding: chunked");
	ask(&(struct http_request){ .method = "POST",
				    .url = "/small",
				    .headers = &headers,
				    .body = { body, 200000 } },
	    &reply);
	assert_int_equal(reply.status, 413);
}

TEST(a_body_that_the_handler_fails_on_gets_its_error)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	int freed = site.freed;

	ask(&(struct http_request){ .method = "PUT",
				    .url = "/fail",
				    .body_fd = site.file,
				    .body_size = FILE_BYTES },
	    &reply);
	assert_int_equal(reply.status, 409);
	assert_int_equal(site.freed, freed + 1);
}

TEST(a_body_nobody_takes_does_not_lose_the_reply)
{
	AUTO_FREE char *body = xcalloc(1, 900000);

	for (int i = 0; i < 5; i++) {
		AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;

		ask(&(struct http_request){ .method = "POST",
					    .url = "/hello",
					    .body = { body, 900000 } },
		    &reply);
		assert_string_equal(buf_str(&reply.body), "hello");
	}
}

TEST(a_reply_over_the_callers_limit_is_an_error)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct err e = { 0 };

	assert_int_equal(
		fixture_send(&site,
			     &(struct http_request){ .url = "/json", .max_body = JSON_BYTES - 1 },
			     &reply, &e),
		ERR_LIMIT);
	assert_int_equal(fixture_send(&site,
				      &(struct http_request){ .url = "/json",
							      .accept_gzip = true,
							      .max_body = JSON_BYTES - 1 },
				      &reply, &e),
			 ERR_LIMIT);
	assert_int_equal(
		fixture_send(&site,
			     &(struct http_request){ .url = "/json", .max_body = JSON_BYTES },
			     &reply, &e),
		0);
}

static int refuse_head(void *ctx, const struct http_reply *reply, struct err *e)
{
	(void)ctx;
	(void)reply;
	return err_set(e, ERR_CONFLICT, "not that one");
}

TEST(the_callers_refusal_is_the_error)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct err e = { 0 };

	assert_int_equal(
		fixture_send(&site,
			     &(struct http_request){ .url = "/file", .on_head = refuse_head },
			     &reply, &e),
		ERR_CONFLICT);
	assert_true(str_ends(e.msg, "not that one"));
}

TEST(the_statistics_count)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct http_server_stats before, after;

	ask(&(struct http_request){ .url = "/hello" }, &reply);
	http_server_get_stats(site.server, &before);
	ask(&(struct http_request){ .method = "HEAD", .url = "/file" }, &reply);
	for (int i = 0; i < 2; i++)
		ask(&(struct http_request){ .url = "/hello" }, &reply);
	http_server_get_stats(site.server, &after);
	assert_int_equal(after.requests, before.requests + 3);
	/* the reply before is counted by now, the last one maybe; the file was not sent */
	assert_in_range(after.bytes_sent - before.bytes_sent, 5, 15);
	assert_int_equal(after.dropped_slow, 0);
}

#define OK(test) cmocka_unit_test(test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OK(a_request_is_answered),
		OK(one_connection_serves_many_requests),
		OK(the_handler_sees_path_query_token_and_peer),
		OK(a_cookie_stands_in_for_the_bearer_token),
		OK(the_request_id_of_the_client_comes_back_if_it_is_one),
		OK(a_header_with_a_line_end_is_not_sent),
		OK(a_handler_that_forgets_to_reply_gives_500),
		OK(errors_are_json_that_http_expect_reads),
		OK(head_has_the_headers_and_no_body),
		OK(a_large_file_arrives_whole),
		OK(a_download_goes_on_where_it_stopped),
		OK(a_range_in_the_middle_is_just_that),
		OK(a_range_of_another_version_gets_the_whole_new_one),
		OK(a_range_past_the_end_gives_416_and_the_size),
		OK(a_file_that_is_known_gives_304),
		OK(a_precondition_that_fails_gives_412),
		OK(json_is_gzipped_for_those_who_accept_it),
		OK(gzip_that_is_refused_is_not_sent),
		OK(a_blob_is_sent_plain_gzipped_or_not_at_all),
		OK(a_large_body_is_streamed_in),
		OK(a_body_of_unknown_length_is_streamed_in),
		OK(a_gzipped_body_is_undone),
		OK(a_gzip_bomb_stops_at_the_limit),
		OK(a_gzipped_body_that_is_cut_or_none_is_refused),
		OK(a_body_over_its_limit_gives_413),
		OK(a_body_at_its_limit_is_taken),
		OK(a_body_of_unknown_length_over_its_limit_gives_413),
		OK(a_body_that_the_handler_fails_on_gets_its_error),
		OK(a_body_nobody_takes_does_not_lose_the_reply),
		OK(a_reply_over_the_callers_limit_is_an_error),
		OK(the_callers_refusal_is_the_error),
		OK(the_statistics_count),
	};

	return cmocka_run_group_tests_name("http", tests, start_site, stop_site);
}
