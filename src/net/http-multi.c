/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http-multi.h"

#include "base/time.h"
#include "net/http-client-reply.h"
#include "net/http-transfer.h"
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/queue.h>

/* Told of at once; of more, the rest is told of next time. */
#define EVENTS_MAX 64

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
	int events;                 /* epoll: libcurl's sockets, and `watched` */
	int watched;                /* the caller's; -1: none */
	int64_t timer_at;           /* when libcurl wants to be called, monotonic; INT64_MAX: not */
	LIST_HEAD(, call) calls;
	size_t running;
	CURL **idle; /* handles that can be used again */
	size_t n_idle, idle_capacity;
};

struct http_multi *http_multi_new(const struct http_multi_options *options)
{
	struct http_multi *m = xcalloc(1, sizeof(*m));

	m->options = *options;
	m->client = http_client_new(NULL);
	m->events = m->watched = -1;
	m->timer_at = INT64_MAX;
	LIST_INIT(&m->calls);
	return m;
}

static void forget(struct http_multi *m, struct call *c)
{
	const struct curl_library *curl = m->client->curl;

	(void)curl->multi_remove_handle(m->multi, c->handle); /* it is there, or never was */
	transfer_release(&c->t, c->handle);
	m->idle = xgrow(m->idle, &m->idle_capacity, m->n_idle + 1, sizeof(CURL *));
	m->idle[m->n_idle++] = c->handle;
	LIST_REMOVE(c, link);
	m->running--;
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
	if (m->events >= 0)
		(void)close(m->events); /* only asked */
	http_client_free(m->client);
	free(m);
}

static int on_socket(CURL *handle, curl_socket_t socket, int what, void *ctx, void *known)
{
	struct http_multi *m = ctx;
	struct epoll_event event = { .data.fd = socket };

	(void)handle;
	(void)known;
	if (what != CURL_POLL_OUT && what != CURL_POLL_REMOVE)
		event.events |= EPOLLIN;
	if (what != CURL_POLL_IN && what != CURL_POLL_REMOVE)
		event.events |= EPOLLOUT;
	if (what == CURL_POLL_REMOVE)
		(void)epoll_ctl(m->events, EPOLL_CTL_DEL, socket, NULL); /* gone when closed */
	else if (epoll_ctl(m->events, EPOLL_CTL_ADD, socket, &event) < 0 &&
		 (errno != EEXIST || epoll_ctl(m->events, EPOLL_CTL_MOD, socket, &event) < 0))
		return -1;
	return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *ctx)
{
	struct http_multi *m = ctx;

	(void)multi;
	m->timer_at = timeout_ms < 0 ? INT64_MAX : time_monotonic() + timeout_ms;
	return 0;
}

static int open_multi(struct http_multi *m, struct err *e)
{
	const struct curl_library *curl = m->client->curl;

	if (m->multi)
		return 0;
	m->multi = curl->multi_init();
	if (!m->multi)
		return err_set(e, ERR_FAILED, "start libcurl: it refuses");
	m->events = epoll_create1(EPOLL_CLOEXEC);
	if (m->events < 0)
		return err_sys(e, "wait for requests");
	/* These are known to every libcurl that has a multi_socket_action(). */
	(void)curl->multi_setopt(m->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	(void)curl->multi_setopt(m->multi, CURLMOPT_SOCKETDATA, m);
	(void)curl->multi_setopt(m->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	(void)curl->multi_setopt(m->multi, CURLMOPT_TIMERDATA, m);
	/* One that is not known to an older libcurl leaves connections to be made anew. */
	(void)curl->multi_setopt(m->multi, CURLMOPT_MAXCONNECTS, (long)m->options.connections);
	return 0;
}

static CURL *handle_new(struct http_client *client)
{
	CURL *handle = client->curl->easy_init();

	if (!handle)
		abort(); /* out of memory */
	transfer_open(client, handle, true);
	return handle;
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
	c->handle = m->n_idle > 0 ? m->idle[--m->n_idle] : handle_new(m->client);
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
	if (transfer_prepare(&c->t, c->handle) < 0) {
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

static void tell_ended(struct http_multi *m, size_t *ret_ended)
{
	CURLMsg *msg;
	int left;

	while ((msg = m->client->curl->multi_info_read(m->multi, &left)) != NULL) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		finish(m, msg->easy_handle, msg->data.result);
		(*ret_ended)++;
	}
}

static int move(struct http_multi *m, curl_socket_t socket, int events, struct err *e)
{
	int running;
	CURLMcode r = m->client->curl->multi_socket_action(m->multi, socket, events, &running);

	if (r == CURLM_OK)
		return 0;
	return err_set(e, ERR_FAILED, "move requests: %s", m->client->curl->multi_strerror(r));
}

/* Requests that have just been started begin to move by this, too. */
static int move_timed(struct http_multi *m, struct err *e)
{
	if (time_monotonic() < m->timer_at)
		return 0;
	m->timer_at = INT64_MAX;
	return move(m, CURL_SOCKET_TIMEOUT, 0, e);
}

static int watch(struct http_multi *m, int fd, struct err *e)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (fd == m->watched)
		return 0;
	if (m->watched >= 0)
		(void)epoll_ctl(m->events, EPOLL_CTL_DEL, m->watched, NULL); /* or it is closed */
	m->watched = -1;
	if (fd >= 0 && epoll_ctl(m->events, EPOLL_CTL_ADD, fd, &event) < 0)
		return err_sys(e, "wait for requests");
	m->watched = fd;
	return 0;
}

static int pause_of(const struct http_multi *m, int64_t timeout_ms)
{
	int64_t left = m->timer_at == INT64_MAX ? INT64_MAX : m->timer_at - time_monotonic();

	if (left < timeout_ms)
		timeout_ms = left > 0 ? left : 0;
	return timeout_ms < INT_MAX ? (int)timeout_ms : INT_MAX;
}

static int bits_of(uint32_t events)
{
	return (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
	       (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
	       (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
}

/* 1 when the caller's can be read. */
static int wait_for_events(struct http_multi *m, int timeout_ms, struct err *e)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(m->events, events, EVENTS_MAX, timeout_ms);
	bool readable = false;
	int r = 0;

	if (n < 0 && errno != EINTR)
		return err_sys(e, "wait for requests");
	for (int i = 0; r == 0 && i < n; i++) {
		if (events[i].data.fd == m->watched)
			readable = true;
		else
			r = move(m, events[i].data.fd, bits_of(events[i].events), e);
	}
	return r < 0 ? r : readable;
}

int http_multi_wait(struct http_multi *m, int fd, int64_t timeout_ms, struct err *e)
{
	size_t ended = 0;
	int r;

	if (transfer_load(m->client, e) < 0 || open_multi(m, e) < 0 || watch(m, fd, e) < 0 ||
	    move_timed(m, e) < 0)
		return e->code;
	tell_ended(m, &ended);
	/* When something moved, fd is looked at, and no more. */
	r = wait_for_events(m, ended > 0 ? 0 : pause_of(m, timeout_ms), e);
	tell_ended(m, &ended);
	return r;
}
