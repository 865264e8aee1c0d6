/* SPDX-License-Identifier: Apache-2.0 */
/* What of reading from PostgreSQL needs no server; with one: tests/cli/refresh-postgres.t. */
#include "db/postgres-internal.h"

#include "test.h"

TEST(types_are_those_that_hold_all_values)
{
	static const struct {
		Oid oid;
		int modifier;
		char kind;
		const char *type;
	} cases[] = {
		{ 16, -1, POSTGRES_PLAIN, "BOOLEAN" },
		{ 17, -1, POSTGRES_HEX, "BLOB" },
		{ 20, -1, POSTGRES_PLAIN, "BIGINT" },
		{ 1184, -1, POSTGRES_PLAIN, "TIMESTAMPTZ" },
		{ 1700, ((12 << 16) | 3) + 4, POSTGRES_PLAIN, "DECIMAL(12,3)" },
		{ 1700, ((38 << 16) | 38) + 4, POSTGRES_PLAIN, "DECIMAL(38,38)" },
		{ 1700, ((39 << 16) | 0) + 4, POSTGRES_PLAIN, "DOUBLE" },    /* wider than any */
		{ 1700, ((5 << 16) | 0x7fe) + 4, POSTGRES_PLAIN, "DOUBLE" }, /* a scale of -2 */
		{ 1700, ((3 << 16) | 5) + 4, POSTGRES_PLAIN, "DOUBLE" },     /* 0.00123 */
		{ 1700, -1, POSTGRES_PLAIN, "DOUBLE" },
		{ 1186, -1, POSTGRES_TEXT, "VARCHAR" }, /* interval */
		{ 4294967295U, -1, POSTGRES_TEXT, "VARCHAR" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct postgres_column c = { 0 };

		postgres_type(&c, cases[i].oid, cases[i].modifier);
		CHECK_STR(c.type ? c.type : c.text, cases[i].type);
		CHECK_INT(c.kind, cases[i].kind);
	}
}

TEST(a_connection_holds_no_password_and_is_one)
{
	static const struct {
		const char *text, *wrong;
	} cases[] = {
		{ "host=/run/x dbname=d user=u", NULL },
		{ "postgresql://u@h:5433/d?sslmode=require", NULL },
		{ "host=h passfile=/x", NULL },
		{ "host=h password=p", "password" },
		{ "postgresql://u:p@h/d", "password" },
		{ "host=h sslpassword=p", "password" },
		{ "nonsense", "no connection" },
		{ "host=h hots=x", "hots" },
	};
	const struct postgres_library *pq = NULL;
	struct err e = { 0 };

	if (postgres_library_load(&pq, &e) < 0)
		skip();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err why = { 0 };

		CHECK_INT(postgres_check_connection(cases[i].text, &why),
			  cases[i].wrong ? ERR_USAGE : 0);
		CHECK(!cases[i].wrong || strstr(why.msg, cases[i].wrong));
	}
}

TEST(a_server_that_is_away_is_offline)
{
	const struct postgres_options o = { .connection = "host=/nonexistent user=u dbname=d" };
	const struct postgres_library *pq = NULL;
	AUTO_POSTGRES struct postgres *pg = NULL;
	struct err e = { 0 };

	if (postgres_library_load(&pq, &e) < 0)
		skip();
	CHECK_INT(postgres_open(&o, &pg, &e), ERR_OFFLINE);
	CHECK(strstr(e.msg, "connect to PostgreSQL"));
	CHECK(!pg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_are_those_that_hold_all_values),
		cmocka_unit_test(a_connection_holds_no_password_and_is_one),
		cmocka_unit_test(a_server_that_is_away_is_offline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
