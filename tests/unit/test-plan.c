/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/plan.h"

#include "test.h"

#define SHA_1 "8b58c112fae742f2c9f3dd9ccea37f2b30aa64717d5ca3fbad75b8620fb9bc7b"
#define SHA_2 "4bc878511774a9af07f32fd14036e9a1bd0b5807d25c86d40ab078b35778737d"
#define SHA_3 "3333333333333333333333333333333333333333333333333333333333333333"
#define MD5_1 "93cbd8c52fad4aaa98acab2fca103ef6"
#define MD5_2 "e9fd4563f7a5804ef3bd884f06846450"

/* What is here: "orders", one file with SHA_1 and MD5_1. */
struct here {
	struct local_file file;
	struct local_table table;
	struct local local;
};

static void here_init(struct here *h)
{
	*h = (struct here){ .file = { .path = (char *)(uintptr_t) "",
				      .sha256 = SHA_1,
				      .md5 = MD5_1,
				      .mark = { 10, 1, 1 } },
			    .table = { .name = (char *)(uintptr_t) "orders",
				       .id = (char *)(uintptr_t) "orders",
				       .version = (char *)(uintptr_t)SHA_1,
				       .hash = (char *)(uintptr_t)MD5_1,
				       .updated = (char *)(uintptr_t) "u1",
				       .rows = 2,
				       .size_bytes = 10,
				       .file_count = 1 } };
	h->table.files = &h->file;
	h->local = (struct local){ .tables = &h->table, .count = 1, .file_count = 1 };
}

struct there {
	struct manifest *m;
	struct plan *plan;
};

static void there_release(struct there *t)
{
	plan_free(t->plan);
	manifest_free(t->m);
}
#define AUTO_THERE AUTO(there_release)

static struct there plan_for(const struct local *local, const char *tables)
{
	AUTO_FREE char *text = xasprintf("{\"tables\":{%s}}", tables);
	struct there t = { 0 };
	struct err e = { 0 };

	CHECK_OK(manifest_parse(bytes_of(text), &t.m, &e));
	t.plan = plan_make(local, t.m);
	return t;
}

#define ENTRY(hashes) "\"orders\":{" hashes ",\"rows\":2,\"size_bytes\":10,\"updated\":\"u1\"}"
#define BOTH_1        "\"hash\":\"" MD5_1 "\",\"sha256\":\"" SHA_1 "\""

static void expect(const char *tables, enum local_state state, enum plan_action action,
		   const char *reason)
{
	struct here h;
	AUTO_THERE struct there t = { 0 };

	here_init(&h);
	h.file.state = state;
	t = plan_for(&h.local, tables);
	CHECK_INT(t.plan->count, 1);
	CHECK_STR(plan_action_word(t.plan->tables[0].action), plan_action_word(action));
	CHECK_STR(t.plan->tables[0].reason, reason);
}

TEST(the_same_hash_and_a_good_file_are_kept)
{
	expect(ENTRY(BOTH_1), LOCAL_GOOD, PLAN_KEEP, "unchanged");
}

TEST(another_sha256_is_fetched)
{
	expect(ENTRY("\"hash\":\"" MD5_1 "\",\"sha256\":\"" SHA_2 "\""), LOCAL_GOOD, PLAN_FETCH,
	       "changed");
}

TEST(without_sha256_the_md5_decides)
{
	expect(ENTRY("\"hash\":\"" MD5_1 "\""), LOCAL_GOOD, PLAN_KEEP, "unchanged");
	expect(ENTRY("\"hash\":\"" MD5_2 "\""), LOCAL_GOOD, PLAN_FETCH, "changed");
}

