/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include "base/str.h"
#include "scratch.h"

static int open_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

static void put(int dir, const char *path, const char *text)
{
	struct err e = { 0 };

	CHECK_OK(file_replace(dir, path, bytes_of(text), 0644, &e));
}

static void check_contents(int dir, const char *path, const char *text)
{
	AUTO_BUF struct buf b = BUF_INIT(1000);
	struct err e = { 0 };

	CHECK_OK(file_read(dir, path, 1000, &b, &e));
	CHECK_STR(buf_str(&b), text);
}

static size_t count_entries(const char *folder)
{
	AUTO_FREE char *command = xasprintf("ls -A '%s' | wc -l", folder);
	FILE *f = popen(command, "r");
	size_t n = 0;

	CHECK(f != NULL && fscanf(f, "%zu", &n) == 1);
	(void)pclose(f);
	return n;
}

TEST(replace_makes_the_file_and_then_replaces_it)
{
	AUTO_SCRATCH char *top = scratch_new();
	AUTO_FD int dir = open_folder(top);

	put(dir, "a", "old");
	check_contents(dir, "a", "old");
	put(dir, "a", "new and longer");
	check_contents(dir, "a", "new and longer");
	put(dir, "a", "");
	check_contents(dir, "a", "");
	CHECK_INT(count_entries(top), 1);
}

TEST(replace_gives_the_mode_whatever_the_umask)
{
	AUTO_SCRATCH char *top = scratch_new();
	AUTO_FD int dir = open_folder(top);
	struct err e = { 0 };
	struct stat st;
	mode_t old = umask(077);

	CHECK_OK(file_replace(dir, "open", bytes_of("x"), 0644, &e));
	(void)umask(0);
	CHECK_OK(file_replace(dir, "secret", bytes_of("x"), 0600, &e));
	(void)umask(old);
	CHECK(fstatat(dir, "open", &st, 0) == 0 && (st.st_mode & 0777) == 0644);
	CHECK(fstatat(dir, "secret", &st, 0) == 0 && (st.st_mode & 0777) == 0600);
}

TEST(replace_into_a_missing_folder_fails_and_leaves_nothing)
{
	AUTO_SCRATCH char *top = scratch_new();
	AUTO_FD int dir = open_folder(top);
	struct err e = { 0 };

	CHECK_ERR(file_replace(dir, "no/a", bytes_of("x"), 0644, &e), ERR_IO);
	CHECK_HAS(e.msg, "no/a");
	CHECK_INT(count_entries(top), 0);
}

TEST(replace_over_a_folder_fails_and_removes_its_temporary)
{
	AUTO_SCRATCH char *top = scratch_new();
	AUTO_FD int dir = open_folder(top);
	struct err e = { 0 };

	CHECK_OK(dir_make(dir, "d/x", 0755, &e));
	CHECK_ERR(file_replace(dir, "d", bytes_of("x"), 0644, &e), ERR_IO);
	CHECK_INT(count_entries(top), 1);
}

TEST(reading_is_limited_to_the_byte)
{
	AUTO_SCRATCH char *top = scratch_new();
	AUTO_FD int dir = open_folder(top);
	AUTO_BUF struct buf b = BUF_INIT(1 << 20);
	struct err e = { 0 };

	put(dir, "a", "12345678");
	CHECK_OK(file_read(dir, "a", 8, &b, &e));
	CHECK_INT(b.n, 8);
	CHECK_ERR(file_read(dir, "a", 7, &b, &e), ERR_LIMIT);
	CHECK_HAS(e.msg, "7 bytes");
}

TEST(reading_appends_to_what_the_buffer_holds)
{
	AUTO_SCRATCH char *top = scratch_new();
	AUTO_FD int dir = open_folder(top);
	AUTO_BUF struct buf b = BUF_INIT(100);
	struct err e = { 0 };

	put(dir, "a", "two");
	buf_adds(&b, "one ");
	CHECK_OK(file_read(dir, "a", 10, &b, &e));
	CHECK_STR(buf_str(&b), "one two");
}

TEST(an_absent_file_is_told_from_one_that_cannot_be_read)
{
	AUTO_SCRATCH char *top = scratch_new();
	AUTO_FD int dir = open_folder(top);
	AUTO_BUF struct buf b = BUF_INIT(100);
	struct err e = { 0 };

	CHECK_ERR(file_read(dir, "a", 10, &b, &e), ERR_NOT_FOUND);
	CHECK_ERR(file_read(dir, "a/b", 10, &b, &e), ERR_NOT_FOUND);
	CHECK_ERR(file_read(dir, ".", 10, &b, &e), ERR_IO);
	CHECK_HAS(e.msg, "folder");
}

