/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `window` slots hold the items under way. A slot goes EMPTY -> RUNNING -> FINISHED -> EMPTY, with
 * a detour through DELAYED for each repetition: a delayed item waits in its slot, not in a worker.
 * One mutex guards all of it; it is not held while prepare or commit run.
 */
#include "engine/pipeline.h"

#include "base/hash.h"
#include "base/time.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#define BACKOFF_FIRST_MS 300
#define BACKOFF_MAX_MS   ((int64_t)PIPELINE_WAIT_MAX_S * 1000)
/* How soon a cancel, which a signal handler sets and cannot announce, is seen. */
#define CANCEL_POLL_MS 50

enum slot_state { EMPTY, RUNNING, DELAYED, FINISHED };

struct slot {
	enum slot_state state;
	int64_t due_ms; /* DELAYED */
	struct pipeline_result result;
};

struct run;

struct worker {
	struct run *run;
	void *object;
	pthread_t thread;
};

struct run {
	const struct pipeline *p;
	pthread_mutex_t lock;
	pthread_cond_t work; /* for workers: a slot fell empty, an item was delayed, stop */
	pthread_cond_t done; /* for the caller: an item finished */
	struct slot *slots;
	size_t window;
	size_t next;      /* the first item that was not started */
	size_t committed; /* items handed to commit: in order, also the next to hand over */
	int64_t tick_at;  /* when commit is called without results */
	bool stop;
	struct pipeline_result *batch; /* the caller's: what commit is given */
	struct worker *workers;
	unsigned started; /* threads */
};

static void wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t at_ms)
{
	struct timespec t = { .tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000 };

	(void)pthread_cond_timedwait(cond, lock, &t); /* the caller looks again either way */
}

