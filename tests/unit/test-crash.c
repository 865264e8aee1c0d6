/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crash sweep of the engine: helper-journal is killed, or fails, at each durable step in turn,
 * SQLite's own included, until it gets through; after each the root is what it was or what it was
 * to become, wholly. LARDER_HELPER names the program.
 */
#include "base/str.h"
#include "scratch.h"

#include <stdio.h>
#include <sys/wait.h>

#define CRASHED   99
#define STEPS_MAX 400

/* Runs a shell command; its exit code. */
static int shell(const char *fmt, ...) PRINTF(1, 2);
static int shell(const char *fmt, ...)
{
	AUTO_BUF struct buf command = BUF_INIT(BUF_OWN_MAX);
	va_list ap;
	int status;

	va_start(ap, fmt);
	buf_vaddf(&command, fmt, ap);
	va_end(ap);
	status = system(command.p);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int helper(const char *folder, const char *environment, const char *verb)
{
	return shell("%s \"$LARDER_HELPER\" %s '%s/r' %s 2>'%s/errors'", environment, verb, folder,
		     str_eq(verb, "commit") || str_eq(verb, "grow") ? "2" : "", folder);
}

/* The generation that `check` finds, or -1 after its complaint. */
static int generation_of(const char *folder)
{
	int code = shell("\"$LARDER_HELPER\" check '%s' >'%s.out'", folder, folder);

	for (int g = 0; code == 0 && g <= 2; g++) {
		AUTO_FREE char *line = xasprintf("%d\n", g);
		AUTO_FREE char *out = xasprintf("%s.out", folder);

		if (scratch_is("", out, line))
			return g;
	}
	return -1;
}

/* How many steps an undisturbed commit has. */
static int count_steps(const char *folder)
{
	AUTO_FREE char *environment = xasprintf("LARDER_STEPS='%s/steps'", folder);
	AUTO_FREE char *path = xasprintf("%s/steps", folder);
	AUTO_BUF struct buf steps = BUF_INIT(BUF_OWN_MAX);
	struct err e = { 0 };
	int n = 0;

	assert_int_equal(shell("cd '%s' && rm -rf r && cp -a start r", folder), 0);
	assert_int_equal(helper(folder, environment, "commit"), 0);
	assert_int_equal(file_read(AT_FDCWD, path, 1 << 20, &steps, &e), 0);
	for (const char *p = steps.p; (p = strchr(p, '\n')) != NULL; p++)
		n++;
	assert_in_range(n, 20, STEPS_MAX);
	return n;
}

/* What a crash left is opened where it lies, and as a copy by two at once. */
static void expect_old_or_new(const char *folder, int at, int *news)
{
	AUTO_FREE char *path_here = xasprintf("%s/r", folder);
	AUTO_FREE char *path_copy = xasprintf("%s/copy", folder);
	int here;
	int copy;

	assert_int_equal(shell("cd '%s' && rm -rf copy && cp -a r copy && "
			       "{ \"$LARDER_HELPER\" replay copy & one=$!; "
			       "\"$LARDER_HELPER\" replay copy && wait $one; }",
			       folder),
			 0);
	here = generation_of(path_here);
	copy = generation_of(path_copy);
	if (here < 1 || here != copy)
		fail_msg("step %d: generation %d here, %d in the copy", at, here, copy);
	*news += here == 2;
}

static void fresh_root(const char *folder)
{
	assert_int_equal(shell("cd '%s' && rm -rf r && cp -a start r", folder), 0);
}

/* Sweeps the write of a log larger than its limit and the checkpoint into the database after it. */
static void sweep_checkpoint(const char *variable, int ends_with)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_FREE char *root = xasprintf("%s/r", folder);
	int code = ends_with;
	int at;

	assert_int_equal(shell("cd '%s' && \"$LARDER_HELPER\" create start && "
			       "\"$LARDER_HELPER\" commit start 1 && "
			       "\"$LARDER_HELPER\" grow start 1",
			       folder),
			 0);
	for (at = 1; code == ends_with || at < 600; at += 29) { /* one step in so many */
		AUTO_FREE char *environment = xasprintf("%s=%d", variable, at);

		assert_in_range(at, 1, 3000);
		fresh_root(folder);
		code = helper(folder, environment, "grow");
		assert_int_equal(generation_of(root), 1);
	}
	assert_int_equal(code, 0);
}

TEST(a_large_transaction_and_its_checkpoint_survive_a_kill)
{
	sweep_checkpoint("LARDER_CRASH_AT", CRASHED);
}

TEST(a_large_transaction_and_its_checkpoint_survive_a_broken_disk)
{
	sweep_checkpoint("LARDER_FAIL_AT", 1);
}

static void prepare_start(const char *folder)
{
	assert_int_equal(shell("cd '%s' && \"$LARDER_HELPER\" create start && "
			       "\"$LARDER_HELPER\" commit start 1",
			       folder),
			 0);
}

