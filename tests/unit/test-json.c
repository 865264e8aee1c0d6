/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/str.h"
#include "test.h"

#include <math.h>

#define TEXT_MAX ((size_t)1 << 20)

static struct json *parse(const char *text)
{
	struct err e = { 0 };
	struct json *root = NULL;

	CHECK_OK(json_parse(bytes_of(text), TEXT_MAX, &root, &e));
	return root;
}

static void check_refused(const char *text, int code)
{
	struct err e = { 0 };
	struct json *root = NULL;
	int r = json_parse(bytes_of(text), TEXT_MAX, &root, &e);

	if (r != code)
		fail_msg("'%.40s': got %d, not %d", text, r, code);
	CHECK(root == NULL);
}

TEST(all_kinds_are_read)
{
	AUTO_JSON struct json *doc = parse(" {\"t\":\"x\",\"i\":-5,\"d\":1.5,\"b\":true,\"n\":null,"
					   "\"a\":[1,[2]],\"o\":{\"k\":\"v\"}} \r\n\t");

	CHECK_INT(json_kind(doc), JSON_OBJECT);
	CHECK_INT(json_size(doc), 7);
	CHECK_STR(json_text(json_get(doc, "t")), "x");
	CHECK_INT(json_int(json_get(doc, "i"), 0), -5);
	CHECK(fabs(json_double(json_get(doc, "d"), 0) - 1.5) < 1e-9);
	CHECK(json_flag(json_get(doc, "b"), false));
	CHECK_INT(json_kind(json_get(doc, "n")), JSON_NULL);
	CHECK_INT(json_kind(json_get(doc, "absent")), JSON_NONE);
	CHECK_INT(json_size(json_get(doc, "a")), 2);
	CHECK_INT(json_int(json_at(json_at(json_get(doc, "a"), 1), 0), 0), 2);
	CHECK(json_at(json_get(doc, "a"), 2) == NULL);
	CHECK_STR(json_text(json_get(json_get(doc, "o"), "k")), "v");
}

TEST(roots_that_are_no_object_are_read)
{
	AUTO_JSON struct json *number = parse("42");
	AUTO_JSON struct json *text = parse("\"x\"");
	AUTO_JSON struct json *nothing = parse("null");
	AUTO_JSON struct json *flag = parse(" true ");

	CHECK_INT(json_int(number, 0), 42);
	CHECK_STR(json_text(text), "x");
	CHECK_INT(json_kind(nothing), JSON_NULL);
	CHECK(json_flag(flag, false));
}

TEST(getters_give_their_default_for_null_and_other_kinds)
{
	AUTO_JSON struct json *doc = parse("{\"t\":\"7\",\"i\":7,\"o\":{},\"d\":1.5}");

	CHECK(json_get(NULL, "x") == NULL && json_get(json_get(doc, "t"), "x") == NULL);
	CHECK(json_text(NULL) == NULL && json_text(json_get(doc, "i")) == NULL);
	CHECK(json_bytes(json_get(doc, "i")).p == NULL);
	CHECK_INT(json_int(json_get(doc, "t"), -1), -1);
	CHECK_INT(json_int(json_get(doc, "d"), -1), -1);
	CHECK_INT(json_int(NULL, -1), -1);
	CHECK(json_double(json_get(doc, "t"), 2) > 1.9);
	CHECK(json_flag(json_get(doc, "i"), true) && !json_flag(NULL, false));
	CHECK_INT(json_size(json_get(doc, "i")), 0);
	CHECK(json_at(doc, 0) == NULL && json_at(NULL, 0) == NULL);
	CHECK_INT(json_kind(NULL), JSON_NONE);
}

TEST(whole_numbers_keep_all_64_bits)
{
	AUTO_JSON struct json *doc =
		parse("[9223372036854775807,-9223372036854775808,3.0,1e3,1e30]");

	CHECK(json_int(json_at(doc, 0), 0) == INT64_MAX);
	CHECK(json_int(json_at(doc, 1), 0) == INT64_MIN);
	CHECK_INT(json_int(json_at(doc, 2), 0), 3);
	CHECK_INT(json_int(json_at(doc, 3), 0), 1000);
	CHECK_INT(json_int(json_at(doc, 4), -1), -1);
}

