/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"
#include "cmd/dead.h"

#include "base/proc.h"
#include "workspace/push.h"

struct push_args {
	bool json, quiet, dry_run, preview, dead, redrive, detach, background;
	const char *workspace;
};

static const struct opt options[] = {
	OPT_FLAG('j', "json", struct push_args, json, "one JSON object on stdout"),
	OPT_FLAG('q', "quiet", struct push_args, quiet, "nothing but warnings"),
	OPT_FLAG('n', "dry-run", struct push_args, dry_run, "say what would be sent, send nothing"),
	OPT_FLAG(0, "preview", struct push_args, preview,
		 "show the texts as they would be sent, send nothing"),
	OPT_FLAG(0, "dead", struct push_args, dead, "list what the hub will not take"),
	OPT_FLAG(0, "redrive", struct push_args, redrive, "send again what the hub refused, too"),
	OPT_FLAG(0, "detach", struct push_args, detach,
		 "only note what is new; another process sends it"),
	OPT_FLAG(0, "background", struct push_args, background,
		 "be that process: try for half a minute"),
	OPT_TEXT('w', "workspace", struct push_args, workspace, "DIR", "the workspace in DIR"),
	OPT_END,
};

static void add_failures(struct json_out *o, const struct failures *failures)
{
	json_open(o, "errors", '[');
	for (size_t i = 0; i < failures->n; i++) {
		json_open(o, NULL, '{');
		json_add_text(o, "file", failures->v[i].table);
		json_add_text(o, "class", failures->v[i].stage);
		json_add_text(o, "error", failures->v[i].error.msg);
		json_close(o);
	}
	json_close(o);
}

/* The members of the contract first: dry_run, would_upload, summary. */
static void dry_json(const struct push_report *report, struct json_out *o)
{
	json_open(o, NULL, '{');
	json_add_bool(o, "dry_run", true);
	json_open(o, "would_upload", '{');
	json_add_texts(o, "sessions", &report->sessions);
	json_add_bool(o, "local_md", report->local_md);
	json_add_texts(o, "artifacts", &report->artifacts);
	json_close(o);
	json_open(o, "summary", '{');
	json_add_int(o, "sessions", (int64_t)report->sessions.n);
	json_add_int(o, "local_md", report->local_md);
	json_add_int(o, "artifacts", (int64_t)report->artifacts.n);
	json_add_int(o, "private", (int64_t)report->sent.private);
	json_add_int(o, "bytes", report->would_bytes);
	json_close(o);
	add_failures(o, &report->failures);
	json_close(o);
}

/* ... and sessions, local_md, errors. */
static void done_json(const struct push_report *report, struct json_out *o)
{
	const struct sent_count *sent = &report->sent;

	json_open(o, NULL, '{');
	json_add_int(o, "sessions", (int64_t)sent->of_kind[UPLOAD_SESSION]);
	json_add_bool(o, "local_md", sent->of_kind[UPLOAD_LOCAL_MD] > 0);
	json_add_int(o, "artifacts", (int64_t)sent->of_kind[UPLOAD_ARTIFACT]);
	json_add_int(o, "duplicates", (int64_t)sent->duplicates);
	json_add_int(o, "private", (int64_t)sent->private);
	json_add_int(o, "redacted", (int64_t)sent->redacted);
	json_add_int(o, "bytes", sent->bytes);
	json_add_int(o, "sent_bytes", sent->sent);
	json_add_int(o, "tails", (int64_t)sent->tails);
	json_add_int(o, "requests", (int64_t)sent->requests);
	json_add_int(o, "waiting", (int64_t)report->waiting);
	json_add_int(o, "paused", (int64_t)report->paused);
	json_add_int(o, "dead", (int64_t)report->dead);
	json_add_int(o, "duration_ms", report->duration_ms);
	add_failures(o, &report->failures);
	json_close(o);
}

static void dry_text(const struct push_report *report, struct buf *out)
{
	char size[FORMAT_SIZE_MAX];

	for (size_t i = 0; i < report->sessions.n; i++)
		buf_addf(out, "session   %s\n", report->sessions.v[i]);
	for (size_t i = 0; i < report->artifacts.n; i++)
		buf_addf(out, "artifact  %s\n", report->artifacts.v[i]);
	if (report->local_md)
		buf_adds(out, "local-md  " UPLOAD_LOCAL_MD_NAME "\n");
	buf_addf(out, "%s would be sent; nothing was.\n", format_size(report->would_bytes, size));
}

static void done_text(const struct push_report *report, struct buf *out)
{
	const struct sent_count *sent = &report->sent;
	char size[FORMAT_SIZE_MAX];

	if (sent->requests == 0 && report->waiting + report->paused + report->failures.n == 0)
		buf_adds(out, "Nothing is new.\n");
	else
		buf_addf(
			out,
			"%zu sessions, %zu artifacts%s sent, %s; %zu tokens taken out, %zu private\n",
			sent->of_kind[UPLOAD_SESSION], sent->of_kind[UPLOAD_ARTIFACT],
			sent->of_kind[UPLOAD_LOCAL_MD] ? ", " UPLOAD_LOCAL_MD_NAME : "",
			format_size(sent->bytes, size), sent->redacted, sent->private);
	if (report->waiting > 0)
		buf_addf(out, "%zu wait for the hub; the next push sends them\n", report->waiting);
	if (report->dead > 0)
		buf_addf(out, "%zu the hub will not take: see 'larder push --dead'\n",
			 report->dead);
}

