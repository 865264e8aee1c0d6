/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/watch.h"

#include "base/time.h"
#include "scratch.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

TEST(it_ends_when_the_time_is_up)
{
	AUTO_WATCH struct watch *w = watch_new();
	struct err e = { 0 };
	int64_t began = time_monotonic();

	CHECK_INT(watch_wait(w, 0, &e), WATCH_TIME);
	CHECK_INT(watch_wait(w, 20, &e), WATCH_TIME);
	CHECK(time_monotonic() - began >= 20);
}

TEST(a_file_that_is_made_changed_replaced_or_removed_is_noticed)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_FREE char *path = xasprintf("%s/a", folder);
	AUTO_WATCH struct watch *w = watch_new();
	struct err e = { 0 };

	CHECK_OK(watch_file(w, path, &e));
	CHECK_INT(watch_wait(w, 0, &e), WATCH_TIME);
	scratch_write(folder, "b", "another's");
	CHECK_INT(watch_wait(w, 0, &e), WATCH_TIME);
	scratch_write(folder, "a", "1");
	CHECK_INT(watch_wait(w, -1, &e), WATCH_CHANGE);
	CHECK_INT(watch_wait(w, 0, &e), WATCH_TIME);
	scratch_write(folder, "a", "2");
	CHECK_INT(watch_wait(w, -1, &e), WATCH_CHANGE);
	CHECK_INT(unlink(path), 0);
	CHECK_INT(watch_wait(w, -1, &e), WATCH_CHANGE);
}

TEST(a_folder_that_is_not_there_is_said)
{
	AUTO_WATCH struct watch *w = watch_new();
	struct err e = { 0 };

	CHECK_ERR(watch_file(w, "/nonexistent/a", &e), ERR_NOT_FOUND);
}

TEST(a_process_that_ended_is_noticed_once)
{
	char *argv[] = { (char *)(uintptr_t) "true", NULL };
	AUTO_WATCH struct watch *w = watch_new();
	struct err e = { 0 };
	pid_t pid;

	CHECK_INT(posix_spawnp(&pid, "true", NULL, NULL, argv, environ), 0);
	CHECK_OK(watch_process(w, pid, &e));
	CHECK_OK(watch_process(w, pid, &e));
	CHECK_INT(watch_wait(w, -1, &e), WATCH_CHANGE);
	CHECK_INT(watch_wait(w, 0, &e), WATCH_TIME);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	CHECK_OK(watch_process(w, pid, &e)); /* gone before it was watched */
	CHECK_INT(watch_wait(w, -1, &e), WATCH_CHANGE);
	CHECK_INT(watch_wait(w, 0, &e), WATCH_TIME);
}

TEST(a_signal_comes_through_it)
{
	AUTO_WATCH struct watch *w = watch_new();
	struct err e = { 0 };

	CHECK_OK(watch_signals(w, &e));
	CHECK_INT(raise(SIGTERM), 0);
	CHECK_INT(watch_wait(w, -1, &e), WATCH_SIGNAL);
	CHECK_INT(watch_wait(w, 0, &e), WATCH_TIME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(it_ends_when_the_time_is_up),
		CASE(a_file_that_is_made_changed_replaced_or_removed_is_noticed),
		CASE(a_folder_that_is_not_there_is_said),
		CASE(a_process_that_ended_is_noticed_once),
		CASE(a_signal_comes_through_it),
	};

	return RUN(tests);
}
