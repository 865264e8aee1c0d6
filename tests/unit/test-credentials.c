/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/credentials.h"

#include "base/file.h"
#include "scratch.h"
#include "test.h"
#include <fcntl.h>

/* Every test has a configuration folder of its own, and nothing in the environment. */
static char *begin(void)
{
	char *folder = scratch_new();

	assert_int_equal(setenv("LARDER_CONFIG_DIR", folder, 1), 0);
	assert_int_equal(unsetenv("LARDER_SERVER"), 0);
	assert_int_equal(unsetenv("LARDER_TOKEN"), 0);
	return folder;
}

static void save(const char *server, const char *account, const char *token)
{
	AUTO_CREDENTIALS struct credentials c = { xstrdup(server), xstrdup(token) };
	struct err e = { 0 };

	CHECK_OK(credentials_save(&c, account, &e));
}

static void finds(const struct credentials_hints *hints, const char *server, const char *token)
{
	AUTO_CREDENTIALS struct credentials found = { 0 };
	struct err e = { 0 };

	CHECK_OK(credentials_find(hints, &found, &e));
	assert_string_equal(found.server, server);
	assert_string_equal(found.token, token);
}

static int fails(const struct credentials_hints *hints, struct err *e)
{
	AUTO_CREDENTIALS struct credentials found = { 0 };

	assert_true(credentials_find(hints, &found, e) < 0);
	assert_null(found.server);
	assert_null(found.token);
	return e->code;
}

TEST(flag_beats_environment_beats_workspace_beats_user)
{
	AUTO_SCRATCH char *folder = begin();
	struct credentials_hints h = { .server = "http://flag",
				       .token = "flag",
				       .workspace_server = "http://ws" };

	save("http://user", "a@x", "user");
	save("http://ws", "a@x", "ws");
	assert_int_equal(setenv("LARDER_SERVER", "http://env", 1), 0);
	assert_int_equal(setenv("LARDER_TOKEN", "env", 1), 0);
	finds(&h, "http://flag", "flag");
	h.server = h.token = NULL;
	finds(&h, "http://env", "env");
	assert_int_equal(unsetenv("LARDER_SERVER"), 0);
	finds(&h, "http://ws", "env");
	assert_int_equal(setenv("LARDER_TOKEN", "", 1), 0);
	finds(&h, "http://ws", "ws");
	h.workspace_server = NULL;
	finds(&h, "http://user", "user");
}

TEST(each_account_has_its_own_token)
{
	AUTO_SCRATCH char *folder = begin();
	struct credentials_hints h = { .server = "http://hub", .account = "a@x" };
	struct err e = { 0 };

	save("http://hub", "a@x", "one");
	save("http://hub", "b@x", "two");
	save("http://hub", "a@x", "three");
	finds(&h, "http://hub", "three");
	h.account = "b@x";
	finds(&h, "http://hub", "two");
	h.account = "c@x";
	assert_int_equal(fails(&h, &e), ERR_AUTH);
	assert_non_null(strstr(e.msg, "c@x"));
}

TEST(without_an_account_only_an_only_token_is_taken)
{
	AUTO_SCRATCH char *folder = begin();
	const struct credentials_hints h = { .server = "http://hub" };
	struct err e = { 0 };

	assert_int_equal(fails(&h, &e), ERR_AUTH);
	save("http://hub", "a@x", "one");
	save("http://hub:81", "b@x", "other");
	finds(&h, "http://hub", "one");
	save("http://hub", "b@x", "two");
	assert_int_equal(fails(&h, &e), ERR_AUTH);
	assert_non_null(strstr(e.msg, "2 tokens"));
}

TEST(a_file_written_by_hand_names_only_servers)
{
	AUTO_SCRATCH char *folder = begin();
	const struct credentials_hints h = { .server = "http://hub/a" };

	scratch_write(folder, "credentials.yaml",
		      "tokens:\n  http://hub: wrong\n  http://hub/a: right\n");
	finds(&h, "http://hub/a", "right");
}