TEST(a_commit_killed_at_any_step_leaves_old_or_new)
{
	AUTO_SCRATCH char *folder = scratch_new();
	int news = 0;
	int at;
	int code = CRASHED;

	prepare_start(folder);
	for (at = 1; code == CRASHED; at++) {
		AUTO_FREE char *environment = xasprintf("LARDER_CRASH_AT=%d", at);

		assert_in_range(at, 1, STEPS_MAX);
		fresh_root(folder);
		code = helper(folder, environment, "commit");
		expect_old_or_new(folder, at, &news);
	}
	assert_int_equal(code, 0);
	assert_true(news > 5 && news < at - 5); /* both sides of the commit were swept */
}

static void sweep_failures(const char *variables, const char *expected)
{
	AUTO_SCRATCH char *folder = scratch_new();
	int news = 0;
	int code = 1;

	prepare_start(folder);
	for (int at = 1; code == 1; at++) {
		AUTO_FREE char *environment = xasprintf("LARDER_FAIL_AT=%d %s", at, variables);

		assert_in_range(at, 1, STEPS_MAX);
		fresh_root(folder);
		code = helper(folder, environment, "commit");
		if (code == 1 && shell("grep -qi '%s' '%s/errors'", expected, folder) != 0)
			fail_msg("step %d: the error does not say '%s'", at, expected);
		expect_old_or_new(folder, at, &news);
	}
	assert_int_equal(code, 0);
}

TEST(a_broken_disk_leaves_old_or_new)
{
	sweep_failures("LARDER_FAIL_WITH=EIO", "error");
}

TEST(a_full_disk_is_named_and_leaves_old_or_new)
{
	sweep_failures("LARDER_FAIL_WITH=ENOSPC", "disk full\\|no space left");
}

/* A lone failure may be survived: then the outcome must be right, not only whole. */
TEST(a_single_failure_is_reported_or_harmless)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_FREE char *root = xasprintf("%s/r", folder);
	int steps;

	prepare_start(folder);
	steps = count_steps(folder);
	for (int at = 1; at <= steps; at++) {
		AUTO_FREE char *environment = xasprintf("LARDER_FAIL_ONCE=1 LARDER_FAIL_AT=%d", at);
		int news = 0;
		int code;

		fresh_root(folder);
		code = helper(folder, environment, "commit");
		expect_old_or_new(folder, at, &news);
		if (code == 0)
			assert_int_equal(generation_of(root), 2);
	}
}

TEST(a_creation_killed_at_any_step_can_be_repeated)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_FREE char *root = xasprintf("%s/r", folder);
	int code = CRASHED;

	for (int at = 1; code == CRASHED; at++) {
		AUTO_FREE char *environment = xasprintf("LARDER_CRASH_AT=%d", at);

		assert_in_range(at, 1, STEPS_MAX);
		assert_int_equal(shell("rm -rf '%s'", root), 0);
		code = helper(folder, environment, "create");
		if (helper(folder, "", "replay") != 0) /* not yet a root, and it says so */
			assert_int_equal(shell("grep -q not_found '%s/errors'", folder), 0);
		assert_int_equal(helper(folder, "", "create"), 0);
		assert_int_equal(generation_of(root), 0);
	}
	assert_int_equal(code, 0);
}

TEST(a_replay_killed_at_any_step_is_finished_by_the_next)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_FREE char *root = xasprintf("%s/r", folder);
	int code = CRASHED;
	int at;

	/* the first step after the commit: from there on the state is the new one */
	prepare_start(folder);
	for (at = 1;; at++) {
		AUTO_FREE char *environment = xasprintf("LARDER_CRASH_AT=%d", at);

		fresh_root(folder);
		assert_int_equal(helper(folder, environment, "commit"), CRASHED);
		assert_int_equal(shell("cd '%s' && rm -rf start2 && cp -a r start2", folder), 0);
		if (generation_of(root) == 2)
			break;
	}
	for (at = 1; code == CRASHED; at++) {
		AUTO_FREE char *environment = xasprintf("LARDER_CRASH_AT=%d", at);

		assert_in_range(at, 1, STEPS_MAX);
		assert_int_equal(shell("cd '%s' && rm -rf r && cp -a start2 r", folder), 0);
		code = helper(folder, environment, "replay");
		assert_int_equal(generation_of(root), 2);
	}
	assert_int_equal(code, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_commit_killed_at_any_step_leaves_old_or_new),
		cmocka_unit_test(a_broken_disk_leaves_old_or_new),
		cmocka_unit_test(a_full_disk_is_named_and_leaves_old_or_new),
		cmocka_unit_test(a_single_failure_is_reported_or_harmless),
		cmocka_unit_test(a_large_transaction_and_its_checkpoint_survive_a_kill),
		cmocka_unit_test(a_large_transaction_and_its_checkpoint_survive_a_broken_disk),
		cmocka_unit_test(a_creation_killed_at_any_step_can_be_repeated),
		cmocka_unit_test(a_replay_killed_at_any_step_is_finished_by_the_next),
	};

	return cmocka_run_group_tests_name("crash", tests, NULL, NULL);
}
