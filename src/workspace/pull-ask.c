/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The question for the manifest, which is on its way while what is on disk is looked at.
 *
 * It says which manifest was reached here before anyone knows whether all of that is still here. So
 * "not modified" counts only where it is; else the manifest is asked for again, whole.
 */
#include "workspace/pull-internal.h"

#include "base/time.h"
#include "engine/ledger.h"

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

int pull_ask_begin(struct pull *p, struct err *e)
{
	int r = ledger_get(p->db, PULL_SPACE_MANIFEST, p->credentials.server, &p->known, e);

	if (r < 0)
		return r;
	p->url = xasprintf("%s/api/sync/manifest", p->credentials.server);
	p->request = (struct http_request){
		.method = "GET",
		.url = p->url,
		.token = p->credentials.token,
		.if_none_match = p->known,
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

	if (r == 0)
		r = manifest_parse(buf_bytes(&reply->body), &p->manifest, e);
	if (r < 0)
		return r;
	p->etag = reply->etag ? xstrdup(reply->etag) : NULL;
	for (size_t i = 0; i < p->manifest->warnings.n; i++)
		strv_add(&p->report->warnings, p->manifest->warnings.v[i]);
	if (p->manifest->warnings_left_out)
		strv_addf(&p->report->warnings, "%zu more tables are passed over",
			  p->manifest->warnings_left_out);
	if (p->manifest->mirror_fault)
		strv_addf(&p->report->warnings, "the hub's mirror is passed over: %s",
			  p->manifest->mirror_fault);
	return 0;
}

static int ask_again(struct pull *p, struct http_reply *reply, struct err *e)
{
	p->request.if_none_match = NULL;
	p->report->requests++;
	p->asked_us = time_monotonic_us();
	return http_request(p->http, &p->request, reply, e);
}

/* As recorded, all of it: by a glance, or by a closer look where that was not enough to tell. */
static bool is_whole(const struct pull *p)
{
	return p->rules_intact && (p->local ? p->local->all_good : p->glance.all_good);
}

int pull_ask_end(struct pull *p, struct err *e)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	bool whole = is_whole(p);
	int r = http_request_end(p->http, &reply, e);

	if (r == 0 && reply.status == 304 && p->known && !whole)
		r = ask_again(p, &reply, e);
	if (r < 0)
		return r;
	p->unchanged = reply.status == 304 && p->known && whole;
	return p->unchanged ? 0 : take_manifest(p, &reply, e);
}
