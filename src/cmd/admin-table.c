/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/admin.h"

#include "cmd/remote.h"

#define REGISTRY "/api/admin/registry"

struct table_args {
	struct remote_args remote;
	const char *name, *description, *mode, *source, *sort, *version;
};

static const struct opt edit_options[] = {
	OPT_TEXT(0, "name", struct table_args, name, "NAME", "the name users see"),
	OPT_TEXT(0, "description", struct table_args, description, "TEXT", "for the catalog"),
	OPT_TEXT(0, "mode", struct table_args, mode, "MODE",
		 "local, materialized or remote (default local)"),
	OPT_TEXT(0, "source", struct table_args, source, "WORD", "where it comes from"),
	OPT_TEXT(0, "sort", struct table_args, sort, "COLS", "order of its rows: 'a,-b'"),
	REMOTE_OPTIONS(struct table_args, remote),
	OPT_END,
};

static const struct opt options[] = { REMOTE_OPTIONS(struct table_args, remote), OPT_END };

static const struct opt show_options[] = {
	OPT_TEXT(0, "version", struct table_args, version, "SHA256",
		 "the figures of the columns of this one"),
	REMOTE_OPTIONS(struct table_args, remote),
	OPT_END,
};

static int run_add(int argc, char **argv, struct err *e);
static int run_change(int argc, char **argv, struct err *e);
static int run_list(int argc, char **argv, struct err *e);
static int run_remove(int argc, char **argv, struct err *e);
static int run_show(int argc, char **argv, struct err *e);

static const struct command add = {
	.name = "add",
	.usage = "ID",
	.summary = "add a table without data yet",
	.description = "larder publish makes a table by itself; this is for tables that stay at "
		       "their source, and for granting before the first publish.",
	.examples =
		"larder admin table add orders --mode remote --source bigquery|listed, not pulled",
	.options = edit_options,
	.run = run_add,
};

static const struct command change = {
	.name = "change",
	.usage = "TABLE",
	.summary = "change what is said of a table",
	.description = "Options not given stay as they are; an empty text takes the old one away. "
		       "Grants follow the id, so a new name changes nobody's rights.",
	.examples =
		"larder admin table change orders --description 'All orders'|what people read of it",
	.options = edit_options,
	.run = run_change,
};

static const struct command list = {
	.name = "list",
	.usage = "",
	.summary = "list all tables",
	.examples = "larder admin table list|with rows and sizes",
	.options = options,
	.run = run_list,
};

static const struct command remove_table = {
	.name = "remove",
	.usage = "TABLE",
	.summary = "remove a table, all its versions and its grants",
	.examples = "larder admin table remove orders|for good",
	.options = options,
	.run = run_remove,
};

static const struct command show = {
	.name = "show",
	.usage = "TABLE [--version SHA256]",
	.summary = "show the versions of a table that are kept",
	.examples =
		"larder admin table show orders|which versions are kept\n"
		"larder admin table show orders --version 3b1f...|nulls, min, max of its columns",
	.options = show_options,
	.run = run_show,
};

static void write_change(const struct table_args *args, const char *id, struct buf *out)
{
	const struct {
		const char *key, *text;
	} members[] = {
		{ "id", id },
		{ "name", args->name },
		{ "description", args->description },
		{ "query_mode", args->mode },
		{ "source_type", args->source },
		{ "sort_by", args->sort },
	};
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (members[i].text)
			json_add_text(&o, members[i].key, members[i].text);
	json_close(&o);
}

struct parsed {
	struct table_args args;
	struct strv operands;
	char *path; /* of the one operand in the registry */
};

static void parsed_release(struct parsed *p)
{
	strv_release(&p->operands);
	free(p->path);
}

static int parse(const struct command *command, int argc, char **argv, struct parsed *p,
		 struct err *e)
{
	size_t n = command->usage[0] ? 1 : 0;
	int r = opt_parse(command->options, &p->args, argc, argv, &p->operands, e);

	if (r == 0)
		r = cmd_operands(command, &p->operands, n, n, e);
	if (r == 0 && n == 1)
		p->path = remote_path(REGISTRY "/", p->operands.v[0]);
	return r;
}

