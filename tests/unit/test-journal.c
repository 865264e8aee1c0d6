/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/journal.h"

#include "base/str.h"
#include "base/time.h"
#include "scratch.h"

#include <inttypes.h>
#include <sys/stat.h>

static const char *const domain_migrations[] = { "CREATE TABLE doc(name TEXT PRIMARY KEY)", NULL };
static const struct db_schema domain = { "domain", domain_migrations };
static const struct db_schema *const schemas[] = { &domain };

static struct root *open_root(const char *folder)
{
	struct root_options o = {
		.path = folder, .schemas = schemas, .schema_count = 1, .create = true
	};
	struct root *root = NULL;
	struct err e = { 0 };

	assert_int_equal(root_open(&o, &root, &e), 0);
	return root;
}

static void stage(struct root *root, const char *name, const char *text)
{
	struct err e = { 0 };

	assert_int_equal(journal_stage(root, name, bytes_of(text), &e), 0);
}

static void begin(struct root *root)
{
	struct err e = { 0 };

	assert_int_equal(db_begin(root_db(root), &e), 0);
}

static void commit(struct root *root)
{
	struct err e = { 0 };

	assert_int_equal(journal_commit(root, &e), 0);
}

static void expect_pending(struct root *root, size_t due, size_t future)
{
	struct err e = { 0 };
	size_t found_due = 99;
	size_t found_future = 99;

	assert_int_equal(journal_pending(root, &found_due, &found_future, &e), 0);
	assert_int_equal(found_due, due);
	assert_int_equal(found_future, future);
}

TEST(files_and_rows_change_together)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = open_root(folder);
	AUTO_STRV struct strv names = STRV_INIT;
	struct err e = { 0 };
	int64_t rows;

	stage(root, "aa", "one");
	stage(root, "bb", "two");
	strv_add(&names, "aa");
	strv_add(&names, "bb");
	assert_int_equal(journal_sync(root, &names, &e), 0);
	begin(root);
	assert_int_equal(db_exec(root_db(root), &e, "INSERT INTO doc VALUES('x')", ""), 0);
	assert_int_equal(journal_move(root, "aa", "deep/er/a", &e), 0);
	assert_int_equal(journal_move(root, "bb", "b", &e), 0);
	assert_int_equal(journal_link(root, "er/a", "deep/link", &e), 0);
	assert_false(scratch_exists(folder, "b"));
	commit(root);
	assert_true(scratch_is(folder, "deep/er/a", "one"));
	assert_true(scratch_is(folder, "b", "two"));
	assert_true(scratch_is(folder, "deep/link", "one"));
	assert_false(scratch_exists(folder, ".larder/staging/aa"));
	expect_pending(root, 0, 0);
	assert_int_equal(db_get_int(root_db(root), &rows, 0, &e, "SELECT count(*) FROM doc", ""),
			 0);
	assert_int_equal(rows, 1);
}

TEST(a_rollback_leaves_every_file_as_it_was)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = open_root(folder);
	struct err e = { 0 };

	scratch_write(folder, "a", "old");
	stage(root, "aa", "new");
	begin(root);
	assert_int_equal(journal_move(root, "aa", "a", &e), 0);
	assert_int_equal(journal_remove(root, "a", &e), 0);
	db_rollback(root_db(root));
	begin(root);
	commit(root);
	assert_true(scratch_is(folder, "a", "old"));
	assert_true(scratch_is(folder, ".larder/staging/aa", "new"));
}

TEST(operations_are_applied_in_their_order)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = open_root(folder);
	struct err e = { 0 };

	scratch_write(folder, "a", "old");
	stage(root, "aa", "new");
	begin(root);
	assert_int_equal(journal_remove(root, "a", &e), 0);
	assert_int_equal(journal_move(root, "aa", "a", &e), 0);
	commit(root);
	assert_true(scratch_is(folder, "a", "new"));
}

TEST(the_same_staged_file_may_be_moved_to_its_target_twice)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = open_root(folder);
	struct err e = { 0 };

	stage(root, "aa", "x");
	begin(root);
	assert_int_equal(journal_move(root, "aa", "versions/aa", &e), 0);
	assert_int_equal(journal_move(root, "aa", "versions/aa", &e), 0);
	commit(root);
	assert_true(scratch_is(folder, "versions/aa", "x"));
}

