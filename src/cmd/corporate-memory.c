/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

#include "base/proc.h"
#include "hub/hub.h"
#include "sessions/notes.h"

struct memory_args {
	bool json, dry_run;
	const char *data;
};

static const struct opt options[] = {
	OPT_TEXT(0, "data", struct memory_args, data, "DIR", "the hub's data folder"),
	OPT_FLAG('n', "dry-run", struct memory_args, dry_run,
		 "count what would be read; read, ask and propose nothing"),
	OPT_FLAG('j', "json", struct memory_args, json, "one JSON object on stdout"),
	OPT_END,
};

static void add_json(const struct notes_report *p, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_int(&o, "users_scanned", p->users);
	json_add_int(&o, "files_found", p->files);
	json_add_int(&o, "files_changed", p->changed);
	json_add_int(&o, "items_extracted", p->extracted);
	json_add_int(&o, "items_filtered", p->filtered);
	json_add_int(&o, "items_preserved", p->preserved);
	json_add_int(&o, "items_new", p->proposed);
	json_add_int(&o, "items_pending", p->proposed);
	json_add_bool(&o, "skipped", p->skipped);
	json_add_int(&o, "errors", p->errors);
	json_add_texts(&o, "errors_detail", &p->failures);
	if (p->model)
		json_add_raw(&o, "model", bytes_of(p->model));
	else
		json_add_null(&o, "model");
	json_close(&o);
	buf_addc(out, '\n');
}

static void add_text(const struct notes_report *p, bool dry, struct buf *out)
{
	if (p->skipped)
		buf_addf(out, "%lld notes of %lld users, all as they were\n", (long long)p->files,
			 (long long)p->users);
	else if (dry)
		buf_addf(out, "%lld of %lld notes are new; nothing was read.\n",
			 (long long)p->changed, (long long)p->files);
	else
		buf_addf(
			out,
			"%lld of %lld notes read: %lld proposals are new, %lld known, %lld dropped "
			"as private; %lld failed\n",
			(long long)p->changed, (long long)p->files, (long long)p->proposed,
			(long long)p->preserved, (long long)p->filtered, (long long)p->errors);
}

static int tell(const struct memory_args *args, const struct notes_report *report, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	int r;

	if (args->json)
		add_json(report, &out);
	else
		add_text(report, args->dry_run, &out);
	r = cmd_print(&out, e);
	for (size_t i = 0; !args->json && i < report->failures.n; i++)
		cmd_warn("%s", report->failures.v[i]);
	if (r == 0 && report->errors > 0)
		return CMD_REPORTED(ERR_FAILED);
	return r;
}

static int run(int argc, char **argv, struct err *e)
{
	AUTO_NOTES_REPORT struct notes_report report = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_HUB struct hub *hub = NULL;
	struct memory_args args = { 0 };
	struct notes_options o = { 0 };
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&cmd_corporate_memory, &operands, 0, 0, e);
	if (r == 0 && !args.data)
		r = err_set(e, ERR_USAGE, "--data DIR is missing");
	proc_give_way();
	if (r == 0)
		r = hub_open(&(struct hub_options){ .path = args.data }, &hub, e);
	if (r < 0)
		return r;
	o.root = hub_root(hub);
	o.dry_run = args.dry_run;
	r = notes_process(&o, &report, e);
	return r < 0 ? r : tell(&args, &report, e);
}

const struct command cmd_corporate_memory = {
	.name = "corporate-memory",
	.usage = "--data DIR [--dry-run] [--json]",
	.summary = "propose knowledge from the notes that users push",
	.description =
		"Reads each CLAUDE.local.md on the hub that is new or changed and proposes what the "
		"team should know; an admin decides (larder admin rule list --status pending). With "
		"a language model when one is configured (LARDER_LLM_URL, LARDER_LLM_MODEL), else by "
		"rules. What looks private is dropped. The scheduler has the hub do this: POST "
		"/api/admin/run-corporate-memory.",
	.examples = "larder corporate-memory --data hub|what the hub does for the scheduler\n"
		    "larder corporate-memory --data hub --dry-run|how many notes are new",
	.options = options,
	.run = run,
};
