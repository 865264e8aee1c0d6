/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/fleet.h"
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

TEST(what_is_long_over_is_forgotten_and_nothing_else)
{
	static const struct db_schema *const schemas[] = { &access_schema, &inbox_schema,
							   &fleet_schema };
	static const char sql_fill[] =
		"INSERT INTO fleet_agent (user_id, agent_id, status, last_push_ms, last_pull_ms)"
		" VALUES (?1, 'gone', 'online', 10, 20), (?1, 'here', 'online', 10, 100)";
	static const char sql_records[] =
		"INSERT INTO fleet_record (user_id, agent_id, id, revision, status, repo, findings,"
		" duration_ms, body, received_ms) VALUES (?1, 'here', 'old', 1, 's', 'r', 0, 0, '{}',"
		" 99), (?1, 'here', 'new', 1, 's', 'r', 0, 0, '{}', 100)";
	static const char sql_tasks[] =
		"INSERT INTO fleet_task (user_id, repo, task, status, priority, created_ms,"
		" completed_ms) VALUES (?1, 'r', 'done', 'completed', 5, 1, 99), (?1, 'r', 'late',"
		" 'failed', 5, 1, 100), (?1, 'r', 'waits', 'queued', 5, 1, NULL)";
	static const char sql_left[] =
		"SELECT (SELECT group_concat(agent_id) FROM fleet_agent) || ' ' || (SELECT"
		" group_concat(id) FROM fleet_record) || ' ' || (SELECT group_concat(task)"
		" FROM fleet_task)";
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = access_new(folder, schemas, ARRAY_LEN(schemas));
	AUTO_CALLER struct caller ann = caller_of(db, ANN, SCOPE_ADMIN);
	AUTO_FREE char *left = NULL;
	struct err e = { 0 };
	int64_t rows = 0;

	CHECK_OK(db_begin(db, &e));
	CHECK_OK(db_exec(db, &e, sql_fill, "i", ann.user_id));
	CHECK_OK(db_exec(db, &e, sql_records, "i", ann.user_id));
	CHECK_OK(db_exec(db, &e, sql_tasks, "i", ann.user_id));
	CHECK_OK(fleet_forget(db, 100, &rows, &e));
	CHECK_INT(rows, 3);
	CHECK_OK(db_get_text(db, &left, &e, sql_left, ""));
	CHECK_STR(left, "here new late,waits");
	CHECK_OK(fleet_forget(db, 100, &rows, &e));
	CHECK_INT(rows, 0);
	CHECK_OK(db_commit(db, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_tenant_has_no_more_agents_than_the_limit),
		CASE(what_is_long_over_is_forgotten_and_nothing_else),
	};

	return RUN(tests);
}