TEST(a_link_is_replaced_and_a_file_in_its_place_too)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = open_root(folder);
	struct err e = { 0 };

	scratch_write(folder, "one", "1");
	scratch_write(folder, "two", "2");
	scratch_write(folder, "file", "f");
	begin(root);
	assert_int_equal(journal_link(root, "one", "link", &e), 0);
	assert_int_equal(journal_link(root, "one", "file", &e), 0);
	commit(root);
	assert_true(scratch_is(folder, "link", "1"));
	assert_true(scratch_is(folder, "file", "1"));
	begin(root);
	assert_int_equal(journal_link(root, "two", "link", &e), 0);
	commit(root);
	assert_true(scratch_is(folder, "link", "2"));
	assert_true(scratch_is(folder, "one", "1"));
}

TEST(what_is_not_staged_cannot_be_moved)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = open_root(folder);
	struct err e = { 0 };

	begin(root);
	assert_int_equal(journal_move(root, "aa", "a", &e), ERR_NOT_FOUND);
	assert_non_null(strstr(e.msg, "'aa' is not staged for 'a'"));
	db_rollback(root_db(root));
}

TEST(removing_takes_empty_folders_and_leaves_full_ones)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = open_root(folder);
	struct err e = { 0 };

	assert_int_equal(dir_make(root_dirfd(root), "t/p", 0755, &e), 0);
	scratch_write(folder, "t/p/1", "x");
	scratch_write(folder, "t/mine", "x");
	begin(root);
	assert_int_equal(journal_remove(root, "t/p/1", &e), 0);
	assert_int_equal(journal_remove(root, "t/p", &e), 0);
	assert_int_equal(journal_remove(root, "t", &e), 0);
	assert_int_equal(journal_remove(root, "never/was", &e), 0);
	assert_int_equal(journal_remove(root, "t/mine/never/was", &e), 0);
	commit(root);
	assert_false(scratch_exists(folder, "t/p"));
	assert_true(scratch_is(folder, "t/mine", "x"));
}

TEST(a_later_removal_waits_for_its_time)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = open_root(folder);
	struct err e = { 0 };
	size_t applied = 0;

	scratch_write(folder, "soon", "x");
	scratch_write(folder, "late", "x");
	begin(root);
	assert_int_equal(journal_remove_at(root, "soon", time_now() + 50, &e), 0);
	assert_int_equal(journal_remove_at(root, "late", time_now() + 3600000, &e), 0);
	commit(root);
	assert_true(scratch_exists(folder, "soon"));
	while (applied == 0)
		assert_int_equal(journal_replay(root, &applied, &e), 0);
	assert_false(scratch_exists(folder, "soon"));
	assert_true(scratch_exists(folder, "late"));
	expect_pending(root, 0, 1);
}

TEST(keeping_moving_or_linking_cancels_a_later_removal)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = open_root(folder);
	struct err e = { 0 };

	scratch_write(folder, "kept", "x");
	begin(root);
	assert_int_equal(journal_remove_at(root, "kept", 1, &e), 0);
	assert_int_equal(journal_remove_at(root, "moved", 1, &e), 0);
	assert_int_equal(journal_remove_at(root, "linked", 1, &e), 0);
	stage(root, "aa", "m");
	assert_int_equal(journal_keep(root, "kept", &e), 0);
	assert_int_equal(journal_move(root, "aa", "moved", &e), 0);
	assert_int_equal(journal_link(root, "kept", "linked", &e), 0);
	commit(root);
	assert_true(scratch_is(folder, "kept", "x"));
	assert_true(scratch_is(folder, "moved", "m"));
	assert_true(scratch_is(folder, "linked", "x"));
	expect_pending(root, 0, 0);
}

