/* SPDX-License-Identifier: Apache-2.0 */
/* Proposals and their evidence. What is done with them later is in knowledge-change.c. */
#include "memory/knowledge.h"

#include "base/hash.h"
#include "base/lines.h"
#include "base/time.h"
#include "memory/items-internal.h"
#include "memory/relations.h"
#include <math.h>

#define ID_DIGITS 12
#define YEAR_MS   (365.0 * 24 * 3600 * 1000)

#define CONFIDENCE_PER_VERIFIER 0.05
#define FLOOR_MANDATORY         0.50
#define FLOOR_OTHER             0.40

static double first_confidence(const char *detection)
{
	if (str_eq(detection, "correction") || str_eq(detection, "unprompted_definition"))
		return 0.90;
	return str_eq(detection, "confirmation") ? 0.60 : 0.50;
}

double knowledge_confidence_now(double confidence, bool mandatory, int64_t age_ms)
{
	double least = mandatory ? FLOOR_MANDATORY : FLOOR_OTHER;
	double now = age_ms > 0 ? confidence * exp2(-(double)age_ms / YEAR_MS) : confidence;

	if (now >= least)
		return now;
	return confidence < least ? confidence : least;
}

void knowledge_id(const char *prefix, const char *title, const char *content,
		  char out[KNOWLEDGE_ID_MAX])
{
	AUTO_HASH struct hash *hash = hash_new(HASH_SHA256);
	char hex[HASH_HEX_MAX];

	hash_add(hash, title, strlen(title));
	hash_add(hash, ":", 1);
	hash_add(hash, content, strlen(content));
	hash_hex(hash, hex);
	(void)snprintf(out, KNOWLEDGE_ID_MAX, "%.8s_%.*s", prefix ? prefix : "kv", ID_DIGITS, hex);
}

static void add_list(struct json_out *o, const char *key, const struct strv *list)
{
	if (!list)
		return;
	json_add_texts(o, key, list);
}

/* Through JSON, so that a proposal is checked by the same table as what an admin puts. */
static int read_proposal(const struct knowledge_proposal *p, const struct knowledge_outcome *as,
			 struct item_values *ret_values, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(RULE_BODY_MAX);
	AUTO_JSON struct json *fields = NULL;
	struct json_out o = json_out(&text);
	int r;

	json_open(&o, NULL, '{');
	json_add_text(&o, "id", as->id);
	json_add_text(&o, "title", p->title);
	json_add_text(&o, "content", p->content);
	json_add_text(&o, "category", p->category);
	json_add_text(&o, "domain", p->domain);
	json_add_text(&o, "audience", p->audience);
	json_add_text(&o, "sensitivity", p->sensitivity);
	json_add_text(&o, "source_type", p->source_type);
	json_add_text(&o, "source_ref", p->source_ref);
	json_add_text(&o, "source_user", p->source_user);
	json_add_text(&o, "status", as->status);
	json_add_double(&o, "confidence", as->confidence);
	json_add_bool(&o, "is_personal", p->personal);
	add_list(&o, "tags", p->tags);
	add_list(&o, "entities", p->entities);
	json_close(&o);
	if (text.full)
		return err_set(e, ERR_LIMIT, "the proposal is over %zu bytes", RULE_BODY_MAX);
	r = json_parse(buf_bytes(&text), RULE_BODY_MAX, &fields, e);
	return r < 0 ? r : item_values_read(fields, ret_values, e);
}

