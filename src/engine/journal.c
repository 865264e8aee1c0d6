/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recording operations. Table journal: one row an operation, in the order of ids; due_ms is 0 for
 * "now" and the wall clock of a removal that waits for its time.
 */
#include "engine/journal.h"

#include "engine/engine-internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static const char *const migrations[] = {
	"CREATE TABLE journal(id INTEGER PRIMARY KEY,"
	" kind INTEGER NOT NULL CHECK(kind IN (1, 2, 3)),"
	" source TEXT,"
	" target TEXT NOT NULL,"
	" due_ms INTEGER NOT NULL);"
	"CREATE INDEX journal_due ON journal(due_ms);"
	"CREATE INDEX journal_target ON journal(target);",
	/* operation 4, with the place where it begins */
	"ALTER TABLE journal RENAME TO journal_1;"
	"DROP INDEX journal_due;"
	"DROP INDEX journal_target;"
	"CREATE TABLE journal(id INTEGER PRIMARY KEY,"
	" kind INTEGER NOT NULL CHECK(kind IN (1, 2, 3, 4)),"
	" source TEXT,"
	" target TEXT NOT NULL,"
	" due_ms INTEGER NOT NULL,"
	" at INTEGER NOT NULL DEFAULT 0);"
	"INSERT INTO journal(id, kind, source, target, due_ms)"
	" SELECT id, kind, source, target, due_ms FROM journal_1;"
	"DROP TABLE journal_1;"
	"CREATE INDEX journal_due ON journal(due_ms);"
	"CREATE INDEX journal_target ON journal(target);",
	NULL,
};

const struct db_schema journal_schema = { "journal", migrations };

static bool is_dots(const char *segment, size_t n)
{
	return (n == 1 && segment[0] == '.') || (n == 2 && memcmp(segment, "..", 2) == 0);
}

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

/* Segments of a sane length between single slashes; `dots` says whether "." and ".." may occur. */
static bool segments_ok(const char *path, bool dots)
{
	for (const char *s = path;; s++) {
		size_t n = strcspn(s, "/");

		if (n == 0 || n > JOURNAL_NAME_MAX || (!dots && is_dots(s, n)))
			return false;
		s += n;
		if (!*s)
			return true;
	}
}

static int check_target(const char *target, struct err *e)
{
	size_t first = strcspn(target, "/");
	bool ours = first == strlen(ROOT_FOLDER) && strncasecmp(target, ROOT_FOLDER, first) == 0;

	if (!ours && strlen(target) <= JOURNAL_PATH_MAX && !has_control(target) &&
	    segments_ok(target, false))
		return 0;
	return err_set(e, ERR_USAGE, "'%.200s' is no path inside a Larder folder", target);
}

/* Does the link's text, read from the folder of `target`, stay below the root? */
static int check_link(const char *points_to, const char *target, struct err *e)
{
	int depth = 0;
	bool inside = strlen(points_to) <= JOURNAL_PATH_MAX && !has_control(points_to) &&
		      segments_ok(points_to, true);

	for (const char *s = target; *s; s++)
		depth += *s == '/';
	for (const char *s = points_to; inside && *s; s += strspn(s, "/")) {
		size_t n = strcspn(s, "/");

		if (!is_dots(s, n))
			depth++;
		else if (n == 2)
			depth--;
		inside = depth >= 0;
		s += n;
	}
	if (inside && depth > 0)
		return 0;
	return err_set(e, ERR_USAGE, "a link to '%.200s' leaves the Larder folder", points_to);
}

/*
 * What a row of an earlier transaction still asks for must not undo what this one decides of the
 * same target: it may not have been applied yet, or wait for a person.
 */
static int forget(struct root *root, const char *sql, const char *target, struct err *e)
{
	root->recorded = true;
	return db_exec(root->db, e, sql, "t", target);
}

static int forget_removals(struct root *root, const char *target, struct err *e)
{
	static const char sql_removals[] = "DELETE FROM journal WHERE target=?1 AND kind=3";

	return forget(root, sql_removals, target, e);
}

