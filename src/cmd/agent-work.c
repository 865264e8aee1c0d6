/* SPDX-License-Identifier: Apache-2.0 */
/* Work that waits is started and watched: what `run` and `resume` have in common. */
#include "cmd/agent.h"

#include "agents/pace.h"
#include "agents/run.h"

static void started(void *ctx, const struct dispatch *d)
{
	const struct agent_work_args *args = ctx;

	if (!args->quiet && !args->json)
		cmd_note("%s: process %lld", d->name, (long long)d->pid);
}

static int tell(const struct agent_work_args *args, const struct dispatch *d, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&out);

	if (args->json) {
		json_open(&o, NULL, '{');
		agent_add_dispatch(&o, d);
		json_close(&o);
		buf_addc(&out, '\n');
	} else if (!args->quiet) {
		buf_addf(&out, "%s: %s", d->name, agent_status_word(d->status));
		if (*d->question) {
			buf_adds(&out, ": ");
			agent_add_line(&out, d->question);
		}
		buf_addc(&out, '\n');
	}
	return cmd_print(&out, e);
}

static int code_of(const struct dispatch *d)
{
	if (d->status == AGENT_COMPLETED)
		return 0;
	return CMD_REPORTED(d->status == AGENT_BLOCKED  ? ERR_CONFLICT
			    : d->status == AGENT_QUEUED ? ERR_BUSY
							: ERR_FAILED);
}

struct gated {
	const struct agent_work_args *args;
	struct pace_gate gate;
};

static int may_start(void *ctx, const struct dispatch *d, struct err *e)
{
	struct gated *g = ctx;

	return pace_may_start(&g->gate, d, e);
}

static void on_started(void *ctx, const struct dispatch *d)
{
	const struct gated *g = ctx;

	started((void *)(uintptr_t)g->args, d); /* only read there */
}

int agent_work(struct agents *a, struct dispatch *d, const struct agent_work_args *args,
	       struct err *e)
{
	AUTO_PACE struct pace_settings settings = { 0 };
	struct gated g = { .args = args, .gate = { .db = agents_db(a), .settings = &settings } };
	const struct run_options how = { .may_start = may_start, .started = on_started, .ctx = &g };
	int r = args->queue ? 0 : pace_read(agents_dirfd(a), &settings, e);

	if (r == 0 && !args->queue)
		r = run_work(a, d, &how, e);
	/* It stays in the queue, as said in its row: later is not never. */
	if (r == ERR_BUSY && d->status == AGENT_QUEUED && g.gate.verdict.reason) {
		if (!args->quiet)
			cmd_note("%s; `larder agent daemon` starts it when it may", e->msg);
		r = pace_refused(&g.gate, d, e);
	}
	if (r == 0)
		r = tell(args, d, e);
	if (r == 0 && args->queue)
		return 0;
	return r < 0 ? agent_result(r, e) : code_of(d);
}
