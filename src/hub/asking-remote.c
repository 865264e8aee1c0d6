/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/asking-remote.h"

#include "base/json-cells.h"
#include "remote/place.h"
#include "remote/values.h"
#include "tables/metadata.h"

#include <strings.h>
#include <sys/socket.h>

void places_release(struct places *p)
{
	for (size_t i = 0; i < p->found; i++)
		far_place_release(&p->v[i]);
	free(p->v);
	free(p->tables);
	strv_release(&p->views);
}

static size_t count_remote(const struct query_plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->count; i++)
		n += plan->tables[i].remote;
	return n;
}

bool asking_is_remote(const struct asking *a)
{
	return count_remote(&a->plan) > 0;
}

bool asking_is_mixed(const struct asking *a)
{
	size_t n = count_remote(&a->plan);

	return n > 0 && n < a->plan.count;
}

/* What one caller may have read of remote tables, by the hub's settings. */
static struct far_limits limits_of(const struct hub *hub)
{
	const struct hub_settings *s = hub_settings(hub);

	return (struct far_limits){ .scan_bytes = s->remote_scan,
				    .daily_bytes = s->remote_daily,
				    .at_once = s->remote_at_once,
				    .seconds = s->query_s };
}

/* A condition of DuckDB's may mean another thing at the source: what cannot be kept is not promised. */
static int check_rights(const struct query_table *t, struct err *e)
{
	if (!t->table.rights)
		return 0;
	(void)err_set(
		e, ERR_DENIED,
		"your rights to '%s' are limited to some rows or columns, which cannot be kept "
		"where it stays",
		t->name);
	return err_hint(e, "ask for a view at its source to be registered as a table for you");
}

/* The newest place beside the first. */
static int check_source(const struct places *p, const char *name, struct err *e)
{
	const struct far_place *first = &p->v[0], *newest = &p->v[p->found - 1];
	AUTO_FREE char *source = first->engine->source(first->spec);
	AUTO_FREE char *other = newest->engine->source(newest->spec);

	if (newest->engine == first->engine && str_eq(source, other))
		return 0;
	(void)err_set(e, ERR_CONFLICT, "'%s' and '%s' stay at different sources", p->tables[0].name,
		      name);
	return err_hint(e, "larder snapshot create brings an extract of each: ask these");
}

/* An extract is made where its table stays, of that table. */
static int check_all_remote(const struct query_plan *plan, struct err *e)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->tables[i].remote)
			continue;
		(void)err_set(e, ERR_CONFLICT, "'%s' is here: its source cannot look at it",
			      plan->tables[i].name);
		return err_hint(e, "larder query --remote asks tables here and there together");
	}
	return 0;
}

static bool has_table(const struct places *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++) {
		if (strcasecmp(p->tables[i].name, name) == 0)
			return true;
	}
	return false;
}

static int add_place(struct db *db, struct places *p, const struct query_table *t, struct err *e)
{
	struct far_place *place = &p->v[p->found];
	AUTO_FREE char *entity = NULL;
	int r = check_rights(t, e);

	if (r == 0)
		r = far_place_find(db, t->table.id, place, e);
	if (r < 0)
		return r;
	p->found++;
	if (!has_table(p, t->name))
		p->tables[p->n++] = (struct far_table){ t->name, place->spec, t->table.id };
	if (check_source(p, t->name, e) < 0)
		return e->code;
	r = metadata_entity_type(db, t->table.id, &entity, e);
	if (r == 0 && metadata_is_view(entity) && !strv_has(&p->views, t->table.id))
		strv_add(&p->views, t->table.id);
	return r;
}

int places_find(struct db *db, const struct query_plan *plan, struct places *p, struct err *e)
{
	p->v = xcalloc(plan->count, sizeof(*p->v));
	p->tables = xcalloc(plan->count, sizeof(*p->tables));
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->tables[i].remote && add_place(db, p, &plan->tables[i], e) < 0)
			return e->code;
	}
	p->engine = p->v[0].engine;
	return 0;
}

static int in_transaction(void *ctx, far_change_fn fn, void *arg, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	int r = hub_write_begin(ctx, &w, e);

	if (r == 0)
		r = fn(w.db, arg, e);
	return r < 0 ? r : hub_write_commit(&w, e);
}

