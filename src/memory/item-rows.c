/* SPDX-License-Identifier: Apache-2.0 */
/* What putting a rule and the life of an item share: its row, its history, the limits on all. */
#include "memory/items-internal.h"

#include "base/time.h"

/* In force, waiting, turned down and revoked ones of years. */
#define ITEMS_MAX 100000

/* Asked after the write, inside its transaction: what is over a limit is rolled back. */
int item_check_totals(struct db *db, struct err *e)
{
	static const char sql_totals[] =
		"SELECT count(*) FILTER (WHERE status = 'approved'), coalesce(sum(CASE WHEN mandatory"
		" THEN length(CAST(content AS BLOB)) ELSE 0 END), 0), count(*) FROM item";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_totals, "");

	if (r == 0)
		r = stmt_next(q, e);
	if (r < 0)
		return r;
	if (stmt_int(q, 0) > RULES_MAX)
		return err_set(e, ERR_LIMIT, "there are %d rules already, which is the limit",
			       RULES_MAX);
	if (stmt_int(q, 1) > RULES_MANDATORY_MAX)
		return err_set(e, ERR_LIMIT,
			       "all mandatory rules together would have %lld bytes, the limit is "
			       "%lld",
			       (long long)stmt_int(q, 1), (long long)RULES_MANDATORY_MAX);
	if (stmt_int(q, 2) > ITEMS_MAX)
		return err_set(e, ERR_LIMIT,
			       "there are %d rules and proposals already, which is the limit",
			       ITEMS_MAX);
	return 0;
}

/* Numbers are bound as text and cast: null stays null. */
int item_write(struct db *db, const struct item_values *v, struct err *e)
{
	static const char sql_put[] =
		"INSERT INTO item (" ITEM_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
		" CAST(?10 AS REAL), ?11, ?12, ?13, ?14, nullif(?15, 0), nullif(?16, 0), ?17, ?18,"
		" ?19, ?20, ?21, ?21) ON CONFLICT (id) DO UPDATE SET title = excluded.title,"
		" content = excluded.content, category = excluded.category, tags = excluded.tags,"
		" status = excluded.status, contributors = excluded.contributors,"
		" source_user = excluded.source_user, audience = excluded.audience,"
		" confidence = excluded.confidence, domain = excluded.domain,"
		" entities = excluded.entities, source_type = excluded.source_type,"
		" source_ref = excluded.source_ref, valid_from_ms = excluded.valid_from_ms,"
		" valid_until_ms = excluded.valid_until_ms, supersedes = excluded.supersedes,"
		" sensitivity = excluded.sensitivity, is_personal = excluded.is_personal,"
		" mandatory = excluded.mandatory, updated_ms = excluded.updated_ms";
	char *const *t = v->text;
	const int64_t *n = v->number;

	return db_exec(db, e, sql_put, "ttttttttttttttiittiii", t[ITEM_ID], t[ITEM_TITLE],
		       t[ITEM_CONTENT], t[ITEM_CATEGORY], t[ITEM_TAGS], t[ITEM_STATUS],
		       t[ITEM_CONTRIBUTORS], t[ITEM_SOURCE_USER], t[ITEM_AUDIENCE],
		       t[ITEM_CONFIDENCE], t[ITEM_DOMAIN], t[ITEM_ENTITIES], t[ITEM_SOURCE_TYPE],
		       t[ITEM_SOURCE_REF], n[ITEM_VALID_FROM], n[ITEM_VALID_UNTIL],
		       t[ITEM_SUPERSEDES], t[ITEM_SENSITIVITY], n[ITEM_IS_PERSONAL],
		       n[ITEM_MANDATORY], time_now());
}

int item_exists(struct db *db, const char *id, struct err *e)
{
	static const char sql_exists[] = "SELECT EXISTS (SELECT 1 FROM item WHERE id = ?1)";
	int64_t is_there = 0;
	int r = db_get_int(db, &is_there, 0, e, sql_exists, "t", id);

	return r < 0 ? r : is_there != 0;
}

int item_note(struct db *db, const struct caller *by, const struct item_event *event, struct err *e)
{
	static const char sql_note[] =
		"INSERT INTO item_history (item_id, at_ms, user_id, action, status, note, before)"
		" VALUES (?1, ?2, nullif(?3, 0), ?4, coalesce((SELECT CASE WHEN mandatory AND"
		" status = 'approved' THEN 'mandatory' ELSE status END FROM item WHERE id = ?1),"
		" 'removed'), ?5, ?6)";
	int r = db_exec(db, e, sql_note, "tiittt", event->id, time_now(), by ? by->user_id : 0,
			event->action, event->note, event->before);

	return r < 0 ? r : audit_add(db, by, event->audit, event->id, event->note, e);
}

bool item_is_for(const struct caller *caller, const struct strv *domains, const char *audience,
		 const char *domain)
{
	if (caller->is_admin || !audience || str_eq(audience, "all"))
		return true;
	if (str_starts(audience, "group:") &&
	    strv_has(&caller->group_names, audience + strlen("group:")))
		return true;
	return domain && strv_has(domains, domain);
}
