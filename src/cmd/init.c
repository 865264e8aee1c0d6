/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

#include "cmd/pull.h"
#include "workspace/init.h"

struct init_args {
	bool json, quiet, force, mcp, no_pull;
	const char *server, *token;
};

static const struct opt options[] = {
	OPT_TEXT('s', "server", struct init_args, server, "URL", "the hub"),
	OPT_TEXT('t', "token", struct init_args, token, "TOKEN",
		 "your token; remembered in your home folder, never in the workspace"),
	OPT_FLAG(0, "no-pull", struct init_args, no_pull, "set up only"),
	OPT_FLAG(0, "force", struct init_args, force,
		 "replace files you changed (they are kept beside), or move to another hub"),
	OPT_FLAG(0, "mcp", struct init_args, mcp,
		 "register the tools of `larder mcp` for agents, in .mcp.json"),
	OPT_FLAG('j', "json", struct init_args, json, "one JSON object on stdout"),
	OPT_FLAG('q', "quiet", struct init_args, quiet, "nothing but warnings"),
	OPT_END,
};

static void add_json(const struct init_result *result, struct bytes pull, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_text(&o, "workspace", result->path);
	json_add_text(&o, "server", result->server);
	json_add_texts(&o, "written", &result->written);
	json_add_texts(&o, "kept", &result->kept);
	if (pull.n)
		json_add_raw(&o, "pull", pull);
	else
		json_add_null(&o, "pull");
	json_close(&o);
	buf_addc(out, '\n');
}

static void add_text(const struct init_result *result, bool mcp, struct buf *out)
{
	buf_addf(out, "Workspace %s of %s\n", result->path, result->server);
	for (size_t i = 0; i < result->written.n; i++)
		buf_addf(out, "  wrote %s\n", result->written.v[i]);
	buf_adds(
		out,
		"Sessions held here go to the hub when they end (`larder push --preview` shows what "
		"would);\na file .larder-private in this folder keeps them back.\n");
	if (!mcp)
		buf_adds(out,
			 "`larder init --mcp` gives agents here tools for the tables and rules.\n");
}

/* The pull's own failures are in its report: the workspace stands, and `larder pull` goes on. */
static int pull_into(const struct init_result *result, const struct init_args *args,
		     struct pull_report *report, struct err *e)
{
	AUTO_WORKSPACE struct workspace *ws = NULL;
	const struct workspace_options where = {
		.path = result->path,
		.server = result->server,
		.token = args->token,
	};
	const struct pull_options how = {
		.wait_ms = PULL_WAIT_MS,
		.quiet = args->quiet || args->json,
	};

	if (workspace_open(&where, &ws, e) < 0)
		return e->code;
	return pull_run(ws, &how, report, e);
}

static int print(const struct init_args *args, const struct init_result *result,
		 const struct pull_report *report, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf pull = BUF_INIT(BUF_OWN_MAX);

	if (args->json) {
		if (!args->no_pull)
			pull_report_json(report, result->path, &pull);
		add_json(result, buf_bytes(&pull), &out);
	} else if (!args->quiet) {
		add_text(result, args->mcp, &out);
		if (!args->no_pull)
			pull_add_summary(report, &out);
	}
	for (size_t i = 0; i < result->kept.n; i++)
		cmd_warn("kept %s", result->kept.v[i]);
	pull_warn_all(report);
	return cmd_print(&out, e);
}

static int run(int argc, char **argv, struct err *e)
{
	struct init_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_INIT_RESULT struct init_result result = { 0 };
	AUTO_PULL_REPORT struct pull_report report = { 0 };
	int code;

	if (opt_parse(options, &args, argc, argv, &operands, e) < 0 ||
	    cmd_operands(&cmd_init, &operands, 0, 1, e) < 0)
		return e->code;
	const struct init_options init = {
		.path = operands.n ? operands.v[0] : ".",
		.server = args.server,
		.token = args.token,
		.force = args.force,
		.mcp = args.mcp,
	};

	if (workspace_init(&init, &result, e) < 0)
		return e->code;
	if (!args.no_pull && pull_into(&result, &args, &report, e) < 0)
		return err_in(e, "the workspace is made, its first pull failed");
	if (print(&args, &result, &report, e) < 0)
		return e->code;
	code = failures_code(&report.failures);
	return code ? CMD_REPORTED(code) : 0;
}

const struct command cmd_init = {
	.name = "init",
	.usage = "[DIR] --server URL --token TOKEN [--mcp] [--no-pull] [--force]",
	.summary = "make a folder a workspace of a hub, and pull",
	.description =
		"Tries the token, then makes DIR (the current folder when none is named) a "
		"workspace: CLAUDE.md, LARDER_WORKSPACE.md, the hooks in .claude/settings.json "
		"(merged; everything else in it stays), and the first pull.\n\n"
		"Running it again repairs and refreshes. Files you changed are kept. A folder of "
		"another hub is refused with exit 3 unless --force is given.\n\n"
		"--mcp also registers the tools of `larder mcp` for agents that read .mcp.json.",
	.examples =
		"larder init sales --server https://hub.example.com --token lrd_...|a new folder\n"
		"LARDER_TOKEN=lrd_... larder init|the current one, the token not on the command line",
	.options = options,
	.run = run,
};
