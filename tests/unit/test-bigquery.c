/* SPDX-License-Identifier: Apache-2.0 */
/* The engine for BigQuery against the stand-in, which checks every request it gets. */
#include "remote/engine.h"

#include "base/time.h"
#include "bigquery-fixture.h"
#include "remote/bigquery-value.h"

#include <stdatomic.h>

#define DATA                                                                                       \
	"{\"location\":\"EU\",\"page_rows\":3,\"answers\":["                                       \
	"{\"contains\":\"ten_rows\",\"bytes\":5000,\"count\":10,\"rows\":[[\"7\"]],\"schema\":{"   \
	"\"fields\":[{\"name\":\"n\",\"type\":\"INTEGER\",\"mode\":\"NULLABLE\"}]}},"              \
	"{\"contains\":\"no_rows\",\"bytes\":0,\"rows\":[],\"schema\":{\"fields\":[{\"name\":"     \
	"\"n\",\"type\":\"STRING\"}]}},"                                                           \
	"{\"contains\":\"wrong_value\",\"rows\":[[\"x\"]],\"schema\":{\"fields\":[{\"name\":"      \
	"\"n\",\"type\":\"INT64\"}]}},"                                                            \
	"{\"contains\":\"wrong_width\",\"rows\":[[\"1\",\"2\"]],\"schema\":{\"fields\":[{"         \
	"\"name\":\"n\",\"type\":\"INT64\"}]}}],"                                                  \
	"\"tables\":{\"shop.orders\":{\"type\":\"TABLE\",\"numRows\":\"12\",\"numBytes\":"         \
	"\"3400\",\"timePartitioning\":{\"type\":\"DAY\",\"field\":\"day\"},\"clustering\":{"      \
	"\"fields\":[\"country\",\"city\"]},\"schema\":{\"fields\":[{\"name\":\"day\",\"type\":"   \
	"\"DATE\"},{\"name\":\"tags\",\"type\":\"STRING\",\"mode\":\"REPEATED\"}]}},"              \
	"\"shop.view\":{\"type\":\"VIEW\",\"numRows\":\"0\",\"numBytes\":\"0\",\"schema\":{"       \
	"\"fields\":[{\"name\":\"a\",\"type\":\"BOOL\"}]}},"                                       \
	"\"shop.odd\":{\"type\":\"TABLE\",\"numRows\":\"many\",\"timePartitioning\":{\"type\":"    \
	"\"DAY\"},\"schema\":{\"fields\":[{\"type\":\"BOOL\"}]}},"                                 \
	"\"shop.nothing\":{}}}"

struct asking {
	struct far_guard guard;
	struct json *spec;
	struct far_session *session;
	struct far_table table;
	struct far_statement statement;
	struct far_run run;
	struct far_result result;
	struct buf heard; /* columns and rows as text */
	int64_t rows;
	int refuse_after; /* 0: no row is refused */
};

static int on_columns(void *ctx, const struct duck_column *columns, size_t n, struct err *e)
{
	struct asking *a = ctx;

	(void)e;
	for (size_t i = 0; i < n; i++)
		buf_addf(&a->heard, "%s %s;", columns[i].name, columns[i].type);
	return 0;
}

static int on_row(void *ctx, const struct bytes *values, size_t n, struct err *e)
{
	struct asking *a = ctx;

	for (size_t i = 0; i < n; i++)
		buf_addf(&a->heard, "%.*s,", values[i].p ? (int)values[i].n : 4,
			 values[i].p ? values[i].p : "null");
	a->rows++;
	return a->refuse_after && a->rows >= a->refuse_after ? err_set(e, ERR_IO, "enough") : 0;
}

