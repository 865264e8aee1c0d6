/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

#include "base/time.h"
#include "workspace/status.h"
#include <inttypes.h>

struct status_args {
	bool json, verbose;
	const char *workspace;
};

static const struct opt options[] = {
	OPT_FLAG('j', "json", struct status_args, json, "one JSON object on stdout"),
	OPT_FLAG('v', "verbose", struct status_args, verbose, "a line for each table"),
	OPT_TEXT('w', "workspace", struct status_args, workspace, "DIR", "the workspace in DIR"),
	OPT_END,
};

/* The worst of its files. */
static const char *state_word(const struct local_table *table)
{
	bool touched = false;

	for (size_t i = 0; i < table->file_count; i++) {
		if (table->files[i].state == LOCAL_MISSING ||
		    table->files[i].state == LOCAL_UNLINKED)
			return "missing";
		touched |= table->files[i].state == LOCAL_TOUCHED;
	}
	return touched ? "touched" : "ok";
}

static void add_known(struct json_out *o, const char *key, int64_t value)
{
	if (value < 0)
		json_add_null(o, key);
	else
		json_add_int(o, key, value);
}

static void add_table(struct json_out *o, const struct local_table *table)
{
	json_open(o, NULL, '{');
	json_add_text(o, "name", table->name);
	add_known(o, "rows", table->rows);
	add_known(o, "size_bytes", table->size_bytes);
	json_add_text(o, "updated", table->updated && *table->updated ? table->updated : NULL);
	json_add_text(o, "version", table->version);
	json_add_int(o, "parts", table->in_parts ? (int64_t)table->file_count : 0);
	json_add_text(o, "state", state_word(table));
	json_close(o);
}

static void print_json(struct workspace *ws, const struct status *s, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_text(&o, "workspace", workspace_path(ws));
	json_add_bool(&o, "initialized", true);
	json_add_text(&o, "server", workspace_server(ws));
	json_add_int(&o, "parquet_tables", (int64_t)s->local->count);
	json_add_int(&o, "bytes", s->bytes);
	json_add_int(&o, "files_damaged", (int64_t)s->damaged);
	json_add_int(&o, "files_touched", (int64_t)s->touched);
	json_add_int(&o, "rules_count", (int64_t)s->rules);
	json_add_bool(&o, "duckdb_exists", s->database_exists);
	json_add_int(&o, "views_waiting", (int64_t)s->views_waiting);
	json_add_time(&o, "last_synced", s->last_success_ms);
	json_add_time(&o, "last_pull", s->last_pull_ms);
	if (s->last_pull)
		json_add_raw(&o, "last_pull_result", bytes_of(s->last_pull));
	else
		json_add_null(&o, "last_pull_result");
	json_open(&o, "tables", '[');
	for (size_t i = 0; i < s->local->count; i++)
		add_table(&o, &s->local->tables[i]);
	json_close(&o);
	json_close(&o);
	buf_addc(out, '\n');
}

static void print_last_pull(const struct status *s, struct buf *out)
{
	char ago[TIME_TEXT_MAX];
	AUTO_JSON struct json *result = NULL;
	struct err ignored;
	size_t errors = 0;

	if (!s->last_pull_ms) {
		buf_adds(out, "last pull  never: run `larder pull`\n");
		return;
	}
	if (s->last_pull && json_parse(bytes_of(s->last_pull), SIZE_MAX, &result, &ignored) == 0)
		errors = json_size(json_get(result, "errors"));
	buf_addf(out, "last pull  %s", time_format_ago(s->last_pull_ms, ago));
	if (errors > 0) {
		buf_addf(out, ", %zu error%s", errors, errors == 1 ? "" : "s");
		if (s->last_success_ms)
			buf_addf(out, "; the last one without was %s",
				 time_format_ago(s->last_success_ms, ago));
	}
	buf_addc(out, '\n');
}

static void print_tables(const struct status *s, struct buf *out)
{
	int widest = 0;

	for (size_t i = 0; i < s->local->count; i++) {
		int n = (int)strlen(s->local->tables[i].name);

		widest = n > widest ? n : widest;
	}
	for (size_t i = 0; i < s->local->count; i++) {
		const struct local_table *table = &s->local->tables[i];
		char size[FORMAT_SIZE_MAX];
		char rows[FORMAT_SIZE_MAX];

		(void)snprintf(rows, sizeof(rows), "%" PRId64, table->rows); /* 20 digits fit */
		buf_addf(out, "  %-*s  %10s  %12s rows  %.12s  %s\n", widest, table->name,
			 table->size_bytes < 0 ? "-" : format_size(table->size_bytes, size),
			 table->rows < 0 ? "-" : rows, table->version, state_word(table));
	}
}

static void print_text(struct workspace *ws, const struct status *s, bool verbose, struct buf *out)
{
	char size[FORMAT_SIZE_MAX];
	const char *server = workspace_server(ws);

	buf_addf(out, "workspace  %s\nhub        %s\n", workspace_path(ws),
		 server ? server : "none");
	print_last_pull(s, out);
	buf_addf(out, "tables     %zu, %s\nrules      %zu\nviews      %s", s->local->count,
		 format_size(s->bytes, size), s->rules,
		 s->database_exists ? WORKSPACE_DATABASE : "none yet");
	if (s->views_waiting)
		buf_addf(out, " (%zu not yet written: run `larder pull`)", s->views_waiting);
	buf_addc(out, '\n');
	if (s->damaged)
		buf_addf(out, "damaged    %zu file%s missing: run `larder verify --repair`\n",
			 s->damaged, s->damaged == 1 ? " is" : "s are");
	if (s->touched)
		buf_addf(out,
			 "touched    %zu file%s copied or changed since the pull: run `larder "
			 "verify`\n",
			 s->touched, s->touched == 1 ? " was" : "s were");
	if (verbose)
		print_tables(s, out);
}

static int run(int argc, char **argv, struct err *e)
{
	struct status_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_WORKSPACE struct workspace *ws = NULL;
	AUTO_STATUS struct status status = { 0 };
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	if (opt_parse(options, &args, argc, argv, &operands, e) < 0 ||
	    cmd_operands(&cmd_status, &operands, 0, 0, e) < 0 ||
	    workspace_open(&(struct workspace_options){ .path = args.workspace }, &ws, e) < 0 ||
	    workspace_status(ws, &status, e) < 0)
		return e->code;
	if (args.json)
		print_json(ws, &status, &out);
	else
		print_text(ws, &status, args.verbose, &out);
	return cmd_print(&out, e);
}

const struct command cmd_status = {
	.name = "status",
	.usage = "[--json] [--verbose] [--workspace DIR]",
	.summary = "what this workspace has and how fresh it is, offline",
	.examples = "larder status|at a glance\n"
		    "larder status -v|a line for each table\n"
		    "larder status --json|for programs",
	.options = options,
	.run = run,
};
