/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sandbox: what a process may still do once it has entered, and can never take back: memory,
 * processor time and size of files (rlimits), files (Landlock), sockets (seccomp).
 *
 *	const struct sandbox s = { .memory_bytes = 1 << 30, .confine = true, .readable = &files };
 *	sandbox_apply(&s, e)                      this process, before its first thread
 *	proc_options.sandbox = &s                 a child, between fork and exec (proc.h)
 *
 * Confined, a process opens only what is listed, what programs need of the system (`system`: its
 * libraries and programs, to read and to run) and its own /proc/self (not that of
 * children it has in turn); it has no socket at all unless
 * `network`, and never gains privileges. What it had open before stays open.
 *
 * What this is not: it hides no processes and no names of files (stat(2) works everywhere), it does
 * not keep a process from signalling others of its user, it limits memory for each process, not for
 * all that it starts, and disk only for each file.
 *
 * Landlock is in the kernel since 5.13 and may be switched off: `strict` then refuses, else the
 * rest has to do. seccomp is there always. Threads: no state; a prepared plan is read only. Errors:
 * ERR_IO with what the kernel refused.
 */
#ifndef LARDER_BASE_SANDBOX_H
#define LARDER_BASE_SANDBOX_H

#include "base/err.h"
#include "base/str.h"

#define SANDBOX_NO_WRITING (-1)

struct sandbox {
	int64_t memory_bytes; /* address space; 0: no limit. None in builds with sanitizers, whose
				 shadow memory is most of it */
	int64_t cpu_seconds;  /* of all threads together; then SIGXCPU, and SIGKILL soon after */
	int64_t file_bytes; /* of one file; 0: no limit; SANDBOX_NO_WRITING: not a byte into any */
	bool confine;       /* files and sockets: only what is below */
	bool strict;        /* ... or not at all */
	bool system;        /* libraries and programs of the system, to read and to run */
	bool network;       /* sockets are allowed */
	const struct strv *readable; /* files and folders; NULL: none, as the next two */
	const struct strv *writable; /* files in them may be made, written, removed */
	const struct strv *runnable; /* programs, or folders of them: read and executed */
};

int sandbox_apply(const struct sandbox *sandbox, struct err *e);
/* Can this kernel limit files (Landlock)? Without it `confine` is left out, and `strict` refused. */
bool sandbox_limits_files(void);

/*
 * For who forks: the files are looked up before, by the parent; what is left for the child are system
 * calls, so that it may be the copy of one thread of many.
 */
struct sandbox_plan {
	const struct sandbox *sandbox; /* lent */
	int ruleset;                   /* -1: no Landlock */
	uint64_t known;                /* rights that this kernel's Landlock knows */
};
#define SANDBOX_PLAN_INIT                                                                          \
	{                                                                                          \
		.ruleset = -1                                                                      \
	}
int sandbox_prepare(const struct sandbox *sandbox, struct sandbox_plan *ret_plan, struct err *e);
int sandbox_enter(const struct sandbox_plan *plan); /* 0, or -1 with errno */
void sandbox_plan_release(struct sandbox_plan *plan);
#define AUTO_SANDBOX_PLAN AUTO(sandbox_plan_release)

#endif
