/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/turns.h"

#include "scratch.h"

/* "U:text|A:text" of the lines. */
static char *talk(const char *const *lines, size_t n)
{
	AUTO_TURNS struct turns turns = { 0 };
	struct buf out = BUF_INIT(BUF_OWN_MAX);

	for (size_t i = 0; i < n; i++)
		turns_add_line(&turns, bytes_of(lines[i]));
	for (size_t i = 0; i < turns.n; i++)
		buf_addf(&out, "%s%c:%s", i ? "|" : "", turns.v[i].by_user ? 'U' : 'A',
			 turns.v[i].text);
	return buf_take(&out);
}
#define CHECK_TALK(wanted, ...)                                                                    \
	do {                                                                                       \
		static const char *const lines_[] = { __VA_ARGS__ };                               \
		AUTO_FREE char *said_ = talk(lines_, ARRAY_LEN(lines_));                           \
		CHECK_STR(said_, wanted);                                                          \
	} while (0)

TEST(nested_and_flat_lines_are_read)
{
	CHECK_TALK(
		"U:hello|A:hi",
		"{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":\"hello\"}}",
		"{\"type\":\"assistant\",\"message\":{\"role\":\"assistant\",\"content\":[{\"type\":"
		"\"text\",\"text\":\"hi\"}]}}");
	CHECK_TALK("U:hello|A:hi", "{\"role\":\"user\",\"content\":\"hello\"}",
		   "{\"role\":\"assistant\",\"content\":\"hi\"}");
}

TEST(tools_reminders_and_machines_are_no_talk)
{
	CHECK_TALK(
		"U:real",
		"{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
		"\"content\":\"x\"}]}}",
		"{\"type\":\"assistant\",\"message\":{\"role\":\"assistant\",\"content\":[{\"type\":"
		"\"tool_use\",\"name\":\"Bash\"}]}}",
		"{\"type\":\"system\",\"role\":\"user\",\"content\":\"x\"}",
		"{\"type\":\"summary\",\"role\":\"user\",\"content\":\"x\"}",
		"{\"type\":\"user\",\"isMeta\":true,\"message\":{\"role\":\"user\",\"content\":\"x\"}}",
		"{\"type\":\"user\",\"isSidechain\":true,\"message\":{\"role\":\"user\",\"content\":\"x\"}}",
		"{\"role\":\"user\",\"content\":\"<command-name>/clear</command-name>\"}",
		"{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"<system-reminder>x\"},{\"type\":"
		"\"text\",\"text\":\"real\"}]}",
		"{\"role\":\"tool\",\"content\":\"x\"}", "{\"role\":7}", "[]", "7", "null");
}

TEST(what_is_no_json_costs_no_other_line)
{
	AUTO_TURNS struct turns turns = { 0 };

	turns_add_line(&turns, bytes_of("{\"role\":\"user\",\"content\":\"a\"}"));
	turns_add_line(&turns, bytes_of("{\"role\":\"user\",\"cont"));
	turns_add_line(&turns, bytes_of("\xff\xfe garbage"));
	turns_add_line(&turns, bytes_of(""));
	turns_add_line(&turns, bytes_of("{\"role\":\"user\",\"content\":\"b \\ud800 c\"}"));
	CHECK_INT(turns.n, 2);
	CHECK_INT(turns.lines, 5);
	CHECK_INT(turns.bad_lines, 2);
	CHECK_INT(turns.v[1].line, 5);
}

TEST(a_turn_is_clean_and_without_tokens)
{
	CHECK_TALK(
		"U:a?[2J\nb [redacted:github] c?",
		"{\"role\":\"user\",\"content\":\"a\\u001b[2J\\nb ghp_abcdefghijklmnopqrstuvwxyz0123456789 "
		"c\\u0000\"}");
}

TEST(a_file_is_read_with_its_torn_end_and_a_line_over_the_limit)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_FREE char *path = xasprintf("%s/a.jsonl", folder);
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_TURNS struct turns turns = { 0 };
	struct err e = { 0 };

	buf_adds(&text, "{\"role\":\"user\",\"content\":\"first\"}\n{\"x\":\"");
	for (size_t i = 0; i < TURN_LINE_MAX / 16; i++)
		buf_adds(&text, "0123456789abcdef");
	buf_adds(&text, "\"}\n{\"role\":\"user\",\"content\":\"last\"}\n{\"role\":\"user\",\"con");
	CHECK_OK(file_replace(AT_FDCWD, path, buf_bytes(&text), 0600, &e));
	CHECK_OK(turns_read(path, &turns, &e));
	CHECK_INT(turns.n, 2);
	CHECK_STR(turns.v[1].text, "last");
	CHECK_INT(turns.v[1].line, 3);
	CHECK_INT(turns.lines, 4);
	CHECK_INT(turns.bad_lines, 2);
}

TEST(the_newest_turns_are_kept_and_long_ones_cut)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_FREE char *path = xasprintf("%s/a.jsonl", folder);
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_TURNS struct turns turns = { 0 };
	struct err e = { 0 };

	for (int i = 0; i < TURNS_MAX * 2 + 7; i++)
		buf_addf(&text, "{\"role\":\"user\",\"content\":\"%d\"}\n", i);
	buf_adds(&text, "{\"role\":\"user\",\"content\":\"x");
	for (size_t i = 0; i < TURN_TEXT_MAX; i++)
		buf_adds(&text, "\xc3\xa4");
	buf_adds(&text, "\"}");
	CHECK_OK(file_replace(AT_FDCWD, path, buf_bytes(&text), 0600, &e));
	CHECK_OK(turns_read(path, &turns, &e));
	CHECK_INT(turns.n, TURNS_MAX);
	CHECK_STR(turns.v[TURNS_MAX - 2].text, "10006");
	CHECK_INT(strlen(turns.v[TURNS_MAX - 1].text), TURN_TEXT_MAX - 1);
	CHECK(!strchr(turns.v[TURNS_MAX - 1].text, '?'));
}

TEST(a_file_that_is_gone_is_not_found)
{
	AUTO_TURNS struct turns turns = { 0 };
	struct err e = { 0 };

	CHECK_ERR(turns_read("/nonexistent/a", &turns, &e), ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(nested_and_flat_lines_are_read),
		CASE(tools_reminders_and_machines_are_no_talk),
		CASE(what_is_no_json_costs_no_other_line),
		CASE(a_turn_is_clean_and_without_tokens),
		CASE(a_file_is_read_with_its_torn_end_and_a_line_over_the_limit),
		CASE(the_newest_turns_are_kept_and_long_ones_cut),
		CASE(a_file_that_is_gone_is_not_found),
	};

	return RUN(tests);
}