/* 0.3 s, 1 s, 3 s ..., each up to a quarter more, so that many clients do not come back as one. */
static int64_t backoff_ms(const struct pipeline_result *result)
{
	int64_t ms = BACKOFF_FIRST_MS;
	uint16_t dice;

	if (result->error.retry_after > 0)
		ms = (int64_t)result->error.retry_after * 1000;
	else
		for (unsigned i = 1; i < result->attempts && ms < BACKOFF_MAX_MS; i++)
			ms = ms * 10 / 3;
	random_bytes(&dice, sizeof(dice));
	ms += ms / 4 * dice / UINT16_MAX;
	return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

static bool is_cancelled(const struct run *run)
{
	return run->p->cancel && atomic_load(run->p->cancel);
}

/* The slot of the next thing to do: a repetition that is due, else a new item. */
static struct slot *next_slot(struct run *run, int64_t now, int64_t *ret_due)
{
	struct slot *empty = NULL;

	*ret_due = INT64_MAX;
	for (size_t i = 0; i < run->window; i++) {
		struct slot *s = &run->slots[i];

		if (s->state == DELAYED && s->due_ms <= now)
			return s;
		if (s->state == DELAYED && s->due_ms < *ret_due)
			*ret_due = s->due_ms;
		if (s->state == EMPTY && !empty)
			empty = s;
	}
	if (!empty || run->next == run->p->items)
		return NULL;
	empty->result = (struct pipeline_result){ .item = run->next++ };
	return empty;
}

/* Called with the lock held; gives it away while prepare runs. */
static void prepare_slot(struct run *run, struct slot *s, void *object)
{
	const struct pipeline *p = run->p;
	struct err e = { 0 };
	int r;

	s->state = RUNNING;
	pthread_mutex_unlock(&run->lock);
	r = p->prepare(p->ctx, object, s->result.item, &e);
	pthread_mutex_lock(&run->lock);

	s->result.result = r;
	s->result.error = e;
	s->result.attempts++;
	if (r < 0 && err_is_passing(r) && s->result.attempts < p->attempts) {
		s->due_ms = time_monotonic() + backoff_ms(&s->result);
		s->state = DELAYED;
		pthread_cond_signal(&run->work); /* who waits for a later one must look again */
		return;
	}
	s->state = FINISHED;
	pthread_cond_signal(&run->done);
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct run *run = worker->run;

	pthread_mutex_lock(&run->lock);
	while (!run->stop && !is_cancelled(run)) {
		int64_t due;
		struct slot *s = next_slot(run, time_monotonic(), &due);

		if (s)
			prepare_slot(run, s, worker->object);
		else if (due < INT64_MAX)
			wait_until(&run->work, &run->lock, due);
		else
			pthread_cond_wait(&run->work, &run->lock);
	}
	pthread_mutex_unlock(&run->lock);
	return NULL;
}

static struct slot *finished_slot(struct run *run)
{
	for (size_t i = 0; i < run->window; i++) {
		struct slot *s = &run->slots[i];

		if (s->state == FINISHED &&
		    (run->p->order == PIPELINE_AS_FINISHED || s->result.item == run->committed))
			return s;
	}
	return NULL;
}

static size_t collect(struct run *run)
{
	size_t max = run->p->batch > 0 ? run->p->batch : 1;
	size_t n = 0;

	while (n < max) {
		struct slot *s = finished_slot(run);

		if (!s)
			break;
		run->batch[n++] = s->result;
		run->committed++;
		s->state = EMPTY;
	}
	return n;
}

/* Sleeps until an item finishes; true when it was for a tick instead. */
static bool wait_for_results(struct run *run)
{
	const struct pipeline *p = run->p;
	int64_t now = time_monotonic();
	int64_t until = p->cancel ? now + CANCEL_POLL_MS : INT64_MAX;

	if (p->tick_ms && run->tick_at <= now)
		return true;
	if (p->tick_ms && run->tick_at < until)
		until = run->tick_at;
	if (until < INT64_MAX)
		wait_until(&run->done, &run->lock, until);
	else
		pthread_cond_wait(&run->done, &run->lock);
	return false;
}

/*
 * The caller's part. A slot is emptied before its commit has run: one commit's worth of items may
 * be prepared beyond the window, which keeps the workers busy meanwhile.
 */
static int commit_all(struct run *run, struct err *e)
{
	const struct pipeline *p = run->p;
	int r = 0;

	while (r >= 0 && run->committed < p->items) {
		size_t n;

		if (is_cancelled(run))
			return err_set(e, ERR_CANCELLED, "cancelled");
		n = collect(run);
		if (n > 0)
			pthread_cond_broadcast(&run->work);
		else if (!wait_for_results(run))
			continue;
		pthread_mutex_unlock(&run->lock);
		r = p->commit(p->ctx, run->batch, n, e);
		pthread_mutex_lock(&run->lock);
		run->tick_at = time_monotonic() + p->tick_ms;
	}
	return r < 0 ? r : 0;
}

static int start_workers(struct run *run, struct err *e)
{
	const struct pipeline *p = run->p;
	unsigned wanted = p->items < p->workers ? (unsigned)p->items : p->workers;

	run->workers = xcalloc(wanted, sizeof(*run->workers));
	for (; run->started < wanted; run->started++) {
		struct worker *w = &run->workers[run->started];

		w->run = run;
		w->object = p->worker_new ? p->worker_new(p->ctx) : NULL;
		errno = pthread_create(&w->thread, NULL, work, w);
		if (errno == 0)
			continue;
		if (w->object && p->worker_free)
			p->worker_free(p->ctx, w->object);
		if (run->started > 0) /* fewer than asked for: slower, not wrong */
			return 0;
		return err_sys(e, "start a thread");
	}
	return 0;
}

static void end_workers(struct run *run)
{
	const struct pipeline *p = run->p;

	pthread_mutex_lock(&run->lock);
	run->stop = true;
	pthread_cond_broadcast(&run->work);
	pthread_mutex_unlock(&run->lock);
	for (unsigned i = 0; i < run->started; i++) {
		pthread_join(run->workers[i].thread, NULL);
		if (run->workers[i].object && p->worker_free)
			p->worker_free(p->ctx, run->workers[i].object);
	}
}

static void run_init(struct run *run, const struct pipeline *p)
{
	pthread_condattr_t attr;

	*run = (struct run){
		.p = p,
		.window = p->window ? p->window : (size_t)p->workers * 4,
		.tick_at = time_monotonic() + p->tick_ms,
	};
	run->slots = xcalloc(run->window, sizeof(*run->slots));
	run->batch = xcalloc(p->batch > 0 ? p->batch : 1, sizeof(*run->batch));
	pthread_mutex_init(&run->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&run->work, &attr);
	pthread_cond_init(&run->done, &attr);
	pthread_condattr_destroy(&attr);
}

static void run_release(struct run *run)
{
	pthread_cond_destroy(&run->work);
	pthread_cond_destroy(&run->done);
	pthread_mutex_destroy(&run->lock);
	free(run->slots);
	free(run->batch);
	free(run->workers);
}

int pipeline_run(const struct pipeline *p, struct err *e)
{
	AUTO(run_release) struct run run;
	int r;

	assert(p->workers > 0);
	run_init(&run, p);
	r = start_workers(&run, e);
	if (r == 0) {
		pthread_mutex_lock(&run.lock);
		r = commit_all(&run, e);
		pthread_mutex_unlock(&run.lock);
	}
	end_workers(&run);
	return r;
}