static void asking_open(struct asking *a, const struct site *s, const char *sql)
{
	AUTO_FREE char *spec = xasprintf("{\"dataset\":\"shop\",\"table\":\"orders\",\"key_file\":"
					 "\"%s\"}",
					 s->account);
	struct far_open open = { .guard = &a->guard };
	struct err e = { 0 };

	site_data(s, DATA);
	a->heard = (struct buf)BUF_INIT(BUF_OWN_MAX);
	CHECK_OK(json_parse(bytes_of(spec), 10000, &a->spec, &e));
	CHECK_OK(far_bigquery.check(a->spec, &e));
	open.spec = a->spec;
	CHECK_OK(far_bigquery.open(&open, &a->session, &e));
	a->table = (struct far_table){ .name = "orders", .spec = a->spec, .id = "orders" };
	a->statement = (struct far_statement){ .sql = sql, .tables = &a->table, .count = 1 };
	a->run = (struct far_run){ .ctx = a, .on_columns = on_columns, .on_row = on_row };
}

static void asking_close(struct asking *a)
{
	far_bigquery.close(a->session);
	json_free(a->spec);
	buf_release(&a->heard);
}
#define ASKING(sql)                                                                                \
	AUTO(asking_close) struct asking a = { 0 };                                                \
	asking_open(&a, &site, sql)

static int run(struct asking *a, struct err *e)
{
	*e = (struct err){ 0 };
	return far_bigquery.run(a->session, &a->statement, &a->run, &a->result, e);
}

static int estimate(struct asking *a, int64_t *ret_bytes, struct err *e)
{
	struct far_estimate found = { 0 };
	int r;

	*e = (struct err){ 0 };
	r = far_bigquery.estimate(a->session, &a->statement, &found, e);
	*ret_bytes = found.scan_bytes;
	return r;
}

TEST(a_statement_is_priced_without_being_run)
{
	SITE("");
	ASKING("SELECT ten_rows FROM \"orders\" WHERE a = 'it''s'");
	AUTO_FREE char *log = NULL;
	int64_t bytes = 0;

	CHECK_OK(estimate(&a, &bytes, &e));
	CHECK_INT(bytes, 5000);
	CHECK_INT(asked(&site, "dryrun"), 1);
	CHECK_INT(asked(&site, "insert"), 0);
	log = site_log(&site);
	CHECK_HAS(log, "WITH `orders` AS (SELECT * FROM `shop`.`orders`) SELECT ten_rows FROM "
		       "`orders`");
	CHECK_HAS(log, "'it\\\\'s'");
	nothing_was_wrong(&site);
}

TEST(a_price_that_is_none_is_an_error)
{
	static const char *const plans[] = { "dryrun - bytes:many\n", "dryrun - bytes:-1\n",
					     "dryrun - bytes:99999999999999999999\n",
					     "dryrun - bytes:\n", "dryrun - bytes:1e9\n" };
	SITE("");
	ASKING("SELECT ten_rows FROM orders");
	int64_t bytes = 0;

	for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
		plan(&site, plans[i]);
		CHECK_ERR(estimate(&a, &bytes, &e), ERR_REMOTE);
		CHECK_HAS(e.msg, "totalBytesProcessed");
	}
	plan(&site, "dryrun - bytes:9223372036854775807\n");
	CHECK_OK(estimate(&a, &bytes, &e));
	CHECK(bytes == INT64_MAX);
	plan(&site, "dryrun - kind:DROP_TABLE\n");
	CHECK_ERR(estimate(&a, &bytes, &e), ERR_USAGE);
}

TEST(rows_come_page_by_page_in_order)
{
	SITE("");
	ASKING("SELECT ten_rows FROM orders");

	CHECK_OK(run(&a, &e));
	CHECK_STR(buf_str(&a.heard), "n BIGINT;7,7,7,7,7,7,7,7,7,7,");
	CHECK_INT(a.result.rows, 10);
	CHECK_INT(a.result.bytes, 10);
	CHECK_INT(a.result.scanned_bytes, 5000);
	CHECK(!a.result.truncated);
	CHECK_INT(asked(&site, "results"), 4);
	CHECK_INT(asked(&site, "insert"), 1);
	CHECK_INT(asked(&site, "cancel"), 0);
	CHECK_INT(asked(&site, "token"), 1);
	nothing_was_wrong(&site);
}

