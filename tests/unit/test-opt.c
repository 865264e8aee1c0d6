/* SPDX-License-Identifier: Apache-2.0 */
#include "base/near.h"
#include "base/opt.h"

#include "test.h"

struct args {
	bool json, quiet;
	const char *workspace;
	int64_t jobs;
	struct strv tables;
};

static void args_release(struct args *a)
{
	strv_release(&a->tables);
}

#define AUTO_ARGS AUTO(args_release)

static const struct opt options[] = {
	OPT_FLAG('j', "json", struct args, json, "one JSON object on stdout"),
	OPT_FLAG('q', "quiet", struct args, quiet, "only warnings"),
	OPT_TEXT('w', "workspace", struct args, workspace, "DIR", "use the workspace in DIR"),
	OPT_INT(0, "jobs", struct args, jobs, 1, 64, "N", "transfers at once"),
	OPT_LIST('t', "table", struct args, tables, "T", "only this one"),
	OPT_END,
};

/* The words of one command line, separated by blanks. */
static int parse(const char *line, struct args *args, struct strv *operands, struct err *e)
{
	/* Texts are lent from argv, so it must live as long as the tests look at them. */
	static struct strv words;

	strv_release(&words);
	strv_add(&words, "command");
	strv_split(&words, line, ' ');
	strv_release(operands);
	return opt_parse(options, args, (int)words.n, words.v, operands, e);
}

TEST(nothing_given_changes_nothing)
{
	AUTO_ARGS struct args args = { .jobs = 8, .workspace = "w" };
	AUTO_STRV struct strv operands = STRV_INIT;
	struct err e = { 0 };

	CHECK_OK(parse("", &args, &operands, &e));
	CHECK(!args.json && !args.quiet);
	CHECK_STR(args.workspace, "w");
	CHECK_INT(args.jobs, 8);
	CHECK_INT(operands.n, 0);
}

TEST(all_kinds_are_read_in_all_spellings)
{
	AUTO_ARGS struct args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	struct err e = { 0 };

	CHECK_OK(
		parse("--json --workspace=a=b --jobs 64 --table x -t y -tz", &args, &operands, &e));
	CHECK(args.json && !args.quiet);
	CHECK_STR(args.workspace, "a=b");
	CHECK_INT(args.jobs, 64);
	CHECK_INT(args.tables.n, 3);
	CHECK_STR(args.tables.v[2], "z");
	CHECK_INT(operands.n, 0);
}

TEST(letters_of_flags_share_a_word)
{
	AUTO_ARGS struct args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	struct err e = { 0 };

	CHECK_OK(parse("-jqw dir", &args, &operands, &e));
	CHECK(args.json && args.quiet);
	CHECK_STR(args.workspace, "dir");
}

TEST(options_and_operands_may_be_mixed)
{
	AUTO_ARGS struct args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	struct err e = { 0 };

	CHECK_OK(parse("one -j two - -- --quiet -- -x", &args, &operands, &e));
	CHECK(args.json && !args.quiet);
	CHECK_INT(operands.n, 6);
	CHECK_STR(operands.v[2], "-");
	CHECK_STR(operands.v[3], "--quiet");
	CHECK_STR(operands.v[4], "--");
	CHECK(operands.v[6] == NULL);
}

TEST(the_last_of_two_counts)
{
	AUTO_ARGS struct args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	struct err e = { 0 };

	CHECK_OK(parse("--jobs=2 --jobs=3 -w a -w b", &args, &operands, &e));
	CHECK_INT(args.jobs, 3);
	CHECK_STR(args.workspace, "b");
}

TEST(a_value_may_look_like_an_option)
{
	AUTO_ARGS struct args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	struct err e = { 0 };

	CHECK_OK(parse("--workspace --json", &args, &operands, &e));
	CHECK(!args.json);
	CHECK_STR(args.workspace, "--json");
	CHECK_OK(parse("--workspace=", &args, &operands, &e));
	CHECK_STR(args.workspace, "");
}

