/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include "test.h"

TEST(comparisons_accept_null_where_they_say_so)
{
	CHECK(str_eq(NULL, NULL) && str_eq("a", "a"));
	CHECK(!str_eq(NULL, "") && !str_eq("a", NULL) && !str_eq("a", "ab"));
	CHECK(str_starts("abc", "ab") && str_starts("abc", "") && !str_starts("a", "ab"));
	CHECK(str_ends("abc", "bc") && str_ends("abc", "") && !str_ends("c", "bc"));
}

TEST(whole_numbers_are_read_to_their_borders)
{
	struct err e = { 0 };
	int64_t v = 0;

	CHECK_OK(parse_int64("9223372036854775807", INT64_MIN, INT64_MAX, &v, &e));
	CHECK(v == INT64_MAX);
	CHECK_OK(parse_int64("-9223372036854775808", INT64_MIN, INT64_MAX, &v, &e));
	CHECK(v == INT64_MIN);
	CHECK_OK(parse_int64("64", 1, 64, &v, &e));
	CHECK_OK(parse_int64("1", 1, 64, &v, &e));
	CHECK_INT(v, 1);
	CHECK_ERR(parse_int64("65", 1, 64, &v, &e), ERR_USAGE);
	CHECK_HAS(e.msg, "1 to 64");
	CHECK_ERR(parse_int64("0", 1, 64, &v, &e), ERR_USAGE);
	CHECK_INT(v, 1);
}

TEST(what_is_no_number_is_refused)
{
	static const char *const bad[] = { "",
					   " 1",
					   "1 ",
					   "+1",
					   "--1",
					   "-",
					   "1x",
					   "0x1",
					   "1e3",
					   "1.0",
					   "- 1",
					   "x",
					   "9223372036854775808",
					   "\t1",
					   "99999999999999999999" };
	struct err e = { 0 };
	int64_t v = 42;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK_ERR(parse_int64(bad[i], INT64_MIN, INT64_MAX, &v, &e), ERR_USAGE);
	CHECK_INT(v, 42);
}

TEST(sizes_have_binary_units)
{
	struct err e = { 0 };
	uint64_t v = 0;

	CHECK_OK(parse_size("10", 1000, &v, &e));
	CHECK_INT(v, 10);
	CHECK_OK(parse_size("64K", 65536, &v, &e));
	CHECK_INT(v, 65536);
	CHECK_OK(parse_size("5m", 1 << 30, &v, &e));
	CHECK_INT(v, 5 << 20);
	CHECK_OK(parse_size("2G", UINT64_MAX, &v, &e));
	CHECK_INT(v, (uint64_t)2 << 30);
	CHECK_ERR(parse_size("65K", 65536, &v, &e), ERR_USAGE);
	CHECK_INT(v, (uint64_t)2 << 30);
}

TEST(what_is_no_size_is_refused)
{
	static const char *const bad[] = {
		"", "K", "1KB", "1 K", "-1", "1.5G", "1P", "99999999999G", "99999999999999999999"
	};
	struct err e = { 0 };
	uint64_t v = 0;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK_ERR(parse_size(bad[i], UINT64_MAX, &v, &e), ERR_USAGE);
}

TEST(durations_have_units_or_are_seconds)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} good[] = { { "90", 90 },     { "90s", 90 },    { "15m", 900 },
		     { "24h", 86400 }, { "7d", 604800 }, { "0", 0 } };
	struct err e = { 0 };
	int64_t v = 0;

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		CHECK_OK(parse_duration(good[i].text, &v, &e));
		CHECK_INT(v, good[i].seconds);
	}
	CHECK_ERR(parse_duration("7w", &v, &e), ERR_USAGE);
	CHECK_ERR(parse_duration("-5s", &v, &e), ERR_USAGE);
	CHECK_ERR(parse_duration("", &v, &e), ERR_USAGE);
	CHECK_ERR(parse_duration("9223372036854775807d", &v, &e), ERR_USAGE);
}

