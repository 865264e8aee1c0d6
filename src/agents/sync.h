/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between this machine's agents and the hub: records go there, context comes from there.
 *
 *	const struct sync_peer peer = { .server = url, .token = token };     token NULL: none is known
 *	AUTO_PUSH struct sync_pushed pushed = { 0 };
 *	sync_push(a, &peer, &options, &pushed, e)
 *
 *	struct sync_pulled pulled = { 0 };
 *	sync_pull(a, &peer, &options, &pulled, e)     offline: 0, and pulled.stale with what is known
 *
 * A push first puts what is not captured yet into the outbox (a report that came late, work that
 * another tool ended), then empties it in batches (engine/outbox.h). Without a token all of it waits.
 * The hub's answer must name each record, or, of an older hub, their number; a page of a portal or a
 * redirect delivers nothing. One push at a time: the lease "push".
 *
 * What a member of a fleet says to the hub (agents/member.h) goes the same way; `sent` counts records.
 *
 * A pull merges items by their id, page by page with the hub's cursor; what is deleted or superseded
 * there goes here, what expires is no longer shown. An answer of another shape changes nothing.
 * <home>/sync/context.json mirrors what is known.
 *
 * A server that is not this machine must be https, unless LARDER_AGENT_INSECURE is set: the token and
 * the records are not for everybody on the way. Threads: one. Errors: ERR_USAGE for such a server,
 * ERR_BUSY (another push), the db's; how deliveries ended is in the report.
 */
#ifndef LARDER_AGENTS_SYNC_H
#define LARDER_AGENTS_SYNC_H

#include "agents/home.h"
#include "base/json.h"
#include "base/str.h"
#include <stdatomic.h>

extern const struct db_schema sync_schema;

/* In one request; the hub takes as many (agents/inbox.h). */
#define SYNC_BATCH_ROWS  500
#define SYNC_BATCH_BYTES ((size_t)2 << 20)
/* Of an answer with a sentence for each record, or a page of context. */
#define SYNC_REPLY_MAX ((size_t)8 << 20)
#define SYNC_ITEM_MAX  ((size_t)256 << 10)
/* Records in a file: as much as a hub takes in one request. */
#define SYNC_GIVEN_MAX ((size_t)8 << 20)
/* What an agent may be told; more is not read by any of them. */
#define SYNC_CONTEXT_MAX 20000
#define SYNC_PAGE        500
#define SYNC_HISTORY     100
/* A person waits no longer for another push. */
#define SYNC_WAIT_MS 10000

struct sync_peer {
	const char *server; /* NULL: none is known */
	const char *token;  /* likewise */
};

struct sync_push_options {
	int64_t patience_ms; /* for what is due later: engine/outbox.h */
	int64_t wait_ms;     /* for another push */
	bool collect;        /* first what is not captured yet */
	bool hurry;          /* also what waits since the hub did not answer */
	bool redrive;
	const atomic_bool *cancel; /* may be NULL */
	bool progress;             /* on stderr: base/progress.h */
};
struct sync_collected {
	size_t taken, left; /* left: no room for them in the outbox (agents/record.h) */
};
struct sync_pushed {
	struct sync_collected collected;
	size_t sent, duplicates, requests, redriven;
	size_t waiting, paused, dead;
	int64_t next_ms; /* until the first is due; -1: none waits */
	int64_t bytes;
	bool refused, no_token;
	struct strv failures; /* "class: record: sentence", the first of them */
};
void sync_pushed_release(struct sync_pushed *pushed);
#define AUTO_PUSH AUTO(sync_pushed_release)
int sync_push(struct agents *a, const struct sync_peer *peer,
	      const struct sync_push_options *options, struct sync_pushed *ret, struct err *e);
/* Puts into the outbox what is not captured: records of ended work, reports that came late. */
int sync_collect(struct agents *a, struct sync_collected *ret, struct err *e);

/* Puts records that were made elsewhere into the outbox, all or none: an array of them, or an object with
 * `dispatches` as a request has it. They are sent as they are (secrets taken out) and known by the id a
 * hub would know them by. ERR_USAGE for one that a hub would reject, with its number; ERR_LIMIT. */
int sync_give(struct agents *a, struct bytes text, struct sync_collected *ret, struct err *e);

struct sync_pull_options {
	const char *since; /* as given; NULL: from the cursor */
	bool anew;         /* from the beginning, as if nothing were known */
};
struct sync_pulled {
	int64_t count; /* items known and not expired */
	int64_t taken, removed, requests, bytes;
	bool stale;
	int64_t age_ms; /* since the last pull that came through; -1: never */
	struct err why; /* when stale */
};
int sync_pull(struct agents *a, const struct sync_peer *peer,
	      const struct sync_pull_options *options, struct sync_pulled *ret, struct err *e);
/* The items into an open array, the newest first. */
int sync_context_add(struct agents *a, struct json_out *out, int64_t *ret_count, struct err *e);

/* Members into an open object: agent_id, status, last_push_at, last_pull_at, queued, context_count, ...;
 * asks the hub when there is a token, and says in remote_error why that failed. */
int sync_status_add(struct agents *a, const struct sync_peer *peer, struct json_out *out,
		    struct err *e);
/* The last pushes and pulls, newest first, into an open array. */
int sync_history_add(struct agents *a, struct json_out *out, struct err *e);

/* ERR_USAGE for a server that would get secrets in the clear. */
int sync_check_server(const char *server, struct err *e);

/* Pure: the items of an answer in any of the shapes there are; NULL when it is none of them. */
const struct json *sync_find_items(const struct json *answer);

#endif
