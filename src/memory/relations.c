/* SPDX-License-Identifier: Apache-2.0 */
#include "memory/relations.h"

#include "base/lines.h"
#include "base/time.h"

/* Two of them say "the same thing"; one shared word says little. */
#define SHARED_MIN 2

static int count_shared(const struct json *a, const struct json *b)
{
	int shared = 0;

	for (size_t i = 0; i < json_size(a); i++) {
		const char *one = json_text(json_at(a, i));

		for (size_t k = 0; one && k < json_size(b); k++) {
			const char *other = json_text(json_at(b, k));

			if (other && strcasecmp(one, other) == 0) {
				shared++;
				break;
			}
		}
	}
	return shared;
}

/* Jaccard: shared of all; 0 below SHARED_MIN. */
static double likeness(const char *entities_a, const char *entities_b)
{
	AUTO_JSON struct json *a = NULL;
	AUTO_JSON struct json *b = NULL;
	struct err ignored = { 0 }; /* rows of ours: a list that is none has nothing in it */
	int shared;

	(void)json_parse(bytes_of(entities_a), BUF_OWN_MAX, &a, &ignored);
	(void)json_parse(bytes_of(entities_b), BUF_OWN_MAX, &b, &ignored);
	shared = count_shared(a, b);
	if (shared < SHARED_MIN)
		return 0;
	return (double)shared / ((double)json_size(a) + (double)json_size(b) - shared);
}

static char *cut(const char *text)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	size_t n = text ? strnlen(text, RELATION_TEXT_MAX) : 0;

	if (!text)
		return NULL;
	while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
		n--;
	text_add_line(&out, (struct bytes){ text, n });
	return buf_take(&out);
}

int relation_put(struct db *db, const struct relation *relation, struct err *e)
{
	static const char sql_put[] =
		"INSERT INTO item_relation (a, b, kind, score, explanation, severity, suggestion,"
		" created_ms) VALUES (min(?1, ?2), max(?1, ?2), ?3, ?4, ?5, ?6, ?7, ?8)"
		" ON CONFLICT DO NOTHING";
	AUTO_FREE char *explanation = cut(relation->explanation);
	AUTO_FREE char *severity = cut(relation->severity);
	AUTO_FREE char *suggestion = cut(relation->suggestion);
	int r = db_exec(db, e, sql_put, "tttdttti", relation->a, relation->b, relation->kind,
			relation->score, explanation, severity, suggestion, time_now());

	return r < 0 ? r : db_changes(db) > 0;
}

static int find_like(struct db *db, const char *id, const char *entities, size_t *ret_found,
		     struct err *e)
{
	static const char sql_like[] =
		"SELECT o.id, o.entities FROM item o, item n WHERE n.id = ?1 AND o.id <> n.id"
		" AND o.domain = n.domain AND o.is_personal = 0 AND o.entities IS NOT NULL"
		" AND o.status IN ('approved', 'pending') ORDER BY o.updated_ms DESC, o.id LIMIT ?2";
	AUTO_STMT struct stmt *q = NULL;
	AUTO_STRV struct strv ids = STRV_INIT;
	double scores[RELATION_CANDIDATES_MAX];
	int r = db_query(db, &q, e, sql_like, "ti", id, (int64_t)RELATION_CANDIDATES_MAX);

	while (r >= 0 && (r = stmt_next(q, e)) > 0) {
		double score = likeness(entities, stmt_text(q, 1));

		if (score <= 0)
			continue;
		scores[ids.n] = score;
		strv_add(&ids, stmt_text(q, 0));
	}
	for (size_t i = 0; r >= 0 && i < ids.n; i++) {
		r = relation_put(db,
				 &(struct relation){ .kind = RELATION_DUPLICATE,
						     .a = id,
						     .b = ids.v[i],
						     .score = scores[i] },
				 e);
		*ret_found += r > 0;
	}
	return r < 0 ? r : 0;
}

int relation_find_duplicates(struct db *db, const char *id, size_t *ret_found, struct err *e)
{
	static const char sql_own[] =
		"SELECT entities FROM item WHERE id = ?1 AND domain IS NOT NULL";
	AUTO_FREE char *entities = NULL;
	int r = db_get_text(db, &entities, e, sql_own, "t", id);

	*ret_found = 0;
	return r < 0 || !entities ? r : find_like(db, id, entities, ret_found, e);
}

