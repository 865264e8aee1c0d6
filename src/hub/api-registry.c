/* SPDX-License-Identifier: Apache-2.0 */
/* The registry, for administrators: which tables there are, and their versions. */
#include "hub/api.h"

#include "base/time.h"
#include "tables/registry.h"
#include "tables/retention.h"
#include "tables/versions.h"

/* 10,000 tables with a paragraph each. */
#define REGISTRY_MAX ((size_t)64 << 20)

static void add_known(struct json_out *o, const char *key, int64_t value)
{
	if (value < 0)
		json_add_null(o, key);
	else
		json_add_int(o, key, value);
}

void api_add_table(struct json_out *o, const struct table *t)
{
	bool published = t->version != 0;
	char iso[TIME_TEXT_MAX];

	json_add_text(o, "id", t->id);
	json_add_text(o, "name", t->name);
	json_add_text(o, "description", t->description);
	json_add_text(o, "source_type", t->source_type ? t->source_type : "");
	json_add_text(o, "sync_strategy", "full_refresh"); /* of the contract; ours has one */
	json_add_text(o, "query_mode", t->query_mode);
	json_add_text(o, "sort_by", t->sort_by);
	json_add_text(o, "key_by", t->key_by);
	json_add_text(o, "version", t->sha256);
	add_known(o, "rows", published ? t->rows : -1);
	add_known(o, "size_bytes", published ? t->size_bytes : -1);
	add_known(o, "parts", published ? t->parts : -1);
	json_add_text(o, "updated", published ? time_format_iso(t->updated_ms, iso) : NULL);
	json_add_text(o, "created", time_format_iso(t->created_ms, iso));
}

static int add_to_list(void *ctx, const struct table *t, struct err *e)
{
	struct json_out *o = ctx;

	(void)e;
	json_open(o, NULL, '{');
	api_add_table(o, t);
	json_close(o);
	return 0;
}

int api_registry_list(struct request *q, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(REGISTRY_MAX);
	struct json_out o = json_out(&text);
	int r;

	json_open(&o, NULL, '{');
	json_open(&o, "tables", '[');
	r = registry_list(q->db, NULL, add_to_list, &o, e);
	if (r < 0)
		return r;
	json_close(&o);
	json_close(&o);
	return reply_json(q, 200, &text, e);
}

static int reply_table(struct request *q, int status, const struct table *t, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(REGISTRY_MAX);
	struct json_out o = json_out(&text);

	json_open(&o, NULL, '{');
	api_add_table(&o, t);
	json_close(&o);
	return reply_json(q, status, &text, e);
}

int api_registry_get(struct request *q, struct err *e)
{
	AUTO_TABLE struct table t = { 0 };
	int r = registry_find(q->db, NULL, q->params[0], &t, e);

	return r < 0 ? r : reply_table(q, 200, &t, e);
}

/* A member that is there must be text, or null to take the value away. */
static int read_text(const struct json *object, const char *key, const char **ret_text,
		     struct err *e)
{
	const struct json *v = json_get(object, key);

	if (!v)
		return 0;
	*ret_text = json_kind(v) == JSON_NULL ? "" : json_text(v);
	return *ret_text ? 0 : err_set(e, ERR_USAGE, "'%s' must be text", key);
}

static int read_change(const struct json *json, struct table_change *c, struct err *e)
{
	const struct {
		const char *key;
		const char **text;
	} members[] = {
		{ "id", &c->id },
		{ "name", &c->name },
		{ "description", &c->description },
		{ "query_mode", &c->query_mode },
		{ "source_type", &c->source_type },
		{ "sort_by", &c->sort_by },
		{ "key_by", &c->key_by },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(members); i++)
		r = read_text(json, members[i].key, members[i].text, e);
	return r;
}

int api_registry_add(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	AUTO_TABLE struct table t = { 0 };
	struct table_change c = { 0 };
	int r = read_change(q->json, &c, e);

	if (r == 0 && !c.id)
		r = err_set(e, ERR_USAGE, "a table needs an 'id'");
	if (r == 0)
		r = request_write(q, &w, e);
	if (r == 0)
		r = registry_add(w.db, &c, e);
	if (r == 0)
		r = audit_add(w.db, q->caller, "table.add", c.id, NULL, e);
	if (r == 0)
		r = registry_find(w.db, NULL, c.id, &t, e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	return r < 0 ? r : reply_table(q, 201, &t, e);
}

int api_registry_change(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	AUTO_TABLE struct table before = { 0 };
	AUTO_TABLE struct table after = { 0 };
	struct table_change c = { 0 };
	int r = read_change(q->json, &c, e);

	if (r == 0)
		r = request_write(q, &w, e);
	if (r == 0)
		r = registry_find(w.db, NULL, q->params[0], &before, e);
	if (r == 0 && c.id && !str_eq(c.id, before.id))
		r = err_set(e, ERR_USAGE, "the id of a table cannot change; its name can");
	if (r == 0)
		r = registry_change(w.db, before.id, &c, e);
	if (r == 0)
		r = audit_add(w.db, q->caller, "table.change", before.id, NULL, e);
	if (r == 0)
		r = registry_find(w.db, NULL, before.id, &after, e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	return r < 0 ? r : reply_table(q, 200, &after, e);
}

int api_registry_remove(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	int r = request_write(q, &w, e);

	if (r == 0)
		r = retention_remove_table(w.root, q->caller, q->params[0], e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	return r < 0 ? r : reply_nothing(q);
}

int api_versions_list(struct request *q, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(REGISTRY_MAX);
	struct json_out o = json_out(&text);
	AUTO_TABLE struct table t = { 0 };
	int r = registry_find(q->db, NULL, q->params[0], &t, e);

	if (r < 0)
		return r;
	json_open(&o, NULL, '{');
	json_add_text(&o, "table", t.id);
	json_open(&o, "versions", '[');
	r = versions_list(q->db, t.id, &o, e);
	if (r < 0)
		return r;
	json_close(&o);
	json_close(&o);
	return reply_json(q, 200, &text, e);
}

int api_version_get(struct request *q, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(REGISTRY_MAX);
	struct json_out o = json_out(&text);
	AUTO_TABLE struct table t = { 0 };
	int r = registry_find(q->db, NULL, q->params[0], &t, e);

	if (r < 0)
		return r;
	json_open(&o, NULL, '{');
	json_add_text(&o, "table", t.id);
	r = versions_show(q->db, t.id, q->params[1], &o, e);
	json_close(&o);
	return r < 0 ? r : reply_json(q, 200, &text, e);
}
