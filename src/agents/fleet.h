/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hub's side of a fleet: nodes that announce themselves, and tasks that are given to them. All of
 * it is of one tenant (agents/inbox.h).
 *
 *	fleet_register(db, by, json, &out, e)     a node; again: what it can has changed
 *	fleet_heartbeat(db, by, json, &out, e)    it lives; ERR_NOT_FOUND when it never registered
 *	fleet_task_add(db, by, json, &out, e)     for one agent, or for whoever can
 *
 *	fleet_task_claim(db, &claim, &task, e)    the next for an agent, leased to it for a while
 *	fleet_task_ack(db, by, json, &out, e)     it has it and is at it: the lease is over
 *	fleet_task_complete(db, by, json, &out, e)
 *
 * A claimed task that is not acknowledged within its lease is given out again, to the same agent or
 * another; so is one whose delivery a client says it never saw (Last-Event-ID), and one that was
 * acknowledged under a lease by a registered node that has not been heard for FLEET_LOST_MS. Each delivery has a
 * number of its own that grows (an event id). Clients that know nothing of leases get their task as
 * acknowledged. Completing is idempotent: the first result counts. A node is offline when it has not
 * been heard for FLEET_SILENT_MS. Threads: as the db; all but the lists inside a transaction.
 * Errors: ERR_USAGE for what a body lacks, ERR_NOT_FOUND, ERR_CONFLICT for a lease that is over.
 */
#ifndef LARDER_AGENTS_FLEET_H
#define LARDER_AGENTS_FLEET_H

#include "access/access.h"
#include "base/json.h"

extern const struct db_schema fleet_schema;

#define FLEET_SILENT_MS ((int64_t)5 * 60 * 1000)
/* A machine that sleeps for a meeting comes back to its work; one that is silent for so long has died. */
#define FLEET_LOST_MS      ((int64_t)3600 * 1000)
#define FLEET_PLATFORM_MAX ((size_t)64)
#define FLEET_STATUS_MAX   ((size_t)32)
#define FLEET_TASK_MAX     ((size_t)10000)
/* Models, capabilities, a budget: short lists; a result is a page of JSON. */
#define FLEET_JSON_MAX   ((size_t)64 << 10)
#define FLEET_RESULT_MAX ((size_t)1 << 20)
#define FLEET_BODY_MAX   ((size_t)4 << 20)
/* Open ones of a tenant: more is a program that has run away. */
#define FLEET_TASKS_MAX 100000
#define FLEET_LEASE_S   60
#define FLEET_LEASE_MAX 3600

int fleet_register(struct db *db, const struct caller *by, const struct json *body,
		   struct json_out *out, struct err *e);
int fleet_heartbeat(struct db *db, const struct caller *by, const struct json *body,
		    struct json_out *out, struct err *e);
int fleet_deregister(struct db *db, const struct caller *by, const struct json *body,
		     struct err *e);
struct fleet_filter {
	const char *status, *platform; /* NULL: any */
};
/* Objects into an open array. */
int fleet_nodes(struct db *db, const struct caller *by, const struct fleet_filter *filter,
		struct json_out *out, int64_t *ret_total, struct err *e);
int fleet_stats_add(struct db *db, const struct caller *by, struct json_out *out, struct err *e);

/* `must_name`: agent_id is required (assign), else it may be absent (dispatch). */
int fleet_task_add(struct db *db, const struct caller *by, const struct json *body, bool must_name,
		   struct json_out *out, struct err *e);

struct fleet_claim {
	int64_t user_id;
	const char *agent_id;
	int64_t lease_ms;   /* 0: the client knows of no leases */
	int64_t seen_event; /* the last it has seen; -1: it does not say */
};
/* 1 and the task as JSON text, 0 when there is none. *ret_event: the number of this delivery. */
int fleet_task_claim(struct db *db, const struct fleet_claim *claim, struct buf *ret_task,
		     int64_t *ret_event, struct err *e);
/* When a lease of this agent's, or of a task it could get, is over; -1: none runs. */
int fleet_next_lease(struct db *db, int64_t user_id, int64_t *ret_ms, struct err *e);
/* A quick look without a transaction: 1 when a claim may find something. */
int fleet_has_task(struct db *db, const struct fleet_claim *claim, struct err *e);
int fleet_task_ack(struct db *db, const struct caller *by, const struct json *body,
		   struct json_out *out, struct err *e);
int fleet_task_complete(struct db *db, const struct caller *by, const struct json *body,
			struct json_out *out, struct err *e);

/* Records that came, tasks that were done and agents that were last heard of before that time, some
 * thousand of each: the next call takes the others. */
int fleet_forget(struct db *db, int64_t before_ms, int64_t *ret_rows, struct err *e);

#endif
