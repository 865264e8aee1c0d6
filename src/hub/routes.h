/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes of the hub: one table, in routes.c. A handler is a translation: texts of the request
 * in, one call of a domain, its answer out. It replies and returns 0, or returns an error, which
 * becomes the reply; it never does both.
 *
 *	static int get_thing(struct request *q, struct err *e)
 *	{
 *		const char *id = q->params[0];             "/api/thing/{id}", decoded, not empty
 *
 *		... q->db is the thread's read connection, q->caller who asks ...
 *		return reply_json(q, 200, &body, e);
 *	}
 *
 * A route with a body_max is called when the whole body has come and was read as JSON (q->json; an
 * object, or the caller is told 422). A route whose handler takes the body itself (http_take_body)
 * has body_max 0 and copies what it needs out of q, which ends when the handler returns.
 *
 * By the time a handler runs, the caller is known and may use this route; which rows it may see is
 * the handler's to ask of access.h. What changes something, or is kept for others, asks once more
 * in its transaction (request_write(), request_read()), as a body may take minutes to come and a
 * right may be withdrawn meanwhile. A caller by cookie may only read, so that no foreign page can
 * make a browser write. Threads: a request is one thread's.
 */
#ifndef LARDER_HUB_ROUTES_H
#define LARDER_HUB_ROUTES_H

#include "access/access.h"
#include "base/json.h"
#include "hub/hub.h"
#include "net/http-server.h"

enum route_needs {
	NEEDS_NOTHING, /* public */
	NEEDS_TOKEN,   /* any valid one */
	NEEDS_USER,    /* scope user or admin */
	NEEDS_ADMIN,   /* scope admin, of a member of the group admin */
};

#define ROUTE_PARAMS_MAX 2
/* An administrative request is a handful of names; the longest has a description. */
#define ROUTE_BODY_MAX ((size_t)64 << 10)

struct route;

struct request {
	const struct route *route;
	struct hub *hub;
	struct http_in *in;
	struct db *db;
	struct caller *caller; /* NULL on public routes */
	const char *params[ROUTE_PARAMS_MAX];
	const struct json *json; /* an object, on routes with a body; else NULL */
};

typedef int (*route_handler)(struct request *q, struct err *e);

struct route {
	const char *method; /* GET answers HEAD too */
	const char *pattern;
	enum route_needs needs;
	size_t body_max;
	route_handler handler;
	bool body_optional; /* without one the handler is called with json NULL */
	bool any_json; /* ... no body, null, and lists too: then q->json is what came, {} for nothing */
	/* What a key must have for it; such a route is behind the gate (hub/gate.h). */
	const char *permission;
};

/* Ends with a NULL method. */
extern const struct route hub_routes[];

bool route_exists(const char *method, const char *path_and_query);

/* http_server_options.on_request with ctx = hub. */
void routes_answer(void *hub, struct http_in *in);

/* hub_write_begin() and the right to this route, asked again in the transaction. */
int request_write(struct request *q, struct hub_write *w, struct err *e);
/* A read transaction on q->db, to be ended by db_rollback(), with the caller as of its moment. */
int request_read(struct request *q, struct err *e);

/* Takes buf's JSON text; ERR_LIMIT when it grew over its maximum. */
int reply_json(struct request *q, int status, const struct buf *text, struct err *e);
int reply_nothing(struct request *q); /* 204 */
/* For handlers that reply later, from a body's end or aside. */
void reply_error(struct http_in *in, const struct err *e);
struct far_refusal;
void reply_refusal(struct http_in *in, const struct far_refusal *refusal, const struct err *e);

#endif
