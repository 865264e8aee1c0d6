/* SPDX-License-Identifier: Apache-2.0 */
#include "net/url.h"

#include "net/http-path.h"
#include "test.h"

TEST(segments_are_encoded_but_for_unreserved)
{
	AUTO_BUF struct buf b = BUF_INIT(BUF_OWN_MAX);

	url_add_segment(&b, "a b/ü~.-_%");
	assert_string_equal(buf_str(&b), "a%20b%2F%C3%BC~.-_%25");
}

TEST(a_segment_of_dots_does_not_climb)
{
	AUTO_BUF struct buf b = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf path = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&b, "/api/");
	url_add_segment(&b, "..");
	assert_string_equal(buf_str(&b), "/api/%2E%2E");
	assert_int_equal(http_path_decode(buf_str(&b), &path), -1);
}

TEST(a_query_starts_with_a_mark_and_goes_on_with_ampersands)
{
	AUTO_BUF struct buf b = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&b, "http://h/x");
	url_add_query(&b, "v", "1&2");
	url_add_query(&b, "part", "y=1/p.parquet");
	assert_string_equal(buf_str(&b), "http://h/x?v=1%262&part=y%3D1%2Fp.parquet");
}

TEST(decoding_undoes_encoding_for_every_byte_but_nul)
{
	for (int c = 1; c < 256; c++) {
		AUTO_BUF struct buf b = BUF_INIT(100);
		AUTO_BUF struct buf back = BUF_INIT(100);
		char text[] = { (char)c, 'x', '\0' };
		struct err e = { 0 };

		url_add_segment(&b, text);
		assert_int_equal(url_decode(buf_bytes(&b), false, &back, &e), 0);
		assert_string_equal(buf_str(&back), text);
	}
}

TEST(bad_escapes_and_nul_are_refused)
{
	static const char *const bad[] = { "%", "a%4", "%zz", "%4g", "x%00y", "% 1" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO_BUF struct buf b = BUF_INIT(100);
		struct err e = { 0 };

		assert_int_equal(url_decode(bytes_of(bad[i]), false, &b, &e), ERR_USAGE);
	}
}

TEST(plus_is_a_blank_only_in_queries)
{
	AUTO_BUF struct buf path = BUF_INIT(100);
	AUTO_BUF struct buf query = BUF_INIT(100);
	struct err e = { 0 };

	assert_int_equal(url_decode(bytes_of("a+b"), false, &path, &e), 0);
	assert_int_equal(url_decode(bytes_of("a+b"), true, &query, &e), 0);
	assert_string_equal(buf_str(&path), "a+b");
	assert_string_equal(buf_str(&query), "a b");
}

TEST(decoding_past_the_maximum_is_a_limit)
{
	AUTO_BUF struct buf b = BUF_INIT(3);
	struct err e = { 0 };

	assert_int_equal(url_decode(bytes_of("abcd"), false, &b, &e), ERR_LIMIT);
}

TEST(server_addresses_are_brought_to_one_form)
{
	static const char *const pairs[][2] = {
		{ "http://h", "http://h" },
		{ "HTTP://Hub.Example:8080//", "http://hub.example:8080" },
		{ "https://h/Base/Path/", "https://h/Base/Path" },
		{ "http://[::1]:80/", "http://[::1]:80" },
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		AUTO_FREE char *url = NULL;
		struct err e = { 0 };

		assert_int_equal(url_normalise_server(pairs[i][0], &url, &e), 0);
		assert_string_equal(url, pairs[i][1]);
	}
}

TEST(what_is_no_server_address_is_refused)
{
	static const char *const bad[] = {
		"",           "hub.example",        "ftp://h",        "http://",       "http:///x",
		"http://:80", "http://me:secret@h", "http://h?x",     "http://h/#top", "http://h h",
		"http://h\n", "http://h/\\x",       "http://\xc3\xbc"
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO_FREE char *url = NULL;
		struct err e = { 0 };

		assert_int_equal(url_normalise_server(bad[i], &url, &e), ERR_USAGE);
		assert_null(url);
	}
}

