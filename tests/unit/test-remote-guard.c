/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets, statements at once, and the price of a plan; a whole guarded question is in tests/cli/remote.t. */
#include "remote/budget.h"

#include "access/access.h"
#include "base/proc.h"
#include "base/time.h"
#include "remote/place.h"
#include "remote/postgres-plan.h"
#include "scratch.h"
#include "tables/registry.h"

#include <sys/wait.h>

static const struct db_schema *const schemas[] = { &access_schema, &tables_schema, &remote_schema };
static const struct far_limits limits = { .daily_bytes = 1000, .at_once = 2, .seconds = 60 };

static struct db *open_db(const char *folder)
{
	AUTO_FREE char *path = xasprintf("%s/x.db", folder);
	struct db_options o = { .path = path, .create = true };
	struct db *db = NULL;
	struct err e = { 0 };

	assert_int_equal(db_open(&o, &db, &e), 0);
	assert_int_equal(db_migrate(db, schemas, ARRAY_LEN(schemas), &e), 0);
	return db;
}

/* The words of the refusal, "" for none. */
static const char *take(struct db *db, int64_t user, struct far_ticket *ticket)
{
	AUTO(far_refusal_release)
	struct far_refusal refusal = { .text = BUF_INIT(FAR_REFUSAL_MAX) };
	struct err e = { 0 };

	if (far_ticket_take(db, user, &limits, ticket, &refusal, &e) == 0)
		return "";
	assert_int_equal(e.code, ERR_BUSY);
	assert_int_equal(refusal.status, 429);
	return strstr(buf_str(&refusal.text), "daily_byte_cap_exceeded") ? "daily" : "at once";
}

static int reserve(struct db *db, struct far_ticket *ticket, int64_t bytes)
{
	AUTO(far_refusal_release)
	struct far_refusal refusal = { .text = BUF_INIT(FAR_REFUSAL_MAX) };
	struct err e = { 0 };

	return far_ticket_reserve(db, ticket, bytes, &limits, &refusal, &e);
}

static void end(struct db *db, struct far_ticket *ticket, bool charge)
{
	struct err e = { 0 };

	assert_int_equal(far_ticket_end(db, ticket, charge, &e), 0);
}

static int64_t used(struct db *db, int64_t user)
{
	int64_t bytes = -1;
	struct err e = { 0 };

	assert_int_equal(far_budget_used(db, user, time_now(), &bytes, &e), 0);
	return bytes;
}

TEST(so_many_at_once_and_others_are_not_counted)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct far_ticket a, b, c, other;

	assert_string_equal(take(db, 1, &a), "");
	assert_string_equal(take(db, 1, &b), "");
	assert_string_equal(take(db, 1, &c), "at once");
	assert_string_equal(take(db, 2, &other), "");
	end(db, &a, false);
	assert_string_equal(take(db, 1, &c), "");
}

TEST(what_is_reserved_counts_and_what_was_refused_is_given_back)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct far_ticket a, b;

	assert_string_equal(take(db, 1, &a), "");
	assert_string_equal(take(db, 1, &b), "");
	assert_int_equal(reserve(db, &a, 600), 0);
	assert_int_equal(reserve(db, &b, 401), ERR_BUSY);
	assert_int_equal(reserve(db, &b, 400), 0);
	assert_int_equal(used(db, 1), 1000);
	end(db, &b, false);
	assert_int_equal(used(db, 1), 600);
	end(db, &a, true);
	end(db, &a, true); /* once is enough */
	assert_int_equal(used(db, 1), 600);
	assert_int_equal(used(db, 2), 0);
}

TEST(at_exactly_the_cap_the_day_is_over_also_for_another_process)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct far_ticket a;

	assert_string_equal(take(db, 1, &a), "");
	assert_int_equal(reserve(db, &a, 1000), 0);
	end(db, &a, true);
	db_close(TAKE(db));
	db = open_db(folder);
	assert_string_equal(take(db, 1, &a), "daily");
}

TEST(a_day_that_is_over_counts_no_more)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct far_ticket a;
	struct err e = { 0 };

	assert_string_equal(take(db, 1, &a), "");
	assert_int_equal(reserve(db, &a, 1000), 0);
	end(db, &a, true);
	assert_int_equal(db_exec(db, &e, "UPDATE remote_use SET day=day-1", ""), 0);
	assert_string_equal(take(db, 1, &a), "");
}

