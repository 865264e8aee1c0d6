/* SPDX-License-Identifier: Apache-2.0 */
/* Where tables stay that are not here, said by administrators. */
#include "hub/api.h"

#include "remote/place.h"
#include "tables/registry.h"

static int reply_place(struct request *q, const char *table_id, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(FAR_SPEC_MAX + 4096);
	struct json_out o = json_out(&text);
	int r;

	json_open(&o, NULL, '{');
	json_add_text(&o, "table", table_id);
	r = far_place_add(q->db, table_id, &o, e);
	json_close(&o);
	return r < 0 ? r : reply_json(q, 200, &text, e);
}

int api_place_get(struct request *q, struct err *e)
{
	AUTO_TABLE struct table t = { 0 };
	int r = registry_find(q->db, NULL, q->params[0], &t, e);

	return r < 0 ? r : reply_place(q, t.id, e);
}

int api_place_put(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	AUTO_TABLE struct table t = { 0 };
	const char *engine = json_text(json_get(q->json, "engine"));
	int r = request_write(q, &w, e);

	if (r == 0)
		r = registry_find(w.db, NULL, q->params[0], &t, e);
	if (r == 0 && !str_eq(t.query_mode, "remote")) {
		(void)err_set(e, ERR_CONFLICT, "table '%s' is not remote: its files are here",
			      t.id);
		return err_hint(e, "larder admin table change %.60s --mode remote", t.id);
	}
	if (r == 0)
		r = far_place_put(w.db, t.id, q->json, e);
	if (r == 0)
		r = audit_add(w.db, q->caller, "remote.set", t.id, engine, e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	return r < 0 ? r : reply_place(q, t.id, e);
}

int api_place_remove(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	AUTO_TABLE struct table t = { 0 };
	int r = request_write(q, &w, e);

	if (r == 0)
		r = registry_find(w.db, NULL, q->params[0], &t, e);
	if (r == 0)
		r = far_place_remove(w.db, t.id, e);
	if (r == 0)
		r = audit_add(w.db, q->caller, "remote.remove", t.id, NULL, e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	return r < 0 ? r : reply_nothing(q);
}
