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

int pull_rules(struct pull *p, struct err *e)
{
	AUTO_FREE char *url = xasprintf("%s/api/memory/bundle", p->credentials.server);
	AUTO_FREE char *known = NULL;
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	struct http_request request = {
		.method = "GET",
		.url = url,
		.token = p->credentials.token,
		.accept_gzip = true,
		.max_body = BUNDLE_BYTES_MAX,
	};
	int r = p->rules_intact ? rules_etag(p->root, p->credentials.server, &known, e) : 0;

	if (r < 0)
		return r;
	request.if_none_match = known;
	p->report->requests++;
	r = http_request(p->http, &request, &reply, e);
	if (r < 0 || (reply.status == 304 && known))
		return r;
	r = http_expect(&reply, 200, e);
	return r < 0 ? r : apply(p, &reply, e);
}
