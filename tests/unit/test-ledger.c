/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/ledger.h"

#include "base/str.h"
#include "scratch.h"

static const struct db_schema *const schemas[] = { &ledger_schema };

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

static void put(struct db *db, const char *space, const char *key, const char *fingerprint)
{
	struct err e = { 0 };

	assert_int_equal(ledger_put(db, space, key, fingerprint, &e), 0);
}

TEST(what_was_never_seen_has_no_fingerprint)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	AUTO_FREE char *found = NULL;
	struct err e = { 0 };

	assert_int_equal(ledger_get(db, "s", "k", &found, &e), 0);
	assert_null(found);
	assert_int_equal(ledger_seen(db, "s", "k", "f", &e), 0);
}

TEST(the_last_fingerprint_counts)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	AUTO_FREE char *found = NULL;
	struct err e = { 0 };

	put(db, "s", "k", "one");
	put(db, "s", "k", "two");
	assert_int_equal(ledger_get(db, "s", "k", &found, &e), 0);
	assert_string_equal(found, "two");
	assert_int_equal(ledger_seen(db, "s", "k", "two", &e), 1);
	assert_int_equal(ledger_seen(db, "s", "k", "one", &e), 0);
}

TEST(seen_is_undone_with_its_transaction)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct err e = { 0 };

	assert_int_equal(db_begin(db, &e), 0);
	put(db, "s", "k", "one");
	db_rollback(db);
	assert_int_equal(ledger_seen(db, "s", "k", "one", &e), 0);
}

TEST(spaces_do_not_mix_and_are_forgotten_alone)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	struct err e = { 0 };

	put(db, "a", "k", "1");
	put(db, "a", "l", "2");
	put(db, "b", "k", "3");
	assert_int_equal(ledger_forget(db, "a", "k", &e), 0);
	assert_int_equal(ledger_seen(db, "a", "k", "1", &e), 0);
	assert_int_equal(ledger_seen(db, "a", "l", "2", &e), 1);
	assert_int_equal(ledger_forget(db, "a", NULL, &e), 0);
	assert_int_equal(ledger_seen(db, "a", "l", "2", &e), 0);
	assert_int_equal(ledger_seen(db, "b", "k", "3", &e), 1);
}

static int add_key(void *ctx, const char *key, const char *fingerprint, int64_t recorded_ms,
		   struct err *e)
{
	struct buf *out = ctx;

	assert_true(recorded_ms > 0);
	buf_addf(out, "%s=%s ", key, fingerprint);
	return str_eq(key, "stop") ? err_set(e, ERR_CANCELLED, "stopped") : 0;
}

TEST(a_visit_is_in_order_and_can_be_stopped)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_db(folder);
	AUTO_BUF struct buf all = BUF_INIT(1000);
	AUTO_BUF struct buf part = BUF_INIT(1000);
	struct err e = { 0 };

	put(db, "s", "b", "2");
	put(db, "s", "a", "1");
	put(db, "t", "x", "9");
	assert_int_equal(ledger_visit(db, "s", add_key, &all, &e), 0);
	assert_string_equal(all.p, "a=1 b=2 ");
	put(db, "s", "stop", "3");
	put(db, "s", "z", "4");
	assert_int_equal(ledger_visit(db, "s", add_key, &part, &e), ERR_CANCELLED);
	assert_string_equal(part.p, "a=1 b=2 stop=3 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_never_seen_has_no_fingerprint),
		cmocka_unit_test(the_last_fingerprint_counts),
		cmocka_unit_test(seen_is_undone_with_its_transaction),
		cmocka_unit_test(spaces_do_not_mix_and_are_forgotten_alone),
		cmocka_unit_test(a_visit_is_in_order_and_can_be_stopped),
	};

	return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
