/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/metadata.h"

#include "base/time.h"
#include "engine/journal.h"
#include "engine/pipeline.h"
#include "remote/place.h"
#include "tables/metadata.h"
#include "tables/registry.h"

/* Names and types of FAR_COLUMNS_MAX columns. */
#define COLUMNS_MAX ((size_t)4 << 20)

struct item {
	char *id;
	struct far_place place; /* without an engine: nobody can be asked */
	struct far_found found;
};

struct refreshing {
	struct db *db;
	struct item *items;
	size_t n, capacity;
	struct far_refreshed *done;
};

static void refreshing_release(struct refreshing *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->items[i].id);
		far_place_release(&f->items[i].place);
		far_found_release(&f->items[i].found);
	}
	free(f->items);
}

void far_refreshed_release(struct far_refreshed *done)
{
	free(done->table);
	free(done->error);
	*done = (struct far_refreshed){ 0 };
}

static int add_item(void *ctx, const struct table *t, struct err *e)
{
	struct refreshing *f = ctx;
	struct item *item;
	int r;

	if (!str_eq(t->query_mode, "remote"))
		return 0;
	f->items = xgrow(f->items, &f->capacity, f->n + 1, sizeof(*f->items));
	item = &f->items[f->n++];
	*item = (struct item){ .id = xstrdup(t->id) };
	r = far_place_find(f->db, t->id, &item->place, e);
	if (r != ERR_CONFLICT)
		return r;
	*e = (struct err){ 0 }; /* counted as one without data */
	return 0;
}

static int list_items(const struct far_refresh *refresh, struct refreshing *f, struct err *e)
{
	if (refresh->tables->n == 0)
		return registry_list(f->db, NULL, add_item, f, e);
	for (size_t i = 0; i < refresh->tables->n; i++) {
		AUTO_TABLE struct table t = { 0 };

		if (registry_find(f->db, NULL, refresh->tables->v[i], &t, e) < 0)
			return e->code;
		if (!str_eq(t.query_mode, "remote"))
			return err_set(e, ERR_USAGE, "table '%s' is not remote: its files say all",
				       t.id);
		if (add_item(f, &t, e) < 0)
			return e->code;
	}
	return 0;
}

static int look(void *ctx, void *worker, size_t i, struct err *e)
{
	struct item *item = &((struct refreshing *)ctx)->items[i];
	const struct far_guard guard = { .until_ms = time_monotonic() + FAR_REFRESH_MS };
	const struct far_open open = { item->place.spec, &guard };
	struct far_session *session = NULL;
	int r;

	(void)worker;
	if (!item->place.engine)
		return 0;
	far_found_release(&item->found); /* of an attempt before this one */
	r = item->place.engine->open(&open, &session, e);
	if (r == 0)
		r = item->place.engine->describe(session, item->place.spec, &item->found, e);
	item->place.engine->close(session);
	return r;
}

static void add_names(const struct far_found *found, struct buf *names, struct buf *columns)
{
	struct json_out n = json_out(names), c = json_out(columns);

	json_open(&n, NULL, '[');
	json_open(&c, NULL, '[');
	for (size_t i = 0; i < found->column_count; i++) {
		json_add_text(&n, NULL, found->columns[i].name);
		json_open(&c, NULL, '{');
		json_add_text(&c, "name", found->columns[i].name);
		json_add_text(&c, "type", found->columns[i].type);
		json_close(&c);
	}
	json_close(&n);
	json_close(&c);
}

static void add_list(const struct strv *list, struct buf *out)
{
	struct json_out o = json_out(out);

	json_add_texts(&o, NULL, list);
}

static int store(struct db *db, const struct item *item, struct err *e)
{
	const struct far_found *found = &item->found;
	AUTO_BUF struct buf names = BUF_INIT(COLUMNS_MAX), columns = BUF_INIT(COLUMNS_MAX);
	AUTO_BUF struct buf clustered = BUF_INIT(COLUMNS_MAX);
	bool known;

	add_names(found, &names, &columns);
	add_list(&found->clustered_by, &clustered);
	known = found->has_columns && !names.full && !columns.full;
	return metadata_store(db, item->id,
			      &(struct metadata){ .rows = found->rows,
						  .size_bytes = found->size_bytes,
						  .partition_by = found->partition_by,
						  .clustered_by = buf_str(&clustered),
						  .entity_type = found->entity_type,
						  .known_columns = known ? buf_str(&names) : NULL,
						  .columns = known ? buf_str(&columns) : NULL,
						  .no_figures = !found->has_figures,
						  .no_layout = !found->has_layout,
						  .missing = found->missing.code < 0
								     ? found->missing.msg
								     : NULL },
			      e);
}

static void note_error(struct far_refreshed *done, const struct item *item, const char *why)
{
	free(done->table);
	free(done->error);
	done->table = xstrdup(item->id);
	done->error = xstrdup(why);
}

static int record(struct refreshing *f, const struct item *item, const struct pipeline_result *r,
		  struct err *e)
{
	if (!item->place.engine) {
		f->done->no_data++;
		note_error(f->done, item, "the hub was not told where this table stays");
		return metadata_fail(f->db, item->id, f->done->error, e);
	}
	if (r->result < 0) {
		f->done->failed++;
		note_error(f->done, item, r->error.msg);
		return metadata_fail(f->db, item->id, r->error.msg, e);
	}
	f->done->succeeded++;
	if (item->found.missing.code < 0)
		note_error(f->done, item, item->found.missing.msg);
	return store(f->db, item, e);
}

static int commit(void *ctx, const struct pipeline_result *results, size_t count, struct err *e)
{
	struct refreshing *f = ctx;
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_tx(f->db, &tx, e);

	for (size_t i = 0; r == 0 && i < count; i++)
		r = record(f, &f->items[results[i].item], &results[i], e);
	return r < 0 ? r : db_commit(f->db, e);
}

int far_refresh(const struct far_refresh *refresh, struct far_refreshed *done, struct err *e)
{
	AUTO(refreshing_release)
	struct refreshing f = { .db = root_db(refresh->root), .done = done };
	const struct pipeline p = { .ctx = &f,
				    .workers = FAR_REFRESH_AT_ONCE,
				    .batch = FAR_REFRESH_AT_ONCE,
				    .order = PIPELINE_AS_FINISHED,
				    .prepare = look,
				    .commit = commit };
	struct pipeline run = p;
	int r = list_items(refresh, &f, e);

	if (r < 0)
		return r;
	done->total = (int64_t)f.n;
	run.items = f.n;
	return f.n ? pipeline_run(&run, e) : 0;
}
