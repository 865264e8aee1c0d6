/* SPDX-License-Identifier: Apache-2.0 */
#include "access/access-internal.h"

#include "access/scheduler.h"
#include "base/time.h"
#include <ctype.h>

int access_check_text(const char *what, const char *text, size_t max, struct err *e)
{
	size_t n = text ? strlen(text) : 0;

	if (n == 0)
		return err_set(e, ERR_USAGE, "%s is missing", what);
	if (n > max)
		return err_set(e, ERR_USAGE, "%s has %zu bytes, the limit is %zu", what, n, max);
	if (!text_is_clean((struct bytes){ text, n }) || strpbrk(text, "\n\t"))
		return err_set(e, ERR_USAGE, "%s must be one line of plain text", what);
	return 0;
}

/* One @ with something on both sides: whether mail arrives there is not ours to know. '/' would
 * make an address that no URL path can name. */
static bool is_email(const char *email)
{
	const char *at = strchr(email, '@');

	return at && at != email && at[1] && !strchr(at + 1, '@') && !strpbrk(email, " /\\\"<>,;");
}

static int normalise(const char *email, char out[ACCESS_EMAIL_MAX + 1], struct err *e)
{
	int r = access_check_text("the email address", email, ACCESS_EMAIL_MAX, e);

	if (r < 0)
		return r;
	if (!is_email(email))
		return err_set(e, ERR_USAGE, "'%s' is not an email address", email);
	(void)snprintf(out, ACCESS_EMAIL_MAX + 1, "%s", email);
	for (char *p = out; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return 0;
}

int user_find(struct db *db, const char *email, int64_t *ret_id, struct err *e)
{
	static const char sql_find[] = "SELECT id FROM user WHERE email = ?1 AND active = 1";
	char address[ACCESS_EMAIL_MAX + 1];
	int64_t id = 0;
	int r = normalise(email, address, e);

	if (r == 0)
		r = db_get_int(db, &id, 0, e, sql_find, "t", address);
	if (r == 0 && id == 0)
		r = err_set(e, ERR_NOT_FOUND, "there is no user '%s'", address);
	if (r == 0)
		*ret_id = id;
	return r;
}

/* An account that comes back does not bring its old tokens along. */
static int revoke_tokens(struct db *db, const char *address, struct err *e)
{
	static const char sql_revoke[] = "UPDATE token SET revoked_ms = ?1 WHERE revoked_ms IS NULL"
					 " AND user_id = (SELECT id FROM user WHERE email = ?2)";

	return db_exec(db, e, sql_revoke, "it", time_now(), address);
}

int user_add(struct db *db, const struct caller *by, const char *email, const char *name,
	     struct err *e)
{
	static const char sql_add[] =
		"INSERT INTO user (email, name, created_ms) VALUES (?1, ?2, ?3)"
		" ON CONFLICT (email) DO UPDATE SET active = 1,"
		" name = coalesce(excluded.name, name) WHERE active = 0";
	char address[ACCESS_EMAIL_MAX + 1];
	int r = normalise(email, address, e);

	if (r == 0 && name)
		r = access_check_text("the user's name", name, ACCESS_NAME_MAX, e);
	if (r == 0)
		r = db_exec(db, e, sql_add, "tti", address, name, time_now());
	if (r == 0 && db_changes(db) == 0)
		r = err_set(e, ERR_CONFLICT, "user '%s' exists already", address);
	if (r == 0)
		r = revoke_tokens(db, address, e);
	return r < 0 ? r : access_changed(db, by, "user.add", address, name, e);
}

int user_check_last_admin(struct db *db, int64_t user_id, struct err *e)
{
	static const char sql_others[] =
		"SELECT count(*) FROM member m JOIN user u ON u.id = m.user_id"
		" WHERE m.group_id = 'admin' AND u.active = 1 AND u.id <> ?1"
		" AND u.email <> '" SCHEDULER_EMAIL "'";
	int64_t others = 0;
	int r = db_get_int(db, &others, 0, e, sql_others, "i", user_id);

	if (r == 0 && others == 0)
		return err_set(e, ERR_CONFLICT,
			       "this would leave no admin: add another one to the group first");
	return r;
}

/* The tokens stay as they are, so that their holder is told why they stopped. */
static int deactivate(struct db *db, int64_t id, struct err *e)
{
	static const char sql_user[] = "UPDATE user SET active = 0 WHERE id = ?1";
	static const char sql_members[] = "DELETE FROM member WHERE user_id = ?1";
	int r = user_check_last_admin(db, id, e);

	if (r == 0)
		r = db_exec(db, e, sql_user, "i", id);
	return r < 0 ? r : db_exec(db, e, sql_members, "i", id);
}

int user_remove(struct db *db, const struct caller *by, const char *email, struct err *e)
{
	int64_t id = 0;
	int r = user_find(db, email, &id, e);

	if (r == 0)
		r = deactivate(db, id, e);
	return r < 0 ? r : access_changed(db, by, "user.remove", email, NULL, e);
}

int user_list(struct db *db, struct json_out *out, struct err *e)
{
	static const char sql_list[] =
		"SELECT u.email, u.name, u.active, u.created_ms, u.last_pull_ms,"
		" (SELECT json_group_array(name) FROM (SELECT g.name FROM member m"
		" JOIN user_group g ON g.id = m.group_id WHERE m.user_id = u.id ORDER BY 1))"
		" FROM user u ORDER BY u.email";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_list, "");

	if (r < 0)
		return r;
	while ((r = stmt_next(q, e)) > 0) {
		json_open(out, NULL, '{');
		json_add_text(out, "email", stmt_text(q, 0));
		json_add_text(out, "name", stmt_text(q, 1));
		json_add_bool(out, "active", stmt_int(q, 2) != 0);
		access_add_time(out, "created_at", stmt_int(q, 3));
		access_add_time(out, "last_pull_at", stmt_int(q, 4));
		json_add_raw(out, "groups", stmt_bytes(q, 5));
		json_close(out);
	}
	return r;
}

int user_note_pull(struct db *db, const struct caller *caller, int64_t now_ms, struct err *e)
{
	static const char sql_pull[] = "UPDATE user SET last_pull_ms = ?1 WHERE id = ?2";

	return db_exec(db, e, sql_pull, "ii", now_ms, caller->user_id);
}
