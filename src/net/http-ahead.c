/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request made by a thread of its own, of which the caller waits for the end alone. The thread may be
 * there before it is known what to ask for: it loads libcurl meanwhile, and is the only one that is made.
 */
#include "net/http-client.h"

#include "base/time.h"
#include "net/http-client-reply.h"
#include "net/http-transfer.h"
#include <assert.h>

struct http_ahead {
	struct http_client *client;
	pthread_t thread;
	bool threaded;
	pthread_mutex_t lock;
	pthread_cond_t told;                /* something below has changed */
	const struct http_request *request; /* under the lock until the thread has it */
	bool dismissed;                     /* there will be none; under the lock */
	bool ended;                         /* under the lock */
	struct http_reply reply;            /* the thread's until it has ended, as what follows */
	struct err error;
	int result;
};

static const struct http_request *wait_for_request(struct http_ahead *ahead)
{
	const struct http_request *request;

	(void)pthread_mutex_lock(&ahead->lock);
	while (!ahead->request && !ahead->dismissed)
		(void)pthread_cond_wait(&ahead->told, &ahead->lock);
	request = ahead->dismissed ? NULL : ahead->request;
	(void)pthread_mutex_unlock(&ahead->lock);
	return request;
}

static void perform(struct http_ahead *ahead, const struct http_request *request)
{
	if (request)
		ahead->result = http_request(ahead->client, request, &ahead->reply, &ahead->error);
}

static void *run(void *ctx)
{
	struct http_ahead *ahead = ctx;
	const struct curl_library *library;
	struct err said_again_by_the_request = { 0 };

	(void)curl_library_load(&library, &said_again_by_the_request);
	perform(ahead, wait_for_request(ahead));
	(void)pthread_mutex_lock(&ahead->lock);
	ahead->ended = true;
	(void)pthread_cond_broadcast(&ahead->told);
	(void)pthread_mutex_unlock(&ahead->lock);
	return NULL;
}

/* None of these can fail here. */
static void init(struct http_ahead *ahead)
{
	pthread_condattr_t attributes;

	(void)pthread_mutex_init(&ahead->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&ahead->told, &attributes);
	(void)pthread_condattr_destroy(&attributes);
}

void http_ahead_start(struct http_client *c)
{
	struct http_ahead *ahead = xcalloc(1, sizeof(*ahead));

	ahead->client = c;
	ahead->reply = (struct http_reply)HTTP_REPLY_INIT;
	init(ahead);
	c->ahead = ahead;
	ahead->threaded = pthread_create(&ahead->thread, NULL, run, ahead) == 0;
}

static void tell(struct http_ahead *ahead, const struct http_request *request)
{
	(void)pthread_mutex_lock(&ahead->lock);
	ahead->request = request;
	ahead->dismissed = !request;
	(void)pthread_cond_broadcast(&ahead->told);
	(void)pthread_mutex_unlock(&ahead->lock);
}

void http_request_begin(struct http_client *c, const struct http_request *request)
{
	if (!c->ahead)
		http_ahead_start(c);
	assert(!c->ahead->request);
	tell(c->ahead, request);
}

static void ahead_free(struct http_ahead *ahead)
{
	(void)pthread_cond_destroy(&ahead->told); /* nobody waits: the thread has ended */
	(void)pthread_mutex_destroy(&ahead->lock);
	http_reply_release(&ahead->reply);
	free(ahead);
}

void http_ahead_connects(struct http_client *c)
{
	struct http_ahead *ahead = c->ahead;

	if (!ahead)
		return;
	(void)pthread_mutex_lock(&ahead->lock);
	(void)pthread_cond_broadcast(&ahead->told);
	(void)pthread_mutex_unlock(&ahead->lock);
}

static void wait_until(struct http_ahead *ahead, int64_t at_us)
{
	const struct timespec at = { .tv_sec = at_us / 1000000, .tv_nsec = at_us % 1000000 * 1000 };

	if (at_us == INT64_MAX)
		(void)pthread_cond_wait(&ahead->told, &ahead->lock);
	else
		(void)pthread_cond_timedwait(&ahead->told, &ahead->lock, &at);
}

/* An answer that is late comes from far: meanwhile others connect. */
static void connect_others(struct http_ahead *ahead)
{
	struct http_warm *warm = ahead->client->warm;
	int64_t late_us = INT64_MAX;

	(void)pthread_mutex_lock(&ahead->lock);
	while (!ahead->ended && time_monotonic_us() < late_us) {
		late_us = http_warm_late_us(warm);
		if (time_monotonic_us() < late_us)
			wait_until(ahead, late_us);
	}
	if (!ahead->ended)
		http_warm_connect(warm);
	(void)pthread_mutex_unlock(&ahead->lock);
}

int http_request_end(struct http_client *c, struct http_reply *reply, struct err *e)
{
	struct http_ahead *ahead = c->ahead;
	int r;

	if (ahead->threaded && c->warm)
		connect_others(ahead);
	if (ahead->threaded)
		(void)pthread_join(ahead->thread, NULL); /* it is ours and joined once */
	else
		perform(ahead, ahead->request);
	c->ahead = NULL;
	r = ahead->result;
	http_reply_release(reply);
	*reply = ahead->reply;
	ahead->reply = (struct http_reply)HTTP_REPLY_INIT;
	if (r < 0)
		*e = ahead->error;
	ahead_free(ahead);
	return r;
}

void http_ahead_abandon(struct http_client *c)
{
	struct http_ahead *ahead = c->ahead;

	if (!ahead)
		return;
	atomic_store(&c->abandoned, true);
	tell(ahead, NULL);
	if (ahead->threaded)
		(void)pthread_join(ahead->thread, NULL);
	c->ahead = NULL;
	ahead_free(ahead);
}
