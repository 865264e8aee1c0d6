/* SPDX-License-Identifier: Apache-2.0 */
#include "duck-help.h"

#include "test.h"

/* The tables orders, Sales.Q and broken, in a place with a database that may exist. */
struct world {
	struct strv files[3];
	struct duck_table tables[3];
};

static const char *once(const struct place *p, const char *name, const char *csv)
{
	const char *path = in_place(p, name);

	return access(path, F_OK) == 0 ? path : make_parquet(p, name, csv);
}

static void make_world(const struct place *p, struct world *w)
{
	*w = (struct world){ 0 };
	strv_add(&w->files[0], once(p, "orders.parquet", "id,what\n1,x\n2,y\n3,z\n"));
	strv_add(&w->files[1], once(p, "q1.parquet", "n\n1\n"));
	strv_add(&w->files[1], once(p, "q2.parquet", "n\n2\n"));
	strv_add(&w->files[2], in_place(p, "source.csv"));
	w->tables[0] = (struct duck_table){ .name = "orders", .files = &w->files[0] };
	w->tables[1] = (struct duck_table){ .name = "sales.q", .files = &w->files[1] };
	w->tables[2] = (struct duck_table){ .name = "broken", .files = &w->files[2] };
}

static void world_release(struct world *w)
{
	for (size_t i = 0; i < ARRAY_LEN(w->files); i++)
		strv_release(&w->files[i]);
}

#define AUTO_WORLD AUTO(world_release)

static int run(const struct place *p, struct duck_query query, struct rows *ret_rows, struct err *e)
{
	AUTO_WORLD struct world w;

	make_world(p, &w);
	query.database = query.contained ? NULL : p->database;
	query.tables = w.tables;
	query.table_count = ARRAY_LEN(w.tables);
	return ask(&query, ret_rows, e);
}

static void gives(const struct place *p, const char *sql, const char *expected)
{
	AUTO_ROWS struct rows rows = { 0 };
	struct err e = { 0 };

	if (run(p, (struct duck_query){ .sql = sql }, &rows, &e) < 0)
		fail_msg("%s: %s", sql, e.msg);
	assert_string_equal(buf_str(&rows.text), expected);
}

static void refuses(const struct place *p, struct duck_query query, int code, const char *words)
{
	AUTO_ROWS struct rows rows = { 0 };
	struct err e = { 0 };

	if (run(p, query, &rows, &e) != code)
		fail_msg("%s: %d %s", query.sql, e.code, e.msg);
	if (!strstr(e.msg, words) && !strstr(e.hint, words))
		fail_msg("%s: '%s' is not in '%s' '%s'", query.sql, words, e.msg, e.hint);
}

TEST(tables_are_found_by_name)
{
	gives(*state, "SELECT count(*) FROM ORDERS", "[3]");
	gives(*state, "SELECT o.what FROM orders o JOIN sales.q q ON o.id = q.n + 1 ORDER BY 1",
	      "[\"y\"][\"z\"]");
}

TEST(names_with_a_dot_are_tables)
{
	gives(*state, "SELECT sum(n)::INTEGER FROM sales.q", "[3]");
	gives(*state, "SELECT sum(n)::INTEGER FROM \"sales.q\"", "[3]");
}

TEST(statements_that_read_are_run)
{
	gives(*state, "FROM orders SELECT id WHERE id = 2; -- done", "[2]");
	gives(*state, "WITH orders AS (SELECT 9 AS id) SELECT id FROM orders", "[9]");
	gives(*state, "SELECT column_name FROM (DESCRIBE orders)", "[\"id\"][\"what\"]");
	gives(*state, "SELECT count FROM (SUMMARIZE orders)", "[3][3]");
	gives(*state,
	      "PIVOT (SELECT what, id, 0 AS g FROM orders) ON what USING sum(id)::INTEGER "
	      "GROUP BY g",
	      "[0,1,2,3]");
	gives(*state, "SHOW TABLES", "[\"broken\"][\"orders\"][\"sales.q\"]");
	gives(*state,
	      "SELECT column_name FROM information_schema.columns WHERE table_name = 'orders'",
	      "[\"id\"][\"what\"]");
}

