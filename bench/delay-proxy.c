/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A distant server on this machine: a TCP proxy that hands on every byte half a round trip after it
 * came, in both directions, and no more than RATE bytes a second in all towards the client. A
 * connection itself is a round trip late: its first bytes wait for one more.
 *
 *	delay-proxy TO_PORT ROUND_TRIP_MS [RATE_BYTES]
 *
 * prints its port, serves until it is killed. Only 127.0.0.1 is listened on and connected to. One
 * thread, epoll; each direction holds at most WINDOW bytes, which is what a large TCP window would.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define WINDOW      ((size_t)8 << 20)
#define PIECE       ((size_t)64 << 10)
#define EVENTS      256
#define CONNECTIONS 2048
/* How often held bytes are looked at: a twentieth of the shortest round trip that is of interest. */
#define TICK_NS 500000

struct piece {
	struct piece *next;
	int64_t due_ns;
	size_t n, done;
	char bytes[];
};

struct flow { /* one direction */
	int from, to;
	struct piece *first, **last;
	size_t held;
	int readable, stuck; /* as far as is known: set by events, cleared by EAGAIN */
	int ended;
};

struct pair {
	struct flow up, down;
	int64_t open_ns; /* when the connection would have been made */
	int used;
};

static struct pair pairs[CONNECTIONS];
static int pairs_end; /* none in use from here on */
static struct piece *spare;
static int64_t half_ns, rate, budget;

static int64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct piece *piece_new(void)
{
	struct piece *p = spare;

	if (p)
		spare = p->next;
	else
		p = malloc(sizeof(*p) + PIECE);
	if (!p)
		abort();
	return p;
}

static void piece_free(struct piece *p)
{
	p->next = spare;
	spare = p;
}

static void take_in(struct flow *f, int64_t not_before)
{
	while (f->readable && !f->ended && f->held < WINDOW) {
		struct piece *p = piece_new();
		ssize_t n = recv(f->from, p->bytes, PIECE, MSG_DONTWAIT);
		int64_t due = now_ns() + half_ns;

		if (n <= 0) {
			piece_free(p);
			f->readable = 0;
			f->ended = n == 0 || (errno != EAGAIN && errno != EINTR);
			return;
		}
		p->next = NULL;
		p->n = (size_t)n;
		p->done = 0;
		p->due_ns = due > not_before ? due : not_before;
		*f->last = p;
		f->last = &p->next;
		f->held += (size_t)n;
	}
}

static void hand_on(struct flow *f, int64_t now, int limited)
{
	while (!f->stuck && f->first && f->first->due_ns <= now) {
		struct piece *p = f->first;
		size_t n = p->n - p->done;
		ssize_t sent;

		if (limited && rate > 0 && (int64_t)n > budget)
			n = budget > 0 ? (size_t)budget : 0;
		if (n == 0)
			return;
		sent = send(f->to, p->bytes + p->done, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent <= 0) {
			f->stuck = errno == EAGAIN;
			f->ended |= !f->stuck;
			return;
		}
		if (limited)
			budget -= sent;
		p->done += (size_t)sent;
		f->held -= (size_t)sent;
		if (p->done < p->n)
			continue;
		f->first = p->next;
		if (!f->first)
			f->last = &f->first;
		piece_free(p);
	}
}

static int connect_to(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0) {
		perror("delay-proxy: connect");
		exit(1);
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void flow_init(struct flow *f, int from, int to)
{
	*f = (struct flow){ .from = from, .to = to };
	f->last = &f->first;
}

static void begin(int client, uint16_t port, int poll)
{
	const int on = 1;
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET };

	for (int i = 0; i < CONNECTIONS; i++) {
		struct pair *p = &pairs[i];
		int server;

		if (p->used)
			continue;
		server = connect_to(port);
		(void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		flow_init(&p->up, client, server);
		flow_init(&p->down, server, client);
		p->open_ns = now_ns() + 3 * half_ns;
		p->used = 1;
		pairs_end = i < pairs_end ? pairs_end : i + 1;
		e.data.ptr = p;
		(void)epoll_ctl(poll, EPOLL_CTL_ADD, client, &e);
		(void)epoll_ctl(poll, EPOLL_CTL_ADD, server, &e);
		return;
	}
	(void)close(client);
}

static void drop(struct flow *f)
{
	while (f->first) {
		struct piece *p = f->first;

		f->first = p->next;
		piece_free(p);
	}
}

/* Also when nothing happened: bytes fall due. */
static void move(struct pair *p)
{
	int64_t now = now_ns();

	take_in(&p->up, p->open_ns);
	take_in(&p->down, 0);
	hand_on(&p->up, now, 0);
	hand_on(&p->down, now, 1);
	if (!((p->up.ended && !p->up.first) || (p->down.ended && !p->down.first)))
		return;
	(void)close(p->up.from);
	(void)close(p->up.to);
	drop(&p->up);
	drop(&p->down);
	p->used = 0;
}

/* Either end: a call too many is cheaper than a note of which. */
static void wake(struct pair *p, uint32_t events)
{
	if (events & ~(uint32_t)EPOLLOUT)
		p->up.readable = p->down.readable = 1;
	if (events & EPOLLOUT)
		p->up.stuck = p->down.stuck = 0;
}

static int listen_here(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&a, n) < 0 || listen(fd, 1024) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) < 0) {
		perror("delay-proxy: listen");
		exit(1);
	}
	(void)printf("%u\n", ntohs(a.sin_port));
	(void)fflush(stdout);
	return fd;
}

static int ticker(int poll)
{
	struct itimerspec t = { { 0, TICK_NS }, { 0, TICK_NS } };
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = &half_ns };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	(void)timerfd_settime(fd, 0, &t, NULL);
	(void)epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e);
	return fd;
}

/* Bytes that were not used are kept for a tenth of a second, no longer. */
static void refill(int64_t *since)
{
	int64_t now = now_ns();

	budget += rate * ((now - *since) / 1000) / 1000000;
	if (budget > rate / 10)
		budget = rate / 10;
	*since = now;
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	struct epoll_event e = { .events = EPOLLIN };
	int poll = epoll_create1(EPOLL_CLOEXEC);
	int64_t since = now_ns();
	uint64_t ticks;
	int listening, timer;

	if (argc < 3)
		return 2;
	half_ns = strtol(argv[2], NULL, 10) * 500000;
	rate = argc > 3 ? strtol(argv[3], NULL, 10) : 0;
	listening = listen_here();
	e.data.ptr = &listening;
	(void)epoll_ctl(poll, EPOLL_CTL_ADD, listening, &e);
	timer = ticker(poll);
	for (;;) {
		int n = epoll_wait(poll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == &listening)
				begin(accept4(listening, NULL, NULL, SOCK_CLOEXEC),
				      (uint16_t)strtol(argv[1], NULL, 10), poll);
			else if (events[i].data.ptr == &half_ns)
				(void)!read(timer, &ticks, sizeof(ticks));
			else
				wake(events[i].data.ptr, events[i].events);
		}
		refill(&since);
		for (int i = 0; i < pairs_end; i++)
			if (pairs[i].used)
				move(&pairs[i]);
	}
}
