/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker-lexer.h"

#include "test.h"

static void counts(const char *sql, size_t expected)
{
	if (lexer_count_statements(sql) != expected)
		fail_msg("%s: %zu statements", sql, lexer_count_statements(sql));
}

TEST(statements_are_counted_outside_of_quotes_and_comments)
{
	counts("", 0);
	counts(" ; ;; -- x", 0);
	counts("SELECT 1", 1);
	counts("SELECT 1; ", 1);
	counts("SELECT 1; SELECT 2", 2);
	counts("SELECT ';', \"a;b\", 'it''s; so'", 1);
	counts("SELECT E'\\'; '; SELECT 2", 2);
	counts("SELECT $$;$$, $x$; $$ ; $x$; SELECT $1", 2);
	counts("/* ; /* ; */ ; */ SELECT 1 -- ; SELECT 2", 1);
	counts("SELECT 'not closed; SELECT 2", 1);
}

static void explains(const char *sql, const char *expected)
{
	const char *rest = lexer_after_explain(sql);

	while (*rest == ' ')
		rest++;
	assert_string_equal(rest, expected);
}

TEST(explain_is_taken_off)
{
	explains("SELECT 1", "SELECT 1");
	explains("EXPLAIN SELECT 1", "SELECT 1");
	explains("explain analyze select 1", "select 1");
	explains("EXPLAIN (FORMAT json, ANALYZE) COPY t TO 'x'", "COPY t TO 'x'");
	explains("EXPLAIN ANALYZE (FORMAT json) FROM t", "FROM t");
	explains("/* x */ EXPLAIN -- y\nSELECT 1", "-- y\nSELECT 1");
	explains("EXPLAIN (SELECT 1)", "(SELECT 1)");
	explains("explained", "explained");
}

TEST(names_are_mentioned_as_whole_words)
{
	assert_true(lexer_mentions("SELECT * FROM Orders", "orders"));
	assert_true(lexer_mentions("FROM \"orders\"", "orders"));
	assert_true(lexer_mentions("FROM a.orders,b", "orders"));
	assert_true(lexer_mentions("FROM orders2, orders", "orders"));
	assert_false(lexer_mentions("FROM orders2, my_orders", "orders"));
	assert_false(lexer_mentions("FROM \xc3\xa9orders", "orders"));
	assert_true(lexer_mentions("FROM sales.q4", "sales.q4"));
	assert_false(lexer_mentions("FROM x", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statements_are_counted_outside_of_quotes_and_comments),
		cmocka_unit_test(explain_is_taken_off),
		cmocka_unit_test(names_are_mentioned_as_whole_words),
	};

	return cmocka_run_group_tests_name("duck-lexer", tests, NULL, NULL);
}
