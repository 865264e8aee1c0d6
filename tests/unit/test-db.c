/* SPDX-License-Identifier: Apache-2.0 */
#include "db/db.h"

#include "db/sqlite-internal.h"
#include "scratch.h"

#include <pthread.h>
#include <sys/wait.h>

static struct db *open_at(const char *folder, bool create, bool read_only)
{
	AUTO_FREE char *path = xasprintf("%s/x.db", folder);
	struct db_options o = { .path = path, .create = create, .read_only = read_only };
	struct db *db = NULL;
	struct err e = { 0 };

	if (db_open(&o, &db, &e) < 0)
		fail_msg("%s", e.msg);
	return db;
}

static struct db *fresh(const char *folder)
{
	struct db *db = open_at(folder, true, false);
	struct err e = { 0 };

	assert_int_equal(db_script(db,
				   "CREATE TABLE parent(id INTEGER PRIMARY KEY);"
				   "CREATE TABLE t(a INTEGER, b TEXT UNIQUE, c BLOB, d REAL,"
				   " p INTEGER REFERENCES parent(id), CHECK(a < 1000))",
				   &e),
			 0);
	return db;
}

static int add(struct db *db, int64_t a, const char *b, struct err *e)
{
	return db_exec(db, e, "INSERT INTO t(a, b) VALUES(?1, ?2)", "it", a, b);
}

static int64_t count(struct db *db)
{
	struct err e = { 0 };
	int64_t n = -1;

	assert_int_equal(db_get_int(db, &n, -1, &e, "SELECT count(*) FROM t", ""), 0);
	return n;
}

TEST(values_come_back_as_they_went_in)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = fresh(folder);
	AUTO_STMT struct stmt *q = NULL;
	struct bytes blob = { "a\0b", 3 };
	struct err e = { 0 };

	assert_int_equal(db_exec(db, &e, "INSERT INTO t(a, b, c, d) VALUES(?1, ?2, ?3, ?4)", "isbd",
				 INT64_MIN, (struct bytes){ "texture", 4 }, blob, 0.5),
			 0);
	assert_int_equal(db_changes(db), 1);
	assert_int_equal(db_last_id(db), 1);
	assert_int_equal(db_exec(db, &e, "INSERT INTO t(a, b, c, d) VALUES(?1, ?2, ?3, ?4)", "ntbs",
				 NULL, (struct bytes){ "", 0 }, (struct bytes){ NULL, 0 }),
			 0);
	assert_int_equal(db_query(db, &q, &e, "SELECT a, b, c, d FROM t ORDER BY rowid", ""), 0);
	assert_int_equal(stmt_next(q, &e), 1);
	assert_true(stmt_int(q, 0) == INT64_MIN);
	assert_string_equal(stmt_text(q, 1), "text");
	assert_true(bytes_equal(stmt_bytes(q, 2), blob));
	assert_true(stmt_double(q, 3) == 0.5);
	assert_int_equal(stmt_next(q, &e), 1);
	assert_true(stmt_is_null(q, 0) && stmt_is_null(q, 1));
	assert_null(stmt_text(q, 1));
	assert_false(stmt_is_null(q, 2) || stmt_is_null(q, 3));
	assert_int_equal(stmt_bytes(q, 2).n, 0);
	assert_int_equal(stmt_next(q, &e), 0);
	assert_int_equal(stmt_next(q, &e), 0); /* and does not start over */
}

TEST(a_query_copies_its_arguments)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = fresh(folder);
	AUTO_STMT struct stmt *q = NULL;
	char name[] = "one";
	struct err e = { 0 };

	assert_int_equal(add(db, 1, "one", &e), 0);
	assert_int_equal(db_query(db, &q, &e, "SELECT a FROM t WHERE b=?1", "t", name), 0);
	memset(name, 'x', 3);
	assert_int_equal(stmt_next(q, &e), 1);
}

