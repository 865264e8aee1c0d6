/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/admin.h"

#include "cmd/remote.h"

struct member_args {
	struct remote_args remote;
};

static const struct opt options[] = { REMOTE_OPTIONS(struct member_args, remote), OPT_END };

static int run_add(int argc, char **argv, struct err *e);
static int run_remove(int argc, char **argv, struct err *e);

static const struct command add = {
	.name = "add",
	.usage = "GROUP EMAIL",
	.summary = "make a user a member of a group",
	.description = "Members of the group admin see everything, and administer the hub with a "
		       "token of scope admin.",
	.examples = "larder admin member add analysts bo@example.com|bo sees what analysts see",
	.options = options,
	.run = run_add,
};

static const struct command remove_member = {
	.name = "remove",
	.usage = "GROUP EMAIL",
	.summary = "end a membership: what it gave is gone at once",
	.examples = "larder admin member remove analysts bo@example.com|and no longer",
	.options = options,
	.run = run_remove,
};

/* "/api/admin/groups/GROUP/members" */
static char *members_path(const char *group)
{
	AUTO_FREE char *path = remote_path("/api/admin/groups/", group);

	return xasprintf("%s/members", path);
}

static int run_add(int argc, char **argv, struct err *e)
{
	struct member_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_JSON struct json *reply = NULL;
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);
	AUTO_FREE char *path = NULL;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&add, &operands, 2, 2, e);
	if (r < 0)
		return r;
	json_open(&o, NULL, '{');
	json_add_text(&o, "user", operands.v[1]);
	json_close(&o);
	path = members_path(operands.v[0]);
	r = remote_ask_once(&args.remote, &(struct remote_call){ "POST", path, buf_bytes(&body) },
			    &reply, e);
	return r < 0 ? r
		     : remote_print_done(&args.remote, reply, e, "%s is a member of %s",
					 operands.v[1], operands.v[0]);
}

static int run_remove(int argc, char **argv, struct err *e)
{
	struct member_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_FREE char *members = NULL;
	AUTO_FREE char *base = NULL;
	AUTO_FREE char *path = NULL;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&remove_member, &operands, 2, 2, e);
	if (r < 0)
		return r;
	members = members_path(operands.v[0]);
	base = xasprintf("%s/", members);
	path = remote_path(base, operands.v[1]);
	r = remote_ask_once(&args.remote, &(struct remote_call){ "DELETE", path }, NULL, e);
	return r < 0 ? r
		     : remote_print_done(&args.remote, NULL, e, "%s is no member of %s any more",
					 operands.v[1], operands.v[0]);
}

static const struct command *const sub[] = { &add, &remove_member, NULL };

const struct command admin_member = {
	.name = "member",
	.usage = "add|remove GROUP EMAIL",
	.summary = "who belongs to a group (larder admin group list shows it)",
	.sub = sub,
};
