/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of columns: made at a publish, kept with the contents, gone with them. */
#include "tables-fixture.h"

#include "tables/retention.h"
#include "tables/statistics.h"

static void find(struct root *root, const char *sha256, struct statistics *s)
{
	struct err e = { 0 };

	assert_int_equal(statistics_find(root_db(root), sha256, s, &e), 1);
}

TEST(a_publish_leaves_figures_of_each_column)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	AUTO(statistics_release) struct statistics s = { 0 };
	struct publish_result result = { 0 };

	publish_csv(root, "t", "id,city,at\n3,Brno,2026-01-02\n10,,2026-01-01\n7,Brno,\n", &result);
	find(root, result.sha256, &s);
	assert_int_equal(s.rows, 3);
	assert_int_equal(s.count, 3);
	assert_string_equal(s.columns[0].name, "id");
	assert_string_equal(s.columns[0].type, "BIGINT");
	assert_int_equal(s.columns[0].nulls, 0);
	assert_int_equal(s.columns[0].distinct, 3);
	assert_string_equal(s.columns[0].min, "3");
	assert_string_equal(s.columns[0].max, "10");
	assert_int_equal(s.columns[1].nulls, 1);
	assert_int_equal(s.columns[1].distinct, 1);
	assert_string_equal(s.columns[1].values, "[\"Brno\"]");
	assert_string_equal(s.columns[2].type, "DATE");
	assert_string_equal(s.columns[2].min, "2026-01-01");
	assert_string_equal(s.columns[2].max, "2026-01-02");
}

TEST(names_and_values_may_be_any_text)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	AUTO(statistics_release) struct statistics s = { 0 };
	struct publish_result result = { 0 };
	AUTO_BUF struct buf csv = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&csv, "\"a \"\"b\"\" 'c'\",order\n");
	for (int i = 0; i < 300; i++)
		buf_addc(&csv, 'x');
	buf_adds(&csv, ",\"say \"\"hi\"\"\"\n");
	publish_csv(root, "t", buf_str(&csv), &result);
	find(root, result.sha256, &s);
	assert_string_equal(s.columns[0].name, "a \"b\" 'c'");
	assert_int_equal(strlen(s.columns[0].min), STATISTICS_TEXT_MAX);
	assert_string_equal(s.columns[1].name, "order");
	assert_string_equal(s.columns[1].values, "[\"say \\\"hi\\\"\"]");
}

TEST(a_table_without_rows_has_columns_without_values)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	AUTO(statistics_release) struct statistics s = { 0 };
	struct publish_result result = { 0 };

	publish_csv(root, "t", "a,b\n", &result);
	find(root, result.sha256, &s);
	assert_int_equal(s.rows, 0);
	assert_int_equal(s.count, 2);
	assert_int_equal(s.columns[0].nulls, 0);
	assert_null(s.columns[0].min);
	assert_string_equal(s.columns[0].values, "[]");
}

TEST(of_lists_and_structs_only_the_nulls_are_counted)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	AUTO(statistics_release) struct statistics s = { 0 };
	char sha256[HASH_HEX_MAX];
	struct publish_part part = { .path = "", .sha256 = sha256, .format = DUCK_NDJSON };
	struct publish_request request = {
		.table = "t", .parts = &part, .part_count = 1, .create = true
	};
	struct publish_result result = { 0 };
	struct err e = { 0 };

	(void)put(root, "{\"l\":[1,2],\"s\":{\"a\":1}}\n{\"l\":null,\"s\":{\"a\":2}}\n", sha256);
	CHECK_OK(try_publish(root, &request, &result, &e));
	find(root, result.sha256, &s);
	assert_int_equal(s.columns[0].nulls, 1);
	assert_int_equal(s.columns[0].distinct, -1);
	assert_null(s.columns[0].max);
	assert_int_equal(s.columns[1].nulls, 0);
}

TEST(figures_go_with_the_last_version_of_their_contents)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	struct publish_result one = { 0 }, same = { 0 }, other = { 0 };
	AUTO(statistics_release) struct statistics s = { 0 };
	struct err e = { 0 };
	size_t removed = 0;

	publish_csv(root, "a", "k\n1\n", &one);
	publish_csv(root, "b", "k\n1\n", &same);
	assert_string_equal(one.sha256, same.sha256);
	assert_int_equal(count(root, "SELECT count(*) FROM column_statistics"), 1);
	publish_csv(root, "a", "k\n2\n", &other);
	begin(root);
	CHECK_OK(retention_sweep(root, -1000, &removed, &e));
	commit(root);
	assert_int_equal(removed, 1);
	find(root, one.sha256, &s); /* b has them still */
	begin(root);
	CHECK_OK(retention_remove_table(root, NULL, "b", &e));
	commit(root);
	statistics_release(&s);
	assert_int_equal(statistics_find(root_db(root), one.sha256, &s, &e), 0);
	assert_int_equal(statistics_find(root_db(root), other.sha256, &s, &e), 1);
}

TEST(parts_are_one_table)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	AUTO(statistics_release) struct statistics s = { 0 };
	char one[HASH_HEX_MAX], two[HASH_HEX_MAX];
	struct publish_part parts[] = { { .path = "a.csv", .sha256 = one, .format = DUCK_CSV },
					{ .path = "b.csv", .sha256 = two, .format = DUCK_CSV } };
	struct publish_request request = {
		.table = "t", .parts = parts, .part_count = 2, .create = true
	};
	struct publish_result result = { 0 };
	struct err e = { 0 };

	(void)put(root, "k\n1\n2\n", one);
	(void)put(root, "k\n2\n3\n", two);
	CHECK_OK(try_publish(root, &request, &result, &e));
	find(root, result.sha256, &s);
	assert_int_equal(s.rows, 4);
	assert_int_equal(s.columns[0].distinct, 3);
	assert_string_equal(s.columns[0].max, "3");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_publish_leaves_figures_of_each_column),
		cmocka_unit_test(names_and_values_may_be_any_text),
		cmocka_unit_test(a_table_without_rows_has_columns_without_values),
		cmocka_unit_test(of_lists_and_structs_only_the_nulls_are_counted),
		cmocka_unit_test(figures_go_with_the_last_version_of_their_contents),
		cmocka_unit_test(parts_are_one_table),
	};

	find_duck();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
