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

/* An item that goes takes its evidence along; what was done to it stays known. */
static const char migration_2[] =
	"CREATE INDEX item_by_status ON item (status, domain, updated_ms);"
	"CREATE TABLE evidence (id INTEGER PRIMARY KEY,"
	" item_id TEXT NOT NULL REFERENCES item (id) ON DELETE CASCADE,"
	" source_user TEXT NOT NULL, source_ref TEXT NOT NULL, detection TEXT NOT NULL,"
	" quote TEXT NOT NULL, position INTEGER, created_ms INTEGER NOT NULL,"
	" UNIQUE (item_id, source_user, source_ref));"
	"CREATE TABLE item_history (id INTEGER PRIMARY KEY, item_id TEXT NOT NULL,"
	" at_ms INTEGER NOT NULL, user_id INTEGER, action TEXT NOT NULL, status TEXT NOT NULL,"
	" note TEXT, before TEXT);"
	"CREATE INDEX item_history_by_item ON item_history (item_id);"
	"CREATE TABLE item_relation (a TEXT NOT NULL REFERENCES item (id) ON DELETE CASCADE,"
	" b TEXT NOT NULL REFERENCES item (id) ON DELETE CASCADE, kind TEXT NOT NULL,"
	" score REAL, explanation TEXT, severity TEXT, suggestion TEXT, resolution TEXT,"
	" resolved_by INTEGER, resolved_ms INTEGER, created_ms INTEGER NOT NULL,"
	" PRIMARY KEY (a, b, kind)) WITHOUT ROWID;"
	"CREATE INDEX item_relation_by_b ON item_relation (b);";

static const char *const migrations[] = { migration_1, migration_2, NULL };

const struct db_schema memory_schema = { .component = "memory", .migrations = migrations };

/* With what it was before, so that a replacement can be looked up and undone by hand. */
static int write_and_note(struct db *db, const struct caller *by, const struct item_values *v,
			  bool was_there, struct err *e)
{
	AUTO_BUF struct buf before = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&before);
	struct item_event event = {
		.id = v->text[ITEM_ID],
		.action = was_there ? "replace" : "add",
		.audit = was_there ? "rule.replace" : "rule.add",
	};
	int r = was_there ? rule_add(db, event.id, &o, e) : 0;

	event.before = was_there ? buf_str(&before) : NULL;
	if (r == 0)
		r = item_write(db, v, e);
	if (r == 0)
		r = item_check_totals(db, e);
	if (r == 0)
		r = generation_bump(db, "rules", e);
	return r < 0 ? r : item_note(db, by, &event, e);
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
	was_there = item_exists(db, v.text[ITEM_ID], e);
	if (was_there > 0 && !put->replace)
		return err_set(e, ERR_CONFLICT, "rule '%s' exists already", v.text[ITEM_ID]);
	r = was_there < 0 ? was_there : write_and_note(db, put->by, &v, was_there > 0, e);
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
	if (r == 0)
		r = generation_bump(db, "rules", e);
	return r < 0 ? r
		     : item_note(db, by,
				 &(struct item_event){
					 .id = id, .action = "remove", .audit = "rule.remove" },
				 e);
}

int rule_list(struct db *db, const struct rule_filter *f, struct json_out *out, struct err *e)
{
	static const char sql_list[] =
		"SELECT id, title, category, domain, audience, status, mandatory, confidence,"
		" length(CAST(content AS BLOB)), (SELECT count(*) FROM evidence WHERE item_id = item.id)"
		" FROM item WHERE (?2 IS NULL OR (" ITEM_STATUS_WORD ") = ?2)"
		" AND (?3 IS NULL OR domain = ?3) ORDER BY id";
	static const char *const texts[] = { "id",     "title",    "category",
					     "domain", "audience", "status" };
	AUTO_STMT struct stmt *q = NULL;
	int r = item_check_status_word(f->status, e);

	if (r == 0)
		r = db_query(db, &q, e, sql_list, "itt", time_now(), f->status, f->domain);
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
		json_add_int(out, "evidence_count", stmt_int(q, 9));
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
