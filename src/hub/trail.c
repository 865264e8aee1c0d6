/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/trail.h"

#include "net/http-blob.h"
#include "net/http-range.h"
#include "tables/manifest-since.h"
#include <assert.h>
#include <pthread.h>

static_assert(TRAIL_STEPS_MAX < 10000, "a mark has four digits");

/* From one manifest to the next. */
struct step {
	char from[HASH_HEX_MAX + 2];
	struct buf names; /* as since_changes() has them */
};

struct trail {
	char *key; /* NULL: a free place */
	struct cached now;
	struct step *steps; /* the oldest first */
	size_t count, capacity;
	size_t names_bytes;
	uint64_t used; /* the count of the last use: the smallest is the oldest */
};

struct trails {
	pthread_mutex_t lock;
	struct trail trails[TRAILS_MAX];
	size_t text_bytes;
	uint64_t uses;
};

void trail_found_release(struct trail_found *found)
{
	strv_release(&found->names);
}

struct trails *trails_new(void)
{
	struct trails *t = xcalloc(1, sizeof(*t));

	(void)pthread_mutex_init(&t->lock, NULL); /* cannot fail for a default mutex */
	return t;
}

static void forget_steps(struct trail *trail, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		trail->names_bytes -= trail->steps[i].names.n;
		buf_release(&trail->steps[i].names);
	}
	trail->count -= n;
	if (n > 0 && trail->count > 0)
		memmove(trail->steps, trail->steps + n, trail->count * sizeof(*trail->steps));
}

static void drop(struct trails *t, struct trail *trail)
{
	if (!trail->key)
		return;
	t->text_bytes -= http_blob_size(trail->now.blob);
	forget_steps(trail, trail->count);
	cached_release(&trail->now);
	free(trail->steps);
	free(trail->key);
	*trail = (struct trail){ 0 };
}

void trails_free(struct trails *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < TRAILS_MAX; i++)
		drop(t, &t->trails[i]);
	(void)pthread_mutex_destroy(&t->lock); /* nobody else is left */
	free(t);
}

static struct trail *find(struct trails *t, const char *key)
{
	for (size_t i = 0; i < TRAILS_MAX; i++) {
		if (t->trails[i].key && str_eq(t->trails[i].key, key))
			return &t->trails[i];
	}
	return NULL;
}

/* A free place, or of those in use the one that was not asked for longest; never `but`. */
static struct trail *oldest(struct trails *t, bool want_free, const struct trail *but)
{
	struct trail *found = NULL;

	for (size_t i = 0; i < TRAILS_MAX; i++) {
		struct trail *trail = &t->trails[i];

		if (trail == but || (!trail->key && !want_free))
			continue;
		if (!found || trail->used < found->used)
			found = trail;
	}
	return found;
}

static void set_now(struct trails *t, struct trail *trail, const struct cached *now)
{
	if (trail->now.blob)
		t->text_bytes -= http_blob_size(trail->now.blob);
	cached_release(&trail->now);
	http_blob_ref(now->blob);
	trail->now = *now;
	t->text_bytes += http_blob_size(now->blob);
	while (t->text_bytes > TRAILS_TEXT_MAX) {
		struct trail *old = oldest(t, false, trail);

		if (!old)
			break;
		drop(t, old);
	}
}

static struct trail *begin(struct trails *t, const char *key, const struct cached *now)
{
	struct trail *trail = oldest(t, true, NULL); /* a free one was never used */

	drop(t, trail);
	trail->key = xstrdup(key);
	set_now(t, trail, now);
	return trail;
}

/* What was given before is a step away from what is given now. */
static void advance(struct trails *t, struct trail *trail, const struct cached *now)
{
	struct step step = { .names = BUF_INIT(TRAIL_NAMES_MAX) };
	size_t surplus = 0, bytes;

	memcpy(step.from, trail->now.etag, sizeof(step.from));
	if (!since_changes(http_blob_plain(trail->now.blob), http_blob_plain(now->blob),
			   &step.names)) {
		/* nothing leads from there to here */
		buf_release(&step.names);
		forget_steps(trail, trail->count);
		set_now(t, trail, now);
		return;
	}
	trail->steps =
		xgrow(trail->steps, &trail->capacity, trail->count + 1, sizeof(*trail->steps));
	trail->steps[trail->count++] = step;
	trail->names_bytes += step.names.n;
	bytes = trail->names_bytes;
	while (bytes > TRAIL_NAMES_MAX || trail->count - surplus > TRAIL_STEPS_MAX)
		bytes -= trail->steps[surplus++].names.n;
	forget_steps(trail, surplus);
	set_now(t, trail, now);
}

/* Names, each with the step and how it changed there: "name 0007+". No name has a blank, which comes first in order. */
static void add_marks(const struct trail *trail, size_t i, struct strv *out)
{
	const char *p = buf_str(&trail->steps[i].names);

	for (const char *end; (end = strchr(p, '\n')) != NULL; p = end + 1)
		strv_addf(out, "%.*s %04zu%c", (int)(end - p - 1), p + 1, i, *p);
}

/* What came after the one manifest and went before the other is in neither: who has these may never have seen it. */
static void take_names(const struct strv *marks, struct strv *out)
{
	size_t to;

	for (size_t from = 0; from < marks->n; from = to) {
		const char *first = marks->v[from];
		const char *last;
		size_t n = strcspn(first, " ");

		for (to = from + 1; to < marks->n && strncmp(marks->v[to], first, n + 1) == 0;)
			to++;
		last = marks->v[to - 1];
		if (first[strlen(first) - 1] != '+' || last[strlen(last) - 1] != '-')
			strv_adopt(out, xstrndup(first, n));
	}
}

/* The last time that it was given: all that was given more than once leads on from there. */
static bool find_base(const struct trail *trail, const char *known, struct trail_found *ret_found)
{
	AUTO_STRV struct strv marks = STRV_INIT;
	size_t at = trail->count;

	while (at > 0 && !http_etag_matches(known, trail->steps[at - 1].from, true))
		at--;
	if (at == 0)
		return false;
	memcpy(ret_found->base, trail->steps[at - 1].from, sizeof(ret_found->base));
	for (size_t i = at - 1; i < trail->count; i++)
		add_marks(trail, i, &marks);
	strv_sort(&marks);
	take_names(&marks, &ret_found->names);
	return true;
}

bool trails_follow(struct trails *t, const char *key, const struct cached *now, const char *known,
		   struct trail_found *ret_found)
{
	struct trail *trail;
	bool found = false;

	if (http_blob_size(now->blob) > TRAILS_TEXT_MAX)
		return false;
	(void)pthread_mutex_lock(&t->lock); /* fails only for a thread that holds it */
	trail = find(t, key);
	if (!trail)
		trail = begin(t, key, now);
	else if (strcmp(trail->now.etag, now->etag) != 0)
		advance(t, trail, now);
	trail->used = ++t->uses;
	if (known && strlen(known) <= TRAIL_KNOWN_MAX && !http_etag_matches(known, now->etag, true))
		found = find_base(trail, known, ret_found);
	(void)pthread_mutex_unlock(&t->lock);
	return found;
}
