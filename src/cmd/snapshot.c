/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

#include "base/progress.h"
#include "workspace/snapshot.h"

struct snapshot_args {
	const char *workspace, *table, *where, *select, *order;
	int64_t limit;
	bool estimate, json, quiet;
};

static const struct opt options[] = {
	OPT_TEXT('w', "workspace", struct snapshot_args, workspace, "DIR", "the workspace in DIR"),
	OPT_FLAG('j', "json", struct snapshot_args, json, "one JSON object on stdout"),
	OPT_FLAG('q', "quiet", struct snapshot_args, quiet, "no progress"),
	OPT_END,
};

static const struct opt create_options[] = {
	OPT_TEXT('t', "table", struct snapshot_args, table, "TABLE", "the remote table (needed)"),
	OPT_TEXT(0, "select", struct snapshot_args, select, "COLUMNS", "only these: a,b"),
	OPT_TEXT(0, "where", struct snapshot_args, where, "CONDITION",
		 "only rows it holds for, in the source's dialect"),
	OPT_TEXT(0, "order-by", struct snapshot_args, order, "COLUMNS",
		 "a,-b: b the largest first"),
	OPT_INT('n', "limit", struct snapshot_args, limit, 1, INT64_MAX, "ROWS", "so many at most"),
	OPT_FLAG(0, "estimate", struct snapshot_args, estimate,
		 "only say what its source would read"),
	OPT_TEXT('w', "workspace", struct snapshot_args, workspace, "DIR", "the workspace in DIR"),
	OPT_FLAG('j', "json", struct snapshot_args, json, "one JSON object on stdout"),
	OPT_FLAG('q', "quiet", struct snapshot_args, quiet, "no progress"),
	OPT_END,
};

static int run_create(int argc, char **argv, struct err *e);
static int run_refresh(int argc, char **argv, struct err *e);
static int run_list(int argc, char **argv, struct err *e);
static int run_drop(int argc, char **argv, struct err *e);

static const struct command create = {
	.name = "create",
	.usage = "NAME --table TABLE [--where SQL] [--estimate]",
	.summary = "bring an extract of a remote table",
	.description =
		"The hub asks the table's source, within its cost guard, and sends the rows as one file. It is "
		"a table of this workspace then, asked with larder query. Pulls leave it alone while you may "
		"see the remote table.",
	.examples =
		"larder snapshot create n --table orders --where \"region = 'n'\" --estimate|its price\n"
		"larder snapshot create n --table orders --select id,day --limit 1000|an extract",
	.options = create_options,
	.run = run_create,
};

static const struct command drop = {
	.name = "drop",
	.usage = "NAME",
	.summary = "remove an extract from this workspace",
	.examples = "larder snapshot drop north|its file and its view go",
	.options = options,
	.run = run_drop,
};

static const struct command list = {
	.name = "list",
	.usage = "",
	.summary = "list the extracts of this workspace",
	.examples = "larder snapshot list --json|with what each was asked for",
	.options = options,
	.run = run_list,
};

static const struct command refresh = {
	.name = "refresh",
	.usage = "NAME",
	.summary = "bring an extract anew, as it was asked for",
	.examples = "larder snapshot refresh north|the newest rows",
	.options = options,
	.run = run_refresh,
};

struct parsed {
	struct snapshot_args args;
	struct strv operands, select, order;
	struct workspace *ws;
};

static void parsed_release(struct parsed *p)
{
	strv_release(&p->operands);
	strv_release(&p->select);
	strv_release(&p->order);
	workspace_close(p->ws);
}

static int parse(const struct command *command, int argc, char **argv, struct parsed *p,
		 struct err *e)
{
	size_t n = command->usage[0] ? 1 : 0;
	struct workspace_options where = { 0 };
	int r = opt_parse(command->options, &p->args, argc, argv, &p->operands, e);

	if (r == 0)
		r = cmd_operands(command, &p->operands, n, n, e);
	if (r < 0)
		return r;
	where.path = p->args.workspace;
	return workspace_open(&where, &p->ws, e);
}

static int tell_estimate(const struct snapshot_args *args, const struct json *reply, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	char size[FORMAT_SIZE_MAX];
	int64_t bytes = json_int(json_get(reply, "estimated_scan_bytes"), 0);

	if (args->json) {
		json_print(reply, &out, false);
		buf_addc(&out, '\n');
	} else {
		buf_addf(&out, "its source would read %s", format_size(bytes, size));
		if (json_kind(json_get(reply, "estimated_result_rows")) == JSON_INT)
			buf_addf(&out, " for about %lld rows",
				 (long long)json_int(json_get(reply, "estimated_result_rows"), 0));
		buf_adds(&out, "; nothing was read\n");
	}
	return cmd_print(&out, e);
}