int relation_candidates(struct db *db, const struct relation_query *query, struct json_out *out,
			struct err *e)
{
	static const char sql_candidates[] =
		"SELECT id, title, content FROM item WHERE (?1 IS NULL OR domain = ?1)"
		" AND is_personal = 0 AND status IN ('approved', 'pending')"
		" ORDER BY updated_ms DESC, id LIMIT ?2";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_candidates, "ti", query->domain,
			 (int64_t)RELATION_CANDIDATES_MAX);
	size_t most = out->out->n + query->max_bytes;

	while (r >= 0 && out->out->n < most && (r = stmt_next(q, e)) > 0) {
		json_open(out, NULL, '{');
		json_add_text(out, "id", stmt_text(q, 0));
		json_add_text(out, "title", stmt_text(q, 1));
		json_add_text(out, "content", stmt_text(q, 2));
		json_close(out);
	}
	return r < 0 ? r : 0;
}

static void add_row(const struct stmt *q, struct json_out *out)
{
	static const char *const names[] = { "relation_type", "item_a_id",
					     "item_b_id",     "title_a",
					     "title_b",       "explanation",
					     "severity",      "suggested_resolution",
					     "resolution",    "resolved_by" };
	char text[TIME_TEXT_MAX];

	json_open(out, NULL, '{');
	for (int i = 0; i < (int)ARRAY_LEN(names); i++)
		json_add_text(out, names[i], stmt_text(q, i));
	json_add_double(out, "score", stmt_double(q, 10));
	json_add_text(out, "created_at", time_format_iso(stmt_int(q, 11), text));
	json_close(out);
}

int relation_list(struct db *db, const struct relation_filter *f, struct json_out *out,
		  struct err *e)
{
	static const char sql_list[] =
		"SELECT r.kind, r.a, r.b, x.title, y.title, r.explanation, r.severity, r.suggestion,"
		" r.resolution, u.email, r.score, r.created_ms FROM item_relation r"
		" JOIN item x ON x.id = r.a JOIN item y ON y.id = r.b"
		" LEFT JOIN user u ON u.id = r.resolved_by"
		" WHERE r.kind = ?1 AND (?2 = 0 OR r.resolution IS NULL)"
		" ORDER BY r.created_ms DESC, r.a, r.b LIMIT ?3";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_list, "tii", f->kind, (int64_t)f->open_only, f->limit);

	while (r >= 0 && (r = stmt_next(q, e)) > 0)
		add_row(q, out);
	return r;
}

static bool fits(const char *kind, const char *resolution)
{
	static const char *const of_duplicates[] = { "duplicate", "different", "dismissed" };
	static const char *const of_contradictions[] = { "kept_a", "kept_b", "merged",
							 "both_valid" };
	bool duplicate = str_eq(kind, RELATION_DUPLICATE);
	const char *const *words = duplicate ? of_duplicates : of_contradictions;
	size_t n = duplicate ? ARRAY_LEN(of_duplicates) : ARRAY_LEN(of_contradictions);

	for (size_t i = 0; i < n; i++) {
		if (str_eq(words[i], resolution))
			return true;
	}
	return false;
}

int relation_resolve(struct db *db, const struct caller *by, const struct relation_decision *d,
		     struct err *e)
{
	static const char sql_find[] = "SELECT count(*) FROM item_relation WHERE kind = ?3"
				       " AND a = min(?1, ?2) AND b = max(?1, ?2)";
	static const char sql_resolve[] =
		"UPDATE item_relation SET resolution = ?4, resolved_by = nullif(?5, 0),"
		" resolved_ms = ?6 WHERE kind = ?3 AND a = min(?1, ?2) AND b = max(?1, ?2)"
		" AND resolution IS NULL";
	AUTO_FREE char *pair = xasprintf("%s %s", d->a, d->b);
	int64_t there = 0;
	int r;

	if (!d->resolution || !fits(d->kind, d->resolution))
		return err_set(e, ERR_USAGE, "'%s' decides nothing about a %s",
			       d->resolution ? d->resolution : "", d->kind);
	r = db_get_int(db, &there, 0, e, sql_find, "ttt", d->a, d->b, d->kind);
	if (r == 0 && there == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no %s of '%s' and '%s'", d->kind, d->a,
			       d->b);
	if (r == 0)
		r = db_exec(db, e, sql_resolve, "ttttii", d->a, d->b, d->kind, d->resolution,
			    by ? by->user_id : 0, time_now());
	if (r == 0 && db_changes(db) == 0)
		return err_set(e, ERR_USAGE, "it has been decided about already");
	return r < 0 ? r : audit_add(db, by, "knowledge.resolve", pair, d->resolution, e);
}
