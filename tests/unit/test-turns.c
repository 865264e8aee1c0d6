/* SPDX-License-Identifier: Apache-2.0 */
/* What is talk in a transcript, as the child with DuckDB reads it. */
#include "sessions/turns.h"

#include "base/file.h"
#include "duck-help.h"
#include "test.h"
#include <fcntl.h>

#define FILES_MAX 8

/* The transcripts of a test, read together. */
struct talk {
	const struct place *place;
	struct session_source files[FILES_MAX];
	struct turns turns[FILES_MAX];
	size_t n;
};

static void talk_release(struct talk *talk)
{
	for (size_t i = 0; i < talk->n; i++)
		turns_release(&talk->turns[i]);
}
#define AUTO_TALK AUTO(talk_release)

static void add_bytes(struct talk *talk, struct bytes text)
{
	AUTO_FREE char *name = xasprintf("%zu.jsonl", talk->n);
	const char *path = in_place(talk->place, name);
	struct err e = { 0 };

	CHECK_OK(file_replace(AT_FDCWD, path, text, 0600, &e));
	talk->files[talk->n++] =
		(struct session_source){ .session = "it's/x.jsonl", .email = "it's", .path = path };
}

static void add(struct talk *talk, const char *text)
{
	add_bytes(talk, bytes_of(text));
}

static void read_all(struct talk *talk)
{
	struct err e = { 0 };

	CHECK_OK(turns_read(talk->files, talk->n, talk->turns, &e));
}

/* "U1:text|A2:text": who, on which line. */
static void check(const struct talk *talk, size_t file, const char *wanted)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	const struct turns *turns = &talk->turns[file];

	for (size_t i = 0; i < turns->n; i++)
		buf_addf(&out, "%s%c%d:%s", i ? "|" : "", turns->v[i].by_user ? 'U' : 'A',
			 (int)turns->v[i].line, turns->v[i].text);
	CHECK_STR(buf_str(&out), wanted);
}

#define SAID(role, text)                                                                           \
	"{\"type\":\"" role "\",\"message\":{\"role\":\"" role "\",\"content\":" text "}}\n"

static const char machines[] = SAID("user", "[{\"type\":\"tool_result\",\"content\":\"x\"}]") SAID(
	"assistant",
	"[{\"type\":\"tool_use\",\"name\":\"Bash\"}]") "{\"type\":\"system\",\"role\":\"user\",\"content\":\"x\"}\n"
						       "{\"type\":\"summary\",\"role\":\"user\",\"content\":\"x\"}\n"
						       "{\"type\":\"user\",\"isMeta\":true,\"message\":{\"role\":\"user\",\"content\":\"x\"}}\n"
						       "{\"type\":\"user\",\"isSidechain\":true,\"message\":{\"role\":\"user\",\"content\":\"x\"}}\n"
						       "{\"isCompactSummary\":true,\"role\":\"user\",\"content\":\"x\"}\n"
						       "{\"role\":\"user\",\"content\":\"<command-name>/clear</command-name>\"}\n"
						       "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"<system-reminder>x\"},"
						       "{\"type\":\"text\",\"text\":\"real\"},7,null,{\"type\":\"text\",\"text\":\"two\"}]}\n"
						       "{\"role\":\"tool\",\"content\":\"x\"}\n{\"role\":7}\n{\"message\":7}\n[]\n7\nnull\n"
						       "{\"type\":\"of-next-year\",\"role\":\"assistant\",\"content\":\"hi\",\"more\":[{}]}\n";

static const char odd[] = "\xef\xbb\xbf{\"role\":\"user\",\"content\":\"a\"}\r\n\n \t\r\n"
			  "{\"role\":\"user\",\"cont\n\xff\xfe garbage\n"
			  "{\"role\":\"user\",\"content\":\"b \\ud800 c\"}\n"
			  "{\"role\":\"user\",\"content\":\"bad \xff byte\"}\n"
			  "{\"role\":\"user\",\"content\":\"a \037 separator\tand tab\"}\n"
			  "{\"role\":\"user\",\"content\":\"torn";

