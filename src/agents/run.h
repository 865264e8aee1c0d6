/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a piece of work and watching over it.
 *
 *	run_plan(&wish, &d, e)          a dispatch that is not yet a row: names, folder, command
 *	change_add(a, &d, e)            now it is one, and waits
 *	run_work(a, &d, &options, e)    takes its lease and a slot, starts it, watches it to its end
 *
 * The command runs in <folder>/repo, in a session of its own, under a shell that notes how it ended;
 * its output goes straight into its log. So a supervisor that is killed takes nothing with it: the
 * work goes on, and how it ended is found later. What the log has beyond `log_max` bytes is given
 * back from its middle while it grows, and cut out when it is done.
 *
 * The heartbeat is the lease "agent <id>": whoever holds it is the supervisor; one that was stopped
 * for RUN_LEASE_MS may be taken over, and then records nothing any more.
 *
 * SIGTERM, SIGINT or SIGHUP to the supervisor end the work: TERM to its group, KILL after
 * RUN_GRACE_MS; so does the end of its time. Errors: ERR_BUSY (another supervises it, or there is no
 * slot), ERR_CONFLICT (it is not waiting), ERR_NOT_FOUND (its folder cannot be entered), the db's.
 */
#ifndef LARDER_AGENTS_RUN_H
#define LARDER_AGENTS_RUN_H

#include "agents/change.h"
#include "base/str.h"

#define RUN_TIMEOUT_MS ((int64_t)3600 * 1000)
/* A log of days of work; the ends of it are what is read. */
#define RUN_LOG_MAX   ((int64_t)16 << 20)
#define RUN_LOG_LEAST ((int64_t)64 << 10)
#define RUN_LEASE_MS  ((int64_t)60 * 1000)
#define RUN_GRACE_MS  ((int64_t)10 * 1000)
/* Arguments and their bytes; the kernel's own limit is 2 MB. */
#define RUN_COMMAND_MAX ((size_t)256 << 10)
/* Ten minutes of waiting count as one: the highest is met after a day. */
#define RUN_PRIORITY_MAX 100

struct run_wish {
	const char *org, *repo, *task, *branch, *template, *agent; /* NULL: not given */
	int64_t issue, pr, priority;
	const char *folder;          /* its last segment; NULL: made of the others */
	int64_t timeout_ms, log_max; /* 0: the defaults; timeout -1: none */
	const struct strv *command;
};
int run_plan(const struct run_wish *wish, struct dispatch *ret, struct err *e);

struct run_options {
	/* Asked in the transaction that starts it; may be NULL. agents/pace.h. */
	int (*may_start)(void *ctx, const struct dispatch *d, struct err *e);
	/* May be NULL; it runs now. */
	void (*started)(void *ctx, const struct dispatch *d);
	void *ctx;
};
int run_work(struct agents *a, struct dispatch *d, const struct run_options *options,
	     struct err *e);
/* "agent <id>"; the caller owns it. */
char *run_lease_name(const struct dispatch *d);
/* Cuts the middle out of a log that is over its maximum. */
int run_trim_log(const struct agents *a, const struct dispatch *d, struct err *e);

#endif
