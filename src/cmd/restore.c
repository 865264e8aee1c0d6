/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

#include "hub/backup.h"

struct restore_args {
	const char *snapshot;
	bool verify, json;
};

static const struct opt options[] = {
	OPT_TEXT(0, "snapshot", struct restore_args, snapshot, "NAME", "not the newest one"),
	OPT_FLAG(0, "verify", struct restore_args, verify, "only prove that it could be restored"),
	OPT_FLAG('j', "json", struct restore_args, json, "one JSON object on stdout"),
	OPT_END,
};

static void add_json(const struct restore_report *report, const struct restore *o, struct buf *out)
{
	struct json_out j = json_out(out);

	json_open(&j, NULL, '{');
	json_add_bool(&j, "ok", report->problems.n == 0);
	json_add_text(&j, "snapshot", report->snapshot);
	json_add_text(&j, "target", o->target);
	json_add_int(&j, "files", report->files);
	json_add_int(&j, "bytes", report->bytes);
	json_add_int(&j, "objects", report->objects);
	json_add_int(&j, "versions", report->versions);
	json_add_texts(&j, "problems", &report->problems);
	json_close(&j);
	buf_addc(out, '\n');
}

static int tell(const struct restore_args *args, const struct restore_report *report,
		const struct restore *o, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	char size[FORMAT_SIZE_MAX];

	if (args->json) {
		add_json(report, o, &out);
		return cmd_print(&out, e);
	}
	for (size_t i = 0; i < report->problems.n; i++) {
		text_add_clean(&out, bytes_of(report->problems.v[i]));
		buf_addc(&out, '\n');
	}
	if (report->problems.n == 0)
		buf_addf(&out, "snapshot %s %s: %lld files, %s, %lld objects, %lld versions\n",
			 report->snapshot, o->target ? "is restored" : "is whole",
			 (long long)report->files, format_size(report->bytes, size),
			 (long long)report->objects, (long long)report->versions);
	return cmd_print(&out, e);
}

static int restore(const struct restore_args *args, const struct strv *operands, struct err *e)
{
	AUTO_RESTORE_REPORT struct restore_report report = { 0 };
	const struct restore o = { .folder = operands->v[0],
				   .snapshot = args->snapshot,
				   .target = strv_at(operands, 1) };
	struct err ignored = { 0 };
	int r = restore_run(&o, &report, e);

	if (r == 0)
		return tell(args, &report, &o, e);
	if (report.problems.n > 0)
		(void)tell(args, &report, &o, &ignored); /* the error follows */
	return r;
}

static int run(int argc, char **argv, struct err *e)
{
	struct restore_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&cmd_restore, &operands, 1, 2, e);
	if (r == 0 && (operands.n == 2) == args.verify) {
		(void)err_set(e, ERR_USAGE,
			      args.verify ? "--verify goes without a folder to restore to"
					  : "where to? name a folder, or --verify");
		r = err_hint(e, "larder restore DIR NEW, or larder restore DIR --verify");
	}
	return r < 0 ? r : restore(&args, &operands, e);
}

const struct command cmd_restore = {
	.name = "restore",
	.usage = "DIR NEW | DIR --verify",
	.summary = "make a hub of a backup's snapshot, or prove that one could",
	.description =
		"Puts the hub together in NEW.restoring, hashes every file, checks the database, verifies "
		"the whole as larder hub verify does, and only then gives it the name NEW, which must not "
		"be there yet. With --verify all of that is done inside of DIR and taken away again. Exit 1 "
		"when anything is not as it was when the snapshot was made; each finding is told.",
	.examples = "larder restore /backup/hub --verify|is the newest snapshot whole?\n"
		    "larder restore /backup/hub hub2|then: larder serve --data hub2",
	.options = options,
	.run = run,
};
