/* SPDX-License-Identifier: Apache-2.0 */
#include "access/access-internal.h"

#include "base/hash.h"
#include "base/time.h"

/* A group's own id: a name may be given to another group one day, and grants must not follow it. */
#define GROUP_ID_BYTES 6

int group_find(struct db *db, const char *group, char **ret_id, struct err *e)
{
	/* An id wins over another group's equal name. */
	static const char sql_find[] =
		"SELECT id FROM user_group WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC";
	AUTO_FREE char *id = NULL;
	int r = access_check_text("the group", group, ACCESS_NAME_MAX, e);

	if (r == 0)
		r = db_get_text(db, &id, e, sql_find, "t", group);
	if (r == 0 && !id)
		r = err_set(e, ERR_NOT_FOUND, "there is no group '%s'", group);
	if (r == 0)
		*ret_id = TAKE(id);
	return r;
}

/* A group stands in URL paths, in "group:<name>" of a rule, and on command lines. */
static int check_name(const char *name, struct err *e)
{
	int r = access_check_text("the group's name", name, ACCESS_NAME_MAX, e);

	if (r == 0 && !name_is_table(name))
		r = err_set(e, ERR_USAGE, "group name '%s': only letters, digits, '_', '.', '-'",
			    name);
	return r;
}

int group_add(struct db *db, const struct caller *by, const char *name, char **ret_id,
	      struct err *e)
{
	static const char sql_add[] =
		"INSERT INTO user_group (id, name, created_ms) VALUES (?1, ?2, ?3)"
		" ON CONFLICT (name) DO NOTHING";
	unsigned char random[GROUP_ID_BYTES];
	char hex[2 * GROUP_ID_BYTES + 1];
	AUTO_FREE char *id = NULL;
	int r = check_name(name, e);

	if (r < 0)
		return r;
	random_bytes(random, sizeof(random));
	hex_encode(random, sizeof(random), hex);
	id = xasprintf("g-%s", hex);
	r = db_exec(db, e, sql_add, "tti", id, name, time_now());
	if (r == 0 && db_changes(db) == 0)
		r = err_set(e, ERR_CONFLICT, "group '%s' exists already", name);
	if (r == 0)
		r = access_changed(db, by, "group.add", name, id, e);
	if (r == 0)
		*ret_id = TAKE(id);
	return r;
}

int group_remove(struct db *db, const struct caller *by, const char *group, struct err *e)
{
	static const char sql_remove[] = "DELETE FROM user_group WHERE id = ?1";
	AUTO_FREE char *id = NULL;
	int r = group_find(db, group, &id, e);

	if (r == 0 && str_eq(id, ACCESS_ADMIN_GROUP))
		r = err_set(e, ERR_CONFLICT, "the group admin cannot be removed");
	if (r == 0)
		r = db_exec(db, e, sql_remove, "t", id);
	return r < 0 ? r : access_changed(db, by, "group.remove", group, id, e);
}

int group_list(struct db *db, struct json_out *out, struct err *e)
{
	static const char sql_list[] =
		"SELECT g.id, g.name, g.created_ms,"
		" (SELECT json_group_array(email) FROM (SELECT u.email FROM member m"
		" JOIN user u ON u.id = m.user_id WHERE m.group_id = g.id ORDER BY 1))"
		" FROM user_group g ORDER BY g.name";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_list, "");

	if (r < 0)
		return r;
	while ((r = stmt_next(q, e)) > 0) {
		json_open(out, NULL, '{');
		json_add_text(out, "id", stmt_text(q, 0));
		json_add_text(out, "name", stmt_text(q, 1));
		access_add_time(out, "created_at", stmt_int(q, 2));
		json_add_raw(out, "members", stmt_bytes(q, 3));
		json_close(out);
	}
	return r;
}

int member_add(struct db *db, const struct caller *by, const char *group, const char *email,
	       struct err *e)
{
	static const char sql_add[] = "INSERT INTO member (group_id, user_id) VALUES (?1, ?2)"
				      " ON CONFLICT DO NOTHING";
	AUTO_FREE char *id = NULL;
	int64_t user_id = 0;
	int r = group_find(db, group, &id, e);

	if (r == 0)
		r = user_find(db, email, &user_id, e);
	if (r == 0)
		r = db_exec(db, e, sql_add, "ti", id, user_id);
	if (r == 0 && db_changes(db) == 0)
		r = err_set(e, ERR_CONFLICT, "'%s' is a member of '%s' already", email, group);
	return r < 0 ? r : access_changed(db, by, "member.add", group, email, e);
}

int member_remove(struct db *db, const struct caller *by, const char *group, const char *email,
		  struct err *e)
{
	static const char sql_remove[] = "DELETE FROM member WHERE group_id = ?1 AND user_id = ?2";
	AUTO_FREE char *id = NULL;
	int64_t user_id = 0;
	int r = group_find(db, group, &id, e);

	if (r == 0)
		r = user_find(db, email, &user_id, e);
	if (r == 0)
		r = db_exec(db, e, sql_remove, "ti", id, user_id);
	if (r == 0 && db_changes(db) == 0)
		r = err_set(e, ERR_NOT_FOUND, "'%s' is no member of '%s'", email, group);
	if (r == 0 && str_eq(id, ACCESS_ADMIN_GROUP))
		r = user_check_last_admin(db, user_id, e);
	return r < 0 ? r : access_changed(db, by, "member.remove", group, email, e);
}
