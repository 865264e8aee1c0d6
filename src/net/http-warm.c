/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http-warm.h"

#include "base/time.h"
#include "net/http-transfer.h"
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

struct http_warm {
	unsigned most;
	int64_t far_us;
	pthread_mutex_t lock; /* of what follows */
	bool begun;
	int64_t opened_us;               /* when the first connection was; 0: not yet */
	struct curl_sockaddr to;         /* where it goes */
	struct sockaddr_storage address; /* of `to`, which has room for the shortest only */
	int *fds;                        /* connected, or connecting */
	unsigned n;
};

struct http_warm *http_warm_new(unsigned most, int64_t far_us)
{
	struct http_warm *w = xcalloc(1, sizeof(*w));

	w->most = most;
	w->far_us = far_us;
	w->fds = xcalloc(most + 1, sizeof(*w->fds));
	(void)pthread_mutex_init(&w->lock, NULL); /* cannot fail here */
	return w;
}

void http_warm_free(struct http_warm *w)
{
	if (!w)
		return;
	while (w->n > 0)
		(void)close(w->fds[--w->n]); /* nothing was sent */
	free(w->fds);
	(void)pthread_mutex_destroy(&w->lock); /* nobody holds it */
	free(w);
}

void http_client_warm(struct http_client *c, struct http_warm *w)
{
	c->warm = w;
	c->taken = -1;
}

int64_t http_warm_late_us(struct http_warm *w)
{
	int64_t at;

	(void)pthread_mutex_lock(&w->lock);
	at = w->opened_us ? w->opened_us + w->far_us : INT64_MAX;
	(void)pthread_mutex_unlock(&w->lock);
	return at;
}

/* The address as libcurl has it: of a proxy where there is one; the last where several are tried. */
static void note_address(struct http_warm *w, const struct curl_sockaddr *to)
{
	if (w->begun || to->addrlen > sizeof(w->address))
		return;
	w->to = *to;
	(void)memcpy(&w->address, &to->addr, to->addrlen);
	if (!w->opened_us)
		w->opened_us = time_monotonic_us();
}

static int connect_one(const struct http_warm *w)
{
	int fd =
		socket(w->to.family, w->to.socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, w->to.protocol);

	if (fd < 0)
		return -1; /* no more descriptors: as many as there are */
	if (connect(fd, (const struct sockaddr *)&w->address, w->to.addrlen) == 0 ||
	    errno == EINPROGRESS)
		return fd;
	(void)close(fd);
	return -1;
}

void http_warm_connect(struct http_warm *w)
{
	int fd = 0;

	(void)pthread_mutex_lock(&w->lock);
	while (!w->begun && w->opened_us && w->n < w->most && fd >= 0) {
		fd = connect_one(w);
		if (fd >= 0)
			w->fds[w->n++] = fd;
	}
	w->begun = true;
	(void)pthread_mutex_unlock(&w->lock);
}

/*
 * One that is through: libcurl 7.88 calls connect() once more, which is well then, and fails where it is not yet. Before
 * anything was asked a server says nothing, unless it has ended the connection.
 */
static int take(struct http_warm *w, const struct curl_sockaddr *to)
{
	bool is_there =
		to->addrlen == w->to.addrlen && memcmp(&to->addr, &w->address, to->addrlen) == 0;

	for (unsigned i = is_there ? w->n : 0; i-- > 0;) {
		struct pollfd p = { .fd = w->fds[i], .events = POLLIN | POLLOUT };

		if (poll(&p, 1, 0) == 0)
			continue;
		w->fds[i] = w->fds[--w->n];
		if (p.revents == POLLOUT)
			return p.fd;
		(void)close(p.fd);
	}
	return -1;
}

static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct http_client *c = ctx;

	(void)purpose;
	(void)pthread_mutex_lock(&c->warm->lock);
	note_address(c->warm, to);
	c->taken = take(c->warm, to);
	(void)pthread_mutex_unlock(&c->warm->lock);
	http_ahead_connects(c);
	return c->taken >= 0 ? c->taken
			     : socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static int on_opened(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
	const struct http_client *c = ctx;

	(void)purpose;
	return fd == c->taken ? CURL_SOCKOPT_ALREADY_CONNECTED : CURL_SOCKOPT_OK;
}

void http_warm_open(struct http_client *c, CURL *handle)
{
	const struct curl_library *curl = c->curl;

	/* Known to every libcurl that has a multi_socket_action(). */
	(void)curl->easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, on_open);
	(void)curl->easy_setopt(handle, CURLOPT_OPENSOCKETDATA, c);
	(void)curl->easy_setopt(handle, CURLOPT_SOCKOPTFUNCTION, on_opened);
	(void)curl->easy_setopt(handle, CURLOPT_SOCKOPTDATA, c);
}
