/* SPDX-License-Identifier: Apache-2.0 */
/* The corpus of statements (tests/data/statements.txt), each judged on its parse. tests/cli/queries.t runs some of
 * them against a hub. */
#include "base/file.h"
#include "duck/excerpt.h"
#include "duck/judge.h"

#include "test.h"
#include <fcntl.h>
#include <strings.h>

#define CORPUS_MAX ((size_t)1 << 20)

struct corpus {
	struct strv marks, statements;
	struct duck_judged *judged;
};

static void corpus_release(struct corpus *c)
{
	for (size_t i = 0; c->judged && i < c->statements.n; i++)
		duck_judged_release(&c->judged[i]);
	free(c->judged);
	strv_release(&c->marks);
	strv_release(&c->statements);
}

static void add_line(struct corpus *c, const char *line)
{
	if (!line[0] || !strchr("+-~", line[0]))
		return;
	strv_addf(&c->marks, "%c", line[0]);
	strv_add(&c->statements, line[1] ? line + 2 : "");
}

static void read_corpus(struct corpus *c)
{
	AUTO_FREE char *path = xasprintf("%s/tests/data/statements.txt", getenv("LARDER_SOURCE"));
	AUTO_BUF struct buf text = BUF_INIT(CORPUS_MAX);
	AUTO_STRV struct strv lines = STRV_INIT;
	struct err e = { 0 };

	CHECK_OK(file_read(AT_FDCWD, path, CORPUS_MAX, &text, &e));
	strv_split(&lines, buf_str(&text), '\n');
	for (size_t i = 0; i < lines.n; i++)
		add_line(c, lines.v[i]);
	c->judged = xcalloc(c->statements.n, sizeof(*c->judged));
	CHECK_OK(duck_judge(&c->statements, c->judged, &e));
}

/* Does it name only tables that the corpus says are there? */
static bool is_visible(const struct duck_name *name)
{
	static const char *const there[] = { "orders", "order", "in.c-crm.orders-2" };
	bool place = (!*name->schema || strcasecmp(name->schema, "main") == 0) &&
		     (!*name->catalog || strcasecmp(name->catalog, "memory") == 0);

	for (size_t i = 0; place && i < ARRAY_LEN(there); i++) {
		if (strcasecmp(name->name, there[i]) == 0)
			return true;
	}
	return false;
}

static bool passes(const struct duck_judged *judged)
{
	bool all = judged->refusal == NULL;

	for (size_t i = 0; i < judged->names.n; i++)
		all = all && is_visible(&judged->names.v[i]);
	return all;
}

TEST(the_corpus_is_large_enough)
{
	AUTO(corpus_release) struct corpus c = { 0 };
	size_t harmless = 0;

	read_corpus(&c);
	for (size_t i = 0; i < c.marks.n; i++)
		harmless += c.marks.v[i][0] == '+';
	assert_true(c.statements.n >= 150 && harmless >= 70);
}

TEST(harmless_statements_pass_whatever_words_are_in_them)
{
	AUTO(corpus_release) struct corpus c = { 0 };

	read_corpus(&c);
	for (size_t i = 0; i < c.statements.n; i++) {
		if (c.marks.v[i][0] == '+' && !passes(&c.judged[i]))
			fail_msg("%s: %s", c.statements.v[i],
				 c.judged[i].refusal ? c.judged[i].refusal : "a name");
	}
}

/* What is wrong only when it is run: DuckDB's to refuse. */
static bool is_wrong_when_run(const char *sql)
{
	static const char *const list[] = {
		"SELECT nosuchcolumn FROM orders", "SELECT nosuchfunction(1)", "SELECT 'x' + 1",
		"SELECT CAST('x' AS INTEGER)",     "SELECT error('mine')",     "DESCRIBE"
	};

	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		if (str_eq(sql, list[i]))
			return true;
	}
	return false;
}

TEST(hostile_statements_are_refused_or_name_what_is_not_there)
{
	AUTO(corpus_release) struct corpus c = { 0 };

	read_corpus(&c);
	for (size_t i = 0; i < c.statements.n; i++) {
		if (c.marks.v[i][0] == '-' && passes(&c.judged[i]) &&
		    !is_wrong_when_run(c.statements.v[i]))
			fail_msg("passes: %s", c.statements.v[i]);
	}
}

TEST(names_are_given_once_with_what_stands_before_them)
{
	AUTO_STRV struct strv sql = STRV_INIT;
	struct duck_judged judged = { 0 };
	struct err e = { 0 };

	strv_add(&sql,
		 "WITH b AS (SELECT 1), c AS (FROM x.b) SELECT * FROM a, A, b, c, s.\"a b\", k.s.t,"
		 " (WITH d AS (FROM d) FROM d)");
	CHECK_OK(duck_judge(&sql, &judged, &e));
	assert_null(judged.refusal);
	assert_int_equal(judged.names.n, 5);
	duck_judged_release(&judged);
}

