/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/api.h"

#include "base/time.h"
#include "tables/excerpt.h"
#include "tables/registry.h"
#include "tables/rights.h"

struct listing {
	struct json_out o;
	struct db *db;
};

/* A table that is gone has no name; its grants went with it, so that is a race, not a state. */
static int add_name(struct listing *l, const struct grant_row *row, struct err *e)
{
	AUTO_TABLE struct table t = { 0 };
	int r = 0;

	if (str_eq(row->resource_type, "table"))
		r = registry_find(l->db, NULL, row->resource_id, &t, e);
	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	json_add_text(&l->o, "resource_name", t.name ? t.name : row->resource_id);
	return 0;
}

static int add_row(void *ctx, const struct grant_row *row, struct err *e)
{
	struct listing *l = ctx;
	struct json_out *o = &l->o;
	char text[TIME_TEXT_MAX];
	int r;

	json_open(o, NULL, '{');
	json_add_int(o, "id", row->id);
	json_add_text(o, "group_id", row->group_id);
	json_add_text(o, "group", row->group);
	json_add_text(o, "resource_type", row->resource_type);
	json_add_text(o, "resource_id", row->resource_id);
	r = add_name(l, row, e);
	rights_add(row->rights, o);
	json_add_text(o, "created_at", time_format_iso(row->created_ms, text));
	json_close(o);
	return r;
}

int api_grants_list(struct request *q, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct listing l = { .o = json_out(&body), .db = q->db };
	int r;

	json_open(&l.o, NULL, '{');
	json_open(&l.o, "grants", '[');
	r = grant_visit(q->db, add_row, &l, e);
	json_close(&l.o);
	json_close(&l.o);
	return r < 0 ? r : reply_json(q, 200, &body, e);
}

static void reply_grant(struct http_in *in, int64_t id, const struct grant *grant)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);

	json_open(&o, NULL, '{');
	json_add_int(&o, "id", id);
	json_add_text(&o, "group_id", grant->group);
	json_add_text(&o, "resource_type", grant->resource_type);
	json_add_text(&o, "resource_id", grant->resource_id);
	rights_add(grant->rights, &o);
	json_close(&o);
	http_reply_add(in, "Cache-Control", "no-store");
	http_reply_bytes(in, 201, "application/json", buf_bytes(&body));
}

/* A grant on its way in. With limits it is given aside, as a child looks at the condition. */
struct granting {
	struct hub *hub;
	struct caller by;
	char *group, *type, *resource, *where;
	struct strv columns;
	char *rights;
	struct excerpt *excerpt; /* of those who have only this grant; NULL: nothing is published */
};

static void granting_free(struct granting *g)
{
	if (!g)
		return;
	caller_release(&g->by);
	free(g->group);
	free(g->type);
	free(g->resource);
	free(g->where);
	strv_release(&g->columns);
	free(g->rights);
	excerpt_free(g->excerpt);
	free(g);
}
DEFINE_AUTO(struct granting, granting_auto, granting_free);

/* A person says the name; the grant follows the id. */
static int find_resource(struct granting *g, struct db *db, struct table *ret_table, struct err *e)
{
	int r;

	if (!str_eq(g->type, "table") || !g->resource)
		return 0;
	r = registry_find(db, NULL, g->resource, ret_table, e);
	if (r == 0) {
		free(g->resource);
		g->resource = xstrdup(ret_table->id);
	}
	return r;
}

static int commit_grant(struct granting *g, struct hub_write *w, int64_t *ret_id, struct err *e)
{
	AUTO_TABLE struct table t = { 0 };
	int r = find_resource(g, w->db, &t, e);
	/* Only now: the id has taken the place of the name. */
	const struct grant grant = { g->group, g->type, g->resource, g->rights };

	if (r == 0)
		r = grant_add(w->db, &g->by, &grant, ret_id, e);
	if (r == 0 && g->excerpt)
		r = excerpt_apply(g->excerpt, w->root, e);
	return r < 0 ? r : hub_write_commit(w, e);
}

/* What cannot be kept is not promised: a source gives its table to the hub as a whole. */
static int check_is_here(const struct table *t, struct err *e)
{
	if (!str_eq(t->query_mode, "remote"))
		return 0;
	(void)err_set(e, ERR_CONFLICT,
		      "table '%s' stays at its source, where rights to some of it cannot be kept",
		      t->id);
	return err_hint(e, "register a view of its source as a table of its own, and grant that");
}