TEST(statements_that_write_are_not)
{
	static const char *const writing[] = {
		"DROP TABLE orders",
		"CREATE TABLE t AS SELECT 1",
		"COPY orders TO '/tmp/larder-duck-wrote-this'",
		"EXPLAIN ANALYZE COPY orders TO '/tmp/larder-duck-wrote-this'",
		"WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x",
		"SET threads = 1",
		"/* quietly */ ATTACH 'x.db'",
	};

	for (size_t i = 0; i < ARRAY_LEN(writing); i++)
		refuses(*state, (struct duck_query){ .sql = writing[i] }, ERR_USAGE, "");
	refuses(*state, (struct duck_query){ .sql = "DROP TABLE t" }, ERR_USAGE,
		"only statements that read");
	refuses(*state, (struct duck_query){ .sql = "SELECT 1; SELECT ';'" }, ERR_USAGE,
		"one statement at a time: here are 2");
	refuses(*state, (struct duck_query){ .sql = " -- nothing" }, ERR_USAGE, "no statement");
	assert_int_equal(access("/tmp/larder-duck-wrote-this", F_OK), -1);
}

TEST(errors_show_the_place_in_the_users_text)
{
	refuses(*state, (struct duck_query){ .sql = "SELEC 1" }, ERR_USAGE, "LINE 1: SELEC 1");
	refuses(*state, (struct duck_query){ .sql = "FROM nope" }, ERR_USAGE, "nope");
	refuses(*state, (struct duck_query){ .sql = "SELECT nope FROM orders" }, ERR_USAGE,
		"\"nope\" not found");
	refuses(*state, (struct duck_query){ .sql = "FROM broken" }, ERR_FAILED, "source.csv");
}

TEST(values_keep_their_digits)
{
	gives(*state,
	      "SELECT 9223372036854775807, 18446744073709551615::UBIGINT, 2::HUGEINT ** 100 > 0, "
	      "12.30::DECIMAL(9,2), 0.1::FLOAT, 0.1, 1e300, 'nan'::DOUBLE, true, NULL",
	      "[9223372036854775807,\"18446744073709551615\",true,12.30,0.1,0.1,1e+300,\"nan\","
	      "true,null]");
	gives(*state,
	      "SELECT DATE '2026-02-03', TIMESTAMP '2026-02-03 04:05:06.7', "
	      "TIMESTAMPTZ '2026-02-03 04:05:06+02', '\\xAA'::BLOB, "
	      "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'::UUID, "
	      "170141183460469231731687303715884105727::HUGEINT",
	      "[\"2026-02-03\",\"2026-02-03 04:05:06.7\",\"2026-02-03 02:05:06+00\",\"\\\\xAA\","
	      "\"6ba7b810-9dad-11d1-80b4-00c04fd430c8\","
	      "\"170141183460469231731687303715884105727\"]");
	gives(*state,
	      "SELECT [1, NULL], {'a': [{'b': 'x'}]}, MAP {'k': 1}, 'a'::ENUM('a', 'b'), "
	      "'tab\t\"q\" \xc3\xa9'",
	      "[[1,null],{\"a\":[{\"b\":\"x\"}]},[{\"key\":\"k\",\"value\":1}],\"a\","
	      "\"tab\\t\\\"q\\\" \xc3\xa9\"]");
}

TEST(types_have_their_names)
{
	AUTO_ROWS struct rows rows = { 0 };
	struct err e = { 0 };
	struct duck_query query = { .sql = "SELECT 1 AS a, 'x' AS \"b c\", 1.5 AS d, "
					   "[{'k': 1}] AS l, MAP {1: 'x'} AS m" };

	assert_int_equal(run(*state, query, &rows, &e), 0);
	assert_string_equal(buf_str(&rows.columns),
			    "a INTEGER,b c VARCHAR,d DECIMAL(2,1),l STRUCT(k INTEGER)[],"
			    "m MAP(INTEGER, VARCHAR)");
}

static void cuts(const struct place *p, struct duck_query query, int64_t rows_sent, bool truncated)
{
	AUTO_ROWS struct rows rows = { 0 };
	struct err e = { 0 };

	assert_int_equal(run(p, query, &rows, &e), 0);
	assert_int_equal(rows.result.rows, rows_sent);
	assert_int_equal(rows.result.truncated, truncated);
}

