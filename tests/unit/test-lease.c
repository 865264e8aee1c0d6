/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/lease.h"

#include "base/proc.h"
#include "base/time.h"
#include "scratch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#define TTL 60000

static const struct db_schema *const schemas[] = { &lease_schema };

static struct db *open_db(const char *folder)
{
	AUTO_FREE char *path = xasprintf("%s/x.db", folder);
	struct db_options o = { .path = path, .create = true };
	struct db *db = NULL;
	struct err e = { 0 };

	assert_int_equal(db_open(&o, &db, &e), 0);
	assert_int_equal(db_migrate(db, schemas, 1, &e), 0);
	return db;
}

static struct lease *take(struct db *db, const char *name)
{
	struct lease *lease = NULL;
	struct err e = { 0 };

	assert_int_equal(lease_take(db, name, TTL, "larder test", &lease, &e), 0);
	return lease;
}

static void set_row(struct db *db, const char *sql, const char *text, int64_t number)
{
	struct err e = { 0 };

	assert_int_equal(db_exec(db, &e, sql, "ti", text, number), 0);
	assert_int_equal(db_changes(db), 1);
}

static const char sql_owner[] = "UPDATE lease SET owner=?1 WHERE ?2=0";
static const char sql_expiry[] = "UPDATE lease SET expires_ms=?2 WHERE name=?1";

TEST(one_holds_and_the_other_is_told_who)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	AUTO_DB struct db *other = open_db(folder);
	AUTO_LEASE struct lease *lease = take(db, "pull");
	struct lease *second = NULL;
	struct err e = { 0 };

	assert_non_null(lease);
	assert_int_equal(lease_take(other, "pull", TTL, "me", &second, &e), ERR_BUSY);
	assert_null(second);
	assert_non_null(strstr(e.msg, "'pull' is held by larder test (process "));
	assert_false(db_in_transaction(other));
	lease_drop(take(other, "another"));
}

TEST(whether_its_owner_lives_can_be_asked_without_taking_it)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct lease *lease = NULL;
	struct err e = { 0 };
	pid_t owner = 0;

	assert_int_equal(lease_owner_lives(db, "pull", &e), 0);
	lease = take(db, "pull");
	assert_int_equal(lease_owner_lives(db, "pull", &e), 1);
	assert_int_equal(lease_owner(db, "pull", &owner, &e), 1);
	assert_int_equal(owner, getpid());
	(void)setenv("LARDER_NOW", "+400d", 1);
	assert_int_equal(lease_owner_lives(db, "pull", &e), 1);
	(void)unsetenv("LARDER_NOW");
	lease_drop(lease);
	assert_int_equal(lease_owner_lives(db, "pull", &e), 0);
}

TEST(a_dropped_lease_is_free)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);

	lease_drop(take(db, "pull"));
	lease_drop(take(db, "pull"));
	lease_drop(NULL);
}

TEST(an_expired_lease_is_taken_over_and_its_token_is_dead)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	AUTO_LEASE struct lease *stale = take(db, "pull");
	AUTO_LEASE struct lease *fresh = NULL;
	struct err e = { 0 };

	set_row(db, sql_expiry, "pull", time_now() - 1);
	fresh = take(db, "pull");
	assert_int_equal(lease_check(stale, &e), ERR_BUSY);
	assert_non_null(strstr(e.msg, "was lost"));
	lease_drop(stale); /* must not give away what it no longer holds */
	stale = NULL;
	assert_int_equal(lease_check(fresh, &e), 0);
}

TEST(a_dead_owner_is_taken_over_at_once)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	AUTO_LEASE struct lease *stale = take(db, "pull");
	AUTO_LEASE struct lease *fresh = NULL;
	char identity[PROC_IDENTITY_MAX];
	struct err e = { 0 };
	pid_t child = fork();

	assert_non_null(stale);
	if (child == 0)
		for (;;)
			(void)pause();
	proc_identity(child, identity);
	set_row(db, sql_owner, identity, 0);
	assert_int_equal(lease_take(db, "pull", TTL, "me", &fresh, &e), ERR_BUSY);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	fresh = take(db, "pull");
}

TEST(an_owner_nobody_knows_is_waited_for)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	AUTO_LEASE struct lease *lease = take(db, "pull");
	struct lease *second = NULL;
	struct err e = { 0 };

	assert_non_null(lease);
	set_row(db, sql_owner, "of another machine", 0);
	assert_int_equal(lease_take(db, "pull", TTL, "me", &second, &e), ERR_BUSY);
}

TEST(a_check_renews_when_half_the_time_is_gone)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	AUTO_LEASE struct lease *lease = take(db, "pull");
	struct err e = { 0 };
	int64_t expires = 0;
	int64_t before = time_now() + TTL * 3 / 4;

	set_row(db, sql_expiry, "pull", before);
	assert_int_equal(lease_check(lease, &e), 0);
	assert_int_equal(db_get_int(db, &expires, 0, &e, "SELECT expires_ms FROM lease", ""), 0);
	assert_int_equal(expires, before);
	set_row(db, sql_expiry, "pull", time_now() + TTL / 4);
	assert_int_equal(lease_check(lease, &e), 0);
	assert_int_equal(db_get_int(db, &expires, 0, &e, "SELECT expires_ms FROM lease", ""), 0);
	assert_true(expires > time_now() + TTL / 2);
}

