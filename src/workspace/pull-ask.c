/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The question for the manifest, which is on its way while what is on disk is looked at.
 *
 * It says which manifest was reached here before anyone knows whether all of that is still here. So
 * "not modified" counts only where it is, and so does what differs from that manifest, which a hub
 * sends that still knows it; else the manifest is asked for again, whole.
 */
#include "workspace/pull-internal.h"

#include "base/time.h"
#include "engine/ledger.h"
#include "net/http-warm.h"
#include "tables/manifest-since.h"
#include "tables/update.h"

/* What is on disk: looked at, and read where it is not as recorded. */
int pull_look(struct pull *p, struct err *e)
{
	int r = local_glance(p->root, &p->glance, e);

	if (r == 0 && !p->glance.all_good)
		r = local_load(p->root, &p->local, e);
	if (r < 0)
		return r;
	if (p->local) {
		local_check(p->root, p->local);
		r = p->local->all_good ? 0 : local_examine(p->root, p->local, e);
	}
	if (r == 0)
		r = rules_intact(p->root, e);
	if (r < 0)
		return r;
	p->rules_intact = r == 1;
	return 0;
}

/* How far the server is, its own work included; the connection is made by then. */
static int on_manifest_head(void *ctx, const struct http_reply *reply, struct err *e)
{
	struct pull *p = ctx;

	(void)reply;
	(void)e;
	p->rtt_us = (time_monotonic_us() - p->asked_us) / 2;
	return 0;
}

/* Where nothing is here yet, as many connections will be used as are of use so far away. */
static int connect_ahead(struct pull *p, struct err *e)
{
	unsigned n = update_connections(pull_jobs(p), p->options->jobs == 0, INT64_MAX);
	int64_t has_tables = 0;
	int r = db_get_int(p->db, &has_tables, 0, e, "SELECT 1 FROM ws_table LIMIT 1", "");

	if (r < 0 || has_tables || p->options->dry_run)
		return r < 0 ? r : 0;
	p->warm = http_warm_new(n - 1, UPDATE_FAR_US);
	http_client_warm(p->http, p->warm);
	return 0;
}

int pull_ask_begin(struct pull *p, struct err *e)
{
	int r = ledger_get(p->db, PULL_SPACE_MANIFEST, p->credentials.server, &p->known, e);

	if (r == 0 && !p->known)
		r = connect_ahead(p, e);
	if (r < 0)
		return r;
	p->url = xasprintf("%s/api/sync/manifest", p->credentials.server);
	strv_add(&p->headers, "A-IM: " SINCE_MANIPULATION);
	p->request = (struct http_request){
		.method = "GET",
		.url = p->url,
		.token = p->credentials.token,
		.if_none_match = p->known,
		.headers = p->known ? &p->headers : NULL,
		.accept_gzip = true,
		.max_body = MANIFEST_BYTES_MAX,
		.ctx = p,
		.on_head = on_manifest_head,
	};
	p->report->requests++;
	p->asked_us = time_monotonic_us();
	http_request_begin(p->http, &p->request);
	return 0;
}

static int take_manifest(struct pull *p, const struct http_reply *reply, struct err *e)
{
	int r = http_expect(reply, 200, e);

	return r < 0 ? r : manifest_parse(buf_bytes(&reply->body), &p->manifest, e);
}

static void report_warnings(struct pull *p)
{
	const struct manifest *m = p->manifest;

	for (size_t i = 0; i < m->warnings.n; i++)
		strv_add(&p->report->warnings, m->warnings.v[i]);
	if (m->warnings_left_out)
		strv_addf(&p->report->warnings, "%zu more tables are passed over",
			  m->warnings_left_out);
	if (m->mirror_fault)
		strv_addf(&p->report->warnings, "the hub's mirror is passed over: %s",
			  m->mirror_fault);
}

static int ask_again(struct pull *p, struct http_reply *reply, struct err *e)
{
	p->request.if_none_match = NULL;
	p->request.headers = NULL;
	p->report->requests++;
	p->asked_us = time_monotonic_us();
	return http_request(p->http, &p->request, reply, e);
}

/* As recorded, all files: by a glance, or by a closer look where that was not enough to tell. */
static bool has_all_files(const struct pull *p)
{
	return p->glance.all_good || (p->local && p->local->all_good);
}

/* 1 when what changed was taken, and 0 where only the whole manifest helps. */
static int take_difference(struct pull *p, const struct http_reply *reply, struct err *e)
{
	struct err why = { 0 };
	int r;

	if (!has_all_files(p))
		return 0;
	r = p->local ? 0 : local_load(p->root, &p->local, e);
	if (r < 0)
		return r;
	if (since_apply(buf_bytes(&reply->body), p->local, &p->manifest, &why) == 0)
		return 1;
	strv_addf(&p->report->warnings, "the hub was asked for its whole manifest, as %s", why.msg);
	return 0;
}

/* The same, of whatever came. */
static int take_reply(struct pull *p, const struct http_reply *reply, struct err *e)
{
	int r;

	if (p->known && reply->status == 304) {
		p->unchanged = p->rules_intact && has_all_files(p);
		return p->unchanged;
	}
	if (p->known && reply->status == SINCE_STATUS)
		return take_difference(p, reply, e);
	r = take_manifest(p, reply, e);
	return r < 0 ? r : 1;
}

int pull_ask_end(struct pull *p, struct err *e)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	int r = http_request_end(p->http, &reply, e);
	int taken = r < 0 ? r : take_reply(p, &reply, e);

	if (taken == 0)
		taken = ask_again(p, &reply, e);
	if (taken == 0)
		taken = take_manifest(p, &reply, e);
	if (taken < 0)
		return taken;
	if (reply.etag)
		p->etag = xstrdup(reply.etag);
	if (p->manifest)
		report_warnings(p);
	return 0;
}