/* Nobody can look through what has no end, and a loop of an agent must not fill the disk. */
static int check_pending(struct db *db, const struct knowledge_proposal *p, struct err *e)
{
	static const char sql_all[] = "SELECT count(*) FROM item WHERE status = 'pending'";
	static const char sql_of_user[] =
		"SELECT count(*) FROM item WHERE status = 'pending' AND source_user = ?1"
		" AND source_type = 'user_proposal'";
	int64_t all = 0, own = 0;
	int r = db_get_int(db, &all, 0, e, sql_all, "");

	if (r == 0 && str_eq(p->source_type, "user_proposal"))
		r = db_get_int(db, &own, 0, e, sql_of_user, "t", p->source_user);
	if (r < 0)
		return r;
	if (all < KNOWLEDGE_PENDING_MAX && own < KNOWLEDGE_PENDING_USER_MAX)
		return 0;
	(void)err_set(e, ERR_LIMIT,
		      "%d proposals%s wait to be looked at already, which is the limit",
		      own >= KNOWLEDGE_PENDING_USER_MAX ? KNOWLEDGE_PENDING_USER_MAX
							: KNOWLEDGE_PENDING_MAX,
		      own >= KNOWLEDGE_PENDING_USER_MAX ? " of yours" : "");
	return err_hint(e, "an admin decides about them with 'larder admin rule list --status "
			   "pending'");
}

static int add_new(struct db *db, const struct caller *by, const struct knowledge_proposal *p,
		   struct knowledge_outcome *ret, struct err *e)
{
	AUTO_ITEM_VALUES struct item_values v = { 0 };
	int r = 0;

	(void)snprintf(ret->status, sizeof(ret->status), "%s", p->approve ? "approved" : "pending");
	ret->confidence = first_confidence(p->evidence.detection);
	if (!p->approve)
		r = check_pending(db, p, e);
	if (r == 0)
		r = read_proposal(p, ret, &v, e);
	if (r == 0)
		r = item_write(db, &v, e);
	if (r == 0 && p->approve)
		r = item_check_totals(db, e);
	if (r == 0 && p->approve)
		r = generation_bump(db, "rules", e);
	if (r == 0)
		r = item_note(db, by,
			      &(struct item_event){ .id = ret->id,
						    .action = "propose",
						    .audit = "knowledge.propose" },
			      e);
	return r;
}

/* A quote out of somebody's session: one clean line, cut at a letter. */
static char *clean_text(const char *text, size_t max)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	size_t n = text ? strnlen(text, max) : 0;

	while (text && n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
		n--;
	text_add_line(&out, (struct bytes){ text ? text : "", n });
	return buf_take(&out);
}

/* 1 when this user had not been among the item's witnesses. */
static int is_new_witness(struct db *db, const char *id, const char *user, struct err *e)
{
	static const char sql_known[] =
		"SELECT EXISTS (SELECT 1 FROM evidence WHERE item_id = ?1 AND source_user = ?2)"
		" OR (SELECT count(*) FROM evidence WHERE item_id = ?1) = 0";
	int64_t known = 0;
	int r = db_get_int(db, &known, 0, e, sql_known, "tt", id, user);

	return r < 0 ? r : !known;
}

static int insert_evidence(struct db *db, const char *id, const struct knowledge_evidence *v,
			   struct err *e)
{
	static const char sql_add[] =
		"INSERT INTO evidence (item_id, source_user, source_ref, detection, quote, position,"
		" created_ms) SELECT ?1, ?2, ?3, ?4, ?5, CASE WHEN ?6 < 0 THEN NULL ELSE ?6 END, ?7"
		" WHERE (SELECT count(*) FROM evidence WHERE item_id = ?1) < ?8"
		" ON CONFLICT DO NOTHING";
	AUTO_FREE char *ref = clean_text(v->ref, 1000);
	AUTO_FREE char *quote = clean_text(v->quote, KNOWLEDGE_QUOTE_MAX);
	AUTO_FREE char *detection = clean_text(v->detection, 100);
	int r = db_exec(db, e, sql_add, "tttttiii", id, v->user, ref, detection, quote, v->position,
			time_now(), (int64_t)KNOWLEDGE_EVIDENCE_MAX);

	return r < 0 ? r : db_changes(db) > 0;
}

/* What one more witness is worth, and a correction after a mere confirmation. */
static int raise_confidence(struct db *db, const struct knowledge_proposal *p, bool new_witness,
			    struct knowledge_outcome *ret, struct err *e)
{
	static const char sql_raise[] =
		"UPDATE item SET confidence = round(min(1.0, max(coalesce(confidence, 0.5), ?2) + ?3), 6)"
		" WHERE id = ?1";
	static const char sql_get[] =
		"SELECT CAST(round(coalesce(confidence, 0.5) * 1000000) AS INTEGER) FROM item"
		" WHERE id = ?1";
	int64_t millionths = 0;
	int r = 0;

