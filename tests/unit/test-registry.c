/* SPDX-License-Identifier: Apache-2.0 */
/* Which tables there are, who sees them, what a download and the manifest find of them. */
#include "tables-fixture.h"

#include "base/json.h"
#include "tables/locate.h"
#include "tables/manifest-build.h"
#include "tables/retention.h"

static void assert_found(struct root *root, const struct caller *caller, const char *text,
			 const char *id)
{
	AUTO_TABLE struct table t = { 0 };
	struct err e = { 0 };
	int r = registry_find(root_db(root), caller, text, &t, &e);

	assert_int_equal(r, id ? 0 : ERR_NOT_FOUND);
	if (id)
		assert_string_equal(t.id, id);
}

TEST(a_table_is_found_by_its_id_and_by_its_name)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);

	add_table(root, &(struct table_change){ .id = "in.c-crm.orders", .name = "orders" });
	assert_found(root, NULL, "in.c-crm.orders", "in.c-crm.orders");
	assert_found(root, NULL, "orders", "in.c-crm.orders");
	assert_found(root, NULL, "Orders", NULL);
	assert_found(root, NULL, "../orders", NULL);
	assert_found(root, NULL, "", NULL);
}

TEST(no_text_can_mean_two_tables)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	static const struct table_change taken[] = {
		{ .id = "one" },
		{ .id = "uno" },
		{ .id = "two", .name = "one" },
		{ .id = "two", .name = "uno" },
		{ .id = "One" },
		{ .id = "two", .name = "UNO" },
	};
	struct err e = { 0 };

	add_table(root, &(struct table_change){ .id = "one", .name = "uno" });
	add_table(root, &(struct table_change){ .id = "three" });
	begin(root);
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		assert_int_equal(registry_add(root_db(root), &taken[i], &e), ERR_CONFLICT);
	assert_int_equal(registry_change(root_db(root), "three",
					 &(struct table_change){ .name = "one" }, &e),
			 ERR_CONFLICT);
	CHECK_OK(
		registry_change(root_db(root), "one", &(struct table_change){ .name = "one" }, &e));
	commit(root);
}

TEST(a_name_that_is_no_file_name_is_refused)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	static const char *const bad[] = { "",    ".",   "..", ".hidden", "a/b",     "a\"b",
					   "a'b", "a b", "-a", "a\\b",    "\xc3\xa9" };
	char longest[NAME_MAX_LEN + 2];
	struct err e = { 0 };

	memset(longest, 'a', sizeof(longest) - 1);
	longest[NAME_MAX_LEN + 1] = '\0';
	begin(root);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
			registry_add(root_db(root), &(struct table_change){ .id = bad[i] }, &e),
			ERR_USAGE);
	assert_int_equal(registry_add(root_db(root), &(struct table_change){ .id = longest }, &e),
			 ERR_USAGE);
	longest[NAME_MAX_LEN] = '\0';
	CHECK_OK(registry_add(root_db(root), &(struct table_change){ .id = longest }, &e));
	commit(root);
}

TEST(an_unknown_mode_or_an_unclean_description_is_refused)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	static const struct table_change bad[] = {
		{ .id = "a", .query_mode = "magic" },
		{ .id = "a", .description = "bell\a" },
		{ .id = "a", .source_type = "\xff" },
	};
	struct err e = { 0 };

	begin(root);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(registry_add(root_db(root), &bad[i], &e), ERR_USAGE);
	commit(root);
}

TEST(what_is_not_given_stays_and_an_empty_text_takes_it_away)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	AUTO_TABLE struct table t = { 0 };
	struct table_change change = { .name = "n", .description = "" };
	struct err e = { 0 };

	add_table(root,
		  &(struct table_change){
			  .id = "a", .description = "d", .source_type = "s", .sort_by = "x" });
	begin(root);
	CHECK_OK(registry_change(root_db(root), "a", &change, &e));
	commit(root);
	CHECK_OK(registry_find(root_db(root), NULL, "n", &t, &e));
	assert_null(t.description);
	assert_string_equal(t.source_type, "s");
	assert_string_equal(t.sort_by, "x");
	assert_string_equal(t.query_mode, "local");
}