TEST(folders_are_made_with_their_parents_and_only_once)
{
	AUTO_SCRATCH char *top = scratch_new();
	AUTO_FD int dir = open_folder(top);
	AUTO_FREE char *absolute = xasprintf("%s/x/y", top);
	struct err e = { 0 };
	struct stat st;

	CHECK_OK(dir_make(dir, "a/b/c", 0755, &e));
	CHECK_OK(dir_make(dir, "a/b/c", 0755, &e));
	CHECK_OK(dir_make(dir, "a/b/d/", 0755, &e));
	CHECK_OK(dir_make(AT_FDCWD, absolute, 0700, &e));
	CHECK(fstatat(dir, "a/b/c", &st, 0) == 0 && S_ISDIR(st.st_mode));
	CHECK(fstatat(dir, "a/b/d", &st, 0) == 0 && S_ISDIR(st.st_mode));
	CHECK(fstatat(dir, "x/y", &st, 0) == 0 && (st.st_mode & 0777) == 0700);
}

TEST(a_file_in_the_way_of_a_folder_is_a_conflict)
{
	AUTO_SCRATCH char *top = scratch_new();
	AUTO_FD int dir = open_folder(top);
	struct err e = { 0 };

	put(dir, "a", "x");
	CHECK_ERR(dir_make(dir, "a", 0755, &e), ERR_CONFLICT);
	CHECK_ERR(dir_make(dir, "a/b", 0755, &e), ERR_CONFLICT);
	CHECK_HAS(e.msg, "'a'");
}

TEST(rename_moves_and_reports_what_is_missing)
{
	AUTO_SCRATCH char *top = scratch_new();
	AUTO_FD int dir = open_folder(top);
	struct err e = { 0 };

	put(dir, "a", "x");
	CHECK_OK(file_rename(dir, "a", dir, "b", &e));
	check_contents(dir, "b", "x");
	CHECK_ERR(file_rename(dir, "a", dir, "b", &e), ERR_IO);
	CHECK_HAS(e.msg, "No such file");
}

TEST(removing_what_is_absent_is_fine)
{
	AUTO_SCRATCH char *top = scratch_new();
	AUTO_FD int dir = open_folder(top);
	struct err e = { 0 };

	put(dir, "a", "x");
	CHECK_OK(file_remove(dir, "a", &e));
	CHECK_OK(file_remove(dir, "a", &e));
	CHECK_OK(file_remove(dir, "no/such/path", &e));
	CHECK_OK(tree_remove(dir, "a", &e));
	CHECK_OK(dir_make(dir, "d", 0755, &e));
	CHECK_ERR(file_remove(dir, "d", &e), ERR_IO);
}

TEST(a_tree_is_removed_without_following_links)
{
	AUTO_SCRATCH char *top = scratch_new();
	AUTO_FD int dir = open_folder(top);
	struct err e = { 0 };

	CHECK_OK(dir_make(dir, "t/a/b", 0755, &e));
	CHECK_OK(dir_make(dir, "other", 0755, &e));
	put(dir, "other/keep", "x");
	put(dir, "t/a/f", "x");
	CHECK_INT(symlinkat("../../other", dir, "t/a/link"), 0);
	CHECK_INT(symlinkat("other", dir, "toplink"), 0);
	CHECK_OK(tree_remove(dir, "t", &e));
	CHECK_OK(tree_remove(dir, "toplink", &e));
	check_contents(dir, "other/keep", "x");
	CHECK_INT(count_entries(top), 1);
}

static int note(void *ctx, const char *path, const struct stat *st, struct err *e)
{
	(void)e;
	strv_addf(ctx, "%s%s", path, S_ISLNK(st->st_mode) ? "@" : "");
	return 0;
}

static int stop_at_b(void *ctx, const char *path, const struct stat *st, struct err *e)
{
	(void)note(ctx, path, st, e);
	return str_eq(path, "b") ? err_set(e, ERR_CANCELLED, "enough") : 0;
}

TEST(visits_come_sorted_and_see_links_as_links)
{
	AUTO_SCRATCH char *top = scratch_new();
	AUTO_FD int dir = open_folder(top);
	AUTO_STRV struct strv seen = STRV_INIT;
	struct err e = { 0 };

	CHECK_OK(dir_make(dir, "t/d/e", 0755, &e));
	put(dir, "t/z", "x");
	put(dir, "t/d/e/f", "x");
	put(dir, "t/a", "x");
	CHECK_INT(symlinkat("d", dir, "t/link"), 0);
	CHECK_OK(tree_visit(dir, "t", note, &seen, &e));
	CHECK_INT(seen.n, 4);
	CHECK_STR(seen.v[0], "a");
	CHECK_STR(seen.v[1], "d/e/f");
	CHECK_STR(seen.v[2], "link@");
	CHECK_STR(seen.v[3], "z");
}

