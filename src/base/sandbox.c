/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Of newer kernels than the headers of Debian 12 know (ABI 3). */
#define ACCESS_FS_TRUNCATE (1ULL << 14)
#define ABI_REFER          2
#define ABI_TRUNCATE       3

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LIMIT_SPACE false
#elif defined(__has_feature)
#define LIMIT_SPACE (!__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer))
#else
#define LIMIT_SPACE true
#endif

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#else
#error "the seccomp filter needs the AUDIT_ARCH of this machine"
#endif

/* System calls of x32 are those of x86-64 with this bit: not one is let through. */
#define X32_BIT 0x40000000U

#define READING (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define RUNNING (READING | LANDLOCK_ACCESS_FS_EXECUTE)
#define OF_FILES                                                                                   \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_FS_TRUNCATE |       \
	 LANDLOCK_ACCESS_FS_EXECUTE)
#define WRITING                                                                                    \
	(READING | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |                \
	 LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |                             \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REFER | ACCESS_FS_TRUNCATE)
#define EVERYTHING                                                                                 \
	(((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1) | LANDLOCK_ACCESS_FS_REFER | ACCESS_FS_TRUNCATE)

static const char *const system_runnable[] = { "/usr", "/lib", "/lib64", "/bin", "/sbin" };
/* The loader's cache, time zones, certificates, fonts and names of users; nothing with secrets. */
static const char *const system_readable[] = {
	"/etc/ld.so.cache",     "/etc/localtime", "/etc/timezone",
	"/etc/alternatives",    "/etc/passwd",    "/etc/group",
	"/etc/nsswitch.conf",   "/etc/fonts",     "/etc/ssl/certs",
	"/etc/ssl/openssl.cnf", "/dev/urandom",   "/proc/meminfo",
	"/proc/cpuinfo",        "/sys/fs/cgroup", "/sys/devices/system/cpu",
};
static const char *const system_writable[] = { "/dev/null", "/dev/zero" };
/* So that a child with /etc/resolv.conf and the like may find its peers. */
static const char *const network_readable[] = { "/etc/resolv.conf", "/etc/hosts", "/etc/services",
						"/etc/host.conf", "/etc/gai.conf" };

static uint64_t known_access(int abi)
{
	uint64_t access = EVERYTHING;

	if (abi < ABI_REFER)
		access &= ~LANDLOCK_ACCESS_FS_REFER;
	if (abi < ABI_TRUNCATE)
		access &= ~ACCESS_FS_TRUNCATE;
	return access;
}

/* A path that is not there needs no rule: opening it fails in its own words. System calls only. */
static int allow(const struct sandbox_plan *plan, const char *path, uint64_t access)
{
	AUTO_FD int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = { .allowed_access = access & plan->known,
						   .parent_fd = fd };
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return 0;
	if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= OF_FILES;
	return (int)syscall(SYS_landlock_add_rule, plan->ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule,
			    0);
}

static int allow_each(const struct sandbox_plan *plan, const char *const *paths, size_t n,
		      uint64_t access, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		if (allow(plan, paths[i], access) < 0)
			return err_sys(e, "allow '%s'", paths[i]);
	}
	return 0;
}

static int allow_list(const struct sandbox_plan *plan, const struct strv *paths, uint64_t access,
		      struct err *e)
{
	return paths ? allow_each(plan, (const char *const *)paths->v, paths->n, access, e) : 0;
}

#define ALLOW_TABLE(plan, table, access, e) allow_each(plan, table, ARRAY_LEN(table), access, e)

static int allow_system(const struct sandbox_plan *plan, struct err *e)
{
	int r = 0;

	if (plan->sandbox->network)
		r = ALLOW_TABLE(plan, network_readable, READING, e);
	if (!plan->sandbox->system || r < 0)
		return r;
	r = ALLOW_TABLE(plan, system_runnable, RUNNING, e);
	if (r == 0)
		r = ALLOW_TABLE(plan, system_readable, READING, e);
	return r < 0 ? r : ALLOW_TABLE(plan, system_writable, WRITING, e);
}

