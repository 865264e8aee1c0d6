/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/manifest.h"

#include "test.h"

#define SHA "8b58c112fae742f2c9f3dd9ccea37f2b30aa64717d5ca3fbad75b8620fb9bc7b"
#define MD5 "93cbd8c52fad4aaa98acab2fca103ef6"

static struct manifest *parse(const char *text)
{
	struct manifest *m = NULL;
	struct err e = { 0 };

	CHECK_OK(manifest_parse(bytes_of(text), &m, &e));
	return m;
}

/* The one table of a manifest with this entry. */
static struct manifest *parse_entry(const char *entry)
{
	AUTO_FREE char *text = xasprintf("{\"tables\":{\"orders\":%s}}", entry);

	return parse(text);
}

TEST(a_table_of_our_hub_is_read_whole)
{
	AUTO_MANIFEST struct manifest *m = parse(
		"{\"tables\":{\"orders\":{\"id\":\"t1\",\"hash\":\"" MD5 "\",\"sha256\":\"" SHA
		"\",\"size_bytes\":358,\"rows\":2,\"updated\":\"2026\",\"query_mode\":"
		"\"materialized\",\"extra\":[1]}},\"bundle_etag\":\"\\\"x\\\"\",\"more\":{}}");
	const struct manifest_table *t = &m->tables[0];

	CHECK_INT(m->count, 1);
	CHECK_STR(t->name, "orders");
	CHECK_STR(t->id, "t1");
	CHECK_STR(t->version, SHA);
	CHECK_STR(t->query_mode, "materialized");
	CHECK_INT(t->rows, 2);
	CHECK_INT(t->file_count, 1);
	CHECK_STR(t->files[0].path, "");
	CHECK_STR(t->files[0].sha256, SHA);
	CHECK_STR(t->files[0].md5, MD5);
	CHECK_INT(t->files[0].size_bytes, 358);
	CHECK_STR(m->bundle_etag, "\"x\"");
	CHECK(!t->unusable && !t->in_parts && m->warnings.n == 0);
}

TEST(a_description_that_cannot_be_shown_is_none)
{
	AUTO_FREE char *fits = xcalloc(MANIFEST_DESCRIPTION_MAX + 2, 1);
	AUTO_FREE char *text = NULL;
	AUTO_MANIFEST struct manifest *m = NULL;
	struct err e = { 0 };

	memset(fits, 'x', MANIFEST_DESCRIPTION_MAX);
	text = xasprintf(
		"{\"tables\":{\"a\":{\"description\":\"%s\"},\"b\":{\"description\":\"%sx\"},"
		"\"c\":{\"description\":7},\"d\":{\"description\":\"a\\u0007\"},\"e\":{}}}",
		fits, fits);
	CHECK_OK(manifest_parse(bytes_of(text), &m, &e));
	CHECK_STR(m->tables[0].description, fits);
	for (size_t i = 1; i < 5; i++)
		CHECK_STR(m->tables[i].description, "");
	CHECK_INT(m->warnings.n, 0);
}

TEST(an_older_server_gives_no_id_no_sha256_and_nulls)
{
	AUTO_MANIFEST struct manifest *m =
		parse_entry("{\"hash\":null,\"rows\":null,\"size_bytes\":null,\"updated\":null}");
	const struct manifest_table *t = &m->tables[0];

	CHECK_STR(t->id, "orders");
	CHECK_STR(t->query_mode, "local");
	CHECK_STR(t->hash, "");
	CHECK_STR(t->files[0].md5, "");
	CHECK_INT(t->files[0].size_bytes, -1);
	CHECK_INT(t->rows, -1);
	CHECK(!t->unusable);
	CHECK_STR(m->bundle_etag, "");
}

TEST(a_hash_that_is_no_md5_only_marks_the_state)
{
	AUTO_MANIFEST struct manifest *m = parse_entry("{\"hash\":\"0123456789ab\"}");

	CHECK_STR(m->tables[0].hash, "0123456789ab");
	CHECK_STR(m->tables[0].files[0].md5, "");
	CHECK(!m->tables[0].unusable);
}

