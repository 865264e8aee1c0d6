/* SPDX-License-Identifier: Apache-2.0 */
#include "memory/knowledge.h"

#include "access-fixture.h"
#include "memory/bundle-build.h"
#include "memory/relations.h"

static const struct db_schema *const schemas[] = { &access_schema, &memory_schema };

#define NEW_HUB()                                                                                  \
	AUTO_SCRATCH char *folder = scratch_new();                                                 \
	AUTO_DB struct db *db = access_new(folder, schemas, ARRAY_LEN(schemas));                   \
	__attribute__((unused)) AUTO_CALLER struct caller ann = caller_of(db, ANN, SCOPE_ADMIN);   \
	__attribute__((unused)) struct err e = { 0 }

static struct knowledge_proposal said_by(const char *user, const char *session)
{
	return (struct knowledge_proposal){
		.title = "Churn",
		.content = "Churn counts paused accounts too.",
		.domain = "finance",
		.source_type = "user_verification",
		.evidence = { .user = user,
			      .ref = session,
			      .detection = "correction",
			      .quote = "no, paused ones count too",
			      .position = 12 },
	};
}

static struct knowledge_outcome propose(struct db *db, const struct knowledge_proposal *p)
{
	struct knowledge_outcome outcome = { 0 };
	struct err e = { 0 };

	CHECK_OK(knowledge_propose(db, NULL, p, &outcome, &e));
	return outcome;
}

static int step(struct db *db, enum knowledge_step what, const char *id, struct err *e)
{
	return knowledge_change(db, NULL, &(struct knowledge_change){ .step = what, .id = id }, e);
}

static int edit(struct db *db, const char *id, const char *fields, struct err *e)
{
	AUTO_JSON struct json *json = NULL;

	CHECK_INT(json_parse(bytes_of(fields), BUF_OWN_MAX, &json, e), 0);
	return knowledge_change(
		db, NULL,
		&(struct knowledge_change){ .step = KNOWLEDGE_EDIT, .id = id, .fields = json }, e);
}

/* The caller owns it. */
static struct json *shown(struct db *db, const struct caller *who, const char *id)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&text);
	struct json *json = NULL;
	struct err e = { 0 };

	CHECK_OK(knowledge_show(db, who, id, &o, &e));
	CHECK_OK(json_parse(buf_bytes(&text), BUF_OWN_MAX, &json, &e));
	return json;
}

static size_t listed(struct db *db, const struct caller *who, const char *status)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *json = NULL;
	struct json_out o = json_out(&text);
	struct err e = { 0 };

	json_open(&o, NULL, '[');
	CHECK_OK(knowledge_list(
		db, &(struct knowledge_filter){ .caller = who, .status = status, .limit = 500 }, &o,
		&e));
	json_close(&o);
	CHECK_OK(json_parse(buf_bytes(&text), BUF_OWN_MAX, &json, &e));
	return json_size(json);
}

static bool is_in_bundle(struct db *db, const struct caller *who, const char *id)
{
	AUTO_BUF struct buf text = BUF_INIT(BUNDLE_BUILD_MAX);
	int64_t until;
	struct err e = { 0 };

	CHECK_OK(bundle_build(db, who, time_now(), &text, &until, &e));
	return strstr(buf_str(&text), id) != NULL;
}

