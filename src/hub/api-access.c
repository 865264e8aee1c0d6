/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/api.h"

/* {"users": [...]}: an object, so that a page of a long list can say so one day. */
static int reply_list(struct request *q, const char *key,
		      int (*list)(struct db *db, struct json_out *out, struct err *e),
		      struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);
	int r;

	json_open(&o, NULL, '{');
	json_open(&o, key, '[');
	r = list(q->db, &o, e);
	json_close(&o);
	json_close(&o);
	return r < 0 ? r : reply_json(q, 200, &body, e);
}

static const char *field(const struct request *q, const char *key)
{
	return json_text(json_get(q->json, key));
}

static int reply_pair(struct request *q, const char *const key[2], const char *const value[2],
		      struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);

	json_open(&o, NULL, '{');
	for (size_t i = 0; i < 2; i++)
		json_add_text(&o, key[i], value[i]);
	json_close(&o);
	return reply_json(q, 201, &body, e);
}

int api_users_list(struct request *q, struct err *e)
{
	return reply_list(q, "users", user_list, e);
}

int api_users_add(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	const char *const keys[] = { "email", "name" };
	const char *const values[] = { field(q, "email"), field(q, "name") };
	int r = request_write(q, &w, e);

	if (r == 0)
		r = user_add(w.db, q->caller, values[0], values[1], e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	return r < 0 ? r : reply_pair(q, keys, values, e);
}

int api_users_remove(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	int r = request_write(q, &w, e);

	if (r == 0)
		r = user_remove(w.db, q->caller, q->params[0], e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	return r < 0 ? r : reply_nothing(q);
}

int api_groups_list(struct request *q, struct err *e)
{
	return reply_list(q, "groups", group_list, e);
}

int api_groups_add(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	const char *const keys[] = { "id", "name" };
	AUTO_FREE char *id = NULL;
	int r = request_write(q, &w, e);

	if (r == 0)
		r = group_add(w.db, q->caller, field(q, "name"), &id, e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	return r < 0 ? r : reply_pair(q, keys, (const char *const[]){ id, field(q, "name") }, e);
}

int api_groups_remove(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	int r = request_write(q, &w, e);

	if (r == 0)
		r = group_remove(w.db, q->caller, q->params[0], e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	return r < 0 ? r : reply_nothing(q);
}

int api_members_add(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	const char *const keys[] = { "group", "user" };
	int r = request_write(q, &w, e);

	if (r == 0)
		r = member_add(w.db, q->caller, q->params[0], field(q, "user"), e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	return r < 0 ? r
		     : reply_pair(q, keys, (const char *const[]){ q->params[0], field(q, "user") },
				  e);
}

int api_members_remove(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	int r = request_write(q, &w, e);

	if (r == 0)
		r = member_remove(w.db, q->caller, q->params[0], q->params[1], e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	return r < 0 ? r : reply_nothing(q);
}
