/* SPDX-License-Identifier: Apache-2.0 */
/* Sources: what may be said of one, when it is due, what is kept of its runs; and the order of SQL. */
#include "tables-fixture.h"

#include "refresh/order.h"
#include "refresh/source.h"

static struct root *root_with(const char *folder, const char *table)
{
	static const struct db_schema *const schemas[] = { &access_schema, &tables_schema,
							   &refresh_schema };
	struct root_options o = {
		.path = folder, .schemas = schemas, .schema_count = 3, .create = true
	};
	struct root *root = NULL;
	struct err e = { 0 };

	find_duck();
	CHECK_OK(root_open(&o, &root, &e));
	add_table(root, &(struct table_change){ .id = table });
	return root;
}

static int put_source(struct root *root, const char *spec, struct err *e)
{
	AUTO_JSON struct json *json = NULL;
	AUTO_TX struct db *tx = NULL;
	int r = json_parse(bytes_of(spec), BUF_OWN_MAX, &json, e);

	if (r == 0)
		r = db_begin_tx(root_db(root), &tx, e);
	if (r == 0)
		r = source_put(root_db(root), "t", json, e);
	return r < 0 ? r : db_commit(root_db(root), e);
}

TEST(each_kind_of_source_takes_its_members_and_says_what_is_wrong)
{
	static const struct {
		const char *spec, *wrong; /* NULL: it is right */
	} cases[] = {
		{ "{\"kind\": \"files\", \"files\": [\"/a/*.csv\"], \"format\": \"csv\"}", NULL },
		{ "{\"kind\": \"files\", \"files\": [\"a.csv\"]}", "absolute" },
		{ "{\"kind\": \"files\", \"files\": []}", "1 to 100" },
		{ "{\"kind\": \"files\", \"files\": [\"/a\"], \"flies\": 1}", "no 'flies'" },
		{ "{\"kind\": \"http\", \"url\": \"https://x/y\", \"token_env\": \"T\"}", NULL },
		{ "{\"kind\": \"http\", \"url\": \"ftp://x/y\"}", "http" },
		{ "{\"kind\": \"http\", \"url\": \"https://u:p@x/y\"}", "password" },
		{ "{\"kind\": \"http\", \"url\": \"https://x\", \"token_env\": \"A\","
		  " \"token_file\": \"/b\"}",
		  "exclude" },
		{ "{\"kind\": \"postgres\", \"connection_env\": \"C\", \"table\": \"s.t\","
		  " \"increment\": \"id\"}",
		  NULL },
		{ "{\"kind\": \"postgres\", \"connection_env\": \"C\"}", "'table' and 'query'" },
		{ "{\"kind\": \"postgres\", \"table\": \"t\"}", "connection" },
		{ "{\"kind\": \"sql\", \"sql\": \"SELECT 1\", \"schedule\": \"daily 03:00\"}",
		  NULL },
		{ "{\"kind\": \"sql\", \"sql\": \"SELECT 1\", \"schedule\": \"now\"}", "now" },
		{ "{\"kind\": \"sql\"}", "'sql'" },
		{ "{\"kind\": \"sql\", \"sql\": \"SELECT 1\", \"max_bytes\": 0}", "at least 1" },
		{ "{\"kind\": \"sql\", \"sql\": 1}", "type" },
		{ "{\"kind\": \"smoke\"}", "files, http, postgres or sql" },
		{ "[]", "object" },
	};
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = root_with(folder, "t");

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = { 0 };
		int r = put_source(root, cases[i].spec, &e);

		CHECK_INT(r, cases[i].wrong ? ERR_USAGE : 0);
		CHECK(!cases[i].wrong || strstr(e.msg, cases[i].wrong));
	}
}

TEST(a_source_is_due_by_its_schedule_and_its_last_success)
{
	static const int64_t hour = 3600 * 1000;
	char every[] = "every 1h";
	struct source s = { .schedule = every };
	int64_t now = 500000 * hour;

	CHECK(source_is_due(&s, now));
	s.last_sync_ms = now;
	CHECK(!source_is_due(&s, now + hour - 1));
	CHECK(source_is_due(&s, now + hour));
	CHECK(source_is_due(&s, now - 1)); /* a clock that was set back stalls nothing */
	s.schedule = NULL;
	CHECK(source_is_due(&s, now));
}

