/* SPDX-License-Identifier: Apache-2.0 */
#include "memory/bundle-build.h"

#include "access-fixture.h"
#include "memory/items.h"

static const struct db_schema *const schemas[] = { &access_schema, &memory_schema };

#define NEW_HUB()                                                                                  \
	AUTO_SCRATCH char *folder = scratch_new();                                                 \
	AUTO_DB struct db *db = access_new(folder, schemas, ARRAY_LEN(schemas));                   \
	__attribute__((unused)) struct err e = { 0 }

static int put_text(struct db *db, const char *text, bool replace, struct err *e)
{
	AUTO_JSON struct json *fields = NULL;
	AUTO_FREE char *id = NULL;
	struct rule_put put = { .replace = replace };
	bool is_new;

	if (json_parse(bytes_of(text), BUF_OWN_MAX, &fields, e) < 0)
		fail_msg("%s", e->msg);
	put.fields = fields;
	return rule_put(db, &put, &id, &is_new, e);
}

/* members: further JSON members, or "" */
static void put(struct db *db, const char *id, const char *members)
{
	AUTO_FREE char *text = xasprintf("{\"id\":\"%s\",\"title\":\"t\",\"content\":\"c\"%s%s}",
					 id, *members ? "," : "", members);
	struct err e = { 0 };

	CHECK_OK(put_text(db, text, false, &e));
}

/* A rule of that many tokens, title included. */
static void put_sized(struct db *db, const char *id, size_t tokens, const char *members)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct err e = { 0 };

	buf_addf(&text, "{\"id\":\"%s\",\"title\":\"tttt\",%s,\"content\":\"", id, members);
	for (size_t i = 4; i < 4 * tokens; i++)
		buf_addc(&text, 'c');
	buf_adds(&text, "\"}");
	CHECK_OK(put_text(db, buf_str(&text), false, &e));
}

/* "m1,m2|a1,a2": the ids of the bundle's two lists. */
static char *bundle_ids(struct db *db, const struct caller *caller)
{
	AUTO_BUF struct buf text = BUF_INIT(BUNDLE_BUILD_MAX);
	AUTO_JSON struct json *bundle = NULL;
	struct buf ids = BUF_INIT(BUF_OWN_MAX);
	static const char *const lists[] = { "mandatory", "approved" };
	int64_t until;
	struct err e = { 0 };

	CHECK_OK(bundle_build(db, caller, time_now(), &text, &until, &e));
	CHECK_OK(json_parse(buf_bytes(&text), BUNDLE_BUILD_MAX, &bundle, &e));
	for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
		const struct json *list = json_get(bundle, lists[l]);

		if (l)
			buf_addc(&ids, '|');
		for (size_t i = 0; i < json_size(list); i++)
			buf_addf(&ids, "%s%s", i ? "," : "",
				 json_text(json_get(json_at(list, i), "id")));
	}
	return buf_take(&ids);
}

static void check_bundle(struct db *db, const struct caller *caller, const char *wanted)
{
	AUTO_FREE char *ids = bundle_ids(db, caller);

	CHECK_STR(ids, wanted);
}

TEST(an_empty_bundle_has_two_empty_lists)
{
	AUTO_BUF struct buf text = BUF_INIT(BUNDLE_BUILD_MAX);
	NEW_HUB();
	AUTO_CALLER struct caller ann = caller_of(db, ANN, SCOPE_READ);
	int64_t until;

	CHECK_OK(bundle_build(db, &ann, time_now(), &text, &until, &e));
	CHECK_STR(text.p, "{\"mandatory\":[],\"approved\":[],\"token_estimate\":0,"
			  "\"token_budget\":6000}");
}