TEST(a_result_without_rows_has_its_columns)
{
	SITE("");
	ASKING("SELECT no_rows FROM orders");

	CHECK_OK(run(&a, &e));
	CHECK_STR(buf_str(&a.heard), "n VARCHAR;");
	CHECK(!a.result.truncated);
}

TEST(what_is_beyond_a_limit_is_not_asked_for)
{
	SITE("");
	ASKING("SELECT ten_rows FROM orders");
	AUTO_FREE char *log = NULL;

	a.run.row_limit = 2;
	CHECK_OK(run(&a, &e));
	CHECK_INT(a.result.rows, 2);
	CHECK(a.result.truncated);
	CHECK_INT(asked(&site, "results"), 1);
	log = site_log(&site);
	CHECK_HAS(log, "\"maxResults\":\"2\"");
	a.run.row_limit = 10;
	CHECK_OK(run(&a, &e));
	CHECK(!a.result.truncated);
	a.run.row_limit = 0;
	a.run.byte_limit = 4;
	CHECK_OK(run(&a, &e));
	CHECK_INT(a.result.rows, 4);
	CHECK_INT(a.result.bytes, 4);
	CHECK(a.result.truncated);
	nothing_was_wrong(&site);
}

TEST(no_more_than_allowed_is_paid_for)
{
	SITE("");
	ASKING("SELECT ten_rows FROM orders");
	AUTO_FREE char *log = NULL;

	a.run.scan_max = 5000;
	CHECK_OK(run(&a, &e));
	log = site_log(&site);
	CHECK_HAS(log, "\"maximumBytesBilled\":\"10485760\""); /* the least there is */
	site_data(&site, "{\"location\":\"EU\",\"answers\":[{\"contains\":\"ten_rows\",\"bytes\":"
			 "99999999999,\"rows\":[]}]}");
	CHECK_ERR(run(&a, &e), ERR_LIMIT);
	nothing_was_wrong(&site);
}

TEST(a_job_that_takes_its_time_is_waited_for)
{
	SITE("results 1 running\n");
	ASKING("SELECT ten_rows FROM orders");

	CHECK_OK(run(&a, &e));
	CHECK_INT(a.result.rows, 10);
	CHECK_INT(asked(&site, "insert"), 1);
	CHECK_INT(asked(&site, "results"), 5);
}

static bool after_a_moment(void *ctx)
{
	atomic_int *n = ctx;

	return atomic_fetch_add(n, 1) > 3;
}

TEST(whoever_leaves_takes_the_job_with_them)
{
	SITE("results - running\n");
	ASKING("SELECT ten_rows FROM orders");
	atomic_int asked_for = 0;

	a.guard.ctx = &asked_for;
	a.guard.is_cancelled = after_a_moment;
	CHECK_ERR(run(&a, &e), ERR_CANCELLED);
	CHECK_INT(asked(&site, "cancel"), 1);
	nothing_was_wrong(&site);
}

TEST(a_server_that_does_not_answer_is_left_when_time_is_over)
{
	SITE("results - wait:3000\n");
	ASKING("SELECT ten_rows FROM orders");
	AUTO_FREE char *log = NULL;
	int64_t start = time_monotonic();

	a.guard.until_ms = start + 300;
	CHECK_ERR(run(&a, &e), ERR_LIMIT);
	CHECK(time_monotonic() - start < 2900);
	CHECK_INT(asked(&site, "cancel"), 1);
	log = site_log(&site);
	CHECK_HAS(log, "\"jobTimeoutMs\":\"1000\"");
}

TEST(what_passes_is_tried_again_and_starts_no_second_job)
{
	static const char *const plans[] = {
		"insert 1 status:403:rateLimitExceeded\n",
		"insert 1 late:503:backendError\n",
		"insert 1 torn\n",
		"results 1 status:500:internalError\n",
		"results 1 torn\n",
		"results 1 nonsense\n",
		"token 1 status:503\n",
		"results 1 status:429:rateLimitExceeded\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
		SITE(plans[i]);
		ASKING("SELECT ten_rows FROM orders");

		CHECK_OK(run(&a, &e));
		CHECK_INT(a.result.rows, 10);
	}
}

