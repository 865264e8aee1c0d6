/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/api.h"

#include "base/time.h"
#include "tables/registry.h"

/* One page of the record; ?before=ID asks for the next. */
#define AUDIT_PAGE 200

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

static int reply_grant(struct request *q, int64_t id, const struct grant *grant, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);

	json_open(&o, NULL, '{');
	json_add_int(&o, "id", id);
	json_add_text(&o, "group_id", grant->group);
	json_add_text(&o, "resource_type", grant->resource_type);
	json_add_text(&o, "resource_id", grant->resource_id);
	json_close(&o);
	return reply_json(q, 201, &body, e);
}

int api_grants_add(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	struct grant grant = {
		.group = json_text(json_get(q->json, "group_id")),
		.resource_type = json_text(json_get(q->json, "resource_type")),
		.resource_id = json_text(json_get(q->json, "resource_id")),
	};
	AUTO_TABLE struct table t = { 0 };
	int64_t id = 0;
	int r = request_write(q, &w, e);

	/* A person says the name; the grant follows the id. */
	if (r == 0 && str_eq(grant.resource_type, "table") && grant.resource_id)
		r = registry_find(w.db, NULL, grant.resource_id, &t, e);
	if (r == 0 && t.id)
		grant.resource_id = t.id;
	if (r == 0)
		r = grant_add(w.db, q->caller, &grant, &id, e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	return r < 0 ? r : reply_grant(q, id, &grant, e);
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

int api_audit(struct request *q, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);
	const char *before = http_query(q->in, "before");
	int64_t before_id = 0;
	int r = before ? parse_int64(before, 1, INT64_MAX, &before_id, e) : 0;

	if (r < 0)
		return r;
	json_open(&o, NULL, '{');
	json_open(&o, "audit", '[');
	r = audit_list(q->db, before_id, AUDIT_PAGE, &o, e);
	json_close(&o);
	json_close(&o);
	return r < 0 ? r : reply_json(q, 200, &body, e);
}
