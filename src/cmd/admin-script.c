/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/admin.h"

#include "base/file.h"
#include "base/lines.h"
#include "cmd/remote.h"
#include "scripts/scripts.h"

#include <fcntl.h>

#define SCRIPTS "/api/scripts"

struct script_args {
	struct remote_args remote;
	const char *schedule;
	int64_t timeout;
	bool network;
	struct strv env;
};

static const struct opt deploy_options[] = {
	OPT_TEXT(0, "schedule", struct script_args, schedule, "WHEN",
		 "'every 1h', 'daily 03:00', cron; in UTC"),
	OPT_INT(0, "timeout", struct script_args, timeout, 1, SCRIPT_TIMEOUT_MAX_S, "SECONDS",
		"then it is killed (default 300)"),
	OPT_FLAG(0, "network", struct script_args, network, "it may use the network"),
	OPT_LIST(0, "env", struct script_args, env, "NAME",
		 "give it this variable of the hub; repeatable"),
	REMOTE_OPTIONS(struct script_args, remote),
	OPT_END,
};

static const struct opt options[] = { REMOTE_OPTIONS(struct script_args, remote), OPT_END };

static int run_deploy(int argc, char **argv, struct err *e);
static int run_list(int argc, char **argv, struct err *e);
static int run_remove(int argc, char **argv, struct err *e);
/* Line by line, before the word for how it ended. */
static int print_output(const struct remote_args *remote, const char *output, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	if (remote->json || !output || !*output)
		return 0;
	text_add_lines(&out, bytes_of(output));
	if (out.n > 0 && out.p[out.n - 1] != '\n')
		buf_addc(&out, '\n');
	return cmd_print(&out, e);
}

static int run_run(int argc, char **argv, struct err *e);
static int run_show(int argc, char **argv, struct err *e);

static const struct command deploy = {
	.name = "deploy",
	.usage = "NAME FILE",
	.summary = "keep a script on the hub; replaces an earlier one",
	.description =
		"A first line '#!PROGRAM' names its interpreter, else it is /bin/sh's. What it "
		"may do, and what holds it, is in docs/scripts.md.",
	.examples = "larder admin script deploy nightly nightly.sh --schedule 'daily 02:00'|each "
		    "night",
	.options = deploy_options,
	.run = run_deploy,
};
static const struct command list = {
	.name = "list",
	.usage = "",
	.summary = "list the scripts of the hub",
	.examples = "larder admin script list|with how they ended last",
	.options = options,
	.run = run_list,
};
static const struct command remove_script = {
	.name = "remove",
	.usage = "NAME",
	.summary = "remove a script and its runs",
	.examples = "larder admin script remove nightly|it runs no more",
	.options = options,
	.run = run_remove,
};
static const struct command run_script = {
	.name = "run",
	.usage = "NAME",
	.summary = "run a script now, and wait for its end",
	.examples = "larder admin script run nightly|now",
	.options = options,
	.run = run_run,
};
static const struct command show = {
	.name = "show",
	.usage = "NAME",
	.summary = "show the last runs of a script",
	.examples = "larder admin script show nightly --json|with source and outputs",
	.options = options,
	.run = run_show,
};

struct parsed {
	struct script_args args;
	struct strv operands;
	char *path;
};

static void parsed_release(struct parsed *p)
{
	strv_release(&p->args.env);
	strv_release(&p->operands);
	free(p->path);
}

static int parse(const struct command *command, int argc, char **argv, struct parsed *p,
		 struct err *e)
{
	size_t n = str_eq(command->usage, "NAME FILE") ? 2 : command->usage[0] ? 1 : 0;
	int r = opt_parse(command->options, &p->args, argc, argv, &p->operands, e);

	if (r == 0)
		r = cmd_operands(command, &p->operands, n, n, e);
	if (r == 0 && n > 0)
		p->path = remote_path(SCRIPTS "/", p->operands.v[0]);
	return r;
}

static void write_script(const struct parsed *p, const struct buf *source, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_text(&o, "name", p->operands.v[0]);
	json_add_bytes(&o, "source", buf_bytes(source));
	if (p->args.schedule)
		json_add_text(&o, "schedule", p->args.schedule);
	if (p->args.timeout)
		json_add_int(&o, "timeout", p->args.timeout);
	json_add_bool(&o, "network", p->args.network);
	json_add_texts(&o, "env", &p->args.env);
	json_close(&o);
}