/* Older moves and links stay in front of a new one: in their order they end at the newest. */
static int forget_older(struct root *root, enum journal_kind by, const char *target, struct err *e)
{
	static const char sql_all[] = "DELETE FROM journal WHERE target=?1";
	static const char sql_later[] = "DELETE FROM journal WHERE target=?1 AND due_ms > 0";

	return forget(root, by == JOURNAL_REMOVE ? sql_all : sql_later, target, e);
}

static int record(struct root *root, enum journal_kind kind, const char *source, const char *target,
		  struct err *e)
{
	int r = forget_older(root, kind, target, e);

	return r < 0 ? r
		     : db_exec(root->db, e,
			       "INSERT INTO journal(kind, source, target, due_ms)"
			       " VALUES(?1, ?2, ?3, 0)",
			       "itt", (int64_t)kind, source, target);
}

int journal_move(struct root *root, const char *staged, const char *target, struct err *e)
{
	struct stat st;
	int r = check_target(target, e);

	assert(db_in_transaction(root->db));
	if (r == 0)
		r = journal_check_staged(staged, e);
	if (r < 0)
		return r;
	if (fstatat(root->staging, staged, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, ERR_NOT_FOUND, "'%.100s' is not staged for '%s'", staged, target);
	return record(root, JOURNAL_MOVE, staged, target, e);
}

int journal_link(struct root *root, const char *points_to, const char *target, struct err *e)
{
	int r = check_target(target, e);

	assert(db_in_transaction(root->db));
	if (r == 0)
		r = check_link(points_to, target, e);
	return r < 0 ? r : record(root, JOURNAL_LINK, points_to, target, e);
}

int journal_remove(struct root *root, const char *target, struct err *e)
{
	int r = check_target(target, e);

	assert(db_in_transaction(root->db));
	return r < 0 ? r : record(root, JOURNAL_REMOVE, NULL, target, e);
}

int journal_remove_at(struct root *root, const char *target, int64_t due_ms, struct err *e)
{
	int r = check_target(target, e);

	assert(db_in_transaction(root->db));
	if (r == 0)
		r = forget_removals(root, target, e);
	return r < 0 ? r
		     : db_exec(root->db, e,
			       "INSERT INTO journal(kind, target, due_ms) VALUES(?1, ?2, ?3)",
			       "iti", (int64_t)JOURNAL_REMOVE, target, due_ms < 1 ? 1 : due_ms);
}

int journal_keep(struct root *root, const char *target, struct err *e)
{
	int r = check_target(target, e);

	assert(db_in_transaction(root->db));
	return r < 0 ? r : forget_removals(root, target, e);
}

/* Where the file will end when all of this transaction was applied. */
static int end_of(struct root *root, const char *target, int64_t *ret_at, struct err *e)
{
	struct stat st;
	int64_t size = 0;

	if (fstatat(root->dirfd, target, &st, AT_SYMLINK_NOFOLLOW) == 0)
		size = st.st_size;
	else if (errno != ENOENT && errno != ENOTDIR)
		return err_sys(e, "look at '%s'", target);
	return db_get_int(root->db, ret_at, size, e,
			  "SELECT max(at + length(CAST(source AS BLOB))) FROM journal"
			  " WHERE target=?1 AND kind=4 HAVING max(at) IS NOT NULL",
			  "t", target);
}

int journal_append(struct root *root, const char *text, const char *target, struct err *e)
{
	int64_t at = 0;
	int r = check_target(target, e);

	assert(db_in_transaction(root->db));
	if (r == 0)
		r = end_of(root, target, &at, e);
	root->recorded = true;
	return r < 0 ? r
		     : db_exec(root->db, e,
			       "INSERT INTO journal(kind, source, target, due_ms, at)"
			       " VALUES(?1, ?2, ?3, 0, ?4)",
			       "itti", (int64_t)JOURNAL_APPEND, text, target, at);
}