TEST(what_stands_in_the_way_is_named_and_the_others_are_done)
{
	AUTO_SCRATCH char *folder = scratch_new();
	struct root *root = open_root(folder);
	struct root_options o = { .path = folder, .schemas = schemas, .schema_count = 1 };
	struct err e = { 0 };

	assert_int_equal(dir_make(root_dirfd(root), "a/full", 0755, &e), 0);
	scratch_write(folder, "file", "f");
	stage(root, "aa", "1");
	stage(root, "bb", "2");
	stage(root, "cc", "3");
	begin(root);
	assert_int_equal(journal_move(root, "aa", "a", &e), 0);
	assert_int_equal(journal_move(root, "bb", "file/below", &e), 0);
	assert_int_equal(journal_move(root, "cc", "c", &e), 0);
	assert_int_equal(journal_commit(root, &e), ERR_CONFLICT);
	assert_non_null(strstr(e.msg, "saved, but"));
	assert_non_null(strstr(e.msg, "'a'"));
	assert_true(scratch_is(folder, "c", "3"));
	expect_pending(root, 2, 0);
	root_close(root);
	root = NULL;
	assert_int_equal(root_open(&o, &root, &e), ERR_CONFLICT);

	AUTO_FREE char *in_the_way = xasprintf("%s/a", folder);
	AUTO_FREE char *aside = xasprintf("%s/file", folder);

	assert_int_equal(tree_remove(AT_FDCWD, in_the_way, &e), 0);
	assert_int_equal(file_remove(AT_FDCWD, aside, &e), 0);
	assert_int_equal(root_open(&o, &root, &e), 0);
	assert_true(scratch_is(folder, "a", "1"));
	assert_true(scratch_is(folder, "file/below", "2"));
	expect_pending(root, 0, 0);
	root_close(root);
}

/* As a crash between commit and apply leaves it. */
static void commit_without_applying(struct root *root)
{
	struct err e = { 0 };

	assert_int_equal(db_commit(root_db(root), &e), 0);
}

TEST(what_waits_for_a_person_does_not_undo_what_was_decided_since)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = open_root(folder);
	AUTO_FREE char *in_the_way = xasprintf("%s/a", folder);
	struct err e = { 0 };

	assert_int_equal(dir_make(root_dirfd(root), "a/full", 0755, &e), 0);
	scratch_write(folder, "b", "b");
	begin(root);
	assert_int_equal(journal_link(root, "b", "a", &e), 0);
	assert_int_equal(journal_commit(root, &e), ERR_CONFLICT);
	begin(root);
	assert_int_equal(journal_remove(root, "a", &e), 0);
	assert_int_equal(journal_commit(root, &e),
			 0); /* a folder that is not empty is left alone */
	assert_int_equal(tree_remove(AT_FDCWD, in_the_way, &e), 0);
	assert_int_equal(journal_replay(root, NULL, &e), 0);
	assert_false(scratch_exists(folder, "a"));
	expect_pending(root, 0, 0);
}

TEST(a_file_kept_in_a_later_transaction_outlives_a_removal_not_yet_applied)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = open_root(folder);
	AUTO_ROOT struct root *other = open_root(folder);
	struct err e = { 0 };

	scratch_write(folder, "now", "x");
	scratch_write(folder, "later", "x");
	begin(root);
	assert_int_equal(journal_remove(root, "now", &e), 0);
	assert_int_equal(journal_remove(root, "later", &e), 0);
	commit_without_applying(root);
	begin(other); /* before the first comes to apply */
	assert_int_equal(journal_keep(other, "now", &e), 0);
	assert_int_equal(journal_remove_at(other, "later", time_now() + 600000, &e), 0);
	commit(other);
	assert_int_equal(journal_replay(root, NULL, &e), 0);
	assert_true(scratch_exists(folder, "now"));
	assert_true(scratch_exists(folder, "later"));
	expect_pending(root, 0, 1);
}

TEST(the_next_opener_finishes_even_in_a_copy_elsewhere)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_SCRATCH char *elsewhere = scratch_new();
	struct root *root = open_root(folder);
	struct err e = { 0 };

	stage(root, "aa", "1");
	begin(root);
	assert_int_equal(journal_move(root, "aa", "x/a", &e), 0);
	commit_without_applying(root);
	root_close(root);

	AUTO_FREE char *moved = xasprintf("%s/moved", elsewhere);

	assert_int_equal(rename(folder, moved), 0);
	root_close(open_root(moved));
	assert_true(scratch_is(moved, "x/a", "1"));
}

