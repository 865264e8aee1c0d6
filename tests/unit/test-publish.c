/* SPDX-License-Identifier: Apache-2.0 */
/* From an upload to a version, and from a version to nothing; verify sees what is wrong. */
#include "tables-fixture.h"

#include "tables/retention.h"
#include "tables/rollup.h"

#include <dirent.h>

#define STAGING ROOT_STAGING

static size_t staged_files(const char *folder)
{
	AUTO_FREE char *path = xasprintf("%s/" STAGING, folder);
	size_t n = 0;
	DIR *d = opendir(path);

	assert_non_null(d);
	for (const struct dirent *f = readdir(d); f; f = readdir(d))
		n += f->d_name[0] != '.';
	(void)closedir(d); /* a folder: nothing to lose */
	return n;
}

TEST(an_upload_with_another_hash_is_refused_and_leaves_nothing)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	char sha256[HASH_HEX_MAX];
	struct object_wish wish = { .sha256 = sha256, .max = 100 };
	struct object_upload *u = NULL;
	struct err e = { 0 };

	hash_text(HASH_SHA256, BYTES_LITERAL("what was announced"), sha256);
	CHECK_OK(object_upload_begin(root, &wish, &u, &e));
	CHECK_OK(object_upload_add(u, BYTES_LITERAL("what came"), &e));
	assert_int_equal(object_upload_finish(u, &e), ERR_CORRUPT);
	object_upload_free(u);
	assert_int_equal(staged_files(folder), 0);
}

TEST(an_upload_over_the_limit_is_refused_at_the_first_byte_too_many)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	char sha256[HASH_HEX_MAX];
	struct object_wish wish = { .sha256 = sha256, .max = 4 };
	AUTO_OBJECT_UPLOAD struct object_upload *u = NULL;
	struct err e = { 0 };

	hash_text(HASH_SHA256, BYTES_LITERAL("12345"), sha256);
	CHECK_OK(object_upload_begin(root, &wish, &u, &e));
	CHECK_OK(object_upload_add(u, BYTES_LITERAL("1234"), &e));
	assert_int_equal(object_upload_add(u, BYTES_LITERAL("5"), &e), ERR_LIMIT);
}

TEST(an_object_is_named_by_64_hex_digits_only)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	struct object_wish wish = { .sha256 = "../../etc/passwd", .max = 4 };
	struct object_upload *u = NULL;
	struct err e = { 0 };

	assert_int_equal(object_upload_begin(root, &wish, &u, &e), ERR_USAGE);
}

TEST(the_same_upload_twice_is_there_once)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	char sha256[HASH_HEX_MAX];

	assert_true(put(root, "a\n1\n", sha256));
	assert_false(put(root, "a\n1\n", sha256));
	assert_int_equal(staged_files(folder), 1);
	assert_clean(root);
}

TEST(an_upload_whose_file_was_lost_is_taken_again)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	AUTO_OBJECT struct object o = { 0 };
	char sha256[HASH_HEX_MAX];
	struct err e = { 0 };

	(void)put(root, "a\n1\n", sha256);
	assert_int_equal(object_find(root, root_db(root), sha256, &o, &e), 1);
	CHECK_OK(journal_stage_remove(root, o.staged, &e));
	assert_int_equal(object_is_known(root, root_db(root), sha256, &e), 0);
	assert_true(put(root, "a\n1\n", sha256));
	assert_int_equal(object_is_known(root, root_db(root), sha256, &e), 1);
	assert_clean(root);
}

TEST(abandoned_uploads_go_by_age_and_litter_at_the_start)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	AUTO_STRV struct strv staged = STRV_INIT;
	char sha256[HASH_HEX_MAX];
	size_t removed = 0;
	struct err e = { 0 };

	(void)put(root, "a\n1\n", sha256);
	scratch_write(folder, STAGING "/up-of-a-killed-hub", "half");
	CHECK_OK(objects_clean_staging(root, &removed, &e));
	assert_int_equal(removed, 1);
	assert_int_equal(object_is_known(root, root_db(root), sha256, &e), 1);

	begin(root);
	CHECK_OK(objects_reap_uploads(root_db(root), 3600 * 1000, &staged, &e));
	assert_int_equal(staged.n, 0);
	CHECK_OK(objects_reap_uploads(root_db(root), -1, &staged, &e));
	assert_int_equal(staged.n, 1);
	commit(root);
	assert_int_equal(object_is_known(root, root_db(root), sha256, &e), 0);
}

