/* SPDX-License-Identifier: Apache-2.0 */
#include "access/access-internal.h"

#include "base/time.h"

static bool is_type(const char *type)
{
	return str_eq(type, "table") || str_eq(type, "memory_domain");
}

static int grant_changed(struct db *db, const struct caller *by, const char *action,
			 const struct grant *grant, struct err *e)
{
	AUTO_FREE char *resource = xasprintf("%s:%s", grant->resource_type, grant->resource_id);
	AUTO_FREE char *detail = xasprintf("%s%s%s", grant->group, grant->rights ? " " : "",
					   grant->rights ? grant->rights : "");

	return access_changed(db, by, action, resource, detail, e);
}

int grant_add(struct db *db, const struct caller *by, const struct grant *grant, int64_t *ret_id,
	      struct err *e)
{
	static const char sql_add[] =
		"INSERT INTO resource_grant (group_id, resource_type, resource_id, created_ms,"
		" rights) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
	AUTO_FREE char *group_id = NULL;
	int64_t id = 0;
	int r = group_find(db, grant->group, &group_id, e);

	if (r == 0 && !is_type(grant->resource_type))
		r = err_set(e, ERR_USAGE, "resource type '%s' is not one of table, memory_domain",
			    grant->resource_type ? grant->resource_type : "");
	if (r == 0)
		r = access_check_text("the resource id", grant->resource_id, ACCESS_NAME_MAX, e);
	if (r == 0)
		r = db_exec(db, e, sql_add, "tttit", group_id, grant->resource_type,
			    grant->resource_id, time_now(), grant->rights);
	if (r == 0 && db_changes(db) == 0)
		r = err_set(e, ERR_CONFLICT, "group '%s' has %s '%s' already", grant->group,
			    grant->resource_type, grant->resource_id);
	if (r < 0)
		return r;
	id = db_last_id(db);
	r = grant_changed(db, by, "grant.add", grant, e);
	if (r == 0)
		*ret_id = id;
	return r;
}

int grant_remove(struct db *db, const struct caller *by, int64_t id, struct err *e)
{
	static const char sql_get[] =
		"SELECT group_id || ' ' || resource_type || ':' || resource_id"
		" FROM resource_grant WHERE id = ?1";
	static const char sql_remove[] = "DELETE FROM resource_grant WHERE id = ?1";
	AUTO_FREE char *what = NULL;
	int r = db_get_text(db, &what, e, sql_get, "i", id);

	if (r == 0 && !what)
		r = err_set(e, ERR_NOT_FOUND, "there is no grant %lld", (long long)id);
	if (r == 0)
		r = db_exec(db, e, sql_remove, "i", id);
	return r < 0 ? r : access_changed(db, by, "grant.remove", what, NULL, e);
}

int grant_visit(struct db *db, grant_visit_fn visit, void *ctx, struct err *e)
{
	static const char sql_list[] =
		"SELECT r.id, r.group_id, g.name, r.resource_type, r.resource_id, r.created_ms,"
		" r.rights"
		" FROM resource_grant r JOIN user_group g ON g.id = r.group_id"
		" ORDER BY g.name, r.resource_type, r.resource_id";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_list, "");

	if (r < 0)
		return r;
	while ((r = stmt_next(q, e)) > 0) {
		struct grant_row row = {
			.id = stmt_int(q, 0),
			.group_id = stmt_text(q, 1),
			.group = stmt_text(q, 2),
			.resource_type = stmt_text(q, 3),
			.resource_id = stmt_text(q, 4),
			.created_ms = stmt_int(q, 5),
			.rights = stmt_text(q, 6),
		};

		r = visit(ctx, &row, e);
		if (r < 0)
			return r;
	}
	return r;
}

int grant_forget(struct db *db, const char *resource_type, const char *resource_id, struct err *e)
{
	static const char sql_forget[] =
		"DELETE FROM resource_grant WHERE resource_type = ?1 AND resource_id = ?2";
	int r = db_exec(db, e, sql_forget, "tt", resource_type, resource_id);

	return r < 0 ? r : generation_bump(db, "access", e);
}
