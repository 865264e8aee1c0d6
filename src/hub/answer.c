/* SPDX-License-Identifier: Apache-2.0 */
/* From a request to its handler: path, method, caller, body. */
#include "hub/routes.h"

#include "base/log.h"
#include "base/time.h"
#include "clock/wire.h"
#include "hub/gate.h"
#include "hub/live.h"
#include "remote/refusal.h"

struct answer {
	struct request q;
	struct caller caller;
	char *params[ROUTE_PARAMS_MAX];
	struct buf body;
};

static void answer_free(void *state)
{
	struct answer *a = state;

	if (!a)
		return;
	caller_release(&a->caller);
	for (size_t i = 0; i < ROUTE_PARAMS_MAX; i++)
		free(a->params[i]);
	buf_release(&a->body);
	free(a);
}

static void answer_auto(struct answer **p)
{
	answer_free(*p);
}

int reply_json(struct request *q, int status, const struct buf *text, struct err *e)
{
	if (text->full)
		return err_set(e, ERR_LIMIT, "the answer exceeds %zu bytes", text->max);
	/* Lists of who may do what, and tokens: never kept by anything between us. */
	http_reply_add(q->in, "Cache-Control", "no-store");
	http_reply_bytes(q->in, status, "application/json", buf_bytes(text));
	return 0;
}

int reply_nothing(struct request *q)
{
	http_reply_status(q->in, 204);
	return 0;
}

/* Our own troubles name files and SQL, which are nobody else's business: they go to the log, and
 * the caller gets what finds them there. */
void reply_error(struct http_in *in, const struct err *e)
{
	if (err_http_status(e->code) != 500) {
		http_reply_error(in, e);
		return;
	}
	log_event(LOG_ERROR, "request", "id=%s method=%s path=%s error=%s", http_request_id(in),
		  http_method(in), http_path(in), e->msg);
	http_reply_detail(in, 500, err_word(e->code),
			  "internal error; the hub's log has it under this x-request-id");
}

void reply_refusal(struct http_in *in, const struct far_refusal *refusal, const struct err *e)
{
	char seconds[16];

	if (e->retry_after > 0) {
		(void)snprintf(seconds, sizeof(seconds), "%d", e->retry_after);
		http_reply_add(in, "Retry-After", seconds);
	}
	http_reply_add(in, "Cache-Control", "no-store");
	http_reply_bytes(in, refusal->status, "application/json", buf_bytes(&refusal->text));
}

/* Does `path` fit the pattern? Copies what stands at {...} into params, when they are wanted. */
static bool path_fits(const char *pattern, const char *path, char **params)
{
	size_t n = 0;

	while (*pattern && *path) {
		size_t length = strcspn(path, "/");

		if (*pattern != '{') {
			if (*pattern++ != *path++)
				return false;
			continue;
		}
		if (length == 0)
			return false;
		if (params)
			params[n++] = xstrndup(path, length);
		path += length;
		pattern += strcspn(pattern, "}") + 1;
	}
	return *pattern == '\0' && *path == '\0';
}

static bool method_fits(const struct route *route, const char *method)
{
	return str_eq(route->method, method) ||
	       (str_eq(route->method, "GET") && str_eq(method, "HEAD"));
}

bool route_exists(const char *method, const char *path_and_query)
{
	AUTO_FREE char *path = xstrndup(path_and_query, strcspn(path_and_query, "?"));

	for (const struct route *route = hub_routes; route->method; route++)
		if (path_fits(route->pattern, path, NULL) && method_fits(route, method))
			return true;
	return false;
}

/* The route, or NULL after having answered 404 or 405. */
static const struct route *find_route(struct http_in *in)
{
	AUTO_BUF struct buf allow = BUF_INIT(BUF_OWN_MAX);

	for (const struct route *route = hub_routes; route->method; route++) {
		if (!path_fits(route->pattern, http_path(in), NULL))
			continue;
		if (method_fits(route, http_method(in)))
			return route;
		buf_addf(&allow, "%s%s%s", allow.n ? ", " : "", route->method,
			 str_eq(route->method, "GET") ? ", HEAD" : "");
	}
	if (allow.n == 0) {
		http_reply_detail(in, 404, "not_found", "Not Found");
		return NULL;
	}
	http_reply_add(in, "Allow", buf_str(&allow));
	http_reply_detail(in, 405, "method", "Method Not Allowed");
	return NULL;
}

/* A lost or late record of use harms nobody, so neither a busy writer nor a full disk may fail the
 * request for it. */
static void record_use(struct hub *hub, const struct caller *caller)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	struct err e = { 0 };
	int64_t now = time_now();

	if (!access_use_is_stale(caller, now) || hub_write_try(hub, &w, &e) != 1)
		return;
	if (access_record_use(w.db, caller, now, &e) == 0)
		(void)hub_write_commit(&w, &e); /* as said above */
}

