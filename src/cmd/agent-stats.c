/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/agent.h"

#include "agents/stats.h"

/* More than a person reads; a program asks for what it wants. */
#define LAST_DEFAULT 50
#define LAST_MAX     100000

struct stats_args {
	bool json;
	const char *home;
	int64_t last;
};

static const struct opt options[] = {
	OPT_INT('n', "last", struct stats_args, last, 1, LAST_MAX, "N", "dispatches (default 50)"),
	OPT_FLAG('j', "json", struct stats_args, json, "one JSON object on stdout"),
	AGENT_HOME_OPTION(struct stats_args, home),
	OPT_END,
};

static void add_row(struct buf *out, const struct json *row)
{
	int64_t ms = json_int(json_get(row, "duration_ms"), -1);

	buf_addf(out, "%-32s  %-16s  %-20s  ", json_text(json_get(row, "workspace")),
		 json_text(json_get(row, "status")), json_text(json_get(row, "agent")));
	if (ms >= 0)
		buf_addf(out, "%8.1f s", (double)ms / 1000);
	else
		buf_addf(out, "%10s", "-");
	buf_addf(out, "  %8lld\n",
		 (long long)json_int(json_get(json_get(row, "counts"), "findings"), 0));
}

static int as_text(const struct buf *json, struct buf *out, struct err *e)
{
	AUTO_JSON struct json *doc = NULL;
	const struct json *rows, *totals;
	int r = json_parse(buf_bytes(json), BUF_OWN_MAX, &doc, e);

	if (r < 0)
		return r;
	rows = json_get(doc, "dispatches");
	totals = json_get(doc, "totals");
	buf_addf(out, "%-32s  %-16s  %-20s  %10s  %8s\n", "WORKSPACE", "STATUS", "AGENT", "TOOK",
		 "FINDINGS");
	for (size_t i = 0; i < json_size(rows); i++)
		add_row(out, json_at(rows, i));
	buf_addf(out, "%lld dispatches: %lld completed, %lld failed, %lld blocked\n",
		 (long long)json_int(json_get(totals, "dispatches"), 0),
		 (long long)json_int(json_get(totals, "completed"), 0),
		 (long long)json_int(json_get(totals, "failed"), 0),
		 (long long)json_int(json_get(totals, "blocked"), 0));
	return 0;
}

static int stats(struct agents *a, const struct stats_args *args, struct err *e)
{
	AUTO_BUF struct buf json = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&json);
	int r;

	json_open(&o, NULL, '{');
	r = stats_add(agents_db(a), args->last, &o, e);
	json_close(&o);
	if (r == 0 && !args->json)
		r = as_text(&json, &text, e);
	buf_addc(&json, '\n');
	return r < 0 ? r : cmd_print(args->json ? &json : &text, e);
}

static int run(int argc, char **argv, struct err *e)
{
	struct stats_args args = { .last = LAST_DEFAULT };
	struct agents_options where = { .read_only = true };
	AUTO_AGENTS struct agents *a = NULL;
	AUTO_STRV struct strv operands = STRV_INIT;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&agent_stats, &operands, 0, 0, e);
	if (r < 0)
		return r;
	where.path = args.home;
	r = agents_open(&where, &a, e);
	return agent_result(r < 0 ? r : stats(a, &args, e), e);
}

const struct command agent_stats = {
	.name = "stats",
	.usage = "[--last N] [--json] [--home DIR]",
	.summary = "how the newest dispatches went",
	.description = "From the database, newest first, those whose folders are gone included.",
	.examples = "larder agent stats|the last 50\nlarder agent stats --last 1000 --json|figures",
	.options = options,
	.run = run,
};
