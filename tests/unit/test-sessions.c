/* SPDX-License-Identifier: Apache-2.0 */
/* Which transcripts belong to a workspace, and which of them never leave. */
#include "base/str.h"
#include "scratch.h"
#include "sessions/find.h"
#include "sessions/privacy.h"
#include "sessions/upload.h"

#include <sys/stat.h>

static void make(const char *folder, const char *path, const char *text)
{
	AUTO_FREE char *parent = xasprintf("%s/%s", folder, path);
	struct err e = { 0 };

	*strrchr(parent, '/') = '\0';
	CHECK_OK(dir_make(AT_FDCWD, parent, 0755, &e));
	scratch_write(folder, path, text);
}

static void age(const char *folder, const char *path)
{
	AUTO_FREE char *full = xasprintf("%s/%s", folder, path);
	const struct timespec times[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };

	CHECK_INT(utimensat(AT_FDCWD, full, times, 0), 0);
}

static char *names(const char *workspace)
{
	AUTO_SESSION_FILES struct session_files files = { 0 };
	AUTO_BUF struct buf out = BUF_INIT(10000);
	struct err e = { 0 };

	CHECK_OK(sessions_find(workspace, &files, &e));
	for (size_t i = 0; i < files.n; i++)
		buf_addf(&out, "%s=%d ", files.v[i].name, (int)files.v[i].size);
	return buf_take(&out);
}

TEST(a_path_is_encoded_in_three_ways_without_doubles)
{
	AUTO_STRV struct strv all = STRV_INIT;
	AUTO_STRV struct strv plain = STRV_INIT;

	sessions_encode("/home/a.b/c__d", &all);
	CHECK_INT(all.n, 3);
	CHECK(strv_has(&all, "-home-a-b-c--d") && strv_has(&all, "-home-a.b-c__d") &&
	      strv_has(&all, "-home-a-b-c-d"));
	sessions_encode("/w/x", &plain);
	CHECK_INT(plain.n, 1);
}

TEST(the_newest_of_a_name_counts_and_the_own_folder_only_fills_up)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_FREE char *workspace = xasprintf("%s/user/sessions", folder);
	AUTO_FREE char *found = NULL;

	(void)setenv("CLAUDE_CONFIG_DIR", folder, 1);
	*strrchr(workspace, '/') = '\0';
	*strrchr(workspace, '/') = '\0'; /* the folder itself: /x/y */
	AUTO_STRV struct strv encoded = STRV_INIT;

	sessions_encode(workspace, &encoded);
	AUTO_FREE char *a = xasprintf("projects/%s/a.jsonl", encoded.v[0]);
	AUTO_FREE char *sub = xasprintf("projects/%s/a/subagents/agent-1.jsonl", encoded.v[0]);
	AUTO_FREE char *other = xasprintf("projects/%s/a/tool-results/b.jsonl", encoded.v[0]);
	AUTO_FREE char *text = xasprintf("projects/%s/notes.txt", encoded.v[0]);

	make(folder, a, "1");
	age(folder, a);
	make(folder, sub, "22");
	make(folder, other, "no");
	make(folder, text, "no");
	make(folder, "user/sessions/a.jsonl", "333");
	make(folder, "user/sessions/z.jsonl", "4444");
	make(folder, "user/sessions/bad name.jsonl", "no");
	found = names(workspace);
	CHECK_STR(found, "a.agent-1.jsonl=2 a.jsonl=1 z.jsonl=4 ");
}

TEST(a_cut_folder_counts_by_what_its_transcripts_say)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_BUF struct buf workspace = BUF_INIT(BUF_OWN_MAX);
	AUTO_STRV struct strv encoded = STRV_INIT;
	AUTO_FREE char *mine = NULL;
	AUTO_FREE char *other = NULL;
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *found = NULL;

	for (int i = 0; i < 30; i++)
		buf_adds(&workspace, "/eight-ch");
	sessions_encode(buf_str(&workspace), &encoded);
	mine = xasprintf("projects/%.200s-1a2b3c/a.jsonl", encoded.v[0]);
	other = xasprintf("projects/%.200s-9z8y7x/b.jsonl", encoded.v[0]);
	text = xasprintf("{\"a\":1}\n{\"cwd\":\"%s/sub\"}\n", buf_str(&workspace));
	(void)setenv("CLAUDE_CONFIG_DIR", folder, 1);
	make(folder, mine, text);
	free(text);
	text = xasprintf("{\"cwd\":\"%s-more\"}\n", buf_str(&workspace));
	make(folder, other, text);
	found = names(buf_str(&workspace));
	CHECK(str_starts(found, "a.jsonl="));
	CHECK(!strstr(found, "b.jsonl"));
	(void)unsetenv("CLAUDE_CONFIG_DIR");
}

