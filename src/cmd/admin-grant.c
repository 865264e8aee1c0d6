/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/admin.h"

#include "cmd/remote.h"

struct grant_args {
	struct remote_args remote;
	bool domain;
	const char *where, *columns;
};

static const struct opt add_options[] = {
	OPT_FLAG(0, "domain", struct grant_args, domain, "a domain of rules instead of a table"),
	OPT_TEXT(0, "where", struct grant_args, where, "SQL", "only rows for which this holds"),
	OPT_TEXT(0, "columns", struct grant_args, columns, "A,B,...", "only these columns"),
	REMOTE_OPTIONS(struct grant_args, remote),
	OPT_END,
};

static const struct opt change_options[] = {
	OPT_FLAG(0, "domain", struct grant_args, domain, "a domain of rules instead of a table"),
	REMOTE_OPTIONS(struct grant_args, remote),
	OPT_END,
};

static const struct opt list_options[] = { REMOTE_OPTIONS(struct grant_args, remote), OPT_END };

static int run_add(int argc, char **argv, struct err *e);
static int run_list(int argc, char **argv, struct err *e);
static int run_remove(int argc, char **argv, struct err *e);

static const struct command add = {
	.name = "add",
	.usage = "GROUP TABLE [--where SQL] [--columns A,B]",
	.summary = "let a group see a table (or, with --domain, a domain of rules)",
	.description =
		"TABLE is an id or a name; the grant follows the id. With --where or --columns the group sees an\n"
		"excerpt: a file with those rows and columns, and nothing else of the table. The condition looks at\n"
		"columns of its row only. Who has several such grants sees what each of them gives; a cell that none\n"
		"gives whole, row and column, is NULL. One grant without limits gives all.",
	.examples =
		"larder admin grant add analysts flights|analysts may pull flights\n"
		"larder admin grant add north flights --where \"region = 'north'\" --columns id,day|some rows and columns\n"
		"larder admin grant add analysts finance --domain|and the rules of that domain",
	.options = add_options,
	.run = run_add,
};

static const struct command list = {
	.name = "list",
	.usage = "",
	.summary = "list all grants",
	.examples = "larder admin grant list|who sees what",
	.options = list_options,
	.run = run_list,
};

static const struct command remove_grant = {
	.name = "remove",
	.usage = "ID | GROUP TABLE",
	.summary = "withdraw a grant: the table is gone from the group's next pull",
	.examples =
		"larder admin grant remove analysts flights|gone with the next pull of each member",
	.options = change_options,
	.run = run_remove,
};

static const char *type_of(const struct grant_args *args)
{
	return args->domain ? "memory_domain" : "table";
}

static void add_limits(const struct grant_args *args, struct json_out *o)
{
	AUTO_STRV struct strv columns = STRV_INIT;

	if (args->where)
		json_add_text(o, "where", args->where);
	if (!args->columns)
		return;
	strv_split(&columns, args->columns, ',');
	json_add_texts(o, "columns", &columns);
}

static int run_add(int argc, char **argv, struct err *e)
{
	struct grant_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_JSON struct json *reply = NULL;
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);
	int r = opt_parse(add_options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&add, &operands, 2, 2, e);
	if (r < 0)
		return r;
	json_open(&o, NULL, '{');
	json_add_text(&o, "group_id", operands.v[0]);
	json_add_text(&o, "resource_type", type_of(&args));
	json_add_text(&o, "resource_id", operands.v[1]);
	add_limits(&args, &o);
	json_close(&o);
	r = remote_ask_once(&args.remote,
			    &(struct remote_call){ "POST", "/api/admin/grants", buf_bytes(&body) },
			    &reply, e);
	return r < 0 ? r
		     : remote_print_done(&args.remote, reply, e, "%s sees %s", operands.v[0],
					 operands.v[1]);
}

static int run_list(int argc, char **argv, struct err *e)
{
	static const struct remote_column columns[] = {
		{ "ID", "id" },
		{ "GROUP", "group" },
		{ "TYPE", "resource_type" },
		{ "RESOURCE", "resource_id" },
		{ "NAME", "resource_name" },
		{ "WHERE", "where" },
		{ "COLUMNS", "columns" },
		{ 0 },
	};
	struct grant_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_JSON struct json *reply = NULL;
	int r = opt_parse(list_options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&list, &operands, 0, 0, e);
	if (r == 0)
		r = remote_ask_once(&args.remote,
				    &(struct remote_call){ "GET", "/api/admin/grants" }, &reply, e);
	return r < 0 ? r : remote_print_list(&args.remote, reply, "grants", columns, e);
}

static bool is_wanted(const struct json *grant, const struct grant_args *args,
		      const struct strv *words)
{
	const char *group = strv_at(words, 0);
	const char *resource = strv_at(words, 1);

	return str_eq(json_text(json_get(grant, "resource_type")), type_of(args)) &&
	       (str_eq(json_text(json_get(grant, "group")), group) ||
		str_eq(json_text(json_get(grant, "group_id")), group)) &&
	       (str_eq(json_text(json_get(grant, "resource_id")), resource) ||
		str_eq(json_text(json_get(grant, "resource_name")), resource));
}

/* The id of the grant that GROUP TABLE mean. */
static int find_id(struct remote *remote, const struct grant_args *args, const struct strv *words,
		   char **ret_id, struct err *e)
{
	AUTO_JSON struct json *reply = NULL;
	const struct json *grants;
	int r = remote_ask(remote, &(struct remote_call){ "GET", "/api/admin/grants" }, &reply, e);

	if (r < 0)
		return r;
	grants = json_get(reply, "grants");
	for (size_t i = 0; i < json_size(grants); i++) {
		const struct json *grant = json_at(grants, i);

		if (!is_wanted(grant, args, words))
			continue;
		*ret_id = xasprintf("%lld", (long long)json_int(json_get(grant, "id"), 0));
		return 0;
	}
	return err_set(e, ERR_NOT_FOUND, "'%s' has no grant of '%s'", words->v[0], words->v[1]);
}

static int run_remove(int argc, char **argv, struct err *e)
{
	struct grant_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_REMOTE struct remote *remote = NULL;
	AUTO_FREE char *id = NULL;
	AUTO_FREE char *path = NULL;
	int r = opt_parse(change_options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&remove_grant, &operands, 1, 2, e);
	if (r == 0)
		r = remote_open(&args.remote, &remote, e);
	if (r == 0 && operands.n == 2)
		r = find_id(remote, &args, &operands, &id, e);
	if (r < 0)
		return r;
	path = remote_path("/api/admin/grants/", id ? id : operands.v[0]);
	r = remote_ask(remote, &(struct remote_call){ "DELETE", path }, NULL, e);
	return r < 0 ? r : remote_print_done(&args.remote, NULL, e, "grant withdrawn");
}

static const struct command *const sub[] = { &add, &list, &remove_grant, NULL };

const struct command admin_grant = {
	.name = "grant",
	.usage = "add|list|remove ...",
	.summary = "which group sees which table",
	.sub = sub,
};
