/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proc.h"

#include "base/str.h"
#include "base/time.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

/* A child that must have been done long before; a test that meets it has failed. */
#define LONG_MS 30000

static struct proc *start(const char *script, struct bytes input, int64_t deadline_ms)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	const struct proc_options o = { .argv = argv, .input = input, .deadline_ms = deadline_ms };
	struct err e = { 0 };
	struct proc *p = NULL;

	CHECK_OK(proc_start(&o, &p, &e));
	return p;
}

static struct proc *start_sh(const char *script)
{
	return start(script, bytes_of(""), LONG_MS);
}

static void check_line(struct proc *p, const char *wanted)
{
	struct err e = { 0 };
	struct bytes line = { 0 };

	CHECK_OK(proc_read_line(p, &line, &e));
	if (!bytes_equal(line, bytes_of(wanted)))
		fail_msg("got '%.*s', not '%s'", (int)line.n, line.p, wanted);
}

static void check_end(struct proc *p, int wanted_status)
{
	struct err e = { 0 };
	struct bytes line = { 0 };
	int status = -1;

	CHECK_INT(proc_read_line(p, &line, &e), 0);
	CHECK_OK(proc_wait(p, &status, &e));
	CHECK_INT(status, wanted_status);
}

TEST(output_is_given_line_by_line)
{
	AUTO_PROC struct proc *p = start_sh("printf 'one\\n\\nthree\\nno newline'");

	check_line(p, "one");
	check_line(p, "");
	check_line(p, "three");
	check_line(p, "no newline");
	check_end(p, 0);
	check_end(p, 0);
}

TEST(a_child_without_output_is_at_its_end_at_once)
{
	AUTO_PROC struct proc *p = start_sh(":");

	check_end(p, 0);
	CHECK_STR(proc_errors(p), "");
}

TEST(exit_status_and_signal_are_told)
{
	AUTO_PROC struct proc *a = start_sh("exit 7");
	AUTO_PROC struct proc *b = start_sh("kill -TERM $$");
	AUTO_PROC struct proc *c = start_sh("echo x; exit 255");

	check_end(a, 7);
	check_end(b, 128 + SIGTERM);
	check_line(c, "x");
	check_end(c, 255);
}

TEST(a_missing_program_is_not_found)
{
	const char *const argv[] = { "/no/such/program", NULL };
	const struct proc_options o = { .argv = argv };
	struct err e = { 0 };
	struct proc *p = NULL;

	CHECK_ERR(proc_start(&o, &p, &e), ERR_NOT_FOUND);
	CHECK_STR(e.msg, "start '/no/such/program': no such program");
	CHECK(p == NULL);
}

TEST(a_file_that_cannot_be_run_is_an_error)
{
	const char *const argv[] = { "/dev/null", NULL };
	const struct proc_options o = { .argv = argv };
	struct err e = { 0 };
	struct proc *p = NULL;

	CHECK_ERR(proc_start(&o, &p, &e), ERR_IO);
	CHECK_HAS(e.msg, "Permission denied");
}

TEST(input_reaches_the_child_whole_and_ends)
{
	size_t n = (size_t)3 << 20;
	AUTO_FREE char *big = xmalloc(n);
	AUTO_PROC struct proc *p = NULL;

	memset(big, 'x', n);
	p = start("wc -c", (struct bytes){ big, n }, LONG_MS);
	check_line(p, "3145728");
	check_end(p, 0);
}

TEST(a_child_that_does_not_read_its_input_does_no_harm)
{
	size_t n = (size_t)3 << 20;
	AUTO_FREE char *big = xcalloc(n, 1);
	AUTO_PROC struct proc *p = start("exit 3", (struct bytes){ big, n }, LONG_MS);

	check_end(p, 3);
}

TEST(input_and_output_larger_than_any_pipe_do_not_block_each_other)
{
	size_t n = (size_t)3 << 20;
	AUTO_FREE char *big = xmalloc(n);
	AUTO_PROC struct proc *p = NULL;
	struct bytes line = { 0 };
	struct err e = { 0 };

	memset(big, 'x', n);
	p = start("tee /dev/stderr", (struct bytes){ big, n }, LONG_MS);
	CHECK_INT(proc_read_line(p, &line, &e), 1);
	CHECK_INT(line.n, n);
	CHECK(memcmp(line.p, big, n) == 0);
}

TEST(much_on_stderr_neither_blocks_nor_grows_without_end)
{
	AUTO_PROC struct proc *p =
		start_sh("head -c 1000000 /dev/zero | tr '\\0' e >&2; echo done");

	check_line(p, "done");
	check_end(p, 0);
	CHECK_INT(strlen(proc_errors(p)), PROC_ERRORS_MAX);
}