TEST(names_that_cannot_be_files_are_passed_over_one_by_one)
{
	AUTO_MANIFEST struct manifest *m =
		parse("{\"tables\":{\"../../x\":{},\"a\\\"b\":{},\"a'b\":{},\".hidden\":{},\"\":{},"
		      "\"a/b\":{},\"in.c-crm.orders\":{},\"ok\":{}}}");

	CHECK_INT(m->count, 2);
	CHECK_STR(m->tables[0].name, "in.c-crm.orders");
	CHECK_STR(m->tables[1].name, "ok");
	CHECK_INT(m->warnings.n, 6);
	CHECK_HAS(m->warnings.v[0], "../../x");
}

TEST(a_name_of_128_bytes_is_the_longest)
{
	char name[130];
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *longer = NULL;
	AUTO_MANIFEST struct manifest *m = NULL;
	AUTO_MANIFEST struct manifest *none = NULL;

	memset(name, 'a', 128);
	name[128] = '\0';
	text = xasprintf("{\"tables\":{\"%s\":{}}}", name);
	m = parse(text);
	CHECK_INT(m->count, 1);
	longer = xasprintf("{\"tables\":{\"%sa\":{}}}", name);
	none = parse(longer);
	CHECK_INT(none->count, 0);
	CHECK_INT(none->warnings.n, 1);
}

TEST(of_names_that_differ_in_capitals_only_none_is_taken)
{
	AUTO_MANIFEST struct manifest *m =
		parse("{\"tables\":{\"orders\":{},\"Orders\":{},\"orders2\":{}}}");

	CHECK_INT(m->count, 3);
	CHECK(m->tables[0].unusable && m->tables[1].unusable && !m->tables[2].unusable);
	CHECK_INT(m->warnings.n, 1);
	CHECK(strstr(m->warnings.v[0], "capitals aside"));
}

TEST(a_bad_entry_with_a_good_name_is_listed_as_unusable)
{
	static const char *const bad[] = {
		"7",
		"{\"sha256\":\"xyz\"}",
		"{\"sha256\":5}",
		"{\"id\":\"../x\"}",
		"{\"size_bytes\":-1}",
		"{\"size_bytes\":\"big\"}",
		"{\"size_bytes\":274877906945}",
		"{\"rows\":-5}",
		"{\"hash\":[]}",
		"{\"updated\":{}}",
		"{\"parts\":\"no\"}",
		"{\"parts\":[{\"path\":\"../x\"}]}",
		"{\"parts\":[{\"path\":\"/x\"}]}",
		"{\"parts\":[{\"path\":\"a//b\"}]}",
		"{\"parts\":[{\"path\":\"a\",\"hash\":\"short\"}]}",
		"{\"parts\":[{\"path\":\"a\"},{\"path\":\"a\"}]}",
		"{\"parts\":[{\"path\":\"a\"},{\"path\":\"a/b\"}]}",
		"{\"parts\":[7]}",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO_MANIFEST struct manifest *m = parse_entry(bad[i]);

		if (m->count != 1 || !m->tables[0].unusable || m->warnings.n != 1)
			fail_msg("%s was taken", bad[i]);
	}
}

TEST(parts_are_sorted_by_path)
{
	AUTO_MANIFEST struct manifest *m = parse_entry(
		"{\"parts\":[{\"path\":\"y=2/b.parquet\",\"sha256\":\"" SHA
		"\",\"size_bytes\":1},{\"path\":\"y=1/a.parquet\",\"hash\":\"" MD5 "\"}]}");
	const struct manifest_table *t = &m->tables[0];

	CHECK(t->in_parts && !t->unusable);
	CHECK_INT(t->file_count, 2);
	CHECK_STR(t->files[0].path, "y=1/a.parquet");
	CHECK_STR(t->files[0].md5, MD5);
	CHECK_STR(t->files[1].sha256, SHA);
	CHECK(manifest_file_find(t, "y=2/b.parquet") == &t->files[1]);
	CHECK(!manifest_file_find(t, "y=3/c.parquet"));
}

