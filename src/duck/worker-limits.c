/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker-limits.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Of newer kernels than the headers of Debian 12 know (ABI 3 and 4). */
#define ACCESS_FS_TRUNCATE  (1ULL << 14)
#define ACCESS_NET_BIND_TCP (1ULL << 0)
#define ACCESS_NET_CONNECT  (1ULL << 1)
#define ABI_REFER           2
#define ABI_TRUNCATE        3
#define ABI_NET             4

/* The sanitizers' shadow memory is most of the address space. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LIMIT_SPACE false
#elif defined(__has_feature)
#define LIMIT_SPACE (!__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer))
#else
#define LIMIT_SPACE true
#endif

struct ruleset {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
};

#define READING (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define OF_FILES                                                                                   \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_FS_TRUNCATE |       \
	 LANDLOCK_ACCESS_FS_EXECUTE)
#define WRITING                                                                                    \
	(READING | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |                \
	 LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |                             \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REFER | ACCESS_FS_TRUNCATE)
#define EVERYTHING                                                                                 \
	(((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1) | LANDLOCK_ACCESS_FS_REFER | ACCESS_FS_TRUNCATE)

/* What DuckDB reads of the machine when it starts: it ends the process when the control group's
 * files are there and cannot be read. */
static const char *const machine[] = { "/proc/self", "/sys/fs/cgroup", "/sys/devices/system/cpu",
				       "/proc/meminfo" };

static uint64_t known_access(int abi)
{
	uint64_t access = EVERYTHING;

	if (abi < ABI_REFER)
		access &= ~LANDLOCK_ACCESS_FS_REFER;
	if (abi < ABI_TRUNCATE)
		access &= ~ACCESS_FS_TRUNCATE;
	return access;
}

/* A path that is not there needs no rule: opening it fails in its own words. */
static int allow(int ruleset, const char *path, uint64_t access, struct err *e)
{
	AUTO_FD int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = { .allowed_access = access, .parent_fd = fd };
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return 0;
	if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= OF_FILES;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		return err_sys(e, "allow '%s'", path);
	return 0;
}

static int allow_all(int ruleset, const struct limits *limits, uint64_t known, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(machine); i++) {
		if (allow(ruleset, machine[i], READING & known, e) < 0)
			return e->code;
	}
	for (size_t i = 0; limits->readable && i < limits->readable->n; i++) {
		if (allow(ruleset, limits->readable->v[i], READING & known, e) < 0)
			return e->code;
	}
	for (size_t i = 0; limits->writable && i < limits->writable->n; i++) {
		if (allow(ruleset, limits->writable->v[i], WRITING & known, e) < 0)
			return e->code;
	}
	return 0;
}

static int close_network(int abi, const struct limits *limits, struct err *e)
{
	if (abi >= ABI_NET || !limits->strict)
		return 0;
	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return err_sys(e, "leave the network");
	return 0;
}

static int confine(const struct limits *limits, struct err *e)
{
	int abi =
		(int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	uint64_t known = known_access(abi);
	struct ruleset attr = { .handled_access_fs = known,
				.handled_access_net = ACCESS_NET_BIND_TCP | ACCESS_NET_CONNECT };
	AUTO_FD int ruleset = -1;

	if (abi < 1 && limits->strict)
		return err_sys(e, "this kernel cannot confine a query (Landlock)");
	if (abi < 1)
		return 0;
	if (close_network(abi, limits, e) < 0)
		return e->code;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr,
			       abi >= ABI_NET ? sizeof(attr) : sizeof(attr.handled_access_fs), 0);
	if (ruleset < 0)
		return err_sys(e, "make a Landlock ruleset");
	if (allow_all(ruleset, limits, known, e) < 0)
		return e->code;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return err_sys(e, "confine this process");
	return 0;
}

/* At the soft limit of processor time SIGXCPU ends the process, which tells why; at the hard one
 * only SIGKILL is left. */
#define CPU_GRACE_SECONDS 5

static int limit(__rlimit_resource_t what, int64_t wanted, struct err *e)
{
	rlim_t hard = (rlim_t)wanted + (what == RLIMIT_CPU ? CPU_GRACE_SECONDS : 0);
	struct rlimit now;

	if (getrlimit(what, &now) < 0)
		return err_sys(e, "read a limit");
	if (now.rlim_max == RLIM_INFINITY || now.rlim_max > hard)
		now.rlim_max = hard;
	now.rlim_cur = now.rlim_max < (rlim_t)wanted ? now.rlim_max : (rlim_t)wanted;
	if (setrlimit(what, &now) < 0)
		return err_sys(e, "set a limit");
	return 0;
}

int limits_apply(const struct limits *limits, struct err *e)
{
	if (limit(RLIMIT_CORE, 0, e) < 0)
		return e->code;
	if (LIMIT_SPACE && limit(RLIMIT_AS, limits->memory_bytes + LIMITS_SPACE_EXTRA, e) < 0)
		return e->code;
	if (limits->cpu_seconds > 0 && limit(RLIMIT_CPU, limits->cpu_seconds, e) < 0)
		return e->code;
	if (limits->no_writing && limit(RLIMIT_FSIZE, 0, e) < 0)
		return e->code;
	return limits->confine ? confine(limits, e) : 0;
}
