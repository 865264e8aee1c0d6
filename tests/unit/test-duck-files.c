/* SPDX-License-Identifier: Apache-2.0 */
#include "duck-help.h"

#include "base/file.h"
#include "base/hash.h"
#include "test.h"
#include <fcntl.h>

static int convert(const char *input, enum duck_format format, const char *output,
		   struct duck_file_info *ret_info, struct err *e)
{
	AUTO_STRV struct strv inputs = STRV_INIT;

	strv_add(&inputs, input);
	return duck_convert(
		&(struct duck_convert){ .inputs = &inputs, .format = format, .output = output },
		ret_info, e);
}

TEST(the_version_names_both)
{
	AUTO_FREE char *text = NULL;
	struct err e = { 0 };

	assert_int_equal(duck_version(&text, &e), 0);
	assert_ptr_equal(strstr(text, "larder-duck "), text);
	assert_non_null(strstr(text, "DuckDB v1."));
}

TEST(a_footer_is_described)
{
	const char *path = make_parquet(*state, "a b's.parquet", "n,t\n1,x\n2,y\n");
	AUTO(duck_file_info_release) struct duck_file_info info = { 0 };
	struct err e = { 0 };

	assert_int_equal(duck_describe(path, &info, &e), 0);
	assert_int_equal(info.rows, 2);
	assert_int_equal(info.row_groups, 1);
	assert_non_null(strstr(info.created_by, "DuckDB"));
	assert_int_equal(info.column_count, 2);
	assert_string_equal(info.columns[0].name, "n");
	assert_string_equal(info.columns[0].type, "BIGINT");
	assert_string_equal(info.columns[1].type, "VARCHAR");
}

/* Copies all but the last `less` bytes of a file, with the byte at `flip` changed. */
static const char *damaged(const struct place *p, const char *path, size_t less, long flip)
{
	const char *copy = in_place(p, "damaged.parquet");
	AUTO_BUF struct buf bytes = BUF_INIT(1 << 20);
	struct err e = { 0 };

	assert_int_equal(file_read(AT_FDCWD, path, 1 << 20, &bytes, &e), 0);
	if (flip >= 0)
		bytes.p[flip] = (char)(bytes.p[flip] ^ 0x40);
	bytes.n -= less;
	assert_int_equal(file_replace(AT_FDCWD, copy, buf_bytes(&bytes), 0600, &e), 0);
	return copy;
}

TEST(damaged_files_are_corrupt)
{
	const char *path = make_parquet(*state, "a.parquet", "n\n1\n2\n");
	AUTO(duck_file_info_release) struct duck_file_info info = { 0 };
	const char *junk = in_place(*state, "junk.parquet");
	struct err e = { 0 };

	assert_int_equal(duck_describe(damaged(*state, path, 1, -1), &info, &e), ERR_CORRUPT);
	assert_int_equal(duck_describe(damaged(*state, path, 100, -1), &info, &e), ERR_CORRUPT);
	assert_int_equal(duck_describe(damaged(*state, path, 0, 1), &info, &e), ERR_CORRUPT);
	write_text(junk, "PAR1 is not all of it");
	assert_int_equal(duck_describe(junk, &info, &e), ERR_CORRUPT);
	write_text(junk, "");
	assert_int_equal(duck_describe(junk, &info, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "junk.parquet"));
	assert_int_equal(duck_describe(in_place(*state, "absent"), &info, &e), ERR_CORRUPT);
}

TEST(one_bad_file_does_not_hide_the_others)
{
	AUTO_STRV struct strv paths = STRV_INIT;
	struct duck_described results[3];
	struct err e = { 0 };

	strv_add(&paths, make_parquet(*state, "a.parquet", "n\n1\n"));
	strv_add(&paths, in_place(*state, "source.csv"));
	strv_add(&paths, make_parquet(*state, "b.parquet", "n\n1\n2\n3\n"));
	assert_int_equal(duck_describe_many(&paths, results, &e), 0);
	assert_null(results[0].error);
	assert_int_equal(results[0].info.rows, 1);
	assert_non_null(strstr(results[1].error, "source.csv"));
	assert_int_equal(results[2].info.rows, 3);
	for (size_t i = 0; i < 3; i++) {
		duck_file_info_release(&results[i].info);
		free(results[i].error);
	}
}

TEST(a_bad_line_of_csv_is_named)
{
	const char *csv = in_place(*state, "bad.csv"), *out = in_place(*state, "o.parquet");
	AUTO(duck_file_info_release) struct duck_file_info info = { 0 };
	struct err e = { 0 };

	write_text(csv, "a,b\n1,2\n3,4,5\n");
	assert_int_equal(convert(csv, DUCK_CSV, out, &info, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "bad.csv"));
	assert_non_null(strstr(e.msg, "Line: 3"));
	assert_null(strchr(e.msg, '\n'));
	write_text(csv, "");
	assert_int_equal(convert(csv, DUCK_CSV, out, &info, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "is empty"));
	assert_int_equal(access(out, F_OK), -1);
}