/* Readable: at its end, or with bytes of a next request, which are not ours. */
static bool has_left(void *ctx)
{
	const struct asking_far *far = ctx;
	char byte;

	return far->client_fd >= 0 && recv(far->client_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

int asking_far(struct asking_far *far, const struct places *places, const struct far_part *parts,
	       size_t count, struct far_answer *answer, struct err *e)
{
	struct asking *a = far->a;
	struct far_question question = {
		.engine = places->engine,
		.parts = parts,
		.count = count,
		.user_id = a->by.user_id,
		.limits = limits_of(a->hub),
		.view_targets = &places->views,
		.is_cancelled = has_left,
		.cancel_ctx = far,
		.ctx = a->hub,
		.in_transaction = in_transaction,
	};
	int r;

	if (far->seconds)
		question.limits.seconds = far->seconds;
	r = far_ask(&question, answer, e);
	a->refusal = answer->refusal;
	answer->refusal = (struct far_refusal){ 0 };
	return r;
}

struct giving {
	struct asking *a;
	struct asking_far *far;
	struct duck_column *columns;
	size_t n;
	struct buf row, cut;
	int64_t cells_cut;
};

static void giving_release(struct giving *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->columns[i].type);
	free(g->columns);
	buf_release(&g->row);
	buf_release(&g->cut);
}

static int give_columns(void *ctx, const struct duck_column *columns, size_t n, struct err *e)
{
	struct giving *g = ctx;

	g->columns = xcalloc(n, sizeof(*g->columns));
	for (g->n = 0; g->n < n; g->n++)
		g->columns[g->n].type = xstrdup(columns[g->n].type);
	return g->a->on_columns(g->a->ctx, columns, n, e);
}

static int give_row(void *ctx, const struct bytes *values, size_t n, struct err *e)
{
	struct giving *g = ctx;
	int r;

	buf_clear(&g->row);
	far_add_json(&g->row, g->columns, values, n);
	if (g->row.full)
		return err_set(e, ERR_LIMIT, "a row of the result is too long");
	if (g->a->cell_limit && g->row.n > (size_t)g->a->cell_limit) {
		buf_clear(&g->cut);
		g->cells_cut +=
			json_cut_cells(buf_bytes(&g->row), (size_t)g->a->cell_limit, &g->cut);
		r = g->a->on_row(g->a->ctx, buf_bytes(&g->cut), e);
	} else {
		r = g->a->on_row(g->a->ctx, buf_bytes(&g->row), e);
	}
	g->far->client_fd = g->a->client_fd; /* it may be given up for watching meanwhile */
	return r;
}

static void take_result(struct asking *a, const struct far_answer *answer, int64_t cells_cut,
			struct duck_run_result *ret_result)
{
	*ret_result = (struct duck_run_result){ .rows = answer->result.rows,
						.bytes = answer->result.bytes,
						.cells_cut = cells_cut,
						.truncated = answer->result.truncated };
	a->scanned_bytes = far_scanned(answer);
}

int asking_remote(struct asking *a, struct db *db, const char *sql,
		  struct duck_run_result *ret_result, struct err *e)
{
	AUTO(far_answer_release) struct far_answer answer = FAR_ANSWER_INIT;
	AUTO(places_release) struct places places = { 0 };
	struct asking_far far = { a, a->client_fd, a->scan ? a->scan->seconds : 0 };
	AUTO(giving_release)
	struct giving giving = { .a = a,
				 .far = &far,
				 .row = BUF_INIT(8 * FAR_ROW_MAX),
				 .cut = BUF_INIT(8 * FAR_ROW_MAX) };
	const struct far_run run = { .row_limit = a->row_limit,
				     .byte_limit = a->byte_limit,
				     .ctx = &giving,
				     .on_columns = give_columns,
				     .on_row = give_row };
	struct far_statement statement = { .sql = sql };
	const struct far_part part = { &statement, a->scan ? a->scan->run : &run };

	if (check_all_remote(&a->plan, e) < 0 || places_find(db, &a->plan, &places, e) < 0)
		return e->code;
	statement.tables = places.tables;
	statement.count = places.n;
	if (asking_far(&far, &places, &part, 1, &answer, e) < 0)
		return e->code;
	if (a->scan)
		a->scan->estimate = answer.estimate;
	take_result(a, &answer, giving.cells_cut, ret_result);
	return 0;
}
