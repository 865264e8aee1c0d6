/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

#include "base/proc.h"
#include "base/progress.h"
#include "hub/hub.h"
#include "sessions/runner.h"

struct process_args {
	bool json, quiet, dry_run;
	const char *data, *budget;
	int64_t limit;
};

static const struct opt options[] = {
	OPT_TEXT(0, "data", struct process_args, data, "DIR", "the hub's data folder"),
	OPT_TEXT(0, "budget", struct process_args, budget, "TIME",
		 "begin nothing new after that time (default 150s, 0 for no limit)"),
	OPT_INT(0, "limit", struct process_args, limit, 0, INT32_MAX, "N",
		"try at most so many sessions (default 0: all)"),
	OPT_FLAG('n', "dry-run", struct process_args, dry_run,
		 "count what would be processed, process nothing"),
	OPT_FLAG('j', "json", struct process_args, json, "one JSON object on stdout"),
	OPT_FLAG('q', "quiet", struct process_args, quiet, "no progress"),
	OPT_END,
};

/* What the processor tells of itself: what a model was asked and cost. */
static void add_told(const char *told, struct json_out *o)
{
	AUTO_JSON struct json *object = NULL;
	struct err ignored = { 0 }; /* our own text */
	struct json_iter it;

	if (!told || json_parse(bytes_of(told), BUF_OWN_MAX, &object, &ignored) < 0)
		return;
	it = json_iter(object);
	while (json_next(&it)) {
		AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);

		json_print(it.value, &text, false);
		json_add_raw(o, it.key, buf_bytes(&text));
	}
}

/* The members of the contract first. */
static void add_json(const char *name, const struct process_report *p, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_text(&o, "processor", name);
	json_add_int(&o, "scanned", p->scanned);
	json_add_int(&o, "processed", p->processed);
	json_add_int(&o, "skipped", p->skipped);
	json_add_int(&o, "errors", p->errors);
	json_add_int(&o, "items_extracted", p->items);
	json_open(&o, "errors_detail", '[');
	for (size_t i = 0; i < p->failure_count; i++) {
		json_open(&o, NULL, '{');
		json_add_text(&o, "session", p->failures[i].session);
		json_add_text(&o, "error", p->failures[i].error);
		json_close(&o);
	}
	json_close(&o);
	json_add_int(&o, "capped", p->capped);
	json_add_int(&o, "forgotten", p->forgotten);
	json_add_int(&o, "waiting", p->waiting);
	json_add_int(&o, "set_aside", p->aside);
	json_add_int(&o, "bytes", p->bytes);
	json_add_int(&o, "duration_ms", p->duration_ms);
	add_told(p->told, &o);
	json_close(&o);
	buf_addc(out, '\n');
}

static void add_text(const struct process_report *p, bool dry, struct buf *out)
{
	char size[FORMAT_SIZE_MAX];

	if (dry) {
		buf_addf(out, "%lld sessions are new; nothing was processed.\n",
			 (long long)p->scanned);
		return;
	}
	buf_addf(out, "%lld sessions processed, %s, %lld items; %lld failed\n",
		 (long long)p->processed, format_size(p->bytes, size), (long long)p->items,
		 (long long)p->errors);
	if (p->capped > 0)
		buf_addf(out, "%lld left to the next run\n", (long long)p->capped);
	if (p->forgotten > 0)
		buf_addf(out, "%lld are not there any more, and forgotten\n",
			 (long long)p->forgotten);
	if (p->waiting > 0)
		buf_addf(out, "%lld failed before and are tried later\n", (long long)p->waiting);
	if (p->aside > 0)
		buf_addf(out, "%lld are set aside: see 'larder sessions list --state aside'\n",
			 (long long)p->aside);
}

static int tell(const struct process_args *args, const char *name,
		const struct process_report *report, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	int r;

	if (args->json)
		add_json(name, report, &out);
	else
		add_text(report, args->dry_run, &out);
	r = cmd_print(&out, e);
	for (size_t i = 0; !args->json && i < report->failure_count; i++)
		cmd_warn("'%s': %s", report->failures[i].session, report->failures[i].error);
	if (r == 0 && report->errors > 0)
		return CMD_REPORTED(ERR_FAILED);
	return r;
}

static void on_progress(void *ctx, int64_t bytes)
{
	progress_add(ctx, bytes);
}

static int process(const struct process_args *args, struct process_options *o, struct hub *hub,
		   struct err *e)
{
	AUTO_PROCESS_REPORT struct process_report report = { 0 };
	struct progress *progress = progress_begin("process", 0, 0, args->quiet || args->json);
	int r;

	o->root = hub_root(hub);
	o->limit = args->limit;
	o->dry_run = args->dry_run;

	o->ctx = progress;
	o->on_progress = on_progress;
	r = process_run(o, &report, e);
	progress_end(progress);
	return r < 0 ? r : tell(args, o->processor->name, &report, e);
}

static int run(int argc, char **argv, struct err *e)
{
	struct process_args args = { 0 };
	struct process_options o = { .budget_ms = PROCESS_BUDGET_MS };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_HUB struct hub *hub = NULL;
	struct processor processor;
	int64_t seconds = 0;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&cmd_process, &operands, 1, 1, e);
	if (r == 0 && !args.data)
		r = err_set(e, ERR_USAGE, "--data DIR is missing");
	if (r == 0 && args.budget) {
		r = parse_duration(args.budget, &seconds, e);
		o.budget_ms = seconds * 1000;
	}
	proc_give_way();
	if (r == 0)
		r = hub_open(&(struct hub_options){ .path = args.data }, &hub, e);
	if (r == 0)
		r = processor_find(&hub_settings(hub)->processors, operands.v[0], &processor, e);
	if (r < 0)
		return r;

	o.processor = &processor;
	return process(&args, &o, hub, e);
}

const struct command cmd_process = {
	.name = "process",
	.usage = "--data DIR [--budget TIME] [--limit N] NAME",
	.summary = "run a processor over the sessions that are new to it",
	.description =
		"Runs a session processor (usage, or one of the processors of DIR/config.yaml) "
		"over the transcripts that the hub in DIR got, or that grew, since its last run. "
		"The hub may be serving meanwhile; it does the same when it is asked over HTTP. "
		"One run of a processor at a time, on all hubs of this data: another is told to "
		"come back (exit 75).\n\n"
		"A session that fails is tried again with growing pauses, and set aside after five "
		"attempts; the others go on. Stopped or killed, a run loses the batch at hand, "
		"which the next one does again. Exit 1 when a session failed.",
	.examples = "larder process usage --data hub|what is new goes into the usage tables\n"
		    "larder process usage --data hub --dry-run|how much is new?",
	.options = options,
	.run = run,
};