TEST(waiting_ends_with_the_time_given)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	AUTO_LEASE struct lease *lease = take(db, "pull");
	struct lease *second = NULL;
	struct lease_wait_options o = { "pull", "me", TTL, 30 };
	struct err e = { 0 };
	int64_t start = time_monotonic();

	assert_non_null(lease);
	assert_int_equal(lease_wait(db, &o, &second, &e), ERR_BUSY);
	assert_true(time_monotonic() - start >= 30);
}

struct waiter {
	const char *folder;
	atomic_bool waits;
	int result;
};

static void *wait_for_it(void *argument)
{
	struct waiter *waiter = argument;
	AUTO_DB struct db *db = open_db(waiter->folder);
	AUTO_LEASE struct lease *lease = NULL;
	struct lease_wait_options o = { "pull", "me", TTL, 20000 };
	struct err e = { 0 };

	waiter->result = lease_take(db, "pull", TTL, "me", &lease, &e);
	waiter->waits = true;
	if (waiter->result == ERR_BUSY)
		waiter->result = lease_wait(db, &o, &lease, &e);
	return NULL;
}

TEST(who_waits_gets_it_when_it_is_dropped)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct lease *lease = take(db, "pull");
	struct waiter waiter = { .folder = folder, .result = 1 };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, wait_for_it, &waiter), 0);
	while (!waiter.waits)
		sched_yield();
	lease_drop(lease);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(waiter.result, 0);
}

struct racer {
	const char *folder;
	_Atomic int *holders;
	int rounds;
};

static void *race(void *argument)
{
	struct racer *racer = argument;
	AUTO_DB struct db *db = open_db(racer->folder);
	struct lease_wait_options o = { "one", "racer", TTL, 60000 };

	for (int i = 0; i < racer->rounds; i++) {
		struct lease *lease = NULL;
		struct err e = { 0 };

		if (lease_wait(db, &o, &lease, &e) < 0 || atomic_fetch_add(racer->holders, 1) != 0)
			return racer;
		atomic_fetch_sub(racer->holders, 1);
		lease_drop(lease);
	}
	return NULL;
}

TEST(never_two_hold_it_at_once)
{
	AUTO_SCRATCH char *folder = scratch_new();
	_Atomic int holders = 0;
	struct racer racer = { folder, &holders, 20 };
	pthread_t threads[3];

	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racer), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *failed = NULL;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

static int hold(struct db *db, const char *owner, char token[LEASE_TOKEN_MAX], struct err *ret_e)
{
	const struct lease_claim claim = { "scheduler", "larder scheduler", owner, "host", token,
					   TTL };
	struct err e = { 0 };
	int r;

	CHECK_OK(db_begin(db, &e));
	r = lease_hold(db, &claim, token, ret_e);
	CHECK_OK(db_commit(db, &e));
	return r;
}

TEST(a_holder_elsewhere_shows_its_token_with_each_call)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	char first[LEASE_TOKEN_MAX] = "", again[LEASE_TOKEN_MAX] = "", other[LEASE_TOKEN_MAX] = "";
	AUTO(lease_view_release) struct lease_view view = { 0 };
	struct err e = { 0 };

	CHECK_INT(lease_look(db, "scheduler", &view, &e), 0);
	CHECK_OK(hold(db, "one", first, &e));
	memcpy(again, first, sizeof(again));
	CHECK_OK(hold(db, "one", again, &e));
	CHECK_STR(again, first);
	CHECK_INT(hold(db, "two", other, &e), ERR_BUSY);
	CHECK_INT(lease_look(db, "scheduler", &view, &e), 1);
	CHECK_STR(view.holder, "larder scheduler");
	again[0] = '\0'; /* it forgot its token: it is still the same holder */
	CHECK_OK(hold(db, "one", again, &e));
	CHECK(strcmp(again, first) != 0);
	CHECK_OK(db_begin(db, &e));
	CHECK_OK(lease_release(db, "scheduler", first, &e)); /* a stale token can do nothing */
	CHECK_OK(db_commit(db, &e));
	CHECK_INT(hold(db, "two", other, &e), ERR_BUSY);
	set_row(db, sql_expiry, "scheduler", time_now() - 1);
	CHECK_OK(hold(db, "two", other, &e));
	CHECK_INT(hold(db, "one", again, &e), ERR_BUSY);
	CHECK_OK(db_begin(db, &e));
	CHECK_OK(lease_release(db, "scheduler", other, &e));
	CHECK_OK(db_commit(db, &e));
	CHECK_OK(hold(db, "one", again, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_holder_elsewhere_shows_its_token_with_each_call),
		cmocka_unit_test(one_holds_and_the_other_is_told_who),
		cmocka_unit_test(whether_its_owner_lives_can_be_asked_without_taking_it),
		cmocka_unit_test(a_dropped_lease_is_free),
		cmocka_unit_test(an_expired_lease_is_taken_over_and_its_token_is_dead),
		cmocka_unit_test(a_dead_owner_is_taken_over_at_once),
		cmocka_unit_test(an_owner_nobody_knows_is_waited_for),
		cmocka_unit_test(a_check_renews_when_half_the_time_is_gone),
		cmocka_unit_test(waiting_ends_with_the_time_given),
		cmocka_unit_test(who_waits_gets_it_when_it_is_dropped),
		cmocka_unit_test(never_two_hold_it_at_once),
	};

	return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}