TEST(a_publish_stores_the_object_and_drops_the_source)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	struct publish_result result = { 0 };
	char path[OBJECT_PATH_MAX];

	publish_csv(root, "orders", "a,b\n1,x\n2,y\n", &result);
	assert_string_equal(result.table, "orders");
	assert_int_equal(result.rows, 2);
	assert_int_equal(result.parts, 1);
	assert_true(result.created);
	assert_false(result.unchanged);
	assert_true(scratch_exists(folder, object_path(result.sha256, path)));
	assert_int_equal(staged_files(folder), 0);
	assert_clean(root);
}

TEST(publishing_the_same_again_makes_no_version_and_needs_no_upload)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	struct publish_result first = { 0 };
	struct publish_result second = { 0 };
	char sha256[HASH_HEX_MAX];
	struct err e = { 0 };

	publish_csv(root, "orders", "a\n1\n", &first);
	hash_text(HASH_SHA256, BYTES_LITERAL("a\n1\n"), sha256);
	assert_int_equal(object_is_known(root, root_db(root), sha256, &e), 1);
	publish_csv(root, "orders", "a\n1\n", &second);
	assert_true(second.unchanged);
	assert_string_equal(second.sha256, first.sha256);
	assert_int_equal(count(root, "SELECT count(*) FROM version"), 1);
	assert_int_equal(staged_files(folder), 0);
	assert_clean(root);
}

static int publish_one(struct root *root, const char *text, enum duck_format format, struct err *e)
{
	char sha256[HASH_HEX_MAX];
	struct publish_part part = { .path = "", .sha256 = sha256, .format = format };
	struct publish_request request = { .table = "orders", .parts = &part, .part_count = 1 };
	struct publish_result result = { 0 };

	(void)put(root, text, sha256);
	return try_publish(root, &request, &result, e);
}

TEST(a_file_that_cannot_be_read_changes_nothing)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	struct publish_result good = { 0 };
	AUTO_TABLE struct table t = { 0 };
	struct err e = { 0 };

	publish_csv(root, "orders", "a\n1\n", &good);
	assert_int_equal(publish_one(root, "PAR1 and no footer", DUCK_PARQUET, &e), ERR_CORRUPT);
	assert_null(strstr(e.msg, folder)); /* the hub's own paths are nobody's business */
	assert_int_equal(publish_one(root, "{\"a\":", DUCK_JSON, &e), ERR_CORRUPT);
	CHECK_OK(registry_find(root_db(root), NULL, "orders", &t, &e));
	assert_string_equal(t.sha256, good.sha256);
	assert_clean(root);
}

TEST(an_unknown_table_is_made_only_when_asked_for)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	struct err e = { 0 };

	assert_int_equal(publish_one(root, "a\n1\n", DUCK_CSV, &e), ERR_NOT_FOUND);
	assert_int_equal(count(root, "SELECT count(*) FROM tbl"), 0);
}

TEST(an_object_that_is_not_there_is_a_conflict)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	char sha256[HASH_HEX_MAX];
	struct publish_part part = { .path = "", .sha256 = sha256, .format = DUCK_PARQUET };
	struct publish_request request = {
		.table = "orders", .parts = &part, .part_count = 1, .create = true
	};
	struct publish_result result = { 0 };
	struct err e = { 0 };

	hash_text(HASH_SHA256, BYTES_LITERAL("never sent"), sha256);
	assert_int_equal(try_publish(root, &request, &result, &e), ERR_CONFLICT);
}