TEST(what_is_no_json_is_refused)
{
	static const char *const bad[] = {
		"",          " ",   "{",    "[1,",   "[1,]",     "{\"a\":1,}", "{a:1}",
		"{'a':1}",   "nul", "NaN",  "[NaN]", "Infinity", "-Infinity",  "// x\n1",
		"/* x */ 1", "1 2", "{} x", "{}{}",  "\"a",      "\"\\x\"",    "01",
		"+1",        "-",   "1e",   "True",  "<html>"
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		check_refused(bad[i], ERR_CORRUPT);
}

/* Transcripts of other programs hold such; one odd character must not lose the document. */
TEST(odd_characters_in_a_string_are_kept)
{
	AUTO_JSON struct json *doc = parse("[\"a\n\x01\xff\",\"it's NaN\"]");

	CHECK_STR(json_text(json_at(doc, 0)), "a\n\x01\xff");
	CHECK_STR(json_text(json_at(doc, 1)), "it's NaN");
}

TEST(a_document_cut_at_any_byte_is_refused)
{
	static const char text[] = "{\"a\":[1,2.5,\"x\\u00e4\",null],\"b\":{\"c\":true}}";
	AUTO_JSON struct json *whole = parse(text);

	CHECK(whole != NULL);
	for (size_t n = 0; n + 1 < sizeof(text); n++) {
		AUTO_FREE char *cut = xstrndup(text, n);

		check_refused(cut, ERR_CORRUPT);
	}
}

TEST(size_is_limited_to_the_byte)
{
	struct err e = { 0 };
	AUTO_JSON struct json *root = NULL;

	CHECK_ERR(json_parse(bytes_of("[1]"), 2, &root, &e), ERR_LIMIT);
	CHECK_OK(json_parse(bytes_of("[1]"), 3, &root, &e));
}

static char *nested(unsigned depth)
{
	AUTO_BUF struct buf b = BUF_INIT(BUF_OWN_MAX);

	for (unsigned i = 0; i < depth; i++)
		buf_addc(&b, '[');
	for (unsigned i = 0; i < depth; i++)
		buf_addc(&b, ']');
	return buf_take(&b);
}

TEST(nesting_is_limited)
{
	AUTO_FREE char *good = nested(JSON_DEPTH_MAX - 1);
	AUTO_FREE char *bad = nested(JSON_DEPTH_MAX + 1);
	AUTO_FREE char *hostile = nested(100000);
	AUTO_JSON struct json *doc = parse(good);

	CHECK_INT(json_kind(doc), JSON_ARRAY);
	check_refused(bad, ERR_LIMIT);
	check_refused(hostile, ERR_LIMIT);
}

TEST(a_text_with_nul_is_absent_as_text_and_whole_as_bytes)
{
	AUTO_JSON struct json *doc = parse("[\"a\\u0000b\"]");

	CHECK(json_text(json_at(doc, 0)) == NULL);
	CHECK(bytes_equal(json_bytes(json_at(doc, 0)), (struct bytes){ "a\0b", 3 }));
}

TEST(escapes_become_utf8)
{
	AUTO_JSON struct json *doc = parse("\"\\u00e4\\ud83d\\ude42\\n\\/\"");

	CHECK_STR(json_text(doc), "\xc3\xa4\xf0\x9f\x99\x82\n/");
}

TEST(members_come_in_the_order_of_the_text)
{
	AUTO_JSON struct json *doc = parse("{\"z\":1,\"\":2,\"a\":null}");
	struct json_iter it = json_iter(doc);

	CHECK(json_next(&it));
	CHECK_STR(it.key, "z");
	CHECK(json_next(&it));
	CHECK_STR(it.key, "");
	CHECK_INT(json_int(it.value, 0), 2);
	CHECK(json_next(&it));
	CHECK_INT(json_kind(it.value), JSON_NULL);
	CHECK(!json_next(&it));
	it = json_iter(NULL);
	CHECK(!json_next(&it));
}

TEST(editing_keeps_what_is_not_known)
{
	AUTO_JSON struct json *doc = parse("{\"keep\":{\"x\":1.50},\"list\":[1,2,3],\"drop\":1}");
	AUTO_BUF struct buf b = BUF_INIT(1000);
	struct json *list = json_get_mutable(doc, "list");
	struct json *object = json_new_object();

	json_remove_at(list, 1);
	json_remove_at(list, 9);
	json_append(list, json_new_text("four"));
	json_put(object, "k", json_new_array());
	json_put(doc, "new", object);
	json_remove(doc, "drop");
	json_remove(doc, "never there");
	json_print(doc, &b, false);
	CHECK_STR(buf_str(&b),
		  "{\"keep\":{\"x\":1.50},\"list\":[1,3,\"four\"],\"new\":{\"k\":[]}}");
	CHECK(json_get_mutable(doc, "absent") == NULL);
	CHECK(json_at_mutable(list, 7) == NULL);
}

TEST(pretty_printing_is_read_back_and_ends_in_a_newline)
{
	AUTO_JSON struct json *doc = parse("{\"a\":[1,{\"b\":\"http://x/\"}]}");
	AUTO_BUF struct buf pretty = BUF_INIT(1000);
	AUTO_BUF struct buf plain = BUF_INIT(1000);
	AUTO_JSON struct json *again = NULL;

	json_print(doc, &pretty, true);
	CHECK(str_ends(buf_str(&pretty), "}\n"));
	CHECK_HAS(buf_str(&pretty), "\n  \"a\"");
	again = parse(buf_str(&pretty));
	json_print(again, &plain, false);
	CHECK_STR(buf_str(&plain), "{\"a\":[1,{\"b\":\"http://x/\"}]}");
}

TEST(the_writer_puts_commas_and_brackets)
{
	AUTO_BUF struct buf b = BUF_INIT(1000);
	struct json_out o = json_out(&b);

	json_open(&o, NULL, '{');
	json_add_text(&o, "t", "x");
	json_add_text(&o, "n", NULL);
	json_add_int(&o, "i", INT64_MIN);
	json_add_bool(&o, "b", false);
	json_open(&o, "a", '[');
	json_add_int(&o, NULL, 1);
	json_open(&o, NULL, '{');
	json_close(&o);
	json_add_raw(&o, NULL, bytes_of("[2]"));
	json_add_null(&o, NULL);
	json_close(&o);
	json_add_double(&o, "d", 0.1);
	json_close(&o);
	CHECK_STR(buf_str(&b), "{\"t\":\"x\",\"n\":null,\"i\":-9223372036854775808,\"b\":false,"
			       "\"a\":[1,{},[2],null],\"d\":0.1}");
}

TEST(lists_of_texts_and_times_are_written)
{
	AUTO_BUF struct buf b = BUF_INIT(1000);
	AUTO_STRV struct strv texts = STRV_INIT;
	struct json_out o = json_out(&b);

	strv_add(&texts, "x");
	strv_add(&texts, "\"");
	json_open(&o, NULL, '{');
	json_add_texts(&o, "l", &texts);
	json_add_texts(&o, "none", NULL);
	json_add_time(&o, "at", 1000);
	json_add_time(&o, "never", 0);
	json_close(&o);
	CHECK_STR(buf_str(&b), "{\"l\":[\"x\",\"\\\"\"],\"none\":[],"
			       "\"at\":\"1970-01-01T00:00:01.000Z\",\"never\":null}");
}

TEST(doubles_read_back_the_same_and_the_others_are_null)
{
	static const double values[] = { 0.1, 1.0 / 3, 1e300, -2.5e-300, 123456789.123456789 };
	AUTO_BUF struct buf b = BUF_INIT(1000);
	struct json_out o = json_out(&b);
	AUTO_JSON struct json *doc = NULL;

	json_open(&o, NULL, '[');
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		json_add_double(&o, NULL, values[i]);
	json_add_double(&o, NULL, (double)NAN);
	json_add_double(&o, NULL, (double)INFINITY);
	json_close(&o);
	doc = parse(buf_str(&b));
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		double back = json_double(json_at(doc, i), 0);

		CHECK(memcmp(&back, &values[i], sizeof(back)) == 0);
	}
	CHECK_INT(json_kind(json_at(doc, 5)), JSON_NULL);
	CHECK_INT(json_kind(json_at(doc, 6)), JSON_NULL);
}

