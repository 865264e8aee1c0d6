/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/place.h"

#include "base/time.h"
#include "tables/registry.h"

static const char *const migrations[] = {
	"CREATE TABLE remote_place(table_id TEXT PRIMARY KEY REFERENCES tbl(id) ON DELETE CASCADE,"
	" engine TEXT NOT NULL, spec TEXT NOT NULL, changed_ms INTEGER NOT NULL);"
	/* budget.h */
	"CREATE TABLE remote_ticket(id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL,"
	" owner TEXT NOT NULL, expires_ms INTEGER NOT NULL, reserved INTEGER NOT NULL,"
	" day INTEGER NOT NULL);"
	"CREATE INDEX remote_ticket_of_user ON remote_ticket(user_id);"
	"CREATE TABLE remote_use(user_id INTEGER NOT NULL, day INTEGER NOT NULL,"
	" bytes INTEGER NOT NULL, PRIMARY KEY(user_id, day)) WITHOUT ROWID;",
	NULL,
};

const struct db_schema remote_schema = { "remote", migrations };

void far_place_release(struct far_place *place)
{
	json_free(place->spec);
	*place = (struct far_place){ 0 };
}

/* The body without its engine, which is a column of its own. */
static int read_spec(const struct json *body, struct json **ret_spec, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(FAR_SPEC_MAX);
	struct json_out o = json_out(&text);
	struct json_iter it = json_iter(body);

	json_open(&o, NULL, '{');
	while (json_next(&it)) {
		AUTO_BUF struct buf value = BUF_INIT(FAR_SPEC_MAX);

		json_print(it.value, &value, false);
		if (!str_eq(it.key, "engine"))
			json_add_raw(&o, it.key, buf_bytes(&value));
	}
	json_close(&o);
	if (text.full)
		return err_set(e, ERR_LIMIT, "what is said of a remote table exceeds %zu bytes",
			       FAR_SPEC_MAX);
	return json_parse(buf_bytes(&text), FAR_SPEC_MAX, ret_spec, e);
}

static const struct far_engine *find_engine(const struct json *body, struct err *e)
{
	const char *name = json_text(json_get(body, "engine"));
	const struct far_engine *engine = far_engine_find(name);
	AUTO_BUF struct buf names = BUF_INIT(BUF_OWN_MAX);

	if (engine)
		return engine;
	far_engine_names(&names);
	(void)err_set(e, ERR_USAGE, "'engine' must be one of: %s", buf_str(&names));
	return NULL;
}

int far_place_put(struct db *db, const char *table_id, const struct json *body, struct err *e)
{
	static const char sql[] =
		"INSERT INTO remote_place(table_id, engine, spec, changed_ms)"
		" VALUES(?1, ?2, ?3, ?4) ON CONFLICT(table_id) DO UPDATE SET"
		" engine=excluded.engine, spec=excluded.spec, changed_ms=excluded.changed_ms";
	const struct far_engine *engine = find_engine(body, e);
	AUTO_BUF struct buf text = BUF_INIT(FAR_SPEC_MAX);
	AUTO_JSON struct json *spec = NULL;
	int r = engine ? read_spec(body, &spec, e) : e->code;

	if (r == 0)
		r = engine->check(spec, e);
	if (r < 0)
		return r;
	json_print(spec, &text, false);
	r = db_exec(db, e, sql, "ttti", table_id, engine->name, buf_str(&text), time_now());
	if (r == 0)
		r = registry_change(db, table_id,
				    &(struct table_change){ .source_type = engine->name }, e);
	return r;
}

int far_place_find(struct db *db, const char *table_id, struct far_place *ret_place, struct err *e)
{
	AUTO(far_place_release) struct far_place place = { 0 };
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, "SELECT engine, spec FROM remote_place WHERE table_id=?1", "t",
			 table_id);

	if (r == 0)
		r = stmt_next(q, e);
	if (r < 0)
		return r;
	if (r == 0) {
		(void)err_set(e, ERR_CONFLICT,
			      "table '%s' stays at its source, which this hub was not told of",
			      table_id);
		return err_hint(e, "larder admin table remote %s", table_id);
	}
	place.engine = far_engine_find(stmt_text(q, 0));
	if (!place.engine)
		return err_set(e, ERR_CONFLICT,
			       "table '%s' needs the engine '%.50s', of a newer hub", table_id,
			       stmt_text(q, 0));
	r = json_parse(stmt_bytes(q, 1), FAR_SPEC_MAX, &place.spec, e);
	if (r < 0)
		return r;
	*ret_place = place;
	place = (struct far_place){ 0 };
	return 0;
}

int far_place_remove(struct db *db, const char *table_id, struct err *e)
{
	return db_exec(db, e, "DELETE FROM remote_place WHERE table_id=?1", "t", table_id);
}

int far_place_add(struct db *db, const char *table_id, struct json_out *out, struct err *e)
{
	AUTO(far_place_release) struct far_place place = { 0 };
	int r = far_place_find(db, table_id, &place, e);
	struct json_iter it;

	if (r == ERR_CONFLICT) {
		*e = (struct err){ 0 };
		return 0;
	}
	if (r < 0)
		return r;
	json_add_text(out, "engine", place.engine->name);
	it = json_iter(place.spec);
	while (json_next(&it)) {
		AUTO_BUF struct buf value = BUF_INIT(FAR_SPEC_MAX);

		json_print(it.value, &value, false);
		json_add_raw(out, it.key, buf_bytes(&value));
	}
	return 0;
}
