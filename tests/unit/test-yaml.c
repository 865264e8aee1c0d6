/* SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml.h"

#include "test.h"

struct settings {
	char *server;
	int64_t jobs, body, keep;
	bool verify;
	struct strv tables, labels;
};

static struct settings defaults(void)
{
	return (struct settings){ .server = xstrdup("none"), .jobs = 8, .keep = 60 };
}

static void settings_release(struct settings *s)
{
	free(s->server);
	strv_release(&s->tables);
	strv_release(&s->labels);
}

#define AUTO_SETTINGS AUTO(settings_release)
#define FIELDS        8

static void fields_of(struct settings *s, struct yaml_field out[FIELDS])
{
	const struct yaml_field fields[FIELDS] = {
		{ "server", YAML_TEXT, &s->server, .environment = "LARDER_TEST_SERVER" },
		{ "verify", YAML_BOOL, &s->verify },
		{ "limits.jobs", YAML_INT, &s->jobs, 1, 64, "LARDER_TEST_JOBS", NULL },
		{ "limits.body", YAML_SIZE, &s->body },
		{ "limits.times.keep", YAML_DURATION, &s->keep, 10, 86400, NULL, NULL },
		{ "tables", YAML_LIST, &s->tables, .environment = "LARDER_TEST_TABLES" },
		{ "labels", YAML_MAP_OF_TEXT, &s->labels, .environment = "LARDER_TEST_LABELS" },
		{ NULL },
	};

	memcpy(out, fields, sizeof(fields));
}

static int read_into(struct settings *s, struct bytes text, struct err *e)
{
	struct yaml_field fields[FIELDS];

	fields_of(s, fields);
	return yaml_read(text, "config.yaml", fields, e);
}

static int environment_into(struct settings *s, struct err *e)
{
	struct yaml_field fields[FIELDS];

	fields_of(s, fields);
	return yaml_environment(fields, e);
}

static void check_refused(const char *text, const char *part)
{
	AUTO_SETTINGS struct settings s = defaults();
	struct err e = { 0 };

	if (read_into(&s, bytes_of(text), &e) != ERR_USAGE)
		fail_msg("taken: %s", text);
	CHECK_HAS(e.msg, part);
	CHECK_STR(s.server, "none");
	CHECK_INT(s.jobs, 8);
	CHECK_INT(s.tables.n, 0);
}

TEST(every_kind_is_read)
{
	static const char text[] = "# ours\n"
				   "server: http://hub:8080/\n"
				   "verify: true\n"
				   "limits:\n"
				   "  jobs: 64\n"
				   "  body: 5M\n"
				   "  times:\n"
				   "    keep: 15m\n"
				   "tables: [orders, 'two words']\n"
				   "labels:\n"
				   "  team: sales\n"
				   "  yes: \"no\"\n";
	AUTO_SETTINGS struct settings s = defaults();
	struct err e = { 0 };

	CHECK_OK(read_into(&s, bytes_of(text), &e));
	CHECK_STR(s.server, "http://hub:8080/");
	CHECK(s.verify);
	CHECK_INT(s.jobs, 64);
	CHECK_INT(s.body, 5 << 20);
	CHECK_INT(s.keep, 900);
	CHECK_INT(s.tables.n, 2);
	CHECK_STR(s.tables.v[1], "two words");
	CHECK_INT(s.labels.n, 2);
	CHECK_STR(s.labels.v[0], "team=sales");
	CHECK_STR(s.labels.v[1], "yes=no");
}

TEST(absent_keys_leave_their_targets_alone)
{
	static const char *const texts[] = {
		"", "\n", "# only words\n", "---\n", "limits:\n", "{}"
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		AUTO_SETTINGS struct settings s = defaults();
		struct err e = { 0 };

		CHECK_OK(read_into(&s, bytes_of(texts[i]), &e));
		CHECK_STR(s.server, "none");
		CHECK_INT(s.jobs, 8);
	}
}

TEST(lists_are_replaced_and_may_be_empty)
{
	AUTO_SETTINGS struct settings s = defaults();
	struct err e = { 0 };

	strv_add(&s.tables, "default");
	strv_add(&s.labels, "k=v");
	CHECK_OK(read_into(&s, bytes_of("tables:\n- a\n- b\n"), &e));
	CHECK_INT(s.tables.n, 2);
	CHECK_INT(s.labels.n, 1);
	CHECK_OK(read_into(&s, bytes_of("tables:\nlabels: {}\n"), &e));
	CHECK_INT(s.tables.n, 0);
	CHECK_INT(s.labels.n, 0);
}

TEST(scalars_are_texts_without_implicit_types)
{
	static const char *const values[] = { "yes", "null", "~", "1.0", "0x10", "2026-11-20" };

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		AUTO_SETTINGS struct settings s = defaults();
		AUTO_FREE char *text = xasprintf("server: %s\n", values[i]);
		struct err e = { 0 };

		CHECK_OK(read_into(&s, bytes_of(text), &e));
		CHECK_STR(s.server, values[i]);
	}
}

TEST(wrong_values_are_refused_with_key_and_line)
{
	check_refused("server: x\nverify: yes\n",
		      "'config.yaml', line 2: 'verify': 'yes' is neither true nor false");
	check_refused("limits:\n  jobs: many\n", "line 2: 'limits.jobs': 'many' is not a whole");
	check_refused("limits: {jobs: 0}\n", "must be 1 to 64");
	check_refused("limits: {jobs: 65}\n", "must be 1 to 64");
	check_refused("limits: {body: -1}\n", "not a size");
	check_refused("limits: {body: }\n", "not a size");
	check_refused("limits: {body: 99999999999G}\n", "not a size");
	check_refused("limits:\n  times:\n    keep: 2d\n", "line 3: 'limits.times.keep': must be");
	check_refused("server: \"a\\0b\"\n", "control characters");
	check_refused("server: \"a\\eb\"\n", "control characters");
}

TEST(wrong_shapes_are_refused)
{
	check_refused("- a\n- b\n", "must be a mapping");
	check_refused("just text\n", "must be a mapping");
	check_refused("server: [a]\n", "line 1: a single value");
	check_refused("server: {a: b}\n", "a single value");
	check_refused("\n\nlimits: 5\n", "line 3: a mapping");
	check_refused("limits: [1]\n", "a mapping");
	check_refused("tables: one\n", "a list");
	check_refused("tables: ''\n", "a list");
	check_refused("tables: [[a]]\n", "texts only");
	check_refused("labels: [a]\n", "a mapping");
	check_refused("labels: {a: [b]}\n", "a text");
	check_refused("labels: {a=b: c}\n", "without '='");
	check_refused("labels: {'': c}\n", "a key");
	check_refused("? [a]\n: b\n", "a key must be");
	check_refused("labels: {? [a] : b}\n", "a key must be");
}

TEST(unknown_keys_are_refused_and_the_nearest_is_named)
{
	AUTO_SETTINGS struct settings s = defaults();
	struct err e = { 0 };

	CHECK_ERR(read_into(&s, bytes_of("server: x\nlimits:\n  job: 4\n"), &e), ERR_USAGE);
	CHECK_STR(e.msg, "'config.yaml', line 3: unknown key 'limits.job'");
	CHECK_STR(e.hint, "did you mean 'limits.jobs'?");
	check_refused("limits.jobs: 4\n", "unknown key");
	check_refused("jobs: 4\n", "unknown key");
	check_refused("limits: {times: {keep: {deeper: 1}}}\n", "a single value");
	check_refused("<<: {server: x}\n", "unknown key");
	check_refused("'': x\n", "unknown key");
}

TEST(duplicates_are_refused)
{
	check_refused("server: a\nserver: b\n", "line 2: the key is there twice");
	check_refused("limits: {jobs: 1}\nlimits: {body: 1}\n", "line 2: the key is there twice");
	check_refused("labels:\n  a: 1\n  a: 2\n", "line 3: the key is there twice");
}

TEST(anchors_aliases_and_tags_are_refused)
{
	check_refused("server: &a x\n", "anchors");
	check_refused("server: *a\n", "anchors");
	check_refused("server: !!str x\n", "tags");
	check_refused("tables: &l [a]\n", "anchors");
	check_refused("limits: !x {jobs: 1}\n", "tags");
	check_refused("&k server: x\n", "anchors");
}

TEST(text_that_is_no_yaml_is_refused_with_its_line)
{
	check_refused("server: x\n\tjobs: 1\n", "line 2");
	check_refused("server: 'x\n", "'config.yaml', line");
	check_refused("server: x: y\n", "line 1");
	check_refused("tables: [a\n", "line");
	check_refused("%TAG\n", "line");
	check_refused("server: a\n---\nserver: b\n", "line 2: a second document");
	check_refused("server: \xff\n", "byte 9");
}

TEST(a_refused_file_changes_nothing)
{
	AUTO_SETTINGS struct settings s = defaults();
	struct err e = { 0 };

	CHECK_ERR(
		read_into(&s,
			  bytes_of("server: new\nlimits: {jobs: 2}\ntables: [a]\nverify: maybe\n"),
			  &e),
		ERR_USAGE);
	CHECK_STR(s.server, "none");
	CHECK_INT(s.jobs, 8);
	CHECK_INT(s.tables.n, 0);
}

TEST(size_is_limited_to_the_byte)
{
	AUTO_SETTINGS struct settings s = defaults();
	AUTO_FREE char *text = xmalloc(YAML_BYTES_MAX + 1);
	struct err e = { 0 };

	memset(text, '\n', YAML_BYTES_MAX + 1);
	CHECK_OK(read_into(&s, (struct bytes){ text, YAML_BYTES_MAX }, &e));
	CHECK_ERR(read_into(&s, (struct bytes){ text, YAML_BYTES_MAX + 1 }, &e), ERR_LIMIT);
	CHECK_OK(read_into(&s, (struct bytes){ NULL, 0 }, &e));
}

static char *list_of(size_t n, const char *format)
{
	AUTO_BUF struct buf b = BUF_INIT(YAML_BYTES_MAX);

	buf_adds(&b, str_starts(format, "-") ? "tables:\n" : "labels:\n");
	for (size_t i = 0; i < n; i++)
		str_starts(format, "-") ? buf_addf(&b, "- x%zu\n", i)
					: buf_addf(&b, " x%zu: y\n", i);
	return buf_take(&b);
}

TEST(entries_are_limited)
{
	static const char *const formats[] = { "-", ":" };

	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		AUTO_FREE char *most = list_of(YAML_ENTRIES_MAX, formats[i]);
		AUTO_FREE char *more = list_of(YAML_ENTRIES_MAX + 1, formats[i]);
		AUTO_SETTINGS struct settings s = defaults();
		struct err e = { 0 };

		CHECK_OK(read_into(&s, bytes_of(most), &e));
		check_refused(more, "more than 1000");
	}
}

TEST(deep_nesting_is_refused_quickly)
{
	AUTO_BUF struct buf b = BUF_INIT(YAML_BYTES_MAX);

	buf_adds(&b, "tables: ");
	for (size_t i = 0; i < 500000; i++)
		buf_addc(&b, '[');
	check_refused(buf_str(&b), "line 1");
}

TEST(the_environment_overrides)
{
	AUTO_SETTINGS struct settings s = defaults();
	struct err e = { 0 };

	(void)setenv("LARDER_TEST_SERVER", "http://other/", 1);
	(void)setenv("LARDER_TEST_JOBS", "3", 1);
	(void)setenv("LARDER_TEST_TABLES", "a,b", 1);
	(void)setenv("LARDER_TEST_LABELS", "k=v,l=", 1);
	CHECK_OK(environment_into(&s, &e));
	CHECK_STR(s.server, "http://other/");
	CHECK_INT(s.jobs, 3);
	CHECK_INT(s.tables.n, 2);
	CHECK_STR(s.labels.v[1], "l=");

	(void)setenv("LARDER_TEST_SERVER", "", 1);
	(void)setenv("LARDER_TEST_JOBS", "65", 1);
	CHECK_ERR(environment_into(&s, &e), ERR_USAGE);
	CHECK_STR(e.msg, "LARDER_TEST_JOBS in the environment: must be 1 to 64");
	CHECK_STR(s.server, "http://other/");
	(void)unsetenv("LARDER_TEST_JOBS");
	(void)setenv("LARDER_TEST_LABELS", "k", 1);
	CHECK_ERR(environment_into(&s, &e), ERR_USAGE);
	(void)unsetenv("LARDER_TEST_LABELS");
	(void)unsetenv("LARDER_TEST_TABLES");
	(void)unsetenv("LARDER_TEST_SERVER");
	CHECK_OK(environment_into(&s, &e));
}

TEST(what_is_written_is_read_back_the_same)
{
	static const char *const values[] = {
		"plain",
		"http://hub:80/",
		"",
		" ",
		"a b ",
		"- a",
		"a: b",
		"a #b",
		"#",
		"'",
		"\"",
		"\\",
		"true",
		"null",
		"~",
		"*x",
		"&x",
		"!x",
		"%x",
		"@x",
		"`x",
		"[x",
		"{x",
		"x,y",
		"?",
		":",
		"one\ntwo",
		"\n",
		"\n\n x \n",
		"a\tb",
		"\xc3\xa4",
		"\xf0\x9f\x99\x82",
		"\xe2\x80\xa8",
		"\xef\xbb\xbf",
		"...",
		"---",
		"x\n---\ny",
	};

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		AUTO_SETTINGS struct settings s = defaults();
		AUTO_BUF struct buf b = BUF_INIT(1000);
		struct err e = { 0 };

		yaml_add_text(&b, "server", values[i]);
		buf_adds(&b, "verify: true\n");
		CHECK_OK(read_into(&s, buf_bytes(&b), &e));
		CHECK_STR(s.server, values[i]);
		CHECK(s.verify);
	}
}

TEST(simple_texts_are_written_simply)
{
	AUTO_BUF struct buf b = BUF_INIT(2000);
	AUTO_FREE char *longest = xasprintf("%0500d %0500d", 1, 2);

	yaml_add_text(&b, "server", "http://hub:80/");
	CHECK_STR(buf_str(&b), "server: http://hub:80/\n");
	buf_clear(&b);
	yaml_add_text(&b, "note", longest);
	CHECK_INT(b.n, strlen("note: \n") + strlen(longest));
	buf_clear(&b);
	yaml_add_text(&b, "bad", "\033[2J\xff");
	CHECK_STR(buf_str(&b), "bad: ?[2J?\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(every_kind_is_read),
		CASE(absent_keys_leave_their_targets_alone),
		CASE(lists_are_replaced_and_may_be_empty),
		CASE(scalars_are_texts_without_implicit_types),
		CASE(wrong_values_are_refused_with_key_and_line),
		CASE(wrong_shapes_are_refused),
		CASE(unknown_keys_are_refused_and_the_nearest_is_named),
		CASE(duplicates_are_refused),
		CASE(anchors_aliases_and_tags_are_refused),
		CASE(text_that_is_no_yaml_is_refused_with_its_line),
		CASE(a_refused_file_changes_nothing),
		CASE(size_is_limited_to_the_byte),
		CASE(entries_are_limited),
		CASE(deep_nesting_is_refused_quickly),
		CASE(the_environment_overrides),
		CASE(what_is_written_is_read_back_the_same),
		CASE(simple_texts_are_written_simply),
	};

	return RUN(tests);
}
