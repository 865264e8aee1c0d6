/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/query-pool.h"

#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

struct query_pool {
	struct query_pool_options options;
	pthread_mutex_t lock;
	pthread_cond_t freed;
	struct query_worker warm[QUERY_WARM];
	size_t n_warm;
	size_t n_coming;            /* being made ready just now */
	int64_t users[QUERIES_MAX]; /* of those that run */
	size_t n_running;
};

static void discard(struct query_worker *worker)
{
	duck_room_free(worker->duck);
	room_close(worker->room);
	*worker = (struct query_worker){ 0 };
}

static int make(struct query_pool *pool, struct query_worker *ret_worker, struct err *e)
{
	struct query_worker worker = { 0 };
	struct duck_room_options options = { .memory_bytes = pool->options.memory_bytes,
					     .cpu_seconds = pool->options.cpu_seconds };
	int r = room_open(pool->options.root, &worker.room, e);

	if (r < 0)
		return r;
	options.folder = room_path(worker.room);
	r = duck_room_start(&options, &worker.duck, e);
	if (r < 0)
		discard(&worker);
	else
		*ret_worker = worker;
	return r;
}

struct query_pool *query_pool_new(const struct query_pool_options *options)
{
	struct query_pool *pool = xcalloc(1, sizeof(*pool));
	pthread_condattr_t monotonic;

	pool->options = *options;
	if (pool->options.at_once > QUERIES_MAX)
		pool->options.at_once = QUERIES_MAX;
	(void)pthread_mutex_init(&pool->lock, NULL); /* none of these fails for these values */
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&pool->freed, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	return pool;
}

void query_pool_free(struct query_pool *pool)
{
	if (!pool)
		return;
	for (size_t i = 0; i < pool->n_warm; i++)
		discard(&pool->warm[i]);
	(void)pthread_mutex_destroy(&pool->lock); /* nobody asks any more */
	(void)pthread_cond_destroy(&pool->freed);
	free(pool);
}

static size_t running_of(const struct query_pool *pool, int64_t user_id)
{
	size_t n = 0;

	for (size_t i = 0; i < pool->n_running; i++)
		n += pool->users[i] == user_id;
	return n;
}

static bool has_place(const struct query_pool *pool, int64_t user_id)
{
	size_t of_one = (size_t)(pool->options.at_once + 1) / 2;

	return pool->n_running < (size_t)pool->options.at_once &&
	       running_of(pool, user_id) < of_one;
}

/* Under the lock. */
static int wait_for_place(struct query_pool *pool, int64_t user_id, struct err *e)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until); /* fails for no clock there is */
	until.tv_sec += QUERY_WAIT_MS / 1000;
	while (!has_place(pool, user_id)) {
		if (pthread_cond_timedwait(&pool->freed, &pool->lock, &until) != ETIMEDOUT)
			continue;
		(void)err_set(e, ERR_BUSY, "%zu queries are running, %zu of them yours",
			      pool->n_running, running_of(pool, user_id));
		e->retry_after = QUERY_RETRY_S;
		return e->code;
	}
	return 0;
}

static void leave(struct query_pool *pool, int64_t user_id)
{
	(void)pthread_mutex_lock(&pool->lock); /* fails only for a thread that holds it */
	for (size_t i = 0; i < pool->n_running; i++) {
		if (pool->users[i] != user_id)
			continue;
		pool->users[i] = pool->users[--pool->n_running];
		break;
	}
	(void)pthread_cond_broadcast(&pool->freed);
	(void)pthread_mutex_unlock(&pool->lock);
}

int query_pool_take(struct query_pool *pool, int64_t user_id, struct query_worker *ret_worker,
		    struct err *e)
{
	struct query_worker worker = { 0 };
	bool placed;
	int r;

	(void)pthread_mutex_lock(&pool->lock); /* as above */
	r = wait_for_place(pool, user_id, e);
	if (r == 0)
		pool->users[pool->n_running++] = user_id;
	if (r == 0 && pool->n_warm > 0)
		worker = pool->warm[--pool->n_warm];
	placed = r == 0;
	(void)pthread_mutex_unlock(&pool->lock);
	if (r == 0 && !worker.duck)
		r = make(pool, &worker, e);
	if (r < 0) {
		if (placed)
			leave(pool, user_id);
		return r;
	}
	worker.user_id = user_id;
	*ret_worker = worker;
	return 0;
}

void query_pool_return(struct query_pool *pool, struct query_worker *worker)
{
	int64_t user_id = worker->user_id;

	if (!worker->duck)
		return;
	discard(worker);
	leave(pool, user_id);
	query_pool_warm(pool);
}

static bool lacks_one(struct query_pool *pool)
{
	bool lacks;

	(void)pthread_mutex_lock(&pool->lock); /* as above */
	lacks = pool->n_warm + pool->n_coming < QUERY_WARM;
	pool->n_coming += lacks;
	(void)pthread_mutex_unlock(&pool->lock);
	return lacks;
}

void query_pool_warm(struct query_pool *pool)
{
	while (lacks_one(pool)) {
		struct query_worker worker = { 0 };
		struct err e = { 0 };
		int r = make(pool, &worker, &e);

		(void)pthread_mutex_lock(&pool->lock); /* as above */
		pool->n_coming--;
		if (r == 0)
			pool->warm[pool->n_warm++] = worker;
		(void)pthread_mutex_unlock(&pool->lock);
		if (r == 0)
			continue;
		log_event(LOG_WARN, "no-worker", "error=%s", e.msg);
		return;
	}
}