static int run_add(int argc, char **argv, struct err *e)
{
	AUTO(parsed_release) struct parsed p = { 0 };
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *reply = NULL;
	int r = parse(&add, argc, argv, &p, e);

	if (r < 0)
		return r;
	write_change(&p.args, p.operands.v[0], &body);
	r = remote_ask_once(&p.args.remote,
			    &(struct remote_call){ "POST", REGISTRY, buf_bytes(&body) }, &reply, e);
	return r < 0 ? r
		     : remote_print_done(&p.args.remote, reply, e, "table %s added",
					 p.operands.v[0]);
}

static int run_change(int argc, char **argv, struct err *e)
{
	AUTO(parsed_release) struct parsed p = { 0 };
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *reply = NULL;
	int r = parse(&change, argc, argv, &p, e);

	if (r < 0)
		return r;
	write_change(&p.args, NULL, &body);
	r = remote_ask_once(&p.args.remote,
			    &(struct remote_call){ "PATCH", p.path, buf_bytes(&body) }, &reply, e);
	return r < 0 ? r
		     : remote_print_done(&p.args.remote, reply, e, "table %s changed",
					 p.operands.v[0]);
}

static int run_list(int argc, char **argv, struct err *e)
{
	static const struct remote_column columns[] = {
		{ "NAME", "name" },
		{ "ID", "id" },
		{ "MODE", "query_mode" },
		{ "ROWS", "rows" },
		{ "BYTES", "size_bytes" },
		{ "UPDATED", "updated" },
		{ "DESCRIPTION", "description" },
		{ 0 },
	};
	AUTO(parsed_release) struct parsed p = { 0 };
	AUTO_JSON struct json *reply = NULL;
	int r = parse(&list, argc, argv, &p, e);

	if (r == 0)
		r = remote_ask_once(&p.args.remote, &(struct remote_call){ "GET", REGISTRY },
				    &reply, e);
	return r < 0 ? r : remote_print_list(&p.args.remote, reply, "tables", columns, e);
}

static int run_remove(int argc, char **argv, struct err *e)
{
	AUTO(parsed_release) struct parsed p = { 0 };
	int r = parse(&remove_table, argc, argv, &p, e);

	if (r == 0)
		r = remote_ask_once(&p.args.remote, &(struct remote_call){ "DELETE", p.path }, NULL,
				    e);
	return r < 0 ? r
		     : remote_print_done(&p.args.remote, NULL, e, "table %s removed",
					 p.operands.v[0]);
}

static int run_show(int argc, char **argv, struct err *e)
{
	static const struct remote_column columns[] = {
		{ "VERSION", "sha256" },   { "ROWS", "rows" },
		{ "BYTES", "size_bytes" }, { "PARTS", "parts" },
		{ "CREATED", "created" },  { "BY", "created_by" },
		{ "REPLACED", "retired" }, { 0 },
	};
	static const struct remote_column figures[] = {
		{ "COLUMN", "name" },
		{ "TYPE", "type" },
		{ "NULLS", "nulls" },
		{ "DISTINCT", "distinct" },
		{ "MIN", "min" },
		{ "MAX", "max" },
		{ 0 },
	};
	AUTO(parsed_release) struct parsed p = { 0 };
	AUTO_FREE char *path = NULL;
	AUTO_JSON struct json *reply = NULL;
	int r = parse(&show, argc, argv, &p, e);
	const char *version = p.args.version;

	if (r < 0)
		return r;
	path = xasprintf("%s/versions", p.path);
	if (version) {
		AUTO_FREE char *all = xasprintf("%s/", path);

		free(path);
		path = remote_path(all, version);
	}
	r = remote_ask_once(&p.args.remote, &(struct remote_call){ "GET", path }, &reply, e);
	if (r < 0)
		return r;
	return remote_print_list(&p.args.remote, reply, version ? "columns" : "versions",
				 version ? figures : columns, e);
}

static const struct command *const sub[] = {
	&add, &change, &list, &remove_table, &show, &admin_table_remote, &admin_table_source, NULL
};

const struct command admin_table = {
	.name = "table",
	.usage = "add|change|list|remove|show|remote|source ...",
	.summary = "the tables of the hub",
	.sub = sub,
};
