/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proc-internal.h"

#include "base/sandbox.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* The variables of fault.h count the steps of one process: a child would start again from 1. */
static bool is_of_tests(const char *variable)
{
	return str_starts(variable, "LARDER_CRASH_AT=") || str_starts(variable, "LARDER_FAIL_") ||
	       str_starts(variable, "LARDER_STEPS=");
}

static bool is_replaced(const char *variable, const char *const *extra)
{
	for (; extra && *extra; extra++) {
		size_t name = strcspn(*extra, "=") + 1;

		if (strncmp(variable, *extra, name) == 0)
			return true;
	}
	return false;
}

static size_t count_texts(const char *const *texts)
{
	size_t n = 0;

	while (texts && texts[n])
		n++;
	return n;
}

const char **proc_environment(const char *const *added, bool only)
{
	const char *const *ours = (const char *const *)environ;
	size_t extra = count_texts(added);
	const char **env = xcalloc(count_texts(ours) + extra + 1, sizeof(*env));
	size_t n = 0;

	for (; *ours && !only; ours++) {
		if (!is_of_tests(*ours) && !is_replaced(*ours, added))
			env[n++] = *ours;
	}
	for (size_t i = 0; i < extra; i++)
		env[n++] = added[i];
	return env;
}

static void spawn_setup(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
			const struct proc_options *o, const struct child_fds *fds)
{
	sigset_t all;
	sigset_t none;

	/* In glibc these fail only for want of memory or for a bad fd; then the spawn tells. */
	(void)posix_spawn_file_actions_init(actions);
	(void)posix_spawn_file_actions_adddup2(actions, fds->in, STDIN_FILENO);
	(void)posix_spawn_file_actions_adddup2(actions, fds->out, STDOUT_FILENO);
	if (fds->errors >= 0)
		(void)posix_spawn_file_actions_adddup2(actions, fds->errors, STDERR_FILENO);
	(void)posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
	if (o->folder)
		(void)posix_spawn_file_actions_addchdir_np(actions, o->folder);

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	(void)posix_spawnattr_init(attributes);
	(void)posix_spawnattr_setsigdefault(attributes, &all);
	(void)posix_spawnattr_setsigmask(attributes, &none);
	(void)posix_spawnattr_setpgroup(attributes, 0);
	(void)posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
							   POSIX_SPAWN_SETSIGMASK);
}

/* 0, or the errno of what failed, the exec included. */
static int spawn_free(const struct proc_options *o, const struct child_fds *fds,
		      const char *const *env, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;

	spawn_setup(&actions, &attributes, o, fds);

	/* The interface lacks a const that it means: argv and env are not written. */
	int r = posix_spawnp(ret_pid, o->argv[0], &actions, &attributes,
			     (char *const *)(uintptr_t)o->argv, (char *const *)(uintptr_t)env);

	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attributes);
	return r;
}

/* All that the child does between fork and exec: system calls, nothing that takes a lock, since it
 * may be the copy of one thread of many. */
struct birth {
	const struct proc_options *options;
	const struct child_fds *fds;
	const char *const *env;
	const struct sandbox_plan *plan;
	const char *program; /* looked up: execvp() would search after the sandbox has closed */
	int report;          /* the errno goes here; closed by a successful exec */
};