TEST(good_paths_are_decoded_once)
{
	static const char *const pairs[][2] = {
		{ "/", "/" },
		{ "/a/b.c", "/a/b.c" },
		{ "/a/", "/a/" },
		{ "/a%20b?x=/../", "/a b" },
		{ "/100%2525", "/100%25" },
		{ "http://host:1/p?q", "/p" },
		{ "/%C3%BC", "/\xc3\xbc" },
		{ "/...", "/..." },
		{ "/.hidden", "/.hidden" },
		{ "/a..b", "/a..b" },
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		AUTO_BUF struct buf b = BUF_INIT(BUF_OWN_MAX);

		assert_int_equal(http_path_decode(pairs[i][0], &b), 0);
		assert_string_equal(buf_str(&b), pairs[i][1]);
	}
}

TEST(doubtful_paths_are_refused)
{
	static const char *const bad[] = {
		"",          "a",
		"*",         "http://h",
		"//",        "/a//b",
		"/..",       "/../x",
		"/a/..",     "/a/../b",
		"/.",        "/./a",
		"/a/.",      "/%2e%2e/x",
		"/%2E./x",   "/.%2e",
		"/a%2fb",    "/..%2f..%2f",
		"/..%5cx",   "/a\\b",
		"/%00",      "/a%00.json",
		"/%",        "/%zz",
		"/%1",       "/%c0%ae%c0%ae/",
		"/\xc3\xbc", "/a b",
		"/a%0ab",    "/a%09b",
		"/%7f",      "/%ff",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO_BUF struct buf b = BUF_INIT(BUF_OWN_MAX);

		if (http_path_decode(bad[i], &b) != -1)
			fail_msg("'%s' was taken as '%s'", bad[i], buf_str(&b));
	}
}

TEST(a_path_over_its_limit_is_refused)
{
	AUTO_BUF struct buf fits = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf over = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *path = xasprintf("/%0*d", (int)HTTP_PATH_MAX, 0);

	assert_int_equal(http_path_decode(path, &over), -1);
	path[HTTP_PATH_MAX] = '\0';
	assert_int_equal(http_path_decode(path, &fits), 0);
}

TEST(queries_give_their_decodable_pairs)
{
	AUTO_STRV struct strv q = STRV_INIT;

	http_query_decode("/p?a=1&b&&c=x+y%26&bad=%zz&=v&d=e=f#frag&z=1", &q);
	assert_int_equal(q.n, 10);
	assert_string_equal(q.v[1], "1");
	assert_string_equal(q.v[2], "b");
	assert_string_equal(q.v[3], "");
	assert_string_equal(q.v[5], "x y&");
	assert_string_equal(q.v[6], "");
	assert_string_equal(q.v[7], "v");
	assert_string_equal(q.v[9], "e=f");
}

TEST(a_query_of_many_pairs_is_cut_at_the_limit)
{
	AUTO_BUF struct buf b = BUF_INIT(BUF_OWN_MAX);
	AUTO_STRV struct strv q = STRV_INIT;

	buf_adds(&b, "/p");
	for (int i = 0; i < HTTP_QUERY_MAX + 1; i++)
		buf_addf(&b, "%ck%d=v", i == 0 ? '?' : '&', i);
	http_query_decode(buf_str(&b), &q);
	assert_int_equal(q.n, 2 * HTTP_QUERY_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_are_encoded_but_for_unreserved),
		cmocka_unit_test(a_segment_of_dots_does_not_climb),
		cmocka_unit_test(a_query_starts_with_a_mark_and_goes_on_with_ampersands),
		cmocka_unit_test(decoding_undoes_encoding_for_every_byte_but_nul),
		cmocka_unit_test(bad_escapes_and_nul_are_refused),
		cmocka_unit_test(plus_is_a_blank_only_in_queries),
		cmocka_unit_test(decoding_past_the_maximum_is_a_limit),
		cmocka_unit_test(server_addresses_are_brought_to_one_form),
		cmocka_unit_test(what_is_no_server_address_is_refused),
		cmocka_unit_test(good_paths_are_decoded_once),
		cmocka_unit_test(doubtful_paths_are_refused),
		cmocka_unit_test(a_path_over_its_limit_is_refused),
		cmocka_unit_test(queries_give_their_decodable_pairs),
		cmocka_unit_test(a_query_of_many_pairs_is_cut_at_the_limit),
	};

	return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
