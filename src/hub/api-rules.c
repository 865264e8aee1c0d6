/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/api.h"

#include "base/time.h"
#include "hub/cache.h"
#include "memory/bundle-build.h"
#include "memory/items.h"

int api_rules_list(struct request *q, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);
	const struct rule_filter filter = { http_query(q->in, "status"),
					    http_query(q->in, "domain") };
	int r;

	json_open(&o, NULL, '{');
	json_open(&o, "rules", '[');
	r = rule_list(q->db, &filter, &o, e);
	json_close(&o);
	json_close(&o);
	return r < 0 ? r : reply_json(q, 200, &body, e);
}

int api_rules_get(struct request *q, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);
	int r = rule_add(q->db, q->params[0], &o, e);

	return r < 0 ? r : reply_json(q, 200, &body, e);
}

int api_rules_put(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);
	struct rule_put put = {
		.fields = q->json,
		.by = q->caller,
		.replace = json_flag(json_get(q->json, "replace"), false),
	};
	AUTO_FREE char *id = NULL;
	bool is_new = false;
	int r = request_write(q, &w, e);

	if (r == 0)
		r = rule_put(w.db, &put, &id, &is_new, e);
	if (r == 0)
		r = rule_add(w.db, id, &o, e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	return r < 0 ? r : reply_json(q, is_new ? 201 : 200, &body, e);
}

int api_rules_remove(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	int r = request_write(q, &w, e);

	if (r == 0)
		r = rule_remove(w.db, q->caller, q->params[0], e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	return r < 0 ? r : reply_nothing(q);
}

/* Both numbers of one moment, so that the key never names rows that the text is not made of. */
static int bundle_key(struct request *q, struct buf *key, struct err *e)
{
	int64_t generations[2] = { 0 };
	int r = generation_get(q->db, "rules", &generations[0], e);

	if (r == 0)
		r = generation_get(q->db, "access", &generations[1], e);
	if (r == 0)
		cache_key(key, "bundle", generations, 2, q->caller);
	return r;
}

int api_find_bundle(struct request *q, struct cached *c, struct err *e)
{
	AUTO_BUF struct buf key = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf body = BUF_INIT(BUNDLE_BUILD_MAX);
	int64_t now = time_now(), good_until = 0;
	int r = bundle_key(q, &key, e);

	if (r < 0 || cache_get(hub_cache(q->hub), buf_str(&key), now, c))
		return r;
	r = bundle_build(q->db, q->caller, now, &body, &good_until, e);
	if (r == 0)
		cache_put(hub_cache(q->hub), buf_str(&key), &body,
			  &(struct cache_options){ .good_until_ms = good_until }, c);
	return r;
}

int api_bundle(struct request *q, struct err *e)
{
	AUTO_CACHED struct cached c = CACHED_INIT;
	int r = request_read(q, e);

	if (r == 0)
		r = api_find_bundle(q, &c, e);
	db_rollback(q->db);
	if (r == 0)
		cache_reply(q->in, "application/json", &c);
	return r;
}