TEST(a_job_that_failed_by_itself_is_begun_anew)
{
	SITE("insert 1 fails:backendError\n");
	ASKING("SELECT ten_rows FROM orders");

	CHECK_OK(run(&a, &e));
	CHECK_INT(asked(&site, "insert"), 2);
	nothing_was_wrong(&site);
}

TEST(a_token_that_was_withdrawn_is_replaced_at_once)
{
	SITE("results 1 expired\n");
	ASKING("SELECT ten_rows FROM orders");

	CHECK_OK(run(&a, &e));
	CHECK_INT(asked(&site, "token"), 2);
	plan(&site, "insert - expired\n");
	CHECK_ERR(run(&a, &e), ERR_AUTH);
	CHECK_HAS(e.hint, "service account");
}

TEST(what_does_not_pass_is_told_at_once_with_whose_fault_it_is)
{
	static const struct {
		const char *plan;
		int code;
	} cases[] = {
		{ "insert - status:403:accessDenied\n", ERR_DENIED },
		{ "insert - status:400:invalidQuery\n", ERR_USAGE },
		{ "insert - status:404:notFound\n", ERR_NOT_FOUND },
		{ "insert - status:403:quotaExceeded\n", ERR_LIMIT },
		{ "insert - status:403:billingNotEnabled\n", ERR_DENIED },
		{ "insert - fails:resourcesExceeded\n", ERR_LIMIT },
		{ "insert - fails:invalidQuery\n", ERR_USAGE },
		{ "insert - fails:stopped\n", ERR_FAILED },
		{ "results - status:400:invalidQuery\n", ERR_USAGE },
	};
	SITE("");
	ASKING("SELECT ten_rows FROM orders");

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		plan(&site, cases[i].plan);
		CHECK_ERR(run(&a, &e), cases[i].code);
		CHECK_HAS(e.msg, "BigQuery: ");
		CHECK_INT(asked(&site, "insert"), i + 1);
	}
	plan(&site, "");
	a.statement.sql = "SELECT what FROM orders";
	CHECK_ERR(run(&a, &e), ERR_USAGE);
	CHECK_HAS(e.msg, "Syntax error");
}

TEST(what_goes_on_failing_is_given_up)
{
	SITE("results - status:503:backendError\n");
	ASKING("SELECT ten_rows FROM orders");

	CHECK_ERR(run(&a, &e), ERR_REMOTE);
	CHECK_INT(asked(&site, "results"), 4);
	CHECK_INT(asked(&site, "cancel"), 1);
}

TEST(an_answer_that_breaks_its_word_is_an_error)
{
	static const char *const cases[][3] = {
		{ "results - few\n", "ten_rows", "of 10 rows came" },
		{ "results - endless\n", "ten_rows", "pages had no rows" },
		{ "results - again\n", "ten_rows", "the one that came" },
		{ "", "wrong_value", "'n' is no BIGINT" },
		{ "", "wrong_width", "a row has 2 values, its schema 1" },
	};
	SITE("");

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_FREE char *sql = xasprintf("SELECT %s FROM orders", cases[i][1]);
		ASKING(sql);

		plan(&site, cases[i][0]);
		CHECK_ERR(run(&a, &e), ERR_REMOTE);
		CHECK_HAS(e.msg, cases[i][2]);
	}
}

TEST(a_reader_that_stops_stops_the_reading)
{
	SITE("");
	ASKING("SELECT ten_rows FROM orders");

	a.refuse_after = 2;
	CHECK_ERR(run(&a, &e), ERR_IO);
	CHECK_INT(a.rows, 2);
	CHECK_INT(asked(&site, "results"), 1);
}

static int describe(struct asking *a, const char *table, struct far_found *found, struct err *e)
{
	AUTO_FREE char *text = xasprintf("{\"dataset\":\"shop\",\"table\":\"%s\"}", table);
	AUTO_JSON struct json *spec = NULL;

	*e = (struct err){ 0 };
	CHECK_INT(json_parse(bytes_of(text), 1000, &spec, e), 0);
	return far_bigquery.describe(a->session, spec, found, e);
}

