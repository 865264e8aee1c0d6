/* SPDX-License-Identifier: Apache-2.0 */
#include "duck-help.h"

#include "base/file.h"
#include "base/json.h"
#include "test.h"
#include <fcntl.h>

static struct strv names; /* what in_place() gave, until the place is removed */

int place_make(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));
	const char *bin = getenv("LARDER_BIN");
	char template[] = "/tmp/larder duck's [x]* \xc3\xbc XXXXXX";
	AUTO_FREE char *worker = xasprintf("%s/larder-duck", bin ? bin : "build/src");

	(void)setenv("LARDER_DUCK", worker, 1);
	assert_non_null(mkdtemp(template));
	p->folder = xstrdup(template);
	p->database = xasprintf("%s/analytics.duckdb", p->folder);
	p->staging = xasprintf("%s/changed.tmp", p->folder);
	*state = p;
	return 0;
}

int place_remove(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };

	assert_int_equal(tree_remove(AT_FDCWD, p->folder, &e), 0);
	free(p->folder);
	free(p->database);
	free(p->staging);
	free(p);
	strv_release(&names);
	return 0;
}

const char *in_place(const struct place *p, const char *name)
{
	strv_addf(&names, "%s/%s", p->folder, name);
	return names.v[names.n - 1];
}

void write_text(const char *path, const char *text)
{
	struct err e = { 0 };

	assert_int_equal(file_replace(AT_FDCWD, path, bytes_of(text), 0600, &e), 0);
}

const char *make_parquet(const struct place *p, const char *name, const char *csv)
{
	const char *source = in_place(p, "source.csv"), *output = in_place(p, name);
	AUTO(duck_file_info_release) struct duck_file_info info = { 0 };
	AUTO_STRV struct strv inputs = STRV_INIT;
	struct duck_convert request = { .inputs = &inputs, .format = DUCK_CSV, .output = output };
	struct err e = { 0 };

	write_text(source, csv);
	strv_add(&inputs, source);
	assert_int_equal(duck_convert(&request, &info, &e), 0);
	return output;
}

static struct proc *start_hold(const struct place *p, const char *const *statements,
			       const char *flag)
{
	AUTO_BUF struct buf request = BUF_INIT(BUF_OWN_MAX);
	const char *const argv[] = { getenv("LARDER_DUCK"), NULL };
	struct proc_options options = { .argv = argv, .deadline_ms = 60000 };
	struct json_out o = json_out(&request);
	struct proc *holder = NULL;
	struct bytes line;
	struct err e = { 0 };

	json_open(&o, NULL, '{');
	json_add_text(&o, "op", "hold");
	json_add_text(&o, "database", p->database);
	json_add_bool(&o, flag, true);
	json_open(&o, "sql", '[');
	for (size_t i = 0; statements && statements[i]; i++)
		json_add_text(&o, NULL, statements[i]);
	json_close(&o);
	json_close(&o);
	options.input = buf_bytes(&request);
	assert_int_equal(proc_start(&options, &holder, &e), 0);
	assert_int_equal(proc_read_line(holder, &line, &e), 1);
	if (memmem(line.p, line.n, "error", 5))
		fail_msg("%.*s", (int)line.n, line.p);
	return holder;
}

void run_in_database(const struct place *p, const char *const *statements)
{
	struct proc *done = start_hold(p, statements, "leave");
	struct err e = { 0 };
	int status = -1;

	assert_int_equal(proc_wait(done, &status, &e), 0);
	assert_int_equal(status, 0);
	proc_free(done);
}

struct proc *hold_database(const struct place *p, bool read_only)
{
	return start_hold(p, NULL, read_only ? "read_only" : "for_writing");
}

int put_view(const struct place *p, const char *name, const char *path,
	     struct duck_views_result *ret_result, struct err *e)
{
	AUTO_STRV struct strv files = STRV_INIT;
	struct duck_view view = { .name = name, .files = &files };
	struct duck_views request = { .database = p->database,
				      .staging = p->staging,
				      .ours = p->folder,
				      .views = &view,
				      .count = 1 };

	if (path)
		strv_add(&files, path);
	return duck_views(&request, ret_result, e);
}

static int take_columns(void *ctx, const struct duck_column *columns, size_t n, struct err *e)
{
	struct rows *rows = ctx;

	(void)e;
	for (size_t i = 0; i < n; i++)
		buf_addf(&rows->columns, "%s%s %s", i ? "," : "", columns[i].name, columns[i].type);
	return 0;
}

static int take_row(void *ctx, const struct json *values, struct err *e)
{
	struct rows *rows = ctx;

	(void)e;
	json_print(values, &rows->text, false);
	return 0;
}

int ask(struct duck_query *query, struct rows *ret_rows, struct err *e)
{
	*ret_rows =
		(struct rows){ .columns = BUF_INIT(BUF_OWN_MAX), .text = BUF_INIT(BUF_OWN_MAX) };
	query->ctx = ret_rows;
	query->on_columns = take_columns;
	query->on_row = take_row;
	return duck_query_run(query, &ret_rows->result, e);
}

void rows_release(struct rows *rows)
{
	buf_release(&rows->columns);
	buf_release(&rows->text);
	duck_query_result_release(&rows->result);
}