TEST(a_query_may_run_inside_the_loop_over_the_same_query)
{
	static const char sql[] = "SELECT a FROM t ORDER BY a";
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = fresh(folder);
	AUTO_STMT struct stmt *outer = NULL;
	struct err e = { 0 };
	int64_t pairs = 0;

	for (int64_t i = 1; i <= 3; i++)
		assert_int_equal(add(db, i, NULL, &e), 0);
	assert_int_equal(db_query(db, &outer, &e, sql, ""), 0);
	while (stmt_next(outer, &e) > 0) {
		AUTO_STMT struct stmt *inner = NULL;

		assert_int_equal(db_query(db, &inner, &e, sql, ""), 0);
		while (stmt_next(inner, &e) > 0)
			pairs += stmt_int(outer, 0) * 10 + stmt_int(inner, 0);
	}
	assert_int_equal(pairs, 198);
}

TEST(a_missing_value_is_the_default)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = fresh(folder);
	struct err e = { 0 };
	int64_t n = 0;
	AUTO_FREE char *text = NULL;

	assert_int_equal(db_get_int(db, &n, 7, &e, "SELECT a FROM t", ""), 0);
	assert_int_equal(n, 7);
	assert_int_equal(db_get_int(db, &n, 8, &e, "SELECT max(a) FROM t", ""), 0);
	assert_int_equal(n, 8);
	assert_int_equal(db_get_text(db, &text, &e, "SELECT max(b) FROM t", ""), 0);
	assert_null(text);
	assert_int_equal(db_get_int(db, &n, 0, &e, "SELECT x FROM nowhere", ""), ERR_FAILED);
	assert_non_null(strstr(e.msg, "nowhere"));
}

TEST(a_rollback_or_a_close_undoes_everything)
{
	AUTO_SCRATCH char *folder = scratch_new();
	struct db *db = fresh(folder);
	struct err e = { 0 };

	db_rollback(db); /* fine when there is none */
	assert_int_equal(db_begin(db, &e), 0);
	assert_int_equal(add(db, 1, "x", &e), 0);
	db_rollback(db);
	assert_int_equal(count(db), 0);
	{
		AUTO_TX struct db *tx = NULL;

		assert_int_equal(db_begin_tx(db, &tx, &e), 0);
		assert_int_equal(add(db, 1, "x", &e), 0);
	}
	assert_int_equal(count(db), 0);
	assert_int_equal(db_begin(db, &e), 0);
	assert_int_equal(add(db, 1, "x", &e), 0);
	db_close(db);
	db = open_at(folder, false, false);
	assert_int_equal(count(db), 0);
	db_close(db);
}

TEST(committed_and_lazily_committed_rows_are_there_after_a_kill)
{
	AUTO_SCRATCH char *folder = scratch_new();
	struct db *db;
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		struct err e = { 0 };

		db = fresh(folder);
		if (db_begin(db, &e) < 0 || add(db, 1, "a", &e) < 0 || db_commit(db, &e) < 0 ||
		    db_begin_lazy(db, &e) < 0 || add(db, 2, "b", &e) < 0 || db_commit(db, &e) < 0 ||
		    db_begin(db, &e) < 0 || add(db, 3, "c", &e) < 0)
			_exit(1);
		_exit(7);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), 7);
	db = open_at(folder, false, false);
	assert_int_equal(count(db), 2);
	db_close(db);
}

TEST(after_a_lazy_transaction_commits_are_synced_again)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = fresh(folder);
	struct err e = { 0 };
	int64_t level = -1;

	assert_int_equal(db_begin_lazy(db, &e), 0);
	assert_int_equal(db_get_int(db, &level, -1, &e, "PRAGMA synchronous", ""), 0);
	assert_int_equal(level, 1);
	assert_int_equal(db_commit(db, &e), 0);
	assert_int_equal(db_get_int(db, &level, -1, &e, "PRAGMA synchronous", ""), 0);
	assert_int_equal(level, 2);
	assert_int_equal(db_begin_lazy(db, &e), 0);
	db_rollback(db);
	assert_int_equal(db_get_int(db, &level, -1, &e, "PRAGMA synchronous", ""), 0);
	assert_int_equal(level, 2);
}

TEST(a_refused_row_is_a_conflict_and_the_transaction_goes_on)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = fresh(folder);
	struct err e = { 0 };

	assert_int_equal(db_begin(db, &e), 0);
	assert_int_equal(add(db, 1, "x", &e), 0);
	assert_int_equal(add(db, 2, "x", &e), ERR_CONFLICT);
	assert_int_equal(add(db, 1000, "y", &e), ERR_CONFLICT);
	assert_int_equal(db_exec(db, &e, "INSERT INTO t(p) VALUES(?1)", "i", (int64_t)5),
			 ERR_CONFLICT);
	assert_int_equal(db_commit(db, &e), 0);
	assert_int_equal(count(db), 1);
}