TEST(a_staged_file_lost_with_its_target_does_not_lock_the_root)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = open_root(folder);
	struct err e = { 0 };
	size_t applied = 0;

	stage(root, "aa", "1");
	stage(root, "bb", "2");
	begin(root);
	assert_int_equal(journal_move(root, "aa", "a", &e), 0);
	assert_int_equal(journal_move(root, "bb", "b", &e), 0);
	commit_without_applying(root);
	assert_int_equal(journal_stage_remove(root, "aa", &e), 0);
	assert_int_equal(journal_replay(root, &applied, &e), 0);
	assert_int_equal(applied, 2);
	assert_true(scratch_is(folder, "b", "2"));
	expect_pending(root, 0, 0);
}

static bool keep_partial(void *ctx, const char *name, int64_t size, int64_t age_ms)
{
	size_t *asked = ctx;

	(*asked)++;
	assert_true(size >= 0 && age_ms > -2000 && age_ms < 600000);
	return str_ends(name, ".part");
}

TEST(reaping_takes_litter_and_leaves_what_a_row_or_the_domain_wants)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = open_root(folder);
	struct err e = { 0 };
	size_t removed = 0;
	size_t asked = 0;

	stage(root, "litter", "1");
	stage(root, "x.part", "2");
	stage(root, "wanted", "3");
	assert_int_equal(dir_make(root_dirfd(root), ".larder/staging/folder/deep", 0755, &e), 0);
	begin(root);
	assert_int_equal(journal_move(root, "wanted", "w", &e), 0);
	commit_without_applying(root);
	assert_int_equal(journal_reap(root, keep_partial, &asked, &removed, &e), 0);
	assert_int_equal(removed, 2);
	assert_int_equal(asked, 3);
	assert_false(scratch_exists(folder, ".larder/staging/litter"));
	assert_false(scratch_exists(folder, ".larder/staging/folder"));
	assert_true(scratch_exists(folder, ".larder/staging/x.part"));
	assert_true(scratch_exists(folder, ".larder/staging/wanted"));
	assert_int_equal(journal_reap(root, NULL, NULL, &removed, &e), 0);
	assert_int_equal(removed, 1);
}

static void expect_bad_target(struct root *root, const char *target)
{
	struct err e = { 0 };

	assert_int_equal(journal_move(root, "aa", target, &e), ERR_USAGE);
	assert_int_equal(journal_link(root, "b", target, &e), ERR_USAGE);
	assert_int_equal(journal_remove(root, target, &e), ERR_USAGE);
	assert_int_equal(journal_remove_at(root, target, 5, &e), ERR_USAGE);
	assert_int_equal(journal_keep(root, target, &e), ERR_USAGE);
}

TEST(hostile_targets_are_refused)
{
	static const char *const bad[] = {
		"",          "/",          "/etc/passwd",  "..",     "../x",     "a/../../x",
		"a/..",      ".",          "./a",          "a/./b",  "a//b",     "a/",
		".larder",   ".larder/x",  ".LARDER/x",    "a\nb",   "a\x1b[2J", "a\x7f",
		".larder//", "a/../b/x/x", ".larder/../a", "a\tb/c",
	};
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = open_root(folder);
	char name[JOURNAL_NAME_MAX + 2];
	AUTO_BUF struct buf longest = BUF_INIT(BUF_OWN_MAX);
	struct err e = { 0 };

	stage(root, "aa", "x");
	begin(root);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		expect_bad_target(root, bad[i]);
	memset(name, 'n', sizeof(name));
	name[JOURNAL_NAME_MAX + 1] = '\0';
	expect_bad_target(root, name);
	name[JOURNAL_NAME_MAX] = '\0';
	assert_int_equal(journal_remove(root, name, &e), 0);
	while (longest.n < JOURNAL_PATH_MAX - 1)
		buf_adds(&longest, "a/");
	buf_adds(&longest, "bb");
	assert_int_equal(longest.n, JOURNAL_PATH_MAX + 2 - JOURNAL_PATH_MAX % 2);
	expect_bad_target(root, longest.p);
	longest.p[JOURNAL_PATH_MAX] = '\0';
	longest.p[JOURNAL_PATH_MAX - 1] = 'x';
	assert_int_equal(journal_remove(root, longest.p, &e), 0);
	assert_int_equal(journal_remove(root, ".larderx/..a/...", &e), 0);
	db_rollback(root_db(root));
}

