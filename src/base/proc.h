/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Child processes, each in a process group of its own, killed as a group at a deadline.
 *
 *	struct proc_options o = { .argv = args, .input = request, .deadline_ms = 60000 };
 *	struct proc *p = NULL;
 *	if (proc_start(&o, &p, e) < 0) ...
 *	while ((r = proc_read_line(p, &line, e)) > 0) ...       stdout, a line at a time
 *	r = proc_wait(p, &status, e);                           reaps; proc_free kills what still
 *runs
 *
 * The child gets stdin (the `input` bytes, fed without blocking the reader), stdout (read here),
 *stderr (kept up to a cap and given by proc_errors(), or inherited). It gets no other fd, and no
 *LARDER_CRASH_AT, LARDER_FAIL_AT or LARDER_STEPS. Threads: a struct proc belongs to one thread;
 *starting is safe from any thread (posix_spawn).
 */
#ifndef LARDER_BASE_PROC_H
#define LARDER_BASE_PROC_H

#include "base/buf.h"
#include "base/err.h"

/* One line of a child's output: a row of results with long texts fits, a runaway child does not. */
#define PROC_LINE_MAX   ((size_t)64 << 20)
#define PROC_ERRORS_MAX ((size_t)64 << 10)

struct proc_options {
	const char *const *argv; /* argv[0] is a path or is looked up in PATH */
	struct bytes input;      /* lent until proc_free */
	int64_t deadline_ms;     /* from the start; 0 = none */
	bool inherit_stderr;
};

struct proc;

int proc_start(const struct proc_options *options, struct proc **ret_proc, struct err *e);
/* 1 and a line without its newline (lent until the next call), 0 at the end, or an error
 * (ERR_LIMIT, deadline: ERR_BUSY). */
int proc_read_line(struct proc *p, struct bytes *ret_line, struct err *e);
/* Reads the rest away, waits. *ret_status is the exit code, or 128 + signal. */
int proc_wait(struct proc *p, int *ret_status, struct err *e);
const char *proc_errors(const struct proc *p);
void proc_free(struct proc *p);
static inline void proc_auto_(struct proc **p)
{
	proc_free(*p);
}
#define AUTO_PROC AUTO(proc_auto_)

/* The folder the running program lies in, for finding its companions. The caller owns it. */
char *proc_own_folder(void);
/* "12345/987654321/<boot id>": names a process for as long as the machine runs, however pids are
 * reused. */
#define PROC_IDENTITY_MAX 96
void proc_identity(pid_t pid, char out[PROC_IDENTITY_MAX]);
enum proc_liveness { PROC_ALIVE, PROC_DEAD, PROC_UNKNOWN };
/* UNKNOWN when the identity is of another boot or machine... which for a boot id of this machine's
 * past means DEAD. */
enum proc_liveness proc_liveness(const char *identity);

#endif
