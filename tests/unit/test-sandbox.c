/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sandbox.h"

#include "base/file.h"
#include "base/proc.h"
#include "scratch.h"
#include "test.h"

#include <fcntl.h>
#include <signal.h>

#define LONG_MS 30000

/* The status of a shell script in the sandbox; its output is kept in `said`. */
static int run_in(const struct sandbox *sandbox, const char *script, struct buf *said)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	const struct proc_options o = {
		.argv = argv, .deadline_ms = LONG_MS, .sandbox = sandbox, .folder = "/"
	};
	AUTO_PROC struct proc *p = NULL;
	struct bytes line = { 0 };
	struct err e = { 0 };
	int status = -1;

	buf_clear(said);
	CHECK_OK(proc_start(&o, &p, &e));
	while (proc_read_line(p, &line, &e) > 0) {
		buf_add(said, line.p, line.n);
		buf_addc(said, '\n');
	}
	CHECK_OK(proc_wait(p, &status, &e));
	buf_adds(said, proc_errors(p));
	return status;
}

static const struct sandbox shell_only = { .confine = true, .system = true };

TEST(a_confined_child_runs_programs_of_the_system)
{
	AUTO_BUF struct buf said = BUF_INIT(BUF_OWN_MAX);

	CHECK_INT(run_in(&shell_only, "echo one | sed s/one/two/ 2>/dev/null", &said), 0);
	CHECK_STR(buf_str(&said), "two\n");
}

TEST(a_confined_child_reads_only_what_is_listed)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_FREE char *open_file = xasprintf("%s/open", folder);
	AUTO_FREE char *script = xasprintf("cat %s/open && ! cat %s/shut && ! ls %s && ! cat "
					   "/etc/hostname && ! cat /proc/1/status",
					   folder, folder, folder);
	AUTO_STRV struct strv readable = STRV_INIT;
	AUTO_BUF struct buf said = BUF_INIT(BUF_OWN_MAX);
	struct sandbox s = shell_only;

	scratch_write(folder, "open", "in\n");
	scratch_write(folder, "shut", "out\n");
	strv_add(&readable, open_file);
	s.readable = &readable;
	CHECK_INT(run_in(&s, script, &said), 0);
	CHECK_HAS(buf_str(&said), "in\n");
	CHECK(!strstr(buf_str(&said), "out\n"));
}

TEST(a_confined_child_writes_only_where_it_may)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_FREE char *inner = xasprintf("%s/inner", folder);
	AUTO_FREE char *script =
		xasprintf("cd %s && echo x >a && mkdir b && mv a b/a && rm b/a && rmdir b && "
			  "! echo x >../c && ! rm ../d && ! ln -s / e",
			  inner);
	AUTO_STRV struct strv writable = STRV_INIT;
	AUTO_BUF struct buf said = BUF_INIT(BUF_OWN_MAX);
	struct err e = { 0 };
	struct sandbox s = shell_only;

	CHECK_OK(dir_make(AT_FDCWD, inner, 0755, &e));
	scratch_write(folder, "d", "");
	strv_add(&writable, inner);
	s.writable = &writable;
	if (run_in(&s, script, &said) != 0)
		fail_msg("%s", buf_str(&said));
}

TEST(what_is_not_listed_is_not_run)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_FREE char *program = xasprintf("%s/program", folder);
	AUTO_FREE char *script = xasprintf("%s", program);
	AUTO_STRV struct strv list = STRV_INIT;
	AUTO_BUF struct buf said = BUF_INIT(BUF_OWN_MAX);
	struct sandbox s = shell_only;

	scratch_write(folder, "program", "#!/bin/sh\necho ran\n");
	CHECK_INT(chmod(program, 0755), 0);
	strv_add(&list, program);
	s.readable = &list;
	CHECK_INT(run_in(&s, script, &said), 126);
	s.runnable = &list;
	CHECK_INT(run_in(&s, script, &said), 0);
	CHECK_STR(buf_str(&said), "ran\n");
}

TEST(there_is_no_socket_unless_the_network_is_allowed)
{
	AUTO_BUF struct buf said = BUF_INIT(BUF_OWN_MAX);
	struct sandbox s = shell_only;
	const char *script = "curl --silent --max-time 5 http://127.0.0.1:9/";

	if (access("/usr/bin/curl", X_OK) < 0)
		skip();
	CHECK(run_in(&s, script, &said) != 0);
	s.network = true;
	CHECK_INT(run_in(&s, script, &said), 7); /* refused by the peer, not by us */
	CHECK_INT(run_in(&s, "curl --silent http://nowhere.invalid/", &said), 6);
}

TEST(processor_time_ends_a_child)
{
	const struct sandbox s = { .cpu_seconds = 1 };
	AUTO_BUF struct buf said = BUF_INIT(BUF_OWN_MAX);

	CHECK_INT(run_in(&s, "while :; do :; done", &said), 128 + SIGXCPU);
}

TEST(a_file_grows_to_its_limit_and_no_further)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_FREE char *script = xasprintf("trap '' XFSZ; head -c 9000 /dev/zero >%s/f; "
					   "wc -c <%s/f",
					   folder, folder);
	AUTO_BUF struct buf said = BUF_INIT(BUF_OWN_MAX);
	struct sandbox s = { .file_bytes = 4096 };

	(void)run_in(&s, script, &said);
	CHECK_HAS(buf_str(&said), "4096\n");
	s.file_bytes = SANDBOX_NO_WRITING;
	(void)run_in(&s, script, &said);
	CHECK_HAS(buf_str(&said), "0\n");
}

TEST(memory_is_limited)
{
	const struct sandbox s = { .memory_bytes = 64 << 20 };
	AUTO_BUF struct buf said = BUF_INIT(BUF_OWN_MAX);

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	skip();
#endif
	CHECK(run_in(&s, "head -c 200000000 /dev/zero | tail -c 150000000 | wc -c", &said) == 0);
	CHECK(!strstr(buf_str(&said), "150000000"));
}

TEST(a_confined_child_gains_no_privileges)
{
	const char *script = "while read -r name value; do "
			     "[ $name != NoNewPrivs: ] || echo $value; done </proc/self/status";
	AUTO_BUF struct buf said = BUF_INIT(BUF_OWN_MAX);

	CHECK_INT(run_in(&shell_only, script, &said), 0);
	CHECK_STR(buf_str(&said), "1\n");
}

TEST(a_confined_child_that_cannot_start_says_why)
{
	const char *const missing[] = { "no-such-program-here", NULL };
	const char *const not_a_program[] = { "/etc/passwd", NULL };
	struct proc_options o = { .argv = missing, .sandbox = &shell_only };
	struct proc *p = NULL;
	struct err e = { 0 };

	CHECK_ERR(proc_start(&o, &p, &e), ERR_NOT_FOUND);
	o.argv = not_a_program;
	CHECK_ERR(proc_start(&o, &p, &e), ERR_IO);
	CHECK_HAS(e.msg, "Permission denied");
	CHECK(p == NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_confined_child_runs_programs_of_the_system),
		CASE(a_confined_child_reads_only_what_is_listed),
		CASE(a_confined_child_writes_only_where_it_may),
		CASE(what_is_not_listed_is_not_run),
		CASE(there_is_no_socket_unless_the_network_is_allowed),
		CASE(processor_time_ends_a_child),
		CASE(a_file_grows_to_its_limit_and_no_further),
		CASE(memory_is_limited),
		CASE(a_confined_child_gains_no_privileges),
		CASE(a_confined_child_that_cannot_start_says_why),
	};

	return RUN(tests);
}