/* The only part of a table, with such a patch. */
static bool takes_patch(const char *patch)
{
	AUTO_FREE char *entry = xasprintf("{\"parts\":[{\"path\":\"p\",\"sha256\":\"" SHA
					  "\",\"size_bytes\":1000,\"patch\":%s}]}",
					  patch);
	AUTO_MANIFEST struct manifest *m = parse_entry(entry);

	CHECK(m->count == 1 && !m->tables[0].unusable);
	return *m->tables[0].files[0].patch_sha256;
}

TEST(a_patch_that_cannot_be_one_is_as_good_as_none)
{
	CHECK(takes_patch("{\"from\":\"" SHA "\",\"sha256\":\"" SHA "\",\"size_bytes\":1000}"));
	CHECK(!takes_patch("{\"from\":\"" SHA "\",\"sha256\":\"" SHA "\",\"size_bytes\":1001}"));
	CHECK(!takes_patch("{\"from\":\"" SHA "\",\"sha256\":\"" SHA "\",\"size_bytes\":-1}"));
	CHECK(!takes_patch("{\"from\":\"" SHA "\",\"sha256\":\"" SHA "\"}"));
	CHECK(!takes_patch("{\"from\":\"../x\",\"sha256\":\"" SHA "\",\"size_bytes\":1}"));
	CHECK(!takes_patch("{\"sha256\":\"" SHA "\",\"size_bytes\":1}"));
	CHECK(!takes_patch("{\"from\":\"" SHA "\",\"size_bytes\":1}"));
	CHECK(!takes_patch("7"));
}

TEST(tables_that_stay_on_the_server_are_not_listed)
{
	AUTO_MANIFEST struct manifest *m =
		parse("{\"tables\":{\"r\":{\"query_mode\":\"remote\"},\"s\":{\"server_only\":true},"
		      "\"l\":{\"query_mode\":\"local\"}}}");

	CHECK_INT(m->count, 1);
	CHECK_STR(m->tables[0].name, "l");
	CHECK_INT(m->kept_on_server, 1);
}

TEST(a_mirror_is_the_plain_address_of_a_server_or_none)
{
	static const char *const bad[] = { "7",
					   "\"ftp://h/\"",
					   "\"http://u:p@h/\"",
					   "\"http://h/?a\"",
					   "\"http://h/#a\"",
					   "\"http://\"",
					   "\"http://h/a b\"",
					   "\"file:///etc\"",
					   "\"\"",
					   "[]" };
	AUTO_MANIFEST struct manifest *m =
		parse("{\"mirror\":\"HTTPS://Files.example/Larder//\",\"tables\":{\"a\":{},"
		      "\"b\":{\"mirror\":false}}}");
	AUTO_MANIFEST struct manifest *none = parse("{\"mirror\":null,\"tables\":{}}");

	CHECK_STR(m->mirror, "https://files.example/Larder");
	CHECK(m->tables[0].mirrored && !m->tables[1].mirrored);
	CHECK(!m->mirror_fault && !none->mirror_fault);
	CHECK_STR(none->mirror, "");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO_FREE char *text = xasprintf("{\"mirror\":%s,\"tables\":{}}", bad[i]);
		AUTO_MANIFEST struct manifest *with = parse(text);

		CHECK_STR(with->mirror, "");
		CHECK(with->mirror_fault);
		CHECK_INT(with->warnings.n, 0);
	}
}

