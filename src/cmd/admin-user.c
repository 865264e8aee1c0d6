/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/admin.h"

#include "cmd/remote.h"

struct user_args {
	struct remote_args remote;
	const char *name;
};

static const struct opt add_options[] = {
	OPT_TEXT(0, "name", struct user_args, name, "NAME", "the person's name"),
	REMOTE_OPTIONS(struct user_args, remote),
	OPT_END,
};

static const struct opt options[] = { REMOTE_OPTIONS(struct user_args, remote), OPT_END };

static int run_add(int argc, char **argv, struct err *e);
static int run_list(int argc, char **argv, struct err *e);
static int run_remove(int argc, char **argv, struct err *e);

static const struct command add = {
	.name = "add",
	.usage = "EMAIL [--name NAME]",
	.summary = "add a user, or bring a removed one back",
	.description = "The address names the user from now on; letters count as lower case. A "
		       "user that comes back has no groups and no tokens.",
	.examples = "larder admin user add bo@example.com --name Bo|a new user",
	.options = add_options,
	.run = run_add,
};

static const struct command list = {
	.name = "list",
	.usage = "",
	.summary = "list all users with their groups",
	.examples = "larder admin user list|with their groups",
	.options = options,
	.run = run_list,
};

static const struct command remove_user = {
	.name = "remove",
	.usage = "EMAIL",
	.summary = "deactivate a user: tokens stop at once, memberships go",
	.examples = "larder admin user remove bo@example.com|tokens stop at once",
	.options = options,
	.run = run_remove,
};

static int run_add(int argc, char **argv, struct err *e)
{
	struct user_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_JSON struct json *reply = NULL;
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);
	int r = opt_parse(add_options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&add, &operands, 1, 1, e);
	if (r < 0)
		return r;
	json_open(&o, NULL, '{');
	json_add_text(&o, "email", operands.v[0]);
	json_add_text(&o, "name", args.name);
	json_close(&o);
	r = remote_ask_once(&args.remote,
			    &(struct remote_call){ "POST", "/api/admin/users", buf_bytes(&body) },
			    &reply, e);
	return r < 0 ? r
		     : remote_print_done(&args.remote, reply, e, "user %s added", operands.v[0]);
}

static int run_list(int argc, char **argv, struct err *e)
{
	static const struct remote_column columns[] = {
		{ "EMAIL", "email" },   { "NAME", "name" },           { "ACTIVE", "active" },
		{ "GROUPS", "groups" }, { "PULLED", "last_pull_at" }, { 0 },
	};
	struct user_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_JSON struct json *reply = NULL;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&list, &operands, 0, 0, e);
	if (r == 0)
		r = remote_ask_once(&args.remote,
				    &(struct remote_call){ "GET", "/api/admin/users" }, &reply, e);
	return r < 0 ? r : remote_print_list(&args.remote, reply, "users", columns, e);
}

static int run_remove(int argc, char **argv, struct err *e)
{
	struct user_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_FREE char *path = NULL;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&remove_user, &operands, 1, 1, e);
	if (r < 0)
		return r;
	path = remote_path("/api/admin/users/", operands.v[0]);
	r = remote_ask_once(&args.remote, &(struct remote_call){ "DELETE", path }, NULL, e);
	return r < 0 ? r
		     : remote_print_done(&args.remote, NULL, e, "user %s removed", operands.v[0]);
}

static const struct command *const sub[] = { &add, &list, &remove_user, NULL };

const struct command admin_user = {
	.name = "user",
	.usage = "add|list|remove ...",
	.summary = "users of the hub",
	.sub = sub,
};
