/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine as a member of a fleet: it announces itself to the hub, is given tasks and runs them as
 * dispatches. (The hub's side is agents/fleet.h.)
 *
 *	member_join(a, &wish, e)                   a row, and a message to the hub in the outbox
 *	member_leave(a, e)
 *
 *	member_take(a, task, event, e)             a task that was given: a row, and its acknowledgement
 *	member_start(a, e)                         what the hub has agreed to becomes a dispatch that waits
 *	member_note_end(a, &d, report, e)          in the transaction that ends it: its result
 *
 * All that is said to the hub are rows of the outbox (kinds below), delivered with the records by
 * agents/sync.h. A task is a row from the moment it is heard of, with the id of the dispatch it will be;
 * it is only begun when the hub has taken the acknowledgement, so a machine that dies before costs
 * nothing but the lease. One that is given again is the same row; what was begun is not begun again. The
 * first result counts. Tasks that the hub gave to another meanwhile are dropped.
 *
 * The stream of tasks is heard by a process of its own (`larder agent listen`), which writes rows and
 * decides nothing: member_listen(). When it cannot, the daemon asks: member_poll().
 *
 * Threads: one. Errors: ERR_USAGE for a wish that lacks something, ERR_NOT_FOUND for a machine that is
 * no member, those of the journal, of HTTP.
 */
#ifndef LARDER_AGENTS_MEMBER_H
#define LARDER_AGENTS_MEMBER_H

#include "agents/dispatch.h"
#include "agents/sync.h"
#include "engine/outbox.h"
#include "net/http-client.h"

extern const struct db_schema member_schema;

#define MEMBER_REGISTER "fleet-register"
#define MEMBER_LEAVE    "fleet-leave"
#define MEMBER_ACK      "fleet-ack"
#define MEMBER_DONE     "fleet-done"
/* Who hears the stream. */
#define MEMBER_LEASE "listen"

#define MEMBER_BEAT_MS    ((int64_t)60 * 1000)
#define MEMBER_LEASE_TEXT "60" /* seconds in which a task that was given is acknowledged */
/* Streams that failed in a row after which the daemon asks for tasks, too. */
#define MEMBER_FAILURES 3
/* More at once than any machine has agents. */
#define MEMBER_CAPACITY_MAX 1000
/* The hub's own limit of a task, its names and what stands around them. */
#define MEMBER_TASK_MAX ((size_t)256 << 10)

struct member {
	char *agent_id, *agent; /* "codex": who works on a task that names no model */
	char *platform, *models, *capabilities; /* the last two JSON arrays */
	char *command;                          /* JSON array */
	char *error;                            /* why the last stream or heartbeat failed; "" */
	int64_t capacity, timeout_ms;
	int64_t joined_ms, registered_ms, beat_ms; /* 0: not yet */
	int64_t event;                             /* the last delivery it has heard of */
	int64_t failures;                          /* streams in a row */
	int64_t open;                              /* tasks it has */
};
void member_release(struct member *m);
#define AUTO_MEMBER AUTO(member_release)
/* 0 when this machine is no member, else 1. */
int member_load(struct db *db, struct member *ret, struct err *e);

struct member_wish {
	const char *agent;
	const struct strv *models, *capabilities, *command;
	int64_t capacity, timeout_ms;
};
int member_join(struct agents *a, const struct member_wish *wish, struct err *e);
int member_leave(struct agents *a, struct err *e);
/* Members into an open object. */
int member_status_add(struct db *db, struct json_out *out, struct err *e);

int member_take(struct agents *a, const struct json *task, int64_t event, struct err *e);
int member_start(struct agents *a, struct err *e);
/* Inside a transaction. `report` may be NULL. */
int member_note_end(struct agents *a, const struct dispatch *d, const struct json *report,
		    struct err *e);
/* Inside a transaction: a message of ours was delivered, or, of an acknowledgement, refused. */
int member_note_sent(struct agents *a, const struct outbox_item *item, bool refused, struct err *e);

/* One message of the outbox; *ret_refused: the hub knows better, and it need not be sent again. */
int member_deliver(struct http_client *http, const struct sync_peer *peer,
		   const struct outbox_item *item, struct outbox_attempt *ret, bool *ret_refused,
		   struct err *why);
bool member_is_message(const struct outbox_item *item);

/* It lives; one the hub does not know is registered anew. */
int member_beat(struct agents *a, const struct sync_peer *peer, const struct member *m,
		struct err *e);
/* 1 when a task was given, 0 when there is none. */
int member_poll(struct agents *a, const struct sync_peer *peer, const struct member *m,
		struct err *e);
/* Until the stream ends, the daemon is gone or there is no room; its lease is taken. */
int member_listen(struct agents *a, const struct sync_peer *peer, struct err *e);

#endif
