/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Child processes, each the leader of a process group, killed as a group at a deadline.
 *
 *	const struct proc_options o = { .argv = args, .input = request, .deadline_ms = 60000 };
 *	AUTO_PROC struct proc *p = NULL;
 *	if (proc_start(&o, &p, e) < 0) ...
 *	while ((r = proc_read_line(p, &line, e)) > 0) ...	stdout, a line at a time
 *	if (r < 0 || proc_wait(p, &status, e) < 0) ...		reaps
 *	proc_free(p)						kills what still runs
 *
 * What the child gets: stdin that holds `input` (a file in memory, so that no child can block us by
 * not reading it and no SIGPIPE can arise), stdout (read here), stderr (its first PROC_ERRORS_MAX
 * bytes are kept for proc_errors(), or it is ours), default signal handling, the environment
 * without the LARDER_CRASH_AT, LARDER_FAIL_..., LARDER_STEPS of tests. No other fd.
 *
 * The group ends with its leader: what the leader wrote is still read, what it left running is
 * killed. A child is not in the terminal's foreground group, so Ctrl-C reaches only us; one that
 * must not outlive a killed parent asks for that itself: prctl(PR_SET_PDEATHSIG). One in a sandbox is
 * killed when the thread that started it ends.
 *
 * Errors: ERR_CANCELLED by the watch (the group is dead then), ERR_NOT_FOUND when the program does not exist, ERR_BUSY at the deadline, ERR_CANCELLED by
 * `cancel`, which is looked at PROC_CANCEL_MS apart, ERR_LIMIT for a line over PROC_LINE_MAX or an
 * output over output_max (in all of which the group is dead), ERR_IO else. How the child ended is no error

 * here but the status. Each child leaves a "child" line in the trace (log.h).
 * Threads: a struct proc belongs to one thread; starting is safe from any thread (posix_spawn, or for a
 * sandbox fork with nothing but system calls before exec).
 */
#ifndef LARDER_BASE_PROC_H
#define LARDER_BASE_PROC_H

#include "base/buf.h"
#include "base/err.h"
#include <stdatomic.h>

/* One line of a child's output: a row of results with long texts fits, a runaway child does not. */
#define PROC_LINE_MAX   ((size_t)64 << 20)
#define PROC_ERRORS_MAX ((size_t)64 << 10)
/* Short for who waits for the end, long for a processor. */
#define PROC_CANCEL_MS 100

struct sandbox;

/* Somebody else to listen to while a child is waited for. */
struct proc_watch {
	int fd; /* -1: not now; looked at before each wait */
	void *ctx;
	/* fd is readable: take what is there. True: give the child up (ERR_CANCELLED). */
	bool (*heard)(void *ctx);
};

struct proc_options {
	const char *const *argv; /* argv[0] is a path or is looked up in PATH */
	struct bytes input;      /* copied */
	bool talk;           /* stdin is a pipe for proc_write() instead; held open until the end */
	int64_t deadline_ms; /* from the start; 0 = none */
	bool inherit_stderr;
	size_t output_max;  /* of stdout in all; 0 = any */
	const char *folder; /* it starts there; NULL: where we are */
	const char *const
		*environment;  /* NAME=VALUE ..., NULL: added to ours, in the place of theirs */
	bool environment_only; /* ... and nothing of ours */
	const struct sandbox *sandbox;  /* sandbox.h; NULL: none. Lent until proc_start() returns */
	const struct proc_watch *watch; /* may be NULL; lent as long as the child runs */
	const atomic_bool *cancel;      /* may be NULL; when it becomes true, the group is killed */
};

struct proc;

int proc_start(const struct proc_options *options, struct proc **ret_proc, struct err *e);
/*
 * 1 and a line without its newline (lent until the next call), 0 at the end, or an error. A last
 * line that lacks its newline counts.
 */
int proc_read_line(struct proc *p, struct bytes *ret_line, struct err *e);
/* Of one that talks: all of it is written, as fast as the child reads, until the deadline. ERR_IO when
 * the child has ended or closed its stdin. */
int proc_write(struct proc *p, struct bytes text, struct err *e);
/* Its stdin is at its end: nothing more will be written. */
void proc_end_input(struct proc *p);
/* Counted from now; 0 = none. For a child that was started before there was work for it. */
void proc_set_deadline(struct proc *p, int64_t deadline_ms);
/* Reads the rest away, waits. *ret_status is the exit code, or 128 + signal. May be called again.
 */
int proc_wait(struct proc *p, int *ret_status, struct err *e);
/* Without waiting: has it ended? */
bool proc_has_ended(const struct proc *p);
/* What came on stderr up to now; "" when it is inherited. Lent until the next call on p. */
const char *proc_errors(const struct proc *p);
void proc_free(struct proc *p);
static inline void proc_auto_(struct proc **p)
{
	proc_free(*p);
}
#define AUTO_PROC AUTO(proc_auto_)

/*
 * This program once more, with these arguments (argv[0] is only its name), in a session of its own
 * and without our input and outputs: it outlives us and whoever waits for us. Nobody hears how it
 * ends. environment: as in proc_options, NAME=VALUE ... or NULL.
 */
int proc_detach(const char *const *argv, const char *const *environment, struct err *e);

/*
 * For a program that puts its pid into the environment under this name: the children it starts with
 * proc_start() which call this are killed when it ends, however it ends. Others see another parent
 * there, and nothing happens. (What starts them must wait for them on the starting thread.)
 */
#define PROC_PARENT "LARDER_PARENT"
void proc_end_with_parent(void);

/*
 * For a program that runs those of others, which may leave their process group and outlive it: from the
 * first call on, what they left becomes a child of ours when its parent ends; the second one kills all
 * children of this thread, so it is for who waits for none other.
 */
void proc_adopt_strays(void);
void proc_kill_strays(void);

/* For work that nobody waits for by the second: whatever else wants the processor goes first, and so it is for
 * all that this process starts. A courtesy, which cannot fail a caller. */
void proc_give_way(void);

/* The folder the running program lies in, for finding its companions. The caller owns it. */
char *proc_own_folder(void);
/* A file that belongs to this program: what `variable` of the environment names, else one beside the running
 * program, else (there or not) where `make install` puts it. The caller owns the path. */
char *proc_companion(const char *variable, const char *name);

/*
 * "pid/start time/boot id/place": names a process for ever, however pids are reused. The place is
 * the machine and its pid namespace (a container has its own), since a pid means nothing elsewhere.
 * "" when there is no such process.
 */
#define PROC_IDENTITY_MAX 96
void proc_identity(pid_t pid, char out[PROC_IDENTITY_MAX]);
enum proc_liveness { PROC_ALIVE, PROC_DEAD, PROC_UNKNOWN };
/* DEAD also for an earlier boot of this place; UNKNOWN for another place and for any other text. */
enum proc_liveness proc_liveness(const char *identity);

#endif