/* Escapes and colours of a terminal, a token, a NUL. */
static const char dirty[] = "{\"role\":\"user\",\"content\":\"a\\u001b[2J\\nb "
			    "ghp_abcdefghijklmnopqrstuvwxyz0123456789 c\\u0000\"}\n";

TEST(only_talk_is_read_and_odd_lines_cost_themselves)
{
	AUTO_TALK struct talk talk = { .place = *state };

	add(&talk,
	    SAID("user", "\"hello\"") SAID("assistant", "[{\"type\":\"text\",\"text\":\"hi\"}]"));
	add(&talk, "{\"role\":\"user\",\"content\":\"hello\"}\n"
		   "{\"role\":\"assistant\",\"content\":\"hi\"}");
	add(&talk, machines);
	add(&talk, odd);
	add(&talk, "");
	add(&talk, dirty);
	read_all(&talk);
	check(&talk, 0, "U1:hello|A2:hi");
	check(&talk, 1, "U1:hello|A2:hi");
	check(&talk, 2, "U9:real\ntwo|A16:hi");
	check(&talk, 3,
	      "U1:a|U6:b \xef\xbf\xbd c|U7:bad \xef\xbf\xbd byte|U8:a   separator and tab");
	check(&talk, 4, "");
	check(&talk, 5, "U1:a?[2J\nb [redacted:github] c?");
}

/* Lines at the limit and over it, between good ones. */
TEST(huge_lines_the_newest_turns_and_long_ones)
{
	AUTO_TALK struct talk talk = { .place = *state };
	AUTO_BUF struct buf huge = BUF_INIT(BUF_OWN_MAX), many = BUF_INIT(BUF_OWN_MAX);
	static const char start[] = "{\"role\":\"user\",\"content\":\"";
	const struct turn *last;

	for (size_t over = 0; over < 2; over++) {
		size_t length = DUCK_LINE_MAX - (sizeof(start) - 1) - 2 + over;
		char *room;

		buf_adds(&huge, start);
		room = buf_reserve(&huge, length);
		assert_non_null(room);
		memset(room, 'x', length);
		huge.n += length;
		buf_adds(&huge, "\"}\n{\"role\":\"user\",\"content\":\"next\"}\n");
	}
	for (int i = 0; i < TURNS_MAX + 7; i++)
		buf_addf(&many, "{\"role\":\"user\",\"content\":\"%d\"}\n", i);
	buf_adds(&many, "{\"role\":\"user\",\"content\":\"x");
	for (size_t i = 0; i < TURN_TEXT_MAX; i++)
		buf_adds(&many, "\xc3\xa4");
	buf_adds(&many, "\"}");
	add_bytes(&talk, buf_bytes(&huge));
	add_bytes(&talk, buf_bytes(&many));
	read_all(&talk);

	CHECK_INT(talk.turns[0].n, 3);
	CHECK_INT(talk.turns[0].v[0].line, 1);
	CHECK_INT(strlen(talk.turns[0].v[0].text), TURN_TEXT_MAX);
	CHECK_INT(talk.turns[0].v[2].line, 4);
	CHECK_INT(talk.turns[1].n, TURNS_MAX);
	CHECK_STR(talk.turns[1].v[TURNS_MAX - 2].text, "5006");
	last = &talk.turns[1].v[TURNS_MAX - 1];
	CHECK_INT(strlen(last->text), TURN_TEXT_MAX - 1);
	CHECK(!strchr(last->text, '?'));
}

TEST(a_file_that_is_gone_is_an_error_and_gives_nothing)
{
	AUTO_TALK struct talk talk = { .place = *state };
	struct err e = { 0 };

	add(&talk, SAID("user", "\"hello\""));
	talk.files[talk.n++] =
		(struct session_source){ .session = "b", .email = "b", .path = "/nonexistent/b" };
	CHECK_ERR(turns_read(talk.files, talk.n, talk.turns, &e), ERR_IO);
	CHECK_INT(talk.turns[0].n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(only_talk_is_read_and_odd_lines_cost_themselves),
		CASE(huge_lines_the_newest_turns_and_long_ones),
		CASE(a_file_that_is_gone_is_an_error_and_gives_nothing),
	};

	return cmocka_run_group_tests_name("turns", tests, place_make, place_remove);
}
