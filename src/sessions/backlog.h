/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a processor keep up with what is sent? For the health page, from rows alone but for a stat of
 * the few files that are named.
 *
 *	AUTO_SESSION_BACKLOG struct session_backlog b = { 0 };
 *	r = session_backlog_take(dirfd, db, "verification", &b, e);
 *
 * A file waits when it came after the last time that the processor was done with any, and was not read
 * since, or failed in passing: what is set aside waits for a person, and what came before is the turn
 * of the runs that go on. So a processor at work has nobody waiting, one that stands still soon has,
 * and a first file after a quiet month waits since it came. What is of no row (put there by hand)
 * is not looked for.
 *
 * Threads: as the db. Errors: the db's.
 */
#ifndef LARDER_SESSIONS_BACKLOG_H
#define LARDER_SESSIONS_BACKLOG_H

#include "base/str.h"
#include "db/db.h"

struct session_backlog {
	int64_t files;
	int64_t newest_ms;     /* 0: there are none */
	int64_t done_ms;       /* 0: never */
	int64_t waiting_ms;    /* since when the first of those that wait does; 0: none waits */
	char *never;           /* the oldest that was never done; NULL: there is none */
	int64_t never_came_ms; /* when it came first */
};
void session_backlog_release(struct session_backlog *b);
#define AUTO_SESSION_BACKLOG AUTO(session_backlog_release)
/* `dirfd`: the hub's folder. */
int session_backlog_take(int dirfd, struct db *db, const char *processor,
			 struct session_backlog *ret_backlog, struct err *e);

#endif