TEST(a_cut_result_says_so_and_a_whole_one_does_not)
{
	cuts(*state, (struct duck_query){ .sql = "FROM range(9)", .row_limit = 10 }, 9, false);
	cuts(*state, (struct duck_query){ .sql = "FROM range(10)", .row_limit = 10 }, 10, false);
	cuts(*state, (struct duck_query){ .sql = "FROM range(11)", .row_limit = 10 }, 10, true);
	cuts(*state, (struct duck_query){ .sql = "FROM range(5000)", .row_limit = 4096 }, 4096,
	     true);
	cuts(*state, (struct duck_query){ .sql = "FROM range(10)", .byte_limit = 30 }, 10, false);
	cuts(*state, (struct duck_query){ .sql = "FROM range(10)", .byte_limit = 29 }, 9, true);
	cuts(*state, (struct duck_query){ .sql = "SELECT repeat('x', 100)", .byte_limit = 50 }, 0,
	     true);
	/* a billion rows are not made to be thrown away */
	cuts(*state, (struct duck_query){ .sql = "FROM range(1000000000000)", .row_limit = 1 }, 1,
	     true);
}

TEST(a_query_past_its_deadline_is_stopped)
{
	refuses(*state,
		(struct duck_query){ .sql = "SELECT count(*) FROM range(10000000000000) t(i) "
					    "WHERE hash(i) = 1",
				     .deadline_ms = 300 },
		ERR_BUSY, "300 ms");
}

TEST(the_requests_tables_win_over_older_ones_of_the_database)
{
	const struct place *p = *state;
	const char *const own[] = { "CREATE TABLE mine AS SELECT 42 AS x",
				    "CREATE VIEW orders AS SELECT 'older' AS what",
				    "CREATE VIEW summary AS SELECT count(*)::INTEGER AS c FROM "
				    "orders",
				    "CREATE VIEW twice AS SELECT c * 2 AS d FROM summary",
				    "CREATE MACRO half(x) AS x // 2",
				    "CREATE SCHEMA s2",
				    "CREATE TABLE s2.orders AS SELECT 'of s2' AS what",
				    NULL };

	run_in_database(p, own);
	gives(p, "SELECT x FROM mine", "[42]");
	gives(p, "SELECT count(*) FROM orders", "[3]");
	gives(p, "SELECT half(x) FROM mine, orders WHERE id = 1", "[21]");
	gives(p, "FROM twice", "[6]");
	gives(p, "FROM analytics.orders", "[\"older\"]");
	gives(p, "FROM analytics.main.orders", "[\"older\"]");
	gives(p, "FROM s2.orders", "[\"of s2\"]");
	gives(p, "SHOW TABLES",
	      "[\"broken\"][\"mine\"][\"orders\"][\"sales.q\"][\"summary\"]"
	      "[\"twice\"]");
	refuses(p, (struct duck_query){ .sql = "DELETE FROM mine" }, ERR_USAGE, "only statements");
}

TEST(a_held_database_does_not_stop_a_query)
{
	const struct place *p = *state;
	const char *const own[] = { "CREATE TABLE mine AS SELECT 42 AS x", NULL };

	run_in_database(p, own);
	AUTO_PROC struct proc *writer = hold_database(p, false);
	AUTO_ROWS struct rows rows = { 0 };
	struct err e = { 0 };

	assert_non_null(writer);
	gives(p, "SELECT count(*) FROM orders", "[3]");
	refuses(p, (struct duck_query){ .sql = "FROM mine" }, ERR_USAGE, "not visible");
	assert_int_equal(run(p, (struct duck_query){ .sql = "SHOW TABLES" }, &rows, &e), 0);
	assert_true(rows.result.database_held);
	assert_non_null(strstr(rows.result.note, "another program"));
}

