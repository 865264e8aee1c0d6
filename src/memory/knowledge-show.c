/* SPDX-License-Identifier: Apache-2.0 */
/* Knowledge as JSON, for who may see it. */
#include "memory/knowledge.h"

#include "base/time.h"
#include "memory/items-internal.h"

/* The columns of an item, its status as one word. */
#define COLUMNS                                                                                     \
	"id, title, content, category, tags, " ITEM_STATUS_WORD                                     \
	" AS word, contributors, source_user,"                                                      \
	" audience, confidence, domain, entities, source_type, source_ref, valid_from_ms,"          \
	" valid_until_ms, supersedes, sensitivity, is_personal, mandatory, created_ms, updated_ms," \
	" (SELECT count(*) FROM evidence WHERE item_id = item.id)"

enum { CREATED = ITEM_FIELDS, UPDATED, EVIDENCE };

static const char *const status_words[] = { "pending", "approved", "mandatory", "rejected",
					    "revoked", "expired",  "withdrawn" };

int item_check_status_word(const char *word, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(status_words); i++) {
		if (!word || str_eq(word, status_words[i]))
			return 0;
	}
	return err_set(e, ERR_USAGE,
		       "status '%s' is not one of pending, approved, mandatory, rejected, revoked, "
		       "expired, withdrawn",
		       word);
}

struct viewer {
	const struct caller *caller;
	struct strv domains;
};

static void viewer_release(struct viewer *v)
{
	strv_release(&v->domains);
}

/* Admins see all; others their own, and what the bundle may show them. */
static bool may_see(const struct viewer *v, const struct stmt *q)
{
	const char *status = stmt_text(q, ITEM_STATUS);

	if (v->caller->is_admin || str_eq(stmt_text(q, ITEM_SOURCE_USER), v->caller->email))
		return true;
	if (stmt_int(q, ITEM_IS_PERSONAL) ||
	    !(str_eq(status, "approved") || str_eq(status, "mandatory")))
		return false;
	return item_is_for(v->caller, &v->domains, stmt_text(q, ITEM_AUDIENCE),
			   stmt_text(q, ITEM_DOMAIN));
}

static void add_members(const struct stmt *q, int64_t now_ms, struct json_out *out)
{
	double confidence =
		stmt_is_null(q, ITEM_CONFIDENCE) ? 0.5 : stmt_double(q, ITEM_CONFIDENCE);

	item_add_members(q, out);
	json_add_double(out, "confidence_now",
			knowledge_confidence_now(confidence, stmt_int(q, ITEM_MANDATORY) != 0,
						 now_ms - stmt_int(q, UPDATED)));
	json_add_int(out, "evidence_count", stmt_int(q, EVIDENCE));
}

int knowledge_list(struct db *db, const struct knowledge_filter *f, struct json_out *out,
		   struct err *e)
{
	static const char sql_list[] =
		"SELECT " COLUMNS " FROM item WHERE (?2 IS NULL OR word = ?2)"
		" AND (?3 IS NULL OR domain = ?3) ORDER BY updated_ms DESC, id";
	AUTO(viewer_release) struct viewer viewer = { .caller = f->caller };
	AUTO_STMT struct stmt *q = NULL;
	int64_t now = time_now(), skip = f->offset, left = f->limit;
	int r;

	r = item_check_status_word(f->status, e);
	if (r == 0)
		r = access_granted(db, f->caller, "memory_domain", &viewer.domains, e);
	if (r == 0)
		r = db_query(db, &q, e, sql_list, "itt", now, f->status, f->domain);
	while (r >= 0 && left > 0 && (r = stmt_next(q, e)) > 0) {
		if (!may_see(&viewer, q) || skip-- > 0)
			continue;
		json_open(out, NULL, '{');
		add_members(q, now, out);
		json_close(out);
		left--;
	}
	return r < 0 ? r : 0;
}

/* email NULL: everybody's. */
static int add_evidence(struct db *db, const char *id, const char *email, struct json_out *out,
			struct err *e)
{
	static const char sql_evidence[] =
		"SELECT source_user, source_ref, detection, quote, position, created_ms FROM evidence"
		" WHERE item_id = ?1 AND (?2 IS NULL OR source_user = ?2) ORDER BY id";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_evidence, "tt", id, email);

	json_open(out, "evidence", '[');
	while (r >= 0 && (r = stmt_next(q, e)) > 0) {
		json_open(out, NULL, '{');
		json_add_text(out, "source_user", stmt_text(q, 0));
		json_add_text(out, "source_ref", stmt_text(q, 1));
		json_add_text(out, "detection_type", stmt_text(q, 2));
		json_add_text(out, "user_quote", stmt_text(q, 3));
		if (stmt_is_null(q, 4))
			json_add_null(out, "position");
		else
			json_add_int(out, "position", stmt_int(q, 4));
		json_add_time(out, "created_at", stmt_int(q, 5));
		json_close(out);
	}
	json_close(out);
	return r;
}