TEST(links_that_leave_the_root_are_refused)
{
	static const char *const bad[] = {
		"", "/etc", "../x", "..", ".", "a/../..", "x//y", "a\nb"
	};
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = open_root(folder);
	struct err e = { 0 };

	begin(root);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(journal_link(root, bad[i], "link", &e), ERR_USAGE);
	assert_int_equal(journal_link(root, "../../x", "one/link", &e), ERR_USAGE);
	assert_int_equal(journal_link(root, "../x", "one/link", &e), 0);
	assert_int_equal(journal_link(root, "../a/../x", "one/link", &e), 0);
	db_rollback(root_db(root));
}

TEST(hostile_staged_names_are_refused)
{
	static const char *const bad[] = { "",     ".",   "..",  ".x",      "a/b",
					   "../x", "a b", "a\n", "\xc3\xa4" };
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = open_root(folder);
	char name[JOURNAL_STAGE_MAX + 2];
	struct err e = { 0 };

	memset(name, 'n', sizeof(name));
	name[JOURNAL_STAGE_MAX + 1] = '\0';
	begin(root);
	for (size_t i = 0; i <= ARRAY_LEN(bad); i++) {
		const char *s = i < ARRAY_LEN(bad) ? bad[i] : name;

		assert_int_equal(journal_stage(root, s, bytes_of("x"), &e), ERR_USAGE);
		assert_int_equal(journal_stage_remove(root, s, &e), ERR_USAGE);
		assert_int_equal(journal_move(root, s, "a", &e), ERR_USAGE);
	}
	db_rollback(root_db(root));
	name[JOURNAL_STAGE_MAX] = '\0';
	stage(root, name, "x");
}

TEST(a_staged_symlink_is_neither_followed_nor_moved)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = open_root(folder);
	struct err e = { 0 };
	int fd = -1;

	scratch_write(folder, "victim", "safe");
	assert_int_equal(symlinkat("../../victim", root_dirfd(root), ".larder/staging/aa"), 0);
	assert_int_equal(journal_stage(root, "aa", bytes_of("x"), &e), ERR_IO);
	assert_int_equal(journal_stage_open(root, "none", O_RDONLY, &fd, &e), ERR_NOT_FOUND);
	begin(root);
	assert_int_equal(journal_move(root, "aa", "a", &e), ERR_NOT_FOUND);
	db_rollback(root_db(root));
	assert_true(scratch_is(folder, "victim", "safe"));
}

TEST(thousands_of_files_go_in_one_commit)
{
	enum { MANY = 3000 };
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = open_root(folder);
	AUTO_STRV struct strv names = STRV_INIT;
	struct err e = { 0 };

	for (int i = 0; i < MANY; i++) {
		strv_addf(&names, "s%d", i);
		stage(root, names.v[i], names.v[i]);
	}
	assert_int_equal(journal_sync(root, &names, &e), 0);
	begin(root);
	for (int i = 0; i < MANY; i++) {
		AUTO_FREE char *target = xasprintf("d%d/%d", i % 700, i);

		assert_int_equal(journal_move(root, names.v[i], target, &e), 0);
	}
	commit(root);
	assert_true(scratch_is(folder, "d10/10", "s10"));
	assert_true(scratch_is(folder, "d199/2999", "s2999"));
	expect_pending(root, 0, 0);
}