TEST(a_table_is_described_with_what_is_known)
{
	SITE("");
	ASKING("");
	AUTO(far_found_release) struct far_found found = { 0 };

	CHECK_OK(describe(&a, "orders", &found, &e));
	CHECK(found.has_figures && found.has_layout && found.has_columns);
	CHECK_INT(found.rows, 12);
	CHECK_INT(found.size_bytes, 3400);
	CHECK_STR(found.entity_type, "BASE TABLE");
	CHECK_STR(found.partition_by, "day");
	CHECK_STR(strv_at(&found.clustered_by, 1), "city");
	CHECK_STR(found.columns[1].name, "tags");
	CHECK_STR(found.columns[1].type, "VARCHAR[]");
	CHECK_INT(found.missing.code, 0);
	nothing_was_wrong(&site);
}

TEST(a_view_has_neither_rows_nor_bytes)
{
	SITE("");
	ASKING("");
	AUTO(far_found_release) struct far_found found = { 0 };

	CHECK_OK(describe(&a, "view", &found, &e));
	CHECK_STR(found.entity_type, "VIEW");
	CHECK_INT(found.rows, -1);
	CHECK_INT(found.size_bytes, -1);
	CHECK(!found.partition_by);
}

TEST(what_of_a_table_is_not_told_is_missing_and_the_rest_is_there)
{
	SITE("");
	ASKING("");
	AUTO(far_found_release) struct far_found found = { 0 };
	struct far_found none = { 0 };

	CHECK_OK(describe(&a, "odd", &found, &e));
	CHECK(!found.has_figures && found.has_layout && !found.has_columns);
	CHECK_STR(found.partition_by, "_PARTITIONTIME");
	CHECK_INT(found.missing.code, ERR_REMOTE);
	CHECK_ERR(describe(&a, "nothing", &none, &e), ERR_REMOTE);
	CHECK_ERR(describe(&a, "absent", &none, &e), ERR_NOT_FOUND);
}

TEST(what_a_person_says_of_a_table_is_checked)
{
	static const char *const bad[] = {
		"{\"dataset\":\"d\",\"table\":\"t\"}",
		"{\"dataset\":\"d\",\"table\":\"t\",\"key_file\":\"/k\",\"key_env\":\"K\"}",
		"{\"dataset\":\"d.e\",\"table\":\"t\",\"key_file\":\"/k\"}",
		"{\"dataset\":\"d\",\"table\":\"t`\",\"key_file\":\"/k\"}",
		"{\"dataset\":\"d\",\"table\":\"events_*\",\"key_file\":\"/k\"}",
		"{\"dataset\":\"d\",\"table\":\"t\",\"project\":\"a/b\",\"key_file\":\"/k\"}",
		"{\"dataset\":\"d\",\"key_file\":\"/k\"}",
		"{\"dataset\":\"d\",\"table\":\"t\",\"key\":\"secret\"}",
		"{\"dataset\":\"d\",\"table\":7,\"key_file\":\"/k\"}",
	};
	static const char good[] = "{\"dataset\":\"d\",\"table\":\"t\",\"project\":\"p\","
				   "\"location\":\"EU\",\"key_env\":\"K\"}";
	AUTO_JSON struct json *spec = NULL;
	AUTO_FREE char *path = NULL;
	AUTO_FREE char *source = NULL;
	struct err e = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO_JSON struct json *doc = NULL;

		CHECK_OK(json_parse(bytes_of(bad[i]), 1000, &doc, &e));
		CHECK_ERR(far_bigquery.check(doc, &e), ERR_USAGE);
	}
	CHECK_OK(json_parse(bytes_of(good), 1000, &spec, &e));
	CHECK_OK(far_bigquery.check(spec, &e));
	path = far_bigquery.path(spec);
	source = far_bigquery.source(spec);
	CHECK_STR(path, "p.d.t");
	CHECK_HAS(source, "location=EU");
}

