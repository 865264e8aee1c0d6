/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An endpoint whose work is a command: a child process `larder ARG... --data DIR --json`, so that
 * what a job does can be repeated in a shell, and a crash or a runaway stays in the child.
 *
 *	static int run_it(struct request *q, struct err *e)
 *	{
 *		const char *const argv[] = { "process", name, NULL };
 *		const struct child_job job = {
 *			.argv = argv,
 *			.action = "run_session_processor:usage",
 *			.resource = "job:session-processor:usage",
 *			.deadline_ms = 300000,
 *			.as_details = true,
 *		};
 *
 *		return child_run(q, &job, e);
 *	}
 *
 * The child runs aside (HTTP_ASIDE_JOB of http-server.h): no thread of the pool waits for it. It is
 * killed with all it started at the deadline, past CHILD_OUTPUT_MAX, when the hub stops, and when
 * the hub is killed itself. What it prints on stdout is one JSON object, and that is the answer:
 *
 *	an object, whatever the exit code        200: the object; or, as_details,
 *	                                         {"ok": <exit code 0>, "details": <the object>}
 *	no object and exit 2 / 3, 75 / 4         400 / 409 / 403, the sentence of its stderr as detail
 *	anything else                            500, likewise (admins may know; it is logged, too)
 *
 * One audit row for each run: the scalar members of the object, "ok", "exit" and "ms", and for a
 * run without an object "unhandled_error". A child that refused (400, 403, 409) did not run: no row.
 *
 * For routes of admins, with or without a body. Everything is copied: the job may be on the stack.
 * Errors: ERR_BUSY when too many jobs are at work. Threads: as a handler.
 */
#ifndef LARDER_HUB_CHILD_H
#define LARDER_HUB_CHILD_H

#include "hub/routes.h"

/* Statistics with some thousand failures, each with a sentence. */
#define CHILD_OUTPUT_MAX ((size_t)8 << 20)

struct child_job {
	const char *const *argv; /* what follows "larder"; NULL-terminated */
	const char *action;      /* of the audit row, like the next */
	const char *resource;
	struct bytes input;  /* for its stdin */
	int64_t deadline_ms; /* 0: none */
	bool as_details;
};

int child_run(struct request *q, const struct child_job *job, struct err *e);

#endif
