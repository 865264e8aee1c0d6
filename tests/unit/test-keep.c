/* SPDX-License-Identifier: Apache-2.0 */
#include "base/keep.h"

#include "base/time.h"
#include "base/uuid.h"
#include "engine/watch.h"
#include "scratch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* Starts `sh -c script` in `folder`, its output in folder/out; the gate is what it reads. */
static pid_t start(const char *folder, const char *script, int gate)
{
	const char *argv[] = { "/bin/sh", "-c", script, NULL };
	AUTO_STRV struct strv environment = STRV_INIT;
	AUTO_FREE char *path = xasprintf("%s/out", folder);
	AUTO_FD int out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	struct keep_options o = { .argv = argv, .folder = folder, .environment = &environment };
	struct err e = { 0 };
	pid_t pid = 0;

	strv_add(&environment, "KEPT=yes");
	CHECK(setenv("KEPT", "ours", 1) == 0);
	o.input_fd = gate;
	o.output_fd = out;
	CHECK_OK(keep_start(&o, &pid, &e));
	return pid;
}

static int wait_for_end(pid_t pid)
{
	AUTO_WATCH struct watch *w = watch_new();
	struct err e = { 0 };
	int status = -1;

	CHECK_OK(watch_process(w, pid, &e));
	while (!keep_ended(pid, &status))
		CHECK_INT(watch_wait(w, 20000, &e), WATCH_CHANGE);
	return status;
}

static int closed_input(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

TEST(it_works_in_its_folder_with_its_environment_and_its_end_is_told)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_FD int in = closed_input();

	CHECK_INT(
		wait_for_end(start(folder, "pwd >/dev/null; env | grep ^KEPT= >here; exit 7", in)),
		7);
	CHECK(scratch_is(folder, "here", "KEPT=yes\n"));
	CHECK_INT(wait_for_end(start(folder, "kill -9 $$", in)), 128 + SIGKILL);
}

TEST(a_program_or_a_folder_that_is_not_there_is_said)
{
	AUTO_SCRATCH char *folder = scratch_new();
	const char *argv[] = { "/nonexistent/x", NULL };
	struct keep_options o = { .argv = argv, .folder = folder, .output_fd = 1 };
	struct err e = { 0 };
	pid_t pid;

	CHECK_ERR(keep_start(&o, &pid, &e), ERR_NOT_FOUND);
	o.folder = "/nonexistent";
	CHECK_ERR(keep_start(&o, &pid, &e), ERR_NOT_FOUND);
}

TEST(it_is_alive_until_it_ends_and_dead_after)
{
	AUTO_SCRATCH char *folder = scratch_new();
	char identity[PROC_IDENTITY_MAX];
	AUTO_FD int in = -1;
	int ends[2];
	pid_t pid;

	CHECK(pipe2(ends, O_CLOEXEC) == 0);
	in = ends[0];
	pid = start(folder, "read x", in);
	proc_identity(pid, identity);
	CHECK_INT(keep_liveness(identity), PROC_ALIVE);
	CHECK_INT(keep_member(identity), pid);
	CHECK_INT(keep_liveness_of_pid(pid, time_now()), PROC_ALIVE);
	CHECK_INT(keep_liveness_of_pid(pid, time_now() - 3600000), PROC_DEAD);
	CHECK(keep_signal(identity, SIGTERM));
	CHECK_INT(wait_for_end(pid), 128 + SIGTERM);
	CHECK_INT(keep_liveness(identity), PROC_DEAD);
	CHECK(!keep_signal(identity, SIGTERM));
	(void)close(ends[1]);
}

TEST(a_reused_pid_is_not_taken_for_it)
{
	char identity[PROC_IDENTITY_MAX];
	AUTO_FREE char *other = NULL;
	const char *rest;

	proc_identity(getpid(), identity);
	rest = strchr(strchr(identity, '/') + 1, '/');
	other = xasprintf("%d/1%s", (int)getpid(), rest);
	CHECK_INT(keep_liveness(identity), PROC_ALIVE);
	CHECK_INT(keep_liveness(other), PROC_DEAD);
	CHECK(!keep_signal(other, SIGKILL));
	CHECK_INT(keep_liveness("1/2/elsewhere/there"), PROC_UNKNOWN);
	CHECK_INT(keep_liveness(""), PROC_UNKNOWN);
	CHECK_INT(keep_liveness_of_pid(0, time_now()), PROC_DEAD);
	CHECK_INT(keep_liveness_of_pid(-1, time_now()), PROC_UNKNOWN);
	CHECK_INT(keep_liveness_of_pid(INT64_MAX, time_now()), PROC_UNKNOWN);
}

