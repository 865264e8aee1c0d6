/* SPDX-License-Identifier: Apache-2.0 */
/* The pure part: what a hub gave as a task, and the dispatch it becomes here. */
#include "agents/member-internal.h"

#include "agents/run.h"

#include <inttypes.h>

int member_read_task(const struct json *task, struct member_task *ret, struct buf *body,
		     struct err *e)
{
	*ret = (struct member_task){
		.id = json_int(json_get(task, "id"), 0),
		.lease = json_text(json_get(task, "lease")),
	};
	json_print(task, body, false);
	if (ret->id <= 0 || !ret->lease || !*ret->lease || body->full)
		return err_set(e, ERR_REMOTE, "the hub gave what is no task");
	return 0;
}

/* "codex" and "gpt-5.4" are "codex:gpt-5.4"; a model with its type is both. */
static char *agent_for(const struct member *m, const char *model)
{
	if (!model || !*model)
		return xstrdup(m->agent);
	return strchr(model, ':')
		       ? xstrdup(model)
		       : xasprintf("%.*s:%s", (int)strcspn(m->agent, ":"), m->agent, model);
}

static int read_words(const char *text, struct strv *ret, struct err *e)
{
	AUTO_JSON struct json *words = NULL;
	int r = json_parse(bytes_of(text), RUN_COMMAND_MAX, &words, e);

	for (size_t i = 0; r == 0 && i < json_size(words); i++)
		strv_add(ret, json_text(json_at(words, i)) ? json_text(json_at(words, i)) : "");
	return r;
}

int member_plan(const struct member *m, int64_t task_id, struct bytes body, struct dispatch *ret,
		struct err *e)
{
	AUTO_JSON struct json *task = NULL;
	AUTO_STRV struct strv command = STRV_INIT;
	AUTO_FREE char *folder = xasprintf("fleet-%" PRId64, task_id);
	AUTO_FREE char *agent = NULL;
	struct run_wish wish = { .command = &command, .folder = folder };
	int r = json_parse(body, MEMBER_TASK_MAX, &task, e);

	if (r == 0)
		r = read_words(m->command, &command, e);
	if (r < 0)
		return r;
	agent = agent_for(m, json_text(json_get(task, "agent_model")));
	wish.repo = json_text(json_get(task, "repo"));
	wish.task = json_text(json_get(task, "task"));
	wish.branch = json_text(json_get(task, "branch"));
	wish.template = json_text(json_get(task, "template"));
	wish.priority = json_int(json_get(task, "priority"), 5);
	wish.agent = agent;
	wish.timeout_ms = m->timeout_ms;
	return run_plan(&wish, ret, e);
}
