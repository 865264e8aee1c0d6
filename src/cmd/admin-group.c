/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/admin.h"

#include "cmd/remote.h"

struct group_args {
	struct remote_args remote;
};

static const struct opt options[] = { REMOTE_OPTIONS(struct group_args, remote), OPT_END };

static int run_add(int argc, char **argv, struct err *e);
static int run_list(int argc, char **argv, struct err *e);
static int run_remove(int argc, char **argv, struct err *e);

static const struct command add = {
	.name = "add",
	.usage = "NAME",
	.summary = "add a group",
	.examples = "larder admin group add analysts|a new group",
	.options = options,
	.run = run_add,
};

static const struct command list = {
	.name = "list",
	.usage = "",
	.summary = "list all groups with their members",
	.examples = "larder admin group list|with their members",
	.options = options,
	.run = run_list,
};

static const struct command remove_group = {
	.name = "remove",
	.usage = "NAME",
	.summary = "remove a group, its memberships and its grants",
	.examples = "larder admin group remove analysts|with its memberships and grants",
	.options = options,
	.run = run_remove,
};

static int run_add(int argc, char **argv, struct err *e)
{
	struct group_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_JSON struct json *reply = NULL;
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&add, &operands, 1, 1, e);
	if (r < 0)
		return r;
	json_open(&o, NULL, '{');
	json_add_text(&o, "name", operands.v[0]);
	json_close(&o);
	r = remote_ask_once(&args.remote,
			    &(struct remote_call){ "POST", "/api/admin/groups", buf_bytes(&body) },
			    &reply, e);
	return r < 0 ? r
		     : remote_print_done(&args.remote, reply, e, "group %s added", operands.v[0]);
}

static int run_list(int argc, char **argv, struct err *e)
{
	static const struct remote_column columns[] = {
		{ "NAME", "name" },
		{ "ID", "id" },
		{ "MEMBERS", "members" },
		{ 0 },
	};
	struct group_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_JSON struct json *reply = NULL;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&list, &operands, 0, 0, e);
	if (r == 0)
		r = remote_ask_once(&args.remote,
				    &(struct remote_call){ "GET", "/api/admin/groups" }, &reply, e);
	return r < 0 ? r : remote_print_list(&args.remote, reply, "groups", columns, e);
}

static int run_remove(int argc, char **argv, struct err *e)
{
	struct group_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_FREE char *path = NULL;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&remove_group, &operands, 1, 1, e);
	if (r < 0)
		return r;
	path = remote_path("/api/admin/groups/", operands.v[0]);
	r = remote_ask_once(&args.remote, &(struct remote_call){ "DELETE", path }, NULL, e);
	return r < 0 ? r
		     : remote_print_done(&args.remote, NULL, e, "group %s removed", operands.v[0]);
}

static const struct command *const sub[] = { &add, &list, &remove_group, NULL };

const struct command admin_group = {
	.name = "group",
	.usage = "add|list|remove ...",
	.summary = "groups of users, which grants are given to",
	.sub = sub,
};
