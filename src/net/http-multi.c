/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http-multi.h"

#include "net/http-client-reply.h"
#include "net/http-transfer.h"
#include <limits.h>
#include <sys/queue.h>

/* No request stalls as long as it has time: a job may say nothing for half an hour. */
#define STALL_NEVER_S (365L * 86400)

struct call {
	LIST_ENTRY(call) link;
	struct transfer t;
	CURL *handle;
	struct http_reply reply;
	struct err e;
	void *tag;
};

struct http_multi {
	struct http_multi_options options;
	struct http_client *client; /* its settings */
	CURLM *multi;               /* NULL until the first request */
	LIST_HEAD(, call) calls;
	size_t running;
	CURL **idle; /* handles that can be used again */
	size_t n_idle, idle_capacity;
};

struct http_multi *http_multi_new(const struct http_multi_options *options)
{
	const struct http_client_options client = { .stall_s = STALL_NEVER_S };
	struct http_multi *m = xcalloc(1, sizeof(*m));

	m->options = *options;
	m->client = http_client_new(&client);
	LIST_INIT(&m->calls);
	return m;
}

static void forget(struct http_multi *m, struct call *c)
{
	const struct curl_library *curl = m->client->curl;

	(void)curl->multi_remove_handle(m->multi, c->handle); /* it is there, or never was */
	curl->easy_reset(c->handle);
	m->idle = xgrow(m->idle, &m->idle_capacity, m->n_idle + 1, sizeof(CURL *));
	m->idle[m->n_idle++] = c->handle;
	LIST_REMOVE(c, link);
	m->running--;
	transfer_release(&c->t);
	http_reply_release(&c->reply);
	free(c);
}

void http_multi_free(struct http_multi *m)
{
	struct call *c;

	if (!m)
		return;
	while ((c = LIST_FIRST(&m->calls)) != NULL)
		forget(m, c);
	for (size_t i = 0; i < m->n_idle; i++)
		m->client->curl->easy_cleanup(m->idle[i]);
	free(m->idle);
	if (m->multi)
		(void)m->client->curl->multi_cleanup(m->multi); /* no request is left in it */
	http_client_free(m->client);
	free(m);
}

static int open_multi(struct http_multi *m, struct err *e)
{
	const struct curl_library *curl = m->client->curl;

	if (m->multi)
		return 0;
	m->multi = curl->multi_init();
	if (!m->multi)
		return err_set(e, ERR_FAILED, "start libcurl: it refuses");
	/* One that is not known to an older libcurl leaves connections to be made anew. */
	(void)curl->multi_setopt(m->multi, CURLMOPT_MAXCONNECTS, (long)m->options.connections);
	return 0;
}

static struct call *call_new(struct http_multi *m, const struct http_call *given)
{
	struct call *c = xcalloc(1, sizeof(*c));
	const struct http_request *q = given->request;

	c->reply = (struct http_reply)HTTP_REPLY_INIT;
	http_reply_reset(&c->reply, q->max_body ? q->max_body : HTTP_SMALL_BODY_MAX);
	c->tag = given->tag;
	c->t = (struct transfer){
		.client = m->client, .request = q, .reply = &c->reply, .e = &c->e
	};
	c->handle = m->n_idle > 0 ? m->idle[--m->n_idle] : m->client->curl->easy_init();
	if (!c->handle)
		abort(); /* out of memory */
	LIST_INSERT_HEAD(&m->calls, c, link);
	m->running++;
	return c;
}

int http_multi_start(struct http_multi *m, const struct http_call *given, struct err *e)
{
	const struct curl_library *curl;
	struct call *c;

	if (transfer_check(m->client, given->request, e) < 0 || open_multi(m, e) < 0)
		return e->code;
	curl = m->client->curl;
	c = call_new(m, given);
	if (transfer_prepare(&c->t, c->handle, true) < 0) {
		*e = c->e;
		forget(m, c);
		return e->code;
	}
	/* These cannot fail but for want of memory. */
	(void)curl->easy_setopt(c->handle, CURLOPT_TIMEOUT_MS, (long)given->timeout_ms);
	(void)curl->easy_setopt(c->handle, CURLOPT_PRIVATE, c);
	if (curl->multi_add_handle(m->multi, c->handle) != CURLM_OK) {
		forget(m, c);
		return err_set(e, ERR_FAILED, "start a request: libcurl refuses");
	}
	return 0;
}

size_t http_multi_running(const struct http_multi *m)
{
	return m->running;
}

static void finish(struct http_multi *m, CURL *handle, CURLcode result)
{
	char *private = NULL;
	struct call *c;

	(void)m->client->curl->easy_getinfo(handle, CURLINFO_PRIVATE, &private); /* was set */
	c = (struct call *)(void *)private;
	(void)transfer_end(&c->t, handle, result); /* its error is in c->e */
	m->options.done(m->options.ctx, c->tag, &c->reply, &c->e);
	forget(m, c);
}

/* Lets everything move that can, and tells of what has ended. */
static int move(struct http_multi *m, size_t *ret_ended, struct err *e)
{
	const struct curl_library *curl = m->client->curl;
	CURLMcode r;
	CURLMsg *msg;
	int left;

	r = curl->multi_perform(m->multi, &left);
	if (r != CURLM_OK)
		return err_set(e, ERR_FAILED, "move requests: %s", curl->multi_strerror(r));
	while ((msg = curl->multi_info_read(m->multi, &left)) != NULL) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		finish(m, msg->easy_handle, msg->data.result);
		(*ret_ended)++;
	}
	return 0;
}

int http_multi_wait(struct http_multi *m, int fd, int64_t timeout_ms, struct err *e)
{
	struct curl_waitfd extra = { .fd = fd, .events = CURL_WAIT_POLLIN };
	size_t ended = 0;
	CURLMcode r;

	if (transfer_load(m->client, e) < 0 || open_multi(m, e) < 0 || move(m, &ended, e) < 0)
		return e->code;
	if (ended > 0)
		timeout_ms = 0; /* but fd is looked at */
	if (timeout_ms > INT_MAX)
		timeout_ms = INT_MAX;
	r = m->client->curl->multi_poll(m->multi, &extra, fd >= 0, (int)timeout_ms, NULL);
	if (r != CURLM_OK)
		return err_set(e, ERR_FAILED, "wait for requests: %s",
			       m->client->curl->multi_strerror(r));
	return extra.revents != 0;
}
