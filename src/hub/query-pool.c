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
	size_t n_coming;                                          /* being made ready just now */
	int64_t running[QUERIES_MAX], waiting[QUERY_WAITING_MAX]; /* whose they are */
	size_t n_running, n_waiting;
	enum { SAMPLE_NONE, SAMPLE_COMING, SAMPLE_READY } sample;
	struct room *sample_room; /* constant once it is ready */
};

static void discard(struct query_worker *worker)
{
	duck_room_free(worker->duck);
	room_close(worker->room);
	worker->duck = NULL;
	worker->room = NULL;
}

#define SAMPLE_NAME "sample.parquet"

static char *sample_path(const struct query_pool *pool)
{
	return xasprintf("%s/" SAMPLE_NAME, room_path(pool->sample_room));
}

/* Types that tables have, and enough rows that a column has more than one way to be stored. */
static int write_sample(const struct query_pool *pool, struct err *e)
{
	AUTO_FREE char *path = sample_path(pool);
	const struct duck_output output = {
		"SELECT range AS n, range % 100 AS k, 'some words of row ' || range AS t, range / 7 AS f,"
		" DATE '2026-01-01' + CAST(range AS INTEGER) AS d FROM range(3000)",
		path
	};
	const struct duck_transform request = { .outputs = &output, .output_count = 1 };
	AUTO(duck_file_info_release) struct duck_file_info info = { 0 };

	return duck_transform(&request, &info, e);
}

/* By the first who comes; what fails is tried again by who comes later, and until then workers do without. */
static void make_sample(struct query_pool *pool)
{
	struct err e = { 0 };
	bool mine;
	int r;

	(void)pthread_mutex_lock(&pool->lock); /* fails only for a thread that holds it */
	mine = pool->sample == SAMPLE_NONE;
	if (mine)
		pool->sample = SAMPLE_COMING;
	(void)pthread_mutex_unlock(&pool->lock);
	if (!mine)
		return;
	r = room_open(pool->options.root, &pool->sample_room, &e);
	if (r == 0)
		r = write_sample(pool, &e);
	if (r < 0) {
		room_close(pool->sample_room);
		pool->sample_room = NULL;
		log_event(LOG_WARN, "no-sample", "error=%s", e.msg);
	}
	(void)pthread_mutex_lock(&pool->lock); /* as above */
	pool->sample = r == 0 ? SAMPLE_READY : SAMPLE_NONE;
	(void)pthread_mutex_unlock(&pool->lock);
}

/* The name of the sample in the worker's room; NULL: it has none. */
static const char *add_sample(struct query_pool *pool, struct room *room)
{
	AUTO_FREE char *path = NULL;
	struct err ignored = { 0 };
	bool ready;

	(void)pthread_mutex_lock(&pool->lock); /* as above */
	ready = pool->sample == SAMPLE_READY;
	(void)pthread_mutex_unlock(&pool->lock);
	if (!ready)
		return NULL;
	path = sample_path(pool);
	return room_add(room, SAMPLE_NAME, path, &ignored) == 0 ? SAMPLE_NAME : NULL;
}

/* Into a worker that has neither room nor child. */
static int make(struct query_pool *pool, struct query_worker *worker, struct err *e)
{
	struct duck_room_options options = { .memory_bytes = pool->options.memory_bytes,
					     .cpu_seconds = pool->options.cpu_seconds };
	int r = room_open(pool->options.root, &worker->room, e);

	if (r < 0)
		return r;
	options.folder = room_path(worker->room);
	options.sample = add_sample(pool, worker->room);
	r = duck_room_start(&options, &worker->duck, e);
	if (r < 0)
		discard(worker);
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
	room_close(pool->sample_room);
	(void)pthread_mutex_destroy(&pool->lock); /* nobody asks any more */
	(void)pthread_cond_destroy(&pool->freed);
	free(pool);
}

static size_t count_of(const int64_t *users, size_t n, int64_t user_id)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += users[i] == user_id;
	return found;
}

static void remove_one(int64_t *users, size_t *n, int64_t user_id)
{
	for (size_t i = 0; i < *n; i++) {
		if (users[i] != user_id)
			continue;
		users[i] = users[--*n];
		return;
	}
}