TEST(without_any_folder_nothing_is_found)
{
	(void)setenv("CLAUDE_CONFIG_DIR", "/nonexistent", 1);
	AUTO_FREE char *found = names("/nonexistent/ws");

	CHECK_STR(found, "");
}

TEST(names_are_those_of_the_contract)
{
	AUTO_FREE char *longest = xasprintf("%0200d", 1);
	AUTO_FREE char *longer = xasprintf("%0201d", 1);
	static const char *const bad[] = { "", ".", "..", "a/b", "a b", "a\n", "\xc3\xa9" };

	CHECK(upload_name_is_ok("a-B_9.jsonl") && upload_name_is_ok("...") &&
	      upload_name_is_ok(longest));
	CHECK(!upload_name_is_ok(NULL) && !upload_name_is_ok(longer));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK(!upload_name_is_ok(bad[i]));
}

static bool hides(const struct privacy *p, const char *text)
{
	return privacy_hides_text(p, bytes_of(text));
}

TEST(a_session_is_private_by_where_it_worked)
{
	AUTO_STRV struct strv sessions = STRV_INIT;
	AUTO_STRV struct strv folders = STRV_INIT;
	const struct privacy p = { "/ws", &sessions, &folders };

	strv_add(&folders, "secret/");
	strv_add(&folders, "/else where");
	CHECK(hides(&p, "{\"cwd\":\"/ws\"}\n{\"cwd\":\"/ws/secret\"}\n"));
	CHECK(hides(&p, "{\"cwd\" : \"\\/ws\\/secret\\/deep\"}"));
	CHECK(hides(&p, "{\"cwd\":\"/else where/x\"}"));
	CHECK(hides(&p, "{\"cwd\":\"/else\\u0020where\"}"));
	CHECK(!hides(&p, "{\"cwd\":\"/ws/secrets\"}\n{\"cwd\":\"/ws\"}"));
	CHECK(!hides(&p, "{\"text\":\"\\\"cwd\\\":\\\"/ws/secret\\\"\"}"));
	CHECK(!hides(&p, "\"cwd\""));
	CHECK(!hides(&p, "\"cwd\":\"/ws/secret"));
	CHECK(!hides(&p, ""));
}

TEST(a_session_is_private_by_its_id_with_its_agents)
{
	AUTO_STRV struct strv sessions = STRV_INIT;
	AUTO_STRV struct strv folders = STRV_INIT;
	const struct privacy p = { "/ws", &sessions, &folders };

	strv_add(&sessions, "abc");
	strv_add(&sessions, "");
	CHECK(privacy_hides_session(&p, "abc.jsonl"));
	CHECK(privacy_hides_session(&p, "abc.agent-1.jsonl"));
	CHECK(!privacy_hides_session(&p, "abcd.jsonl"));
}

TEST(a_marker_hides_its_folder_and_all_below)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_STRV struct strv none = STRV_INIT;
	AUTO_FREE char *deep = xasprintf("%s/a/b", folder);
	AUTO_FREE char *line = xasprintf("{\"cwd\":\"%s\"}", deep);
	const struct privacy p = { deep, &none, &none };

	CHECK(!privacy_hides_all(&p) && !hides(&p, line));
	make(folder, "a/" PRIVACY_MARKER, "");
	CHECK(privacy_hides_all(&p) && hides(&p, line));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_path_is_encoded_in_three_ways_without_doubles),
		CASE(the_newest_of_a_name_counts_and_the_own_folder_only_fills_up),
		CASE(a_cut_folder_counts_by_what_its_transcripts_say),
		CASE(without_any_folder_nothing_is_found),
		CASE(names_are_those_of_the_contract),
		CASE(a_session_is_private_by_where_it_worked),
		CASE(a_session_is_private_by_its_id_with_its_agents),
		CASE(a_marker_hides_its_folder_and_all_below),
	};

	return RUN(tests);
}
