/* SPDX-License-Identifier: Apache-2.0 */
/* Long work beside the pool: its connection is suspended, so its pool thread serves others. */
#include "net/http-server-internal.h"

#include "base/log.h"
#include <assert.h>
#include <signal.h>

/* The places of each kind, as bits of http_server.asides. */
static const struct {
	unsigned first, count;
	const char *what;
} places[] = {
	[HTTP_ASIDE_CONVERT] = { 0, HTTP_ASIDE_CONVERT_MAX, "long requests" },
	[HTTP_ASIDE_JOB] = { HTTP_ASIDE_CONVERT_MAX, HTTP_ASIDE_JOB_MAX, "jobs" },
	[HTTP_ASIDE_QUERY] = { HTTP_ASIDE_CONVERT_MAX + HTTP_ASIDE_JOB_MAX, HTTP_ASIDE_QUERY_MAX,
			       "queries" },
};

/* The first free place of a kind, taken; HTTP_ASIDE_MAX: there is none. */
static unsigned first_free(struct http_server *server, enum http_aside kind)
{
	unsigned end = places[kind].first + places[kind].count;

	for (unsigned i = places[kind].first; i < end; i++) {
		if (server->asides & UINT64_C(1) << i)
			continue;
		server->asides |= UINT64_C(1) << i;
		return i;
	}
	return HTTP_ASIDE_MAX;
}

static uint64_t places_of(enum http_aside kind)
{
	return ((UINT64_C(1) << places[kind].count) - 1) << places[kind].first;
}

/*
 * One whose thread has replied and does nothing but leave is as good as free, and waited for: who asks
 * again as soon as the reply is there would otherwise be told to come back.
 */
static bool take_slot(struct http_server *server, enum http_aside kind, unsigned *ret_slot)
{
	*ret_slot = HTTP_ASIDE_MAX;
	(void)pthread_mutex_lock(&server->lock);
	/* A stop says so before it takes the lock to look: it sees the slot, or we see the stop. */
	while (!atomic_load(&server->stopping)) {
		*ret_slot = first_free(server, kind);
		if (*ret_slot < HTTP_ASIDE_MAX || !(server->leaving & places_of(kind)))
			break;
		(void)pthread_cond_wait(&server->drained, &server->lock);
	}
	(void)pthread_mutex_unlock(&server->lock);
	return *ret_slot < HTTP_ASIDE_MAX;
}

static void begin_to_leave(struct http_server *server, unsigned slot)
{
	(void)pthread_mutex_lock(&server->lock);
	server->leaving |= UINT64_C(1) << slot;
	(void)pthread_mutex_unlock(&server->lock);
}

/* The last thing an aside thread does: a stop that waits for it may then free the server. */
static void leave_slot(struct http_server *server, unsigned slot)
{
	(void)pthread_mutex_lock(&server->lock);
	server->asides &= ~(UINT64_C(1) << slot);
	server->leaving &= ~(UINT64_C(1) << slot);
	(void)pthread_cond_broadcast(&server->drained);
	(void)pthread_mutex_unlock(&server->lock);
}

int http_run_aside(struct http_in *in, enum http_aside kind,
		   void (*work)(struct http_in *in, void *state), void *state, struct err *e)
{
	unsigned slot;

	assert(!in->response && !in->aside);
	if (!take_slot(in->server, kind, &slot)) {
		if (atomic_load(&in->server->stopping))
			(void)err_set(e, ERR_BUSY, "the server is about to stop");
		else
			(void)err_set(e, ERR_BUSY, "the server is at work on %u %s already",
				      places[kind].count, places[kind].what);
		e->retry_after = HTTP_ASIDE_RETRY_S;
		return e->code;
	}
	in->aside = work;
	in->aside_state = state;
	in->aside_slot = slot;
	return 0;
}

bool http_is_aside(const struct http_in *in)
{
	return in->aside != NULL;
}

const atomic_bool *http_stopping(const struct http_in *in)
{
	return &in->server->stopping;
}

void http_after_aside(struct http_in *in, void (*after)(void *state), void *state)
{
	assert(in->aside && in->after && !in->after->run);
	*in->after = (struct http_after){ after, state };
}

static void run_and_resume(struct http_in *in, struct http_aside_thread *thread)
{
	void (*work)(struct http_in *, void *) = in->aside;
	struct http_server *server = in->server;
	struct MHD_Connection *connection = in->connection;
	unsigned slot = in->aside_slot;
	struct http_after after = { 0 };

	in->aside_thread = thread;
	in->after = &after;
	work(in, in->aside_state);
	if (!thread || !thread->streamed) {
		if (!after.run)
			begin_to_leave(server, slot);
		in->aside = NULL;
		server->mhd->resume_connection(connection); /* `in` is the pool's again */
	}
	if (after.run)
		after.run(after.state);
	leave_slot(server, slot);
}

static void *thread_main(void *ctx)
{
	struct http_aside_thread thread = { .in = ctx };

	run_and_resume(ctx, &thread);
	return NULL;
}

void http_aside_start(struct http_in *in)
{
	struct http_server *server = in->server;
	sigset_t all, before;
	pthread_attr_t detached;
	pthread_t thread;
	int failed;

	server->mhd->suspend_connection(in->connection);
	(void)pthread_attr_init(&detached);
	(void)pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	(void)sigfillset(&all); /* signals are for the program's own threads */
	(void)pthread_sigmask(SIG_BLOCK, &all, &before);
	failed = pthread_create(&thread, &detached, thread_main, in);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&detached);
	if (failed) { /* no thread to be had: this one does it, and others wait */
		log_event(LOG_WARN, "no-thread", "error=%s", strerror(failed));
		run_and_resume(in, NULL);
	}
}

bool http_aside_done(struct http_server *server)
{
	bool done;

	(void)pthread_mutex_lock(&server->lock);
	/* With no request left, all that can still be at it is a thread on its way out. */
	while (server->asides != 0 && atomic_load(&server->running) == 0)
		(void)pthread_cond_wait(&server->drained, &server->lock);
	done = server->asides == 0;
	(void)pthread_mutex_unlock(&server->lock);
	return done;
}