TEST(csv_keeps_what_is_written)
{
	const char *csv = in_place(*state, "a.csv"), *out = in_place(*state, "o.parquet");
	AUTO(duck_file_info_release) struct duck_file_info info = { 0 };
	struct err e = { 0 };

	write_text(csv, "\xef\xbb\xbfzip;order;a\"b\n00501;1,5;x\n10001;2;\"y;z\"\n");
	assert_int_equal(convert(csv, DUCK_CSV, out, &info, &e), 0);
	assert_int_equal(info.rows, 2);
	assert_string_equal(info.columns[0].name, "zip");
	assert_string_equal(info.columns[0].type, "VARCHAR"); /* leading zeros are no number */
	assert_string_equal(info.columns[2].name, "a\"b");
	duck_file_info_release(&info);
	write_text(csv, "only,a header\n");
	assert_int_equal(convert(csv, DUCK_CSV, out, &info, &e), 0);
	assert_int_equal(info.rows, 0);
	assert_int_equal(info.column_count, 2);
}

TEST(json_and_lines_of_json_are_read)
{
	const char *in = in_place(*state, "in"), *out = in_place(*state, "o.parquet");
	AUTO(duck_file_info_release) struct duck_file_info info = { 0 };
	struct err e = { 0 };

	write_text(in, "[{\"a\":1,\"b\":{\"c\":[1]}},{\"a\":\"x\"}]");
	assert_int_equal(convert(in, DUCK_JSON, out, &info, &e), 0);
	assert_string_equal(info.columns[0].type, "VARCHAR");
	assert_string_equal(info.columns[1].type, "STRUCT(c BIGINT[])");
	duck_file_info_release(&info);
	write_text(in, "{\"a\":1}\n{\"a\":2,\"z\":true}\n");
	assert_int_equal(convert(in, DUCK_NDJSON, out, &info, &e), 0);
	assert_int_equal(info.rows, 2);
	assert_int_equal(info.column_count, 2);
	write_text(in, "{\"a\":1}\n{\"a\":\n");
	duck_file_info_release(&info);
	assert_int_equal(convert(in, DUCK_NDJSON, out, &info, &e), ERR_CORRUPT);
	write_text(in, "[]");
	assert_int_equal(convert(in, DUCK_JSON, out, &info, &e), ERR_CORRUPT);
}

TEST(json_that_nests_deep_becomes_a_type_of_64_levels)
{
	enum { DEPTH = 2000 }; /* all of it as a type would take minutes */
	const char *in = in_place(*state, "in"), *out = in_place(*state, "o.parquet");
	AUTO(duck_file_info_release) struct duck_file_info info = { 0 };
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct err e = { 0 };
	size_t levels = 0;

	for (int i = 0; i < DEPTH; i++)
		buf_adds(&text, "{\"a\":");
	buf_adds(&text, "1");
	for (int i = 0; i < DEPTH; i++)
		buf_addc(&text, '}');
	write_text(in, buf_str(&text));
	if (convert(in, DUCK_JSON, out, &info, &e) < 0)
		fail_msg("%s", e.msg);
	for (const char *p = info.columns[0].type; (p = strstr(p, "STRUCT(")); p++)
		levels++;
	assert_in_range(levels, 32, 64);
}

static void hash_of(const char *path, char out[HASH_HEX_MAX])
{
	AUTO_BUF struct buf bytes = BUF_INIT(8 << 20);
	struct err e = { 0 };

	assert_int_equal(file_read(AT_FDCWD, path, 8 << 20, &bytes, &e), 0);
	hash_text(HASH_SHA256, buf_bytes(&bytes), out);
}

TEST(the_same_input_gives_the_same_bytes_in_the_order_asked)
{
	AUTO_STRV struct strv inputs = STRV_INIT, order = STRV_INIT, none = STRV_INIT;
	AUTO_BUF struct buf csv = BUF_INIT(8 << 20);
	const char *out = in_place(*state, "o.parquet");
	struct duck_convert request = {
		.inputs = &inputs, .format = DUCK_CSV, .order_by = &order, .output = out
	};
	char hashes[2][HASH_HEX_MAX];
	AUTO_ROWS struct rows rows = { 0 };
	struct err e = { 0 };

	buf_adds(&csv, "k,v\n");
	for (int i = 0; i < 150000; i++)
		buf_addf(&csv, "%d,%d\n", i % 3, i);
	write_text(in_place(*state, "a.csv"), buf_str(&csv));
	strv_add(&inputs, in_place(*state, "a.csv"));
	strv_add(&order, "-k");
	for (int i = 0; i < 2; i++) {
		AUTO(duck_file_info_release) struct duck_file_info info = { 0 };

		assert_int_equal(duck_convert(&request, &info, &e), 0);
		assert_int_equal(info.rows, 150000);
		hash_of(out, hashes[i]);
	}
	assert_string_equal(hashes[0], hashes[1]);

	strv_add(&none, out);
	struct duck_table table = { .name = "t", .files = &none };
	struct duck_query query = { .sql = "FROM t LIMIT 2", .tables = &table, .table_count = 1 };

	assert_int_equal(ask(&query, &rows, &e), 0);
	assert_string_equal(buf_str(&rows.text), "[2,2][2,5]"); /* equal keys: as in the input */
	strv_release(&order);
	strv_add(&order, "nope");
	struct duck_file_info info = { 0 };

	assert_int_equal(duck_convert(&request, &info, &e), ERR_USAGE);
	assert_non_null(strstr(e.msg, "'nope'"));
}