TEST(stderr_is_kept_apart)
{
	AUTO_PROC struct proc *p = start_sh("echo out; echo problem >&2");

	check_line(p, "out");
	check_end(p, 0);
	CHECK_STR(proc_errors(p), "problem\n");
}

TEST(lines_keep_their_bytes)
{
	AUTO_PROC struct proc *p = start_sh("printf 'a\\0b\\r\\n'");
	struct err e = { 0 };
	struct bytes line = { 0 };

	CHECK_INT(proc_read_line(p, &line, &e), 1);
	CHECK(bytes_equal(line, (struct bytes){ "a\0b\r", 4 }));
}

TEST(many_lines_all_arrive)
{
	AUTO_PROC struct proc *p = start_sh("seq 1 200000");
	struct err e = { 0 };
	struct bytes line = { 0 };
	size_t n = 0;
	size_t bytes = 0;

	while (proc_read_line(p, &line, &e) > 0) {
		n++;
		bytes += line.n;
	}
	CHECK_INT(n, 200000);
	CHECK_INT(bytes, 1088895); /* 9*1 + 90*2 + 900*3 + 9000*4 + 90000*5 + 100001*6 digits */
	check_end(p, 0);
}

TEST(a_line_without_end_is_refused)
{
	AUTO_PROC struct proc *p = start_sh("tr '\\0' x </dev/zero");
	struct err e = { 0 };
	struct bytes line = { 0 };

	CHECK_ERR(proc_read_line(p, &line, &e), ERR_LIMIT);
	CHECK_HAS(e.msg, "'sh'");
}

TEST(waiting_reads_the_rest_away)
{
	AUTO_PROC struct proc *p = start_sh("seq 1 200000; exit 4");
	struct err e = { 0 };
	int status = -1;

	check_line(p, "1");
	CHECK_OK(proc_wait(p, &status, &e));
	CHECK_INT(status, 4);
	CHECK_OK(proc_wait(p, &status, &e));
	CHECK_INT(status, 4);
}

/* Waits for the end of a process that is not our child; its own end would be a failure. */
static void check_gone(pid_t pid)
{
	int64_t give_up = time_monotonic() + LONG_MS;

	while (kill(pid, 0) == 0 && time_monotonic() < give_up)
		;
	CHECK_INT(kill(pid, 0), -1);
}

static pid_t read_pid(struct proc *p)
{
	struct err e = { 0 };
	struct bytes line = { 0 };
	int64_t pid = 0;

	CHECK_INT(proc_read_line(p, &line, &e), 1);

	AUTO_FREE char *text = xstrndup(line.p, line.n);

	CHECK_OK(parse_int64(text, 1, INT32_MAX, &pid, &e));
	return (pid_t)pid;
}

TEST(the_deadline_kills_the_whole_group)
{
	AUTO_PROC struct proc *p = start("sleep 1000 & echo $!; wait", bytes_of(""), 300);
	pid_t grandchild = read_pid(p);
	int64_t before = time_monotonic();
	struct err e = { 0 };
	struct bytes line = { 0 };
	int status = 77;

	CHECK_ERR(proc_read_line(p, &line, &e), ERR_BUSY);
	CHECK_HAS(e.msg, "300 ms");
	CHECK(time_monotonic() - before < LONG_MS);
	CHECK_ERR(proc_wait(p, &status, &e), ERR_BUSY);
	CHECK_INT(status, 77);
	proc_free(TAKE(p));
	check_gone(grandchild);
}

TEST(a_cancel_kills_the_whole_group)
{
	static const char *const argv[] = { "sh", "-c", "sleep 1000 & echo $!; wait", NULL };
	atomic_bool cancel = false;
	const struct proc_options o = { .argv = argv, .cancel = &cancel };
	AUTO_PROC struct proc *p = NULL;
	struct bytes line = { 0 };
	struct err e = { 0 };
	pid_t grandchild;

	CHECK_OK(proc_start(&o, &p, &e));
	grandchild = read_pid(p);
	atomic_store(&cancel, true);
	CHECK_ERR(proc_read_line(p, &line, &e), ERR_CANCELLED);
	proc_free(TAKE(p));
	check_gone(grandchild);
}

TEST(a_child_that_ignores_signals_meets_the_deadline_too)
{
	AUTO_PROC struct proc *p =
		start("trap '' TERM INT HUP; exec sleep 1000", bytes_of(""), 100);
	struct err e = { 0 };
	int status = 0;

	CHECK_ERR(proc_wait(p, &status, &e), ERR_BUSY);
}