static int run_deploy(int argc, char **argv, struct err *e)
{
	AUTO(parsed_release) struct parsed p = { 0 };
	AUTO_BUF struct buf source = BUF_INIT(SCRIPT_SOURCE_MAX), body = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *reply = NULL;
	int r = parse(&deploy, argc, argv, &p, e);

	if (r == 0)
		r = file_read(AT_FDCWD, p.operands.v[1], SCRIPT_SOURCE_MAX, &source, e);
	if (r < 0)
		return r;
	write_script(&p, &source, &body);
	r = remote_ask_once(&p.args.remote,
			    &(struct remote_call){ "POST", SCRIPTS "/deploy", buf_bytes(&body) },
			    &reply, e);
	return r < 0 ? r
		     : remote_print_done(&p.args.remote, reply, e, "script %s deployed",
					 p.operands.v[0]);
}

static int run_list(int argc, char **argv, struct err *e)
{
	static const struct remote_column columns[] = {
		{ "NAME", "name" },
		{ "ID", "id" },
		{ "SCHEDULE", "schedule" },
		{ "LAST RUN", "last_run" },
		{ "STATUS", "last_status" },
		{ "OWNER", "owner" },
		{ 0 },
	};
	AUTO(parsed_release) struct parsed p = { 0 };
	AUTO_JSON struct json *reply = NULL;
	int r = parse(&list, argc, argv, &p, e);

	if (r == 0)
		r = remote_ask_once(&p.args.remote, &(struct remote_call){ "GET", SCRIPTS }, &reply,
				    e);
	return r < 0 ? r : remote_print_list(&p.args.remote, reply, "scripts", columns, e);
}

static int run_remove(int argc, char **argv, struct err *e)
{
	AUTO(parsed_release) struct parsed p = { 0 };
	int r = parse(&remove_script, argc, argv, &p, e);

	if (r == 0)
		r = remote_ask_once(&p.args.remote, &(struct remote_call){ "DELETE", p.path }, NULL,
				    e);
	return r < 0 ? r
		     : remote_print_done(&p.args.remote, NULL, e, "script %s removed",
					 p.operands.v[0]);
}

static int run_run(int argc, char **argv, struct err *e)
{
	AUTO(parsed_release) struct parsed p = { 0 };
	AUTO_JSON struct json *reply = NULL;
	AUTO_FREE char *path = NULL;
	const char *status;
	int r = parse(&run_script, argc, argv, &p, e);

	if (r < 0)
		return r;
	path = xasprintf("%s/run", p.path);
	r = remote_ask_once(&p.args.remote, &(struct remote_call){ "POST", path }, &reply, e);
	if (r < 0)
		return r;
	status = json_text(json_get(reply, "status"));
	r = print_output(&p.args.remote, json_text(json_get(reply, "output")), e);
	if (r == 0)
		r = remote_print_done(&p.args.remote, reply, e, "%s: %s", p.operands.v[0],
				      status ? status : "?");
	return r == 0 && !str_eq(status, "success") ? CMD_REPORTED(ERR_FAILED) : r;
}

static int run_show(int argc, char **argv, struct err *e)
{
	static const struct remote_column columns[] = {
		{ "STARTED", "started" },
		{ "FINISHED", "finished" },
		{ "STATUS", "status" },
		{ "EXIT", "exit_code" },
		{ 0 },
	};
	AUTO(parsed_release) struct parsed p = { 0 };
	AUTO_JSON struct json *reply = NULL;
	int r = parse(&show, argc, argv, &p, e);

	if (r == 0)
		r = remote_ask_once(&p.args.remote, &(struct remote_call){ "GET", p.path }, &reply,
				    e);
	return r < 0 ? r : remote_print_list(&p.args.remote, reply, "runs", columns, e);
}

static const struct command *const sub[] = { &deploy,     &list, &remove_script,
					     &run_script, &show, NULL };

const struct command admin_script = {
	.name = "script",
	.usage = "deploy|list|remove|run|show ...",
	.summary = "the scripts of the hub",
	.sub = sub,
};
