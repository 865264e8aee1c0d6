/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json-cells.h"

#include "base/json.h"
#include "test.h"

static void check(const char *row, size_t max, int64_t cut, const char *wanted)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *doc = NULL;
	struct err e = { 0 };

	CHECK_INT(json_cut_cells(bytes_of(row), max, &out), cut);
	CHECK_STR(buf_str(&out), wanted);
	CHECK_OK(json_parse(buf_bytes(&out), BUF_OWN_MAX, &doc, &e));
}

TEST(what_fits_stays_as_it_is)
{
	check("[]", 5, 0, "[]");
	check("[1,null,\"abcde\",true]", 5, 0, "[1,null,\"abcde\",true]");
	check("[\"\",[1,2],{\"a\":\"]\"}]", 20, 0, "[\"\",[1,2],{\"a\":\"]\"}]");
}

TEST(what_is_longer_is_cut_and_says_what_it_was)
{
	check("[1,\"abcdef\",2]", 5, 1, "[1,\"abcde... (6 bytes)\",2]");
	check("[[1,2,\"]x\"],\"abc\"]", 5, 1, "[\"[1,2,... (10 bytes)\",\"abc\"]");
	check("[{\"a\":\"b\"},\"abcdefgh\"]", 4, 2,
	      "[\"{\\\"a\\\"... (9 bytes)\",\"abcd... (8 bytes)\"]");
}

TEST(a_cut_is_between_letters)
{
	check("[\"ab\\\"cdefg\"]", 3, 1, "[\"ab... (9 bytes)\"]");
	check("[\"ab\\\"cdefg\"]", 4, 1, "[\"ab\\\"... (9 bytes)\"]");
	check("[\"a\\u0001cdefg\"]", 6, 1, "[\"a... (12 bytes)\"]");
	check("[\"aa\xc3\xa4xxxx\"]", 3, 1, "[\"aa... (8 bytes)\"]");
	check("[\"aa\xc3\xa4xxxx\"]", 4, 1, "[\"aa\xc3\xa4... (8 bytes)\"]");
	check("[\"\xf0\x9f\x98\x80xxxxxx\"]", 3, 1, "[\"... (10 bytes)\"]");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(what_fits_stays_as_it_is),
		CASE(what_is_longer_is_cut_and_says_what_it_was),
		CASE(a_cut_is_between_letters),
	};

	return RUN(tests);
}
