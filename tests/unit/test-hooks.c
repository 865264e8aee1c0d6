/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/hooks.h"

#include "base/json.h"
#include "test.h"

static char *merge(const char *old)
{
	struct buf out = BUF_INIT(HOOKS_SETTINGS_MAX);
	struct err e = { 0 };

	assert_int_equal(hooks_merge(bytes_of(old), &out, &e), 0);
	return buf_take(&out);
}

TEST(a_new_file_gets_both_hooks_once)
{
	AUTO_FREE char *text = merge("");

	assert_true(hooks_present(bytes_of(text)));
	assert_non_null(strstr(text, "\"Grep\""));
}

TEST(merging_twice_gives_the_same_text)
{
	AUTO_FREE char *once =
		merge("{\"hooks\":{\"SessionStart\":[{\"hooks\":[{\"type\":\"command\","
		      "\"command\":\"echo mine\"}]}]},\"x\":1}");
	AUTO_FREE char *twice = merge(once);

	assert_string_equal(once, twice);
}

TEST(foreign_keys_events_and_hooks_stay)
{
	AUTO_FREE char *text = merge(
		"{\"model\":\"opus\",\"env\":{\"A\":\"1\"},\"hooks\":{\"Stop\":[{\"hooks\":[{"
		"\"type\":\"command\",\"command\":\"beep\"}]}],\"SessionStart\":[{\"matcher\":"
		"\"startup\",\"hooks\":[{\"type\":\"command\",\"command\":\"git fetch\"},"
		"{\"type\":\"command\",\"command\":\"larder pull\"}]}]}}");
	AUTO_JSON struct json *doc = NULL;
	struct err e;
	const struct json *start;

	assert_int_equal(json_parse(bytes_of(text), HOOKS_SETTINGS_MAX, &doc, &e), 0);
	assert_string_equal(json_text(json_get(doc, "model")), "opus");
	assert_string_equal(json_text(json_get(json_get(doc, "env"), "A")), "1");
	assert_non_null(strstr(text, "beep"));
	start = json_get(json_get(doc, "hooks"), "SessionStart");
	assert_int_equal(json_size(start), 2);
	assert_string_equal(json_text(json_get(json_at(start, 0), "matcher")), "startup");
	assert_true(hooks_present(bytes_of(text)));
}

TEST(entries_of_replaced_systems_go)
{
	AUTO_FREE char *text = merge(
		"{\"hooks\":{\"SessionStart\":[{\"hooks\":[{\"type\":\"command\",\"command\":"
		"\"agnes pull --quiet 2>/dev/null || true\"}]},{\"hooks\":[{\"type\":\"command\","
		"\"command\":\"da sync\"}]}]}}");

	assert_null(strstr(text, "agnes"));
	assert_null(strstr(text, "da sync"));
	assert_true(hooks_present(bytes_of(text)));
}

TEST(what_is_not_settings_is_refused)
{
	static const char *const bad[] = { "{", "[]", "null", "{\"hooks\":[]}",
					   "{\"hooks\":{\"SessionEnd\":{}}}" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO_BUF struct buf out = BUF_INIT(HOOKS_SETTINGS_MAX);
		struct err e = { 0 };

		assert_int_equal(hooks_merge(bytes_of(bad[i]), &out, &e), ERR_CORRUPT);
		assert_false(hooks_present(bytes_of(bad[i])));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_file_gets_both_hooks_once),
		cmocka_unit_test(merging_twice_gives_the_same_text),
		cmocka_unit_test(foreign_keys_events_and_hooks_stay),
		cmocka_unit_test(entries_of_replaced_systems_go),
		cmocka_unit_test(what_is_not_settings_is_refused),
	};

	return cmocka_run_group_tests_name("hooks", tests, NULL, NULL);
}