TEST(every_byte_written_is_read_back_or_replaced)
{
	for (unsigned c = 0; c < 256; c++) {
		AUTO_BUF struct buf b = BUF_INIT(1000);
		struct json_out o = json_out(&b);
		AUTO_JSON struct json *doc = NULL;
		char text[3] = { 'a', (char)c, 'b' };

		json_open(&o, NULL, '[');
		json_add_bytes(&o, NULL, (struct bytes){ text, 3 });
		json_close(&o);
		CHECK(text_is_clean(buf_bytes(&b)));
		doc = parse(buf_str(&b));
		if (c < 0x80)
			CHECK(bytes_equal(json_bytes(json_at(doc, 0)), (struct bytes){ text, 3 }));
		else
			CHECK_STR(json_text(json_at(doc, 0)), "a\xef\xbf\xbd"
							      "b");
	}
}

TEST(keys_are_escaped_too)
{
	AUTO_BUF struct buf b = BUF_INIT(1000);
	struct json_out o = json_out(&b);

	json_open(&o, NULL, '{');
	json_add_text(&o, "a\"b", "\xc3\xa4\n");
	json_close(&o);
	CHECK_STR(buf_str(&b), "{\"a\\\"b\":\"\xc3\xa4\\n\"}");
}

TEST(a_writer_into_a_full_buffer_is_harmless)
{
	AUTO_BUF struct buf b = BUF_INIT(5);
	struct json_out o = json_out(&b);

	json_open(&o, NULL, '{');
	json_add_text(&o, "key", "value");
	json_close(&o);
	CHECK(b.full);
}

