/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/backlog.h"

#include "sessions/upload.h"
#include "sessions/walk.h"
#include <fcntl.h>
#include <sys/stat.h>

/* Rows of files that somebody took away are passed over, but not without end. */
#define LOOKED_AT_MAX 1000

void session_backlog_release(struct session_backlog *b)
{
	free(b->never);
	*b = (struct session_backlog){ 0 };
}

static int count(struct db *db, const char *processor, struct session_backlog *b, struct err *e)
{
	static const char files[] = "SELECT count(*), COALESCE(max(updated_ms), 0) FROM upload"
				    " WHERE kind = ?1 AND name LIKE '%" SESSIONS_ENDING "'";
	static const char done[] =
		"SELECT COALESCE(max(done_ms), 0) FROM session_state WHERE processor = ?1";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, files, "t", upload_kind_word(UPLOAD_SESSION));

	if (r == 0)
		r = stmt_next(q, e);
	if (r < 0)
		return r;
	b->files = stmt_int(q, 0);
	b->newest_ms = stmt_int(q, 1);
	return db_get_int(db, &b->done_ms, 0, e, done, "t", processor);
}

static bool is_there(int dirfd, const char *path)
{
	struct stat st;

	return fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

/* Files that wait or were never done, in the order in which they came. */
static int look(int dirfd, struct stmt *q, struct session_backlog *b, struct err *e)
{
	int r = 0;

	for (int n = 0; n < LOOKED_AT_MAX && (r = stmt_next(q, e)) > 0; n++) {
		const char *path = stmt_text(q, 0);
		bool waits = b->waiting_ms == 0 && stmt_int(q, 3);
		bool never = !b->never && stmt_int(q, 4);

		if ((!waits && !never) || !is_there(dirfd, path))
			continue;
		if (waits)
			b->waiting_ms = stmt_int(q, 2);
		if (never) {
			b->never = xstrdup(path + sizeof(SESSIONS_FOLDER));
			b->never_came_ms = stmt_int(q, 1);
		}
		if (b->waiting_ms && b->never)
			return 0;
	}
	return r < 0 ? r : 0;
}

int session_backlog_take(int dirfd, struct db *db, const char *processor,
			 struct session_backlog *ret_backlog, struct err *e)
{
	/* ?2 is the time of the last success, ?3 where in a path the session begins. */
	static const char sql[] =
		"WITH f AS (SELECT u.path, u.created_ms, u.updated_ms,"
		" u.updated_ms > ?2 AND (s.session IS NULL OR s.read_ms < u.updated_ms"
		"  OR (s.error IS NOT NULL AND s.due_ms >= 0)) AS waits,"
		" COALESCE(s.done_ms, 0) = 0 AS never"
		" FROM upload u LEFT JOIN session_state s"
		"  ON s.processor = ?1 AND s.session = substr(u.path, ?3)"
		" WHERE u.kind = ?4 AND u.name LIKE '%" SESSIONS_ENDING "')"
		"SELECT path, created_ms, updated_ms, waits, never FROM f"
		" WHERE waits OR never ORDER BY updated_ms";
	AUTO_SESSION_BACKLOG struct session_backlog b = { 0 };
	AUTO_STMT struct stmt *q = NULL;
	int r = count(db, processor, &b, e);

	if (r == 0)
		r = db_query(db, &q, e, sql, "tiit", processor, b.done_ms,
			     (int64_t)sizeof(SESSIONS_FOLDER "/"),
			     upload_kind_word(UPLOAD_SESSION));
	if (r == 0)
		r = look(dirfd, q, &b, e);
	if (r < 0)
		return r;
	*ret_backlog = b;
	b = (struct session_backlog){ 0 };
	return 0;
}