TEST(a_mirror_of_1000_bytes_is_the_longest)
{
	for (int more = 0; more < 2; more++) {
		AUTO_FREE char *text = xasprintf("{\"mirror\":\"http://h/%0*d\",\"tables\":{}}",
						 MANIFEST_MIRROR_MAX - 9 + more, 0);
		AUTO_MANIFEST struct manifest *m = parse(text);

		CHECK_INT(strlen(m->mirror), more ? 0 : MANIFEST_MIRROR_MAX);
		CHECK((m->mirror_fault != NULL) == (more == 1));
	}
}

TEST(what_is_no_manifest_is_refused)
{
	static const char *const texts[] = {
		"", "{", "[]", "{}", "{\"tables\":[]}", "null", "{\"tables\":{}} x", "<html>"
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct manifest *m = NULL;
		struct err e = { 0 };

		CHECK_ERR(manifest_parse(bytes_of(texts[i]), &m, &e), ERR_CORRUPT);
		CHECK(!m);
	}
}

TEST(nesting_without_end_is_refused)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct manifest *m = NULL;
	struct err e = { 0 };

	buf_adds(&text, "{\"tables\":{\"a\":");
	for (int i = 0; i < 100000; i++)
		buf_addc(&text, '[');
	CHECK_ERR(manifest_parse(buf_bytes(&text), &m, &e), ERR_LIMIT);
}

TEST(more_tables_than_the_limit_are_refused)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct manifest *m = NULL;
	struct err e = { 0 };

	buf_adds(&text, "{\"tables\":{");
	for (int i = 0; i <= MANIFEST_TABLES_MAX; i++)
		buf_addf(&text, "%s\"t%d\":{}", i ? "," : "", i);
	buf_adds(&text, "}}");
	CHECK_ERR(manifest_parse(buf_bytes(&text), &m, &e), ERR_LIMIT);
	CHECK_HAS(e.msg, "100000");
}

TEST(a_manifest_cut_at_any_byte_is_refused)
{
	static const char text[] = "{\"tables\":{\"a\":{\"hash\":\"" MD5 "\",\"parts\":["
				   "{\"path\":\"p\",\"sha256\":\"" SHA "\"}]}}}";

	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		struct manifest *m = NULL;
		struct err e = { 0 };

		CHECK(manifest_parse((struct bytes){ text, n }, &m, &e) < 0);
	}
}

TEST(warnings_are_counted_after_the_first_fifty)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_MANIFEST struct manifest *m = NULL;

	buf_adds(&text, "{\"tables\":{");
	for (int i = 0; i < 60; i++)
		buf_addf(&text, "%s\".%d\":{}", i ? "," : "", i);
	buf_adds(&text, "}}");
	m = parse(buf_str(&text));
	CHECK_INT(m->warnings.n, MANIFEST_WARNINGS_MAX);
	CHECK_INT(m->warnings_left_out, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_table_of_our_hub_is_read_whole),
		CASE(a_description_that_cannot_be_shown_is_none),
		CASE(an_older_server_gives_no_id_no_sha256_and_nulls),
		CASE(a_hash_that_is_no_md5_only_marks_the_state),
		CASE(names_that_cannot_be_files_are_passed_over_one_by_one),
		CASE(a_name_of_128_bytes_is_the_longest),
		CASE(of_names_that_differ_in_capitals_only_none_is_taken),
		CASE(a_bad_entry_with_a_good_name_is_listed_as_unusable),
		CASE(parts_are_sorted_by_path),
		CASE(tables_that_stay_on_the_server_are_not_listed),
		CASE(a_patch_that_cannot_be_one_is_as_good_as_none),
		CASE(a_mirror_is_the_plain_address_of_a_server_or_none),
		CASE(a_mirror_of_1000_bytes_is_the_longest),
		CASE(what_is_no_manifest_is_refused),
		CASE(nesting_without_end_is_refused),
		CASE(more_tables_than_the_limit_are_refused),
		CASE(a_manifest_cut_at_any_byte_is_refused),
		CASE(warnings_are_counted_after_the_first_fifty),
	};

	return RUN(tests);
}