TEST(parts_with_other_columns_become_one_table)
{
	AUTO(duck_file_info_release) struct duck_file_info info = { 0 };
	AUTO_STRV struct strv inputs = STRV_INIT;
	struct err e = { 0 };

	strv_add(&inputs, make_parquet(*state, "a.parquet", "a,b\n1,x\n"));
	strv_add(&inputs, make_parquet(*state, "b.parquet", "b,c\ny,2\n"));
	assert_int_equal(duck_convert(&(struct duck_convert){ .inputs = &inputs,
							      .format = DUCK_PARQUET,
							      .output = in_place(*state, "o") },
				      &info, &e),
			 0);
	assert_int_equal(info.rows, 2);
	assert_int_equal(info.column_count, 3);
}

static char number[] = "INTEGER", name_n[] = "n";
static const struct duck_column number_column = { .name = name_n, .type = number };

static int stream(const char *output, const char *rows, int times, struct duck_file_info *ret_info,
		  struct err *e)
{
	const struct duck_convert request = { .format = DUCK_CSV,
					      .columns = &number_column,
					      .column_count = 1,
					      .output = output,
					      .deadline_ms = 60000 };
	AUTO_DUCK_STREAM struct duck_stream *s = NULL;
	int r = duck_stream_begin(&request, &s, e);

	for (int i = 0; r == 0 && i < times; i++)
		r = duck_stream_write(s, bytes_of(i ? rows : "n\n"), e);
	return r < 0 ? r : duck_stream_end(s, ret_info, e);
}

TEST(rows_that_come_one_after_the_other_become_a_file)
{
	AUTO(duck_file_info_release) struct duck_file_info info = { 0 };
	struct err e = { 0 };

	assert_int_equal(stream(in_place(*state, "s.parquet"), "1\n\\N\n3\n", 30001, &info, &e), 0);
	assert_int_equal(info.rows, 90000);
	assert_string_equal(info.columns[0].type, "INTEGER");
	duck_file_info_release(&info);
	info = (struct duck_file_info){ 0 };
	assert_int_equal(stream(in_place(*state, "none.parquet"), "", 1, &info, &e), 0);
	assert_int_equal(info.rows, 0);
}

TEST(a_row_that_does_not_fit_ends_a_stream_with_the_reason)
{
	AUTO(duck_file_info_release) struct duck_file_info info = { 0 };
	struct err e = { 0 };

	/* At its end, and in the middle of megabytes that nobody reads any more. */
	assert_int_equal(stream(in_place(*state, "a.parquet"), "1\nx\n", 2, &info, &e),
			 ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "x"));
	e = (struct err){ 0 };
	assert_int_equal(
		stream(in_place(*state, "b.parquet"), "1\nno number\n", 2000000, &info, &e),
		ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "no number"));
}

TEST(a_child_that_dies_is_told_of)
{
	const char *script = in_place(*state, "dies");
	AUTO_FREE char *text = NULL;
	struct err e = { 0 };

	write_text(script, "#!/bin/sh\necho last words >&2\nkill -9 $$\n");
	assert_int_equal(chmod(script, 0700), 0);
	(void)setenv("LARDER_DUCK", script, 1);
	assert_int_equal(duck_version(&text, &e), ERR_FAILED);
	assert_non_null(strstr(e.msg, "signal 9"));
	assert_non_null(strstr(e.msg, "last words"));
	(void)setenv("LARDER_DUCK", in_place(*state, "not-there"), 1);
	assert_int_equal(duck_version(&text, &e), ERR_NOT_FOUND);
	assert_non_null(strstr(e.msg, "not-there"));
	assert_non_null(strstr(e.hint, "LARDER_DUCK"));
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(the_version_names_both),
		IN_PLACE(a_footer_is_described),
		IN_PLACE(damaged_files_are_corrupt),
		IN_PLACE(one_bad_file_does_not_hide_the_others),
		IN_PLACE(a_bad_line_of_csv_is_named),
		IN_PLACE(csv_keeps_what_is_written),
		IN_PLACE(json_and_lines_of_json_are_read),
		IN_PLACE(json_that_nests_deep_becomes_a_type_of_64_levels),
		IN_PLACE(the_same_input_gives_the_same_bytes_in_the_order_asked),
		IN_PLACE(parts_with_other_columns_become_one_table),
		IN_PLACE(rows_that_come_one_after_the_other_become_a_file),
		IN_PLACE(a_row_that_does_not_fit_ends_a_stream_with_the_reason),
		IN_PLACE(a_child_that_dies_is_told_of),
	};

	return cmocka_run_group_tests_name("duck-files", tests, NULL, NULL);
}