static int add_history(struct db *db, const char *id, struct json_out *out, struct err *e)
{
	static const char sql_history[] =
		"SELECT h.at_ms, h.action, h.status, h.note, h.before, u.email FROM item_history h"
		" LEFT JOIN user u ON u.id = h.user_id WHERE h.item_id = ?1 ORDER BY h.id";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_history, "t", id);

	json_open(out, "history", '[');
	while (r >= 0 && (r = stmt_next(q, e)) > 0) {
		json_open(out, NULL, '{');
		json_add_time(out, "at", stmt_int(q, 0));
		json_add_text(out, "by", stmt_text(q, 5));
		json_add_text(out, "action", stmt_text(q, 1));
		json_add_text(out, "status", stmt_text(q, 2));
		json_add_text(out, "note", stmt_text(q, 3));
		if (stmt_is_null(q, 4))
			json_add_null(out, "before");
		else
			json_add_raw(out, "before", stmt_bytes(q, 4));
		json_close(out);
	}
	json_close(out);
	return r;
}

static int add_relations(struct db *db, const char *id, struct json_out *out, struct err *e)
{
	static const char sql_relations[] =
		"SELECT kind, CASE WHEN a = ?1 THEN b ELSE a END, score, resolution FROM item_relation"
		" WHERE a = ?1 OR b = ?1 ORDER BY created_ms, a, b";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_relations, "t", id);

	json_open(out, "relations", '[');
	while (r >= 0 && (r = stmt_next(q, e)) > 0) {
		json_open(out, NULL, '{');
		json_add_text(out, "relation_type", stmt_text(q, 0));
		json_add_text(out, "item_id", stmt_text(q, 1));
		json_add_double(out, "score", stmt_double(q, 2));
		json_add_text(out, "resolution", stmt_text(q, 3));
		json_close(out);
	}
	json_close(out);
	return r;
}

/* Ends the row's statement before others run on the same tables. */
static int add_item(struct db *db, const struct viewer *viewer, const char *id,
		    struct json_out *out, struct err *e)
{
	static const char sql_get[] = "SELECT " COLUMNS " FROM item WHERE id = ?2";
	AUTO_STMT struct stmt *q = NULL;
	int64_t now = time_now();
	int r = db_query(db, &q, e, sql_get, "it", now, id);

	if (r == 0)
		r = stmt_next(q, e);
	if (r < 0)
		return r;
	/* What one may not see does not exist. */
	if (r == 0 || !may_see(viewer, q))
		return err_set(e, ERR_NOT_FOUND, "there is no knowledge item '%s'", id);
	add_members(q, now, out);
	return 0;
}

int knowledge_show(struct db *db, const struct caller *caller, const char *id, struct json_out *out,
		   struct err *e)
{
	AUTO(viewer_release) struct viewer viewer = { .caller = caller };
	int r = access_granted(db, caller, "memory_domain", &viewer.domains, e);

	json_open(out, NULL, '{');
	if (r == 0)
		r = add_item(db, &viewer, id, out, e);
	if (r == 0)
		r = add_evidence(db, id, caller->is_admin ? NULL : caller->email, out, e);
	if (r == 0 && caller->is_admin)
		r = add_history(db, id, out, e);
	if (r == 0 && caller->is_admin)
		r = add_relations(db, id, out, e);
	json_close(out);
	return r;
}

int knowledge_catalog_add(struct db *db, const struct knowledge_catalog *c, struct json_out *out,
			  struct err *e)
{
	static const char sql_catalog[] =
		"SELECT id, title, content FROM item WHERE is_personal = 0 AND (status = 'approved'"
		" OR (status = 'pending' AND source_type = ?1)) ORDER BY updated_ms DESC, id";
	AUTO_STMT struct stmt *q = NULL;
	size_t most = out->out->n + c->max_bytes;
	int r = db_query(db, &q, e, sql_catalog, "t", c->source_type);

	while (r >= 0 && out->out->n < most && (r = stmt_next(q, e)) > 0) {
		json_open(out, NULL, '{');
		json_add_text(out, "id", stmt_text(q, 0));
		json_add_text(out, "title", stmt_text(q, 1));
		json_add_text(out, "content", stmt_text(q, 2));
		json_close(out);
	}
	return r < 0 ? r : 0;
}

int knowledge_count(struct db *db, struct json_out *out, struct err *e)
{
	static const char sql_count[] = "SELECT " ITEM_STATUS_WORD " AS word, count(*) FROM item"
					" GROUP BY word";
	AUTO_STMT struct stmt *q = NULL;
	int64_t counts[ARRAY_LEN(status_words)] = { 0 };
	int r = db_query(db, &q, e, sql_count, "i", time_now());

	while (r >= 0 && (r = stmt_next(q, e)) > 0) {
		for (size_t i = 0; i < ARRAY_LEN(status_words); i++) {
			if (str_eq(stmt_text(q, 0), status_words[i]))
				counts[i] = stmt_int(q, 1);
		}
	}
	json_open(out, NULL, '{');
	for (size_t i = 0; i < ARRAY_LEN(status_words); i++)
		json_add_int(out, status_words[i], counts[i]);
	json_close(out);
	return r;
}
