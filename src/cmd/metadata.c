/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

#include "base/time.h"
#include "hub/hub.h"
#include "remote/metadata.h"

struct metadata_args {
	const char *data;
	bool json;
};

static const struct opt options[] = {
	OPT_TEXT(0, "data", struct metadata_args, data, "DIR", "the hub's data folder"),
	OPT_FLAG('j', "json", struct metadata_args, json, "one JSON object on stdout"),
	OPT_END,
};

static void add_json(const struct far_refreshed *done, const char *table, int64_t ms,
		     struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	if (table) {
		json_add_text(&o, "table", table);
		json_add_bool(&o, "ok", done->succeeded == done->total && !done->error);
	}
	json_add_int(&o, "total", done->total);
	json_add_int(&o, "succeeded", done->succeeded);
	json_add_int(&o, "no_data", done->no_data);
	json_add_int(&o, "failed", done->failed);
	json_add_int(&o, "duration_ms", ms);
	json_add_text(&o, "error", done->error);
	json_close(&o);
	buf_addc(out, '\n');
}

static int tell(const struct metadata_args *args, const struct far_refreshed *done,
		const char *table, int64_t ms, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	int r;

	if (args->json)
		add_json(done, table, ms, &out);
	else
		buf_addf(&out, "%lld remote tables: %lld looked up, %lld unknown, %lld failed\n",
			 (long long)done->total, (long long)done->succeeded,
			 (long long)done->no_data, (long long)done->failed);
	r = cmd_print(&out, e);
	if (!args->json && done->error)
		cmd_warn("%s: %s", done->table, done->error);
	return r == 0 && done->failed > 0 ? CMD_REPORTED(ERR_FAILED) : r;
}

static int run(int argc, char **argv, struct err *e)
{
	struct metadata_args args = { 0 };
	AUTO(far_refreshed_release) struct far_refreshed done = { 0 };
	AUTO_STRV struct strv tables = STRV_INIT;
	AUTO_HUB struct hub *hub = NULL;
	struct far_refresh refresh = { .tables = &tables };
	int64_t started = time_monotonic();

	if (opt_parse(options, &args, argc, argv, &tables, e) < 0)
		return e->code;
	if (!args.data)
		return err_set(e, ERR_USAGE, "--data DIR is missing");
	if (hub_open(&(struct hub_options){ .path = args.data }, &hub, e) < 0)
		return e->code;
	refresh.root = hub_root(hub);
	if (far_refresh(&refresh, &done, e) < 0)
		return e->code;
	return tell(&args, &done, tables.n == 1 ? tables.v[0] : NULL, time_monotonic() - started,
		    e);
}

const struct command cmd_metadata = {
	.name = "metadata",
	.usage = "--data DIR [TABLE...]",
	.summary = "look remote tables up at their sources",
	.description =
		"For the hub: asks the sources of remote tables for rows, bytes, columns and what kind of table "
		"each is, and remembers it for the catalog. What cannot be found out leaves what was known. The "
		"scheduler asks for it every 4 hours.",
	.examples = "larder metadata --data /srv/hub|all remote tables\n"
		    "larder metadata --data /srv/hub orders|one",
	.options = options,
	.run = run,
};
