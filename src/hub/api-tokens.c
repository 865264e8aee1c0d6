/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/api.h"

#include "access/token.h"
#include "base/time.h"

#define DAY_MS ((int64_t)24 * 3600 * 1000)

/* ?all=1 is everybody's, for admins. */
int api_tokens_list(struct request *q, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);
	int r;

	json_open(&o, NULL, '[');
	r = token_list(q->db, q->caller, str_eq(http_query(q->in, "all"), "1"), &o, e);
	json_close(&o);
	return r < 0 ? r : reply_json(q, 200, &body, e);
}

/* Absent: the contract's default; null: never, as far as the minting token allows it. */
static int read_expiry(const struct json *body, int64_t *ret_ms, struct err *e)
{
	const struct json *days = json_get(body, "expires_in_days");
	int64_t n = json_int(days, 0);

	*ret_ms = 0;
	if (json_kind(days) == JSON_NULL)
		return 0;
	if (json_kind(days) == JSON_NONE)
		n = TOKEN_DAYS_DEFAULT;
	if (n < 1 || n > TOKEN_DAYS_MAX)
		return err_set(e, ERR_USAGE, "expires_in_days must be 1 to %d, or null",
			       TOKEN_DAYS_MAX);
	*ret_ms = time_now() + n * DAY_MS;
	return 0;
}

static int read_list(const struct json *body, const char *key, struct strv *out, struct err *e)
{
	const struct json *v = json_get(body, key);

	if (json_kind(v) != JSON_ARRAY && json_kind(v) != JSON_NONE && json_kind(v) != JSON_NULL)
		return err_set(e, ERR_USAGE, "%s must be an array of texts", key);
	for (size_t i = 0; i < json_size(v); i++) {
		if (!json_text(json_at(v, i)))
			return err_set(e, ERR_USAGE, "%s must be an array of texts", key);
		strv_add(out, json_text(json_at(v, i)));
	}
	return 0;
}

/* What makes a token a key. */
static int read_key(const struct request *q, struct token_wish *wish, struct strv *permissions,
		    struct strv *ips, struct err *e)
{
	int r = read_list(q->json, "permissions", permissions, e);

	if (r == 0)
		r = read_list(q->json, "allowed_ips", ips, e);
	wish->permissions =
		json_kind(json_get(q->json, "permissions")) == JSON_ARRAY ? permissions : NULL;
	wish->allowed_ips = ips;
	wish->rate_per_minute = json_int(json_get(q->json, "rate_per_minute"), -1);
	return r;
}

static int read_wish(const struct request *q, struct token_wish *wish, struct err *e)
{
	const char *scope = json_text(json_get(q->json, "scope"));
	int r = 0;

	wish->name = json_text(json_get(q->json, "name"));
	wish->email = json_text(json_get(q->json, "user"));
	/* As a rule a laptop's: what it may do, but not administer. */
	wish->scope = q->caller->scope < SCOPE_USER ? q->caller->scope : SCOPE_USER;
	if (scope)
		r = access_scope_parse(scope, &wish->scope, e);
	return r < 0 ? r : read_expiry(q->json, &wish->expires_ms, e);
}

static int reply_made(struct request *q, const struct token_wish *wish,
		      const struct token_made *made, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);
	char text[TIME_TEXT_MAX];

	json_open(&o, NULL, '{');
	json_add_text(&o, "id", made->id);
	json_add_text(&o, "name", wish->name);
	json_add_text(&o, "scope", access_scope_word(wish->scope));
	json_add_bytes(&o, "prefix", (struct bytes){ made->text, strlen("lrd_") + TOKEN_ID_LEN });
	json_add_text(&o, "token", made->text);
	json_add_text(&o, "expires_at",
		      made->expires_ms ? time_format_iso(made->expires_ms, text) : NULL);
	json_add_text(&o, "created_at", time_format_iso(made->created_ms, text));
	json_close(&o);
	return reply_json(q, 201, &body, e);
}

int api_tokens_create(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	struct token_wish wish = { 0 };
	struct token_made made = { 0 };
	AUTO_STRV struct strv permissions = STRV_INIT;
	AUTO_STRV struct strv ips = STRV_INIT;
	int r = read_wish(q, &wish, e);

	if (r == 0)
		r = read_key(q, &wish, &permissions, &ips, e);
	if (r == 0)
		r = request_write(q, &w, e);
	if (r == 0)
		r = token_mint(w.db, q->caller, &wish, &made, e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	return r < 0 ? r : reply_made(q, &wish, &made, e);
}

int api_tokens_revoke(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	int r = request_write(q, &w, e);

	if (r == 0)
		r = token_revoke(w.db, q->caller, q->params[0], e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	return r < 0 ? r : reply_nothing(q);
}
