/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/admin.h"

#include "cmd/remote.h"

struct token_args {
	struct remote_args remote;
	const char *name, *user, *scope, *expires;
	bool all;
	struct strv permissions, ips;
	int64_t rate;
};

static const struct opt create_options[] = {
	OPT_TEXT(0, "name", struct token_args, name, "NAME", "what it is for: laptop"),
	OPT_TEXT(0, "user", struct token_args, user, "EMAIL", "for another user (admins)"),
	OPT_TEXT(0, "scope", struct token_args, scope, "SCOPE", "read, user (default) or admin"),
	OPT_TEXT(0, "expires", struct token_args, expires, "TIME", "90d (default), 365d, never"),
	OPT_LIST(0, "permission", struct token_args, permissions, "WORD",
		 "a key that may only sync.read, sync.write, fleet.read, fleet.write"),
	OPT_LIST(0, "ip", struct token_args, ips, "ADDRESS", "used only from there"),
	OPT_INT(0, "rate", struct token_args, rate, 0, 1000000, "N",
		"calls a minute of agents' routes (default 100; 0: any)"),
	REMOTE_OPTIONS(struct token_args, remote),
	OPT_END,
};

static const struct opt list_options[] = {
	OPT_FLAG('a', "all", struct token_args, all, "those of all users (admins)"),
	REMOTE_OPTIONS(struct token_args, remote),
	OPT_END,
};

static const struct opt revoke_options[] = { REMOTE_OPTIONS(struct token_args, remote), OPT_END };

static int run_create(int argc, char **argv, struct err *e);
static int run_list(int argc, char **argv, struct err *e);
static int run_revoke(int argc, char **argv, struct err *e);

static const struct command create = {
	.name = "create",
	.usage = "--name NAME [--user EMAIL] [--scope SCOPE] [--expires TIME]",
	.summary = "make a token and print it, this once",
	.description =
		"The hub keeps only a hash of it. Scope read is for pulling alone, user for "
		"everything a person does, admin for members of the group admin. A token makes "
		"none of a wider scope than its own, and none that outlives it.",
	.examples = "larder admin token create --user bob@example.com --name laptop|for bob\n"
		    "larder admin token create --name ci --scope read --expires 30d|for a machine\n"
		    "larder admin token create --name fleet --permission sync.read --permission "
		    "sync.write|an agent's key",
	.options = create_options,
	.run = run_create,
};

static const struct command list = {
	.name = "list",
	.usage = "[--all]",
	.summary = "list tokens, with expiry and last use",
	.examples = "larder admin token list --all|those of everybody",
	.options = list_options,
	.run = run_list,
};

static const struct command revoke_token = {
	.name = "revoke",
	.usage = "ID",
	.summary = "end a token at once",
	.examples =
		"larder admin token revoke 9d636abb4113|by the id that `larder admin token list` shows",
	.options = revoke_options,
	.run = run_revoke,
};

#define DAY_SECONDS ((int64_t)24 * 3600)

static int add_expiry(struct json_out *o, const char *text, struct err *e)
{
	int64_t seconds = 0;
	int r;

	if (!text)
		return 0;
	if (str_eq(text, "never")) {
		json_add_null(o, "expires_in_days");
		return 0;
	}
	r = parse_duration(text, &seconds, e);
	if (r < 0)
		return err_in(e, "--expires");
	if (seconds < DAY_SECONDS || seconds % DAY_SECONDS != 0)
		return err_set(e, ERR_USAGE, "--expires '%s': whole days, as in 90d", text);
	json_add_int(o, "expires_in_days", seconds / DAY_SECONDS);
	return 0;
}

static void add_texts(struct json_out *o, const char *key, const struct strv *texts)
{
	if (texts->n == 0)
		return;
	json_add_texts(o, key, texts);
}

static int build_wish(const struct token_args *args, struct buf *body, struct err *e)
{
	struct json_out o = json_out(body);
	int r;

	json_open(&o, NULL, '{');
	json_add_text(&o, "name", args->name);
	if (args->user)
		json_add_text(&o, "user", args->user);
	if (args->scope)
		json_add_text(&o, "scope", args->scope);
	add_texts(&o, "permissions", &args->permissions);
	add_texts(&o, "allowed_ips", &args->ips);
	if (args->rate >= 0)
		json_add_int(&o, "rate_per_minute", args->rate);
	r = add_expiry(&o, args->expires, e);
	json_close(&o);
	return r;
}

static void args_release(struct token_args *args)
{
	strv_release(&args->permissions);
	strv_release(&args->ips);
}

static int run_create(int argc, char **argv, struct err *e)
{
	AUTO(args_release) struct token_args args = { .rate = -1 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_JSON struct json *reply = NULL;
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	int r = opt_parse(create_options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&create, &operands, 0, 0, e);
	if (r == 0 && !args.name)
		r = err_set(e, ERR_USAGE, "--name NAME is missing");
	if (r == 0)
		r = build_wish(&args, &body, e);
	if (r == 0)
		r = remote_ask_once(
			&args.remote,
			&(struct remote_call){ "POST", "/auth/tokens", buf_bytes(&body) }, &reply,
			e);
	if (r == 0 && !json_text(json_get(reply, "token")))
		r = err_set(e, ERR_REMOTE, "the hub's answer holds no token");
	return r < 0 ? r
		     : remote_print_done(&args.remote, reply, e, "%s",
					 json_text(json_get(reply, "token")));
}

static int run_list(int argc, char **argv, struct err *e)
{
	static const struct remote_column columns[] = {
		{ "ID", "id" },
		{ "NAME", "name" },
		{ "USER", "user" },
		{ "SCOPE", "scope" },
		{ "EXPIRES", "expires_at" },
		{ "LAST USE", "last_used_at" },
		{ "REVOKED", "revoked_at" },
		{ 0 },
	};
	struct token_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_JSON struct json *reply = NULL;
	int r = opt_parse(list_options, &args, argc, argv, &operands, e);
	const char *path = args.all ? "/auth/tokens?all=1" : "/auth/tokens";

	if (r == 0)
		r = cmd_operands(&list, &operands, 0, 0, e);
	if (r == 0)
		r = remote_ask_once(&args.remote, &(struct remote_call){ "GET", path }, &reply, e);
	return r < 0 ? r : remote_print_list(&args.remote, reply, NULL, columns, e);
}

static int run_revoke(int argc, char **argv, struct err *e)
{
	struct token_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_FREE char *path = NULL;
	int r = opt_parse(revoke_options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&revoke_token, &operands, 1, 1, e);
	if (r < 0)
		return r;
	path = remote_path("/auth/tokens/", operands.v[0]);
	r = remote_ask_once(&args.remote, &(struct remote_call){ "DELETE", path }, NULL, e);
	return r < 0 ? r
		     : remote_print_done(&args.remote, NULL, e, "token %s revoked", operands.v[0]);
}

static const struct command *const sub[] = { &create, &list, &revoke_token, NULL };

const struct command admin_token = {
	.name = "token",
	.usage = "create|list|revoke ...",
	.summary = "tokens, with which people and machines come to the hub",
	.sub = sub,
};
