/* SPDX-License-Identifier: Apache-2.0 */
#include "memory/bundle.h"

#include "test.h"

static struct bundle *parse(const char *text)
{
	struct bundle *b = NULL;
	struct err e = { 0 };

	CHECK_OK(bundle_parse(bytes_of(text), &b, &e));
	return b;
}

#define RULE(id) "{\"id\":\"" id "\",\"title\":\"T\",\"content\":\"C\"}"

TEST(both_lists_are_read_in_order)
{
	AUTO_BUNDLE struct bundle *b = parse("{\"mandatory\":[" RULE("m1") "," RULE(
		"m2") "],\"approved\":[" RULE("a1") "],\"token_estimate\":5}");

	CHECK_INT(b->count, 3);
	CHECK_STR(b->items[1].id, "m2");
	CHECK(b->items[1].mandatory && !b->items[2].mandatory);
	CHECK_INT(b->warnings.n, 0);
}

TEST(the_author_is_who_wrote_it_else_the_first_contributor)
{
	AUTO_BUNDLE struct bundle *b = parse(
		"{\"mandatory\":[{\"id\":\"a\",\"title\":\"T\",\"content\":\"C\",\"source_user\":"
		"\"ann\",\"contributors\":[\"bob\"]},{\"id\":\"b\",\"title\":\"T\",\"content\":"
		"\"C\",\"contributors\":[\"bob\"]}]}");

	CHECK_STR(b->items[0].author, "ann");
	CHECK_STR(b->items[1].author, "bob");
}

TEST(ids_that_cannot_be_files_are_passed_over)
{
	AUTO_BUNDLE struct bundle *b = parse("{\"mandatory\":[" RULE("../x") "," RULE(
		"a/b") "," RULE("a.b") "," RULE("") ",{\"title\":\"no id\"},7," RULE("ok") "]}");

	CHECK_INT(b->count, 1);
	CHECK_STR(b->items[0].id, "ok");
	CHECK_INT(b->warnings.n, 6);
	CHECK_HAS(b->warnings.v[0], "../x");
}

TEST(an_id_that_occurs_twice_or_is_the_roll_ups_is_passed_over)
{
	AUTO_BUNDLE struct bundle *b =
		parse("{\"mandatory\":[" RULE("a") "," RULE("a") "," RULE("approved") "]}");

	CHECK_INT(b->count, 1);
	CHECK_INT(b->warnings.n, 2);
}

TEST(a_rule_over_the_limit_is_refused_by_name_and_the_others_go_on)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUNDLE struct bundle *b = NULL;

	buf_adds(&text, "{\"mandatory\":[{\"id\":\"huge\",\"title\":\"T\",\"content\":\"");
	for (size_t i = 0; i <= BUNDLE_RULE_MAX; i++)
		buf_addc(&text, 'x');
	buf_adds(&text, "\"}," RULE("ok") "]}");
	b = parse(buf_str(&text));
	CHECK_INT(b->count, 2);
	CHECK(b->items[0].refused && !b->items[1].refused);
	CHECK_HAS(b->warnings.v[0], "huge");
}

TEST(a_rule_of_exactly_the_limit_is_taken)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUNDLE struct bundle *b = NULL;

	buf_adds(&text, "{\"mandatory\":[{\"id\":\"big\",\"title\":\"T\",\"content\":\"");
	for (size_t i = 0; i < BUNDLE_RULE_MAX; i++)
		buf_addc(&text, 'x');
	buf_adds(&text, "\"}]}");
	b = parse(buf_str(&text));
	CHECK(!b->items[0].refused);
}

TEST(a_title_is_one_line)
{
	AUTO_BUNDLE struct bundle *b =
		parse("{\"mandatory\":[{\"id\":\"a\",\"title\":\"one\\ntwo\",\"content\":\"C\"}]}");

	CHECK(!strchr(b->items[0].title, '\n'));
}

TEST(a_content_commands_no_terminal)
{
	AUTO_BUNDLE struct bundle *b =
		parse("{\"mandatory\":[{\"id\":\"a\",\"title\":\"T\",\"content\":"
		      "\"\\u001b]0;x\\u0007 a\\tb\\r\\nc\\rd \\u00e9\\n\"}]}");

	CHECK_STR(b->items[0].content, "?]0;x? a\tb\nc\nd \xc3\xa9\n");
}

TEST(a_content_with_a_nul_is_refused)
{
	AUTO_BUNDLE struct bundle *b =
		parse("{\"mandatory\":[{\"id\":\"a\",\"title\":\"T\",\"content\":\"x\\u0000y\"}]}");

	CHECK(b->items[0].refused);
}

TEST(what_is_no_bundle_does_not_withdraw_all_rules)
{
	static const char *const texts[] = { "",       "{}",
					     "[]",     "{\"mandatory\":{}}",
					     "<html>", "{\"detail\":\"x\"}" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct bundle *b = NULL;
		struct err e = { 0 };

		CHECK_ERR(bundle_parse(bytes_of(texts[i]), &b, &e), ERR_CORRUPT);
	}
}

TEST(an_empty_bundle_is_one)
{
	AUTO_BUNDLE struct bundle *b = parse("{\"mandatory\":[],\"approved\":[]}");

	CHECK_INT(b->count, 0);
}

TEST(more_items_than_the_limit_are_refused)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct bundle *b = NULL;
	struct err e = { 0 };

	buf_adds(&text, "{\"mandatory\":[");
	for (int i = 0; i <= BUNDLE_ITEMS_MAX; i++)
		buf_adds(&text, i ? ",7" : "7");
	buf_adds(&text, "]}");
	CHECK_ERR(bundle_parse(buf_bytes(&text), &b, &e), ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(both_lists_are_read_in_order),
		CASE(the_author_is_who_wrote_it_else_the_first_contributor),
		CASE(ids_that_cannot_be_files_are_passed_over),
		CASE(an_id_that_occurs_twice_or_is_the_roll_ups_is_passed_over),
		CASE(a_rule_over_the_limit_is_refused_by_name_and_the_others_go_on),
		CASE(a_rule_of_exactly_the_limit_is_taken),
		CASE(a_title_is_one_line),
		CASE(a_content_commands_no_terminal),
		CASE(a_content_with_a_nul_is_refused),
		CASE(what_is_no_bundle_does_not_withdraw_all_rules),
		CASE(an_empty_bundle_is_one),
		CASE(more_items_than_the_limit_are_refused),
	};

	return RUN(tests);
}
