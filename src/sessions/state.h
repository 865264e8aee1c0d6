/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each processor has done with each session: one row for (processor, session), and the rules
 * that say from it and from a stat() whether there is something to do.
 *
 *	new        no row, or one of an older version of the processor
 *	changed    size differs, or the time of change does and so does the hash
 *	in doubt   same size, but the time of change differs, or is so close to the time of reading
 *	           that a later write may bear it, too: the hash decides
 *	retry      failed, and its pause is over; a file that changed has no pause
 *	waiting    failed, and its pause is not over
 *	aside      failed SESSION_ATTEMPTS_MAX times; until it changes, or a person says retry
 *	stable     none of these: it is not opened
 *
 * Pauses: none before the second attempt, then 1 min, 10 min, 1 h. What passes by itself
 * (err_is_passing) is tried again after a minute, however often.
 *
 * Writing happens inside a transaction. Threads and errors: as the db.
 */
#ifndef LARDER_SESSIONS_STATE_H
#define LARDER_SESSIONS_STATE_H

#include "base/hash.h"
#include "base/str.h"
#include "db/db.h"
#include "sessions/walk.h"

extern const struct db_schema sessions_schema;

#define SESSION_ATTEMPTS_MAX 5
/* Longer than the tick of any file system's clock (FAT: 2 s). */
#define SESSION_RACY_MS 2000

enum session_verdict {
	SESSION_STABLE,
	SESSION_NEW,
	SESSION_CHANGED,
	SESSION_DOUBT,
	SESSION_RETRY,
	SESSION_WAITING,
	SESSION_ASIDE,
};
const char *session_verdict_word(enum session_verdict verdict);

struct session_row {
	const char *session; /* lent by the cursor */
	int64_t version;
	int64_t size, mtime_ns;
	const char *sha256;
	int64_t read_ms;
	int64_t done_ms; /* 0: never */
	int64_t items;
	int64_t attempts;  /* failures since it was done last */
	int64_t due_ms;    /* of the next attempt; -1: set aside */
	const char *error; /* NULL: done */
};

/* Pure. `row` NULL: there is none. */
enum session_verdict session_judge(const struct session_stat *s, const struct session_row *row,
				   int version, int64_t now_ms);

/* Rows of a processor beside a walk: both in byte order of the sessions. The walk over, the rest are of
 * files that are gone, too. */
struct session_cursor {
	struct stmt *q;
	struct session_row row;
	bool has_row;
	bool met;          /* the row was found */
	struct strv *gone; /* sessions of passed rows are added; NULL: not wanted */
};
int session_cursor_open(struct session_cursor *c, struct db *db, const char *processor,
			struct err *e);
int session_cursor_rest(struct session_cursor *c, struct err *e);
void session_cursor_close(struct session_cursor *c);
#define AUTO_SESSION_CURSOR AUTO(session_cursor_close)
/* 1 and *ret_row (lent until the next call) when there is one of that session, else 0. */
int session_cursor_find(struct session_cursor *c, const char *session,
			const struct session_row **ret_row, struct err *e);

/* What was read, in a transaction: done, or failed. */
struct session_mark {
	const char *processor;
	int version;
	const char *session;
	const char *sha256;
	int64_t size, mtime_ns, read_ms;
	int64_t items;
	int64_t attempts; /* failures before this */
};
int session_mark_done(struct db *db, const struct session_mark *mark, struct err *e);
int session_mark_failed(struct db *db, const struct session_mark *mark, const struct err *why,
			struct err *e);
/* The same bytes with another time of change: only what is looked at first the next time. */
int session_mark_same(struct db *db, const struct session_mark *mark, struct err *e);
/* In a transaction: it is not there any more. */
int session_forget(struct db *db, const char *processor, const char *session, struct err *e);
/* Lets the next run try it at once; session NULL: all that failed. processor NULL: of each. */
int session_retry(struct db *db, const char *processor, const char *session, int64_t *ret_count,
		  struct err *e);

#endif