TEST(a_hub_without_the_key_says_so_and_shows_none_of_it)
{
	static const char text[] =
		"{\"dataset\":\"d\",\"table\":\"t\",\"key_env\":\"LARDER_TEST_KEY\"}";
	const struct far_guard guard = { 0 };
	AUTO_JSON struct json *spec = NULL;
	struct far_session *session = NULL;
	struct far_open open = { .guard = &guard };
	struct err e = { 0 };

	CHECK_OK(json_parse(bytes_of(text), 1000, &spec, &e));
	open.spec = spec;
	(void)unsetenv("LARDER_TEST_KEY");
	CHECK_ERR(far_bigquery.open(&open, &session, &e), ERR_CONFLICT);
	(void)setenv("LARDER_TEST_KEY", "{\"type\":\"service_account\",\"private_key\":\"geheim\"}",
		     1);
	CHECK_ERR(far_bigquery.open(&open, &session, &e), ERR_CONFLICT);
	CHECK(!strstr(e.msg, "geheim"));
	far_bigquery.close(NULL);
}

/* One value of a type, in and out. */
static void check_value(const char *field, const char *value, const char *type, const char *wanted)
{
	AUTO_FREE char *schema = xasprintf("{\"fields\":[%s]}", field);
	AUTO_FREE char *text = xasprintf("{\"f\":[{\"v\":%s}]}", value);
	AUTO_BIGQUERY_FIELDS struct bigquery_fields fields = { 0 };
	AUTO_BIGQUERY_ROW struct bigquery_row row = BIGQUERY_ROW_INIT;
	AUTO_JSON struct json *doc = NULL;
	AUTO_JSON struct json *json = NULL;
	AUTO_BUF struct buf name = BUF_INIT(1000);
	struct err e = { 0 };
	int r;

	CHECK_OK(json_parse(bytes_of(schema), 10000, &doc, &e));
	CHECK_OK(json_parse(bytes_of(text), 10000, &json, &e));
	CHECK_OK(bigquery_fields_read(doc, &fields, &e));
	bigquery_type(&fields.v[0], &name);
	CHECK_STR(buf_str(&name), type);
	r = bigquery_row_read(&fields, json, &row, &e);
	if (!wanted) {
		CHECK_INT(r, ERR_REMOTE);
		return;
	}
	CHECK_OK(r);
	if (str_eq(wanted, "NULL")) {
		CHECK(!row.v[0].p);
		return;
	}
	if (!bytes_equal(row.v[0], bytes_of(wanted)))
		fail_msg("%s of %s: '%.*s'", value, field, (int)row.v[0].n, row.v[0].p);
}

#define F(type)    "{\"name\":\"a\",\"type\":\"" type "\"}"
#define LIST(type) "{\"name\":\"a\",\"type\":\"" type "\",\"mode\":\"REPEATED\"}"
#define RECORD(mode, fields)                                                                       \
	"{\"name\":\"a\",\"type\":\"RECORD\",\"mode\":\"" mode "\",\"fields\":[" fields "]}"

