/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/pipeline.h"

#include "base/time.h"
#include "test.h"

#include <sched.h>
#include <string.h>

#define ITEMS 200

/* What a run did, as its callbacks saw it. */
struct seen {
	atomic_int prepared[ITEMS];
	atomic_int running;
	atomic_int most_running;
	atomic_int not_committed; /* started and not yet committed */
	atomic_int most_not_committed;
	atomic_bool cancel;
	atomic_int workers;
	atomic_int ticks;
	size_t order[ITEMS];
	int results[ITEMS];
	unsigned attempts[ITEMS];
	struct err errors[ITEMS];
	size_t committed;
	size_t calls;
	size_t largest;
	size_t stop_at; /* commit fails there, or cancels */
	int (*behave)(struct seen *seen, size_t item, struct err *e);
};

static void raise_to(atomic_int *most, int now)
{
	int old = atomic_load(most);

	while (now > old && !atomic_compare_exchange_weak(most, &old, now))
		;
}

static int prepare(void *ctx, void *worker, size_t item, struct err *e)
{
	struct seen *seen = ctx;
	int r = 0;

	assert_true(item < ITEMS);
	(void)worker;
	if (atomic_fetch_add(&seen->prepared[item], 1) == 0)
		raise_to(&seen->most_not_committed, atomic_fetch_add(&seen->not_committed, 1) + 1);
	raise_to(&seen->most_running, atomic_fetch_add(&seen->running, 1) + 1);
	if (seen->behave)
		r = seen->behave(seen, item, e);
	atomic_fetch_sub(&seen->running, 1);
	return r;
}

static int commit(void *ctx, const struct pipeline_result *results, size_t count, struct err *e)
{
	struct seen *seen = ctx;

	seen->calls++;
	if (count == 0)
		atomic_fetch_add(&seen->ticks, 1);
	seen->largest = count > seen->largest ? count : seen->largest;
	for (size_t i = 0; i < count; i++) {
		seen->results[results[i].item] = results[i].result;
		seen->errors[results[i].item] = results[i].error;
		seen->attempts[results[i].item] = results[i].attempts;
		seen->order[seen->committed++] = results[i].item;
		atomic_fetch_sub(&seen->not_committed, 1);
	}
	if (seen->stop_at > 0 && seen->committed >= seen->stop_at)
		return err_set(e, ERR_IO, "disk full");
	return 0;
}

static struct pipeline plan(struct seen *seen, unsigned workers)
{
	return (struct pipeline){ .ctx = seen,
				  .items = ITEMS,
				  .workers = workers,
				  .prepare = prepare,
				  .commit = commit };
}

TEST(every_item_is_prepared_and_committed_once_in_order)
{
	struct seen seen = { 0 };
	struct pipeline p = plan(&seen, 4);
	struct err e = { 0 };

	assert_int_equal(pipeline_run(&p, &e), 0);
	assert_int_equal(seen.committed, ITEMS);
	for (size_t i = 0; i < ITEMS; i++) {
		assert_int_equal(seen.prepared[i], 1);
		assert_int_equal(seen.attempts[i], 1);
		assert_int_equal(seen.order[i], i);
	}
	assert_in_range(seen.most_running, 1, 4);
	assert_in_range(seen.most_not_committed, 1, 16 + 1);
}

TEST(no_items_is_done_at_once)
{
	struct seen seen = { 0 };
	struct pipeline p = plan(&seen, 4);
	struct err e = { 0 };

	p.items = 0;
	assert_int_equal(pipeline_run(&p, &e), 0);
	assert_int_equal(seen.calls, 0);
}

/* The first item ends only when the others, as many as the window lets by, are done. */
static int first_is_slow(struct seen *seen, size_t item, struct err *e)
{
	(void)e;
	while (item == 0 && atomic_load(&seen->prepared[ITEMS - 1]) == 0)
		sched_yield();
	return 0;
}

TEST(a_slow_item_does_not_hold_up_the_others)
{
	struct seen seen = { .behave = first_is_slow };
	struct pipeline p = plan(&seen, 3);
	struct err e = { 0 };

	p.order = PIPELINE_AS_FINISHED;
	p.window = 4;
	assert_int_equal(pipeline_run(&p, &e), 0);
	assert_int_equal(seen.committed, ITEMS);
	assert_true(seen.order[0] != 0);
	assert_in_range(seen.most_not_committed, 1, 4 + 1);
}