TEST(without_any_hash_time_and_size_decide)
{
	struct here h;
	AUTO_THERE struct there same = { 0 };
	AUTO_THERE struct there other = { 0 };

	here_init(&h);
	h.table.hash = (char *)(uintptr_t) "";
	same = plan_for(&h.local, "\"orders\":{\"updated\":\"u1\",\"size_bytes\":10,\"rows\":2}");
	CHECK_INT(same.plan->tables[0].action, PLAN_KEEP);
	other = plan_for(&h.local, "\"orders\":{\"updated\":\"u2\",\"size_bytes\":10,\"rows\":2}");
	CHECK_INT(other.plan->tables[0].action, PLAN_FETCH);
}

TEST(a_table_without_any_mark_is_fetched_each_time)
{
	expect("\"orders\":{\"hash\":null}", LOCAL_GOOD, PLAN_FETCH, "changed");
}

TEST(an_opaque_hash_marks_the_state)
{
	struct here h;
	AUTO_THERE struct there same = { 0 };

	here_init(&h);
	h.table.hash = (char *)(uintptr_t) "0123456789ab";
	same = plan_for(&h.local, ENTRY("\"hash\":\"0123456789ab\""));
	CHECK_INT(same.plan->tables[0].action, PLAN_KEEP);
	expect(ENTRY("\"hash\":\"ba9876543210\""), LOCAL_GOOD, PLAN_FETCH, "changed");
}

TEST(a_missing_or_wrong_file_is_fetched_again)
{
	expect(ENTRY(BOTH_1), LOCAL_MISSING, PLAN_FETCH, "missing or damaged");
}

TEST(a_missing_link_is_set_without_fetching)
{
	struct here h;
	AUTO_THERE struct there t = { 0 };

	here_init(&h);
	h.file.state = LOCAL_UNLINKED;
	t = plan_for(&h.local, ENTRY(BOTH_1));
	CHECK_INT(t.plan->tables[0].action, PLAN_FETCH);
	CHECK_STR(t.plan->tables[0].reason, "not linked");
	CHECK(t.plan->tables[0].files[0].have == &h.file);
	CHECK_INT(plan_table_bytes(&t.plan->tables[0]), 0);
}

TEST(facts_that_changed_without_the_bytes_are_recorded)
{
	expect("\"orders\":{" BOTH_1 ",\"rows\":3,\"size_bytes\":10,\"updated\":\"u1\"}",
	       LOCAL_GOOD, PLAN_RECORD, "unchanged");
}

TEST(a_table_no_longer_offered_is_removed)
{
	expect("", LOCAL_GOOD, PLAN_REMOVE, "no longer offered");
	expect("\"orders\":{\"query_mode\":\"remote\"}", LOCAL_GOOD, PLAN_REMOVE,
	       "no longer offered");
}

TEST(a_table_listed_badly_keeps_what_is_here)
{
	expect("\"orders\":{\"sha256\":7}", LOCAL_GOOD, PLAN_KEEP,
	       "its entry in the manifest cannot be used");
}

TEST(a_new_table_listed_badly_is_not_planned)
{
	struct local none = { 0 };
	AUTO_THERE struct there t = plan_for(&none, "\"orders\":{\"sha256\":7}");

	CHECK_INT(t.plan->count, 0);
}

TEST(of_parts_only_those_that_differ_are_fetched)
{
	struct here h;
	struct local_file files[2] = { { .path = (char *)(uintptr_t) "a", .sha256 = SHA_1 },
				       { .path = (char *)(uintptr_t) "b", .sha256 = SHA_2 } };
	AUTO_THERE struct there t = { 0 };

	here_init(&h);
	h.table.files = files;
	h.table.file_count = 2;
	h.table.in_parts = true;
	h.local.file_count = 2;
	t = plan_for(&h.local, "\"orders\":{\"parts\":[{\"path\":\"a\",\"sha256\":\"" SHA_1
			       "\",\"size_bytes\":5},{\"path\":\"b\",\"sha256\":\"" SHA_1
			       "\",\"size_bytes\":7},{\"path\":\"c\",\"sha256\":\"" SHA_3
			       "\",\"size_bytes\":9}]}");
	CHECK_INT(t.plan->tables[0].action, PLAN_FETCH);
	CHECK(t.plan->tables[0].files[0].have == &files[0]);
	/* The same bytes at another path need not come again. */
	CHECK(t.plan->tables[0].files[1].have == &files[0]);
	CHECK(!t.plan->tables[0].files[2].have);
	CHECK_INT(plan_table_bytes(&t.plan->tables[0]), 9);
}