static void default_signals(void)
{
	const struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		(void)sigaction(i, &dfl, NULL); /* SIGKILL, SIGSTOP and libc's own stay */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static int be_born(const struct birth *b)
{
	const struct child_fds *fds = b->fds;

	(void)setpgid(0, 0); /* fails for no process that is not a leader already */
	default_signals();
	if (dup2(fds->in, STDIN_FILENO) < 0 || dup2(fds->out, STDOUT_FILENO) < 0 ||
	    (fds->errors >= 0 && dup2(fds->errors, STDERR_FILENO) < 0))
		return -1;
	/* The others close at exec; the ruleset is still needed here. */
	if (b->options->folder && chdir(b->options->folder) < 0)
		return -1;
	/* Who is not trusted with our files is not trusted to end by itself either. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || sandbox_enter(b->plan) < 0)
		return -1;
	/* Not written, as above. */
	return execve(b->program, (char *const *)(uintptr_t)b->options->argv,
		      (char *const *)(uintptr_t)b->env);
}

static void close_on_exec(int from)
{
	(void)syscall(SYS_close_range, from, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
}

static int fork_child(const struct birth *b, pid_t *ret_pid)
{
	pid_t pid = fork();

	if (pid == 0) {
		close_on_exec(STDERR_FILENO + 1);
		if (be_born(b) < 0) {
			int code = errno;

			(void)!write(b->report, &code, sizeof(code)); /* else the status tells */
		}
		_exit(127);
	}
	*ret_pid = pid;
	return pid < 0 ? errno : 0;
}

/* What the child could not do, once it can be known; 0 when its exec succeeded. */
static int heard(int fd)
{
	int code = 0;
	ssize_t n;

	do
		n = read(fd, &code, sizeof(code));
	while (n < 0 && errno == EINTR);
	return n == sizeof(code) ? code : 0;
}

/* As execvp() does; NULL when there is none. The caller owns it. */
static char *look_up(const char *name)
{
	const char *path = getenv("PATH");
	AUTO_STRV struct strv folders = STRV_INIT;

	if (strchr(name, '/'))
		return xstrdup(name);
	strv_split(&folders, path ? path : "/bin:/usr/bin", ':');
	for (size_t i = 0; i < folders.n; i++) {
		AUTO_FREE char *full = xasprintf("%s/%s", *folders.v[i] ? folders.v[i] : ".", name);

		if (access(full, X_OK) == 0)
			return TAKE(full);
	}
	return NULL;
}

static int spawn_confined(const struct proc_options *o, const struct child_fds *fds,
			  const char *const *env, pid_t *ret_pid, struct err *e)
{
	AUTO_SANDBOX_PLAN struct sandbox_plan plan = SANDBOX_PLAN_INIT;
	AUTO_FREE char *program = look_up(o->argv[0]);
	AUTO_FD int hears = -1;
	AUTO_FD int tells = -1;
	int ends[2];

	if (!program)
		return err_set(e, ERR_NOT_FOUND, "no such program");
	if (sandbox_prepare(o->sandbox, &plan, e) < 0)
		return e->code;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "make its pipe");
	hears = ends[0];
	tells = ends[1];

	const struct birth birth = { o, fds, env, &plan, program, tells };

	errno = fork_child(&birth, ret_pid);
	if (errno)
		return err_sys(e, "execute it");
	auto_fd_(&tells);
	tells = -1;
	(void)setpgid(*ret_pid, *ret_pid); /* whoever comes first; the child's own may be later */
	errno = heard(hears);
	if (!errno)
		return 0;

	int code = errno;

	while (waitpid(*ret_pid, NULL, 0) < 0 && errno == EINTR)
		;
	errno = code;
	return code == ENOENT ? err_set(e, ERR_NOT_FOUND, "no such program")
			      : err_sys(e, "execute it");
}

int proc_spawn(const struct proc_options *options, const struct child_fds *fds, pid_t *ret_pid,
	       struct err *e)
{
	AUTO_FREE const char **env =
		proc_environment(options->environment, options->environment_only);

	if (options->sandbox)
		return spawn_confined(options, fds, env, ret_pid, e);
	errno = spawn_free(options, fds, env, ret_pid);
	if (errno == ENOENT && options->folder && access(options->folder, F_OK) < 0)
		return err_set(e, ERR_NOT_FOUND, "no folder '%s'", options->folder);
	if (errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "no such program");
	return errno ? err_sys(e, "execute it") : 0;
}

/* As be_born(), in a session of its own. Returns only when it failed. */
static void be_detached(const char *const *argv, const char *const *env)
{
	int null;

	close_on_exec(STDERR_FILENO + 1);
	default_signals();
	null = open("/dev/null", O_RDWR);
	if (setsid() < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
		return;
	if (null > STDERR_FILENO)
		(void)close(null);
	(void)execve("/proc/self/exe", (char *const *)(uintptr_t)argv,
		     (char *const *)(uintptr_t)env); /* not written, as above */
}

/* The one between ends at once: what it has started is nobody's child, so that a hub that starts many
 * has none of them to wait for. */
static void bear_detached(const char *const *argv, const char *const *env, int report)
{
	pid_t pid = fork();

	if (pid == 0)
		be_detached(argv, env);
	if (pid <= 0) {
		int code = errno;

		(void)!write(report, &code, sizeof(code)); /* else it is not heard of, as ever */
	}
	_exit(0);
}

int proc_detach(const char *const *argv, const char *const *environment, struct err *e)
{
	AUTO_FREE const char **env = proc_environment(environment, false);
	AUTO_FD int hears = -1;
	AUTO_FD int tells = -1;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "start '%s' in the background", argv[0]);
	hears = ends[0];
	tells = ends[1];
	pid = fork();
	if (pid == 0)
		bear_detached(argv, env, tells);
	if (pid < 0)
		return err_sys(e, "start '%s' in the background", argv[0]);
	auto_fd_(&tells);
	tells = -1;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	errno = heard(hears);
	return errno ? err_sys(e, "start '%s' in the background", argv[0]) : 0;
}
