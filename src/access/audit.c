/* SPDX-License-Identifier: Apache-2.0 */
#include "access/access-internal.h"

#include "base/time.h"

int generation_get(struct db *db, const char *name, int64_t *ret_value, struct err *e)
{
	static const char sql_get[] = "SELECT value FROM generation WHERE name = ?1";

	return db_get_int(db, ret_value, 0, e, sql_get, "t", name);
}

int generation_bump(struct db *db, const char *name, struct err *e)
{
	static const char sql_bump[] = "INSERT INTO generation (name, value) VALUES (?1, 1)"
				       " ON CONFLICT (name) DO UPDATE SET value = value + 1";

	return db_exec(db, e, sql_bump, "t", name);
}

int audit_add(struct db *db, const struct caller *by, const char *action, const char *resource,
	      const char *detail, struct err *e)
{
	static const char sql_add[] = "INSERT INTO audit (at_ms, user_id, action, resource, detail)"
				      " VALUES (?1, nullif(?2, 0), ?3, ?4, ?5)";

	return db_exec(db, e, sql_add, "iittt", time_now(), by ? by->user_id : 0, action, resource,
		       detail);
}

int access_changed(struct db *db, const struct caller *by, const char *action, const char *resource,
		   const char *detail, struct err *e)
{
	int r = generation_bump(db, "access", e);

	return r < 0 ? r : audit_add(db, by, action, resource, detail, e);
}

void access_add_time(struct json_out *out, const char *key, int64_t ms)
{
	char text[TIME_TEXT_MAX];

	json_add_text(out, key, ms > 0 ? time_format_iso(ms, text) : NULL);
}

int audit_list(struct db *db, int64_t before_id, int64_t limit, struct json_out *out, struct err *e)
{
	static const char sql_list[] =
		"SELECT a.id, a.at_ms, u.email, a.action, a.resource, a.detail"
		" FROM audit a LEFT JOIN user u ON u.id = a.user_id"
		" WHERE ?1 = 0 OR a.id < ?1 ORDER BY a.id DESC LIMIT ?2";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_list, "ii", before_id, limit);

	if (r < 0)
		return r;
	while ((r = stmt_next(q, e)) > 0) {
		json_open(out, NULL, '{');
		json_add_int(out, "id", stmt_int(q, 0));
		access_add_time(out, "at", stmt_int(q, 1));
		json_add_text(out, "user", stmt_text(q, 2));
		json_add_text(out, "action", stmt_text(q, 3));
		json_add_text(out, "resource", stmt_text(q, 4));
		json_add_text(out, "detail", stmt_text(q, 5));
		json_close(out);
	}
	return r;
}