static int tell_done(const struct snapshot_args *args, const char *name,
		     const struct snapshot_done *done, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&out);
	char size[FORMAT_SIZE_MAX];
	int r;

	if (args->json) {
		json_open(&o, NULL, '{');
		json_add_text(&o, "name", name);
		json_add_int(&o, "rows", done->rows);
		json_add_int(&o, "size_bytes", done->size_bytes);
		json_add_text(&o, "sha256", done->sha256);
		json_close(&o);
		buf_addc(&out, '\n');
	} else {
		buf_addf(&out, "%s: %lld rows, %s\n", name, (long long)done->rows,
			 format_size(done->size_bytes, size));
	}
	r = cmd_print(&out, e);
	for (size_t i = 0; i < done->failures.n; i++)
		cmd_warn("%s: %s", done->failures.v[i].stage, done->failures.v[i].error.msg);
	return r;
}

static int run_create(int argc, char **argv, struct err *e)
{
	AUTO(parsed_release) struct parsed p = { 0 };
	AUTO(snapshot_done_release) struct snapshot_done done = { 0 };
	AUTO_JSON struct json *reply = NULL;
	struct snapshot_wish wish = { 0 };
	int r = parse(&create, argc, argv, &p, e);

	if (r == 0 && !p.args.table)
		r = err_set(e, ERR_USAGE, "of which table? say --table TABLE");
	if (r < 0)
		return r;
	strv_split(&p.select, p.args.select ? p.args.select : "", ',');
	strv_split(&p.order, p.args.order ? p.args.order : "", ',');
	wish = (struct snapshot_wish){ .name = p.operands.v[0],
				       .table = p.args.table,
				       .where = p.args.where,
				       .select = p.args.select ? &p.select : NULL,
				       .order_by = p.args.order ? &p.order : NULL,
				       .limit = p.args.limit,
				       .quiet = p.args.quiet || p.args.json };
	if (p.args.estimate) {
		r = snapshot_estimate(p.ws, &wish, &reply, e);
		return r < 0 ? r : tell_estimate(&p.args, reply, e);
	}
	r = snapshot_create(p.ws, &wish, &done, e);
	return r < 0 ? r : tell_done(&p.args, wish.name, &done, e);
}

static int run_refresh(int argc, char **argv, struct err *e)
{
	AUTO(parsed_release) struct parsed p = { 0 };
	AUTO(snapshot_done_release) struct snapshot_done done = { 0 };
	int r = parse(&refresh, argc, argv, &p, e);

	if (r == 0)
		r = snapshot_refresh(p.ws, p.operands.v[0], p.args.quiet || p.args.json, &done, e);
	return r < 0 ? r : tell_done(&p.args, p.operands.v[0], &done, e);
}

static int run_drop(int argc, char **argv, struct err *e)
{
	AUTO(parsed_release) struct parsed p = { 0 };
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&out);
	int r = parse(&drop, argc, argv, &p, e);

	if (r == 0)
		r = snapshot_drop(p.ws, p.operands.v[0], e);
	if (r < 0)
		return r;
	if (p.args.json) {
		json_open(&o, NULL, '{');
		json_add_text(&o, "dropped", p.operands.v[0]);
		json_close(&o);
		buf_addc(&out, '\n');
	} else {
		buf_addf(&out, "%s: dropped\n", p.operands.v[0]);
	}
	return cmd_print(&out, e);
}

static void add_line(const struct json *row, struct buf *out)
{
	char size[FORMAT_SIZE_MAX];

	buf_addf(out, "%s: of %s, %lld rows, %s, %s\n", json_text(json_get(row, "name")),
		 json_text(json_get(row, "table")), (long long)json_int(json_get(row, "rows"), -1),
		 format_size(json_int(json_get(row, "size_bytes"), 0), size),
		 json_text(json_get(row, "refreshed")));
}

static int run_list(int argc, char **argv, struct err *e)
{
	AUTO(parsed_release) struct parsed p = { 0 };
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX), lines = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *all = NULL;
	struct json_out o = json_out(&text);
	const struct json *rows;
	int r = parse(&list, argc, argv, &p, e);

	if (r < 0)
		return r;
	json_open(&o, NULL, '{');
	json_open(&o, "snapshots", '[');
	r = snapshot_list(p.ws, &o, e);
	json_close(&o);
	json_close(&o);
	buf_addc(&text, '\n');
	if (r == 0 && p.args.json)
		return cmd_print(&text, e);
	if (r == 0)
		r = json_parse(buf_bytes(&text), BUF_OWN_MAX, &all, e);
	rows = json_get(all, "snapshots");
	for (size_t i = 0; r == 0 && i < json_size(rows); i++)
		add_line(json_at(rows, i), &lines);
	return r < 0 ? r : cmd_print(&lines, e);
}

static const struct command *const sub[] = { &create, &drop, &list, &refresh, NULL };

const struct command cmd_snapshot = {
	.name = "snapshot",
	.usage = "create|drop|list|refresh ...",
	.summary = "extracts of remote tables in this workspace",
	.sub = sub,
};