TEST(a_proposal_waits_and_says_who_said_what_where)
{
	NEW_HUB();
	struct knowledge_proposal p = said_by(BOB, "session-a-bob");
	struct knowledge_outcome o = propose(db, &p);
	AUTO_JSON struct json *item = shown(db, &ann, o.id);
	const struct json *evidence = json_at(json_get(item, "evidence"), 0);

	CHECK(o.is_new && o.is_new_evidence);
	CHECK_STR(o.status, "pending");
	CHECK(o.confidence > 0.899 && o.confidence < 0.901);
	CHECK(str_starts(o.id, "kv_") && strlen(o.id) == 15);
	CHECK_STR(json_text(json_get(item, "status")), "pending");
	CHECK_STR(json_text(json_get(evidence, "source_user")), BOB);
	CHECK_STR(json_text(json_get(evidence, "source_ref")), "session-a-bob");
	CHECK_STR(json_text(json_get(evidence, "user_quote")), "no, paused ones count too");
	CHECK_STR(json_text(json_get(evidence, "detection_type")), "correction");
	CHECK_INT(json_int(json_get(evidence, "position"), 0), 12);
	CHECK_STR(json_text(json_get(json_at(json_get(item, "history"), 0), "action")), "propose");
	CHECK(!is_in_bundle(db, &ann, o.id));
}

TEST(the_id_is_made_of_title_and_content)
{
	char id[KNOWLEDGE_ID_MAX];

	/* printf 'a:b' | sha256sum */
	knowledge_id("km", "a", "b", id);
	CHECK_STR(id, "km_6783a31eabf6");
}

TEST(the_same_evidence_counts_once_and_another_user_adds_to_the_confidence)
{
	NEW_HUB();
	struct knowledge_proposal p = said_by(BOB, "s1"), q = said_by(ANN, "s2");
	struct knowledge_proposal again = said_by(BOB, "s3");
	struct knowledge_outcome o = propose(db, &p);

	o = propose(db, &p);
	CHECK(!o.is_new && !o.is_new_evidence && o.confidence < 0.901);
	o = propose(db, &again); /* another session of the same user: evidence, no witness */
	CHECK(o.is_new_evidence && o.confidence < 0.901);
	o = propose(db, &q);
	CHECK(!o.is_new && o.is_new_evidence);
	CHECK(o.confidence > 0.949 && o.confidence < 0.951);
	CHECK_INT(listed(db, &ann, NULL), 1);
}

TEST(a_correction_after_a_confirmation_lifts_the_confidence)
{
	NEW_HUB();
	struct knowledge_proposal p = said_by(BOB, "s1");
	struct knowledge_proposal q = said_by(BOB, "s2");
	struct knowledge_outcome o;

	p.evidence.detection = "confirmation";
	o = propose(db, &p);
	CHECK(o.confidence > 0.599 && o.confidence < 0.601);
	o = propose(db, &q);
	CHECK(o.confidence > 0.899 && o.confidence < 0.901);
}

TEST(the_steps_lead_where_the_picture_says)
{
	NEW_HUB();
	struct knowledge_proposal p = said_by(BOB, "s1");
	struct knowledge_outcome o = propose(db, &p);

	CHECK_ERR(step(db, KNOWLEDGE_REVOKE, o.id, &e), ERR_CONFLICT);
	CHECK_OK(step(db, KNOWLEDGE_APPROVE, o.id, &e));
	CHECK(is_in_bundle(db, &ann, o.id));
	CHECK_INT(listed(db, &ann, "approved"), 1);
	CHECK_ERR(step(db, KNOWLEDGE_REJECT, o.id, &e), ERR_CONFLICT);
	CHECK_HAS(e.msg, "revoke");
	CHECK_OK(step(db, KNOWLEDGE_MANDATE, o.id, &e));
	CHECK_INT(listed(db, &ann, "mandatory"), 1);
	CHECK_INT(listed(db, &ann, "approved"), 0);
	CHECK_OK(step(db, KNOWLEDGE_REVOKE, o.id, &e));
	CHECK(!is_in_bundle(db, &ann, o.id));
	CHECK_OK(step(db, KNOWLEDGE_APPROVE, o.id, &e));
	CHECK(is_in_bundle(db, &ann, o.id));
	CHECK_ERR(step(db, KNOWLEDGE_APPROVE, "kv_none", &e), ERR_NOT_FOUND);
}

