/* SPDX-License-Identifier: Apache-2.0 */
#include "access-fixture.h"

static const struct db_schema *const schemas[] = { &access_schema };

#define NEW_HUB()                                                                                  \
	AUTO_SCRATCH char *folder = scratch_new();                                                 \
	AUTO_DB struct db *db = access_new(folder, schemas, ARRAY_LEN(schemas));                   \
	__attribute__((unused)) struct err e = { 0 }

static int authenticate(struct db *db, const char *token, struct err *e)
{
	AUTO_CALLER struct caller caller = CALLER_INIT;

	return access_authenticate(db, token, &caller, e);
}

TEST(a_token_names_its_user_scope_and_groups)
{
	NEW_HUB();
	join(db, BOB, "analysts");
	join(db, BOB, "builders");
	AUTO_CALLER struct caller bob = caller_of(db, BOB, SCOPE_READ);

	CHECK_STR(bob.email, BOB);
	CHECK_INT(bob.scope, SCOPE_READ);
	CHECK(!bob.is_admin);
	CHECK_INT(bob.group_ids.n, 2);
	CHECK(strv_has(&bob.group_names, "analysts") && strv_has(&bob.group_names, "builders"));
}

TEST(texts_that_are_no_tokens_are_refused_in_the_words_of_the_contract)
{
	NEW_HUB();
	AUTO_FREE char *token = token_of(db, ANN, SCOPE_USER);

	CHECK_ERR(authenticate(db, NULL, &e), ERR_AUTH);
	CHECK_STR(e.msg, "Missing or invalid Authorization header");
	CHECK_ERR(authenticate(db, "lrd_x", &e), ERR_AUTH);
	CHECK_STR(e.msg, "Invalid or expired token");
	token[strlen(token) - 1] ^= 1;
	CHECK_ERR(authenticate(db, token, &e), ERR_AUTH);
	CHECK_STR(e.msg, "Token mismatch");
	memset(token + 4, '0', TOKEN_ID_LEN);
	CHECK_ERR(authenticate(db, token, &e), ERR_AUTH);
	CHECK_STR(e.msg, "Token unknown");
}

TEST(a_secret_is_not_kept)
{
	static const char sql_kept[] =
		"SELECT group_concat(secret_sha256 || id || name) FROM token";
	NEW_HUB();
	AUTO_FREE char *token = token_of(db, ANN, SCOPE_USER);
	AUTO_FREE char *kept = NULL;

	CHECK_OK(db_get_text(db, &kept, &e, sql_kept, ""));
	CHECK(!strstr(kept, token + 4 + TOKEN_ID_LEN + 1));
}

TEST(a_revoked_token_ends_at_once)
{
	NEW_HUB();
	AUTO_FREE char *token = token_of(db, ANN, SCOPE_USER);
	AUTO_CALLER struct caller ann = who(db, token);

	CHECK_OK(token_revoke(db, &ann, ann.token_id, &e));
	CHECK_ERR(authenticate(db, token, &e), ERR_AUTH);
	CHECK_STR(e.msg, "Token revoked");
}

TEST(a_token_ends_with_its_time)
{
	NEW_HUB();
	struct token_wish wish = {
		.email = ANN, .name = "t", .scope = SCOPE_USER, .expires_ms = time_now() + 60000
	};
	struct token_made made;

	CHECK_OK(token_mint(db, NULL, &wish, &made, &e));
	CHECK_OK(authenticate(db, made.text, &e));
	(void)setenv("LARDER_NOW", "+61s", 1);
	CHECK_ERR(authenticate(db, made.text, &e), ERR_AUTH);
	(void)unsetenv("LARDER_NOW");
	CHECK_STR(e.msg, "Token expired");
}

TEST(a_removed_user_has_no_access_and_gets_none_of_it_back)
{
	NEW_HUB();
	join(db, BOB, "analysts");
	AUTO_FREE char *token = token_of(db, BOB, SCOPE_USER);

	CHECK_OK(user_remove(db, NULL, BOB, &e));
	CHECK_ERR(authenticate(db, token, &e), ERR_AUTH);
	CHECK_STR(e.msg, "Account deactivated");
	CHECK_OK(user_add(db, NULL, BOB, NULL, &e));
	CHECK_ERR(authenticate(db, token, &e), ERR_AUTH);
	CHECK_STR(e.msg, "Token revoked");
	AUTO_CALLER struct caller bob = caller_of(db, BOB, SCOPE_USER);

	CHECK_INT(bob.group_ids.n, 0);
}