TEST(the_first_server_stays_the_default)
{
	AUTO_SCRATCH char *folder = begin();
	const struct credentials_hints none = { 0 };
	struct err e = { 0 };

	assert_int_equal(fails(&none, &e), ERR_NOT_FOUND);
	assert_non_null(strstr(e.hint, "larder init"));
	save("http://first", "a@x", "one");
	save("http://second", "a@x", "two");
	finds(&none, "http://first", "one");
}

TEST(the_file_is_the_owners_alone)
{
	AUTO_SCRATCH char *folder = begin();
	AUTO_FREE char *file = xasprintf("%s/credentials.yaml", folder);
	AUTO_FREE char *found = NULL;
	AUTO_FREE char *again = NULL;
	struct err e = { 0 };
	struct stat st;

	assert_int_equal(credentials_exposed(&found, &e), 0);
	assert_null(found);
	(void)umask(0);
	save("http://hub", "a@x", "one");
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(credentials_exposed(&found, &e), 0);
	assert_int_equal(chmod(file, 0640), 0);
	assert_int_equal(credentials_exposed(&again, &e), 1);
	assert_string_equal(again, file);
	save("http://hub", "b@x", "two");
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

TEST(what_no_token_is_is_refused_and_changes_nothing)
{
	static const char *const bad[] = { "a=b", "a\x1b[2J", "\xff" };
	AUTO_SCRATCH char *folder = begin();
	const struct credentials_hints h = { .server = "http://hub" };

	AUTO_CREDENTIALS struct credentials odd = { xstrdup("http://a=b"), xstrdup("good") };
	struct err e = { 0 };

	save("http://hub", "a@x", "good");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO_CREDENTIALS struct credentials c = { xstrdup("http://hub"), xstrdup(bad[i]) };

		assert_int_equal(credentials_save(&c, "a@x", &e), ERR_USAGE);
		assert_null(strstr(e.msg, bad[i]));
	}
	assert_int_equal(credentials_save(&odd, "a@x", &e), ERR_USAGE);
	finds(&h, "http://hub", "good");
}

TEST(a_file_that_cannot_be_understood_is_told_and_kept)
{
	AUTO_SCRATCH char *folder = begin();
	AUTO_CREDENTIALS struct credentials c = { xstrdup("http://hub"), xstrdup("new") };
	const struct credentials_hints h = { .server = "http://hub" };
	struct err e = { 0 };

	scratch_write(folder, "credentials.yaml", "tokens: [\n");
	assert_int_equal(fails(&h, &e), ERR_USAGE);
	assert_non_null(strstr(e.msg, "credentials.yaml"));
	assert_int_equal(credentials_save(&c, "a@x", &e), ERR_USAGE);
	assert_true(scratch_is(folder, "credentials.yaml", "tokens: [\n"));
}

TEST(reading_makes_no_folder)
{
	AUTO_SCRATCH char *folder = begin();
	AUTO_FREE char *deep = xasprintf("%s/not/there", folder);
	const struct credentials_hints h = { .server = "http://hub" };
	struct err e = { 0 };

	assert_int_equal(setenv("LARDER_CONFIG_DIR", deep, 1), 0);
	assert_int_equal(fails(&h, &e), ERR_AUTH);
	assert_false(scratch_exists(folder, "not"));
	save("http://hub", "a@x", "one");
	assert_true(scratch_exists(folder, "not/there/credentials.yaml"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flag_beats_environment_beats_workspace_beats_user),
		cmocka_unit_test(each_account_has_its_own_token),
		cmocka_unit_test(without_an_account_only_an_only_token_is_taken),
		cmocka_unit_test(a_file_written_by_hand_names_only_servers),
		cmocka_unit_test(the_first_server_stays_the_default),
		cmocka_unit_test(the_file_is_the_owners_alone),
		cmocka_unit_test(what_no_token_is_is_refused_and_changes_nothing),
		cmocka_unit_test(a_file_that_cannot_be_understood_is_told_and_kept),
		cmocka_unit_test(reading_makes_no_folder),
	};

	return cmocka_run_group_tests_name("credentials", tests, NULL, NULL);
}
