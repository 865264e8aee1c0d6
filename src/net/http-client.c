/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http-client.h"

#include "net/http-client-reply.h"
#include "net/http-transfer.h"
#include <poll.h>

static const char *or_null(const char *text)
{
	return text && *text ? text : NULL;
}

static char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

static char *no_proxy_list(void)
{
	const char *given = or_null(getenv("no_proxy"));

	if (!given)
		given = or_null(getenv("NO_PROXY"));
	return xasprintf("%s%slocalhost,127.0.0.1,::1", given ? given : "", given ? "," : "");
}

struct http_client *http_client_new(const struct http_client_options *options)
{
	static const struct http_client_options defaults = { 0 };
	const struct http_client_options *o = options ? options : &defaults;
	struct http_client *c = xcalloc(1, sizeof(*c));
	const char *ca_file = o->ca_file;

	if (!ca_file)
		ca_file = or_null(getenv("CURL_CA_BUNDLE"));
	if (!ca_file)
		ca_file = or_null(getenv("SSL_CERT_FILE"));
	c->ca_file = copy(ca_file);
	c->user_agent = xstrdup(o->user_agent ? o->user_agent : "larder/" LARDER_VERSION);
	c->no_proxy = no_proxy_list();
	c->cancel = o->cancel;
	c->stall_s = o->stall_s > 0 ? o->stall_s : HTTP_STALL_S;
	c->stall_bytes = o->stall_bytes > 0 ? o->stall_bytes : 1;
	c->connect_ms = o->connect_ms > 0 ? o->connect_ms : HTTP_CONNECT_MS;
	if (o->load_ahead)
		http_ahead_start(c);
	return c;
}

void http_client_free(struct http_client *c)
{
	if (!c)
		return;
	http_ahead_abandon(c);
	if (c->handle)
		c->curl->easy_cleanup(c->handle);
	free(c->user_agent);
	free(c->ca_file);
	free(c->no_proxy);
	free(c);
}

/* Whatever can be read from a kept connection now was not asked for: it has ended, or the server
 * sent more than it announced, which must not be taken for the answer to the next request. */
static bool kept_is_dirty(const struct http_client *c)
{
	struct pollfd p = { .fd = -1, .events = POLLIN };
	curl_socket_t fd = CURL_SOCKET_BAD;

	if (c->curl->easy_getinfo(c->handle, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK)
		p.fd = fd;
	return fd != CURL_SOCKET_BAD && poll(&p, 1, 0) > 0;
}

static int prepare(struct http_client *c, const struct http_request *q, struct err *e)
{
	if (transfer_check(c, q, e) < 0)
		return e->code;
	if (c->handle && kept_is_dirty(c))
		c->curl->easy_cleanup(TAKE(c->handle));
	if (!c->handle)
		c->handle = c->curl->easy_init();
	return c->handle ? 0 : err_set(e, ERR_FAILED, "start libcurl: it refuses");
}

int http_request(struct http_client *c, const struct http_request *request,
		 struct http_reply *reply, struct err *e)
{
	struct transfer t = { .client = c, .request = request, .reply = reply, .e = e };
	int r;

	http_reply_reset(reply, request->max_body ? request->max_body : HTTP_SMALL_BODY_MAX);
	r = prepare(c, request, e);
	if (r < 0)
		return r;
	c->curl->easy_reset(c->handle);
	transfer_open(c, c->handle, false);
	r = transfer_prepare(&t, c->handle);
	if (r == 0)
		r = transfer_end(&t, c->handle, c->curl->easy_perform(c->handle));
	transfer_release(&t, c->handle);
	return r;
}
