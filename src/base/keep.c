/* SPDX-License-Identifier: Apache-2.0 */
#include "base/keep.h"

#include "base/file.h"
#include "base/proc-internal.h"
#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

/* /proc/stat names each processor; a machine with a thousand of them stays below. */
#define STAT_MAX ((size_t)1 << 20)
/* Clocks are read at different moments, and a started_at may be written a moment before the start. */
#define SLACK_MS 2000

static void setup(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
		  const struct keep_options *options)
{
	sigset_t all;
	sigset_t none;

	/* In glibc these fail only for want of memory; then the spawn tells. */
	(void)posix_spawn_file_actions_init(actions);
	(void)posix_spawn_file_actions_addchdir_np(actions, options->folder);
	(void)posix_spawn_file_actions_adddup2(actions, options->input_fd, STDIN_FILENO);
	(void)posix_spawn_file_actions_adddup2(actions, options->output_fd, STDOUT_FILENO);
	(void)posix_spawn_file_actions_adddup2(actions, options->output_fd, STDERR_FILENO);
	(void)posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	(void)posix_spawnattr_init(attributes);
	(void)posix_spawnattr_setsigdefault(attributes, &all);
	(void)posix_spawnattr_setsigmask(attributes, &none);
	(void)posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF |
							   POSIX_SPAWN_SETSIGMASK);
}

int keep_start(const struct keep_options *options, pid_t *ret_pid, struct err *e)
{
	const struct strv *added = options->environment;
	AUTO_FREE const char **env =
		proc_environment(added ? (const char *const *)added->v : NULL, false);
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;

	setup(&actions, &attributes, options);
	/* The interface lacks a const that it means: argv and env are not written. */
	errno = posix_spawnp(ret_pid, options->argv[0], &actions, &attributes,
			     (char *const *)(uintptr_t)options->argv,
			     (char *const *)(uintptr_t)env);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attributes);
	if (errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "start '%s' in '%s': there is no such program",
			       options->argv[0], options->folder);
	return errno ? err_sys(e, "start '%s' in '%s'", options->argv[0], options->folder) : 0;
}

bool keep_ended(pid_t pid, int *ret_status)
{
	siginfo_t end = { 0 };

	if (waitid(P_PID, (id_t)pid, &end, WEXITED | WNOHANG | WNOWAIT) < 0 || end.si_pid != pid)
		return false;
	/* Not reaped yet, so the group's number is its own. Fails only when nothing is left of it. */
	(void)kill(-pid, SIGKILL);
	(void)waitid(P_PID, (id_t)pid, &end, WEXITED);
	*ret_status = end.si_code == CLD_EXITED ? end.si_status : 128 + end.si_status;
	return true;
}

static pid_t pid_of(const char *identity)
{
	AUTO_FREE char *digits = xstrndup(identity, strcspn(identity, "/"));
	struct err ignored = { 0 };
	int64_t pid = 0;

	return parse_int64(digits, 2, INT_MAX, &pid, &ignored) < 0 ? 0 : (pid_t)pid;
}

/* One of a group that runs, and is not just waited for; 0: none. */
static pid_t member_of(pid_t group)
{
	AUTO_STRV struct strv names = STRV_INIT;
	struct err ignored = { 0 };

	if (dir_names(AT_FDCWD, "/proc", &names, &ignored) < 0)
		return 0;
	for (size_t i = 0; i < names.n; i++) {
		char identity[PROC_IDENTITY_MAX];
		int64_t pid = 0;

		if (parse_int64(names.v[i], 2, INT_MAX, &pid, &ignored) < 0 ||
		    getpgid((pid_t)pid) != group)
			continue;
		proc_identity((pid_t)pid, identity);
		if (identity[0])
			return (pid_t)pid;
	}
	return 0;
}

/* Of this boot and this place, as proc_liveness() has found, and the leader is gone: who is left? */
static pid_t left_of_group(pid_t pid)
{
	char leader[PROC_IDENTITY_MAX];

	proc_identity(pid, leader); /* "" for a leader nobody reaped yet, too */
	return !leader[0] && kill(-pid, 0) == 0 && getpgid(pid) != pid ? member_of(pid) : 0;
}

static bool is_of_this_boot(const char *identity)
{
	char own[PROC_IDENTITY_MAX];
	const char *mine, *theirs;

	proc_identity(getpid(), own);
	mine = strchr(own, '/');
	theirs = strchr(identity, '/');
	mine = mine ? strchr(mine + 1, '/') : NULL;
	theirs = theirs ? strchr(theirs + 1, '/') : NULL;
	return mine && theirs && str_eq(mine, theirs);
}

enum proc_liveness keep_liveness(const char *identity)
{
	enum proc_liveness life = proc_liveness(identity);
	pid_t pid = pid_of(identity);

	if (life == PROC_DEAD && pid > 0 && is_of_this_boot(identity) && left_of_group(pid) > 0)
		return PROC_ALIVE;
	return life;
}

pid_t keep_member(const char *identity)
{
	enum proc_liveness life = proc_liveness(identity);
	pid_t pid = pid_of(identity);

	if (life == PROC_ALIVE)
		return pid;
	return life == PROC_DEAD && pid > 0 && is_of_this_boot(identity) ? left_of_group(pid) : 0;
}

/* When this machine was started, by the wall clock; 0 when it does not say. */
static int64_t boot_ms(void)
{
	AUTO_BUF struct buf stat = BUF_INIT(STAT_MAX);
	struct err ignored = { 0 };
	const char *line;

	if (file_read(AT_FDCWD, "/proc/stat", STAT_MAX, &stat, &ignored) < 0)
		return 0;
	line = strstr(buf_str(&stat), "\nbtime ");
	return line ? (int64_t)strtoll(line + 7, NULL, 10) * 1000 : 0;
}

enum proc_liveness keep_liveness_of_pid(int64_t pid, int64_t seen_ms)
{
	char identity[PROC_IDENTITY_MAX];
	int64_t boot = boot_ms();
	long ticks = sysconf(_SC_CLK_TCK);
	const char *start;

	if (pid < 0 || pid > INT_MAX)
		return PROC_UNKNOWN;
	if (pid == 0)
		return PROC_DEAD;
	proc_identity((pid_t)pid, identity);
	start = strchr(identity, '/');
	if (!start)
		return kill((pid_t)pid, 0) < 0 && errno == EPERM ? PROC_UNKNOWN : PROC_DEAD;
	if (!boot || ticks <= 0 || !seen_ms)
		return PROC_UNKNOWN;
	if (boot + (int64_t)strtoll(start + 1, NULL, 10) * 1000 / ticks > seen_ms + SLACK_MS)
		return PROC_DEAD;
	return PROC_ALIVE;
}

int64_t keep_age_ms(const char *identity)
{
	const char *start = strchr(identity, '/');
	long ticks = sysconf(_SC_CLK_TCK);
	struct timespec now;

	if (!start || ticks <= 0 || clock_gettime(CLOCK_BOOTTIME, &now) < 0)
		return -1;
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 -
	       (int64_t)strtoll(start + 1, NULL, 10) * 1000 / ticks;
}

bool keep_signal(const char *identity, int signal)
{
	pid_t pid = pid_of(identity);

	return pid > 0 && keep_liveness(identity) == PROC_ALIVE && kill(-pid, signal) == 0;
}
