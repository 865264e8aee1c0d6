/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/admin.h"

#include "cmd/remote.h"
#include "net/url.h"

struct audit_args {
	struct remote_args remote;
	const char *action, *user, *resource, *since, *until;
	int64_t limit, before;
};

static const struct opt options[] = {
	OPT_TEXT(0, "action", struct audit_args, action, "RULE", "which actions: token.*, !job.*"),
	OPT_TEXT(0, "user", struct audit_args, user, "RULE", "of whom"),
	OPT_TEXT(0, "resource", struct audit_args, resource, "RULE", "on what"),
	OPT_TEXT(0, "since", struct audit_args, since, "TIME", "not before; a time, or 24h ago"),
	OPT_TEXT(0, "until", struct audit_args, until, "TIME", "before that"),
	OPT_INT(0, "limit", struct audit_args, limit, 1, 1000, "N", "so many (default 200)"),
	OPT_INT(0, "before", struct audit_args, before, 0, INT64_MAX, "ID", "older than this one"),
	REMOTE_OPTIONS(struct audit_args, remote),
	OPT_END,
};

static char *path_of(const struct audit_args *args)
{
	const struct {
		const char *key, *value;
	} rules[] = { { "action", args->action },
		      { "user", args->user },
		      { "resource", args->resource },
		      { "since", args->since },
		      { "until", args->until } };
	struct buf path = BUF_INIT(BUF_OWN_MAX);

	buf_addf(&path, "/api/admin/audit?limit=%lld", (long long)args->limit);
	if (args->before > 0)
		buf_addf(&path, "&before=%lld", (long long)args->before);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (rules[i].value)
			url_add_query(&path, rules[i].key, rules[i].value);
	return buf_take(&path);
}

static int run(int argc, char **argv, struct err *e)
{
	static const struct remote_column columns[] = {
		{ "ID", "id" },
		{ "AT", "at" },
		{ "USER", "user" },
		{ "ACTION", "action" },
		{ "RESOURCE", "resource" },
		{ "DETAIL", "detail" },
		{ 0 },
	};
	struct audit_args args = { .limit = 200 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_JSON struct json *reply = NULL;
	AUTO_FREE char *path = NULL;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&admin_audit, &operands, 0, 0, e);
	if (r < 0)
		return r;
	path = path_of(&args);
	r = remote_ask_once(&args.remote, &(struct remote_call){ "GET", path }, &reply, e);
	return r < 0 ? r : remote_print_list(&args.remote, reply, "audit", columns, e);
}

const struct command admin_audit = {
	.name = "audit",
	.usage = "[--action RULE] [--user RULE] [--since TIME] ...",
	.summary = "who did what, the newest first",
	.description =
		"Every administrative act and every run of a job. A RULE is a text in which * stands "
		"for anything; with ! in front it means all but these. What was done at the hub's own "
		"command line has no user.",
	.examples = "larder admin audit --action '!job.*' --since 24h|what people did today\n"
		    "larder admin audit --action 'token.*' --user ann@example.com|her tokens\n"
		    "larder admin audit --resource job:data-refresh|runs of a job",
	.options = options,
	.run = run,
};
