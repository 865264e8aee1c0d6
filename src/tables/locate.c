/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/locate.h"

#include "tables/registry-internal.h"

/*
 * The version asked for, and the object that is one of its files or, where the caller sees but an
 * excerpt, the excerpt: that has no parts, and is asked for by its own hash. Of versions with the
 * same content the newest, as the same may have been published twice.
 */
static const char sql_find[] = "WITH r AS MATERIALIZED (SELECT t.id AS table_id, " RIGHTS_OR_ALL(
	"?2", "?3",
	"t.id") " AS rights FROM tbl t WHERE (t.id=?1 OR t.name=?1) AND t.query_mode<>'remote')"
		" SELECT t.id, p.sha256, v.created_ms FROM r JOIN tbl t ON t.id=r.table_id"
		" JOIN version v ON v.id=(CASE WHEN ?4 IS NULL THEN t.current_version ELSE"
		" (SELECT max(w.id) FROM version w WHERE w.table_id=t.id AND w.sha256=?4) END)"
		" JOIN part p ON p.version_id=v.id AND p.path=?5 WHERE r.rights=''"
		" UNION ALL SELECT t.id, x.sha256, v.created_ms FROM r JOIN tbl t ON t.id=r.table_id"
		" JOIN version v ON v.table_id=t.id JOIN excerpt x ON x.version_id=v.id AND"
		" x.rights=r.rights WHERE ?5='' AND (CASE WHEN ?4 IS NULL THEN"
		" v.id=t.current_version ELSE x.sha256=?4 END) ORDER BY 3 DESC LIMIT 1";

static int find(struct db *db, const struct caller *caller, const struct wanted *w,
		struct located *ret, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_find, "tiitt", w->table, (int64_t)caller->is_admin,
			 caller->user_id, w->version, w->part ? w->part : "");

	if (r == 0)
		r = stmt_next(q, e);
	if (r <= 0)
		return r;
	(void)snprintf(ret->table, sizeof(ret->table), "%s", stmt_text(q, 0));
	(void)snprintf(ret->sha256, sizeof(ret->sha256), "%s", stmt_text(q, 1));
	ret->published_ms = stmt_int(q, 2);
	return 1;
}

/* Only when nothing was found: which of the reasons is it? */
static int explain(struct db *db, const struct caller *caller, const struct wanted *w,
		   enum locate_answer *ret_answer, struct err *e)
{
	AUTO_TABLE struct table t = { 0 };
	int64_t version = 0;
	int r = registry_find(db, caller, w->table, &t, e);

	if (r == ERR_NOT_FOUND) {
		*ret_answer = LOCATE_NO_TABLE;
		return 0;
	}
	if (r == 0 && w->version)
		r = db_get_int(db, &version, 0, e,
			       "SELECT max(id) FROM version WHERE table_id=?1 AND sha256=?2", "tt",
			       t.id, w->version);
	else
		version = t.version;
	if (r < 0)
		return r;
	if (str_eq(t.query_mode, "remote"))
		*ret_answer = LOCATE_REMOTE;
	else if (version == 0)
		*ret_answer = LOCATE_NO_VERSION;
	else
		*ret_answer = w->part ? LOCATE_NO_PART : LOCATE_IN_PARTS;
	return 0;
}

int locate(struct db *db, const struct caller *caller, const struct wanted *wanted,
	   enum locate_answer *ret_answer, struct located *ret_located, struct err *e)
{
	int r;

	if (!name_is_table(wanted->table)) {
		*ret_answer = LOCATE_NO_TABLE;
		return 0;
	}
	r = find(db, caller, wanted, ret_located, e);
	if (r > 0)
		*ret_answer = LOCATE_FOUND;
	return r == 0 ? explain(db, caller, wanted, ret_answer, e) : r < 0 ? r : 0;
}