TEST(sizes_for_people_are_decimal)
{
	static const struct {
		int64_t bytes;
		const char *text;
	} cases[] = { { 0, "0 B" },         { 312, "312 B" },         { 999, "999 B" },
		      { 1000, "1.0 kB" },   { 1400000, "1.4 MB" },    { 999949, "999.9 kB" },
		      { 999950, "1.0 MB" }, { 1000000000, "1.0 GB" }, { INT64_MAX, "9.2 EB" } };
	char out[FORMAT_SIZE_MAX];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_STR(format_size(cases[i].bytes, out), cases[i].text);
}

TEST(hex_goes_both_ways)
{
	char text[9];
	unsigned char raw[4];

	hex_encode("\x00\x7f\xab\xff", 4, text);
	CHECK_STR(text, "007fabff");
	CHECK_INT(hex_decode("007FabFF", 4, raw), 0);
	CHECK(memcmp(raw, "\x00\x7f\xab\xff", 4) == 0);
	CHECK_INT(hex_decode("007fab", 4, raw), -1);
	CHECK_INT(hex_decode("007fabff0", 4, raw), -1);
	CHECK_INT(hex_decode("007fabfg", 4, raw), -1);
}

TEST(is_hex_wants_so_many_lower_case_digits)
{
	CHECK(is_hex("00ff", 4));
	CHECK(!is_hex("00fF", 4) && !is_hex("00f", 4) && !is_hex("00ff0", 4) && !is_hex(NULL, 4));
}