TEST(an_approval_adds_to_the_confidence_once)
{
	NEW_HUB();
	struct knowledge_proposal p = said_by(BOB, "s1");
	struct knowledge_outcome o;

	p.evidence.detection = "confirmation";
	o = propose(db, &p);
	for (int i = 0; i < 3; i++) {
		AUTO_JSON struct json *item = NULL;

		CHECK_OK(step(db, KNOWLEDGE_APPROVE, o.id, &e));
		CHECK_OK(step(db, KNOWLEDGE_REVOKE, o.id, &e));
		item = shown(db, &ann, o.id);
		CHECK(json_double(json_get(item, "confidence"), 0) > 0.799 &&
		      json_double(json_get(item, "confidence"), 0) < 0.801);
	}
	CHECK_OK(step(db, KNOWLEDGE_MANDATE, o.id, &e));
	AUTO_JSON struct json *item = shown(db, &ann, o.id);

	CHECK(json_double(json_get(item, "confidence"), 0) > 0.999);
}

TEST(what_was_rejected_stays_so_when_it_is_proposed_again)
{
	NEW_HUB();
	struct knowledge_proposal p = said_by(BOB, "s1"), q = said_by(ANN, "s2");
	struct knowledge_outcome o = propose(db, &p);

	CHECK_OK(step(db, KNOWLEDGE_REJECT, o.id, &e));
	o = propose(db, &q);
	CHECK_STR(o.status, "rejected");
	CHECK(o.is_new_evidence && !o.is_new);
	CHECK(!is_in_bundle(db, &ann, o.id));
}

TEST(an_edit_keeps_what_it_was_before)
{
	NEW_HUB();
	struct knowledge_proposal p = said_by(BOB, "s1");
	struct knowledge_outcome o = propose(db, &p);
	const struct json *last;

	CHECK_OK(edit(db, o.id, "{\"title\":\"Churn rate\",\"domain\":null}", &e));
	AUTO_JSON struct json *item = shown(db, &ann, o.id);

	last = json_at(json_get(item, "history"), 1);
	CHECK_STR(json_text(json_get(item, "title")), "Churn rate");
	CHECK_STR(json_text(json_get(item, "content")), p.content);
	CHECK_INT(json_kind(json_get(item, "domain")), JSON_NULL);
	CHECK_STR(json_text(json_get(last, "action")), "edit");
	CHECK_STR(json_text(json_get(json_get(last, "before"), "title")), "Churn");
	CHECK_STR(json_text(json_get(json_get(last, "before"), "domain")), "finance");
	/* and proposed again it is still the same */
	o = propose(db, &p);
	CHECK(!o.is_new);
}

TEST(an_edit_changes_no_status_and_no_unknown_field)
{
	NEW_HUB();
	struct knowledge_proposal p = said_by(BOB, "s1");
	struct knowledge_outcome o = propose(db, &p);

	CHECK_ERR(edit(db, o.id, "{\"status\":\"approved\"}", &e), ERR_USAGE);
	CHECK_ERR(edit(db, o.id, "{\"is_personal\":false}", &e), ERR_USAGE);
	CHECK_ERR(edit(db, o.id, "{}", &e), ERR_USAGE);
	CHECK_ERR(edit(db, o.id, "{\"title\":null}", &e), ERR_USAGE);
	CHECK_ERR(edit(db, o.id, "{\"title\":\"two\\nlines\"}", &e), ERR_USAGE);
}

