/* SPDX-License-Identifier: Apache-2.0 */
/* Where tables come from, and bringing them up to date. */
#include "hub/api.h"

#include "base/proc.h"
#include "hub/child.h"
#include "hub/live.h"
#include "refresh/refresh.h"
#include "tables/registry.h"

/* Sources of 10,000 tables with a statement each. */
#define SOURCES_MAX ((size_t)64 << 20)
/* A command line; who wants more wants all. */
#define TRIGGER_TABLES_MAX 1000
/* Longer than any night's refresh of a machine that size. */
#define TRIGGER_DEADLINE_MS ((int64_t)4 * 3600 * 1000)

static int reply_source(struct request *q, const char *table, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(SOURCES_MAX);
	struct json_out o = json_out(&text);
	AUTO_SOURCE struct source s = { 0 };
	int r = source_find(q->db, table, &s, e);

	if (r < 0)
		return r;
	json_open(&o, NULL, '{');
	source_add(&s, &o);
	json_open(&o, "runs", '[');
	r = source_runs(q->db, table, &o, e);
	json_close(&o);
	json_close(&o);
	return r < 0 ? r : reply_json(q, 200, &text, e);
}

int api_source_get(struct request *q, struct err *e)
{
	AUTO_TABLE struct table t = { 0 };
	int r = registry_find(q->db, NULL, q->params[0], &t, e);

	return r < 0 ? r : reply_source(q, t.id, e);
}