TEST(what_is_no_root_says_so_and_stays_untouched)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_FREE char *absent = xasprintf("%s/absent", folder);
	AUTO_FREE char *file = xasprintf("%s/file", folder);
	struct root_options o = { .path = folder };
	struct root *root = NULL;
	struct err e = { 0 };

	scratch_write(folder, "file", "x");
	assert_int_equal(root_open(&o, &root, &e), ERR_NOT_FOUND);
	assert_non_null(strstr(e.hint, "larder init"));
	assert_false(scratch_exists(folder, ".larder"));
	o.path = absent;
	assert_int_equal(root_open(&o, &root, &e), ERR_NOT_FOUND);
	o.path = file;
	assert_int_equal(root_open(&o, &root, &e), ERR_NOT_FOUND);
}

TEST(a_database_without_schema_is_no_root_yet)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_FREE char *inner = xasprintf("%s/.larder", folder);
	struct root_options o = { .path = folder };
	struct root *root = NULL;
	struct err e = { 0 };

	assert_int_equal(dir_make(AT_FDCWD, inner, 0700, &e), 0);
	scratch_write(folder, ".larder/state.db", "");
	assert_int_equal(root_open(&o, &root, &e), ERR_NOT_FOUND);
	root_close(open_root(folder));
	assert_int_equal(root_open(&o, &root, &e), 0);
	root_close(root);
}

TEST(a_root_has_the_modes_that_keep_others_out)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_FREE char *path = xasprintf("%s/some where/o'root", folder);
	AUTO_ROOT struct root *root = open_root(path);
	struct stat st;

	assert_string_equal(strrchr(root_path(root), '/'), "/o'root");
	assert_int_equal(fstatat(root_dirfd(root), ".larder", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(fstatat(root_dirfd(root), ".larder/staging", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
}

TEST(a_read_only_root_sees_commits_of_others_and_replays_nothing)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *writer = open_root(folder);
	struct root_options o = {
		.path = folder, .schemas = schemas, .schema_count = 1, .read_only = true
	};
	AUTO_ROOT struct root *reader = NULL;
	struct err e = { 0 };
	int64_t rows = -1;

	stage(writer, "aa", "x");
	begin(writer);
	assert_int_equal(journal_move(writer, "aa", "a", &e), 0);
	commit_without_applying(writer);
	assert_int_equal(root_open(&o, &reader, &e), 0);
	assert_false(scratch_exists(folder, "a"));
	begin(writer);
	assert_int_equal(db_exec(root_db(writer), &e, "INSERT INTO doc VALUES('x')", ""), 0);
	assert_int_equal(db_get_int(root_db(reader), &rows, -1, &e, "SELECT count(*) FROM doc", ""),
			 0);
	assert_int_equal(rows, 0);
	commit(writer);
	assert_int_equal(db_get_int(root_db(reader), &rows, -1, &e, "SELECT count(*) FROM doc", ""),
			 0);
	assert_int_equal(rows, 1);
	assert_int_equal(db_begin(root_db(reader), &e), 0);
	assert_int_equal(db_exec(root_db(reader), &e, "DELETE FROM doc", ""), ERR_IO);
}

TEST(an_append_stands_once_however_often_it_is_replayed)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = open_root(folder);
	static const char *const found[] = {
		"start\n",           /* killed before it */
		"start\no",          /* torn */
		"start\none\ntwo\n", /* killed after it */
	};
	struct err e = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(found); i++) {
		AUTO_TX struct db *tx = NULL;

		scratch_write(folder, "log", "start\n");
		CHECK_OK(journal_begin(root, &tx, &e));
		CHECK_OK(journal_append(root, "one\n", "log", &e));
		CHECK_OK(journal_append(root, "two\n", "log", &e));
		CHECK_OK(db_commit(root_db(root), &e));
		tx = NULL;
		scratch_write(folder, "log", found[i]);
		CHECK_OK(journal_replay(root, NULL, &e));
		CHECK(scratch_is(folder, "log", "start\none\ntwo\n"));
	}
}

TEST(an_append_of_what_stands_last_already_stands_twice)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = open_root(folder);
	struct err e = { 0 };

	scratch_write(folder, "log", "again\n");
	for (int i = 0; i < 2; i++) {
		AUTO_TX struct db *tx = NULL;

		CHECK_OK(journal_begin(root, &tx, &e));
		CHECK_OK(journal_append(root, "again\n", "log", &e));
		CHECK_OK(db_commit(root_db(root), &e));
		tx = NULL;
		CHECK_OK(journal_replay(root, NULL, &e));
	}
	CHECK(scratch_is(folder, "log", "again\nagain\nagain\n"));
}

