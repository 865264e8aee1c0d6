/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/admin-rule.h"

static const struct opt add_options[] = {
	RULE_FIELD_OPTIONS,
	OPT_FLAG(0, "mandatory", struct rule_args, mandatory, "goes to everybody, whole"),
	OPT_TEXT(0, "status", struct rule_args, status, "WORD",
		 "approved (default), pending, rejected, revoked, withdrawn"),
	OPT_FLAG(0, "replace", struct rule_args, replace, "an existing rule of that id"),
	REMOTE_OPTIONS(struct rule_args, remote),
	OPT_END,
};

static const struct opt options[] = { REMOTE_OPTIONS(struct rule_args, remote), OPT_END };

static const struct opt list_options[] = {
	OPT_TEXT(0, "status", struct rule_args, status, "WORD",
		 "pending, approved, mandatory, rejected, revoked, expired, withdrawn"),
	OPT_TEXT(0, "domain", struct rule_args, domain, "NAME", "only those about it"),
	REMOTE_OPTIONS(struct rule_args, remote),
	OPT_END,
};

static const struct opt show_options[] = {
	OPT_FLAG(0, "history", struct rule_args, history, "who said so, and what was done to it"),
	REMOTE_OPTIONS(struct rule_args, remote),
	OPT_END,
};

static int run_add(int argc, char **argv, struct err *e);
static int run_list(int argc, char **argv, struct err *e);
static int run_show(int argc, char **argv, struct err *e);
static int run_remove(int argc, char **argv, struct err *e);

static const struct command add = {
	.name = "add",
	.usage = "ID --title TEXT (--file FILE | --text TEXT) [--mandatory] ...",
	.summary = "add a rule, or replace one",
	.description =
		"A rule is a page of Markdown that goes out with each pull and lies in the "
		"workspace for agents to read. Mandatory rules come whole; of the others those "
		"that fit into a budget, the most certain and newest first.",
	.examples = "larder admin rule add revenue --title Revenue --file revenue.md|for everybody",
	.options = add_options,
	.run = run_add,
};

static const struct command list = {
	.name = "list",
	.usage = "[--status WORD] [--domain NAME]",
	.summary = "list rules and proposals",
	.examples = "larder admin rule list|with their status\n"
		    "larder admin rule list --status pending|what waits for a decision",
	.options = list_options,
	.run = run_list,
};

static const struct command show = {
	.name = "show",
	.usage = "ID [--history]",
	.summary = "print one rule, with --history all that is known about it",
	.examples = "larder admin rule show airports-key|its text\n"
		    "larder admin rule show kv_0123456789ab --history|and who said so",
	.options = show_options,
	.run = run_show,
};

static const struct command remove_rule = {
	.name = "remove",
	.usage = "ID",
	.summary = "remove a rule: it is gone from the next pulls",
	.examples = "larder admin rule remove airports-key|gone with the next pulls",
	.options = options,
	.run = run_remove,
};

static int build_rule(const struct rule_args *args, const char *id, struct buf *body, struct err *e)
{
	struct json_out o = json_out(body);
	int r;

	json_open(&o, NULL, '{');
	json_add_text(&o, "id", id);
	if (args->status)
		json_add_text(&o, "status", args->status);
	json_add_bool(&o, "mandatory", args->mandatory);
	json_add_bool(&o, "replace", args->replace);
	r = rule_add_fields(args, &o, e);
	json_close(&o);
	return r;
}

static int run_add(int argc, char **argv, struct err *e)
{
	AUTO(rule_args_release) struct rule_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_JSON struct json *reply = NULL;
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	int r = opt_parse(add_options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&add, &operands, 1, 1, e);
	if (r == 0 && !args.title)
		r = err_set(e, ERR_USAGE, "--title TEXT is missing");
	if (r == 0 && !args.file == !args.text)
		r = err_set(e, ERR_USAGE, "give the content with either --file or --text");
	if (r == 0)
		r = build_rule(&args, operands.v[0], &body, e);
	if (r == 0)
		r = remote_ask_once(
			&args.remote,
			&(struct remote_call){ "POST", "/api/admin/rules", buf_bytes(&body) },
			&reply, e);
	return r < 0 ? r
		     : remote_print_done(&args.remote, reply, e, "rule %s is in force",
					 operands.v[0]);
}

static int run_list(int argc, char **argv, struct err *e)
{
	static const struct remote_column columns[] = {
		{ "ID", "id" },
		{ "TITLE", "title" },
		{ "MANDATORY", "mandatory" },
		{ "AUDIENCE", "audience" },
		{ "DOMAIN", "domain" },
		{ "STATUS", "status" },
		{ "CONFIDENCE", "confidence" },
		{ "BYTES", "size_bytes" },
		{ "EVIDENCE", "evidence_count" },
		{ 0 },
	};
	struct rule_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_JSON struct json *reply = NULL;
	AUTO_BUF struct buf path = BUF_INIT(URL_MAX);
	int r = opt_parse(list_options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&list, &operands, 0, 0, e);
	if (r < 0)
		return r;
	buf_adds(&path, "/api/admin/rules");
	if (args.status)
		url_add_query(&path, "status", args.status);
	if (args.domain)
		url_add_query(&path, "domain", args.domain);
	r = remote_ask_once(&args.remote, &(struct remote_call){ "GET", buf_str(&path) }, &reply,
			    e);
	return r < 0 ? r : remote_print_list(&args.remote, reply, "rules", columns, e);
}

static int run_show(int argc, char **argv, struct err *e)
{
	struct rule_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_JSON struct json *reply = NULL;
	AUTO_FREE char *path = NULL;
	int r = opt_parse(show_options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&show, &operands, 1, 1, e);
	if (r < 0)
		return r;
	path = remote_path(args.history ? "/api/memory/" : "/api/admin/rules/", operands.v[0]);
	r = remote_ask_once(&args.remote, &(struct remote_call){ "GET", path }, &reply, e);
	if (r < 0)
		return r;
	return args.remote.json ? remote_print_done(&args.remote, reply, e, "rule")
				: rule_print(reply, args.history, e);
}

static int run_remove(int argc, char **argv, struct err *e)
{
	struct rule_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_FREE char *path = NULL;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&remove_rule, &operands, 1, 1, e);
	if (r < 0)
		return r;
	path = remote_path("/api/admin/rules/", operands.v[0]);
	r = remote_ask_once(&args.remote, &(struct remote_call){ "DELETE", path }, NULL, e);
	return r < 0 ? r
		     : remote_print_done(&args.remote, NULL, e, "rule %s removed", operands.v[0]);
}

static const struct command *const sub[] = {
	&add,         &rule_approve, &rule_edit,   &list, &rule_mandate, &rule_propose,
	&rule_reject, &remove_rule,  &rule_revoke, &show, NULL,
};

const struct command admin_rule = {
	.name = "rule",
	.usage = "add|list|show|propose|approve|mandate|reject|revoke|edit|remove ...",
	.summary = "knowledge that goes out with each pull",
	.sub = sub,
};