TEST(an_unknown_option_names_the_nearest)
{
	AUTO_ARGS struct args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	struct err e = { 0 };

	CHECK_ERR(parse("--wrokspace=x", &args, &operands, &e), ERR_USAGE);
	CHECK_STR(e.msg, "unknown option '--wrokspace'");
	CHECK_STR(e.hint, "did you mean '--workspace'?");
	CHECK_ERR(parse("--jbos", &args, &operands, &e), ERR_USAGE);
	CHECK_STR(e.hint, "did you mean '--jobs'?");
	CHECK_ERR(parse("--something-else", &args, &operands, &e), ERR_USAGE);
	CHECK_STR(e.hint, "");
	CHECK_ERR(parse("-jx", &args, &operands, &e), ERR_USAGE);
	CHECK_STR(e.msg, "unknown option '-x'");
	CHECK_ERR(parse("--js", &args, &operands, &e), ERR_USAGE); /* no abbreviations */
	CHECK_ERR(parse("--no-json", &args, &operands, &e), ERR_USAGE);
}

TEST(missing_and_superfluous_values_are_refused)
{
	AUTO_ARGS struct args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	struct err e = { 0 };

	CHECK_ERR(parse("--workspace", &args, &operands, &e), ERR_USAGE);
	CHECK_STR(e.msg, "option '--workspace' needs a value (DIR)");
	CHECK_ERR(parse("-w", &args, &operands, &e), ERR_USAGE);
	CHECK_ERR(parse("--json=yes", &args, &operands, &e), ERR_USAGE);
	CHECK_STR(e.msg, "option '--json' takes no value");
}

TEST(numbers_are_checked_against_their_range)
{
	AUTO_ARGS struct args args = { .jobs = 8 };
	AUTO_STRV struct strv operands = STRV_INIT;
	struct err e = { 0 };

	CHECK_ERR(parse("--jobs 65", &args, &operands, &e), ERR_USAGE);
	CHECK_STR(e.msg, "option '--jobs': 65 is out of range: 1 to 64");
	CHECK_ERR(parse("--jobs 0", &args, &operands, &e), ERR_USAGE);
	CHECK_ERR(parse("--jobs many", &args, &operands, &e), ERR_USAGE);
	CHECK_ERR(parse("--jobs=", &args, &operands, &e), ERR_USAGE);
	CHECK_INT(args.jobs, 8);
}

TEST(help_is_aligned)
{
	AUTO_BUF struct buf b = BUF_INIT(1000);

	opt_add_help(options, &b);
	CHECK_STR(buf_str(&b), "  -j, --json           one JSON object on stdout\n"
			       "  -q, --quiet          only warnings\n"
			       "  -w, --workspace DIR  use the workspace in DIR\n"
			       "      --jobs N         transfers at once\n"
			       "  -t, --table T        only this one\n");
}

static const char *nearest(const char *given)
{
	static const char *const known[] = { "pull", "push", "publish", "status", "serve", "kb" };
	struct near near = near_to(given);

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		near_try(&near, known[i]);
	return near.best;
}

TEST(near_words_are_found_and_far_ones_not)
{
	AUTO_FREE char *endless = xasprintf("%01000d", 7);

	CHECK_STR(nearest("pul"), "pull");
	CHECK_STR(nearest("plul"), "pull");
	CHECK_STR(nearest("pubish"), "publish");
	CHECK_STR(nearest("sttaus"), "status");
	CHECK_STR(nearest("bk"), "kb");
	CHECK(nearest("xy") == NULL);
	CHECK(nearest("") == NULL);
	CHECK(nearest("elephant") == NULL);
	CHECK(nearest(endless) == NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(nothing_given_changes_nothing),
		CASE(all_kinds_are_read_in_all_spellings),
		CASE(letters_of_flags_share_a_word),
		CASE(options_and_operands_may_be_mixed),
		CASE(the_last_of_two_counts),
		CASE(a_value_may_look_like_an_option),
		CASE(an_unknown_option_names_the_nearest),
		CASE(missing_and_superfluous_values_are_refused),
		CASE(numbers_are_checked_against_their_range),
		CASE(help_is_aligned),
		CASE(near_words_are_found_and_far_ones_not),
	};

	return RUN(tests);
}
