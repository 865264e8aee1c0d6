/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/agent.h"

#include "agents/evidence.h"
#include "base/time.h"

/* Of a question in a table. */
#define LINE_MAX_SHOWN 60

const char *agent_life_word(const struct dispatch *d)
{
	if (d->status != AGENT_RUNNING)
		return "";
	switch (evidence_life(d)) {
	case PROC_ALIVE:
		return "alive";
	case PROC_DEAD:
		return "dead";
	case PROC_UNKNOWN:
		break;
	}
	return "unknown";
}

int agent_result(int r, struct err *e)
{
	return r == ERR_CORRUPT ? agents_say_restore(e) : r;
}

void agent_add_line(struct buf *out, const char *text)
{
	size_t n = strcspn(text, "\n");
	size_t fits = text_fit(text, LINE_MAX_SHOWN);

	text_add_clean(out, (struct bytes){ text, n < fits ? n : fits });
	if (fits < n || text[n])
		buf_adds(out, " ...");
}

void agent_add_dispatch(struct json_out *o, const struct dispatch *d)
{
	const struct {
		const char *key, *value;
	} texts[] = {
		{ "id", d->id },
		{ "workspace", d->name },
		{ "status", agent_status_word(d->status) },
		{ "reason", d->reason },
		{ "org", d->org },
		{ "repo", d->repo },
		{ "task", d->task },
		{ "branch", d->branch },
		{ "agent", d->agent },
		{ "template", d->template },
		{ "question", d->question },
		{ "pr_url", d->pr_url },
		{ "process_id", d->handle },
		{ "liveness", agent_life_word(d) },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		json_add_text(o, texts[i].key, texts[i].value);
	json_add_int(o, "issue", d->issue);
	json_add_int(o, "priority", d->priority);
	json_add_int(o, "runs", d->runs);
	json_add_int(o, "revision", d->revision);
	json_add_int(o, "pid", d->pid);
	json_add_int(o, "exit_code", agent_is_terminal(d->status) ? d->exit_code : -1);
	json_add_bool(o, "current", d->current);
	json_add_bool(o, "captured", d->captured == d->revision);
	json_add_time(o, "queued_at", d->queued_ms);
	json_add_time(o, "started_at", d->started_ms);
	json_add_time(o, "updated_at", d->updated_ms);
	json_add_time(o, "ended_at", d->ended_ms);
}
