/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include "test.h"

#include <errno.h>

TEST(set_gives_the_code_and_the_sentence)
{
	struct err e = { .hint = "old", .retry_after = 7 };

	CHECK_INT(err_set(&e, ERR_LIMIT, "%d is over %s", 5, "four"), ERR_LIMIT);
	CHECK_INT(e.code, ERR_LIMIT);
	CHECK_STR(e.msg, "5 is over four");
	CHECK_STR(e.hint, "");
	CHECK_INT(e.retry_after, 0);
}

TEST(sys_appends_what_the_kernel_said)
{
	struct err e = { 0 };

	errno = EACCES;
	CHECK_INT(err_sys(&e, "open '%s'", "x"), ERR_IO);
	CHECK_STR(e.msg, "open 'x': Permission denied");
}

TEST(a_full_disk_comes_with_advice)
{
	struct err e = { 0 };

	errno = ENOSPC;
	CHECK_INT(err_sys(&e, "write 'x'"), ERR_IO);
	CHECK_HAS(e.hint, "make room");
}

TEST(context_goes_in_front_and_keeps_the_rest)
{
	struct err e = { 0 };

	(void)err_set(&e, ERR_BUSY, "locked");
	e.retry_after = 9;
	(void)err_hint(&e, "wait");
	CHECK_INT(err_in(&e, "table '%s'", "a"), ERR_BUSY);
	CHECK_INT(err_in(&e, "pull"), ERR_BUSY);
	CHECK_STR(e.msg, "pull: table 'a': locked");
	CHECK_STR(e.hint, "wait");
	CHECK_INT(e.retry_after, 9);
}

TEST(the_innermost_hint_wins)
{
	struct err e = { 0 };

	(void)err_set(&e, ERR_AUTH, "no");
	CHECK_INT(err_hint(&e, "make a token"), ERR_AUTH);
	CHECK_INT(err_hint(&e, "ask %s", "somebody"), ERR_AUTH);
	CHECK_STR(e.hint, "make a token");
}

TEST(long_messages_are_cut_not_lost)
{
	struct err e = { 0 };
	char text[2 * ERR_MSG_MAX];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)err_set(&e, ERR_FAILED, "%s", text);
	CHECK_INT(strlen(e.msg), ERR_MSG_MAX - 1);
	(void)err_in(&e, "%s", text);
	(void)err_hint(&e, "%s", text);
	CHECK(strlen(e.msg) < ERR_MSG_MAX && strlen(e.msg) > ERR_MSG_MAX / 2);
	CHECK_INT(strlen(e.hint), ERR_HINT_MAX - 1);
}

TEST(a_short_context_costs_the_cause_nothing)
{
	struct err e = { 0 };
	char text[400];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)err_set(&e, ERR_FAILED, "%s", text);
	(void)err_in(&e, "pull");
	CHECK_INT(strlen(e.msg), strlen("pull: ") + strlen(text));
}

TEST(each_code_has_its_exit_status_and_word)
{
	static const struct {
		int code, exit_code, http;
		const char *word;
	} expected[] = {
		{ ERR_FAILED, 1, 500, "failed" },
		{ ERR_USAGE, 2, 400, "bad_request" },
		{ ERR_NOT_FOUND, 1, 404, "not_found" },
		{ ERR_CONFLICT, 3, 409, "conflict" },
		{ ERR_CORRUPT, 1, 422, "corrupt" },
		{ ERR_LIMIT, 1, 413, "limit" },
		{ ERR_IO, 1, 500, "io" },
		{ ERR_REMOTE, 1, 502, "remote" },
		{ ERR_AUTH, 4, 401, "unauthorized" },
		{ ERR_DENIED, 4, 403, "forbidden" },
		{ ERR_BUSY, 75, 503, "busy" },
		{ ERR_OFFLINE, 75, 502, "offline" },
		{ ERR_CANCELLED, 1, 500, "cancelled" },
		{ 0, 0, 200, "ok" },
	};

	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		CHECK_INT(err_exit_code(expected[i].code), expected[i].exit_code);
		CHECK_INT(err_http_status(expected[i].code), expected[i].http);
		CHECK_STR(err_word(expected[i].code), expected[i].word);
	}
}

TEST(an_unknown_code_is_a_plain_failure)
{
	CHECK_INT(err_exit_code(-999), 1);
	CHECK_INT(err_http_status(-999), 500);
	CHECK_STR(err_word(-999), "failed");
}

TEST(only_remote_busy_and_offline_may_pass)
{
	for (int code = ERR_CANCELLED; code <= 0; code++)
		CHECK_INT(err_is_passing(code),
			  code == ERR_REMOTE || code == ERR_BUSY || code == ERR_OFFLINE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(set_gives_the_code_and_the_sentence),
		CASE(sys_appends_what_the_kernel_said),
		CASE(a_full_disk_comes_with_advice),
		CASE(context_goes_in_front_and_keeps_the_rest),
		CASE(the_innermost_hint_wins),
		CASE(long_messages_are_cut_not_lost),
		CASE(a_short_context_costs_the_cause_nothing),
		CASE(each_code_has_its_exit_status_and_word),
		CASE(an_unknown_code_is_a_plain_failure),
		CASE(only_remote_busy_and_offline_may_pass),
	};

	return RUN(tests);
}