	if (ret->is_new_evidence && !ret->is_new)
		r = db_exec(db, e, sql_raise, "tdd", ret->id,
			    first_confidence(p->evidence.detection),
			    new_witness ? CONFIDENCE_PER_VERIFIER : 0.0);
	if (r == 0)
		r = db_get_int(db, &millionths, 500000, e, sql_get, "t", ret->id);
	ret->confidence = (double)millionths / 1000000;
	return r;
}

static int add_evidence(struct db *db, const struct knowledge_proposal *p,
			struct knowledge_outcome *ret, struct err *e)
{
	int new_witness = 0, r = 0;

	if (p->evidence.user) {
		new_witness = is_new_witness(db, ret->id, p->evidence.user, e);
		r = new_witness < 0 ? new_witness : insert_evidence(db, ret->id, &p->evidence, e);
	}
	ret->is_new_evidence = r > 0;
	if (r >= 0)
		r = raise_confidence(db, p, new_witness > 0, ret, e);
	/* An item in force is in bundles, with its confidence. */
	if (r == 0 && ret->is_new_evidence && !ret->is_new && str_eq(ret->status, "approved"))
		r = generation_bump(db, "rules", e);
	return r;
}

static int check_proposal(const struct caller *by, const struct knowledge_proposal *p,
			  struct err *e)
{
	if (p->approve && by && access_need_admin(by, e) < 0)
		return e->code;
	if (!p->title || !*p->title || !p->content || !*p->content)
		return err_set(e, ERR_USAGE, "a proposal needs a title and a content");
	if (p->evidence.user && strlen(p->evidence.user) > ACCESS_EMAIL_MAX)
		return err_set(e, ERR_LIMIT, "the evidence's user has over %d bytes",
			       ACCESS_EMAIL_MAX);
	return 0;
}

/* The same thing kept by two people for themselves is two things. */
static void make_id(const struct knowledge_proposal *p, char out[KNOWLEDGE_ID_MAX])
{
	AUTO_FREE char *own = NULL;

	if (!p->personal) {
		knowledge_id(p->prefix, p->title, p->content, out);
		return;
	}
	own = xasprintf("%s:%s", p->content, p->source_user ? p->source_user : "");
	knowledge_id(p->prefix, p->title, own, out);
}

int knowledge_exists(struct db *db, const char *id, struct err *e)
{
	return item_exists(db, id, e);
}

static int choose_id(struct db *db, const struct knowledge_proposal *p, char out[KNOWLEDGE_ID_MAX],
		     struct err *e)
{
	int known = p->known_id ? item_exists(db, p->known_id, e) : 0;

	if (known > 0)
		(void)snprintf(out, KNOWLEDGE_ID_MAX, "%s", p->known_id);
	else
		make_id(p, out);
	return known < 0 ? known : 0;
}

int knowledge_propose(struct db *db, const struct caller *by, const struct knowledge_proposal *p,
		      struct knowledge_outcome *ret, struct err *e)
{
	static const char sql_status[] = "SELECT status FROM item WHERE id = ?1";
	struct knowledge_outcome out = { 0 };
	AUTO_FREE char *status = NULL;
	int r = check_proposal(by, p, e);

	if (r < 0)
		return r;
	r = choose_id(db, p, out.id, e);
	if (r < 0)
		return r;
	r = db_get_text(db, &status, e, sql_status, "t", out.id);
	if (r < 0)
		return r;
	out.is_new = !status;
	if (out.is_new)
		r = add_new(db, by, p, &out, e);
	else
		(void)snprintf(out.status, sizeof(out.status), "%s", status);
	if (r == 0)
		r = add_evidence(db, p, &out, e);
	if (r == 0 && out.is_new && !p->personal)
		r = relation_find_duplicates(db, out.id, &out.duplicates, e);
	if (r == 0)
		*ret = out;
	return r;
}
