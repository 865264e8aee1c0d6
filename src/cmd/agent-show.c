/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/agent.h"

#include "agents/evidence.h"
#include "agents/mirror.h"
#include "base/time.h"

struct show_args {
	bool json;
	const char *home;
};

static const struct opt options[] = {
	OPT_FLAG('j', "json", struct show_args, json, "one JSON object on stdout"),
	AGENT_HOME_OPTION(struct show_args, home),
	OPT_END,
};

static void add_text(struct buf *out, const char *title, const char *value)
{
	if (!*value)
		return;
	buf_addf(out, "%-10s  ", title);
	text_add_clean(out, bytes_of(value));
	buf_addc(out, '\n');
}

static void add_time(struct buf *out, const char *title, int64_t ms)
{
	char text[TIME_TEXT_MAX];

	if (ms)
		add_text(out, title, time_format_iso(ms, text));
}

static void as_text(const struct dispatch *d, const char *folder, bool stale, struct buf *out)
{
	buf_addf(out, "%s: %s", d->name, agent_status_word(d->status));
	if (d->status == AGENT_RUNNING)
		buf_addf(out, " (process %lld, %s)", (long long)d->pid, agent_life_word(d));
	buf_addf(out, ", %s\n", d->reason);
	add_text(out, "id", d->id);
	add_text(out, "agent", d->agent);
	add_text(out, "task", d->task);
	add_text(out, "branch", d->branch);
	add_text(out, "question", d->question);
	add_text(out, "pull req.", d->pr_url);
	buf_addf(out, "%-10s  %lld\n", "runs", (long long)d->runs);
	add_time(out, "queued", d->queued_ms);
	add_time(out, "started", d->started_ms);
	add_time(out, "ended", d->ended_ms);
	add_text(out, "counts", d->stats);
	add_text(out, "folder", folder);
	if (stale)
		buf_adds(out, "status.json does not say so; `larder agent reap` mends it\n");
}

static int show(struct agents *a, const char *name, bool as_json, struct err *e)
{
	AUTO_DISPATCH struct dispatch d = { 0 };
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *folder = NULL;
	struct json_out o = json_out(&out);
	int r = dispatch_find(agents_db(a), name, &d, e);
	int stale = r < 0 || !d.current ? 0 : mirror_is_stale(a, &d, e);

	if (r < 0 || stale < 0)
		return r < 0 ? r : stale;
	folder = xasprintf("%s/" AGENTS_FOLDER "/%s", agents_path(a), d.name);
	if (as_json) {
		AUTO_FREE char *log = evidence_log_file(&d);

		json_open(&o, NULL, '{');
		agent_add_dispatch(&o, &d);
		json_add_raw(&o, "command", bytes_of(*d.command ? d.command : "null"));
		json_add_raw(&o, "counts", bytes_of(*d.stats ? d.stats : "null"));
		json_add_text(&o, "folder", folder);
		json_add_text(&o, "log", log);
		json_add_bool(&o, "mirror_stale", stale > 0);
		json_close(&o);
		buf_addc(&out, '\n');
	} else {
		as_text(&d, folder, stale > 0, &out);
	}
	return cmd_print(&out, e);
}

static int run(int argc, char **argv, struct err *e)
{
	struct show_args args = { 0 };
	struct agents_options where = { .read_only = true };
	AUTO_AGENTS struct agents *a = NULL;
	AUTO_STRV struct strv operands = STRV_INIT;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&agent_show, &operands, 1, 1, e);
	if (r < 0)
		return r;
	where.path = args.home;
	r = agents_open(&where, &a, e);
	return r < 0 ? r : agent_result(show(a, operands.v[0], args.json, e), e);
}

const struct command agent_show = {
	.name = "show",
	.usage = "[--json] [--home DIR] WORKSPACE|ID",
	.summary = "all that is known of one piece of work",
	.description = "Reads only. WORKSPACE is org/repo/task as `larder agent list` shows it.",
	.examples = "larder agent show local/api/task-7|the work on issue 7\n"
		    "larder agent show local/api/task-7 --json|for programs",
	.options = options,
	.run = run,
};
