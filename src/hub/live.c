/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/live.h"

#include "base/log.h"
#include "base/time.h"
#include "clock/wire.h"
#include "engine/runs.h"
#include <inttypes.h>
#include <pthread.h>

/* Of many that end together, one writes for all: another commit for each would be most of their cost.
 * The last one of them always writes. */
#define RECORD_GAP_MS 20

/* How a run ended, until it is a row. */
struct ended {
	int64_t id, at_ms, ms;
	int status;
	char *job, *detail;
	struct caller by;
};

struct live {
	pthread_mutex_t lock;
	int64_t *begun; /* at work, or ended and no row yet */
	size_t n_begun, begun_capacity;
	struct ended *ended;
	size_t n_ended, ended_capacity;
	size_t n_written;    /* of those begun: ended, and in a transaction */
	bool recording;      /* a thread is on its way to write what is in `ended` */
	int64_t recorded_ms; /* when one last set out to, monotonic */
};

/* One run at work. */
struct run {
	struct hub *hub;
	int64_t id;
	char *job;
	struct caller by;
};

static void ended_release(struct ended *x)
{
	free(x->job);
	free(x->detail);
	caller_release(&x->by);
}

struct live *live_new(void)
{
	struct live *live = xcalloc(1, sizeof(*live));

	(void)pthread_mutex_init(&live->lock, NULL); /* cannot fail for a default mutex */
	return live;
}

void live_free(struct live *live)
{
	if (!live)
		return;
	for (size_t i = 0; i < live->n_ended; i++)
		ended_release(&live->ended[i]);
	free(live->ended);
	free(live->begun);
	(void)pthread_mutex_destroy(&live->lock); /* no request is left */
	free(live);
}

struct run_result live_result(int status, int64_t ms, const char *detail)
{
	static const int passing[] = { 0, 408, 409, 425, 429, 503 };
	struct run_result result = {
		.end = status >= 400 ? RUN_FAILED : RUN_OK,
		.status = status,
		.duration_ms = ms,
		.detail = detail,
	};

	for (size_t i = 0; i < ARRAY_LEN(passing); i++)
		if (status == passing[i])
			result.end = RUN_PASSING;
	if (status == 0 && !detail)
		result.detail = "the request ended before it was answered";
	return result;
}

/* The place of a run among those at work, or n_begun. Under the lock. */
static size_t find(const struct live *live, int64_t id)
{
	size_t i = 0;

	while (i < live->n_begun && live->begun[i] != id)
		i++;
	return i;
}

bool live_has_begun(struct live *live, int64_t id)
{
	bool found;

	(void)pthread_mutex_lock(&live->lock);
	found = find(live, id) < live->n_begun;
	(void)pthread_mutex_unlock(&live->lock);
	return found;
}

static int record_one(struct db *db, const struct ended *x, struct err *e)
{
	const struct run_result result = live_result(x->status, x->ms, x->detail);
	AUTO_FREE char *resource = xasprintf("job:%s", x->job);
	AUTO_FREE char *detail =
		xasprintf("run=%" PRId64 " end=%s status=%d ms=%" PRId64 "%s%.200s", x->id,
			  run_end_word(result.end), x->status, x->ms, result.detail ? " " : "",
			  result.detail ? result.detail : "");
	int r = runs_finish(db, x->id, &result, x->at_ms, e);

	if (r == ERR_NOT_FOUND) /* the row was closed by another hand: the end stands in the log */
		return 0;
	return r < 0 ? r : audit_add(db, &x->by, "job.run", resource, detail, e);
}

int live_record(struct live *live, struct db *db, struct live_batch *ret_batch, struct err *e)
{
	struct live_batch batch = { .live = live };
	int r = 0;

	(void)pthread_mutex_lock(&live->lock);
	batch.v = TAKE(live->ended);
	batch.n = live->n_ended;
	live->n_written += batch.n;
	live->n_ended = live->ended_capacity = 0;
	live->recording = false; /* who ends from here on has to write for itself again */
	(void)pthread_mutex_unlock(&live->lock);
	*ret_batch = batch;
	for (size_t i = 0; r == 0 && i < batch.n; i++)
		r = record_one(db, &batch.v[i], e);
	return r;
}

/* Under the lock. */
static void forget(struct live *live, int64_t id)
{
	size_t i = find(live, id);

	if (i < live->n_begun)
		live->begun[i] = live->begun[--live->n_begun];
}

static void add_ended(struct live *live, const struct ended *x)
{
	live->ended =
		xgrow(live->ended, &live->ended_capacity, live->n_ended + 1, sizeof(*live->ended));
	live->ended[live->n_ended++] = *x;
}

