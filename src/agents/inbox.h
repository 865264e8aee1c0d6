/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hub's side of agents/record.h: records come in, context goes out. Everything belongs to a
 * tenant, which is the user of the token and never anything a body says; an agent id means nothing
 * beyond its tenant.
 *
 *	inbox_take(db, &request, &counts, &json, e)     in a transaction: all records of one request
 *	context_add(db, &query, &json, &page, e)        what the tenant's agents have learned
 *	inbox_status_add(db, caller, agent_id, &json, e)
 *
 * A record is known by (tenant, agent, id): with a newer revision it takes the place of the older, with
 * the same or an older one it is a duplicate, so sending twice is harmless. Each record is accepted,
 * duplicate or rejected by itself. Older clients send no id, or the folder's name: then one is made of
 * what tells one end from another (folder, repository, runs, status, updated_at). What is said of
 * an unknown schema version is kept, not refused.
 *
 * An accepted record becomes an observation for the context, which expires after CONTEXT_KEEP_MS, and
 * its findings become proposed knowledge (memory/knowledge.h), at most INBOX_PROPOSALS_MAX of each.
 *
 * Context is paged by an opaque cursor: items in the order of their last change, those that were
 * taken back or superseded as {"id", "deleted": true}. Without a cursor the newest CONTEXT_OLD_PAGE, as
 * older clients expect. Threads: as the db. Errors: ERR_USAGE for what the request as a whole lacks;
 * ERR_LIMIT; ERR_CONFLICT when an Idempotency-Key comes with another body.
 */
#ifndef LARDER_AGENTS_INBOX_H
#define LARDER_AGENTS_INBOX_H

#include "access/access.h"
#include "base/json.h"

extern const struct db_schema inbox_schema;

#define AGENT_ID_MAX ((size_t)255)
/* Of one request: as many as a client's outbox puts into one. */
#define INBOX_RECORDS_MAX 1000
#define INBOX_RECORD_MAX  ((size_t)2 << 20)
#define INBOX_BODY_MAX    ((size_t)8 << 20)
/* A report of a thousand findings is a tool's output, not what somebody learned. */
#define INBOX_PROPOSALS_MAX 20
#define INBOX_KEY_MAX       ((size_t)255)
#define INBOX_AGENTS_MAX    10000
/* Idempotency keys are remembered for as long as a client may be cut off with a request under way. */
#define INBOX_KEYS_KEEP_MS ((int64_t)24 * 3600 * 1000)
#define CONTEXT_KEEP_MS    ((int64_t)30 * 24 * 3600 * 1000)
#define CONTEXT_PAGE_MAX   500
#define CONTEXT_PAGE       100
#define CONTEXT_OLD_PAGE   25

struct inbox_request {
	const struct caller *by;
	const struct json *body; /* agent_id, dispatches */
	const char *key;         /* Idempotency-Key; NULL: none was sent */
};
struct inbox_counts {
	int64_t accepted, duplicate, rejected, proposed;
};
/* {"id", "revision", "result", "reason"?} of each record into an open array. */
int inbox_take(struct db *db, const struct inbox_request *request, struct inbox_counts *ret,
	       struct json_out *results, struct err *e);
/* 1 to AGENT_ID_MAX bytes of clean text, or ERR_USAGE. */
int inbox_check_agent(const char *agent_id, struct err *e);
/* ERR_LIMIT for one more agent of a tenant that has INBOX_AGENTS_MAX: each name that a client invents
 * is a row, even when it only asks. */
int inbox_check_room(struct db *db, const struct caller *by, const char *agent_id, struct err *e);

struct context_query {
	const struct caller *by;
	const char *agent_id;
	const char *cursor; /* NULL: the newest, without tombstones; "": from the beginning */
	int64_t since_ms;   /* created since; 0: any */
	int64_t limit;      /* 0: CONTEXT_PAGE */
	bool others_only;   /* not what this agent has sent itself */
};
struct context_page {
	int64_t total;
	bool more;
	char cursor[32]; /* for the next page, or the next time */
};
int context_add(struct db *db, const struct context_query *query, struct json_out *items,
		struct context_page *ret, struct err *e);
int inbox_note_pull(struct db *db, const struct caller *by, const char *agent_id, struct err *e);
/* The members into an open object; ERR_NOT_FOUND for an agent the tenant does not have. */
int inbox_status_add(struct db *db, const struct caller *by, const char *agent_id,
		     struct json_out *out, struct err *e);
/* What expired long ago, in a transaction. */
int inbox_expire(struct db *db, int64_t now_ms, struct err *e);

#endif