/* The identity of a process that was and is no more. */
static void dead_owner(char out[PROC_IDENTITY_MAX])
{
	pid_t pid = fork();

	if (pid == 0)
		pause();
	assert_true(pid > 0);
	proc_identity(pid, out);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

TEST(a_ticket_of_a_dead_owner_is_ended_and_charged_by_the_next)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	char owner[PROC_IDENTITY_MAX];
	struct far_ticket a, b, c;
	struct err e = { 0 };

	assert_string_equal(take(db, 1, &a), "");
	assert_string_equal(take(db, 1, &b), "");
	assert_int_equal(reserve(db, &a, 300), 0);
	dead_owner(owner);
	assert_int_equal(
		db_exec(db, &e, "UPDATE remote_ticket SET owner=?1 WHERE id=?2", "ti", owner, a.id),
		0);
	assert_string_equal(take(db, 1, &c), "");
	assert_int_equal(used(db, 1), 300);
	end(db, &a, true); /* it is nobody's any more */
	assert_int_equal(used(db, 1), 300);
}

TEST(a_ticket_whose_time_is_over_can_reserve_nothing)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct far_ticket a, b;
	struct err e = { 0 };

	assert_string_equal(take(db, 1, &a), "");
	assert_int_equal(db_exec(db, &e, "UPDATE remote_ticket SET expires_ms=1", ""), 0);
	assert_string_equal(take(db, 1, &b), "");
	assert_int_equal(reserve(db, &a, 10), ERR_LIMIT);
}

static int64_t price(const char *nodes, int64_t table_bytes, int64_t table_rows)
{
	AUTO_FREE char *text = xasprintf("[{\"Plan\": %s}]", nodes);
	AUTO(plan_release) struct plan plan = { 0 };
	struct err e = { 0 };

	assert_int_equal(plan_read(bytes_of(text), &plan, &e), 0);
	for (size_t i = 0; i < plan.count; i++) {
		plan.scans[i].table_bytes = table_bytes;
		plan.scans[i].table_rows = table_rows;
	}
	return plan_bytes(&plan);
}

#define SCAN(type, rows, more)                                                                     \
	"{\"Node Type\": \"" type                                                                  \
	"\", \"Relation Name\": \"t\", \"Schema\": \"s\", \"Plan Rows\": " #rows                   \
	", \"Plan Width\": 4" more "}"

TEST(a_plan_counts_what_its_scans_read)
{
	assert_int_equal(price(SCAN("Seq Scan", 1, ""), 8000, 100), 8000);
	assert_int_equal(price(SCAN("Index Scan", 3, ""), 8000, 100), 240);
	assert_int_equal(price(SCAN("Index Scan", 1000, ""), 8000, 100), 8000);
	assert_int_equal(price(SCAN("Foreign Scan", 10, ""), -1, -1), 40);
	assert_int_equal(price("{\"Node Type\": \"Nested Loop\", \"Plans\": [" SCAN(
				       "Index Scan", 5,
				       "") "," SCAN("Index Scan", 1,
						    ", \"Parent Relationship\": \"Inner\"") "]}",
			       8000, 100),
			 400 + 5 * 80);
	assert_int_equal(
		price("{\"Node Type\": \"Gather\", \"Workers Planned\": 2, \"Plans\": [" SCAN(
			      "Seq Scan", 1, ", \"Parallel Aware\": true") "]}",
		      8000, 100),
		8000);
	assert_int_equal(price("{\"Node Type\": \"Result\", \"Plan Rows\": 1}", 0, 0), 0);
}

TEST(what_is_no_plan_is_refused)
{
	static const char *const texts[] = { "",           "{}", "[]", "[{}]", "[{\"Plan\": 3}]",
					     "[{\"Plan\":" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		AUTO(plan_release) struct plan plan = { 0 };
		struct err e = { 0 };

		assert_true(plan_read(bytes_of(texts[i]), &plan, &e) < 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(so_many_at_once_and_others_are_not_counted),
		cmocka_unit_test(what_is_reserved_counts_and_what_was_refused_is_given_back),
		cmocka_unit_test(at_exactly_the_cap_the_day_is_over_also_for_another_process),
		cmocka_unit_test(a_day_that_is_over_counts_no_more),
		cmocka_unit_test(a_ticket_of_a_dead_owner_is_ended_and_charged_by_the_next),
		cmocka_unit_test(a_ticket_whose_time_is_over_can_reserve_nothing),
		cmocka_unit_test(a_plan_counts_what_its_scans_read),
		cmocka_unit_test(what_is_no_plan_is_refused),
	};

	return cmocka_run_group_tests_name("remote-guard", tests, NULL, NULL);
}