TEST(nobody_sees_what_others_proposed_before_it_is_approved)
{
	NEW_HUB();
	CHECK_OK(user_add(db, NULL, BOB, NULL, &e));
	CHECK_OK(user_add(db, NULL, "cy@example.com", NULL, &e));
	AUTO_CALLER struct caller bob = caller_of(db, BOB, SCOPE_USER);
	AUTO_CALLER struct caller cy = caller_of(db, "cy@example.com", SCOPE_USER);
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out out = json_out(&text);
	struct knowledge_proposal p = said_by(BOB, "s1");
	struct knowledge_outcome o;

	p.source_user = BOB;
	o = propose(db, &p);
	CHECK_INT(listed(db, &bob, NULL), 1);
	CHECK_INT(listed(db, &cy, NULL), 0);
	CHECK_ERR(knowledge_show(db, &cy, o.id, &out, &e), ERR_NOT_FOUND);
	CHECK_OK(step(db, KNOWLEDGE_APPROVE, o.id, &e));
	AUTO_JSON struct json *item = shown(db, &cy, o.id);

	CHECK_INT(listed(db, &cy, NULL), 1);
	/* whose quote it was, and what admins did, is not for everybody */
	CHECK_INT(json_size(json_get(item, "evidence")), 0);
	CHECK_INT(json_kind(json_get(item, "history")), JSON_NONE);
}

TEST(a_personal_item_is_its_authors_also_when_approved)
{
	NEW_HUB();
	CHECK_OK(user_add(db, NULL, BOB, NULL, &e));
	AUTO_CALLER struct caller bob = caller_of(db, BOB, SCOPE_USER);
	struct knowledge_proposal p = said_by(ANN, "s1");
	struct knowledge_outcome o;

	p.source_user = ANN;
	p.personal = true;
	o = propose(db, &p);
	CHECK_OK(step(db, KNOWLEDGE_APPROVE, o.id, &e));
	CHECK_INT(listed(db, &bob, NULL), 0);
	CHECK(!is_in_bundle(db, &bob, o.id));
}

TEST(an_item_for_a_group_is_not_for_others)
{
	NEW_HUB();
	join(db, BOB, "sales");
	CHECK_OK(user_add(db, NULL, "cy@example.com", NULL, &e));
	AUTO_CALLER struct caller bob = caller_of(db, BOB, SCOPE_USER);
	AUTO_CALLER struct caller cy = caller_of(db, "cy@example.com", SCOPE_USER);
	struct knowledge_proposal p = said_by(ANN, "s1");
	struct knowledge_outcome o;

	p.audience = "group:sales";
	o = propose(db, &p);
	CHECK_OK(step(db, KNOWLEDGE_APPROVE, o.id, &e));
	CHECK_INT(listed(db, &bob, NULL), 1);
	CHECK_INT(listed(db, &cy, NULL), 0);
}

TEST(only_an_admin_may_approve_with_the_proposal)
{
	NEW_HUB();
	CHECK_OK(user_add(db, NULL, BOB, NULL, &e));
	AUTO_CALLER struct caller bob = caller_of(db, BOB, SCOPE_USER);
	struct knowledge_proposal p = said_by(BOB, "s1");
	struct knowledge_outcome o = { 0 };

	p.approve = true;
	CHECK_ERR(knowledge_propose(db, &bob, &p, &o, &e), ERR_DENIED);
	CHECK_OK(knowledge_propose(db, &ann, &p, &o, &e));
	CHECK_STR(o.status, "approved");
	CHECK(is_in_bundle(db, &bob, o.id));
}