TEST(free_kills_and_reaps)
{
	AUTO_PROC struct proc *p = start_sh("sleep 1000 & echo $!; echo $$; wait");
	pid_t grandchild = read_pid(p);
	pid_t child = read_pid(p);

	proc_free(TAKE(p));
	CHECK_INT(waitpid(child, NULL, WNOHANG), -1);
	CHECK_INT(errno, ECHILD);
	check_gone(grandchild);
}

TEST(what_the_leader_leaves_running_does_not_hold_us)
{
	AUTO_PROC struct proc *p = start_sh("sleep 1000 & echo $!");
	pid_t grandchild = read_pid(p);

	check_end(p, 0);
	check_gone(grandchild);
}

TEST(what_left_the_group_does_not_hold_us_either)
{
	AUTO_PROC struct proc *p = start_sh("echo $$; setsid -f sh -c 'echo $$; exec sleep 1000'; "
					    "exec sleep 1000");
	pid_t leader = read_pid(p);
	pid_t stray = read_pid(p);

	CHECK_INT(kill(leader, SIGKILL), 0);
	check_end(p, 128 + SIGKILL);
	CHECK_INT(kill(stray, SIGKILL), 0); /* it lived on, and held our pipes open */
}

TEST(freeing_nothing_is_fine)
{
	proc_free(NULL);
}

TEST(the_child_gets_no_fd_but_three)
{
	AUTO_FD int leaked = open("/dev/null", O_RDONLY); /* not CLOEXEC, as a library's may be */
	AUTO_PROC struct proc *p = start_sh("ls /proc/self/fd | tr '\\n' ' '");
	struct err e = { 0 };
	struct bytes line = { 0 };

	CHECK(leaked > 2);
	CHECK_INT(proc_read_line(p, &line, &e), 1);
	/* 3 is the folder that ls itself reads. */
	CHECK(bytes_equal(line, bytes_of("0 1 2 3 ")));
}

TEST(the_child_starts_with_default_signals)
{
	AUTO_PROC struct proc *p = NULL;
	sigset_t set;
	sigset_t old;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, &old);
	/* The last 7 digits are signals 1 to 28: above 31 the C library has two of its own. */
	p = start_sh("sed -nE 's/^Sig(Blk|Ign).*(.{7})$/\\1 \\2/p' /proc/self/status");
	check_line(p, "Blk 0000000");
	check_line(p, "Ign 0000000");
	check_end(p, 0);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
}

TEST(the_child_leads_a_group_of_its_own)
{
	AUTO_PROC struct proc *p = start_sh("cut -d' ' -f1,5 /proc/$$/stat | tr ' ' '\\n'");
	pid_t pid = read_pid(p);

	CHECK_INT(read_pid(p), pid);
	CHECK(pid != getpgrp());
}

TEST(settings_of_tests_are_not_passed_on)
{
	AUTO_PROC struct proc *p = NULL;

	(void)setenv("LARDER_STEPS_NOT", "kept", 1);
	(void)setenv("LARDER_CRASH_AT", "1000000", 1);
	(void)setenv("LARDER_FAIL_AT", "1000000", 1);
	(void)setenv("LARDER_STEPS", "/dev/null", 1);
	p = start_sh("env | grep -E '^LARDER_(CRASH|FAIL|STEPS)'");
	check_line(p, "LARDER_STEPS_NOT=kept");
	check_end(p, 0);
	(void)unsetenv("LARDER_CRASH_AT");
	(void)unsetenv("LARDER_FAIL_AT");
	(void)unsetenv("LARDER_STEPS");
	(void)unsetenv("LARDER_STEPS_NOT");
}

TEST(a_process_without_stdio_can_start_children)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		(void)close(0);
		(void)close(1);
		(void)close(2);
		AUTO_PROC struct proc *p = start("cat; echo e >&2", bytes_of("in"), LONG_MS);
		struct bytes line = { 0 };
		struct err e = { 0 };
		int r = proc_read_line(p, &line, &e);

		_exit(r == 1 && bytes_equal(line, bytes_of("in")) &&
				      proc_wait(p, &status, &e) == 0 && status == 0 &&
				      str_eq(proc_errors(p), "e\n")
			      ? 0
			      : 1);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(the_own_folder_holds_the_program)
{
	AUTO_FREE char *folder = proc_own_folder();
	AUTO_FREE char *path = xasprintf("%s/test-proc", folder);

	CHECK_INT(access(path, X_OK), 0);
}

