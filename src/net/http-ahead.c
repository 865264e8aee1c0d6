/* SPDX-License-Identifier: Apache-2.0 */
/* A request made by a thread of its own, of which the caller waits for the end alone. */
#include "net/http-client.h"

#include "net/http-client-reply.h"
#include "net/http-transfer.h"
#include <assert.h>

struct http_ahead {
	struct http_client *client;
	const struct http_request *request;
	struct http_reply reply;
	struct err error;
	int result;
	pthread_t thread;
	bool threaded;
};

static void *perform(void *ctx)
{
	struct http_ahead *ahead = ctx;

	ahead->result = http_request(ahead->client, ahead->request, &ahead->reply, &ahead->error);
	return NULL;
}

void http_request_begin(struct http_client *c, const struct http_request *request)
{
	struct http_ahead *ahead = xcalloc(1, sizeof(*ahead));

	assert(!c->ahead);
	ahead->client = c;
	ahead->request = request;
	ahead->reply = (struct http_reply)HTTP_REPLY_INIT;
	c->ahead = ahead;
	ahead->threaded = pthread_create(&ahead->thread, NULL, perform, ahead) == 0;
}

/* Without a thread it is made now, by whoever asks for the reply. */
static void join(struct http_ahead *ahead)
{
	if (ahead->threaded)
		(void)pthread_join(ahead->thread, NULL); /* it is ours and joined once */
	else if (!atomic_load(&ahead->client->abandoned))
		(void)perform(ahead);
}

int http_request_end(struct http_client *c, struct http_reply *reply, struct err *e)
{
	AUTO_FREE struct http_ahead *ahead = TAKE(c->ahead);

	join(ahead);
	http_reply_release(reply);
	*reply = ahead->reply;
	if (ahead->result < 0)
		*e = ahead->error;
	return ahead->result;
}

void http_ahead_abandon(struct http_client *c)
{
	AUTO_FREE struct http_ahead *ahead = TAKE(c->ahead);

	if (!ahead)
		return;
	atomic_store(&c->abandoned, true);
	join(ahead);
	http_reply_release(&ahead->reply);
}