/* Browsers send cookies along with requests that foreign pages make; the header they do not. */
static int check_origin(struct http_in *in, struct err *e)
{
	if (str_eq(http_method(in), "GET") || str_eq(http_method(in), "HEAD") ||
	    http_header(in, "Authorization"))
		return 0;
	return err_set(e, ERR_AUTH, "Missing or invalid Authorization header");
}

static int check_needs(const struct route *route, const struct caller *caller, struct err *e)
{
	if (route->needs == NEEDS_USER)
		return access_need_scope(caller, SCOPE_USER, e);
	return route->needs == NEEDS_ADMIN ? access_need_admin(caller, e) : 0;
}

static int renew(struct request *q, struct db *db, struct err *e)
{
	int r = access_renew(db, q->caller, e);

	return r < 0 ? r : check_needs(q->route, q->caller, e);
}

int request_write(struct request *q, struct hub_write *w, struct err *e)
{
	int r = hub_write_begin(q->hub, w, e);

	return r < 0 ? r : renew(q, w->db, e);
}

int request_read(struct request *q, struct err *e)
{
	int r = db_begin_read(q->db, e);

	return r < 0 ? r : renew(q, q->db, e);
}

/* In the form of the route's own contract. */
static void fail(const struct route *route, struct http_in *in, const struct err *e)
{
	if (route->permission)
		gate_reply_error(in, e);
	else
		reply_error(in, e);
}

/* 1 when it was answered. */
static int pass_gate(struct answer *a, struct err *e)
{
	int r;

	if (a->q.route->permission)
		return gate_check(hub_gate(a->q.hub), a->q.route, &a->caller, a->q.in);
	r = gate_need_address(&a->caller, a->q.in, e);
	return r < 0 ? r : access_need_permission(&a->caller, NULL, e);
}

static int check_caller(struct answer *a, struct err *e)
{
	int r = check_origin(a->q.in, e);

	if (r == 0)
		r = access_authenticate(a->q.db, http_bearer(a->q.in), &a->caller, e);
	if (r == 0)
		r = check_needs(a->q.route, &a->caller, e);
	if (r == 0)
		r = pass_gate(a, e);
	if (r != 0)
		return r;
	a->q.caller = &a->caller;
	record_use(a->q.hub, &a->caller);
	return live_begin(&a->q, e);
}

static int body_piece(void *state, struct http_in *in, struct bytes piece, struct err *e)
{
	struct answer *a = state;

	(void)in;
	buf_add(&a->body, piece.p, piece.n);
	if (a->body.full)
		return err_set(e, ERR_LIMIT, "the body exceeds %zu bytes", a->q.route->body_max);
	return 0;
}

static void body_end(void *state, struct http_in *in)
{
	struct answer *a = state;
	AUTO_JSON struct json *json = NULL;
	struct err e = { 0 };
	bool any = a->q.route->any_json;
	int r = 0;

	if (!any || a->body.n > 0)
		r = json_parse(buf_bytes(&a->body), a->q.route->body_max, &json, &e);
	if (any && r == 0 && !json)
		json = json_new_object();
	if (r == 0 && !any && json_kind(json) != JSON_OBJECT)
		r = err_set(&e, ERR_CORRUPT, "the body must be a JSON object");
	a->q.json = json;
	if (r == 0)
		r = a->q.route->handler(&a->q, &e);
	if (r < 0)
		fail(a->q.route, in, &e);
	a->q.json = NULL;
}

static void take_body(struct answer *a)
{
	struct http_body body = {
		.max = (int64_t)a->q.route->body_max,
		.state = a,
		.on_data = body_piece,
		.on_end = body_end,
		.on_free = answer_free,
	};

	a->body.max = a->q.route->body_max;
	http_take_body(a->q.in, &body);
}

void routes_answer(void *hub, struct http_in *in)
{
	const struct route *route = find_route(in);
	AUTO(answer_auto) struct answer *a = NULL;
	struct err e = { 0 };
	int r = 0;

	if (!route)
		return;
	a = xcalloc(1, sizeof(*a));
	a->q = (struct request){ .route = route, .hub = hub, .in = in };
	a->q.db = hub_read_db(hub, http_thread_slot(in), &e);
	(void)path_fits(route->pattern, http_path(in), a->params); /* it did in find_route() */
	memcpy(a->q.params, a->params, sizeof(a->params));
	/* A run of a job has a caller also where none is needed. */
	if (route->needs != NEEDS_NOTHING || http_header(in, CLOCK_RUN_HEADER))
		r = a->q.db ? check_caller(a, &e) : e.code;
	if (r == 0 && route->body_max > 0 &&
	    !(route->body_optional && http_content_length(in) == 0))
		take_body(TAKE(a));
	else if (r == 0)
		r = route->handler(&a->q, &e);
	if (r < 0)
		fail(route, in, &e);
}