static int landlock_version(void)
{
	return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

bool sandbox_limits_files(void)
{
	return landlock_version() >= 1;
}

int sandbox_prepare(const struct sandbox *sandbox, struct sandbox_plan *ret_plan, struct err *e)
{
	AUTO_SANDBOX_PLAN struct sandbox_plan plan = { .sandbox = sandbox, .ruleset = -1 };
	int abi = landlock_version();
	struct landlock_ruleset_attr attr = { .handled_access_fs = plan.known = known_access(abi) };
	int r;

	if (sandbox->confine && abi < 1 && sandbox->strict)
		return err_sys(e, "this kernel cannot confine a process (Landlock)");
	if (sandbox->confine && abi >= 1) {
		plan.ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
		if (plan.ruleset < 0)
			return err_sys(e, "make a Landlock ruleset");
		r = allow_list(&plan, sandbox->readable, READING, e);
		if (r == 0)
			r = allow_list(&plan, sandbox->writable, WRITING, e);
		if (r == 0)
			r = allow_list(&plan, sandbox->runnable, RUNNING, e);
		if (r == 0)
			r = allow_system(&plan, e);
		if (r < 0)
			return r;
	}
	*ret_plan = plan;
	plan.ruleset = -1;
	return 0;
}

void sandbox_plan_release(struct sandbox_plan *plan)
{
	auto_fd_(&plan->ruleset);
	plan->ruleset = -1;
}

/* At the soft limit of processor time SIGXCPU ends the process, which tells why; at the hard one
 * only SIGKILL is left. */
#define CPU_GRACE_SECONDS 5

static int limit(__rlimit_resource_t what, int64_t wanted)
{
	rlim_t hard = (rlim_t)wanted + (what == RLIMIT_CPU ? CPU_GRACE_SECONDS : 0);
	struct rlimit now;

	if (getrlimit(what, &now) < 0)
		return -1;
	if (now.rlim_max == RLIM_INFINITY || now.rlim_max > hard)
		now.rlim_max = hard;
	now.rlim_cur = now.rlim_max < (rlim_t)wanted ? now.rlim_max : (rlim_t)wanted;
	return setrlimit(what, &now);
}

static int enter_limits(const struct sandbox *s)
{
	if (limit(RLIMIT_CORE, 0) < 0)
		return -1;
	if (LIMIT_SPACE && s->memory_bytes > 0 && limit(RLIMIT_AS, s->memory_bytes) < 0)
		return -1;
	if (s->cpu_seconds > 0 && limit(RLIMIT_CPU, s->cpu_seconds) < 0)
		return -1;
	if (s->file_bytes == 0)
		return 0;
	return limit(RLIMIT_FSIZE, s->file_bytes > 0 ? s->file_bytes : 0);
}

/* No socket of any family (a pair of connected ones is fine), nor io_uring, which makes them too;
 * and no system calls of another machine's numbering, which would pass by. */
static int close_network(void)
{
	static struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	static const struct sock_fprog filter = { ARRAY_LEN(program), program };

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

int sandbox_enter(const struct sandbox_plan *plan)
{
	const struct sandbox *s = plan->sandbox;

	if (enter_limits(s) < 0)
		return -1;
	if (!s->confine)
		return 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	/* Its own, not its parent's: so it is looked up here. */
	if (plan->ruleset >= 0 && (allow(plan, "/proc/self", READING) < 0 ||
				   syscall(SYS_landlock_restrict_self, plan->ruleset, 0) < 0))
		return -1;
	return s->network ? 0 : close_network();
}

int sandbox_apply(const struct sandbox *sandbox, struct err *e)
{
	AUTO_SANDBOX_PLAN struct sandbox_plan plan = SANDBOX_PLAN_INIT;

	if (sandbox_prepare(sandbox, &plan, e) < 0)
		return e->code;
	return sandbox_enter(&plan) < 0 ? err_sys(e, "confine this process") : 0;
}