TEST(a_snapshot_does_not_see_later_commits)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *writer = fresh(folder);
	AUTO_DB struct db *reader = open_at(folder, false, false);
	struct err e = { 0 };

	assert_int_equal(db_begin_read(reader, &e), 0);
	assert_true(db_in_transaction(reader));
	assert_int_equal(add(writer, 1, "x", &e), 0);
	assert_int_equal(count(reader), 0);
	db_rollback(reader);
	assert_int_equal(count(reader), 1);
}

TEST(a_reader_never_waits_for_a_writer)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *writer = fresh(folder);
	AUTO_DB struct db *reader = NULL;
	struct err e = { 0 };

	assert_int_equal(db_begin(writer, &e), 0);
	assert_int_equal(add(writer, 1, "x", &e), 0);
	reader = open_at(folder, false, true);
	assert_true(db_is_read_only(reader));
	assert_int_equal(count(reader), 0);
	assert_int_equal(db_commit(writer, &e), 0);
	assert_int_equal(count(reader), 1);
	assert_int_equal(add(reader, 2, "y", &e), ERR_IO);
}

TEST(what_is_absent_or_no_database_is_told_apart)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_FREE char *path = xasprintf("%s/x.db", folder);
	struct db_options o = { .path = path };
	struct db *db = NULL;
	struct err e = { 0 };

	assert_int_equal(db_open(&o, &db, &e), ERR_NOT_FOUND);
	assert_false(scratch_exists(folder, "x.db"));
	o.read_only = true;
	assert_int_equal(db_open(&o, &db, &e), ERR_NOT_FOUND);
	o.read_only = false;
	o.create = true;
	scratch_write(folder, "x.db",
		      "This is a text, not a database. It is longer than a header, "
		      "which has a hundred bytes, so that it is looked at.");
	assert_int_equal(db_open(&o, &db, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, path));
}

TEST(a_damaged_page_is_found_by_the_check)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_FREE char *path = xasprintf("%s/x.db", folder);
	AUTO_FD int fd = -1;
	struct db *db = fresh(folder);
	struct err e = { 0 };

	for (int64_t i = 0; i < 900; i++)
		assert_int_equal(add(db, i, NULL, &e), 0);
	assert_int_equal(db_check(db, &e), 0);
	assert_int_equal(db_script(db, "PRAGMA wal_checkpoint(TRUNCATE)", &e), 0);
	db_close(db);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "damage damage damage", 20, 2 * 4096 + 2), 20);
	db = open_at(folder, false, false);
	assert_int_equal(db_check(db, &e), ERR_CORRUPT);
	db_close(db);
}

static int64_t size_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

TEST(the_log_begins_anew_every_256_pages_unless_a_reader_holds_it)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_FREE char *log = xasprintf("%s/x.db-wal", folder);
	AUTO_DB struct db *db = fresh(folder);
	struct db *reader = open_at(folder, false, true);
	const int64_t most = (256 + 16) * (4096 + 24); /* a commit has some pages of its own */
	struct err e = { 0 };
	int64_t held;

	for (int64_t i = 0; i < 600; i++)
		assert_int_equal(add(db, i, NULL, &e), 0);
	assert_in_range(size_of(log), 1, most);
	assert_int_equal(db_begin_read(reader, &e), 0);
	assert_int_equal(count(reader), 600);
	for (int64_t i = 0; i < 300; i++)
		assert_int_equal(add(db, i, NULL, &e), 0);
	db_close(reader);
	held = size_of(log);
	for (int64_t i = 0; i < 900; i++)
		assert_int_equal(add(db, i, NULL, &e), 0);
	assert_in_range(size_of(log), 1, held + most);
}

TEST(a_dangling_reference_is_found_by_the_check)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = fresh(folder);
	struct err e = { 0 };

	assert_int_equal(db_script(db,
				   "PRAGMA foreign_keys=OFF; INSERT INTO t(p) VALUES(5);"
				   "PRAGMA foreign_keys=ON",
				   &e),
			 0);
	assert_int_equal(db_check(db, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "refers to nothing in 'parent'"));
}