TEST(likely_duplicates_are_related_and_decided_once)
{
	NEW_HUB();
	AUTO_STRV struct strv entities = STRV_INIT;
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *list = NULL;
	struct json_out out = json_out(&text);
	struct knowledge_proposal p = said_by(BOB, "s1"), q = said_by(BOB, "s2"),
				  r = said_by(BOB, "s3");
	struct knowledge_outcome first, second;

	strv_add(&entities, "Churn");
	strv_add(&entities, "accounts");
	p.entities = q.entities = r.entities = &entities;
	q.title = "What churn is";
	r.title = "Churn in another field";
	r.domain = "product";
	first = propose(db, &p);
	second = propose(db, &q);
	CHECK_INT(first.duplicates, 0);
	CHECK_INT(second.duplicates, 1);
	CHECK_INT(propose(db, &r).duplicates, 0);

	json_open(&out, NULL, '[');
	CHECK_OK(relation_list(db, &(struct relation_filter){ RELATION_DUPLICATE, true, 10 }, &out,
			       &e));
	json_close(&out);
	CHECK_OK(json_parse(buf_bytes(&text), BUF_OWN_MAX, &list, &e));
	CHECK_INT(json_size(list), 1);
	CHECK(json_double(json_get(json_at(list, 0), "score"), 0) > 0.999);

	struct relation_decision d = { RELATION_DUPLICATE, second.id, first.id, "duplicate" };

	CHECK_OK(relation_resolve(db, &ann, &d, &e));
	CHECK_ERR(relation_resolve(db, &ann, &d, &e), ERR_USAGE);
	d.resolution = "kept_a";
	CHECK_ERR(relation_resolve(db, &ann, &d, &e), ERR_USAGE);
	d.resolution = "different";
	d.a = "kv_none";
	CHECK_ERR(relation_resolve(db, &ann, &d, &e), ERR_NOT_FOUND);
}

TEST(a_contradiction_is_kept_once_for_a_pair)
{
	NEW_HUB();
	struct knowledge_proposal p = said_by(BOB, "s1"), q = said_by(BOB, "s2");
	struct knowledge_outcome a, b;
	struct relation relation = { .kind = RELATION_CONTRADICTION,
				     .explanation = "one counts them, the other does not",
				     .severity = "hard",
				     .suggestion = "kept_a" };

	q.title = "Churn, again";
	a = propose(db, &p);
	b = propose(db, &q);
	relation.a = a.id;
	relation.b = b.id;
	CHECK_INT(relation_put(db, &relation, &e), 1);
	relation.a = b.id;
	relation.b = a.id;
	CHECK_INT(relation_put(db, &relation, &e), 0);
}

TEST(a_proposal_with_foreign_bytes_is_refused_or_cleaned)
{
	NEW_HUB();
	struct knowledge_proposal p = said_by(BOB, "s1");
	struct knowledge_outcome o = { 0 };
	AUTO_JSON struct json *item = NULL;

	p.title = "a\033[2J";
	CHECK_ERR(knowledge_propose(db, NULL, &p, &o, &e), ERR_USAGE);
	p.title = "";
	CHECK_ERR(knowledge_propose(db, NULL, &p, &o, &e), ERR_USAGE);
	p.title = "t";
	p.evidence.quote = "a\033[2J\xff";
	o = propose(db, &p);
	item = shown(db, &ann, o.id);
	CHECK_STR(json_text(json_get(json_at(json_get(item, "evidence"), 0), "user_quote")),
		  "a?[2J?");
}

TEST(a_long_quote_is_cut_at_a_letter)
{
	NEW_HUB();
	AUTO_BUF struct buf quote = BUF_INIT(BUF_OWN_MAX);
	struct knowledge_proposal p = said_by(BOB, "s1");
	AUTO_JSON struct json *item = NULL;
	const char *kept;

	buf_addc(&quote, 'x');
	while (quote.n < KNOWLEDGE_QUOTE_MAX + 10)
		buf_adds(&quote, "\xc3\xa4");
	p.evidence.quote = buf_str(&quote);
	item = shown(db, &ann, propose(db, &p).id);
	kept = json_text(json_get(json_at(json_get(item, "evidence"), 0), "user_quote"));
	CHECK_INT(strlen(kept), KNOWLEDGE_QUOTE_MAX - 1);
	CHECK(!strchr(kept, '?'));
}

TEST(a_user_proposes_up_to_a_limit)
{
	NEW_HUB();
	struct knowledge_outcome o = { 0 };

	for (int i = 0; i <= KNOWLEDGE_PENDING_USER_MAX; i++) {
		AUTO_FREE char *title = xasprintf("t%d", i);
		struct knowledge_proposal p = { .title = title,
						.content = "c",
						.source_user = BOB,
						.source_type = "user_proposal" };

		if (i < KNOWLEDGE_PENDING_USER_MAX)
			o = propose(db, &p);
		else
			CHECK_ERR(knowledge_propose(db, NULL, &p, &o, &e), ERR_LIMIT);
	}
}