static int window_is_waited_for(struct seen *seen, size_t item, struct err *e)
{
	(void)e;
	while (item == 0 && atomic_load(&seen->prepared[7]) == 0)
		sched_yield();
	return 0;
}

TEST(in_order_the_window_bounds_what_runs_ahead)
{
	struct seen seen = { .behave = window_is_waited_for };
	struct pipeline p = plan(&seen, 2);
	struct err e = { 0 };

	p.window = 8;
	assert_int_equal(pipeline_run(&p, &e), 0);
	assert_int_equal(seen.order[0], 0);
	assert_in_range(seen.most_not_committed, 8, 8 + 1);
}

static int all_finish_first(struct seen *seen, size_t item, struct err *e)
{
	(void)e;
	while (item == 0 && atomic_load(&seen->prepared[15]) == 0)
		sched_yield();
	return 0;
}

TEST(what_finished_meanwhile_is_committed_together)
{
	struct seen seen = { .behave = all_finish_first };
	struct pipeline p = plan(&seen, 2);
	struct err e = { 0 };

	p.window = 16;
	p.batch = 10;
	assert_int_equal(pipeline_run(&p, &e), 0);
	assert_int_equal(seen.largest, 10);
	assert_int_equal(seen.committed, ITEMS);
	for (size_t i = 0; i < ITEMS; i++)
		assert_int_equal(seen.order[i], i);
}

static int waits_for_a_tick(struct seen *seen, size_t item, struct err *e)
{
	(void)e;
	while (item == ITEMS - 1 && atomic_load(&seen->ticks) == 0)
		sched_yield();
	return 0;
}

TEST(a_tick_comes_while_nothing_finishes)
{
	struct seen seen = { .behave = waits_for_a_tick };
	struct pipeline p = plan(&seen, 2);
	struct err e = { 0 };

	p.tick_ms = 5;
	assert_int_equal(pipeline_run(&p, &e), 0);
	assert_int_equal(seen.committed, ITEMS);
	assert_true(atomic_load(&seen.ticks) > 0);
}

static int third_fails(struct seen *seen, size_t item, struct err *e)
{
	(void)seen;
	return item == 3 ? err_set(e, ERR_CORRUPT, "bad bytes") : 0;
}

TEST(one_failure_stops_nobody_and_is_not_repeated)
{
	struct seen seen = { .behave = third_fails };
	struct pipeline p = plan(&seen, 4);
	struct err e = { 0 };

	p.attempts = 5;
	assert_int_equal(pipeline_run(&p, &e), 0);
	assert_int_equal(seen.committed, ITEMS);
	assert_int_equal(seen.prepared[3], 1);
	assert_int_equal(seen.results[3], ERR_CORRUPT);
	assert_string_equal(seen.errors[3].msg, "bad bytes");
	assert_int_equal(seen.results[4], 0);
}

static int passes_at_second_try(struct seen *seen, size_t item, struct err *e)
{
	if (item % 50 == 7 && atomic_load(&seen->prepared[item]) < 2)
		return err_set(e, ERR_REMOTE, "reset");
	return item == 5 ? err_set(e, ERR_OFFLINE, "gone") : 0;
}

TEST(a_passing_failure_is_repeated_without_blocking_a_worker)
{
	struct seen seen = { .behave = passes_at_second_try };
	struct pipeline p = plan(&seen, 1);
	struct err e = { 0 };

	p.attempts = 2;
	p.order = PIPELINE_AS_FINISHED;
	p.window = 8;
	assert_int_equal(pipeline_run(&p, &e), 0);
	assert_int_equal(seen.attempts[7], 2);
	assert_int_equal(seen.results[7], 0);
	assert_int_equal(seen.attempts[5], 2);
	assert_int_equal(seen.results[5], ERR_OFFLINE);
	assert_string_equal(seen.errors[5].msg, "gone");
	/* the one worker did all the others while these six waited */
	assert_true(seen.order[ITEMS - 1] % 50 == 7 || seen.order[ITEMS - 1] == 5);
}

static int asks_for_a_second(struct seen *seen, size_t item, struct err *e)
{
	if (item > 0 || atomic_load(&seen->prepared[0]) > 1)
		return 0;
	err_set(e, ERR_BUSY, "come back");
	e->retry_after = 1;
	return e->code;
}

