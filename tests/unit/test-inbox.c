/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/inbox.h"

#include "access-fixture.h"

TEST(a_tenant_has_no_more_agents_than_the_limit)
{
	static const struct db_schema *const schemas[] = { &access_schema, &inbox_schema };
	static const char sql_fill[] =
		"WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)"
		" INSERT INTO fleet_agent (user_id, agent_id, status)"
		" SELECT ?1, 'a' || i, 'online' FROM n";
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = access_new(folder, schemas, ARRAY_LEN(schemas));
	AUTO_CALLER struct caller ann = caller_of(db, ANN, SCOPE_ADMIN);
	struct err e = { 0 };

	join(db, BOB, "analysts");
	AUTO_CALLER struct caller bob = caller_of(db, BOB, SCOPE_READ);

	CHECK_OK(db_begin(db, &e));
	CHECK_OK(db_exec(db, &e, sql_fill, "ii", ann.user_id, (int64_t)INBOX_AGENTS_MAX));
	CHECK_OK(inbox_note_pull(db, &ann, "a1", &e));
	CHECK_ERR(inbox_note_pull(db, &ann, "one-more", &e), ERR_LIMIT);
	CHECK_OK(inbox_note_pull(db, &ann, "a1", &e));
	CHECK_OK(inbox_note_pull(db, &bob, "one-more", &e));
	CHECK_OK(db_commit(db, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_tenant_has_no_more_agents_than_the_limit),
	};

	return RUN(tests);
}