TEST(confidence_fades_to_its_floor)
{
	const int64_t year = (int64_t)365 * 24 * 3600 * 1000;

	CHECK(knowledge_confidence_now(0.9, false, 0) > 0.899);
	CHECK(knowledge_confidence_now(0.9, false, year) > 0.449 &&
	      knowledge_confidence_now(0.9, false, year) < 0.451);
	CHECK(knowledge_confidence_now(0.9, false, 9 * year) > 0.399);
	CHECK(knowledge_confidence_now(1.0, true, 9 * year) > 0.499);
	CHECK(knowledge_confidence_now(0.2, false, 9 * year) < 0.201);
	CHECK(knowledge_confidence_now(0.9, false, -year) > 0.899);
}

TEST(replacing_a_rule_keeps_what_it_was)
{
	NEW_HUB();
	AUTO_JSON struct json *fields = NULL;
	AUTO_JSON struct json *item = NULL;
	bool is_new;
	struct rule_put put = { .by = &ann, .replace = true };

	CHECK_OK(json_parse(bytes_of("{\"id\":\"r\",\"title\":\"t\",\"content\":\"c\"}"), 1000,
			    &fields, &e));
	put.fields = fields;
	for (int i = 0; i < 2; i++) {
		AUTO_FREE char *id = NULL;

		CHECK_OK(rule_put(db, &put, &id, &is_new, &e));
	}
	item = shown(db, &ann, "r");
	CHECK_INT(json_size(json_get(item, "history")), 2);
	CHECK_STR(json_text(json_get(json_get(json_at(json_get(item, "history"), 1), "before"),
				     "content")),
		  "c");
	CHECK_STR(json_text(json_get(json_at(json_get(item, "history"), 1), "by")), ANN);
}

TEST(counts_are_by_status)
{
	NEW_HUB();
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out out = json_out(&text);
	struct knowledge_proposal p = said_by(BOB, "s1");

	(void)propose(db, &p);
	CHECK_OK(knowledge_count(db, &out, &e));
	CHECK_STR(buf_str(&text),
		  "{\"pending\":1,\"approved\":0,\"mandatory\":0,\"rejected\":0,\"revoked\":0,"
		  "\"expired\":0,\"withdrawn\":0}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_proposal_waits_and_says_who_said_what_where),
		CASE(the_id_is_made_of_title_and_content),
		CASE(the_same_evidence_counts_once_and_another_user_adds_to_the_confidence),
		CASE(a_correction_after_a_confirmation_lifts_the_confidence),
		CASE(the_steps_lead_where_the_picture_says),
		CASE(an_approval_adds_to_the_confidence_once),
		CASE(what_was_rejected_stays_so_when_it_is_proposed_again),
		CASE(an_edit_keeps_what_it_was_before),
		CASE(an_edit_changes_no_status_and_no_unknown_field),
		CASE(nobody_sees_what_others_proposed_before_it_is_approved),
		CASE(a_personal_item_is_its_authors_also_when_approved),
		CASE(an_item_for_a_group_is_not_for_others),
		CASE(only_an_admin_may_approve_with_the_proposal),
		CASE(likely_duplicates_are_related_and_decided_once),
		CASE(a_contradiction_is_kept_once_for_a_pair),
		CASE(a_proposal_with_foreign_bytes_is_refused_or_cleaned),
		CASE(a_long_quote_is_cut_at_a_letter),
		CASE(a_user_proposes_up_to_a_limit),
		CASE(confidence_fades_to_its_floor),
		CASE(replacing_a_rule_keeps_what_it_was),
		CASE(counts_are_by_status),
	};

	return RUN(tests);
}
