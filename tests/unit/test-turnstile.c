/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/turnstile.h"

#include "test.h"

#include <pthread.h>
#include <sched.h>

#define PEOPLE 24

struct hall {
	struct turnstile *t;
	atomic_int inside, most, through, refused;
	atomic_bool cancel;
};

static void *pass(void *argument)
{
	struct hall *hall = argument;
	struct err e = { 0 };
	int now;

	if (turnstile_enter(hall->t, &e) < 0) {
		atomic_fetch_add(&hall->refused, e.code == ERR_CANCELLED);
		return NULL;
	}
	now = atomic_fetch_add(&hall->inside, 1) + 1;
	for (int most = atomic_load(&hall->most);
	     now > most && !atomic_compare_exchange_weak(&hall->most, &most, now);)
		;
	for (int i = 0; i < 50; i++)
		(void)sched_yield();
	atomic_fetch_sub(&hall->inside, 1);
	atomic_fetch_add(&hall->through, 1);
	turnstile_leave(hall->t);
	return NULL;
}

static void run(struct hall *hall, pthread_t *people, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(pthread_create(&people[i], NULL, pass, hall), 0);
}

static void join(pthread_t *people, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(pthread_join(people[i], NULL), 0);
}

TEST(no_more_than_its_width_are_inside_and_all_get_through)
{
	struct hall hall = { .t = turnstile_new(3, NULL) };
	pthread_t people[PEOPLE];

	run(&hall, people, PEOPLE);
	join(people, PEOPLE);
	assert_int_equal(atomic_load(&hall.through), PEOPLE);
	assert_in_range(atomic_load(&hall.most), 1, 3);
	turnstile_free(hall.t);
}

TEST(after_a_cancel_who_waits_is_refused)
{
	struct hall hall = { 0 };
	pthread_t people[4];
	struct err e = { 0 };

	hall.t = turnstile_new(1, &hall.cancel);
	assert_int_equal(turnstile_enter(hall.t, &e), 0);
	run(&hall, people, 4);
	atomic_store(&hall.cancel, true);
	turnstile_leave(hall.t);
	join(people, 4);
	assert_int_equal(atomic_load(&hall.refused), 4);
	turnstile_free(hall.t);
}

TEST(none_lets_everybody_through)
{
	struct err e = { 0 };

	assert_int_equal(turnstile_enter(NULL, &e), 0);
	assert_int_equal(turnstile_enter(NULL, &e), 0);
	turnstile_leave(NULL);
	turnstile_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_more_than_its_width_are_inside_and_all_get_through),
		cmocka_unit_test(after_a_cancel_who_waits_is_refused),
		cmocka_unit_test(none_lets_everybody_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