TEST(each_change_bumps_the_generation)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	int64_t before = 0;
	int64_t after = 0;
	struct err e = { 0 };

	CHECK_OK(generation_get(root_db(root), "tables", &before, &e));
	add_table(root, &(struct table_change){ .id = "a" });
	begin(root);
	CHECK_OK(registry_change(root_db(root), "a", &(struct table_change){ .name = "b" }, &e));
	CHECK_OK(retention_remove_table(root, NULL, "b", &e));
	commit(root);
	CHECK_OK(generation_get(root_db(root), "tables", &after, &e));
	assert_int_equal(after, before + 3);
}

static int add_name(void *ctx, const struct table *t, struct err *e)
{
	(void)e;
	strv_add(ctx, t->name);
	return 0;
}

/* Bob sees what is granted to his group, by the table's id, whatever its name. */
static struct caller bob_with_grant(struct root *root)
{
	add_table(root, &(struct table_change){ .id = "t1", .name = "orders" });
	add_table(root, &(struct table_change){ .id = "t2", .name = "secret" });
	begin(root);
	join(root_db(root), BOB, "analysts");
	(void)grant_table(root_db(root), "analysts", "t1");
	struct caller bob = caller_of(root_db(root), BOB, SCOPE_READ);
	commit(root);
	return bob;
}

TEST(a_caller_sees_the_granted_tables_and_no_others)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	AUTO_CALLER struct caller bob = bob_with_grant(root);
	AUTO_STRV struct strv names = STRV_INIT;
	struct err e = { 0 };

	assert_found(root, &bob, "t1", "t1");
	assert_found(root, &bob, "orders", "t1");
	assert_found(root, &bob, "t2", NULL);
	assert_found(root, &bob, "secret", NULL);
	CHECK_OK(registry_list(root_db(root), &bob, add_name, &names, &e));
	assert_int_equal(names.n, 1);
	assert_string_equal(names.v[0], "orders");
}

TEST(an_administrator_sees_all_tables_by_name)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	AUTO_CALLER struct caller bob = bob_with_grant(root);
	AUTO_STRV struct strv names = STRV_INIT;
	struct err e = { 0 };

	bob.is_admin = true;
	CHECK_OK(registry_list(root_db(root), &bob, add_name, &names, &e));
	assert_int_equal(names.n, 2);
	assert_string_equal(names.v[0], "orders");
	assert_string_equal(names.v[1], "secret");
}

TEST(a_removed_table_takes_its_grants_along)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	AUTO_CALLER struct caller bob = bob_with_grant(root);
	struct err e = { 0 };

	begin(root);
	CHECK_OK(retention_remove_table(root, NULL, "orders", &e));
	CHECK_OK(registry_add(root_db(root), &(struct table_change){ .id = "t1" }, &e));
	commit(root);
	assert_found(root, &bob, "t1", NULL);
	assert_int_equal(count(root, "SELECT count(*) FROM resource_grant"), 0);
}

static void assert_answer(struct root *root, const struct caller *caller, const struct wanted *w,
			  enum locate_answer wanted_answer)
{
	enum locate_answer answer = LOCATE_NO_TABLE;
	struct located found = { 0 };
	struct err e = { 0 };

	CHECK_OK(locate(root_db(root), caller, w, &answer, &found, &e));
	assert_int_equal(answer, wanted_answer);
}

TEST(a_download_finds_what_is_granted_or_says_why_not)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	AUTO_CALLER struct caller bob = bob_with_grant(root);
	struct publish_result first = { 0 };
	struct publish_result second = { 0 };
	struct publish_result other = { 0 };

	assert_answer(root, &bob, &(struct wanted){ .table = "orders" }, LOCATE_NO_VERSION);
	publish_csv(root, "t1", "a\n1\n", &first);
	publish_csv(root, "t1", "a\n2\n", &second);
	publish_csv(root, "t2", "a\n3\n", &other);
	assert_answer(root, &bob, &(struct wanted){ .table = "orders" }, LOCATE_FOUND);
	assert_answer(root, &bob, &(struct wanted){ .table = "t1" }, LOCATE_FOUND);
	assert_answer(root, &bob, &(struct wanted){ .table = "t1", .version = first.sha256 },
		      LOCATE_FOUND);
	assert_answer(root, &bob, &(struct wanted){ .table = "t1", .version = other.sha256 },
		      LOCATE_NO_VERSION);
	assert_answer(root, &bob, &(struct wanted){ .table = "t1", .part = "x.parquet" },
		      LOCATE_NO_PART);
	assert_answer(root, &bob, &(struct wanted){ .table = "t2" }, LOCATE_NO_TABLE);
	assert_answer(root, &bob, &(struct wanted){ .table = "nothing" }, LOCATE_NO_TABLE);
	assert_answer(root, &bob, &(struct wanted){ .table = "../t1" }, LOCATE_NO_TABLE);
}