static void record(struct root *root, const char *outcome, int64_t at, const char *seen)
{
	AUTO_TX struct db *tx = NULL;
	struct err e = { 0 };

	CHECK_OK(db_begin_tx(root_db(root), &tx, &e));
	CHECK_OK(source_record(root_db(root),
			       &(struct source_run){ .table = "t",
						     .started_ms = at,
						     .outcome = outcome,
						     .rows = 1,
						     .bytes = 1,
						     .error = seen ? NULL : "no",
						     .seen = seen },
			       &e));
	CHECK_OK(db_commit(root_db(root), &e));
}

TEST(the_last_success_moves_only_with_one_and_runs_are_kept_up_to_a_number)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = root_with(folder, "t");
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *runs = NULL;
	struct json_out o = json_out(&text);
	AUTO_SOURCE struct source s = { 0 };
	int64_t success, now = time_now() + 1000; /* runs that began when the source was there */
	struct err e = { 0 };

	CHECK_OK(put_source(root, "{\"kind\": \"sql\", \"sql\": \"SELECT 1\"}", &e));
	record(root, "updated", now, "first");
	CHECK_OK(source_find(root_db(root), "t", &s, &e));
	success = s.last_sync_ms;
	CHECK_INT(success, now);
	CHECK_STR(s.seen, "first");
	for (int i = 0; i < SOURCE_RUNS_KEPT + 1; i++)
		record(root, i % 2 ? "failed" : "refused", now + 1 + i, NULL);
	source_release(&s);
	s = (struct source){ 0 };
	CHECK_OK(source_find(root_db(root), "t", &s, &e));
	CHECK_INT(s.last_sync_ms, success);
	CHECK_STR(s.seen, "first");
	CHECK_STR(s.outcome, "refused");
	json_open(&o, NULL, '[');
	CHECK_OK(source_runs(root_db(root), "t", &o, &e));
	json_close(&o);
	CHECK_OK(json_parse(buf_bytes(&text), BUF_OWN_MAX, &runs, &e));
	CHECK_INT(json_size(runs), SOURCE_RUNS_KEPT);
}

TEST(what_is_read_comes_before_what_reads_it_and_circles_are_named)
{
	struct order_item items[] = {
		{ .table = "a", .sql = "SELECT * FROM b JOIN C USING (x)" },
		{ .table = "b", .sql = "WITH d AS (SELECT 1) SELECT * FROM d, \"c\"" },
		{ .table = "c", .sql = "SELECT 'a', b FROM elsewhere" },
		{ .table = "d", .sql = "SELECT * FROM d" },
		{ .table = "x", .sql = "SELECT * FROM y" },
		{ .table = "y", .sql = "SELECT * FROM z" },
		{ .table = "z", .sql = "SELECT * FROM a, x" },
		{ .table = "bad", .sql = "DROP TABLE a" },
	};
	struct err e = { 0 };

	find_duck();
	CHECK_OK(order_items(items, ARRAY_LEN(items), &e));
	CHECK_INT(items[2].rank, 1);
	CHECK_INT(items[1].rank, 2);
	CHECK_INT(items[0].rank, 3);
	CHECK_INT(items[3].rank, 4);
	for (size_t i = 0; i < 4; i++)
		CHECK(!items[i].circle);
	for (size_t i = 4; i < 7; i++)
		CHECK_STR(items[i].circle, "x <- y <- z <- x");
	CHECK(!items[7].circle);
	CHECK_INT(items[7].rank, 8);
	order_items_release(items, ARRAY_LEN(items));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_source_takes_its_members_and_says_what_is_wrong),
		cmocka_unit_test(a_source_is_due_by_its_schedule_and_its_last_success),
		cmocka_unit_test(
			the_last_success_moves_only_with_one_and_runs_are_kept_up_to_a_number),
		cmocka_unit_test(what_is_read_comes_before_what_reads_it_and_circles_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