TEST(a_token_mints_none_of_wider_rights)
{
	NEW_HUB();
	join(db, BOB, "analysts");
	AUTO_CALLER struct caller bob = caller_of(db, BOB, SCOPE_READ);
	AUTO_CALLER struct caller ann = caller_of(db, ANN, SCOPE_USER);
	AUTO_CALLER struct caller root = caller_of(db, ANN, SCOPE_ADMIN);
	struct token_made made;

	CHECK_ERR(token_mint(db, &bob, &(struct token_wish){ NULL, "t", SCOPE_USER, 0 }, &made, &e),
		  ERR_DENIED);
	CHECK_ERR(
		token_mint(db, &ann, &(struct token_wish){ NULL, "t", SCOPE_ADMIN, 0 }, &made, &e),
		ERR_DENIED);
	CHECK_ERR(token_mint(db, &ann, &(struct token_wish){ BOB, "t", SCOPE_READ, 0 }, &made, &e),
		  ERR_DENIED);
	CHECK_ERR(
		token_mint(db, &root, &(struct token_wish){ BOB, "t", SCOPE_ADMIN, 0 }, &made, &e),
		ERR_DENIED);
	CHECK_OK(token_mint(db, &root, &(struct token_wish){ BOB, "t", SCOPE_USER, 0 }, &made, &e));
}

TEST(a_user_makes_tokens_up_to_a_limit_and_an_admin_still_makes_one)
{
	NEW_HUB();
	join(db, BOB, "analysts");
	AUTO_CALLER struct caller bob = caller_of(db, BOB, SCOPE_READ);
	AUTO_CALLER struct caller root = caller_of(db, ANN, SCOPE_ADMIN);
	const struct token_wish wish = { NULL, "t", SCOPE_READ, 0 };
	struct token_made made;

	CHECK_OK(db_begin(db, &e));
	for (int i = 1; i < TOKENS_PER_USER_MAX; i++)
		CHECK_OK(token_mint(db, &bob, &wish, &made, &e));
	CHECK_ERR(token_mint(db, &bob, &wish, &made, &e), ERR_LIMIT);
	/* Revoking makes no room on the same day, or mint and revoke in turn had no end. */
	CHECK_OK(token_revoke(db, &bob, made.id, &e));
	CHECK_ERR(token_mint(db, &bob, &wish, &made, &e), ERR_LIMIT);
	CHECK_OK(token_mint(db, &root, &(struct token_wish){ BOB, "t", SCOPE_USER, 0 }, &made, &e));
	CHECK_OK(db_commit(db, &e));
}

TEST(a_minted_token_does_not_outlive_its_minter)
{
	NEW_HUB();
	int64_t soon = time_now() + 60000;
	struct token_wish wish = { ANN, "t", SCOPE_ADMIN, soon };
	struct token_made made;

	CHECK_OK(token_mint(db, NULL, &wish, &made, &e));
	AUTO_CALLER struct caller ann = who(db, made.text);

	wish.expires_ms = 0;
	CHECK_OK(token_mint(db, &ann, &wish, &made, &e));
	CHECK(made.expires_ms == soon);
	wish.expires_ms = soon + 1;
	CHECK_OK(token_mint(db, &ann, &wish, &made, &e));
	CHECK(made.expires_ms == soon);
	wish.expires_ms = soon - 1;
	CHECK_OK(token_mint(db, &ann, &wish, &made, &e));
	CHECK(made.expires_ms == soon - 1);
}

TEST(another_users_token_does_not_exist)
{
	NEW_HUB();
	join(db, BOB, "analysts");
	AUTO_CALLER struct caller bob = caller_of(db, BOB, SCOPE_USER);
	AUTO_CALLER struct caller ann = caller_of(db, ANN, SCOPE_ADMIN);

	CHECK_ERR(token_revoke(db, &bob, ann.token_id, &e), ERR_NOT_FOUND);
	CHECK_OK(token_revoke(db, &ann, bob.token_id, &e));
}

