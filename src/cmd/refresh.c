/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

#include "base/proc.h"
#include "base/progress.h"
#include "hub/hub.h"
#include "refresh/refresh.h"

struct refresh_args {
	const char *data;
	bool accept_loss, dry_run, json, quiet;
};

static const struct opt options[] = {
	OPT_TEXT(0, "data", struct refresh_args, data, "DIR", "the hub's data folder"),
	OPT_FLAG(0, "accept-loss", struct refresh_args, accept_loss,
		 "also when a table would lose all rows, or columns"),
	OPT_FLAG('n', "dry-run", struct refresh_args, dry_run, "only say what is due"),
	OPT_FLAG('j', "json", struct refresh_args, json, "one JSON object on stdout"),
	OPT_FLAG('q', "quiet", struct refresh_args, quiet, "no progress"),
	OPT_END,
};

static void add_known(struct json_out *o, const char *key, int64_t value)
{
	if (value < 0)
		json_add_null(o, key);
	else
		json_add_int(o, key, value);
}

static void add_json(const struct refresh_report *report, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_int(&o, "updated", (int64_t)report->updated);
	json_add_int(&o, "unchanged", (int64_t)report->unchanged);
	json_add_int(&o, "refused", (int64_t)report->refused);
	json_add_int(&o, "failed", (int64_t)report->failed);
	json_add_int(&o, "not_due", (int64_t)report->not_due);
	json_open(&o, "tables", '[');
	for (size_t i = 0; i < report->n; i++) {
		const struct refresh_done *done = &report->v[i];
		bool failed = done->error.code < 0;

		json_open(&o, NULL, '{');
		json_add_text(&o, "table", done->table);
		json_add_text(&o, "outcome", done->outcome);
		add_known(&o, "rows", done->rows);
		add_known(&o, "bytes", done->bytes);
		json_add_int(&o, "ms", done->ms);
		json_add_text(&o, "error", failed ? done->error.msg : NULL);
		json_add_text(&o, "hint", failed && done->error.hint[0] ? done->error.hint : NULL);
		json_close(&o);
	}
	json_close(&o);
	json_close(&o);
	buf_addc(out, '\n');
}

static void add_line(const struct refresh_done *done, struct buf *out)
{
	char size[FORMAT_SIZE_MAX];

	buf_addf(out, "%s: %s", done->table, done->outcome);
	if (done->rows >= 0)
		buf_addf(out, ", %lld rows", (long long)done->rows);
	if (done->bytes > 0)
		buf_addf(out, ", %s read", format_size(done->bytes, size));
	if (done->error.code < 0) {
		buf_adds(out, ": ");
		text_add_clean(out, bytes_of(done->error.msg));
	}
	buf_addc(out, '\n');
	if (done->error.code < 0 && done->error.hint[0])
		buf_addf(out, "  next: %s\n", done->error.hint);
}

static int print_report(const struct refresh_args *args, const struct refresh_report *report,
			struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	if (args->json) {
		add_json(report, &out);
		return cmd_print(&out, e);
	}
	for (size_t i = 0; i < report->n; i++)
		add_line(&report->v[i], &out);
	buf_addf(&out, "%zu updated, %zu unchanged, %zu refused, %zu failed, %zu not due\n",
		 report->updated, report->unchanged, report->refused, report->failed,
		 report->not_due);
	return cmd_print(&out, e);
}

/* Refused alone is a person's to decide; any failure is a failure. */
static int code_of(const struct refresh_report *report)
{
	if (report->failed > 0)
		return CMD_REPORTED(ERR_FAILED);
	return report->refused > 0 ? CMD_REPORTED(ERR_CONFLICT) : 0;
}

static void on_table(void *ctx, const char *table, bool ok)
{
	progress_step(ctx, table, ok);
}

static int refresh(const struct refresh_args *args, const struct strv *tables, struct err *e)
{
	const struct hub_options o = { .path = args->data };
	AUTO_REFRESH_REPORT struct refresh_report report = { 0 };
	AUTO_HUB struct hub *hub = NULL;
	struct progress *progress;
	struct refresh request = { .tables = tables,
				   .accept_loss = args->accept_loss,
				   .dry_run = args->dry_run,
				   .on_table = on_table };
	int r;

	proc_give_way();
	r = hub_open(&o, &hub, e);
	if (r < 0)
		return r;
	progress = progress_begin("refresh", 0, tables->n, args->quiet || args->json);
	request.root = hub_root(hub);
	request.convert_memory = hub_settings(hub)->convert_memory;
	request.folders = &hub_settings(hub)->refresh_folders;
	request.ctx = progress;
	r = refresh_run(&request, &report, e);
	progress_end(progress);
	if (r == 0)
		r = print_report(args, &report, e);
	return r < 0 ? r : code_of(&report);
}

static int run(int argc, char **argv, struct err *e)
{
	struct refresh_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0 && !args.data)
		r = err_set(e, ERR_USAGE, "--data DIR is missing");
	return r < 0 ? r : refresh(&args, &operands, e);
}

const struct command cmd_refresh = {
	.name = "refresh",
	.usage = "--data DIR [--accept-loss] [--dry-run] [TABLE...]",
	.summary = "bring a hub's tables up to date from their sources",
	.description =
		"Reads the sources of the tables that are due, or of those named, and publishes what "
		"has changed. The hub may be serving meanwhile. Sources are files, HTTP, PostgreSQL, or "
		"SQL over other tables; larder admin table source sets them. A table that would lose "
		"all its rows, or columns, is refused and keeps what it has. Exit 0 when all is done, 1 "
		"when a table failed, 3 when one was refused, 75 while another refresh is at work.",
	.examples = "larder refresh --data hub|what is due\n"
		    "larder refresh --data hub orders --accept-loss|orders now, and even if empty\n"
		    "larder refresh --data hub --dry-run --json|which tables are due",
	.options = options,
	.run = run,
};