TEST(an_append_keeps_what_others_wrote_and_makes_a_file_that_lacks)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = open_root(folder);
	AUTO_TX struct db *tx = NULL;
	struct err e = { 0 };

	scratch_write(folder, "log", "start\n");
	CHECK_OK(journal_begin(root, &tx, &e));
	CHECK_OK(journal_append(root, "ours\n", "log", &e));
	CHECK_OK(journal_append(root, "new\n", "deep/log", &e));
	CHECK_OK(db_commit(root_db(root), &e));
	tx = NULL;
	scratch_write(folder, "log", "start\ntheirs\n");
	CHECK_OK(journal_replay(root, NULL, &e));
	CHECK(scratch_is(folder, "log", "start\ntheirs\nours\n"));
	CHECK(scratch_is(folder, "deep/log", "new\n"));
}

TEST(a_transaction_begins_with_the_files_of_those_before)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = open_root(folder);
	AUTO_ROOT struct root *other = open_root(folder);
	AUTO_TX struct db *tx = NULL;
	struct err e = { 0 };

	stage(root, "aa", "new");
	begin(root);
	CHECK_OK(journal_move(root, "aa", "a", &e));
	CHECK_OK(db_commit(root_db(root), &e)); /* and killed before it was applied */
	CHECK(!scratch_exists(folder, "a"));
	CHECK_OK(journal_begin(other, &tx, &e));
	CHECK(scratch_is(folder, "a", "new"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_append_stands_once_however_often_it_is_replayed),
		cmocka_unit_test(an_append_of_what_stands_last_already_stands_twice),
		cmocka_unit_test(an_append_keeps_what_others_wrote_and_makes_a_file_that_lacks),
		cmocka_unit_test(a_transaction_begins_with_the_files_of_those_before),
		cmocka_unit_test(files_and_rows_change_together),
		cmocka_unit_test(a_rollback_leaves_every_file_as_it_was),
		cmocka_unit_test(operations_are_applied_in_their_order),
		cmocka_unit_test(the_same_staged_file_may_be_moved_to_its_target_twice),
		cmocka_unit_test(a_link_is_replaced_and_a_file_in_its_place_too),
		cmocka_unit_test(what_is_not_staged_cannot_be_moved),
		cmocka_unit_test(removing_takes_empty_folders_and_leaves_full_ones),
		cmocka_unit_test(a_later_removal_waits_for_its_time),
		cmocka_unit_test(keeping_moving_or_linking_cancels_a_later_removal),
		cmocka_unit_test(what_stands_in_the_way_is_named_and_the_others_are_done),
		cmocka_unit_test(what_waits_for_a_person_does_not_undo_what_was_decided_since),
		cmocka_unit_test(
			a_file_kept_in_a_later_transaction_outlives_a_removal_not_yet_applied),
		cmocka_unit_test(the_next_opener_finishes_even_in_a_copy_elsewhere),
		cmocka_unit_test(a_staged_file_lost_with_its_target_does_not_lock_the_root),
		cmocka_unit_test(reaping_takes_litter_and_leaves_what_a_row_or_the_domain_wants),
		cmocka_unit_test(hostile_targets_are_refused),
		cmocka_unit_test(links_that_leave_the_root_are_refused),
		cmocka_unit_test(hostile_staged_names_are_refused),
		cmocka_unit_test(a_staged_symlink_is_neither_followed_nor_moved),
		cmocka_unit_test(thousands_of_files_go_in_one_commit),
		cmocka_unit_test(what_is_no_root_says_so_and_stays_untouched),
		cmocka_unit_test(a_database_without_schema_is_no_root_yet),
		cmocka_unit_test(a_root_has_the_modes_that_keep_others_out),
		cmocka_unit_test(a_read_only_root_sees_commits_of_others_and_replays_nothing),
	};

	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