TEST(an_admins_scope_ends_with_the_membership)
{
	NEW_HUB();
	join(db, BOB, "admin");
	AUTO_FREE char *token = token_of(db, BOB, SCOPE_ADMIN);
	AUTO_CALLER struct caller before = who(db, token);

	CHECK_OK(access_need_admin(&before, &e));
	CHECK_OK(member_remove(db, NULL, "admin", BOB, &e));
	AUTO_CALLER struct caller after = who(db, token);

	CHECK_ERR(access_need_admin(&after, &e), ERR_DENIED);
}

TEST(an_admin_with_a_narrow_token_may_not_administer)
{
	NEW_HUB();
	AUTO_CALLER struct caller ann = caller_of(db, ANN, SCOPE_USER);

	CHECK(ann.is_admin);
	CHECK_ERR(access_need_admin(&ann, &e), ERR_DENIED);
	CHECK_INT(access_sees(db, &ann, "table", "any", &e), 1);
}

TEST(the_last_admin_stays)
{
	NEW_HUB();

	CHECK_ERR(user_remove(db, NULL, ANN, &e), ERR_CONFLICT);
	CHECK_OK(db_begin(db, &e));
	CHECK_ERR(member_remove(db, NULL, "admin", ANN, &e), ERR_CONFLICT);
	db_rollback(db);
	CHECK_ERR(group_remove(db, NULL, "admin", &e), ERR_CONFLICT);
	join(db, BOB, "admin");
	CHECK_OK(user_remove(db, NULL, ANN, &e));
}

TEST(a_grant_shows_a_table_to_the_group_and_its_end_hides_it)
{
	NEW_HUB();
	join(db, BOB, "analysts");
	AUTO_CALLER struct caller bob = caller_of(db, BOB, SCOPE_READ);
	int64_t id;

	CHECK_INT(access_sees(db, &bob, "table", "t1", &e), 0);
	id = grant_table(db, "analysts", "t1");
	CHECK_INT(access_sees(db, &bob, "table", "t1", &e), 1);
	CHECK_INT(access_sees(db, &bob, "memory_domain", "t1", &e), 0);
	CHECK_INT(access_sees(db, &bob, "table", "t2", &e), 0);
	CHECK_OK(grant_remove(db, NULL, id, &e));
	CHECK_INT(access_sees(db, &bob, "table", "t1", &e), 0);
}

TEST(grants_go_with_their_group)
{
	NEW_HUB();
	join(db, BOB, "analysts");
	AUTO_CALLER struct caller bob = caller_of(db, BOB, SCOPE_READ);
	AUTO_STRV struct strv granted = STRV_INIT;

	(void)grant_table(db, "analysts", "t2");
	(void)grant_table(db, "analysts", "t1");
	CHECK_OK(access_granted(db, &bob, "table", &granted, &e));
	CHECK_INT(granted.n, 2);
	CHECK_STR(granted.v[0], "t1");
	CHECK_OK(group_remove(db, NULL, "analysts", &e));
	CHECK_INT(access_sees(db, &bob, "table", "t1", &e), 0);
}

TEST(what_exists_is_a_conflict_and_what_does_not_is_not_found)
{
	NEW_HUB();
	AUTO_FREE char *id = NULL;
	struct grant grant = { "analysts", "table", "t1" };
	int64_t grant_id = 0;

	CHECK_ERR(user_add(db, NULL, "Ann@Example.com", NULL, &e), ERR_CONFLICT);
	CHECK_ERR(grant_add(db, NULL, &grant, &grant_id, &e), ERR_NOT_FOUND);
	CHECK_OK(group_add(db, NULL, "analysts", &id, &e));
	CHECK_ERR(group_add(db, NULL, "analysts", &id, &e), ERR_CONFLICT);
	CHECK_OK(grant_add(db, NULL, &grant, &grant_id, &e));
	CHECK_ERR(grant_add(db, NULL, &grant, &grant_id, &e), ERR_CONFLICT);
	CHECK_ERR(grant_remove(db, NULL, grant_id + 1, &e), ERR_NOT_FOUND);
	CHECK_ERR(member_add(db, NULL, "analysts", BOB, &e), ERR_NOT_FOUND);
	CHECK_ERR(member_remove(db, NULL, "analysts", ANN, &e), ERR_NOT_FOUND);
	CHECK_ERR(user_remove(db, NULL, BOB, &e), ERR_NOT_FOUND);
}