TEST(a_companion_lies_beside_the_program_or_where_it_is_installed)
{
	AUTO_FREE char *folder = proc_own_folder();
	AUTO_FREE char *beside = xasprintf("%s/test-proc", folder);
	AUTO_FREE char *installed = xasprintf("%s/../lib/larder/none", folder);
	AUTO_FREE char *a = proc_companion("LARDER_X", "test-proc");
	AUTO_FREE char *b = proc_companion("LARDER_X", "none");
	AUTO_FREE char *c = NULL;
	AUTO_FREE char *d = NULL;

	CHECK_STR(a, beside);
	CHECK_STR(b, installed);
	CHECK_INT(setenv("LARDER_X", "/told", 1), 0);
	c = proc_companion("LARDER_X", "test-proc");
	CHECK_STR(c, "/told");
	CHECK_INT(setenv("LARDER_X", "", 1), 0);
	d = proc_companion("LARDER_X", "test-proc");
	CHECK_STR(d, beside);
}

TEST(we_are_alive)
{
	char id[PROC_IDENTITY_MAX];

	proc_identity(getpid(), id);
	CHECK(strlen(id) > 40);
	CHECK_INT(proc_liveness(id), PROC_ALIVE);
}

TEST(an_ended_child_is_dead_even_before_it_is_reaped)
{
	char id[PROC_IDENTITY_MAX];
	siginfo_t end;
	pid_t pid = fork();

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	proc_identity(pid, id);
	CHECK_INT(proc_liveness(id), PROC_ALIVE);
	CHECK_INT(kill(pid, SIGKILL), 0);
	CHECK_INT(waitid(P_PID, (id_t)pid, &end, WEXITED | WNOWAIT), 0);
	CHECK_INT(proc_liveness(id), PROC_DEAD);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	CHECK_INT(proc_liveness(id), PROC_DEAD);
	proc_identity(pid, id);
	CHECK_STR(id, "");
}

/* Our own identity with one of its four pieces replaced. */
static char *identity_with(size_t piece, const char *text)
{
	AUTO_STRV struct strv pieces = STRV_INIT;
	char id[PROC_IDENTITY_MAX];

	proc_identity(getpid(), id);
	strv_split(&pieces, id, '/');
	CHECK_INT(pieces.n, 4);
	free(pieces.v[piece]);
	pieces.v[piece] = xstrdup(text);
	return xasprintf("%s/%s/%s/%s", pieces.v[0], pieces.v[1], pieces.v[2], pieces.v[3]);
}

TEST(a_pid_used_again_is_not_the_same_process)
{
	AUTO_FREE char *id = identity_with(1, "1");

	CHECK_INT(proc_liveness(id), PROC_DEAD);
}

TEST(a_process_of_an_earlier_boot_is_dead)
{
	AUTO_FREE char *id = identity_with(2, "00000000-0000-0000-0000-000000000000");

	CHECK_INT(proc_liveness(id), PROC_DEAD);
}

TEST(of_another_place_nothing_is_known)
{
	AUTO_FREE char *id = identity_with(3, "00000000.1");

	CHECK_INT(proc_liveness(id), PROC_UNKNOWN);
}

TEST(of_other_texts_nothing_is_known)
{
	AUTO_FREE char *no_pid = identity_with(0, "x");
	AUTO_FREE char *negative = identity_with(0, "-1");
	AUTO_FREE char *no_start = identity_with(1, "");
	AUTO_FREE char *no_boot = identity_with(2, "boot");

	CHECK_INT(proc_liveness(""), PROC_UNKNOWN);
	CHECK_INT(proc_liveness("1"), PROC_UNKNOWN);
	CHECK_INT(proc_liveness("///"), PROC_UNKNOWN);
	CHECK_INT(proc_liveness(no_pid), PROC_UNKNOWN);
	CHECK_INT(proc_liveness(negative), PROC_UNKNOWN);
	CHECK_INT(proc_liveness(no_start), PROC_UNKNOWN);
	CHECK_INT(proc_liveness(no_boot), PROC_UNKNOWN);
}

static struct proc *start_with(const struct proc_options *wanted, const char *script)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct proc_options o = *wanted;
	struct err e = { 0 };
	struct proc *p = NULL;

	o.argv = argv;
	o.deadline_ms = LONG_MS;
	CHECK_OK(proc_start(&o, &p, &e));
	return p;
}

TEST(a_child_starts_in_the_folder_it_is_given)
{
	const struct proc_options o = { .folder = "/usr" };
	AUTO_PROC struct proc *p = start_with(&o, "pwd");

	check_line(p, "/usr");
	check_end(p, 0);
}