void live_batch_close(struct live_batch *batch)
{
	struct live *live = batch->live;

	if (!live)
		return;
	(void)pthread_mutex_lock(&live->lock);
	live->n_written -= batch->n;
	for (size_t i = 0; i < batch->n; i++) {
		if (!batch->written) {
			add_ended(live, &batch->v[i]);
			continue;
		}
		forget(live, batch->v[i].id);
		ended_release(&batch->v[i]);
	}
	(void)pthread_mutex_unlock(&live->lock);
	free(batch->v);
}

/* The next one whose run ends tries. */
static void not_recording(struct live *live)
{
	(void)pthread_mutex_lock(&live->lock);
	live->recording = false;
	(void)pthread_mutex_unlock(&live->lock);
}

static int record_now(struct hub *hub, struct err *e)
{
	AUTO_LIVE_BATCH struct live_batch batch = { 0 };
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	int r = hub_write_begin(hub, &w, e);

	if (r == 0)
		r = live_record(hub_live(hub), w.db, &batch, e);
	else
		not_recording(hub_live(hub));
	if (r == 0)
		r = hub_write_commit(&w, e);
	batch.written = r == 0;
	return r;
}

int live_settle(struct hub *hub, struct err *e)
{
	struct live *live = hub_live(hub);
	bool any;

	(void)pthread_mutex_lock(&live->lock);
	any = live->n_ended > 0;
	(void)pthread_mutex_unlock(&live->lock);
	return any ? record_now(hub, e) : 0;
}

/* True when the caller is to write. */
static bool note_end(struct live *live, const struct run *run, const struct http_outcome *outcome)
{
	const struct ended ended = {
		.id = run->id,
		.at_ms = time_now(),
		.ms = outcome->ms,
		.status = outcome->status,
		.job = xstrdup(run->job),
		.detail = outcome->detail ? xstrdup(outcome->detail) : NULL,
		.by = caller_copy(&run->by),
	};
	int64_t now = time_monotonic();
	bool others, first;

	(void)pthread_mutex_lock(&live->lock);
	add_ended(live, &ended);
	others = live->n_begun > live->n_ended + live->n_written;
	first = !live->recording && (!others || now - live->recorded_ms >= RECORD_GAP_MS);
	if (first) {
		live->recording = true;
		live->recorded_ms = now;
	}
	(void)pthread_mutex_unlock(&live->lock);
	return first;
}

static void run_free(struct run *run)
{
	caller_release(&run->by);
	free(run->job);
	free(run);
}

static void on_end(void *state, const struct http_outcome *outcome)
{
	struct run *run = state;
	struct err e = { 0 };

	log_event(LOG_INFO, "job", "job=%s run=%" PRId64 " status=%d ms=%" PRId64 " detail=%s",
		  run->job, run->id, outcome->status, outcome->ms, outcome->detail);
	if (note_end(hub_live(run->hub), run, outcome) && record_now(run->hub, &e) < 0)
		log_event(LOG_ERROR, "job", "job=%s run=%" PRId64 " error=%s", run->job, run->id,
			  e.msg);
	run_free(run);
}

static int add_begun(struct live *live, int64_t id, struct err *e)
{
	int r = 0;

	(void)pthread_mutex_lock(&live->lock);
	if (find(live, id) < live->n_begun) {
		r = err_set(e, ERR_CONFLICT, "run %lld has begun already", (long long)id);
	} else {
		live->begun = xgrow(live->begun, &live->begun_capacity, live->n_begun + 1,
				    sizeof(*live->begun));
		live->begun[live->n_begun++] = id;
	}
	(void)pthread_mutex_unlock(&live->lock);
	return r;
}

static void not_begun(struct live *live, int64_t id)
{
	(void)pthread_mutex_lock(&live->lock);
	forget(live, id);
	(void)pthread_mutex_unlock(&live->lock);
}

int live_begin(struct request *q, struct err *e)
{
	const char *text = http_header(q->in, CLOCK_RUN_HEADER);
	AUTO_FREE char *job = NULL;
	struct run *run;
	int64_t id = 0;
	int r;

	if (!text)
		return 0;
	r = access_need_admin(q->caller, e);
	if (r == 0)
		r = parse_int64(text, 1, INT64_MAX, &id, e);
	if (r == 0)
		r = add_begun(hub_live(q->hub), id, e);
	if (r < 0)
		return r;
	/* Asked only now: a run that has ended is a row before it is not at work any more. */
	r = runs_find(q->db, id, &job, e);
	if (r < 0) {
		not_begun(hub_live(q->hub), id);
		return r == ERR_NOT_FOUND
			       ? err_set(e, ERR_CONFLICT, "run %lld is not open", (long long)id)
			       : r;
	}
	run = xcalloc(1, sizeof(*run));
	*run = (struct run){ q->hub, id, TAKE(job), caller_copy(q->caller) };
	http_watch(q->in, on_end, run);
	return 0;
}

bool live_is_run(const struct request *q)
{
	return http_header(q->in, CLOCK_RUN_HEADER) != NULL;
}
