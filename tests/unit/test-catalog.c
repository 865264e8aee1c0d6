/* SPDX-License-Identifier: Apache-2.0 */
/* What the catalog says of tables of files, of remote ones, and of what is not known. */
#include "tables-fixture.h"

#include "tables/catalog.h"
#include "tables/metadata.h"
#include "tables/query.h"
#include "tables/retention.h"

#define HOUR ((int64_t)3600)
#define MIB  ((int64_t)1 << 20)
#define GIB  ((int64_t)1 << 30)

static const struct caller everybody = { .is_admin = true };

struct seen {
	struct json *json;
	const struct json *tables;
};

static void seen_release(struct seen *s)
{
	json_free(s->json);
}

static struct seen see(struct root *root, const struct caller *caller, const char *search)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_STRV struct strv words = STRV_INIT;
	struct json_out o = json_out(&text);
	struct catalog_wish wish = {
		.caller = caller, .now_ms = time_now(), .interval_s = HOUR, .words = &words
	};
	struct seen s = { 0 };
	struct err e = { 0 };

	strv_split(&words, search ? search : "", ' ');
	json_open(&o, NULL, '[');
	CHECK_OK(catalog_list(root_db(root), &wish, &o, &e));
	json_close(&o);
	CHECK_OK(json_parse(buf_bytes(&text), BUF_OWN_MAX, &s.json, &e));
	s.tables = s.json;
	return s;
}

static void add_remote(struct root *root, const char *id)
{
	add_table(root, &(struct table_change){
				.id = id, .query_mode = "remote", .source_type = "bigquery" });
}

static void store(struct root *root, const char *id, struct metadata found)
{
	struct err e = { 0 };

	begin(root);
	CHECK_OK(metadata_store(root_db(root), id, &found, &e));
	commit(root);
}

static void fail_refresh(struct root *root, const char *id, const char *why)
{
	struct err e = { 0 };

	begin(root);
	CHECK_OK(metadata_fail(root_db(root), id, why, &e));
	commit(root);
}

static const char *text_of(const struct json *table, const char *key)
{
	const char *text = json_text(json_get(table, key));

	return text ? text : "null";
}

TEST(a_remote_table_has_what_its_source_said_and_examples_of_columns_it_has)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	AUTO(seen_release) struct seen s = { 0 };
	const struct json *t;

	add_remote(root, "events");
	store(root, "events",
	      (struct metadata){ .rows = 5,
				 .size_bytes = 2 * GIB,
				 .partition_by = "event_date",
				 .clustered_by = "[\"country_code\"]",
				 .entity_type = "BASE TABLE",
				 .known_columns = "[\"event_date\",\"country_code\"]" });
	s = see(root, &everybody, NULL);
	t = json_at(s.tables, 0);
	assert_string_equal(text_of(t, "sql_flavor"), "bigquery");
	assert_string_equal(text_of(t, "metadata_freshness"), "fresh");
	assert_string_equal(text_of(t, "entity_type"), "BASE TABLE");
	assert_string_equal(text_of(t, "partition_by"), "event_date");
	assert_string_equal(text_of(t, "rough_size_hint"), "large");
	assert_int_equal(json_int(json_get(t, "rows"), -1), 5);
	assert_int_equal(json_size(json_get(t, "clustered_by")), 1);
	assert_int_equal(json_size(json_get(t, "where_examples")), 1);
	assert_non_null(strstr(json_text(json_at(json_get(t, "where_examples"), 0)), "event_date"));
	assert_non_null(strstr(text_of(t, "fetch_via"), "snapshot"));
}

TEST(of_a_view_rows_and_bytes_are_unknown_also_in_an_old_row)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	AUTO(seen_release) struct seen s = { 0 };
	struct err e = { 0 };

	add_remote(root, "a");
	add_remote(root, "b");
	store(root, "a", (struct metadata){ .entity_type = "VIEW" });
	assert_int_equal(count(root, "SELECT rows IS NULL FROM table_metadata"), 1);
	begin(root);
	CHECK_OK(db_exec(root_db(root), &e,
			 "INSERT INTO table_metadata(table_id, rows, size_bytes, entity_type,"
			 " refreshed_ms) VALUES('b', 0, 0, 'MATERIALIZED VIEW', 1)",
			 ""));
	commit(root);
	s = see(root, &everybody, NULL);
	for (size_t i = 0; i < 2; i++) {
		const struct json *t = json_at(s.tables, i);

		assert_int_equal(json_kind(json_get(t, "rows")), JSON_NULL);
		assert_int_equal(json_kind(json_get(t, "size_bytes")), JSON_NULL);
		assert_int_equal(json_kind(json_get(t, "rough_size_hint")), JSON_NULL);
	}
}