static bool has_place(const struct query_pool *pool, int64_t user_id)
{
	size_t of_one = (size_t)(pool->options.at_once + 1) / 2;

	return pool->n_running < (size_t)pool->options.at_once &&
	       count_of(pool->running, pool->n_running, user_id) < of_one;
}

static int say_busy(const struct query_pool *pool, int64_t user_id, struct err *e)
{
	(void)err_set(e, ERR_BUSY,
		      "%zu queries are running, %zu of them yours, and %zu of yours wait",
		      pool->n_running, count_of(pool->running, pool->n_running, user_id),
		      count_of(pool->waiting, pool->n_waiting, user_id));
	(void)err_hint(e, "try again when one of them has ended");
	e->retry_after = QUERY_RETRY_S;
	return e->code;
}

/* Under the lock, as one that is counted as waiting. */
static bool wait_for_place(struct query_pool *pool, int64_t user_id, int64_t wait_ms)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until); /* fails for no clock there is */
	until.tv_sec += wait_ms / 1000;
	while (!has_place(pool, user_id)) {
		if (pthread_cond_timedwait(&pool->freed, &pool->lock, &until) == ETIMEDOUT)
			return has_place(pool, user_id);
	}
	return true;
}

/* Under the lock. */
static int take_place(struct query_pool *pool, int64_t user_id, int64_t wait_ms, struct err *e)
{
	bool found = has_place(pool, user_id);

	if (!found && pool->n_waiting < QUERY_WAITING_MAX) {
		pool->waiting[pool->n_waiting++] = user_id;
		found = wait_for_place(pool, user_id, wait_ms);
		remove_one(pool->waiting, &pool->n_waiting, user_id);
	}
	if (!found)
		return say_busy(pool, user_id, e);
	pool->running[pool->n_running++] = user_id;
	return 0;
}

void query_pool_leave(struct query_pool *pool, struct query_worker *worker)
{
	if (!worker->placed)
		return;
	worker->placed = false;
	(void)pthread_mutex_lock(&pool->lock); /* fails only for a thread that holds it */
	remove_one(pool->running, &pool->n_running, worker->user_id);
	(void)pthread_cond_broadcast(&pool->freed);
	(void)pthread_mutex_unlock(&pool->lock);
}

/* One more than may wait is told so at once. */
static int check_waiting(struct query_pool *pool, int64_t user_id, struct err *e)
{
	int r = 0;

	(void)pthread_mutex_lock(&pool->lock); /* as above */
	if (!has_place(pool, user_id) &&
	    count_of(pool->waiting, pool->n_waiting, user_id) >= QUERY_WAITING_OF_USER)
		r = say_busy(pool, user_id, e);
	(void)pthread_mutex_unlock(&pool->lock);
	return r;
}

int query_pool_enter(struct query_pool *pool, struct query_worker *worker, int64_t wait_ms,
		     struct err *e)
{
	int r;

	(void)pthread_mutex_lock(&pool->lock); /* as above */
	r = take_place(pool, worker->user_id, wait_ms, e);
	worker->placed = r == 0;
	(void)pthread_mutex_unlock(&pool->lock);
	return r;
}

static void take_warm(struct query_pool *pool, struct query_worker *worker)
{
	(void)pthread_mutex_lock(&pool->lock); /* as above */
	if (pool->n_warm > 0) {
		const struct query_worker *warm = &pool->warm[--pool->n_warm];

		worker->room = warm->room;
		worker->duck = warm->duck;
	}
	(void)pthread_mutex_unlock(&pool->lock);
}

int query_pool_take(struct query_pool *pool, int64_t user_id, struct query_worker *ret_worker,
		    struct err *e)
{
	struct query_worker worker = { .user_id = user_id };
	int r = check_waiting(pool, user_id, e);

	if (r == 0)
		r = query_pool_enter(pool, &worker, QUERY_WAIT_MS, e);
	if (r < 0)
		return r;
	take_warm(pool, &worker);
	if (!worker.duck)
		r = make(pool, &worker, e);
	if (r < 0)
		query_pool_leave(pool, &worker);
	else
		*ret_worker = worker;
	return r;
}

void query_pool_return(struct query_pool *pool, struct query_worker *worker)
{
	bool used = worker->duck != NULL;

	discard(worker);
	query_pool_leave(pool, worker);
	*worker = (struct query_worker){ 0 };
	if (used)
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
	make_sample(pool);
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