TEST(the_peers_wish_to_wait_is_heeded)
{
	struct seen seen = { .behave = asks_for_a_second };
	struct pipeline p = plan(&seen, 2);
	struct err e = { 0 };
	int64_t start = time_monotonic();

	p.items = 2;
	p.attempts = 2;
	assert_int_equal(pipeline_run(&p, &e), 0);
	assert_int_equal(seen.results[0], 0);
	assert_true(time_monotonic() - start >= 1000);
}

TEST(a_failing_commit_ends_the_run_with_its_error)
{
	struct seen seen = { .stop_at = 10 };
	struct pipeline p = plan(&seen, 4);
	struct err e = { 0 };
	int prepared = 0;

	assert_int_equal(pipeline_run(&p, &e), ERR_IO);
	assert_string_equal(e.msg, "disk full");
	assert_int_equal(seen.committed, 10);
	for (size_t i = 0; i < ITEMS; i++)
		prepared += seen.prepared[i];
	assert_in_range(prepared, 10, 10 + 16 + 1);
	assert_int_equal(seen.running, 0);
}

static int cancels_at_twenty(struct seen *seen, size_t item, struct err *e)
{
	if (item == 20)
		atomic_store(&seen->cancel, true);
	while (item > 20 && !atomic_load(&seen->cancel))
		sched_yield();
	return item >= 20 ? err_set(e, ERR_CANCELLED, "cancelled") : 0;
}

TEST(cancelling_ends_the_run_and_commits_no_more)
{
	struct seen seen = { .behave = cancels_at_twenty };
	struct pipeline p = plan(&seen, 4);
	struct err e = { 0 };

	p.cancel = &seen.cancel;
	assert_int_equal(pipeline_run(&p, &e), ERR_CANCELLED);
	assert_true(seen.committed <= 20);
	assert_int_equal(seen.running, 0);
}

static int is_offline(struct seen *seen, size_t item, struct err *e)
{
	if (item == 3)
		atomic_store(&seen->cancel, true);
	return err_set(e, ERR_OFFLINE, "gone");
}

TEST(cancelling_does_not_wait_for_repetitions)
{
	struct seen seen = { .behave = is_offline };
	struct pipeline p = plan(&seen, 2);
	struct err e = { 0 };
	int64_t start = time_monotonic();

	p.attempts = 10;
	p.items = 4;
	p.cancel = &seen.cancel;
	assert_int_equal(pipeline_run(&p, &e), ERR_CANCELLED);
	assert_true(time_monotonic() - start < 5000);
}

static void *count_worker(void *ctx)
{
	struct seen *seen = ctx;

	atomic_fetch_add(&seen->workers, 1);
	return seen;
}

static void uncount_worker(void *ctx, void *worker)
{
	struct seen *seen = ctx;

	assert_ptr_equal(worker, seen);
	atomic_fetch_sub(&seen->workers, 1);
}

TEST(each_worker_has_an_object_and_gives_it_back)
{
	struct seen seen = { 0 };
	struct pipeline p = plan(&seen, 6);
	struct err e = { 0 };

	p.items = 3;
	p.worker_new = count_worker;
	p.worker_free = uncount_worker;
	assert_int_equal(pipeline_run(&p, &e), 0);
	assert_int_equal(seen.workers, 0);
	assert_int_equal(seen.committed, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_item_is_prepared_and_committed_once_in_order),
		cmocka_unit_test(no_items_is_done_at_once),
		cmocka_unit_test(a_slow_item_does_not_hold_up_the_others),
		cmocka_unit_test(in_order_the_window_bounds_what_runs_ahead),
		cmocka_unit_test(what_finished_meanwhile_is_committed_together),
		cmocka_unit_test(a_tick_comes_while_nothing_finishes),
		cmocka_unit_test(one_failure_stops_nobody_and_is_not_repeated),
		cmocka_unit_test(a_passing_failure_is_repeated_without_blocking_a_worker),
		cmocka_unit_test(the_peers_wish_to_wait_is_heeded),
		cmocka_unit_test(a_failing_commit_ends_the_run_with_its_error),
		cmocka_unit_test(cancelling_ends_the_run_and_commits_no_more),
		cmocka_unit_test(cancelling_does_not_wait_for_repetitions),
		cmocka_unit_test(each_worker_has_an_object_and_gives_it_back),
	};

	return cmocka_run_group_tests_name("pipeline", tests, NULL, NULL);
}