TEST(all_fields_come_back_as_they_were_put)
{
	static const char whole[] =
		"{\"id\":\"r\",\"title\":\"T\",\"content\":\"a\\nb\",\"category\":\"c\","
		"\"tags\":[\"x\",\"y\"],\"contributors\":[],\"source_user\":\"u@x\","
		"\"audience\":\"all\",\"confidence\":0.25,\"domain\":\"d\",\"entities\":null,"
		"\"valid_until\":\"2999-01-01T00:00:00.000Z\",\"mandatory\":true}";
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&text);
	NEW_HUB();

	CHECK_OK(put_text(db, whole, false, &e));
	CHECK_OK(rule_add(db, "r", &o, &e));
	CHECK_HAS(text.p, "\"content\":\"a\\nb\"");
	CHECK_HAS(text.p, "\"tags\":[\"x\",\"y\"]");
	CHECK_HAS(text.p, "\"confidence\":0.25");
	CHECK_HAS(text.p, "\"entities\":null");
	CHECK_HAS(text.p, "\"valid_from\":null,\"valid_until\":\"2999-01-01T00:00:00.000Z\"");
	CHECK_HAS(text.p, "\"status\":\"approved\"");
	CHECK_HAS(text.p, "\"is_personal\":false,\"mandatory\":true,\"created_at\":\"20");
}

TEST(a_rule_goes_to_its_audience)
{
	NEW_HUB();
	join(db, BOB, "analysts");
	AUTO_CALLER struct caller bob = caller_of(db, BOB, SCOPE_READ);
	AUTO_CALLER struct caller ann = caller_of(db, ANN, SCOPE_READ);

	(void)setenv("LARDER_NOW", "2026-11-01T00:00:00Z", 1); /* none is newer: by id */
	put(db, "all", "\"audience\":\"all\"");
	put(db, "none", "\"audience\":null");
	put(db, "ours", "\"audience\":\"group:analysts\"");
	put(db, "theirs", "\"audience\":\"group:builders\",\"mandatory\":true");
	check_bundle(db, &bob, "|all,none,ours");
	check_bundle(db, &ann, "theirs|all,none,ours");
	(void)unsetenv("LARDER_NOW");
}

TEST(a_granted_domain_shows_its_rules)
{
	NEW_HUB();
	struct grant grant = { "analysts", "memory_domain", "finance" };
	int64_t id;

	join(db, BOB, "analysts");
	AUTO_CALLER struct caller bob = caller_of(db, BOB, SCOPE_READ);

	put(db, "f", "\"audience\":\"group:builders\",\"domain\":\"finance\"");
	check_bundle(db, &bob, "|");
	CHECK_OK(grant_add(db, NULL, &grant, &id, &e));
	check_bundle(db, &bob, "|f");
}

TEST(only_approved_timely_rules_of_nobody_in_particular_go_out)
{
	NEW_HUB();
	AUTO_CALLER struct caller ann = caller_of(db, ANN, SCOPE_READ);

	put(db, "pending", "\"status\":\"pending\",\"mandatory\":true");
	put(db, "own", "\"is_personal\":true");
	put(db, "over", "\"valid_until\":\"2020-01-01T00:00:00Z\"");
	put(db, "later", "\"valid_from\":\"2999-01-01T00:00:00Z\"");
	put(db, "now", "\"valid_from\":\"2020-01-01T00:00:00Z\"");
	check_bundle(db, &ann, "|now");
}

TEST(confidence_times_recency_decides_the_order_and_zero_is_not_unsaid)
{
	NEW_HUB();
	AUTO_CALLER struct caller ann = caller_of(db, ANN, SCOPE_READ);

	(void)setenv("LARDER_NOW", "2026-01-01T00:00:00Z", 1);
	put(db, "old-sure", "\"confidence\":1");
	(void)setenv("LARDER_NOW", "2026-11-01T00:00:00Z", 1);
	put(db, "zero", "\"confidence\":0");
	put(db, "low", "\"confidence\":0.4");
	put(db, "unsaid", "\"confidence\":null");
	put(db, "high", "\"confidence\":0.6");
	check_bundle(db, &ann, "|high,unsaid,low,old-sure,zero");
	(void)unsetenv("LARDER_NOW");
}

