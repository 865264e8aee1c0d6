/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

#include "base/proc.h"
#include "hub/backup.h"

struct backup_args {
	const char *data;
	int64_t keep;
	bool json;
};

static const struct opt options[] = {
	OPT_TEXT(0, "data", struct backup_args, data, "HUB", "the hub's data folder"),
	OPT_INT(0, "keep", struct backup_args, keep, 0, INT32_MAX, "N",
		"snapshots to keep (default 7, 0 for all)"),
	OPT_FLAG('j', "json", struct backup_args, json, "one JSON object on stdout"),
	OPT_END,
};

static void add_json(const struct backup_report *report, const char *folder, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_text(&o, "folder", folder);
	json_add_text(&o, "snapshot", report->snapshot);
	json_add_int(&o, "files", report->files);
	json_add_int(&o, "bytes", report->bytes);
	json_add_int(&o, "new_files", report->new_files);
	json_add_int(&o, "new_bytes", report->new_bytes);
	json_add_int(&o, "removed_snapshots", report->removed_snapshots);
	json_add_int(&o, "removed_files", report->removed_files);
	json_add_int(&o, "locked_ms", report->locked_ms);
	json_close(&o);
	buf_addc(out, '\n');
}

static int tell(const struct backup_args *args, const struct backup_report *report,
		const char *folder, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	char all[FORMAT_SIZE_MAX], new[FORMAT_SIZE_MAX];

	if (args->json)
		add_json(report, folder, &out);
	else
		buf_addf(&out, "snapshot %s: %lld files, %s; %lld of them new, %s\n",
			 report->snapshot, (long long)report->files,
			 format_size(report->bytes, all), (long long)report->new_files,
			 format_size(report->new_bytes, new));
	return cmd_print(&out, e);
}

static int run(int argc, char **argv, struct err *e)
{
	struct backup_args args = { .keep = BACKUP_KEEP };
	AUTO_STRV struct strv operands = STRV_INIT;
	struct backup_report report = { 0 };
	AUTO_HUB struct hub *hub = NULL;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&cmd_backup, &operands, 1, 1, e);
	if (r == 0 && !args.data)
		r = err_set(e, ERR_USAGE, "--data HUB is missing");
	proc_give_way();
	if (r == 0)
		r = hub_open(&(struct hub_options){ .path = args.data }, &hub, e);
	if (r == 0)
		r = backup_run(&(struct backup){ hub, operands.v[0], args.keep }, &report, e);
	return r < 0 ? r : tell(&args, &report, operands.v[0], e);
}

const struct command cmd_backup = {
	.name = "backup",
	.usage = "DIR --data HUB [--keep N]",
	.summary = "a snapshot of a hub, which may be serving, into DIR",
	.description =
		"The database by SQLite's own backup, and every file of the hub by its content, each "
		"content once. What is there already is not copied again. Where the file system can "
		"share blocks it does; objects are hard-linked where it cannot, so keep DIR on another "
		"disk, or copy it there, to survive the loss of this one. Old snapshots are removed. "
		"larder restore makes a hub of a snapshot, or proves that it could.",
	.examples = "larder backup /backup/hub --data hub|a snapshot, seven are kept\n"
		    "larder restore /backup/hub --verify|is it any good?",
	.options = options,
	.run = run,
};
