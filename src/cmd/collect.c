/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

#include "hub/hub.h"
#include "sessions/collect.h"

struct collect_args {
	const char *data, *homes;
	bool dry_run, json;
};

static const struct opt options[] = {
	OPT_TEXT(0, "data", struct collect_args, data, "DIR", "the hub's data folder"),
	OPT_TEXT(0, "homes", struct collect_args, homes, "DIR",
		 "homes are the folders in DIR (default: all accounts')"),
	OPT_FLAG('n', "dry-run", struct collect_args, dry_run, "only count"),
	OPT_FLAG('j', "json", struct collect_args, json, "one JSON object on stdout"),
	OPT_END,
};

/* Of the system before this one; and ours. */
static bool is_off(void)
{
	static const char *const variables[] = { "LARDER_SKIP_COLLECTOR",
						 "AGNES_SKIP_LEGACY_COLLECTOR" };

	for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
		const char *value = getenv(variables[i]);

		if (str_eq(value, "1") || str_eq(value, "true"))
			return true;
	}
	return false;
}

static void add_json(const struct collect_report *report, bool skipped, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_int(&o, "rc", report->errors > 0);
	json_add_int(&o, "users_processed", report->users_processed);
	json_add_int(&o, "files_copied", report->files_copied);
	json_add_int(&o, "files_extended", report->files_extended);
	json_add_int(&o, "files_skipped", report->files_skipped);
	json_add_int(&o, "files_private", report->files_private);
	json_add_int(&o, "redacted", report->redacted);
	json_add_int(&o, "errors", report->errors);
	json_add_bool(&o, "skipped", skipped);
	json_add_texts(&o, "errors_detail", &report->failures);
	json_close(&o);
	buf_addc(out, '\n');
}

static int tell(const struct collect_args *args, const struct collect_report *report, bool skipped,
		struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	int r;

	if (args->json)
		add_json(report, skipped, &out);
	else if (skipped)
		buf_adds(&out, "switched off by the environment\n");
	else
		buf_addf(
			&out,
			"%lld users: %lld transcripts new, %lld grown, %lld unchanged, %lld private\n",
			(long long)report->users_processed, (long long)report->files_copied,
			(long long)report->files_extended, (long long)report->files_skipped,
			(long long)report->files_private);
	r = cmd_print(&out, e);
	for (size_t i = 0; !args->json && i < report->failures.n; i++)
		cmd_warn("%s", report->failures.v[i]);
	return r == 0 && report->errors > 0 ? CMD_REPORTED(ERR_FAILED) : r;
}

static int run(int argc, char **argv, struct err *e)
{
	struct collect_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_COLLECT_REPORT struct collect_report report = { 0 };
	AUTO_HUB struct hub *hub = NULL;
	struct collect collect;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&cmd_collect, &operands, 0, 0, e);
	if (r == 0 && !args.data)
		r = err_set(e, ERR_USAGE, "--data DIR is missing");
	if (r == 0 && is_off())
		return tell(&args, &report, true, e);
	if (r == 0)
		r = hub_open(&(struct hub_options){ .path = args.data }, &hub, e);
	if (r < 0)
		return r;
	collect = (struct collect){ hub_root(hub), args.homes, &hub_settings(hub)->collector_users,
				    args.dry_run };
	r = collect_run(&collect, &report, e);
	return r < 0 ? r : tell(&args, &report, false, e);
}

const struct command cmd_collect = {
	.name = "collect",
	.usage = "--data DIR [--homes DIR] [--dry-run]",
	.summary = "take in the transcripts of people who work on the hub's machine",
	.description =
		"Looks into the home folders of this machine's accounts for transcripts that are new or "
		"have grown, takes out token-shaped strings, and keeps them as if their owner had pushed "
		"them. An account is the user of the hub whose address begins with its name, or whom "
		"collector.users in config.yaml names. A home with the file .larder-private is left "
		"alone, as are sessions at work below such a folder. LARDER_SKIP_COLLECTOR=1 switches it "
		"off.",
	.examples = "larder collect --data hub --dry-run|what would be taken?",
	.options = options,
	.run = run,
};
