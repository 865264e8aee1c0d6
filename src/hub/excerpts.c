/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/excerpts.h"

#include "tables/excerpt.h"
#include "tables/registry.h"

static int make_one(struct hub *hub, struct db *db, const struct excerpt_need *need, struct err *e)
{
	const struct excerpt_source source = { hub_staging(hub), db,
					       hub_settings(hub)->convert_memory };
	AUTO_EXCERPT struct excerpt *x = NULL;
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	int r = excerpt_make(&source, need, &x, e);

	if (r == 0)
		r = hub_write_begin(hub, &w, e);
	if (r == 0)
		r = excerpt_apply(x, w.root, e);
	return r < 0 ? r : hub_write_commit(&w, e);
}

/* The id, when the caller may see the table; a table that is not there needs no excerpt. */
static int find_id(struct db *db, const struct caller *caller, const char *table, char **ret_id,
		   struct err *e)
{
	AUTO_TABLE struct table t = { 0 };
	int r = registry_find(db, caller, table, &t, e);

	if (r == 0)
		*ret_id = TAKE(t.id);
	return r;
}

static int find_needs(struct db *db, const struct caller *caller, const char *table,
		      struct excerpt_needs *needs, struct err *e)
{
	AUTO_FREE char *id = NULL;
	int r = caller->is_admin || !table ? 0 : find_id(db, caller, table, &id, e);

	if (r < 0)
		return r == ERR_NOT_FOUND ? 0 : r;
	return excerpt_needs(db, caller, id, needs, e);
}

int excerpts_make(struct hub *hub, struct db *db, const struct caller *caller, const char *table,
		  struct err *e)
{
	AUTO(excerpt_needs_release) struct excerpt_needs needs = { 0 };
	int r = find_needs(db, caller, table, &needs, e);

	for (size_t i = 0; r == 0 && i < needs.n; i++)
		r = make_one(hub, db, &needs.v[i], e);
	return r;
}

/* The request once more, on a thread aside: its texts are copied, since the first was ended. */
struct again {
	struct request q;
	struct caller caller;
	char *params[ROUTE_PARAMS_MAX];
	char *table;
};

static void again_free(struct again *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < ROUTE_PARAMS_MAX; i++)
		free(a->params[i]);
	caller_release(&a->caller);
	free(a->table);
	free(a);
}
DEFINE_AUTO(struct again, again_auto, again_free);

static int run(struct again *a, struct http_in *in, struct err *e)
{
	int r;

	a->q.in = in;
	a->q.db = hub_read_db(a->q.hub, http_thread_slot(in), e);
	if (!a->q.db)
		return e->code;
	r = access_renew(a->q.db, &a->caller, e);
	if (r == 0)
		r = excerpts_make(a->q.hub, a->q.db, &a->caller, a->table, e);
	if (r == 0)
		r = hub_settle(a->q.hub, e);
	return r < 0 ? r : a->q.route->handler(&a->q, e);
}

static void run_aside(struct http_in *in, void *state)
{
	AUTO(again_auto) struct again *a = state;
	struct err e = { 0 };

	if (run(a, in, &e) < 0)
		reply_error(in, &e);
}

static struct again *copy_request(const struct request *q, const char *table)
{
	struct again *a = xcalloc(1, sizeof(*a));

	a->caller = caller_copy(q->caller);
	a->table = table ? xstrdup(table) : NULL;
	a->q = (struct request){ .route = q->route, .hub = q->hub, .caller = &a->caller };
	for (size_t i = 0; i < ROUTE_PARAMS_MAX && q->params[i]; i++)
		a->q.params[i] = a->params[i] = xstrdup(q->params[i]);
	return a;
}

int excerpts_first(struct request *q, const char *table, struct err *e)
{
	AUTO(excerpt_needs_release) struct excerpt_needs needs = { 0 };
	AUTO(again_auto) struct again *a = NULL;
	int r = find_needs(q->db, q->caller, table, &needs, e);

	if (r < 0 || needs.n == 0)
		return r;
	if (http_content_length(q->in) != 0)
		return err_set(e, ERR_USAGE, "this request has no body");
	if (http_is_aside(q->in)) /* made a moment ago, and the rights changed since */
		return err_set(e, ERR_BUSY, "the rights to a table are just changing");
	a = copy_request(q, table);
	r = http_run_aside(q->in, HTTP_ASIDE_CONVERT, run_aside, a, e);
	if (r < 0)
		return r;
	(void)TAKE(a); /* run_aside() frees it */
	return 1;
}
