/* SPDX-License-Identifier: Apache-2.0 */
/* Session processors and corporate memory, for administrators and the scheduler. */
#include "hub/api.h"

#include "hub/child.h"
#include "sessions/processor.h"

/* The run's own budget ends it before; what exceeds this hangs. */
#define PROCESS_DEADLINE_MS ((int64_t)15 * 60 * 1000)

int api_run_processor(struct request *q, struct err *e)
{
	const char *name = http_query(q->in, "processor");

	AUTO_FREE char *action = NULL;
	AUTO_FREE char *resource = NULL;
	const char *argv[] = { "process", name, NULL };
	struct child_job job = { .argv = argv, .deadline_ms = PROCESS_DEADLINE_MS };
	struct processor processor;

	if (processor_find(&hub_settings(q->hub)->processors, name ? name : "", &processor, e) < 0)
		return e->code;
	action = xasprintf("run_session_processor:%s", name);
	resource = xasprintf("job:session-processor:%s", name);
	job.action = action;
	job.resource = resource;
	job.as_details = true;
	return child_run(q, &job, e);
}

int api_run_corporate_memory(struct request *q, struct err *e)
{
	static const char *const argv[] = { "corporate-memory", NULL };
	const struct child_job job = {
		.argv = argv,
		.action = "run_corporate_memory",
		.resource = "job:corporate-memory",
		.deadline_ms = PROCESS_DEADLINE_MS,
		.as_details = true,
	};

	return child_run(q, &job, e);
}