static int publish_two(struct root *root, const char *first, const char *second,
		       struct publish_result *ret_result, struct err *e)
{
	char sha[2][HASH_HEX_MAX];
	struct publish_part parts[] = {
		{ .path = "y=2/b.csv", .sha256 = sha[1], .format = DUCK_CSV },
		{ .path = "y=1/a.csv", .sha256 = sha[0], .format = DUCK_CSV },
	};
	struct publish_request request = {
		.table = "parts", .parts = parts, .part_count = 2, .create = true
	};

	(void)put(root, first, sha[0]);
	(void)put(root, second, sha[1]);
	return try_publish(root, &request, ret_result, e);
}

TEST(a_table_in_parts_is_named_by_the_hash_of_its_parts)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	struct publish_result result = { 0 };
	struct rollup_part parts[2] = { { .path = "y=2/b.parquet" }, { .path = "y=1/a.parquet" } };
	char rollup[HASH_HEX_MAX];
	AUTO_FREE char *a = NULL;
	AUTO_FREE char *b = NULL;
	struct err e = { 0 };

	CHECK_OK(publish_two(root, "k\n1\n", "k\n2\n3\n", &result, &e));
	assert_int_equal(result.rows, 3);
	assert_int_equal(result.parts, 2);
	CHECK_OK(db_get_text(root_db(root), &a, &e, "SELECT sha256 FROM part WHERE path=?1", "t",
			     "y=1/a.parquet"));
	CHECK_OK(db_get_text(root_db(root), &b, &e, "SELECT sha256 FROM part WHERE path=?1", "t",
			     "y=2/b.parquet"));
	parts[0].hash = b;
	parts[1].hash = a;
	rollup_hash(HASH_SHA256, parts, 2, rollup);
	assert_string_equal(rollup, result.sha256);
	assert_clean(root);
}

TEST(two_parts_with_the_same_content_share_one_object)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	struct publish_result result = { 0 };
	struct err e = { 0 };

	CHECK_OK(publish_two(root, "k\n1\n", "k\n1\n", &result, &e));
	assert_int_equal(count(root, "SELECT count(*) FROM object"), 1);
	assert_int_equal(staged_files(folder), 0);
	assert_clean(root);
}

TEST(parts_that_disagree_about_their_columns_are_refused)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	struct publish_result result = { 0 };
	struct err e = { 0 };

	assert_int_equal(publish_two(root, "k\n1\n", "other\n2\n", &result, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "y=2/b.parquet"));
	assert_int_equal(count(root, "SELECT count(*) FROM tbl"), 0);
}

TEST(a_part_path_that_leaves_its_folder_is_refused)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	static const char *const bad[] = { "../x.parquet", "/x.parquet", "a//b", "a/./b", "" };
	char sha256[HASH_HEX_MAX];
	struct publish_part parts[2] = { { "ok.parquet", sha256, DUCK_PARQUET },
					 { NULL, sha256, DUCK_PARQUET } };
	struct publish_request request = {
		.table = "t", .parts = parts, .part_count = 2, .create = true
	};
	struct publish_result result = { 0 };
	struct err e = { 0 };

	hash_text(HASH_SHA256, BYTES_LITERAL("x"), sha256);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		parts[1].path = bad[i];
		assert_int_equal(try_publish(root, &request, &result, &e), ERR_USAGE);
	}
}

TEST(a_replaced_version_stays_until_retention_takes_it)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	struct publish_result first = { 0 };
	struct publish_result second = { 0 };
	char path[OBJECT_PATH_MAX];
	size_t removed = 0;
	struct err e = { 0 };

	publish_csv(root, "orders", "a\n1\n", &first);
	publish_csv(root, "orders", "a\n2\n", &second);
	begin(root);
	CHECK_OK(retention_sweep(root, 3600 * 1000, &removed, &e));
	commit(root);
	assert_int_equal(removed, 0);
	assert_true(scratch_exists(folder, object_path(first.sha256, path)));

	begin(root);
	CHECK_OK(retention_sweep(root, 0, &removed, &e));
	commit(root);
	assert_int_equal(removed, 1);
	assert_false(scratch_exists(folder, object_path(first.sha256, path)));
	assert_true(scratch_exists(folder, object_path(second.sha256, path)));
	assert_clean(root);
}

