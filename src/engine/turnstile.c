/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/turnstile.h"

#include <assert.h>
#include <pthread.h>

/* Who comes draws a number; so many have left as there are numbers called beyond the width. */
struct turnstile {
	pthread_mutex_t lock;
	pthread_cond_t left;
	unsigned width;
	const atomic_bool *cancel;
	uint64_t came, gone;
};

struct turnstile *turnstile_new(unsigned width, const atomic_bool *cancel)
{
	struct turnstile *t = xcalloc(1, sizeof(*t));

	assert(width > 0);
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->left, NULL);
	t->width = width;
	t->cancel = cancel;
	return t;
}

void turnstile_free(struct turnstile *t)
{
	if (!t)
		return;
	pthread_cond_destroy(&t->left);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

int turnstile_enter(struct turnstile *t, struct err *e)
{
	uint64_t number;

	if (!t)
		return 0;
	pthread_mutex_lock(&t->lock);
	number = t->came++;
	while (number >= t->gone + t->width)
		pthread_cond_wait(&t->left, &t->lock);
	pthread_mutex_unlock(&t->lock);
	if (!t->cancel || !atomic_load(t->cancel))
		return 0;
	turnstile_leave(t);
	return err_set(e, ERR_CANCELLED, "cancelled");
}

void turnstile_leave(struct turnstile *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->gone++;
	pthread_cond_broadcast(&t->left);
	pthread_mutex_unlock(&t->lock);
}
