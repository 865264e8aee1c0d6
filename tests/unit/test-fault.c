/* SPDX-License-Identifier: Apache-2.0 */
/* The variables are read once a process, so each case runs in a child of its own. */
#include "base/fault.h"

#include "base/str.h"
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
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

static bool has_text(const char *path, const char *text)
{
	AUTO_BUF struct buf found = BUF_INIT(1000);
	struct err e = { 0 };

	return file_read(AT_FDCWD, path, 1000, &found, &e) == 0 && str_eq(buf_str(&found), text);
}

/* A file replaced and synced; others renamed, removed and written, and not. */
static int work(int dir)
{
	static const char *const names[] = { "safe", "from", "to", "moved", "removed", "written" };
	struct err e = { 0 };
	AUTO_FD int fd = -1;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (file_replace(AT_FDCWD, names[i], bytes_of(names[i]), 0600, &e) < 0)
			return e.code;
	fd = open("written", O_WRONLY | O_APPEND | O_CLOEXEC);
	if (file_replace(AT_FDCWD, "safe", bytes_of("new"), 0600, &e) < 0 ||
	    file_rename(AT_FDCWD, "from", AT_FDCWD, "to", &e) < 0 ||
	    file_rename(AT_FDCWD, "moved", dir, "moved", &e) < 0 ||
	    dir_sync(AT_FDCWD, "sub", &e) < 0 || file_remove(AT_FDCWD, "removed", &e) < 0)
		return e.code;
	return file_write_all(fd, bytes_of(" and more"), "written", &e);
}

static char *top; /* of the test below, for its child */

static int lose_power(void)
{
	AUTO_FREE char *cut = xasprintf("%s/cut", top);
	AUTO_FREE char *sub = xasprintf("%s/sub", top);
	AUTO_FD int dir = -1;

	if (mkdir(cut, 0700) < 0 || mkdir(sub, 0700) < 0 || chdir(top) < 0 ||
	    setenv("LARDER_CUT", cut, 1) < 0)
		return 1;
	dir = open(sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (work(dir) < 0)
		return 2;
	fault_cut();
	if (!has_text("safe", "new") || !has_text("from", "from") || !has_text("to", "to"))
		_exit(3); /* after a cut nothing is named or written any more */
	/* the folder that one left was not synced: it is in both */
	_exit(has_text("moved", "moved") && has_text("sub/moved", "moved") &&
			      has_text("removed", "removed") && has_text("written", "written")
		      ? 0
		      : 4);
}

/* In a child as well: what removes files passes the seam, which reads its settings once. */
static int tidy(void)
{
	scratch_free(&top);
	return 0;
}

TEST(a_power_cut_takes_what_was_not_synced)
{
	top = scratch_new();
	CHECK_INT(run_with(NULL, 0, lose_power), 0);
	CHECK_INT(run_with(NULL, 0, tidy), 0);
	free(top);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(a_power_cut_takes_what_was_not_synced),
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
