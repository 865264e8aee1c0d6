/* SPDX-License-Identifier: Apache-2.0 */
#include "memory/items.h"

#include "base/hash.h"
#include "base/time.h"
#include "memory/items-internal.h"

/* 22 characters of a made-up id: no two rules get the same one. */
#define ID_BYTES 16

static const char migration_1[] =
	"CREATE TABLE item (id TEXT PRIMARY KEY, title TEXT NOT NULL, content TEXT NOT NULL,"
	" category TEXT, tags TEXT, status TEXT NOT NULL, contributors TEXT, source_user TEXT,"
	" audience TEXT, confidence REAL, domain TEXT, entities TEXT, source_type TEXT,"
	" source_ref TEXT, valid_from_ms INTEGER, valid_until_ms INTEGER, supersedes TEXT,"
	" sensitivity TEXT, is_personal INTEGER NOT NULL, mandatory INTEGER NOT NULL,"
	" created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL);";

static const char *const migrations[] = { migration_1, NULL };

const struct db_schema memory_schema = { .component = "memory", .migrations = migrations };

static int changed(struct db *db, const struct caller *by, const char *action, const char *id,
		   struct err *e)
{
	int r = generation_bump(db, "rules", e);

	return r < 0 ? r : audit_add(db, by, action, id, NULL, e);
}

/* Asked after the write, inside its transaction: what is over a limit is rolled back. */
static int check_totals(struct db *db, struct err *e)
{
	static const char sql_totals[] =
		"SELECT count(*), coalesce(sum(CASE WHEN mandatory THEN length(CAST(content AS BLOB))"
		" ELSE 0 END), 0) FROM item";
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
	return 0;
}

/* Numbers are bound as text and cast: null stays null. */
static int write_item(struct db *db, const struct item_values *v, struct err *e)
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

static int exists(struct db *db, const char *id, struct err *e)
{
	static const char sql_exists[] = "SELECT EXISTS (SELECT 1 FROM item WHERE id = ?1)";
	int64_t is_there = 0;
	int r = db_get_int(db, &is_there, 0, e, sql_exists, "t", id);

	return r < 0 ? r : is_there != 0;
}

int rule_put(struct db *db, const struct rule_put *put, char **ret_id, bool *ret_is_new,
	     struct err *e)
{
	AUTO_ITEM_VALUES struct item_values v = { 0 };
	char random[RANDOM_TEXT_MAX];
	int was_there;
	int r = item_values_read(put->fields, &v, e);

	if (r < 0)
		return r;
	if (!v.text[ITEM_ID]) {
		random_text(ID_BYTES, random);
		v.text[ITEM_ID] = xasprintf("r%s", random);
	}
	if (!v.text[ITEM_SOURCE_USER] && put->by)
		v.text[ITEM_SOURCE_USER] = xstrdup(put->by->email);
	was_there = exists(db, v.text[ITEM_ID], e);
	if (was_there > 0 && !put->replace)
		return err_set(e, ERR_CONFLICT, "rule '%s' exists already", v.text[ITEM_ID]);
	r = was_there < 0 ? was_there : write_item(db, &v, e);
	if (r == 0)
		r = check_totals(db, e);
	if (r == 0)
		r = changed(db, put->by, was_there ? "rule.replace" : "rule.add", v.text[ITEM_ID],
			    e);
	if (r < 0)
		return r;
	*ret_id = TAKE(v.text[ITEM_ID]);
	*ret_is_new = !was_there;
	return 0;
}

int rule_remove(struct db *db, const struct caller *by, const char *id, struct err *e)
{
	static const char sql_remove[] = "DELETE FROM item WHERE id = ?1";
	int r = db_exec(db, e, sql_remove, "t", id);

	if (r == 0 && db_changes(db) == 0)
		r = err_set(e, ERR_NOT_FOUND, "there is no rule '%s'", id);
	return r < 0 ? r : changed(db, by, "rule.remove", id, e);
}

int rule_list(struct db *db, struct json_out *out, struct err *e)
{
	static const char sql_list[] =
		"SELECT id, title, category, domain, audience, status, mandatory, confidence,"
		" length(CAST(content AS BLOB)) FROM item ORDER BY id";
	static const char *const texts[] = { "id",     "title",    "category",
					     "domain", "audience", "status" };
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_list, "");

	if (r < 0)
		return r;
	while ((r = stmt_next(q, e)) > 0) {
		json_open(out, NULL, '{');
		for (int i = 0; i < (int)ARRAY_LEN(texts); i++)
			json_add_text(out, texts[i], stmt_text(q, i));
		json_add_bool(out, "mandatory", stmt_int(q, 6) != 0);
		if (stmt_is_null(q, 7))
			json_add_null(out, "confidence");
		else
			json_add_double(out, "confidence", stmt_double(q, 7));
		json_add_int(out, "size_bytes", stmt_int(q, 8));
		json_close(out);
	}
	return r;
}

int rule_add(struct db *db, const char *id, struct json_out *out, struct err *e)
{
	static const char sql_get[] = "SELECT " ITEM_COLUMNS " FROM item WHERE id = ?1";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_get, "t", id);

	if (r == 0)
		r = stmt_next(q, e);
	if (r == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no rule '%s'", id);
	if (r < 0)
		return r;
	json_open(out, NULL, '{');
	item_add_members(q, out);
	json_close(out);
	return 0;
}