/* Blanks between names, "*" for all. */
static void check_columns(const struct duck_judged *judged, const char *wanted)
{
	AUTO_BUF struct buf got = BUF_INIT(BUF_OWN_MAX);

	assert_null(judged->refusal);
	for (size_t i = 0; i < judged->names.columns.n; i++)
		buf_addf(&got, "%s%s", i ? " " : "", judged->names.columns.v[i]);
	assert_string_equal(judged->names.all_columns ? "*" : buf_str(&got), wanted);
}

TEST(columns_that_may_be_wanted_are_named_and_what_may_mean_more_means_all)
{
	static const struct {
		const char *sql, *columns;
	} cases[] = {
		{ "SELECT count(*) FROM a", "" },
		{ "SELECT a.x, \"Y\" + 1 FROM a JOIN b USING (k) WHERE z > 0 ORDER BY w",
		  "w a x Y k z" },
		{ "SELECT max(s.f.g) OVER (PARTITION BY p) FROM t", "s f g p" },
		{ "WITH q AS (SELECT x FROM a) SELECT x FROM q WHERE 1 IN (SELECT y FROM b)",
		  "x y" },
		{ "SELECT list_transform(l, v -> v + n) FROM a", "l v n" },
		{ "FROM a", "*" },
		{ "SELECT x, a.* FROM a", "*" },
		{ "SELECT o FROM a o", "*" },
		{ "SELECT main.a FROM a", "*" },
		{ "SELECT to_json(O) FROM a AS o", "*" },
		{ "SELECT x FROM a NATURAL JOIN b", "*" },
		{ "SELECT x FROM a POSITIONAL JOIN b", "*" },
		{ "SELECT x FROM a AS t(x, y)", "*" },
		{ "SELECT #1 FROM a", "*" },
		{ "SELECT COLUMNS('x.*') FROM a", "*" },
		{ "PIVOT a ON k IN ('p', 'q') USING sum(v)", "*" },
		{ "SUMMARIZE a", "*" },
		{ "TABLE a", "*" },
	};
	AUTO_STRV struct strv sql = STRV_INIT;
	struct duck_judged judged[ARRAY_LEN(cases)] = { 0 };
	struct err e = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		strv_add(&sql, cases[i].sql);
	CHECK_OK(duck_judge(&sql, judged, &e));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		check_columns(&judged[i], cases[i].columns);
		duck_judged_release(&judged[i]);
	}
}

static void filter(const char *where, const char *wanted)
{
	AUTO_FREE char *canonical = NULL;
	struct err e = { 0 };

	CHECK_OK(duck_filter(where, &canonical, &e));
	assert_string_equal(canonical, wanted);
}

TEST(a_condition_comes_back_in_one_form)
{
	filter("region='north'", "(region = 'north')");
	filter("  REGION = 'north' -- only those", "(REGION = 'north')");
	filter("a = 1 or b = 2 and c = 3", "((a = 1) OR ((b = 2) AND (c = 3)))");
	filter("lower(name) like 'x%'", "(lower(\"name\") ~~ 'x%')");
	filter("day >= DATE '2026-01-01'", "(\"day\" >= CAST('2026-01-01' AS DATE))");
}

TEST(a_condition_that_is_more_than_one_is_refused)
{
	static const char *const bad[] = {
		"",
		"a = 1) OR (b = 2",
		"a = 1; SELECT 1",
		"a IN (SELECT 1)",
		"a = ?",
		"random() < 1",
		"now() > x",
		"current_date > x",
		"a = 1 ORDER BY a",
		"a = 1 LIMIT 1",
		"a = 1 GROUP BY a",
		"a = 1 UNION SELECT 1",
		"getenv('x') = 'y'",
		"row_number() OVER () = 1",
		"a = 1 /*",
		"a = 'open",
		"current_setting('x') = 'y'",
		"EXISTS (FROM t)",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO_FREE char *canonical = NULL;
		struct err e = { 0 };

		if (duck_filter(bad[i], &canonical, &e) == 0)
			fail_msg("'%s' is taken as %s", bad[i], canonical);
		assert_int_equal(e.code, ERR_USAGE);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(the_corpus_is_large_enough),
		CASE(harmless_statements_pass_whatever_words_are_in_them),
		CASE(hostile_statements_are_refused_or_name_what_is_not_there),
		CASE(columns_that_may_be_wanted_are_named_and_what_may_mean_more_means_all),
		CASE(names_are_given_once_with_what_stands_before_them),
		CASE(a_condition_comes_back_in_one_form),
		CASE(a_condition_that_is_more_than_one_is_refused),
	};
	AUTO_FREE char *path = xasprintf("%s/larder-duck", getenv("LARDER_BIN"));

	assert_int_equal(setenv("LARDER_DUCK", path, 1), 0);
	return RUN(tests);
}