TEST(what_was_never_looked_at_is_unknown)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	AUTO(seen_release) struct seen s = { 0 };
	const struct json *t;

	add_remote(root, "cold");
	s = see(root, &everybody, NULL);
	t = json_at(s.tables, 0);
	assert_string_equal(text_of(t, "metadata_freshness"), "never_fetched");
	assert_int_equal(json_kind(json_get(t, "rows")), JSON_NULL);
	assert_int_equal(json_size(json_get(t, "where_examples")), 0);
	assert_int_equal(json_kind(json_get(t, "clustered_by")), JSON_ARRAY);
}

TEST(a_table_of_files_is_never_stale_and_one_without_files_has_no_size)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	AUTO(seen_release) struct seen s = { 0 };
	struct publish_result result = { 0 };

	publish_csv(root, "full", "k\n1\n2\n", &result);
	add_table(root, &(struct table_change){ .id = "empty" });
	s = see(root, &everybody, NULL);
	assert_string_equal(text_of(json_at(s.tables, 0), "id"), "empty");
	assert_int_equal(json_kind(json_get(json_at(s.tables, 0), "size_bytes")), JSON_NULL);
	assert_string_equal(text_of(json_at(s.tables, 1), "metadata_freshness"), "not_applicable");
	assert_string_equal(text_of(json_at(s.tables, 1), "rough_size_hint"), "small");
	assert_int_equal(json_int(json_get(json_at(s.tables, 1), "rows"), -1), 2);
	assert_string_equal(text_of(json_at(s.tables, 1), "sql_flavor"), "duckdb");
}

TEST(sizes_are_told_roughly)
{
	static const struct {
		int64_t bytes;
		const char *hint;
	} cases[] = {
		{ 0, "small" },
		{ 100 * MIB, "small" },
		{ 100 * MIB + 1, "medium" },
		{ GIB, "medium" },
		{ GIB + 1, "large" },
		{ 10 * GIB, "large" },
		{ 10 * GIB + 1, "very_large" },
	};
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);

	add_remote(root, "t");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(seen_release) struct seen s = { 0 };

		store(root, "t", (struct metadata){ .rows = 1, .size_bytes = cases[i].bytes });
		s = see(root, &everybody, NULL);
		assert_string_equal(text_of(json_at(s.tables, 0), "rough_size_hint"),
				    cases[i].hint);
	}
}

TEST(freshness_is_told_by_the_last_success_and_twice_the_interval)
{
	const int64_t now = 100 * HOUR * 1000;

	assert_string_equal(metadata_freshness(0, 0, now, HOUR), "never_fetched");
	assert_string_equal(metadata_freshness(0, now, now, HOUR), "error");
	assert_string_equal(metadata_freshness(now - 2 * HOUR * 1000, 0, now, HOUR), "fresh");
	assert_string_equal(metadata_freshness(now - 2 * HOUR * 1000, now, now, HOUR), "fresh");
	assert_string_equal(metadata_freshness(now - 2 * HOUR * 1000 - 1, 0, now, HOUR), "stale");
}

TEST(a_failed_refresh_keeps_what_was_known_and_says_why_in_a_sentence)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	AUTO(seen_release) struct seen s = { 0 };
	char why[2000];

	memset(why, 'x', sizeof(why) - 1);
	why[sizeof(why) - 1] = '\0';
	add_remote(root, "t");
	store(root, "t", (struct metadata){ .rows = 7, .known_columns = "[\"event_date\"]" });
	fail_refresh(root, "t", why);
	s = see(root, &everybody, NULL);
	assert_int_equal(json_int(json_get(json_at(s.tables, 0), "rows"), -1), 7);
	assert_string_equal(text_of(json_at(s.tables, 0), "metadata_freshness"), "fresh");
	assert_int_equal(count(root, "SELECT length(error_msg) FROM table_metadata"),
			 METADATA_ERROR_MAX);
	store(root, "t", (struct metadata){ .rows = 8 });
	assert_int_equal(count(root, "SELECT error_msg IS NULL AND error_ms IS NULL AND rows=8"
				     " AND known_columns='[\"event_date\"]' FROM table_metadata"),
			 1);
	store(root, "t", (struct metadata){ .rows = 8, .known_columns = "[]" });
	assert_int_equal(count(root, "SELECT known_columns='[]' FROM table_metadata"), 1);
}

TEST(the_metadata_of_a_table_goes_with_it)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	struct err e = { 0 };

	add_remote(root, "t");
	store(root, "t", (struct metadata){ .rows = 7 });
	begin(root);
	CHECK_OK(retention_remove_table(root, NULL, "t", &e));
	commit(root);
	assert_int_equal(count(root, "SELECT count(*) FROM table_metadata"), 0);
}