TEST(what_does_not_fit_is_skipped_and_the_next_still_gets_its_chance)
{
	NEW_HUB();
	AUTO_CALLER struct caller ann = caller_of(db, ANN, SCOPE_READ);

	put_sized(db, "a", 4000, "\"confidence\":0.9");
	put_sized(db, "b", 2001, "\"confidence\":0.8");
	put_sized(db, "c", 2000, "\"confidence\":0.7");
	put_sized(db, "d", 1, "\"confidence\":0.6");
	check_bundle(db, &ann, "|a,c");
}

TEST(mandatory_rules_come_whole_and_count)
{
	NEW_HUB();
	AUTO_CALLER struct caller ann = caller_of(db, ANN, SCOPE_READ);

	put_sized(db, "big", 9000, "\"mandatory\":true");
	put(db, "small", "");
	check_bundle(db, &ann, "big|");
}

TEST(the_bundle_is_good_until_a_rule_begins_or_expires)
{
	AUTO_BUF struct buf text = BUF_INIT(BUNDLE_BUILD_MAX);
	NEW_HUB();
	AUTO_CALLER struct caller ann = caller_of(db, ANN, SCOPE_READ);
	int64_t until, border;

	CHECK_OK(time_parse_iso("2026-05-01T00:10:00Z", &border, &e));
	put(db, "r", "\"valid_until\":\"2026-05-01T00:10:00Z\"");
	CHECK_OK(bundle_build(db, &ann, border - 600000, &text, &until, &e));
	CHECK(until == border);
	CHECK_HAS(text.p, "\"id\":\"r\"");
	buf_clear(&text);
	CHECK_OK(bundle_build(db, &ann, border, &text, &until, &e));
	CHECK(until > border);
	CHECK(!strstr(text.p, "\"id\":\"r\""));
}

TEST(a_rule_over_its_limit_is_refused_by_the_limits_name)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	NEW_HUB();

	for (size_t over = 0; over < 2; over++) {
		buf_clear(&text);
		buf_addf(&text, "{\"id\":\"r%zu\",\"title\":\"t\",\"content\":\"", over);
		for (size_t i = 0; i < RULE_CONTENT_MAX + over; i++)
			buf_addc(&text, 'x');
		buf_adds(&text, "\"}");
		if (!over)
			CHECK_OK(put_text(db, text.p, false, &e));
	}
	CHECK_ERR(put_text(db, text.p, false, &e), ERR_LIMIT);
	CHECK_HAS(e.msg, "'content' has 262145 bytes, the limit is 262144");
}

TEST(all_mandatory_rules_together_have_a_limit)
{
	NEW_HUB();
	size_t whole = (size_t)RULES_MANDATORY_MAX / RULE_CONTENT_MAX;
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);

	for (size_t i = 0; i <= whole; i++) {
		buf_clear(&text);
		buf_addf(&text,
			 "{\"id\":\"r%zu\",\"title\":\"t\",\"mandatory\":true,\"content\":\"", i);
		for (size_t n = 0; n < RULE_CONTENT_MAX; n++)
			buf_addc(&text, 'x');
		buf_adds(&text, "\"}");
		if (i < whole)
			CHECK_OK(put_text(db, text.p, false, &e));
	}
	CHECK_ERR(put_text(db, text.p, false, &e), ERR_LIMIT);
	CHECK_HAS(e.msg, "all mandatory rules together");
}