static void warn_all(const struct push_report *report)
{
	for (size_t i = 0; i < report->failures.n; i++)
		cmd_warn("'%s': %s", report->failures.v[i].table, report->failures.v[i].error.msg);
	if (!report->refused)
		return;
	cmd_warn("the hub refuses this token; %zu things wait until it is another", report->paused);
	cmd_warn("next: larder init with --token, then larder push (or larder push --redrive)");
}

static int tell(const struct push_args *args, const struct push_report *report, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&out);
	bool dry = args->dry_run || args->preview;
	int r;

	if (args->json) {
		(dry ? dry_json : done_json)(report, &o);
		buf_addc(&out, '\n');
	} else if (!args->quiet && !args->detach) {
		buf_add(&out, report->preview.p, report->preview.n);
		(dry ? dry_text : done_text)(report, &out);
	}
	r = cmd_print(&out, e);
	warn_all(report);
	if (r < 0)
		return r;
	r = push_code(report);
	return r < 0 ? CMD_REPORTED(r) : 0;
}

static void add_name(struct json_out *o, const struct outbox_item *item)
{
	json_add_text(o, "kind", item->kind);
	json_add_text(o, "path", item->payload);
}

/* The workspace is named by its path, as a hook's folder may be gone by then. */
static int go_on_detached(const struct workspace *ws, struct err *e)
{
	const char *argv[] = { "larder",           "push", "--background", "--quiet", "--workspace",
			       workspace_path(ws), NULL };

	return proc_detach(argv, NULL, e);
}

static int push(const struct push_args *args, const struct strv *artifacts, struct workspace *ws,
		struct err *e)
{
	const struct push_options how = {
		.artifacts = artifacts,
		.patience_ms = args->background ? PUSH_PATIENCE_DETACHED_MS : PUSH_PATIENCE_MS,
		.wait_ms = PUSH_WAIT_MS,
		.spool_only = args->detach,
		.yields = args->background,
		.dry_run = args->dry_run || args->preview,
		.redrive = args->redrive,
		.preview = args->preview,
	};
	AUTO_PUSH_REPORT struct push_report report = { 0 };
	int r = push_run(ws, &how, &report, e);

	if (r == 0 && args->detach && !how.dry_run && report.work)
		r = go_on_detached(ws, e);
	return r < 0 ? r : tell(args, &report, e);
}

static int run(int argc, char **argv, struct err *e)
{
	struct push_args args = { 0 };
	AUTO_STRV struct strv artifacts = STRV_INIT;
	AUTO_WORKSPACE struct workspace *ws = NULL;
	struct workspace_options where = { 0 };
	int r = opt_parse(options, &args, argc, argv, &artifacts, e);

	if (r == 0 && args.dead)
		r = cmd_operands(&cmd_push, &artifacts, 0, 0, e);
	if (r < 0)
		return r;
	where.path = args.workspace;
	where.read_only = args.dry_run || args.preview || (args.dead && !args.redrive);
	r = workspace_open(&where, &ws, e);
	if (r < 0)
		return r;
	return args.dead && !args.redrive ? cmd_list_dead(workspace_db(ws), args.json, add_name, e)
					  : push(&args, &artifacts, ws, e);
}

const struct command cmd_push = {
	.name = "push",
	.usage = "[--dry-run | --preview | --dead] [--redrive] [--workspace DIR] [ARTIFACT...]",
	.summary = "send what agents did here to the hub: transcripts, CLAUDE.local.md, artifacts",
	.description =
		"Finds the transcripts of this workspace (~/.claude/projects or CLAUDE_CONFIG_DIR, "
		"user/sessions), CLAUDE.local.md and the files named, notes what the hub does not "
		"have yet, and sends it. What cannot be sent now is kept and sent by a later push; "
		"it arrives once, however often a push is cut short. Token-shaped strings are taken "
		"out before anything leaves the machine.\n\n"
		"Never sent: sessions listed in push.private of .larder/config.yaml, sessions that "
		"worked in a folder of push.exclude or where a file .larder-private lies, and "
		"anything of a workspace with such a file.\n\n"
		"Exit: 0 all is sent; 1 something the hub will not take; 4 the token was refused; 75 "
		"something waits for the hub, or another push is running.",
	.examples = "larder push|what is new since the last one\n"
		    "larder push --preview|the very texts that would go\n"
		    "larder push report.html|an artifact, too\n"
		    "larder push --detach --quiet|from a hook: returns at once\n",
	.options = options,
	.run = run,
};