TEST(its_group_counts_when_its_leader_was_killed)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_FREE char *script = xasprintf("read x; sh -c 'echo $$ >pid; exec sleep 60' & wait");
	char identity[PROC_IDENTITY_MAX];
	AUTO_FD int in = -1;
	AUTO_WATCH struct watch *w = watch_new();
	AUTO_FREE char *pid_file = xasprintf("%s/pid", folder);
	struct err e = { 0 };
	siginfo_t end = { 0 };
	int ends[2];
	pid_t pid, member;

	CHECK(pipe2(ends, O_CLOEXEC) == 0);
	in = ends[0];
	CHECK_OK(watch_file(w, pid_file, &e));
	pid = start(folder, script, in);
	proc_identity(pid, identity);
	CHECK_INT(write(ends[1], "go\n", 3), 3);
	while (!scratch_exists(folder, "pid"))
		CHECK_INT(watch_wait(w, 20000, &e), WATCH_CHANGE);
	CHECK_INT(kill(pid, SIGKILL), 0);
	CHECK_INT(waitid(P_PID, (id_t)pid, &end, WEXITED), 0);
	CHECK_INT(keep_liveness(identity), PROC_ALIVE);
	member = keep_member(identity);
	CHECK(member > 0 && member != pid);
	CHECK(keep_signal(identity, SIGKILL));
	/* Its end can be waited for, though it is nobody's child here. */
	CHECK_OK(watch_process(w, member, &e));
	while (keep_member(identity) > 0)
		CHECK_INT(watch_wait(w, 20000, &e), WATCH_CHANGE);
	CHECK_INT(keep_liveness(identity), PROC_DEAD);
	(void)close(ends[1]);
}

TEST(what_it_left_running_ends_with_it)
{
	AUTO_SCRATCH char *folder = scratch_new();
	char identity[PROC_IDENTITY_MAX];
	AUTO_FD int in = -1;
	int ends[2];
	pid_t pid;

	CHECK(pipe2(ends, O_CLOEXEC) == 0);
	in = ends[0];
	/* Whoever of the group is left is given to us, so that its end can be waited for. */
	CHECK_INT(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	pid = start(folder, "read x; sleep 60 & exit 0", in);
	proc_identity(pid, identity);
	CHECK_INT(write(ends[1], "go\n", 3), 3);
	CHECK_INT(wait_for_end(pid), 0);
	CHECK(waitpid(-1, NULL, 0) > 0);
	CHECK_INT(keep_liveness(identity), PROC_DEAD);
	(void)close(ends[1]);
}

TEST(ids_sort_by_time_and_have_their_form)
{
	char a[UUID_TEXT_MAX], b[UUID_TEXT_MAX];

	(void)setenv("LARDER_NOW", "2026-01-01T00:00:00Z", 1);
	uuid_v7(a);
	(void)setenv("LARDER_NOW", "2026-01-01T00:00:00.001Z", 1);
	uuid_v7(b);
	(void)unsetenv("LARDER_NOW");
	CHECK(uuid_is(a) && uuid_is(b) && strcmp(a, b) < 0);
	CHECK_INT(a[14], '7');
	CHECK(strchr("89ab", a[19]));
	CHECK(!uuid_is("") && !uuid_is("0193a5c0-7c1e-7b3a-9f62-3d1a5e0c7b4"));
	CHECK(!uuid_is("0193A5C0-7c1e-7b3a-9f62-3d1a5e0c7b44"));
	CHECK(!uuid_is("0193a5c0-7c1e-7b3a-9f62-3d1a5e0c7b444"));
	CHECK(!uuid_is("0193a5c007c1e-7b3a-9f62-3d1a5e0c7b44"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(it_works_in_its_folder_with_its_environment_and_its_end_is_told),
		CASE(a_program_or_a_folder_that_is_not_there_is_said),
		CASE(it_is_alive_until_it_ends_and_dead_after),
		CASE(a_reused_pid_is_not_taken_for_it),
		CASE(its_group_counts_when_its_leader_was_killed),
		CASE(what_it_left_running_ends_with_it),
		CASE(ids_sort_by_time_and_have_their_form),
	};

	return RUN(tests);
}