TEST(an_object_that_another_table_uses_outlives_its_version)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	struct publish_result result = { 0 };
	char path[OBJECT_PATH_MAX];
	struct err e = { 0 };

	publish_csv(root, "a", "k\n1\n", &result);
	publish_csv(root, "b", "k\n1\n", &result);
	begin(root);
	CHECK_OK(retention_remove_table(root, NULL, "a", &e));
	commit(root);
	assert_true(scratch_exists(folder, object_path(result.sha256, path)));
	assert_clean(root);
	begin(root);
	CHECK_OK(retention_remove_table(root, NULL, "b", &e));
	commit(root);
	assert_false(scratch_exists(folder, object_path(result.sha256, path)));
	assert_int_equal(count(root, "SELECT count(*) FROM object"), 0);
	assert_clean(root);
}

TEST(a_publish_that_is_rolled_back_leaves_only_the_upload)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	char sha256[HASH_HEX_MAX];
	struct publish_part part = { .path = "", .sha256 = sha256, .format = DUCK_CSV };
	struct publish_request request = {
		.table = "orders", .parts = &part, .part_count = 1, .create = true
	};
	const struct publish_source source = { .root = root, .db = root_db(root) };
	AUTO_PUBLISH struct publish *p = NULL;
	struct publish_result result = { 0 };
	struct err e = { 0 };

	(void)put(root, "a\n1\n", sha256);
	CHECK_OK(publish_prepare(&source, &request, &p, &e));
	begin(root);
	CHECK_OK(publish_apply(p, root, NULL, &result, &e));
	db_rollback(root_db(root));
	publish_failed(p, root_db(root));
	publish_free(TAKE(p));
	assert_int_equal(staged_files(folder), 1);
	assert_int_equal(count(root, "SELECT count(*) FROM tbl"), 0);
	assert_clean(root);
}

TEST(verify_finds_a_flipped_byte_a_lost_file_and_an_orphan)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	struct publish_result a = { 0 };
	struct publish_result b = { 0 };
	char path[OBJECT_PATH_MAX];
	AUTO_FREE char *file = NULL;
	AUTO_FD int fd = -1;

	publish_csv(root, "a", "k\n1\n", &a);
	publish_csv(root, "b", "k\n2\n", &b);
	file = xasprintf("%s/%s", folder, object_path(a.sha256, path));
	fd = open(file, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "X", 1, 10), 1);
	assert_int_equal(verify(root).n, 1);

	assert_int_equal(unlinkat(root_dirfd(root), object_path(b.sha256, path), 0), 0);
	assert_int_equal(verify(root).n, 2);

	scratch_write(folder, OBJECTS_FOLDER "/stranger", "?");
	assert_int_equal(verify(root).n, 3);
}

#define OK(test) cmocka_unit_test(test)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		OK(an_upload_with_another_hash_is_refused_and_leaves_nothing),
		OK(an_upload_over_the_limit_is_refused_at_the_first_byte_too_many),
		OK(an_object_is_named_by_64_hex_digits_only),
		OK(the_same_upload_twice_is_there_once),
		OK(an_upload_whose_file_was_lost_is_taken_again),
		OK(abandoned_uploads_go_by_age_and_litter_at_the_start),
		OK(a_publish_stores_the_object_and_drops_the_source),
		OK(publishing_the_same_again_makes_no_version_and_needs_no_upload),
		OK(a_file_that_cannot_be_read_changes_nothing),
		OK(an_unknown_table_is_made_only_when_asked_for),
		OK(an_object_that_is_not_there_is_a_conflict),
		OK(a_table_in_parts_is_named_by_the_hash_of_its_parts),
		OK(two_parts_with_the_same_content_share_one_object),
		OK(parts_that_disagree_about_their_columns_are_refused),
		OK(a_part_path_that_leaves_its_folder_is_refused),
		OK(a_replaced_version_stays_until_retention_takes_it),
		OK(an_object_that_another_table_uses_outlives_its_version),
		OK(a_publish_that_is_rolled_back_leaves_only_the_upload),
		OK(verify_finds_a_flipped_byte_a_lost_file_and_an_orphan),
	};

	find_duck();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