TEST(names_that_may_not_be_are_refused)
{
	static const char *const emails[] = { "",      "ann",   "@x",    "a@",    "a@b@c",
					      "a b@c", "a/b@c", "a@b\n", "<a@b>", NULL };
	static const char *const groups[] = { "", "a b", "a/b", "../x", ".a", "a\tb", NULL };
	AUTO_FREE char *id = NULL;
	char long_email[ACCESS_EMAIL_MAX + 2];
	NEW_HUB();

	for (size_t i = 0; emails[i]; i++)
		CHECK_ERR(user_add(db, NULL, emails[i], NULL, &e), ERR_USAGE);
	for (size_t i = 0; groups[i]; i++)
		CHECK_ERR(group_add(db, NULL, groups[i], &id, &e), ERR_USAGE);
	memset(long_email, 'a', sizeof(long_email));
	long_email[1] = '@';
	long_email[ACCESS_EMAIL_MAX + 1] = '\0';
	CHECK_ERR(user_add(db, NULL, long_email, NULL, &e), ERR_USAGE);
	long_email[ACCESS_EMAIL_MAX] = '\0';
	CHECK_OK(user_add(db, NULL, long_email, NULL, &e));
}

TEST(every_change_is_recorded_and_makes_a_new_generation)
{
	NEW_HUB();
	AUTO_CALLER struct caller ann = caller_of(db, ANN, SCOPE_ADMIN);
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&text);
	int64_t before = 0, after = 0;

	CHECK_OK(generation_get(db, "access", &before, &e));
	CHECK_OK(user_add(db, &ann, BOB, NULL, &e));
	CHECK_OK(generation_get(db, "access", &after, &e));
	CHECK(after > before);
	json_open(&o, NULL, '[');
	CHECK_OK(audit_list(db, &(struct audit_query){ .limit = 1 }, &o, &e));
	json_close(&o);
	CHECK_HAS(text.p, "\"user\":\"" ANN "\"");
	CHECK_HAS(text.p, "\"action\":\"user.add\",\"resource\":\"" BOB "\"");
}

static int count_audit(struct db *db, const struct audit_query *query)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *doc = NULL;
	struct audit_query q = *query;
	struct json_out o = json_out(&text);
	struct err e = { 0 };

	q.limit = q.limit ? q.limit : AUDIT_PAGE_MAX;
	json_open(&o, NULL, '[');
	CHECK_OK(audit_list(db, &q, &o, &e));
	json_close(&o);
	CHECK_OK(json_parse(buf_bytes(&text), BUF_OWN_MAX, &doc, &e));
	return (int)json_size(doc);
}

#define COUNT(...) count_audit(db, &(struct audit_query){ __VA_ARGS__ })

TEST(the_record_is_filtered_by_rules)
{
	NEW_HUB();
	AUTO_CALLER struct caller ann = caller_of(db, ANN, SCOPE_ADMIN);
	int64_t now = time_now();
	int before = COUNT(0);

	CHECK_OK(audit_add(db, &ann, "job.run", "job:a", NULL, &e));
	CHECK_OK(audit_add(db, &ann, "job.run", "job:b*[x]?", NULL, &e));
	CHECK_OK(audit_add(db, NULL, "jobs", NULL, NULL, &e));
	CHECK_INT(COUNT(.action = "job.run"), 2);
	CHECK_INT(COUNT(.action = "job*"), 3);
	CHECK_INT(COUNT(.action = "!job*"), before);
	CHECK_INT(COUNT(.action = "job.*", .resource = "!job:a"), 1);
	CHECK_INT(COUNT(.resource = "job:b*[x]?"), 1); /* only '*' is a sign */
	CHECK_INT(COUNT(.resource = "job:?"), 0);
	CHECK_INT(COUNT(.action = "job*", .user = ANN), 2);
	CHECK_INT(COUNT(.action = "job*", .user = ""), 1);
	CHECK_INT(COUNT(.action = "job*", .user = "!ann*"), 1);
	CHECK_INT(COUNT(.action = "jobs", .since_ms = now - 1000), 1);
	CHECK_INT(COUNT(.action = "jobs", .since_ms = now + 60000), 0);
	CHECK_INT(COUNT(.action = "jobs", .until_ms = now - 1000), 0);
	CHECK_INT(COUNT(.action = "job*", .limit = 1), 1);
	CHECK_INT(COUNT(.before_id = 1), 0);
}

