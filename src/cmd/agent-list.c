/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/agent.h"

#include "base/time.h"

struct list_args {
	bool json, all;
	const char *home, *status;
};

static const struct opt options[] = {
	OPT_FLAG('j', "json", struct list_args, json, "one JSON object on stdout"),
	OPT_FLAG('a', "all", struct list_args, all, "earlier work of the same folders, too"),
	OPT_TEXT('s', "status", struct list_args, status, "STATUS", "only what is in that state"),
	AGENT_HOME_OPTION(struct list_args, home),
	OPT_END,
};

struct listing {
	struct buf *out;
	struct json_out json;
	bool as_json;
	size_t n;
};

static int add_row(void *ctx, const struct dispatch *d, struct err *e)
{
	struct listing *l = ctx;
	const char *life = agent_life_word(d);
	char ago[TIME_TEXT_MAX];

	(void)e;
	l->n++;
	if (l->as_json) {
		json_open(&l->json, NULL, '{');
		agent_add_dispatch(&l->json, d);
		json_close(&l->json);
		return 0;
	}
	buf_addf(l->out, "%-32s  %-16s  %-8s  %-16s  %-12s  ", d->name,
		 agent_status_word(d->status), life, d->agent, time_format_ago(d->updated_ms, ago));
	agent_add_line(l->out, d->question);
	while (l->out->n > 0 && l->out->p[l->out->n - 1] == ' ')
		l->out->n--;
	buf_addc(l->out, '\n');
	return 0;
}

static int print_list(struct agents *a, const struct list_args *args, struct dispatch_filter *f,
		      struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct listing l = { &out, json_out(&out), args->json, 0 };
	int r = 0;

	if (args->json) {
		json_open(&l.json, NULL, '{');
		json_open(&l.json, "agents", '[');
	} else {
		buf_addf(&out, "%-32s  %-16s  %-8s  %-16s  %-12s  %s\n", "WORKSPACE", "STATUS",
			 "PROCESS", "AGENT", "SINCE", "QUESTION");
	}
	if (a)
		r = dispatch_visit(agents_db(a), f, add_row, &l, e);
	if (args->json) {
		json_close(&l.json);
		json_close(&l.json);
		buf_addc(&out, '\n');
	} else if (l.n == 0) {
		buf_clear(&out);
		buf_adds(&out, "No agent's work is known here.\n");
	}
	return r < 0 ? r : cmd_print(&out, e);
}

static int run(int argc, char **argv, struct err *e)
{
	struct list_args args = { 0 };
	struct dispatch_filter filter = { 0 };
	struct agents_options where = { .read_only = true };
	AUTO_AGENTS struct agents *a = NULL;
	AUTO_STRV struct strv operands = STRV_INIT;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&agent_list, &operands, 0, 0, e);
	if (r == 0 && args.status)
		r = agent_status_parse(args.status, &filter.status, e);
	if (r < 0)
		return r;
	filter.history = args.all;
	where.path = args.home;
	r = agents_open(&where, &a, e);
	if (r < 0 && (r != ERR_NOT_FOUND || args.home))
		return r;
	return agent_result(print_list(a, &args, &filter, e), e);
}

const struct command agent_list = {
	.name = "list",
	.usage = "[--status STATUS] [--all] [--json] [--home DIR]",
	.summary = "what agents work on, waited for, asked and finished",
	.description =
		"Reads only: a process that died shows as dead and stays running until `larder "
		"agent reap` or the daemon finds out what it left. PROCESS says whether the "
		"process of running work is alive, dead or unknown (of another machine).",
	.examples = "larder agent list|everything\n"
		    "larder agent list --status blocked|who waits for an answer",
	.options = options,
	.run = run,
};
