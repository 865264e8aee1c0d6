/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/pull-internal.h"

static int apply(struct pull *p, const struct http_reply *reply, struct err *e)
{
	AUTO_BUNDLE struct bundle *bundle = NULL;
	const struct rules_options options = {
		.root = p->root,
		.lease = p->lease,
		.server = p->credentials.server,
		.etag = reply->etag,
	};
	int r = bundle_parse(buf_bytes(&reply->body), &bundle, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < bundle->warnings.n; i++)
		strv_add(&p->report->warnings, bundle->warnings.v[i]);
	p->rules_applied = true;
	return rules_apply(&options, bundle, e);
}

/* What the request points to stays in `p` until its end. */
static int make_request(struct pull *p, struct err *e)
{
	int r = p->rules_intact ? rules_etag(p->root, p->credentials.server, &p->rules.known, e)
				: 0;

	if (r < 0)
		return r;
	p->rules.url = xasprintf("%s/api/memory/bundle", p->credentials.server);
	p->rules.request = (struct http_request){
		.method = "GET",
		.url = p->rules.url,
		.token = p->credentials.token,
		.if_none_match = p->rules.known,
		.accept_gzip = true,
		.max_body = BUNDLE_BYTES_MAX,
	};
	p->report->requests++;
	return 0;
}

int pull_rules_begin(struct pull *p, struct err *e)
{
	int r = make_request(p, e);

	if (r < 0)
		return r;
	p->rules.http = http_client_new(NULL);
	http_request_begin(p->rules.http, &p->rules.request);
	return 0;
}

void pull_rules_release(struct pull *p)
{
	http_client_free(p->rules.http);
	free(p->rules.url);
	free(p->rules.known);
}

int pull_rules(struct pull *p, struct err *e)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	int r = p->rules.http ? 0 : make_request(p, e);

	if (r < 0)
		return r;
	r = p->rules.http ? http_request_end(p->rules.http, &reply, e)
			  : http_request(p->http, &p->rules.request, &reply, e);
	if (r < 0 || (reply.status == 304 && p->rules.known))
		return r;
	r = http_expect(&reply, 200, e);
	return r < 0 ? r : apply(p, &reply, e);
}