TEST(the_use_of_a_token_is_recorded_once_a_minute)
{
	NEW_HUB();
	AUTO_FREE char *token = token_of(db, ANN, SCOPE_USER);
	AUTO_CALLER struct caller first = who(db, token);
	int64_t now = time_now();

	CHECK(access_use_is_stale(&first, now));
	CHECK_OK(access_record_use(db, &first, now, &e));
	AUTO_CALLER struct caller second = who(db, token);

	CHECK(!access_use_is_stale(&second, now + 60000));
	CHECK(access_use_is_stale(&second, now + 60001));
}

TEST(a_caller_is_renewed_as_the_rows_are_now)
{
	NEW_HUB();
	AUTO_FREE char *token = token_of(db, ANN, SCOPE_ADMIN);
	AUTO_CALLER struct caller ann = who(db, token);

	join(db, ANN, "analysts");
	CHECK_OK(access_renew(db, &ann, &e));
	CHECK(ann.is_admin && strv_has(&ann.group_names, "analysts"));
	CHECK_OK(user_add(db, NULL, BOB, NULL, &e));
	CHECK_OK(member_add(db, NULL, "admin", BOB, &e));
	CHECK_OK(member_remove(db, NULL, "admin", ANN, &e));
	CHECK_OK(access_renew(db, &ann, &e));
	CHECK(!ann.is_admin);
	CHECK_INT(ann.group_ids.n, 1);
	CHECK_OK(token_revoke(db, &ann, ann.token_id, &e));
	CHECK_ERR(access_renew(db, &ann, &e), ERR_AUTH);
	CHECK_STR(e.msg, "Token revoked");
}

TEST(a_narrow_token_ends_no_wider_one)
{
	NEW_HUB();
	AUTO_CALLER struct caller wide = caller_of(db, ANN, SCOPE_ADMIN);
	AUTO_CALLER struct caller narrow = caller_of(db, ANN, SCOPE_READ);

	CHECK_ERR(token_revoke(db, &narrow, wide.token_id, &e), ERR_DENIED);
	CHECK_OK(access_renew(db, &wide, &e));
	CHECK_OK(token_revoke(db, &narrow, narrow.token_id, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_token_names_its_user_scope_and_groups),
		CASE(texts_that_are_no_tokens_are_refused_in_the_words_of_the_contract),
		CASE(a_secret_is_not_kept),
		CASE(a_revoked_token_ends_at_once),
		CASE(a_token_ends_with_its_time),
		CASE(a_caller_is_renewed_as_the_rows_are_now),
		CASE(a_narrow_token_ends_no_wider_one),
		CASE(a_removed_user_has_no_access_and_gets_none_of_it_back),
		CASE(a_token_mints_none_of_wider_rights),
		CASE(a_user_makes_tokens_up_to_a_limit_and_an_admin_still_makes_one),
		CASE(a_minted_token_does_not_outlive_its_minter),
		CASE(another_users_token_does_not_exist),
		CASE(an_admins_scope_ends_with_the_membership),
		CASE(an_admin_with_a_narrow_token_may_not_administer),
		CASE(the_last_admin_stays),
		CASE(a_grant_shows_a_table_to_the_group_and_its_end_hides_it),
		CASE(grants_go_with_their_group),
		CASE(what_exists_is_a_conflict_and_what_does_not_is_not_found),
		CASE(names_that_may_not_be_are_refused),
		CASE(every_change_is_recorded_and_makes_a_new_generation),
		CASE(the_record_is_filtered_by_rules),
		CASE(the_use_of_a_token_is_recorded_once_a_minute),
	};

	return RUN(tests);
}
