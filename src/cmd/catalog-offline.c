/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/catalog.h"

#include "base/time.h"
#include "duck/duck.h"
#include "workspace/status.h"

#define REPLY_MAX ((size_t)256 << 20)

static void add_known(struct json_out *o, const char *key, int64_t value)
{
	if (value < 0)
		json_add_null(o, key);
	else
		json_add_int(o, key, value);
}

static void add_members(struct json_out *o, const struct local_table *t)
{
	json_add_text(o, "id", t->id);
	json_add_text(o, "name", t->name);
	json_add_text(o, "description", *t->description ? t->description : NULL);
	json_add_text(o, "query_mode", "local");
	json_add_text(o, "sql_flavor", "duckdb");
	add_known(o, "rows", t->rows);
	add_known(o, "size_bytes", t->size_bytes);
	json_add_text(o, "version", t->version);
	json_add_text(o, "updated", t->updated);
}

static void add_columns(struct json_out *o, const struct duck_file_info *info)
{
	json_open(o, "columns", '[');
	for (size_t i = 0; i < info->column_count; i++) {
		json_open(o, NULL, '{');
		json_add_text(o, "name", info->columns[i].name);
		json_add_text(o, "type", info->columns[i].type);
		json_close(o);
	}
	json_close(o);
}

/* One file of each table: all of a table have the same columns. */
static int describe_all(struct workspace *ws, const struct local *local,
			struct duck_described *found, struct err *e)
{
	AUTO_STRV struct strv paths = STRV_INIT;

	for (size_t i = 0; i < local->count; i++) {
		AUTO_STRV struct strv files = STRV_INIT;

		local_add_paths(workspace_root(ws), &local->tables[i], &files);
		strv_add(&paths, files.n > 0 ? files.v[0] : "");
	}
	return duck_describe_many(&paths, found, e);
}

static bool occurs(const struct local_table *t, const struct duck_file_info *info, const char *word)
{
	bool found = strcasestr(t->name, word) || strcasestr(t->description, word);

	for (size_t i = 0; !found && i < info->column_count; i++)
		found = strcasestr(info->columns[i].name, word) != NULL;
	return found;
}

static bool is_wanted(const struct local_table *t, const struct duck_file_info *info,
		      const struct strv *words)
{
	for (size_t i = 0; i < words->n; i++) {
		if (words->v[i][0] && !occurs(t, info, words->v[i]))
			return false;
	}
	return true;
}

static int add_list(struct workspace *ws, const struct local *local, const struct strv *words,
		    struct json_out *o, struct err *e)
{
	AUTO_FREE struct duck_described *found = xcalloc(local->count + 1, sizeof(*found));
	int r = words->n > 0 ? describe_all(ws, local, found, e) : 0;

	json_open(o, "tables", '[');
	for (size_t i = 0; r == 0 && i < local->count; i++) {
		if (!is_wanted(&local->tables[i], &found[i].info, words))
			continue;
		json_open(o, NULL, '{');
		add_members(o, &local->tables[i]);
		json_close(o);
	}
	json_close(o);
	for (size_t i = 0; i < local->count; i++) {
		duck_file_info_release(&found[i].info);
		free(found[i].error);
	}
	return r;
}

static int add_one(struct workspace *ws, const struct local_table *t, struct json_out *o,
		   struct err *e)
{
	AUTO(duck_file_info_release) struct duck_file_info info = { 0 };
	AUTO_STRV struct strv files = STRV_INIT;

	local_add_paths(workspace_root(ws), t, &files);
	if (files.n > 0 && duck_describe(files.v[0], &info, e) < 0)
		return e->code;
	add_members(o, t);
	add_columns(o, &info);
	return 0;
}

static int add_wanted(struct workspace *ws, const struct local *local, const char *table,
		      const struct strv *words, struct json_out *o, struct err *e)
{
	const struct local_table *t = table ? local_find(local, table) : NULL;

	if (!table)
		return add_list(ws, local, words, o, e);
	if (t)
		return add_one(ws, t, o, e);
	return err_set(e, ERR_NOT_FOUND, "table '%.128s' is not in this workspace", table);
}

int catalog_offline(struct workspace *ws, const char *table, const struct strv *words,
		    struct json **ret_reply, struct err *e)
{
	AUTO_STATUS struct status status = { 0 };
	AUTO_BUF struct buf text = BUF_INIT(REPLY_MAX);
	struct json_out o = json_out(&text);
	char iso[TIME_TEXT_MAX];
	int r = workspace_status(ws, &status, e);

	if (r < 0)
		return r;
	json_open(&o, NULL, '{');
	r = add_wanted(ws, status.local, table, words, &o, e);
	json_add_bool(&o, "offline", true);
	json_add_text(&o, "as_of",
		      status.last_success_ms ? time_format_iso(status.last_success_ms, iso) : NULL);
	json_close(&o);
	return r < 0 ? r : json_parse(buf_bytes(&text), REPLY_MAX, ret_reply, e);
}
