/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a workspace has and how fresh it is, from its own state: no request is made, so it answers
 * offline.
 *
 *	AUTO_STATUS struct status status = { 0 };
 *	workspace_status(ws, &status, e)
 */
#ifndef LARDER_WORKSPACE_STATUS_H
#define LARDER_WORKSPACE_STATUS_H

#include "tables/local.h"
#include "workspace/workspace.h"

struct status {
	struct local *local;     /* checked against the disk */
	char *last_pull;         /* the JSON report of the last pull, NULL before the first */
	int64_t last_pull_ms;    /* when it started, 0 before the first */
	int64_t last_success_ms; /* the last pull without an error, 0 for none */
	int64_t bytes;           /* of all tables */
	size_t damaged;          /* files that are missing or not linked */
	size_t touched;          /* files copied or changed since: the next pull reads them */
	size_t rules;
	size_t views_waiting; /* not yet written into the analytics file */
	bool database_exists;
};
void status_release(struct status *status);
#define AUTO_STATUS AUTO(status_release)

int workspace_status(struct workspace *ws, struct status *ret_status, struct err *e);

#endif