TEST(a_folder_that_is_not_there_is_not_found)
{
	const char *const argv[] = { "true", NULL };
	const struct proc_options o = { .argv = argv, .folder = "/no/such" };
	struct err e = { 0 };
	struct proc *p = NULL;

	CHECK_ERR(proc_start(&o, &p, &e), ERR_NOT_FOUND);
	CHECK_HAS(e.msg, "no folder '/no/such'");
}

TEST(variables_are_added_in_the_place_of_ours)
{
	const char *const extra[] = { "HOME=/one", "LARDER_X=two three", NULL };
	const struct proc_options o = { .environment = extra };
	AUTO_PROC struct proc *p =
		start_with(&o, "echo $HOME $LARDER_X $(env | grep -c ^HOME=) ${PATH:+path}");

	check_line(p, "/one two three 1 path");
	check_end(p, 0);
}

TEST(a_whole_environment_has_nothing_of_ours)
{
	const char *const whole[] = { "A=b", NULL };
	const struct proc_options o = { .environment = whole, .environment_only = true };
	AUTO_PROC struct proc *p =
		start_with(&o, "/usr/bin/env | grep -v -e ^PWD= -e ^_= -e ^SHLVL=");

	check_line(p, "A=b");
	check_end(p, 0);
}

TEST(an_output_over_its_maximum_ends_the_child)
{
	const struct proc_options o = { .output_max = 100000 };
	AUTO_PROC struct proc *p = start_with(&o, "while :; do echo line; done");
	struct bytes line = { 0 };
	struct err e = { 0 };
	size_t n = 0;
	int r;

	while ((r = proc_read_line(p, &line, &e)) > 0)
		n += line.n + 1;
	CHECK_INT(r, ERR_LIMIT);
	CHECK(n <= 100000);
	CHECK_HAS(e.msg, "its output exceeds 100000 bytes");
}

TEST(an_output_of_just_its_maximum_is_fine)
{
	const struct proc_options o = { .output_max = 5 };
	AUTO_PROC struct proc *p = start_with(&o, "echo line");

	check_line(p, "line");
	check_end(p, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(a_child_starts_in_the_folder_it_is_given),
		CASE(a_folder_that_is_not_there_is_not_found),
		CASE(variables_are_added_in_the_place_of_ours),
		CASE(a_whole_environment_has_nothing_of_ours),
		CASE(an_output_over_its_maximum_ends_the_child),
		CASE(an_output_of_just_its_maximum_is_fine),
		CASE(output_is_given_line_by_line),
		CASE(a_child_without_output_is_at_its_end_at_once),
		CASE(exit_status_and_signal_are_told),
		CASE(a_missing_program_is_not_found),
		CASE(a_file_that_cannot_be_run_is_an_error),
		CASE(input_reaches_the_child_whole_and_ends),
		CASE(a_child_that_does_not_read_its_input_does_no_harm),
		CASE(input_and_output_larger_than_any_pipe_do_not_block_each_other),
		CASE(much_on_stderr_neither_blocks_nor_grows_without_end),
		CASE(stderr_is_kept_apart),
		CASE(lines_keep_their_bytes),
		CASE(many_lines_all_arrive),
		CASE(a_line_without_end_is_refused),
		CASE(waiting_reads_the_rest_away),
		CASE(the_deadline_kills_the_whole_group),
		CASE(a_cancel_kills_the_whole_group),
		CASE(a_child_that_ignores_signals_meets_the_deadline_too),
		CASE(free_kills_and_reaps),
		CASE(what_the_leader_leaves_running_does_not_hold_us),
		CASE(what_left_the_group_does_not_hold_us_either),
		CASE(freeing_nothing_is_fine),
		CASE(the_child_gets_no_fd_but_three),
		CASE(the_child_starts_with_default_signals),
		CASE(the_child_leads_a_group_of_its_own),
		CASE(settings_of_tests_are_not_passed_on),
		CASE(a_process_without_stdio_can_start_children),
		CASE(the_own_folder_holds_the_program),
		CASE(a_companion_lies_beside_the_program_or_where_it_is_installed),
		CASE(we_are_alive),
		CASE(an_ended_child_is_dead_even_before_it_is_reaped),
		CASE(a_pid_used_again_is_not_the_same_process),
		CASE(a_process_of_an_earlier_boot_is_dead),
		CASE(of_another_place_nothing_is_known),
		CASE(of_other_texts_nothing_is_known),
	};

	return RUN(tests);
}
