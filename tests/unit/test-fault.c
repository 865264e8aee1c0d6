/* SPDX-License-Identifier: Apache-2.0 */
/* The variables are read once a process, so each case runs in a child of its own. */
#include "base/fault.h"

#include "base/str.h"
#include "scratch.h"

#include <errno.h>
#include <sys/wait.h>

/* Three steps; the exit status has a bit for each that failed, and 64 for ENOSPC. */
static int three_steps(void)
{
	int failed = 0;

	for (int i = 0; i < 3; i++) {
		errno = 0;
		if (fault_step("write", "some file") < 0)
			failed |= 1 << i | (errno == ENOSPC ? 64 : 0);
	}
	return failed;
}

static int run_with(const char *const settings[][2], size_t n, int (*body)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		for (size_t i = 0; i < n; i++)
			(void)setenv(settings[i][0], settings[i][1], 1);
		_exit(body());
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

TEST(without_settings_no_step_fails)
{
	CHECK_INT(run_with(NULL, 0, three_steps), 0);
}

TEST(crash_at_ends_the_process_before_the_step)
{
	static const char *const at2[][2] = { { "LARDER_CRASH_AT", "2" } };
	static const char *const at4[][2] = { { "LARDER_CRASH_AT", "4" } };

	CHECK_INT(run_with(at2, 1, three_steps), 99);
	CHECK_INT(run_with(at4, 1, three_steps), 0);
}

TEST(fail_at_fails_that_step_and_all_later_ones)
{
	static const char *const s[][2] = { { "LARDER_FAIL_AT", "2" } };

	CHECK_INT(run_with(s, 1, three_steps), 2 | 4);
}

TEST(fail_once_fails_only_that_step)
{
	static const char *const s[][2] = { { "LARDER_FAIL_AT", "2" },
					    { "LARDER_FAIL_ONCE", "1" } };

	CHECK_INT(run_with(s, 2, three_steps), 2);
}

TEST(the_error_can_be_a_full_disk)
{
	static const char *const s[][2] = { { "LARDER_FAIL_AT", "3" },
					    { "LARDER_FAIL_WITH", "ENOSPC" } };

	CHECK_INT(run_with(s, 2, three_steps), 4 | 64);
}

/* A replace in an empty folder: 0 when it worked, 1 when it failed and left nothing, 2 else. */
static int replace_once(void)
{
	AUTO_SCRATCH char *top = scratch_new();
	AUTO_FREE char *path = xasprintf("%s/a", top);
	struct err e = { 0 };
	int r = file_replace(AT_FDCWD, path, bytes_of("x"), 0600, &e);

	if (r == 0)
		return access(path, F_OK) == 0 ? 0 : 2;
	return r == ERR_IO && rmdir(top) == 0 ? 1 : 2;
}

TEST(a_replace_that_fails_at_any_step_but_the_last_leaves_nothing)
{
	int at = 1;

	for (; at < 20; at++) {
		AUTO_FREE char *n = xasprintf("%d", at);
		const char *const s[][2] = { { "LARDER_FAIL_AT", n } };
		int status = run_with(s, 1, replace_once);

		if (status == 0)
			break;
		/* The folder's sync comes after the rename: the file is there, the caller is told.
		 */
		CHECK_INT(status, at == 5 ? 2 : 1);
	}
	CHECK_INT(at, 6);
}

TEST(steps_are_written_down)
{
	AUTO_SCRATCH char *top = scratch_new();
	AUTO_FREE char *path = xasprintf("%s/steps", top);
	AUTO_BUF struct buf text = BUF_INIT(1000);
	const char *const s[][2] = { { "LARDER_STEPS", path } };
	struct err e = { 0 };

	CHECK_INT(run_with(s, 1, three_steps), 0);
	CHECK_OK(file_read(AT_FDCWD, path, 1000, &text, &e));
	CHECK_STR(buf_str(&text), "1 write some file\n2 write some file\n3 write some file\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(without_settings_no_step_fails),
		CASE(crash_at_ends_the_process_before_the_step),
		CASE(fail_at_fails_that_step_and_all_later_ones),
		CASE(fail_once_fails_only_that_step),
		CASE(the_error_can_be_a_full_disk),
		CASE(a_replace_that_fails_at_any_step_but_the_last_leaves_nothing),
		CASE(steps_are_written_down),
	};

	return RUN(tests);
}
