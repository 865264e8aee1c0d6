/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon of one home: finds what ended, starts what waits, delivers records, fetches context. It
 * sleeps until the earliest of its rows is due (an attempt of the outbox, work that may start, the end
 * of somebody's time) or until something happens: another process commits, a process ends, a token
 * appears. Only what other tools do to folders it cannot be told: it looks there now and then.
 *
 *	daemon_run(a, &options, e)      until SIGTERM, SIGINT or SIGHUP
 *
 * Of a member of a fleet (agents/member.h) it also says that it lives, keeps the process that hears the
 * stream of tasks, asks for tasks when that fails, and begins those that were agreed to.
 *
 * Work it starts has a supervisor of its own, `larder agent start ID`, and does not end with the
 * daemon. Work without a supervisor is watched by it: its end is found when it comes, and its time is
 * up when it is up. Errors of a round (a full disk) are logged and tried again a minute later; a damaged
 * database ends it (ERR_CORRUPT). One
 * daemon a home: ERR_BUSY.
 */
#ifndef LARDER_AGENTS_DAEMON_H
#define LARDER_AGENTS_DAEMON_H

#include "agents/sync.h"

#define DAEMON_PULL_MS ((int64_t)15 * 60 * 1000)
/* A stat for each folder: tenths of a second for ten thousand. */
#define DAEMON_LOOK_MS ((int64_t)15 * 60 * 1000)

struct daemon_options {
	void *ctx;
	/* Whom to speak to now; texts are the callback's until the next call. */
	void (*find_peer)(void *ctx, struct sync_peer *ret);
	const char *credentials; /* the file in which a token may appear; may be NULL */
	int64_t pull_ms;         /* between two pulls; 0: none */
	int64_t look_ms;         /* between two looks at all folders; 0: only at the start */
	bool no_dispatch;        /* what waits goes on waiting */
	bool once;               /* one round, for tests and timers of others */
};
int daemon_run(struct agents *a, const struct daemon_options *options, struct err *e);

#endif
