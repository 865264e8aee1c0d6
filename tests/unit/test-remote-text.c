/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/text.h"

#include "test.h"

static void add_string(struct buf *out, struct bytes text)
{
	AUTO_FREE char *copy = xstrndup(text.p, text.n);

	sql_quote_text(out, copy);
}

static int add_path(struct buf *out, const struct json *spec, struct err *e)
{
	(void)spec;
	(void)e;
	buf_adds(out, "there");
	return 0;
}

static const struct far_dialect dialect = { sql_quote_name, add_string, add_path, "AS" };

static void check_rendered(const char *sql, const char *table, const char *expected)
{
	const struct far_table tables[] = { { .name = table } };
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *plain = NULL;
	struct err e = { 0 };

	assert_int_equal(far_plain(sql, &plain, &e), 0);
	assert_int_equal(
		far_render(&(struct far_statement){ plain, tables, 1 }, &dialect, &out, &e), 0);
	assert_string_equal(buf_str(&out), expected);
}

TEST(plain_text_keeps_its_places)
{
	static const char *const pairs[][2] = {
		{ "SELECT 1", "SELECT 1" },
		{ "SELECT 1;\n", "SELECT 1 \n" },
		{ "SELECT 1 -- it's\n+ 1", "SELECT 1        \n+ 1" },
		{ "SELECT /* ' */ 1", "SELECT         1" },
		{ "SELECT '--' || '/*' || 'a;b' || 'it''s' || '$1'",
		  "SELECT '--' || '/*' || 'a;b' || 'it''s' || '$1'" },
		{ "SELECT `a b`", "SELECT \"a b\"" },
		{ "SELECT \"a\"\"b\", 'C:\\x'", "SELECT \"a\"\"b\", 'C:\\x'" },
		{ "SELECT 'ž' AS \"ž\"", "SELECT 'ž' AS \"ž\"" },
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		AUTO_FREE char *plain = NULL;
		struct err e = { 0 };

		assert_int_equal(far_plain(pairs[i][0], &plain, &e), 0);
		assert_string_equal(plain, pairs[i][1]);
	}
}

TEST(what_dialects_read_differently_is_refused)
{
	static const char *const texts[] = {
		"SELECT $$a$$",     "SELECT $1",    "SELECT ?",          "SELECT E'a\\'b'",
		"SELECT x'00'",     "SELECT U&'a'", "SELECT U&`a`",      "SELECT U&\"a\"",
		"SELECT 1; DROP t", "SELECT 1;; x", "SELECT /* /* */ 1", "SELECT /* 1",
		"SELECT 'a",        "SELECT \"a",   "SELECT `a\"b`",     "SELECT `a",
		"SELECT\xc2\xa0;",  "SELECT \x01",  "SELECT a # b",      "SELECT a \\ b",
		"SELECT {'a': 1}",  "SELECT ``",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		AUTO_FREE char *plain = NULL;
		struct err e = { 0 };

		if (far_plain(texts[i], &plain, &e) != ERR_USAGE)
			fail_msg("passed: %s", texts[i]);
		assert_null(plain);
	}
}

TEST(a_statement_over_its_length_is_a_limit)
{
	AUTO_FREE char *sql = xcalloc(1, FAR_SQL_MAX + 2);
	AUTO_FREE char *plain = NULL;
	struct err e = { 0 };

	memset(sql, ' ', FAR_SQL_MAX + 1);
	assert_int_equal(far_plain(sql, &plain, &e), ERR_LIMIT);
	sql[FAR_SQL_MAX] = '\0';
	assert_int_equal(far_plain(sql, &plain, &e), 0);
}

TEST(tables_become_names_of_a_with)
{
	check_rendered("SELECT id FROM orders", "orders",
		       "WITH \"orders\" AS (SELECT * FROM there) SELECT id FROM orders");
	check_rendered("SELECT 'orders' FROM \"orders\"", "orders",
		       "WITH \"orders\" AS (SELECT * FROM there) SELECT 'orders' FROM \"orders\"");
	check_rendered(
		"SELECT * FROM Orders, \"ORDERS\" x", "Orders",
		"WITH \"orders\" AS (SELECT * FROM there) SELECT * FROM Orders, \"orders\" x");
}

TEST(a_with_of_the_statement_goes_on_after_them)
{
	check_rendered(" with x AS (SELECT 1) SELECT * FROM x, t", "t",
		       "WITH \"t\" AS (SELECT * FROM there), x AS (SELECT 1) SELECT * FROM x, t");
	check_rendered("WITH RECURSIVE x(n) AS (SELECT 1) TABLE x", "t",
		       "WITH RECURSIVE \"t\" AS (SELECT * FROM there), x(n) AS (SELECT 1) TABLE x");
	check_rendered("(SELECT 1 FROM t) UNION SELECT 2", "t",
		       "WITH \"t\" AS (SELECT * FROM there) (SELECT 1 FROM t) UNION SELECT 2");
}

TEST(paths_become_the_one_name)
{
	check_rendered("SELECT bq.ds.t.c, x.\"bq\".ds FROM \"BQ\".ds.t x", "bq.ds.t",
		       "WITH \"bq.ds.t\" AS (SELECT * FROM there)"
		       " SELECT \"bq.ds.t\".c, x.\"bq\".ds FROM \"bq.ds.t\" x");
	check_rendered("SELECT * FROM main.t", "t",
		       "WITH \"t\" AS (SELECT * FROM there) SELECT * FROM \"t\"");
	check_rendered("SELECT * FROM `a.b-c`", "a.b-c",
		       "WITH \"a.b-c\" AS (SELECT * FROM there) SELECT * FROM \"a.b-c\"");
	check_rendered("SELECT 1.5, a.b FROM t a", "t",
		       "WITH \"t\" AS (SELECT * FROM there) SELECT 1.5, a.b FROM t a");
}

TEST(a_name_that_only_begins_like_a_table_is_left_alone)
{
	check_rendered("SELECT t2, tt.t FROM secret.t, t", "t",
		       "WITH \"t\" AS (SELECT * FROM there) SELECT t2, tt.t FROM secret.t, t");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_keeps_its_places),
		cmocka_unit_test(what_dialects_read_differently_is_refused),
		cmocka_unit_test(a_statement_over_its_length_is_a_limit),
		cmocka_unit_test(tables_become_names_of_a_with),
		cmocka_unit_test(a_with_of_the_statement_goes_on_after_them),
		cmocka_unit_test(paths_become_the_one_name),
		cmocka_unit_test(a_name_that_only_begins_like_a_table_is_left_alone),
	};

	return cmocka_run_group_tests_name("remote-text", tests, NULL, NULL);
}
