/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/admin.h"

#include "cmd/remote.h"

#define REGISTRY "/api/admin/registry/"

struct place_args {
	struct remote_args remote;
	const char *engine;
	struct strv set;
	bool remove;
};

static const struct opt options[] = {
	OPT_TEXT(0, "engine", struct place_args, engine, "WORD", "postgres or bigquery"),
	OPT_LIST('s', "set", struct place_args, set, "KEY=TEXT",
		 "what the engine must know; repeatable"),
	OPT_FLAG(0, "remove", struct place_args, remove, "the hub is not to know any more"),
	REMOTE_OPTIONS(struct place_args, remote),
	OPT_END,
};

static int run(int argc, char **argv, struct err *e);

const struct command admin_table_remote = {
	.name = "remote",
	.usage = "TABLE",
	.summary = "say where a remote table stays, or show it",
	.description =
		"For tables of mode remote: the hub asks them there, within the cost guard (docs/remote.md), and "
		"looks up what is known of them. Without options: shows it. PostgreSQL: table=SCHEMA.TABLE, and "
		"connection=TEXT, connection_env=NAME or connection_file=FILE. Secrets are never kept: name a "
		"variable or a file of the hub that holds them.",
	.examples =
		"larder admin table add orders --mode remote|a table without files\n"
		"larder admin table remote o --engine postgres -s connection_env=DB -s table=o|where it is\n"
		"larder admin table remote orders|what was said of it",
	.options = options,
	.run = run,
};

static int write_place(const struct place_args *a, struct buf *out, struct err *e)
{
	struct json_out o = json_out(out);

	if (!a->engine)
		return err_set(e, ERR_USAGE, "--set goes with --engine");
	json_open(&o, NULL, '{');
	json_add_text(&o, "engine", a->engine);
	for (size_t i = 0; i < a->set.n; i++) {
		const char *pair = a->set.v[i], *equals = strchr(pair, '=');
		AUTO_FREE char *key = equals ? xstrndup(pair, (size_t)(equals - pair)) : NULL;

		if (!equals || equals == pair)
			return err_set(e, ERR_USAGE, "--set takes KEY=TEXT, not '%s'", pair);
		json_add_text(&o, key, equals + 1);
	}
	json_close(&o);
	return 0;
}

static int set(const struct place_args *a, const char *table, const char *path, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *reply = NULL;
	int r = write_place(a, &body, e);

	if (r == 0)
		r = remote_ask_once(&a->remote,
				    &(struct remote_call){ "PUT", path, buf_bytes(&body) }, &reply,
				    e);
	return r < 0 ? r
		     : remote_print_done(&a->remote, reply, e, "table %s stays in %s", table,
					 a->engine);
}

static int show(const struct place_args *a, const char *path, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *reply = NULL;
	int r = remote_ask_once(&a->remote, &(struct remote_call){ "GET", path }, &reply, e);

	if (r < 0)
		return r;
	json_print(reply, &text, !a->remote.json);
	return cmd_print(&text, e);
}

static int run_place(const struct place_args *a, const char *table, struct err *e)
{
	AUTO_FREE char *base = remote_path(REGISTRY, table);
	AUTO_FREE char *path = xasprintf("%s/remote", base);
	bool sets = a->engine || a->set.n > 0;
	int r;

	if (a->remove && sets)
		return err_set(e, ERR_USAGE, "--remove goes with neither --engine nor --set");
	if (sets)
		return set(a, table, path, e);
	if (!a->remove)
		return show(a, path, e);
	r = remote_ask_once(&a->remote, &(struct remote_call){ "DELETE", path }, NULL, e);
	return r < 0 ? r
		     : remote_print_done(&a->remote, NULL, e,
					 "the hub does not know where table %s is any more", table);
}

static int run(int argc, char **argv, struct err *e)
{
	struct place_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&admin_table_remote, &operands, 1, 1, e);
	if (r == 0)
		r = run_place(&args, operands.v[0], e);
	strv_release(&args.set);
	return r;
}