static struct json *manifest_of(struct root *root, const struct caller *caller)
{
	AUTO_BUF struct buf text = BUF_INIT(MANIFEST_BUILD_MAX);
	size_t lasting = 0;
	struct json *json = NULL;
	struct err e = { 0 };

	CHECK_OK(manifest_build(root_db(root), &(struct manifest_for){ .caller = caller }, &text,
				&lasting, &e));
	CHECK_OK(json_parse(buf_bytes(&text), MANIFEST_BUILD_MAX, &json, &e));
	return json;
}

TEST(the_manifest_has_granted_tables_under_their_names)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	AUTO_CALLER struct caller bob = bob_with_grant(root);
	struct publish_result result = { 0 };

	publish_csv(root, "t1", "a\n1\n2\n", &result);
	publish_csv(root, "t2", "a\n3\n", &(struct publish_result){ 0 });
	AUTO_JSON struct json *m = manifest_of(root, &bob);
	const struct json *t = json_get(json_get(m, "tables"), "orders");

	assert_int_equal(json_size(json_get(m, "tables")), 1);
	assert_string_equal(json_text(json_get(t, "id")), "t1");
	assert_string_equal(json_text(json_get(t, "hash")), result.md5);
	assert_string_equal(json_text(json_get(t, "sha256")), result.sha256);
	assert_int_equal(json_int(json_get(t, "rows"), -1), 2);
	assert_int_equal(json_int(json_get(t, "size_bytes"), -1), result.size_bytes);
	assert_string_equal(json_text(json_get(t, "query_mode")), "local");
	assert_string_equal(json_text(json_get(t, "source_type")), "");
	assert_null(json_get(t, "parts"));
	assert_string_equal(json_text(json_get(m, "server_time")), "1970-01-01T00:00:00.000Z");
}

TEST(the_manifest_leaves_out_what_was_never_published_unless_it_is_remote)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	struct caller admin = { .is_admin = true };

	add_table(root, &(struct table_change){ .id = "empty" });
	add_table(root, &(struct table_change){ .id = "far", .query_mode = "remote" });
	AUTO_JSON struct json *m = manifest_of(root, &admin);
	const struct json *far = json_get(json_get(m, "tables"), "far");

	assert_int_equal(json_size(json_get(m, "tables")), 1);
	assert_int_equal(json_kind(json_get(far, "hash")), JSON_NULL);
	assert_int_equal(json_kind(json_get(far, "rows")), JSON_NULL);
	assert_int_equal(json_kind(json_get(far, "size_bytes")), JSON_NULL);
	assert_int_equal(json_kind(json_get(far, "updated")), JSON_NULL);
}

#define OK(test) cmocka_unit_test(test)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		OK(a_table_is_found_by_its_id_and_by_its_name),
		OK(no_text_can_mean_two_tables),
		OK(a_name_that_is_no_file_name_is_refused),
		OK(an_unknown_mode_or_an_unclean_description_is_refused),
		OK(what_is_not_given_stays_and_an_empty_text_takes_it_away),
		OK(each_change_bumps_the_generation),
		OK(a_caller_sees_the_granted_tables_and_no_others),
		OK(an_administrator_sees_all_tables_by_name),
		OK(a_removed_table_takes_its_grants_along),
		OK(a_download_finds_what_is_granted_or_says_why_not),
		OK(the_manifest_has_granted_tables_under_their_names),
		OK(the_manifest_leaves_out_what_was_never_published_unless_it_is_remote),
	};

	find_duck();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
