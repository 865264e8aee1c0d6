/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and their tasks (agents/fleet.h). */
#include "hub/api.h"

#include "agents/fleet.h"
#include "agents/inbox.h"

typedef int (*fleet_verb)(struct db *db, const struct caller *by, const struct json *body,
			  struct json_out *out, struct err *e);

/* One verb in one transaction, its object as {"data": ...}. */
static int change(struct request *q, fleet_verb verb, int status, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	AUTO_BUF struct buf object = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out inner = json_out(&object);
	struct json_out o = json_out(&body);
	int r = request_write(q, &w, e);

	if (r == 0)
		r = verb(w.db, q->caller, q->json, &inner, e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	if (r < 0)
		return r;
	json_open(&o, NULL, '{');
	json_add_raw(&o, "data", buf_bytes(&object));
	json_close(&o);
	return reply_json(q, status, &body, e);
}

int api_fleet_register(struct request *q, struct err *e)
{
	return change(q, fleet_register, 201, e);
}

int api_fleet_heartbeat(struct request *q, struct err *e)
{
	return change(q, fleet_heartbeat, 200, e);
}

static int deregister(struct db *db, const struct caller *by, const struct json *body,
		      struct json_out *out, struct err *e)
{
	int r = fleet_deregister(db, by, body, e);

	json_open(out, NULL, '{');
	json_add_text(out, "agent_id", json_text(json_get(body, "agent_id")));
	json_add_bool(out, "deregistered", true);
	json_close(out);
	return r;
}

int api_fleet_deregister(struct request *q, struct err *e)
{
	return change(q, deregister, 200, e);
}

int api_fleet_nodes(struct request *q, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);
	const struct fleet_filter filter = { http_query(q->in, "status"),
					     http_query(q->in, "platform") };
	int64_t total = 0;
	int r;

	json_open(&o, NULL, '{');
	json_open(&o, "data", '[');
	r = fleet_nodes(q->db, q->caller, &filter, &o, &total, e);
	json_close(&o);
	json_add_int(&o, "total", total);
	json_close(&o);
	return r < 0 ? r : reply_json(q, 200, &body, e);
}

int api_fleet_stats(struct request *q, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);
	int r;

	json_open(&o, NULL, '{');
	json_open(&o, "data", '{');
	r = fleet_stats_add(q->db, q->caller, &o, e);
	json_close(&o);
	json_close(&o);
	return r < 0 ? r : reply_json(q, 200, &body, e);
}

static int assign(struct db *db, const struct caller *by, const struct json *body,
		  struct json_out *out, struct err *e)
{
	return fleet_task_add(db, by, body, true, out, e);
}

static int dispatch(struct db *db, const struct caller *by, const struct json *body,
		    struct json_out *out, struct err *e)
{
	return fleet_task_add(db, by, body, false, out, e);
}

static int add_and_wake(struct request *q, fleet_verb verb, struct err *e)
{
	int r = change(q, verb, 201, e);

	if (r == 0)
		http_events_wake(q->in); /* whoever waits for a task looks */
	return r;
}

int api_fleet_assign(struct request *q, struct err *e)
{
	return add_and_wake(q, assign, e);
}

int api_fleet_dispatch(struct request *q, struct err *e)
{
	return add_and_wake(q, dispatch, e);
}

int api_fleet_ack(struct request *q, struct err *e)
{
	return change(q, fleet_task_ack, 200, e);
}

int api_fleet_complete(struct request *q, struct err *e)
{
	return change(q, fleet_task_complete, 200, e);
}

int api_read_lease(struct request *q, struct fleet_claim *claim, struct err *e)
{
	const char *lease = http_query(q->in, "lease");
	int64_t seconds = 0;
	int r;

	claim->user_id = q->caller->user_id;
	claim->agent_id = http_query(q->in, "agent_id");
	claim->seen_event = -1;
	r = inbox_check_agent(claim->agent_id, e);
	if (r == 0 && lease)
		r = parse_int64(lease, 1, FLEET_LEASE_MAX, &seconds, e);
	claim->lease_ms = seconds * 1000;
	return r;
}

int api_fleet_next(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	AUTO_BUF struct buf task = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);
	struct fleet_claim claim = { 0 };
	int64_t event = 0;
	int found = 0;
	int r = api_read_lease(q, &claim, e);

	if (r == 0)
		found = r = fleet_has_task(q->db, &claim, e);
	if (found > 0)
		r = request_write(q, &w, e);
	if (found > 0 && r == 0)
		found = r = fleet_task_claim(w.db, &claim, &task, &event, e);
	if (found > 0)
		r = hub_write_commit(&w, e);
	if (r < 0)
		return r;
	json_open(&o, NULL, '{');
	json_add_raw(&o, "data", found > 0 ? buf_bytes(&task) : BYTES_LITERAL("null"));
	if (found > 0)
		json_add_int(&o, "event_id", event);
	json_close(&o);
	return reply_json(q, 200, &body, e);
}