/* A folder and files that even root may not write, as on read-only media: for another user. */
static int read_as_nobody(const char *folder)
{
	AUTO_FREE char *path = xasprintf("%s/x.db", folder);
	struct db_options o = { .path = path, .read_only = true };
	struct db *db = NULL;
	struct err e = { 0 };
	int64_t n = 0;

	if (getuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		return 100;
	if (db_open(&o, &db, &e) < 0)
		return -e.code;
	return db_get_int(db, &n, 0, &e, "SELECT count(*) FROM t", "") < 0 ? 101 : 50 + (int)n;
}

static int outcome_as_nobody(const char *folder)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		_exit(read_as_nobody(folder));
	assert_int_equal(waitpid(child, &status, 0), child);
	return WEXITSTATUS(status);
}

TEST(media_that_cannot_be_written_can_be_read)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_FREE char *odd = xasprintf("%s/100%% #1?", folder);
	struct db *db;
	struct err e = { 0 };

	assert_int_equal(mkdir(odd, 0755), 0);
	db = fresh(odd);
	assert_int_equal(add(db, 1, "x", &e), 0);
	db_close(db);
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(chmod(odd, 0555), 0);
	assert_int_equal(outcome_as_nobody(odd), 51); /* with the log and its index beside it */
	AUTO_FREE char *index = xasprintf("%s/x.db-shm", odd);
	assert_int_equal(unlink(index), 0);
	assert_int_equal(outcome_as_nobody(odd), -ERR_IO); /* must not show an older state */
	db = open_at(odd, false, false);
	assert_int_equal(db_script(db, "PRAGMA wal_checkpoint(TRUNCATE)", &e), 0);
	db_close(db);
	assert_int_equal(unlink(index), 0);
	assert_int_equal(outcome_as_nobody(odd), 51);
	assert_int_equal(chmod(odd, 0755), 0);
}

static const char *const first[] = { "CREATE TABLE one(a INTEGER)", NULL };
static const char *const second[] = { "CREATE TABLE one(a INTEGER)",
				      "ALTER TABLE one ADD COLUMN b INTEGER;"
				      "CREATE TABLE two(a INTEGER)",
				      NULL };
static const char *const broken[] = { "CREATE TABLE one(a INTEGER)",
				      "CREATE TABLE three(a INTEGER);"
				      "CREATE NONSENSE",
				      NULL };

static int migrate(struct db *db, const char *const *migrations, struct err *e)
{
	struct db_schema schema = { "thing", migrations };
	const struct db_schema *schemas[] = { &schema };

	return db_migrate(db, schemas, 1, e);
}

TEST(a_database_grows_with_its_schema)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_at(folder, true, false);
	struct err e = { 0 };

	assert_int_equal(db_is_migrated(db, &e), 0);
	assert_int_equal(migrate(db, first, &e), 0);
	assert_int_equal(db_is_migrated(db, &e), 1);
	assert_int_equal(db_script(db, "INSERT INTO one VALUES(1)", &e), 0);
	assert_int_equal(migrate(db, first, &e), 0);
	assert_int_equal(migrate(db, second, &e), 0);
	assert_int_equal(migrate(db, second, &e), 0);
	assert_int_equal(db_script(db, "UPDATE one SET b=2; INSERT INTO two VALUES(1)", &e), 0);
}

TEST(a_database_that_is_ahead_is_refused_untouched)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_at(folder, true, false);
	struct err e = { 0 };

	assert_int_equal(migrate(db, second, &e), 0);
	assert_int_equal(migrate(db, first, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "newer larder"));
	assert_non_null(strstr(e.hint, "install"));
	assert_false(db_in_transaction(db));
}

TEST(a_version_that_cannot_be_is_refused)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_at(folder, true, false);
	struct err e = { 0 };

	assert_int_equal(migrate(db, second, &e), 0);
	assert_int_equal(db_script(db, "UPDATE schema SET version=-1", &e), 0);
	assert_int_equal(migrate(db, second, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "-1"));
}

TEST(a_migration_that_fails_leaves_the_old_schema)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_at(folder, true, false);
	struct err e = { 0 };
	int64_t n = -1;

	assert_int_equal(migrate(db, first, &e), 0);
	assert_int_equal(migrate(db, broken, &e), ERR_FAILED);
	assert_non_null(strstr(e.msg, "schema 'thing' version 2"));
	assert_int_equal(db_get_int(db, &n, -1, &e,
				    "SELECT count(*) FROM sqlite_schema WHERE name='three'", ""),
			 0);
	assert_int_equal(n, 0);
	assert_int_equal(migrate(db, second, &e), 0);
}