TEST(access_is_decided_each_time)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	struct db *db = root_db(root);
	AUTO_CALLER struct caller bob = CALLER_INIT;
	AUTO(seen_release) struct seen before = { 0 }, with = { 0 }, after = { 0 };
	struct err e = { 0 };
	int64_t id;

	add_table(root, &(struct table_change){ .id = "a" });
	add_table(root, &(struct table_change){ .id = "b" });
	begin(root);
	join(db, BOB, "analysts");
	bob = caller_of(db, BOB, SCOPE_READ);
	commit(root);
	before = see(root, &bob, NULL);
	assert_int_equal(json_size(before.tables), 0);
	begin(root);
	id = grant_table(db, "analysts", "b");
	commit(root);
	with = see(root, &bob, NULL);
	assert_int_equal(json_size(with.tables), 1);
	assert_string_equal(text_of(json_at(with.tables, 0), "id"), "b");
	begin(root);
	CHECK_OK(grant_remove(db, NULL, id, &e));
	commit(root);
	after = see(root, &bob, NULL);
	assert_int_equal(json_size(after.tables), 0);
}

TEST(a_search_looks_into_names_descriptions_and_columns)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	static const struct {
		const char *words;
		size_t found;
	} cases[] = { { "", 2 },      { "flights", 1 },    { "ORIGIN", 1 },
		      { "delay", 2 }, { "delay orig", 1 }, { "nothing", 0 } };
	struct publish_result result = { 0 };

	publish_csv(root, "flights", "origin,delay\na,1\n", &result);
	add_table(root, &(struct table_change){ .id = "other", .description = "of Delays" });
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(seen_release) struct seen s = see(root, &everybody, cases[i].words);

		assert_int_equal(json_size(s.tables), cases[i].found);
	}
}

static int resolve(struct root *root, struct duck_name name, struct query_plan *plan)
{
	const struct duck_names names = { &name, 1 };
	struct err e = { 0 };

	return query_resolve(root_db(root), &everybody, &names, plan, &e);
}

TEST(a_name_in_a_statement_is_a_table_or_an_id_capitals_aside)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	struct publish_result result = { 0 };
	static struct {
		const char *catalog, *schema, *name, *id;
	} cases[] = {
		{ "", "", "orders", "t1" },
		{ "", "", "ORDERS", "t1" },
		{ "", "", "T1", "t1" },
		{ "", "main", "orders", "t1" },
		{ "memory", "main", "orders", "t1" },
		{ "", "sales", "q", "sales.q" },
		{ "", "", "sales.q", "sales.q" },
		{ "", "other", "orders", NULL },
		{ "x", "main", "orders", NULL },
		{ "", "", "nosuch", NULL },
		{ "", "", "../x", NULL },
		{ "", "", "", NULL },
	};
	struct err e = { 0 };

	publish_csv(root, "t1", "k\n1\n", &result);
	begin(root);
	CHECK_OK(registry_change(root_db(root), "t1", &(struct table_change){ .name = "orders" },
				 &e));
	commit(root);
	publish_csv(root, "sales.q", "k\n1\n", &result);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(query_plan_release) struct query_plan plan = { 0 };
		AUTO_FREE char *catalog = xstrdup(cases[i].catalog);
		AUTO_FREE char *schema = xstrdup(cases[i].schema);
		AUTO_FREE char *name = xstrdup(cases[i].name);
		int r = resolve(root, (struct duck_name){ catalog, schema, name }, &plan);

		assert_int_equal(r, cases[i].id ? 0 : ERR_NOT_FOUND);
		if (cases[i].id)
			assert_string_equal(plan.tables[0].table.id, cases[i].id);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(a_remote_table_has_what_its_source_said_and_examples_of_columns_it_has),
		CASE(of_a_view_rows_and_bytes_are_unknown_also_in_an_old_row),
		CASE(what_was_never_looked_at_is_unknown),
		CASE(a_table_of_files_is_never_stale_and_one_without_files_has_no_size),
		CASE(sizes_are_told_roughly),
		CASE(freshness_is_told_by_the_last_success_and_twice_the_interval),
		CASE(a_failed_refresh_keeps_what_was_known_and_says_why_in_a_sentence),
		CASE(the_metadata_of_a_table_goes_with_it),
		CASE(access_is_decided_each_time),
		CASE(a_search_looks_into_names_descriptions_and_columns),
		CASE(a_name_in_a_statement_is_a_table_or_an_id_capitals_aside),
	};

	find_duck();
	return RUN(tests);
}
