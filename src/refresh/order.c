/* SPDX-License-Identifier: Apache-2.0 */
#include "refresh/order.h"

#include "duck/judge.h"

/* A circle of more tables than that is told by its beginning. */
#define CIRCLE_TOLD_MAX 20

enum { NEW, UNDER_WAY, DONE };

struct ordering {
	struct order_item *items;
	size_t n, ranked;
	const struct order_item **by_name;
	struct duck_judged *judged; /* as the items */
	struct step *path;          /* from the first item to the one that is looked at */
	size_t depth;
	char *state;
};

/* One item, and the name of its statement that is looked at next. */
struct step {
	size_t item, next;
};

void order_items_release(struct order_item *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(items[i].circle);
}

static void ordering_release(struct ordering *o)
{
	for (size_t i = 0; o->judged && i < o->n; i++)
		duck_judged_release(&o->judged[i]);
	free(o->judged);
	free(o->by_name);
	free(o->path);
	free(o->state);
}

static int by_name(const void *a, const void *b)
{
	const struct order_item *const *x = a;
	const struct order_item *const *y = b;

	return strcasecmp((*x)->table, (*y)->table);
}

/* The item that makes the table of that name, or n. */
static size_t find(const struct ordering *o, const char *name)
{
	const struct order_item wanted = { .table = name };
	const struct order_item *key = &wanted;
	const struct order_item **found =
		bsearch(&key, o->by_name, o->n, sizeof(struct order_item *), by_name);

	return found ? (size_t)(*found - o->items) : o->n;
}

/* The end of the path, from where it came to this item before. All of them are in it. */
static void note_circle(struct ordering *o, size_t again)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	size_t from = o->depth;
	size_t told = 0;

	while (o->path[from - 1].item != again)
		from--;
	for (size_t i = from - 1; i < o->depth && told < CIRCLE_TOLD_MAX; i++, told++)
		buf_addf(&text, "%s <- ", o->items[o->path[i].item].table);
	buf_adds(&text, told < CIRCLE_TOLD_MAX ? o->items[again].table : "...");
	for (size_t i = from - 1; i < o->depth; i++) {
		struct order_item *item = &o->items[o->path[i].item];

		if (!item->circle)
			item->circle = xstrdup(buf_str(&text));
	}
}

static void enter(struct ordering *o, size_t item)
{
	o->state[item] = UNDER_WAY;
	o->path[o->depth++] = (struct step){ .item = item };
}

/* What it reads is made before it; it is made when all of that is. */
static void advance(struct ordering *o)
{
	struct step *step = &o->path[o->depth - 1];
	const struct duck_names *reads = &o->judged[step->item].names;
	size_t read;

	if (step->next == reads->n) {
		o->state[step->item] = DONE;
		o->items[step->item].rank = ++o->ranked;
		o->depth--;
		return;
	}
	read = find(o, reads->v[step->next++].name);
	if (read == o->n || read == step->item) /* of itself: its version before, or none */
		return;
	if (o->state[read] == NEW)
		enter(o, read);
	else if (o->state[read] == UNDER_WAY)
		note_circle(o, read);
}

int order_items(struct order_item *items, size_t n, struct err *e)
{
	AUTO(ordering_release) struct ordering o = { .items = items, .n = n };
	AUTO_STRV struct strv statements = STRV_INIT;

	o.by_name = xcalloc(n + 1, sizeof(*o.by_name));
	o.path = xcalloc(n + 1, sizeof(*o.path));
	o.state = xcalloc(n + 1, sizeof(*o.state));
	for (size_t i = 0; i < n; i++) {
		o.by_name[i] = &items[i];
		strv_add(&statements, items[i].sql);
	}
	qsort(o.by_name, n, sizeof(*o.by_name), by_name);
	o.judged = xcalloc(n + 1, sizeof(*o.judged));
	if (duck_judge(&statements, o.judged, e) < 0)
		return e->code;
	for (size_t i = 0; i < n; i++) {
		if (o.state[i] == NEW)
			enter(&o, i);
		while (o.depth > 0)
			advance(&o);
	}
	return 0;
}