TEST(ten_thousand_tables_cost_what_one_costs)
{
	const struct place *p = *state;
	struct duck_table *tables = xcalloc(10000, sizeof(*tables));
	AUTO_STRV struct strv names = STRV_INIT, file = STRV_INIT;
	AUTO_ROWS struct rows rows = { 0 };
	struct err e = { 0 };

	strv_add(&file, make_parquet(p, "one.parquet", "n\n1\n"));
	for (size_t i = 0; i < 10000; i++) {
		strv_addf(&names, "table_%zu", i);
		tables[i] = (struct duck_table){ .name = names.v[i], .files = &file };
	}
	struct duck_query query = { .sql = "SELECT a.n + b.n FROM table_9999 a, TABLE_0 b",
				    .tables = tables,
				    .table_count = 10000 };

	assert_int_equal(ask(&query, &rows, &e), 0);
	assert_string_equal(buf_str(&rows.text), "[2]");
	free(tables);
}

TEST(a_contained_query_reaches_only_its_tables)
{
	const struct place *p = *state;
	AUTO_FREE char *other = NULL;
	AUTO_BUF struct buf sql = BUF_INIT(4096);
	AUTO_ROWS struct rows rows = { 0 };
	struct err e = { 0 };
	static const char *const refused[] = {
		"SELECT * FROM read_text('/etc/passwd')",
		"SELECT * FROM read_csv('/proc/self/environ')",
		"SELECT * FROM glob('/*')",
		"FROM '/etc/passwd'",
		"SELECT * FROM read_parquet('https://example.org/x.parquet')",
		"COPY orders TO '/tmp/larder-duck-wrote-this'",
		"EXPLAIN SELECT 1",
		"SET enable_external_access = true",
		"PIVOT orders ON what USING count(*)",
		"SELECT * FROM query('ATTACH ''/tmp/x.db''')",
		"SELECT getenv('HOME')",
		"CALL enable_logging(storage = 'file', storage_path = '/tmp/larder-duck-log')",
	};

	assert_int_equal(run(p,
			     (struct duck_query){ .sql = "SELECT count(*) FROM orders, sales.q",
						  .contained = true },
			     &rows, &e),
			 0);
	assert_string_equal(buf_str(&rows.text), "[6]");
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		AUTO_ROWS struct rows none = { 0 };

		if (run(p, (struct duck_query){ .sql = refused[i], .contained = true }, &none,
			&e) == 0)
			fail_msg("%s: %s", refused[i], buf_str(&none.text));
	}
	other = xstrdup(make_parquet(p, "other.parquet", "n\n1\n"));
	buf_adds(&sql, "FROM read_parquet(");
	sql_quote_text(&sql, other);
	buf_adds(&sql, ")");
	refuses(p, (struct duck_query){ .sql = buf_str(&sql), .contained = true }, ERR_FAILED,
		"annot access");
}

TEST(a_contained_query_has_bounds)
{
	struct duck_query query = { .contained = true,
				    .memory_bytes = 100 << 20,
				    .deadline_ms = 30000 };

	query.sql = "SELECT count(*) FROM (SELECT DISTINCT i FROM range(100000000) t(i))";
	refuses(*state, query, ERR_LIMIT, "Out of Memory"); /* DuckDB's own count of it */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return; /* their shadow memory leaves no room for a limit on the address space */
#endif
	query.sql = "SELECT length(repeat('x', 3000000000))";
	refuses(*state, query, ERR_LIMIT, "Out of Memory"); /* what it does not count */
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(tables_are_found_by_name),
		IN_PLACE(names_with_a_dot_are_tables),
		IN_PLACE(statements_that_read_are_run),
		IN_PLACE(statements_that_write_are_not),
		IN_PLACE(errors_show_the_place_in_the_users_text),
		IN_PLACE(values_keep_their_digits),
		IN_PLACE(types_have_their_names),
		IN_PLACE(a_cut_result_says_so_and_a_whole_one_does_not),
		IN_PLACE(a_query_past_its_deadline_is_stopped),
		IN_PLACE(the_requests_tables_win_over_older_ones_of_the_database),
		IN_PLACE(a_held_database_does_not_stop_a_query),
		IN_PLACE(ten_thousand_tables_cost_what_one_costs),
		IN_PLACE(a_contained_query_reaches_only_its_tables),
		IN_PLACE(a_contained_query_has_bounds),
	};

	return cmocka_run_group_tests_name("duck-query", tests, NULL, NULL);
}