TEST(fields_that_may_not_be_so_are_refused_by_name)
{
	static const char *const wrong[][2] = {
		{ "{\"title\":\"t\"}", "content is missing" },
		{ "{\"content\":\"c\"}", "title is missing" },
		{ "{\"title\":\"t\",\"content\":\"c\",\"id\":\"a/b\"}", "rule id" },
		{ "{\"title\":\"t\",\"content\":\"c\",\"id\":\"../x\"}", "rule id" },
		{ "{\"title\":\"t\",\"content\":\"c\",\"id\":\"approved\",\"mandatory\":true}",
		  "rule id 'approved'" },
		{ "{\"title\":\"t\",\"content\":\"c\",\"id\":\"\"}", "rule id" },
		{ "{\"title\":\"a\\nb\",\"content\":\"c\"}", "'title' must be one line" },
		{ "{\"title\":\"t\",\"content\":\"c\\u0000\"}", "'content'" },
		{ "{\"title\":\"t\",\"content\":7}", "'content' must be text" },
		{ "{\"title\":\"t\",\"content\":\"c\",\"confidence\":1.5}", "'confidence'" },
		{ "{\"title\":\"t\",\"content\":\"c\",\"confidence\":\"1\"}", "'confidence'" },
		{ "{\"title\":\"t\",\"content\":\"c\",\"audience\":\"me\"}", "audience" },
		{ "{\"title\":\"t\",\"content\":\"c\",\"status\":\"ok\"}", "status" },
		{ "{\"title\":\"t\",\"content\":\"c\",\"tags\":\"x\"}", "'tags'" },
		{ "{\"title\":\"t\",\"content\":\"c\",\"tags\":[1]}", "'tags'" },
		{ "{\"title\":\"t\",\"content\":\"c\",\"valid_until\":\"soon\"}", "'valid_until'" },
		{ "{\"title\":\"t\",\"content\":\"c\",\"mandatory\":1}", "'mandatory'" },
		{ "{\"title\":\"t\",\"content\":\"c\",\"mandatroy\":true}",
		  "no field 'mandatroy'" },
	};
	NEW_HUB();

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		CHECK_ERR(put_text(db, wrong[i][0], false, &e), ERR_USAGE);
		CHECK_HAS(e.msg, wrong[i][1]);
	}
}

TEST(a_rule_is_replaced_only_when_that_is_meant)
{
	static const char again[] = "{\"id\":\"r\",\"title\":\"new\",\"content\":\"c\"}";
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&text);
	NEW_HUB();
	int64_t before, after;

	put(db, "r", "\"category\":\"old\"");
	CHECK_ERR(put_text(db, again, false, &e), ERR_CONFLICT);
	CHECK_OK(generation_get(db, "rules", &before, &e));
	CHECK_OK(put_text(db, again, true, &e));
	CHECK_OK(generation_get(db, "rules", &after, &e));
	CHECK(after > before);
	CHECK_OK(rule_add(db, "r", &o, &e));
	CHECK_HAS(text.p, "\"title\":\"new\"");
	CHECK_HAS(text.p, "\"category\":null");
}

TEST(a_removed_rule_is_gone)
{
	NEW_HUB();
	AUTO_CALLER struct caller ann = caller_of(db, ANN, SCOPE_READ);

	put(db, "r", "");
	CHECK_OK(rule_remove(db, &ann, "r", &e));
	check_bundle(db, &ann, "|");
	CHECK_ERR(rule_remove(db, &ann, "r", &e), ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_empty_bundle_has_two_empty_lists),
		CASE(all_fields_come_back_as_they_were_put),
		CASE(a_rule_goes_to_its_audience),
		CASE(a_granted_domain_shows_its_rules),
		CASE(only_approved_timely_rules_of_nobody_in_particular_go_out),
		CASE(confidence_times_recency_decides_the_order_and_zero_is_not_unsaid),
		CASE(what_does_not_fit_is_skipped_and_the_next_still_gets_its_chance),
		CASE(mandatory_rules_come_whole_and_count),
		CASE(the_bundle_is_good_until_a_rule_begins_or_expires),
		CASE(a_rule_over_its_limit_is_refused_by_the_limits_name),
		CASE(all_mandatory_rules_together_have_a_limit),
		CASE(fields_that_may_not_be_so_are_refused_by_name),
		CASE(a_rule_is_replaced_only_when_that_is_meant),
		CASE(a_removed_rule_is_gone),
	};

	return RUN(tests);
}