TEST(bytes_that_lie_elsewhere_serve_all_who_want_them)
{
	struct here h;
	AUTO_THERE struct there t = { 0 };
	AUTO_THERE struct there gone = { 0 };

	here_init(&h);
	t = plan_for(&h.local,
		     "\"a\":{\"sha256\":\"" SHA_2 "\"},\"b\":{\"sha256\":\"" SHA_1
		     "\"},\"c\":{\"sha256\":\"" SHA_3 "\"},\"d\":{\"sha256\":\"" SHA_1 "\"},"
		     "\"e\":{}");
	CHECK(!t.plan->tables[0].files[0].have && !t.plan->tables[2].files[0].have);
	CHECK(t.plan->tables[1].files[0].have == &h.file);
	CHECK(t.plan->tables[3].files[0].have == &h.file);
	CHECK(!t.plan->tables[4].files[0].have);
	h.file.state = LOCAL_MISSING;
	gone = plan_for(&h.local, "\"b\":{\"sha256\":\"" SHA_1 "\"}");
	CHECK(!gone.plan->tables[0].files[0].have);
}

TEST(a_table_of_which_only_is_told_that_it_is_as_before_is_kept)
{
	struct here h;
	AUTO_THERE struct there t = { 0 };

	here_init(&h);
	t = plan_for(&h.local, ENTRY("\"sha256\":\"" SHA_2 "\""));
	CHECK_INT(t.plan->tables[0].action, PLAN_FETCH);
	plan_free(t.plan);
	t.m->tables[0].as_before = true;
	t.plan = plan_make(&h.local, t.m);
	CHECK_INT(t.plan->tables[0].action, PLAN_KEEP);
	CHECK_STR(t.plan->tables[0].reason, "unchanged");
}

TEST(new_kept_and_removed_come_in_the_order_of_names)
{
	struct here h;
	AUTO_THERE struct there t = { 0 };

	here_init(&h);
	t = plan_for(&h.local, "\"zebra\":{},\"apple\":{}");
	CHECK_INT(t.plan->count, 3);
	CHECK_STR(plan_table_name(&t.plan->tables[0]), "apple");
	CHECK_STR(t.plan->tables[0].reason, "new");
	CHECK_STR(plan_table_name(&t.plan->tables[1]), "orders");
	CHECK_INT(t.plan->tables[1].action, PLAN_REMOVE);
	CHECK_STR(plan_table_name(&t.plan->tables[2]), "zebra");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_same_hash_and_a_good_file_are_kept),
		CASE(another_sha256_is_fetched),
		CASE(without_sha256_the_md5_decides),
		CASE(without_any_hash_time_and_size_decide),
		CASE(a_table_without_any_mark_is_fetched_each_time),
		CASE(an_opaque_hash_marks_the_state),
		CASE(a_missing_or_wrong_file_is_fetched_again),
		CASE(a_missing_link_is_set_without_fetching),
		CASE(facts_that_changed_without_the_bytes_are_recorded),
		CASE(a_table_no_longer_offered_is_removed),
		CASE(a_table_listed_badly_keeps_what_is_here),
		CASE(a_new_table_listed_badly_is_not_planned),
		CASE(of_parts_only_those_that_differ_are_fetched),
		CASE(bytes_that_lie_elsewhere_serve_all_who_want_them),
		CASE(a_table_of_which_only_is_told_that_it_is_as_before_is_kept),
		CASE(new_kept_and_removed_come_in_the_order_of_names),
	};

	return RUN(tests);
}