TEST(an_old_database_opened_read_only_says_what_to_do)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_DB struct db *db = open_at(folder, true, false);
	AUTO_DB struct db *reader = NULL;
	struct err e = { 0 };

	assert_int_equal(migrate(db, first, &e), 0);
	reader = open_at(folder, false, true);
	assert_int_equal(migrate(reader, first, &e), 0);
	assert_int_equal(migrate(reader, second, &e), ERR_CONFLICT);
	assert_non_null(strstr(e.hint, "run a larder command"));
}

static void *open_and_migrate(void *folder)
{
	AUTO_DB struct db *db = open_at(folder, true, false);
	struct err e = { 0 };

	for (int64_t i = 0; i < 20; i++)
		if (migrate(db, second, &e) < 0 || db_begin(db, &e) < 0 ||
		    db_exec(db, &e, "INSERT INTO two VALUES(?1)", "i", i) < 0 ||
		    db_commit(db, &e) < 0)
			return xstrdup(e.msg);
	return NULL;
}

TEST(several_may_create_and_write_at_once)
{
	AUTO_SCRATCH char *folder = scratch_new();
	pthread_t threads[4];
	struct db *db;
	struct err e = { 0 };
	int64_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, open_and_migrate, folder), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *failed = NULL;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		if (failed)
			fail_msg("%s", (const char *)failed);
	}
	db = open_at(folder, false, false);
	assert_int_equal(db_get_int(db, &n, 0, &e, "SELECT count(*) FROM two", ""), 0);
	assert_int_equal(n, 80);
	db_close(db);
}

TEST(libraries_with_the_wal_reset_fault_are_known)
{
	assert_true(sqlite_version_is_safe(3053002));
	assert_true(sqlite_version_is_safe(3051003));
	assert_false(sqlite_version_is_safe(3051002));
	assert_false(sqlite_version_is_safe(3051000));
	assert_true(sqlite_version_is_safe(3050007));
	assert_false(sqlite_version_is_safe(3050006));
	assert_false(sqlite_version_is_safe(3045001));
	assert_true(sqlite_version_is_safe(3044006));
	assert_false(sqlite_version_is_safe(3044005));
	assert_false(sqlite_version_is_safe(3040001)); /* Debian 12 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_come_back_as_they_went_in),
		cmocka_unit_test(a_query_copies_its_arguments),
		cmocka_unit_test(a_query_may_run_inside_the_loop_over_the_same_query),
		cmocka_unit_test(a_missing_value_is_the_default),
		cmocka_unit_test(a_rollback_or_a_close_undoes_everything),
		cmocka_unit_test(committed_and_lazily_committed_rows_are_there_after_a_kill),
		cmocka_unit_test(after_a_lazy_transaction_commits_are_synced_again),
		cmocka_unit_test(a_refused_row_is_a_conflict_and_the_transaction_goes_on),
		cmocka_unit_test(a_snapshot_does_not_see_later_commits),
		cmocka_unit_test(a_reader_never_waits_for_a_writer),
		cmocka_unit_test(what_is_absent_or_no_database_is_told_apart),
		cmocka_unit_test(a_damaged_page_is_found_by_the_check),
		cmocka_unit_test(a_dangling_reference_is_found_by_the_check),
		cmocka_unit_test(media_that_cannot_be_written_can_be_read),
		cmocka_unit_test(a_database_grows_with_its_schema),
		cmocka_unit_test(a_database_that_is_ahead_is_refused_untouched),
		cmocka_unit_test(a_version_that_cannot_be_is_refused),
		cmocka_unit_test(a_migration_that_fails_leaves_the_old_schema),
		cmocka_unit_test(an_old_database_opened_read_only_says_what_to_do),
		cmocka_unit_test(several_may_create_and_write_at_once),
		cmocka_unit_test(the_log_begins_anew_every_256_pages_unless_a_reader_holds_it),
		cmocka_unit_test(libraries_with_the_wal_reset_fault_are_known),
	};

	return cmocka_run_group_tests_name("db", tests, NULL, NULL);
}
