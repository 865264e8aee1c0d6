/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that outlive whoever started them: an agent goes on working when its supervisor is
 * killed. (Children that must not are base/proc.h's.)
 *
 *	const struct keep_options o = { .argv = args, .folder = "repo", .output_fd = log };
 *	keep_start(&o, &pid, e)              leads a session and a process group of its own
 *	proc_identity(pid, identity)         write it down, for whoever looks later
 *	keep_ended(pid, &status)             by the process that started it: reaps, never waits
 *
 *	keep_liveness(identity)              by anybody, on any day
 *	keep_signal(identity, SIGTERM)       to its whole group, never to another's
 *
 * The group counts: when its leader was killed and others of it run on, it is alive. (The kernel does
 * not give out a pid again while a group of that number lives.) Threads: any.
 */
#ifndef LARDER_BASE_KEEP_H
#define LARDER_BASE_KEEP_H

#include "base/proc.h"
#include "base/str.h"
#include <sys/types.h>

struct keep_options {
	const char *const *argv;        /* argv[0] is a path or is looked up in PATH */
	const char *folder;             /* to work in */
	const struct strv *environment; /* NAME=VALUE, beside ours; may be NULL */
	int input_fd;                   /* its stdin */
	int output_fd;                  /* its stdout and stderr */
};

/* ERR_NOT_FOUND when the program or the folder does not exist, ERR_IO else. */
int keep_start(const struct keep_options *options, pid_t *ret_pid, struct err *e);
/* True once it has ended, and what it left running with it; the exit code, or 128 + signal. For a child
 * of this process. */
bool keep_ended(pid_t pid, int *ret_status);

enum proc_liveness keep_liveness(const char *identity);
/*
 * For records of other tools, which hold a bare pid and when it was seen: DEAD when there is no such
 * process, or when the one that has the pid now began later than that.
 */
enum proc_liveness keep_liveness_of_pid(int64_t pid, int64_t seen_ms);
/* One of its group that runs, its leader if that does, whose end is worth waiting for; 0: none is left. */
pid_t keep_member(const char *identity);
/* How long it has run, by a clock that no one sets; -1 when it does not say. */
int64_t keep_age_ms(const char *identity);
/* True when something was there to get it. */
bool keep_signal(const char *identity, int signal);

#endif
