/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/catalog.h"

#include "base/time.h"
#include "cmd/commands.h"
#include "cmd/remote.h"
#include "net/url.h"

struct catalog_args {
	struct remote_args remote;
	const char *workspace, *search;
	bool offline;
};

static const struct opt options[] = {
	OPT_TEXT('s', "search", struct catalog_args, search, "WORDS",
		 "only tables with all of these words in their name, description or columns"),
	OPT_FLAG(0, "offline", struct catalog_args, offline, "what the last pull brought"),
	OPT_TEXT('w', "workspace", struct catalog_args, workspace, "DIR", "the workspace in DIR"),
	REMOTE_OPTIONS(struct catalog_args, remote),
	OPT_END,
};

struct asking {
	struct catalog_args args;
	struct strv operands, words;
	struct workspace *ws; /* NULL: none is near */
	struct json *reply;
};

static void asking_release(struct asking *a)
{
	strv_release(&a->operands);
	strv_release(&a->words);
	workspace_close(a->ws);
	json_free(a->reply);
}

/* A workspace is a help, not a condition, unless it was named or must do without the hub. */
static int open_near(struct asking *a, struct err *e)
{
	const struct workspace_options o = { .path = a->args.workspace,
					     .server = a->args.remote.server,
					     .token = a->args.remote.token };
	int r = workspace_open(&o, &a->ws, e);

	if (r == ERR_NOT_FOUND && !a->args.workspace && !a->args.offline) {
		*e = (struct err){ 0 };
		return 0;
	}
	return r;
}

static char *path_of(const struct asking *a)
{
	if (a->operands.n > 0)
		return remote_path("/api/v2/schema/", a->operands.v[0]);
	if (!a->args.search)
		return xstrdup("/api/v2/catalog");
	return remote_path("/api/v2/catalog?search=", a->args.search);
}

static int ask_hub(struct asking *a, struct err *e)
{
	AUTO(credentials_release) struct credentials credentials = { 0 };
	AUTO_FREE char *path = path_of(a);
	struct remote_args remote = a->args.remote;

	if (a->ws && workspace_credentials(a->ws, &credentials, e) < 0)
		return e->code;
	if (a->ws) {
		remote.server = credentials.server;
		remote.token = credentials.token;
	}
	return remote_ask_once(&remote, &(struct remote_call){ "GET", path }, &a->reply, e);
}

static int ask_workspace(struct asking *a, struct err *e)
{
	return catalog_offline(a->ws, strv_at(&a->operands, 0), &a->words, &a->reply, e);
}

/* The hub, and when it is out of reach, what is here. */
static int ask(struct asking *a, struct err *e)
{
	int r = open_near(a, e);

	if (r < 0)
		return r;
	if (a->args.offline)
		return ask_workspace(a, e);
	r = ask_hub(a, e);
	if (r != ERR_OFFLINE || !a->ws)
		return r;
	cmd_warn("%s; this is what the last pull brought", e->msg);
	*e = (struct err){ 0 };
	return ask_workspace(a, e);
}

static int print_list(const struct asking *a, struct err *e)
{
	static const struct remote_column here[] = {
		{ "NAME", "name" },
		{ "ROWS", "rows" },
		{ "BYTES", "size_bytes" },
		{ "UPDATED", "updated" },
		{ "DESCRIPTION", "description" },
		{ 0 },
	};
	static const struct remote_column there[] = {
		{ "NAME", "name" },
		{ "MODE", "query_mode" },
		{ "ROWS", "rows" },
		{ "SIZE", "rough_size_hint" },
		{ "UPDATED", "updated" },
		{ "DESCRIPTION", "description" },
		{ 0 },
	};
	bool offline = json_flag(json_get(a->reply, "offline"), false);

	return remote_print_list(&a->args.remote, a->reply, "tables", offline ? here : there, e);
}

static void add_fact(struct buf *out, const struct json *reply, const char *title, const char *key)
{
	const struct json *v = json_get(reply, key);
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);

	if (!v || json_kind(v) == JSON_NULL || (json_kind(v) == JSON_TEXT && json_bytes(v).n == 0))
		return;
	if (json_kind(v) == JSON_TEXT)
		text_add_clean(&text, json_bytes(v));
	else
		json_print(v, &text, false);
	buf_addf(out, "%-12s %s\n", title, buf_str(&text));
}

static int print_table(const struct asking *a, struct err *e)
{
	static const char *const facts[][2] = {
		{ "table", "name" },          { "about", "description" },
		{ "mode", "query_mode" },     { "source", "source_type" },
		{ "rows", "rows" },           { "bytes", "size_bytes" },
		{ "updated", "updated" },     { "version", "version" },
		{ "rows seen", "row_scope" }, { "partitioned", "partition_by" },
		{ "sorted by", "sort_by" },   { "fetch", "fetch_via" },
	};
	static const struct remote_column figures[] = {
		{ "COLUMN", "name" },   { "TYPE", "type" },
		{ "NULLS", "nulls" },   { "DISTINCT", "distinct" },
		{ "MIN", "min" },       { "MAX", "max" },
		{ "COMMON", "values" }, { 0 },
	};
	static const struct remote_column plain[] = { { "COLUMN", "name" },
						      { "TYPE", "type" },
						      { 0 } };
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	bool known = json_get(json_at(json_get(a->reply, "columns"), 0), "nulls") != NULL;

	for (size_t i = 0; i < ARRAY_LEN(facts); i++)
		add_fact(&out, a->reply, facts[i][0], facts[i][1]);
	buf_addc(&out, '\n');
	if (cmd_print(&out, e) < 0)
		return e->code;
	return remote_print_list(&a->args.remote, a->reply, "columns", known ? figures : plain, e);
}

static int run(int argc, char **argv, struct err *e)
{
	AUTO(asking_release) struct asking a = { 0 };

	if (opt_parse(options, &a.args, argc, argv, &a.operands, e) < 0 ||
	    cmd_operands(&cmd_catalog, &a.operands, 0, 1, e) < 0)
		return e->code;
	if (a.args.search && a.operands.n > 0)
		return err_set(e, ERR_USAGE, "a table and --search: one of them");
	strv_split(&a.words, a.args.search ? a.args.search : "", ' ');
	if (ask(&a, e) < 0)
		return e->code;
	return a.operands.n > 0 && !a.args.remote.json ? print_table(&a, e) : print_list(&a, e);
}

const struct command cmd_catalog = {
	.name = "catalog",
	.usage = "[TABLE] [--search WORDS] [--offline] [--json]",
	.summary = "which tables there are, and what is in them",
	.description =
		"Lists the tables you may see on the hub; with TABLE its columns with types, nulls, distinct values\n"
		"(an estimate), bounds and common values. Out of reach of the hub it tells what the last pull\n"
		"brought, and says so.",
	.examples =
		"larder catalog|all tables\n"
		"larder catalog --search \"flight delay\"|by words in names, descriptions and columns\n"
		"larder catalog flights|one table with its columns\n"
		"larder catalog --offline --json|what is here, for programs",
	.options = options,
	.run = run,
};