int api_source_put(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	AUTO_TABLE struct table t = { 0 };
	const char *kind = json_text(json_get(q->json, "kind"));
	int r = request_write(q, &w, e);

	if (r == 0)
		r = registry_find(w.db, NULL, q->params[0], &t, e);
	if (r == 0 && str_eq(t.query_mode, "remote"))
		r = err_set(e, ERR_CONFLICT, "table '%s' stays at its source: its mode is remote",
			    t.id);
	if (r == 0)
		r = source_put(w.db, t.id, q->json, e);
	if (r == 0)
		r = audit_add(w.db, q->caller, "source.set", t.id, kind, e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	return r < 0 ? r : reply_source(q, t.id, e);
}

int api_source_remove(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	AUTO_TABLE struct table t = { 0 };
	int r = request_write(q, &w, e);

	if (r == 0)
		r = registry_find(w.db, NULL, q->params[0], &t, e);
	if (r == 0)
		r = source_remove(w.db, t.id, e);
	if (r == 0)
		r = audit_add(w.db, q->caller, "source.remove", t.id, NULL, e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	return r < 0 ? r : reply_nothing(q);
}

static int add_source(void *ctx, const struct source *s, struct err *e)
{
	struct json_out *o = ctx;

	(void)e;
	json_open(o, NULL, '{');
	source_add(s, o);
	json_close(o);
	return 0;
}

int api_sources_list(struct request *q, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(SOURCES_MAX);
	struct json_out o = json_out(&text);
	int running = refresh_is_running(q->db, e);
	int r;

	if (running < 0)
		return running;
	json_open(&o, NULL, '{');
	json_add_bool(&o, "running", running == 1);
	json_open(&o, "sources", '[');
	r = source_list(q->db, add_source, &o, e);
	if (r < 0)
		return r;
	json_close(&o);
	json_close(&o);
	return reply_json(q, 200, &text, e);
}

/* Public, so it says no more than that. */
int api_sync_status(struct request *q, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(ROUTE_BODY_MAX);
	struct json_out o = json_out(&text);
	int running = q->db ? refresh_is_running(q->db, e) : ERR_IO;

	if (!q->db)
		return err_set(e, ERR_BUSY, "the hub cannot read its database");
	if (running < 0)
		return running;
	json_open(&o, NULL, '{');
	json_add_bool(&o, "locked", running == 1);
	json_close(&o);
	return reply_json(q, 200, &text, e);
}

/* null, nothing, ["a", "b"], {"tables": ["a", "b"], "accept_loss": false}; else 422. */
static int read_tables(const struct json *json, struct strv *out, bool *ret_accept_loss,
		       struct err *e)
{
	bool object = json_kind(json) == JSON_OBJECT;
	const struct json *list = object ? json_get(json, "tables") : json;
	struct json_iter it = json_iter(object ? json : NULL);

	while (object && json_next(&it))
		if (!str_eq(it.key, "tables") && !str_eq(it.key, "accept_loss"))
			return err_set(e, ERR_CORRUPT, "the body has no member '%.60s'", it.key);
	if (list && json_kind(list) != JSON_ARRAY)
		return err_set(e, ERR_CORRUPT,
			       "the body must be null, a list of tables or "
			       "{\"tables\": [...]}");
	if (json_size(list) > TRIGGER_TABLES_MAX)
		return err_set(e, ERR_LIMIT, "%zu tables, the limit is %d", json_size(list),
			       TRIGGER_TABLES_MAX);
	for (size_t i = 0; i < json_size(list); i++) {
		const char *name = json_text(json_at(list, i));

		if (!name || !name_is_table(name))
			return err_set(e, ERR_CORRUPT, "table number %zu has no name", i + 1);
		strv_add(out, name);
	}
	*ret_accept_loss = object && json_flag(json_get(json, "accept_loss"), false);
	return 0;
}

static int reply_triggered(struct request *q, const struct strv *tables, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(SOURCES_MAX);
	struct json_out o = json_out(&text);

	json_open(&o, NULL, '{');
	json_add_text(&o, "status", "triggered");
	json_add_texts(&o, "tables", tables);
	json_add_text(&o, "message",
		      tables->n ? "these tables are refreshed"
				: "tables that are due are refreshed");
	json_close(&o);
	return reply_json(q, 200, &text, e);
}

static int reply_at_work(struct request *q)
{
	http_reply_detail(q->in, 409, "sync_already_in_progress",
			  "sync_already_in_progress: a refresh is at work");
	return 0;
}

/* Nobody waits for the child; its outcome is in the sources. It outlives a hub that ends. */
static int trigger_behind(struct request *q, struct strv *argv, const struct strv *tables,
			  struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	AUTO_BUF struct buf names = BUF_INIT(BUF_OWN_MAX);
	int r;

	for (size_t i = 0; i < tables->n; i++)
		buf_addf(&names, "%s%s", i ? " " : "", tables->v[i]);
	r = request_write(q, &w, e);
	if (r == 0)
		r = refresh_ask(w.db, e);
	if (r == ERR_BUSY)
		return reply_at_work(q);
	if (r == 0)
		r = audit_add(w.db, q->caller, "sync.trigger", "job:data-refresh", buf_str(&names),
			      e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	strv_add(argv, "--data");
	strv_add(argv, hub_path(q->hub));
	strv_add(argv, "--quiet");
	if (r == 0)
		r = proc_detach((const char *const *)argv->v, NULL, e);
	return r < 0 ? r : reply_triggered(q, tables, e);
}

int api_sync_trigger(struct request *q, struct err *e)
{
	AUTO_STRV struct strv tables = STRV_INIT, argv = STRV_INIT;
	bool accept_loss = false;
	int r = read_tables(q->json, &tables, &accept_loss, e);
	struct child_job job = { .action = "sync.trigger",
				 .resource = "job:data-refresh",
				 .deadline_ms = TRIGGER_DEADLINE_MS,
				 .as_details = true };

	if (r == 0)
		r = refresh_is_running(q->db, e);
	if (r < 0)
		return r;
	if (r == 1)
		return reply_at_work(q);
	strv_add(&argv, "larder");
	strv_add(&argv, "refresh");
	for (size_t i = 0; i < tables.n; i++)
		strv_add(&argv, tables.v[i]);
	if (accept_loss)
		strv_add(&argv, "--accept-loss");
	/* The scheduler's run is the work, not the call. */
	if (!http_query(q->in, "wait") && !live_is_run(q))
		return trigger_behind(q, &argv, &tables, e);
	job.argv = (const char *const *)argv.v + 1;
	return child_run(q, &job, e);
}