/* That the limits fit the table is known when somebody has seen what they leave. */
static int try_limits(struct granting *g, struct db *db, struct err *e)
{
	const struct rights_wish wish = { g->where, &g->columns };
	const struct excerpt_source source = { hub_staging(g->hub), db,
					       hub_settings(g->hub)->convert_memory };
	AUTO_TABLE struct table t = { 0 };
	AUTO_FREE char *list = NULL;
	int r = find_resource(g, db, &t, e);

	if (r == 0)
		r = check_is_here(&t, e);
	if (r == 0)
		r = rights_make(&wish, &g->rights, e);
	if (r < 0 || !t.version)
		return r;
	list = xasprintf("[%s]", g->rights);
	return excerpt_make(&source, &(struct excerpt_need){ t.version, t.id, list }, &g->excerpt,
			    e);
}

static int grant_limited(struct granting *g, struct http_in *in, int64_t *ret_id, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	struct db *db = hub_read_db(g->hub, http_thread_slot(in), e);
	int r = db ? try_limits(g, db, e) : e->code;

	if (r == 0)
		r = hub_write_begin(g->hub, &w, e);
	if (r == 0)
		r = access_renew(w.db, &g->by, e);
	if (r == 0)
		r = access_need_admin(&g->by, e);
	return r < 0 ? r : commit_grant(g, &w, ret_id, e);
}

static void grant_aside(struct http_in *in, void *state)
{
	AUTO(granting_auto) struct granting *g = state;
	struct err e = { 0 };
	int64_t id = 0;

	if (grant_limited(g, in, &id, &e) < 0)
		reply_error(in, &e);
	else
		reply_grant(in, id, &(struct grant){ g->group, g->type, g->resource, g->rights });
}

static char *text_of(const struct json *object, const char *key)
{
	const char *text = json_text(json_get(object, key));

	return text ? xstrdup(text) : NULL;
}

static int read_limits(const struct json *json, struct granting *g, struct err *e)
{
	const struct json *columns = json_get(json, "columns"), *where = json_get(json, "where");
	bool given = columns && json_kind(columns) != JSON_NULL;

	g->where = text_of(json, "where");
	if (where && json_kind(where) != JSON_NULL && !g->where)
		return err_set(e, ERR_USAGE, "'where' must be a condition as text");
	if (given && (json_kind(columns) != JSON_ARRAY || json_size(columns) == 0))
		return err_set(e, ERR_USAGE, "'columns' must be a list of column names");
	for (size_t i = 0; given && i < json_size(columns); i++) {
		const char *name = json_text(json_at(columns, i));

		if (!name)
			return err_set(e, ERR_USAGE, "'columns' must be a list of column names");
		strv_add(&g->columns, name);
	}
	if ((g->where || g->columns.n > 0) && !str_eq(g->type, "table"))
		return err_set(e, ERR_USAGE, "only the grant of a table can be limited");
	return 0;
}

static int grant_now(struct request *q, struct granting *g, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	int64_t id = 0;
	int r = request_write(q, &w, e);

	if (r == 0)
		r = commit_grant(g, &w, &id, e);
	if (r == 0)
		reply_grant(q->in, id, &(struct grant){ g->group, g->type, g->resource, NULL });
	return r;
}

int api_grants_add(struct request *q, struct err *e)
{
	AUTO(granting_auto) struct granting *g = xcalloc(1, sizeof(*g));
	int r;

	g->hub = q->hub;
	g->by = caller_copy(q->caller);
	g->group = text_of(q->json, "group_id");
	g->type = text_of(q->json, "resource_type");
	g->resource = text_of(q->json, "resource_id");
	r = read_limits(q->json, g, e);
	if (r < 0)
		return r;
	if (!g->where && g->columns.n == 0)
		return grant_now(q, g, e);
	r = http_run_aside(q->in, HTTP_ASIDE_CONVERT, grant_aside, g, e);
	if (r == 0)
		(void)TAKE(g); /* grant_aside() frees it */
	return r;
}

int api_grants_remove(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	int64_t id = 0;
	int r = parse_int64(q->params[0], 1, INT64_MAX, &id, e);

	if (r == 0)
		r = request_write(q, &w, e);
	if (r == 0)
		r = grant_remove(w.db, q->caller, id, e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	return r < 0 ? r : reply_nothing(q);
}
