/* SPDX-License-Identifier: Apache-2.0 */
/* What the pull*.c files share: one pull under way. */
#ifndef LARDER_WORKSPACE_PULL_INTERNAL_H
#define LARDER_WORKSPACE_PULL_INTERNAL_H

#include "engine/lease.h"
#include "memory/rules-files.h"
#include "net/http-client.h"
#include "tables/local.h"
#include "workspace/pull.h"

/* Ledger: (PULL_SPACE_MANIFEST, server) is the ETag of the manifest that is all here. */
#define PULL_SPACE_MANIFEST "manifest"

struct pull {
	struct workspace *ws;
	struct root *root;
	struct db *db;
	const struct pull_options *options;
	struct pull_report *report;
	struct credentials credentials;
	struct http_client *http;
	struct http_warm *warm; /* for a first pull: all there is will be fetched */
	struct lease *lease;
	char *url, *known;           /* the manifest's address, and the ETag that was reached */
	struct http_request request; /* for it */
	struct strv headers;         /* of it */
	struct local_glance glance;
	struct local *local;       /* NULL while nothing has changed, here or there */
	struct manifest *manifest; /* NULL when unchanged */
	struct plan *plan;
	struct duck_views_ahead *views; /* that are to be written, when nothing is here yet */
	struct strv wanted;             /* staged files to be kept for the next run */
	char *etag;                     /* of the manifest that came */
	int64_t asked_us,
		rtt_us; /* when the manifest was asked for; a round trip, as it took two */
	bool unchanged; /* 304 */
	bool rules_intact;
	bool rules_applied;
	bool manifest_failed;
	struct {
		struct http_client *http; /* when it was begun before */
		struct http_request request;
		char *url, *known;
	} rules;
};

unsigned pull_jobs(const struct pull *p);
/* The one request of each pull. Failing at its end is the whole answer: nothing else is tried. */
int pull_ask_begin(struct pull *p, struct err *e);
int pull_look(struct pull *p, struct err *e); /* meanwhile */
int pull_ask_end(struct pull *p, struct err *e);

/* Asks for the bundle and applies it; the asking may be begun before, and goes on beside other work. */
int pull_rules_begin(struct pull *p, struct err *e);
int pull_rules(struct pull *p, struct err *e);
void pull_rules_release(struct pull *p);

#endif