TEST(a_visitor_stops_the_walk)
{
	AUTO_SCRATCH char *top = scratch_new();
	AUTO_FD int dir = open_folder(top);
	AUTO_STRV struct strv seen = STRV_INIT;
	struct err e = { 0 };

	put(dir, "a", "x");
	put(dir, "b", "x");
	put(dir, "c", "x");
	CHECK_ERR(tree_visit(AT_FDCWD, top, stop_at_b, &seen, &e), ERR_CANCELLED);
	CHECK_INT(seen.n, 2);
	CHECK_ERR(tree_visit(dir, "no", note, &seen, &e), ERR_NOT_FOUND);
}

TEST(trees_deeper_than_ours_are_refused)
{
	AUTO_SCRATCH char *top = scratch_new();
	AUTO_FD int dir = open_folder(top);
	AUTO_BUF struct buf path = BUF_INIT(1000);
	AUTO_STRV struct strv seen = STRV_INIT;
	AUTO_FREE char *command = xasprintf("rm -rf '%s'/d", top);
	struct err e = { 0 };

	for (int i = 0; i < 70; i++)
		buf_adds(&path, i ? "/d" : "d");
	CHECK_OK(dir_make(dir, buf_str(&path), 0755, &e));
	CHECK_ERR(tree_visit(dir, "d", note, &seen, &e), ERR_LIMIT);
	CHECK_ERR(tree_remove(dir, "d", &e), ERR_LIMIT);
	CHECK_INT(system(command), 0);
}

TEST(writes_to_a_full_device_are_reported)
{
	AUTO_FD int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct err e = { 0 };

	CHECK_ERR(file_write_all(fd, bytes_of("x"), "the file", &e), ERR_IO);
	CHECK_STR(e.msg, "write 'the file': No space left on device");
	CHECK_HAS(e.hint, "room");
}

TEST(folders_and_their_parents_can_be_synced)
{
	AUTO_SCRATCH char *top = scratch_new();
	AUTO_FD int dir = open_folder(top);
	struct err e = { 0 };

	CHECK_OK(dir_make(dir, "a", 0755, &e));
	CHECK_OK(dir_sync(dir, "a", &e));
	CHECK_OK(dir_sync_parent(dir, "a/file", &e));
	CHECK_OK(dir_sync_parent(dir, "file", &e));
	CHECK_OK(dir_sync_parent(AT_FDCWD, "/file", &e));
	CHECK_ERR(dir_sync(dir, "no", &e), ERR_IO);
}

TEST(free_space_and_absolute_paths_are_found)
{
	AUTO_SCRATCH char *top = scratch_new();
	AUTO_FREE char *crooked = xasprintf("%s/../%s", top, strrchr(top, '/') + 1);
	AUTO_FREE char *absolute = NULL;
	AUTO_FREE char *straight = NULL;
	struct err e = { 0 };
	int64_t n = 0;

	CHECK_OK(disk_free(top, &n, &e));
	CHECK(n > 0);
	CHECK_ERR(disk_free("/no/such/path", &n, &e), ERR_IO);
	CHECK_OK(path_resolve(crooked, &absolute, &e));
	CHECK_OK(path_resolve(top, &straight, &e));
	CHECK_STR(absolute, straight);
	CHECK_ERR(path_resolve("/no/such/path", &absolute, &e), ERR_NOT_FOUND);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(replace_makes_the_file_and_then_replaces_it),
		CASE(replace_gives_the_mode_whatever_the_umask),
		CASE(replace_into_a_missing_folder_fails_and_leaves_nothing),
		CASE(replace_over_a_folder_fails_and_removes_its_temporary),
		CASE(reading_is_limited_to_the_byte),
		CASE(reading_appends_to_what_the_buffer_holds),
		CASE(an_absent_file_is_told_from_one_that_cannot_be_read),
		CASE(folders_are_made_with_their_parents_and_only_once),
		CASE(a_file_in_the_way_of_a_folder_is_a_conflict),
		CASE(rename_moves_and_reports_what_is_missing),
		CASE(removing_what_is_absent_is_fine),
		CASE(a_tree_is_removed_without_following_links),
		CASE(visits_come_sorted_and_see_links_as_links),
		CASE(a_visitor_stops_the_walk),
		CASE(trees_deeper_than_ours_are_refused),
		CASE(writes_to_a_full_device_are_reported),
		CASE(folders_and_their_parents_can_be_synced),
		CASE(free_space_and_absolute_paths_are_found),
	};

	return RUN(tests);
}