TEST(freeing_nothing_is_fine)
{
	json_free(NULL);
}

TEST(a_control_character_beyond_ascii_is_written_as_it_is)
{
	AUTO_BUF struct buf text = BUF_INIT(100);
	struct json_out o = json_out(&text);

	json_add_text(&o, NULL, "a\xc2\x85z\xc2z");
	CHECK_STR(buf_str(&text), "\"a\xc2\x85z\xef\xbf\xbdz\"");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(a_control_character_beyond_ascii_is_written_as_it_is),
		CASE(all_kinds_are_read),
		CASE(roots_that_are_no_object_are_read),
		CASE(getters_give_their_default_for_null_and_other_kinds),
		CASE(whole_numbers_keep_all_64_bits),
		CASE(what_is_no_json_is_refused),
		CASE(odd_characters_in_a_string_are_kept),
		CASE(a_document_cut_at_any_byte_is_refused),
		CASE(size_is_limited_to_the_byte),
		CASE(nesting_is_limited),
		CASE(a_text_with_nul_is_absent_as_text_and_whole_as_bytes),
		CASE(escapes_become_utf8),
		CASE(members_come_in_the_order_of_the_text),
		CASE(editing_keeps_what_is_not_known),
		CASE(pretty_printing_is_read_back_and_ends_in_a_newline),
		CASE(the_writer_puts_commas_and_brackets),
		CASE(lists_of_texts_and_times_are_written),
		CASE(doubles_read_back_the_same_and_the_others_are_null),
		CASE(every_byte_written_is_read_back_or_replaced),
		CASE(keys_are_escaped_too),
		CASE(a_writer_into_a_full_buffer_is_harmless),
		CASE(freeing_nothing_is_fine),
	};

	return RUN(tests);
}
