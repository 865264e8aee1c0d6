/* SPDX-License-Identifier: Apache-2.0 */
/* Proposing knowledge, and deciding about it. */
#include "cmd/admin-rule.h"

static const struct opt step_options[] = {
	OPT_TEXT(0, "reason", struct rule_args, reason, "TEXT", "why; it is kept in the history"),
	REMOTE_OPTIONS(struct rule_args, remote),
	OPT_END,
};

static const struct opt edit_options[] = {
	RULE_FIELD_OPTIONS,
	OPT_TEXT(0, "reason", struct rule_args, reason, "TEXT", "why; it is kept in the history"),
	REMOTE_OPTIONS(struct rule_args, remote),
	OPT_END,
};

static const struct opt propose_options[] = {
	OPT_TEXT('f', "file", struct rule_args, file, "FILE", "its content ('-': stdin)"),
	OPT_TEXT(0, "text", struct rule_args, text, "TEXT", "its content, given here"),
	OPT_TEXT(0, "audience", struct rule_args, audience, "WHO", "all (default) or group:NAME"),
	OPT_TEXT(0, "category", struct rule_args, category, "TEXT", "a word to sort by"),
	OPT_TEXT(0, "domain", struct rule_args, domain, "NAME", "the field it is about"),
	OPT_LIST(0, "tag", struct rule_args, tags, "TEXT", "may be given several times"),
	REMOTE_OPTIONS(struct rule_args, remote),
	OPT_END,
};

/* {"item_id", "reason", "fields"} */
static int build_step(const struct rule_args *args, const char *id, bool edits, struct buf *body,
		      struct err *e)
{
	struct json_out o = json_out(body);
	int r = 0;

	json_open(&o, NULL, '{');
	json_add_text(&o, "item_id", id);
	if (args->reason)
		json_add_text(&o, "reason", args->reason);
	if (edits) {
		json_open(&o, "fields", '{');
		r = rule_add_fields(args, &o, e);
		json_close(&o);
	}
	json_close(&o);
	return r;
}

/* argv[0] is the step's word, in the command and in the path alike. */
static int run_step(const struct command *command, bool edits, int argc, char **argv, struct err *e)
{
	AUTO(rule_args_release) struct rule_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_JSON struct json *reply = NULL;
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *path = xasprintf("/api/memory/admin/%s", command->name);
	const char *status;
	int r = opt_parse(command->options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(command, &operands, 1, 1, e);
	if (r == 0 && edits && !rule_has_fields(&args))
		r = err_set(e, ERR_USAGE, "no field is given that the edit would change");
	if (r == 0)
		r = build_step(&args, operands.v[0], edits, &body, e);
	if (r == 0)
		r = remote_ask_once(&args.remote,
				    &(struct remote_call){ "POST", path, buf_bytes(&body) }, &reply,
				    e);
	if (r < 0)
		return r;
	status = json_text(json_get(reply, "status"));
	return remote_print_done(&args.remote, reply, e, "rule %s is %s", operands.v[0],
				 status ? status : "changed");
}

static int run_approve(int argc, char **argv, struct err *e)
{
	return run_step(&rule_approve, false, argc, argv, e);
}

static int run_mandate(int argc, char **argv, struct err *e)
{
	return run_step(&rule_mandate, false, argc, argv, e);
}

static int run_reject(int argc, char **argv, struct err *e)
{
	return run_step(&rule_reject, false, argc, argv, e);
}

static int run_revoke(int argc, char **argv, struct err *e)
{
	return run_step(&rule_revoke, false, argc, argv, e);
}

static int run_edit(int argc, char **argv, struct err *e)
{
	return run_step(&rule_edit, true, argc, argv, e);
}

static int build_proposal(const struct rule_args *args, struct buf *body, struct err *e)
{
	struct json_out o = json_out(body);
	int r;

	json_open(&o, NULL, '{');
	r = rule_add_fields(args, &o, e);
	json_close(&o);
	return r;
}

static int run_propose(int argc, char **argv, struct err *e)
{
	AUTO(rule_args_release) struct rule_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_JSON struct json *reply = NULL;
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	int r = opt_parse(propose_options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&rule_propose, &operands, 1, 1, e);
	if (r == 0 && !args.file == !args.text)
		r = err_set(e, ERR_USAGE, "give the content with either --file or --text");
	if (r < 0)
		return r;
	args.title = operands.v[0];
	r = build_proposal(&args, &body, e);
	if (r == 0)
		r = remote_ask_once(
			&args.remote,
			&(struct remote_call){ "POST", "/api/memory", buf_bytes(&body) }, &reply,
			e);
	return r < 0 ? r
		     : remote_print_done(&args.remote, reply, e, "proposed as %s: %s",
					 json_text(json_get(reply, "id")),
					 json_text(json_get(reply, "status")));
}

const struct command rule_approve = {
	.name = "approve",
	.usage = "ID [--reason TEXT]",
	.summary = "put a proposal in force, or take a mandate back",
	.examples = "larder admin rule approve kv_0123456789ab|in the bundles from the next pull",
	.options = step_options,
	.run = run_approve,
};

const struct command rule_mandate = {
	.name = "mandate",
	.usage = "ID [--reason TEXT]",
	.summary = "make it mandatory: it goes to everybody it is for, whole",
	.examples = "larder admin rule mandate kv_0123456789ab|beyond any budget",
	.options = step_options,
	.run = run_mandate,
};

const struct command rule_reject = {
	.name = "reject",
	.usage = "ID [--reason TEXT]",
	.summary = "turn a proposal down: found again it stays so",
	.examples =
		"larder admin rule reject kv_0123456789ab --reason 'only true of EMEA'|with why",
	.options = step_options,
	.run = run_reject,
};

const struct command rule_revoke = {
	.name = "revoke",
	.usage = "ID [--reason TEXT]",
	.summary = "take back what is in force",
	.examples = "larder admin rule revoke kv_0123456789ab|gone with the next pulls",
	.options = step_options,
	.run = run_revoke,
};

const struct command rule_edit = {
	.name = "edit",
	.usage = "ID [--title TEXT] [--file FILE | --text TEXT] [--domain NAME] ...",
	.summary = "change some of its fields; the old ones stay in its history",
	.examples = "larder admin rule edit kv_0123456789ab --title 'Churn rate'|the rest stays",
	.options = edit_options,
	.run = run_edit,
};

const struct command rule_propose = {
	.name = "propose",
	.usage = "TITLE (--file FILE | --text TEXT) [--domain NAME] ...",
	.summary = "propose knowledge; an admin decides (any user may)",
	.examples =
		"larder admin rule propose Churn --text 'Paused accounts count.' --domain finance|"
		"it waits for a decision",
	.options = propose_options,
	.run = run_propose,
};