TEST(values_come_as_they_are_read_for_their_type)
{
	static const char *const cases[][4] = {
		{ F("STRING"), "\"h\\u00e4\"", "VARCHAR", "h\xc3\xa4" },
		{ F("STRING"), "\"\"", "VARCHAR", "" },
		{ F("STRING"), "null", "VARCHAR", "NULL" },
		{ F("STRING"), "7", "VARCHAR", NULL },
		{ F("GEOGRAPHY"), "\"POINT(1 2)\"", "VARCHAR", "POINT(1 2)" },
		{ F("INTEGER"), "\"-9223372036854775808\"", "BIGINT", "-9223372036854775808" },
		{ F("INT64"), "\"9223372036854775808\"", "BIGINT", NULL },
		{ F("INT64"), "\"1.5\"", "BIGINT", NULL },
		{ F("FLOAT64"), "\"0.1\"", "DOUBLE", "0.1" },
		{ F("FLOAT"), "\"3\"", "DOUBLE", "3.0" },
		{ F("FLOAT"), "\"-Infinity\"", "DOUBLE", "-inf" },
		{ F("FLOAT"), "\"NaN\"", "DOUBLE", "nan" },
		{ F("FLOAT"), "\"0x10\"", "DOUBLE", NULL },
		{ F("FLOAT"), "\"\"", "DOUBLE", NULL },
		{ F("NUMERIC"), "\"-12345678901234567890.123456789\"", "DECIMAL(38,9)",
		  "-12345678901234567890.123456789" },
		{ F("NUMERIC"), "\"1e5\"", "DECIMAL(38,9)", NULL },
		{ F("NUMERIC"), "\"01\"", "DECIMAL(38,9)", NULL },
		{ F("NUMERIC"), "\"1.\"", "DECIMAL(38,9)", NULL },
		{ F("BIGNUMERIC"), "\"1.5\"", "DOUBLE", "1.5" },
		{ "{\"name\":\"a\",\"type\":\"NUMERIC\",\"precision\":\"10\",\"scale\":\"2\"}",
		  "\"1.25\"", "DECIMAL(10,2)", "1.25" },
		{ "{\"name\":\"a\",\"type\":\"BIGNUMERIC\",\"precision\":\"10\"}", "\"1\"",
		  "DECIMAL(10,0)", "1" },
		{ F("BOOL"), "\"true\"", "BOOLEAN", "true" },
		{ F("BOOLEAN"), "\"yes\"", "BOOLEAN", NULL },
		{ F("TIMESTAMP"), "\"1767225600500000\"", "TIMESTAMPTZ",
		  "2026-01-01 00:00:00.5+00" },
		{ F("TIMESTAMP"), "\"1.7672256E9\"", "TIMESTAMPTZ", "2026-01-01 00:00:00+00" },
		{ F("TIMESTAMP"), "\"-1\"", "TIMESTAMPTZ", "1969-12-31 23:59:59.999999+00" },
		{ F("TIMESTAMP"), "\"-62135596800000000\"", "TIMESTAMPTZ",
		  "0001-01-01 00:00:00+00" },
		{ F("TIMESTAMP"), "\"253402300800000000\"", "TIMESTAMPTZ", NULL },
		{ F("TIMESTAMP"), "\"1e300\"", "TIMESTAMPTZ", NULL },
		{ F("DATE"), "\"2026-01-31\"", "DATE", "2026-01-31" },
		{ F("DATE"), "\"2026-1-31\"", "DATE", NULL },
		{ F("TIME"), "\"12:30:00.123456\"", "TIME", "12:30:00.123456" },
		{ F("TIME"), "\"12:30:00.\"", "TIME", NULL },
		{ F("DATETIME"), "\"2026-01-31T12:30:00\"", "TIMESTAMP", "2026-01-31 12:30:00" },
		{ F("DATETIME"), "\"2026-01-31 12:30:00\"", "TIMESTAMP", NULL },
		{ F("BYTES"), "\"AP8i\"", "BLOB", "00ff22" },
		{ F("BYTES"), "\"\"", "BLOB", "" },
		{ F("BYTES"), "\"A\"", "BLOB", NULL },
		{ LIST("INT64"), "[{\"v\":\"1\"},{\"v\":\"2\"}]", "BIGINT[]", "[1,2]" },
		{ LIST("INT64"), "[]", "BIGINT[]", "[]" },
		{ LIST("INT64"), "\"1\"", "BIGINT[]", NULL },
		{ LIST("BYTES"), "[{\"v\":\"AGE=\"}]", "BLOB[]", "[\"\\\\x00a\"]" },
		{ RECORD("NULLABLE", F("INT64") ",{\"name\":\"b\\\"\",\"type\":\"STRING\"}"),
		  "{\"f\":[{\"v\":\"1\"},{\"v\":null}]}", "STRUCT(\"a\" BIGINT, \"b\"\"\" VARCHAR)",
		  "{\"a\":1,\"b\\\"\":null}" },
		{ RECORD("REPEATED", F("FLOAT64")), "[{\"v\":{\"f\":[{\"v\":\"NaN\"}]}}]",
		  "STRUCT(\"a\" DOUBLE)[]", "[{\"a\":\"nan\"}]" },
		{ RECORD("NULLABLE", F("INT64")), "{\"f\":[]}", "STRUCT(\"a\" BIGINT)", NULL },
		{ RECORD("NULLABLE", F("INT64")), "\"x\"", "STRUCT(\"a\" BIGINT)", NULL },
		{ RECORD("NULLABLE", F("INT64")), "null", "STRUCT(\"a\" BIGINT)", "NULL" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check_value(cases[i][0], cases[i][1], cases[i][2], cases[i][3]);
}

/* A schema of records in records, so deep. */
static int read_nested(int depth, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_BIGQUERY_FIELDS struct bigquery_fields fields = { 0 };
	AUTO_JSON struct json *doc = NULL;

	buf_adds(&text, "{\"fields\":[");
	for (int i = 1; i < depth; i++)
		buf_adds(&text, "{\"name\":\"r\",\"type\":\"RECORD\",\"fields\":[");
	buf_adds(&text, F("INT64"));
	for (int i = 1; i < depth; i++)
		buf_adds(&text, "]}");
	buf_adds(&text, "]}");
	CHECK_INT(json_parse(buf_bytes(&text), BUF_OWN_MAX, &doc, e), 0);
	return bigquery_fields_read(doc, &fields, e);
}

/* A schema of so many columns. */
static int read_wide(size_t n, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_BIGQUERY_FIELDS struct bigquery_fields fields = { 0 };
	AUTO_JSON struct json *doc = NULL;

	buf_adds(&text, "{\"fields\":[");
	for (size_t i = 0; i < n; i++)
		buf_addf(&text, "%s" F("INT64"), i ? "," : "");
	buf_adds(&text, "]}");
	CHECK_INT(json_parse(buf_bytes(&text), BUF_OWN_MAX, &doc, e), 0);
	return bigquery_fields_read(doc, &fields, e);
}

TEST(schemas_end_at_their_limits)
{
	struct err e = { 0 };

	CHECK_OK(read_nested(BIGQUERY_DEPTH_MAX, &e));
	CHECK_ERR(read_nested(BIGQUERY_DEPTH_MAX + 1, &e), ERR_LIMIT);
	CHECK_OK(read_wide(BIGQUERY_FIELDS_MAX, &e));
	CHECK_ERR(read_wide(BIGQUERY_FIELDS_MAX + 1, &e), ERR_LIMIT);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(a_statement_is_priced_without_being_run),
		CASE(a_price_that_is_none_is_an_error),
		CASE(rows_come_page_by_page_in_order),
		CASE(a_result_without_rows_has_its_columns),
		CASE(what_is_beyond_a_limit_is_not_asked_for),
		CASE(no_more_than_allowed_is_paid_for),
		CASE(a_job_that_takes_its_time_is_waited_for),
		CASE(whoever_leaves_takes_the_job_with_them),
		CASE(a_server_that_does_not_answer_is_left_when_time_is_over),
		CASE(what_passes_is_tried_again_and_starts_no_second_job),
		CASE(a_job_that_failed_by_itself_is_begun_anew),
		CASE(a_token_that_was_withdrawn_is_replaced_at_once),
		CASE(what_does_not_pass_is_told_at_once_with_whose_fault_it_is),
		CASE(what_goes_on_failing_is_given_up),
		CASE(an_answer_that_breaks_its_word_is_an_error),
		CASE(a_reader_that_stops_stops_the_reading),
		CASE(a_table_is_described_with_what_is_known),
		CASE(a_view_has_neither_rows_nor_bytes),
		CASE(what_of_a_table_is_not_told_is_missing_and_the_rest_is_there),
		CASE(what_a_person_says_of_a_table_is_checked),
		CASE(a_hub_without_the_key_says_so_and_shows_none_of_it),
		CASE(values_come_as_they_are_read_for_their_type),
		CASE(schemas_end_at_their_limits),
	};

	return RUN(tests);
}
