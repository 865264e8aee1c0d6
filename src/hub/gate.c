/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/gate.h"

#include "access/token.h"
#include "base/log.h"
#include "base/time.h"
#include <inttypes.h>
#include <pthread.h>

#define MINUTE_MS ((int64_t)60 * 1000)

struct counted {
	char token_id[TOKEN_ID_LEN + 1];
	int64_t began_ms; /* of its window, monotonic */
	int64_t calls;
};

struct gate {
	pthread_mutex_t lock;
	struct counted tokens[GATE_TOKENS_MAX];
	size_t n;
};

struct gate *gate_new(void)
{
	struct gate *gate = xcalloc(1, sizeof(*gate));

	(void)pthread_mutex_init(&gate->lock, NULL); /* cannot fail for a default mutex */
	return gate;
}

void gate_free(struct gate *gate)
{
	if (!gate)
		return;
	(void)pthread_mutex_destroy(&gate->lock); /* nobody asks any more */
	free(gate);
}

/* The token's own place, a free one, or the one of the oldest window. */
static struct counted *place_of(struct gate *gate, const char *token_id)
{
	struct counted *oldest = &gate->tokens[0];

	for (size_t i = 0; i < gate->n; i++) {
		if (str_eq(gate->tokens[i].token_id, token_id))
			return &gate->tokens[i];
		if (gate->tokens[i].began_ms < oldest->began_ms)
			oldest = &gate->tokens[i];
	}
	if (gate->n < GATE_TOKENS_MAX)
		oldest = &gate->tokens[gate->n++];
	*oldest = (struct counted){ 0 };
	(void)snprintf(oldest->token_id, sizeof(oldest->token_id), "%s", token_id);
	return oldest;
}

/* How many calls of this window are left after this one, -1 when it is one too many. */
static int64_t count(struct gate *gate, const char *token_id, int64_t limit, int64_t *ret_reset_ms)
{
	int64_t now = time_monotonic();
	struct counted *c;
	int64_t left;

	(void)pthread_mutex_lock(&gate->lock); /* fails only for a thread that holds it */
	c = place_of(gate, token_id);
	if (c->calls == 0 || now - c->began_ms >= MINUTE_MS) {
		c->began_ms = now;
		c->calls = 0;
	}
	left = limit - ++c->calls;
	*ret_reset_ms = c->began_ms + MINUTE_MS - now;
	(void)pthread_mutex_unlock(&gate->lock); /* locked above */
	return left < 0 ? -1 : left;
}

static void add_number(struct http_in *in, const char *name, int64_t n)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, n);
	http_reply_add(in, name, text);
}

struct refusal {
	int status;
	const char *error, *code, *message, *your_ip;
};

static void refuse(struct http_in *in, const struct refusal *r)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&text);

	json_open(&o, NULL, '{');
	json_add_text(&o, "error", r->error);
	json_add_text(&o, "message", r->message);
	json_add_text(&o, "detail", r->message);
	json_add_text(&o, "code", r->code);
	if (r->your_ip)
		json_add_text(&o, "your_ip", r->your_ip);
	json_close(&o);
	if (r->status == 401)
		http_reply_add(in, "WWW-Authenticate", "Bearer");
	http_reply_bytes(in, r->status, "application/json", buf_bytes(&text));
}

static bool is_allowed_address(const struct caller *caller, struct http_in *in)
{
	AUTO_STRV struct strv allowed = STRV_INIT;

	if (!caller->allowed_ips)
		return true;
	strv_split(&allowed, caller->allowed_ips, ',');
	return strv_has(&allowed, http_peer(in));
}

static int check_rate(struct gate *gate, const struct caller *caller, struct http_in *in)
{
	int64_t limit =
		caller->rate_per_minute < 0 ? GATE_CALLS_PER_MINUTE : caller->rate_per_minute;
	int64_t reset_ms = 0;
	int64_t left;

	if (limit == 0)
		return 0;
	left = count(gate, caller->token_id, limit, &reset_ms);
	add_number(in, "X-RateLimit-Limit", limit);
	add_number(in, "X-RateLimit-Remaining", left < 0 ? 0 : left);
	add_number(in, "X-RateLimit-Reset", (time_now() + reset_ms + 999) / 1000);
	if (left >= 0)
		return 0;
	add_number(in, "Retry-After", (reset_ms + 999) / 1000);
	refuse(in, &(struct refusal){ 429, "rate_limited", "busy",
				      "too many calls; Retry-After says when to come back", NULL });
	return 1;
}

int gate_need_address(const struct caller *caller, struct http_in *in, struct err *e)
{
	if (is_allowed_address(caller, in))
		return 0;
	return err_set(e, ERR_DENIED, "this key is not used from address %s", http_peer(in));
}

int gate_check(struct gate *gate, const struct route *route, const struct caller *caller,
	       struct http_in *in)
{
	struct err e = { 0 };

	if (!is_allowed_address(caller, in)) {
		refuse(in, &(struct refusal){ 403, "ip_not_allowed", "forbidden",
					      "this key is not used from this address",
					      http_peer(in) });
		return 1;
	}
	if (access_need_permission(caller, route->permission, &e) < 0) {
		gate_reply_error(in, &e);
		return 1;
	}
	return check_rate(gate, caller, in);
}

void gate_reply_error(struct http_in *in, const struct err *e)
{
	struct refusal r = { err_http_status(e->code), err_word(e->code), err_word(e->code), e->msg,
			     NULL };
	char seconds[16];

	if (e->code == ERR_AUTH)
		r.error = "unauthorised";
	if (e->code == ERR_DENIED)
		r.error = "forbidden";
	if (e->code == ERR_USAGE || e->code == ERR_CORRUPT) {
		r.status = 422;
		r.error = "validation_failed";
	}
	if (e->code == ERR_BUSY) {
		(void)snprintf(seconds, sizeof(seconds), "%d",
			       e->retry_after > 0 ? e->retry_after : 5);
		http_reply_add(in, "Retry-After", seconds);
	}
	if (r.status == 500) {
		log_event(LOG_ERROR, "request", "id=%s method=%s path=%s error=%s",
			  http_request_id(in), http_method(in), http_path(in), e->msg);
		r.message = "internal error; the hub's log has it under this x-request-id";
	}
	refuse(in, &r);
}
