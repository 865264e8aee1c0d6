/* SPDX-License-Identifier: Apache-2.0 */
/* What the pull*.c files share: one pull under way. */
#ifndef LARDER_WORKSPACE_PULL_INTERNAL_H
#define LARDER_WORKSPACE_PULL_INTERNAL_H

#include "engine/lease.h"
#include "memory/rules-files.h"
#include "net/http-client.h"
#include "workspace/pull.h"

struct pull {
	struct workspace *ws;
	struct root *root;
	struct db *db;
	const struct pull_options *options;
	struct pull_report *report;
	struct credentials credentials;
	struct http_client *http;
	struct lease *lease;
	struct local *local;
	struct manifest *manifest; /* NULL when unchanged */
	struct plan *plan;
	struct strv wanted; /* staged files to be kept for the next run */
	char *etag;         /* of the manifest that came */
	int64_t asked_us,
		rtt_us; /* when the manifest was asked for; a round trip, as it took two */
	bool unchanged; /* 304 */
	bool rules_intact;
	bool rules_applied;
	bool manifest_failed;
};

/* Asks for the bundle and applies it. */
int pull_rules(struct pull *p, struct err *e);

#endif