TEST(table_names_are_safe_file_names)
{
	static const char *const good[] = { "a", "_x", "0", "sales.2026-01", "in.c-crm.orders" };
	static const char *const bad[] = { "",     ".",        "..",   ".hidden", "-x",
					   "a/b",  "../x",     "a\"b", "a'b",     "a b",
					   "a\nb", "\xc3\xa4", "a=b",  "a\\b" };
	char longest[NAME_MAX_LEN + 2];

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		CHECK(name_is_table(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK(!name_is_table(bad[i]));
	memset(longest, 'a', sizeof(longest));
	longest[NAME_MAX_LEN] = '\0';
	CHECK(name_is_table(longest));
	longest[NAME_MAX_LEN] = 'a';
	longest[NAME_MAX_LEN + 1] = '\0';
	CHECK(!name_is_table(longest));
	CHECK(!name_is_table(NULL));
}

TEST(rule_ids_have_no_dots)
{
	CHECK(name_is_rule("km_1") && name_is_rule("-x"));
	CHECK(!name_is_rule("") && !name_is_rule("a.b") && !name_is_rule("a/b"));
	CHECK(!name_is_rule(NULL));
}

TEST(part_paths_stay_below_their_folder)
{
	char longest[PART_PATH_MAX + 2];

	CHECK(name_is_part("p.parquet") && name_is_part("year=2026/month=11/data_0.parquet"));
	CHECK(!name_is_part("") && !name_is_part("/a") && !name_is_part("a/") &&
	      !name_is_part("a//b") && !name_is_part("a/../b") && !name_is_part("a/./b") &&
	      !name_is_part("..") && !name_is_part("a/.b") && !name_is_part(NULL));
	memset(longest, 'a', sizeof(longest));
	longest[PART_PATH_MAX] = '\0';
	CHECK(name_is_part(longest));
	longest[PART_PATH_MAX] = 'a';
	longest[PART_PATH_MAX + 1] = '\0';
	CHECK(!name_is_part(longest));
}

TEST(sql_quoting_doubles_the_quote)
{
	AUTO_BUF struct buf b = BUF_INIT(100);

	sql_quote_name(&b, "a\"b'c");
	sql_quote_text(&b, "a\"b'c");
	sql_quote_text(&b, "");
	CHECK_STR(buf_str(&b), "\"a\"\"b'c\"'a\"b''c'''");
}

TEST(clean_text_is_utf8_without_controls)
{
	static const char *const bad[] = { "\x01", "\x7f",     "\r",           "\xc3",
					   "\xff", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80",
					   "\x80", "\xc2\x9b", "\xe2\x82",     "\xf0\x8f\xbf\xbf" };

	CHECK(text_is_clean(bytes_of("")));
	CHECK(text_is_clean(bytes_of("a\tb\nc \xc3\xa4 \xe2\x82\xac \xf0\x9f\x99\x82")));
	CHECK(!text_is_clean((struct bytes){ "a\0b", 3 }));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK(!text_is_clean(bytes_of(bad[i])));
}

TEST(cleaning_replaces_what_a_terminal_would_obey)
{
	AUTO_BUF struct buf b = BUF_INIT(100);

	text_add_clean(&b, bytes_of("a\033[2Jb\nc\xff\xc3\xa4\xc2\x9b"));
	CHECK_STR(buf_str(&b), "a?[2Jb?c?\xc3\xa4?");
	CHECK(text_is_clean(buf_bytes(&b)));
}

TEST(lists_are_null_terminated_and_own_copies)
{
	AUTO_STRV struct strv v = STRV_INIT;
	char text[] = "b";

	CHECK(strv_at(&v, 0) == NULL);
	strv_add(&v, text);
	text[0] = 'x';
	strv_addf(&v, "a%d", 1);
	strv_adopt(&v, xstrdup("c"));
	CHECK_INT(v.n, 3);
	CHECK(v.v[3] == NULL);
	CHECK(strv_has(&v, "b") && !strv_has(&v, "x"));
	strv_sort(&v);
	CHECK_STR(strv_at(&v, 0), "a1");
	CHECK_STR(strv_at(&v, 2), "c");
	CHECK(strv_at(&v, 3) == NULL);
	strv_release(&v);
	CHECK_INT(v.n, 0);
	strv_sort(&v);
}

TEST(splitting_keeps_empty_pieces)
{
	AUTO_STRV struct strv v = STRV_INIT;

	strv_split(&v, "", ',');
	CHECK_INT(v.n, 0);
	strv_split(&v, ",a,,b,", ',');
	CHECK_INT(v.n, 5);
	CHECK_STR(v.v[0], "");
	CHECK_STR(v.v[1], "a");
	CHECK_STR(v.v[4], "");
}

TEST(wide_letters_take_two_columns_and_marks_none)
{
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("a\xc3\xa9"), 2);
	assert_int_equal(text_width("\xe6\x95\xb0\xe6\x8d\xae"), 4);
	assert_int_equal(text_width("e\xcc\x81"), 1);
	assert_int_equal(text_width("\xf0\x9f\x98\x80"), 2);
	assert_int_equal(text_width("\xff\xf0"), 2);
	assert_int_equal(text_fit("a\xe6\x95\xb0"
				  "b",
				  2),
			 1);
	assert_int_equal(text_fit("a\xe6\x95\xb0"
				  "b",
				  3),
			 4);
	assert_int_equal(text_fit("abc", 9), 3);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(comparisons_accept_null_where_they_say_so),
		CASE(whole_numbers_are_read_to_their_borders),
		CASE(what_is_no_number_is_refused),
		CASE(sizes_have_binary_units),
		CASE(what_is_no_size_is_refused),
		CASE(durations_have_units_or_are_seconds),
		CASE(sizes_for_people_are_decimal),
		CASE(hex_goes_both_ways),
		CASE(is_hex_wants_so_many_lower_case_digits),
		CASE(table_names_are_safe_file_names),
		CASE(rule_ids_have_no_dots),
		CASE(part_paths_stay_below_their_folder),
		CASE(sql_quoting_doubles_the_quote),
		CASE(clean_text_is_utf8_without_controls),
		CASE(cleaning_replaces_what_a_terminal_would_obey),
		CASE(lists_are_null_terminated_and_own_copies),
		CASE(splitting_keeps_empty_pieces),
		CASE(wide_letters_take_two_columns_and_marks_none),
	};

	return RUN(tests);
}
