/* SPDX-License-Identifier: Apache-2.0 */
/* Records of agents in, context out (agents/inbox.h). */
#include "hub/api.h"

#include "agents/inbox.h"
#include "base/time.h"

static int reply_synced(struct request *q, const struct inbox_counts *counts,
			const struct buf *results, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);

	json_open(&o, NULL, '{');
	json_open(&o, "data", '{');
	json_add_int(&o, "synced", counts->accepted + counts->duplicate);
	json_add_int(&o, "accepted", counts->accepted);
	json_add_int(&o, "duplicate", counts->duplicate);
	json_add_int(&o, "rejected", counts->rejected);
	json_add_int(&o, "proposed", counts->proposed);
	json_add_raw(&o, "results", buf_bytes(results));
	json_close(&o);
	json_close(&o);
	return reply_json(q, 201, &body, e);
}

int api_agent_sync(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	AUTO_BUF struct buf results = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&results);
	const struct inbox_request request = {
		.by = q->caller,
		.body = q->json,
		.key = http_header(q->in, "Idempotency-Key"),
	};
	struct inbox_counts counts = { 0 };
	int r = request_write(q, &w, e);

	json_open(&o, NULL, '[');
	if (r == 0)
		r = inbox_take(w.db, &request, &counts, &o, e);
	json_close(&o);
	if (r == 0)
		r = hub_write_commit(&w, e);
	return r < 0 ? r : reply_synced(q, &counts, &results, e);
}

static int read_query(struct request *q, struct context_query *c, struct err *e)
{
	const char *since = http_query(q->in, "since");
	const char *limit = http_query(q->in, "limit");
	int r = since && *since ? time_parse_iso(since, &c->since_ms, e) : 0;

	if (r == 0 && limit)
		r = parse_int64(limit, 1, CONTEXT_PAGE_MAX, &c->limit, e);
	c->by = q->caller;
	c->agent_id = http_query(q->in, "agent_id");
	c->cursor = http_query(q->in, "cursor");
	c->others_only = str_eq(http_query(q->in, "others_only"), "1");
	return r;
}

/* A lost or late record of a pull harms nobody. */
static void note_pull(struct request *q, const char *agent_id)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	struct err ignored = { 0 };

	if (hub_write_try(q->hub, &w, &ignored) == 1 &&
	    inbox_note_pull(w.db, q->caller, agent_id, &ignored) == 0)
		(void)hub_write_commit(&w, &ignored); /* as said above */
}

int api_agent_context(struct request *q, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);
	struct context_query c = { 0 };
	struct context_page page = { 0 };
	int r = read_query(q, &c, e);

	json_open(&o, NULL, '{');
	json_open(&o, "data", '[');
	if (r == 0)
		r = context_add(q->db, &c, &o, &page, e);
	json_close(&o);
	json_add_int(&o, "total", page.total);
	if (c.cursor) {
		json_add_text(&o, "cursor", page.cursor);
		json_add_bool(&o, "more", page.more);
	}
	json_close(&o);
	if (r < 0)
		return r;
	note_pull(q, c.agent_id);
	return reply_json(q, 200, &body, e);
}

int api_agent_status(struct request *q, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);
	int r;

	json_open(&o, NULL, '{');
	json_open(&o, "data", '{');
	r = inbox_status_add(q->db, q->caller, http_query(q->in, "agent_id"), &o, e);
	json_close(&o);
	json_close(&o);
	return r < 0 ? r : reply_json(q, 200, &body, e);
}
