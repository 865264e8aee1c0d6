/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/mcp-internal.h"

#include "base/time.h"
#include "duck/duck.h"
#include "workspace/status.h"

/* -1 is unknown: null. */
static void add_count(struct json_out *o, const char *key, int64_t n)
{
	if (n < 0)
		json_add_null(o, key);
	else
		json_add_int(o, key, n);
}

static void add_when(struct json_out *o, const char *key, int64_t ms)
{
	char text[TIME_TEXT_MAX];

	json_add_text(o, key, ms > 0 ? time_format_iso(ms, text) : NULL);
}

static const char *state_word(const struct local_table *table)
{
	for (size_t i = 0; i < table->file_count; i++) {
		if (table->files[i].state == LOCAL_MISSING)
			return "missing";
		if (table->files[i].state != LOCAL_GOOD)
			return "changed";
	}
	return "good";
}

static void add_figures(struct json_out *o, const struct local_table *table)
{
	if (*table->description)
		json_add_text(o, "description", table->description);
	add_count(o, "rows", table->rows);
	add_count(o, "size_bytes", table->size_bytes);
	json_add_text(o, "updated", *table->updated ? table->updated : NULL);
	json_add_text(o, "version", table->version);
}

static void add_found(struct mcp_result *result, const struct local *local, const char *query,
		      int64_t limit)
{
	struct json_out *o = &result->json;
	int64_t total = 0;

	json_open(o, "tables", '[');
	for (size_t i = 0; i < local->count; i++) {
		const struct local_table *table = &local->tables[i];
		const char *const texts[] = { table->name, table->id, table->description };

		if (!mcp_matches(query, texts, ARRAY_LEN(texts)) || total++ >= limit)
			continue;
		json_open(o, NULL, '{');
		json_add_text(o, "name", table->name);
		add_figures(o, table);
		json_close(o);
	}
	json_close(o);
	json_add_int(o, "total", total);
	json_add_bool(o, "truncated", total > limit);
}

int mcp_catalog_search(void *ctx, const struct json *arguments, struct mcp_result *result,
		       struct err *e)
{
	struct workspace_tools *tools = ctx;
	AUTO_LOCAL struct local *local = NULL;

	if (local_load(workspace_root(tools->ws), &local, e) < 0)
		return e->code;
	add_found(result, local, mcp_text(arguments, "query"),
		  mcp_int(arguments, "limit", MCP_HITS_LIMIT, MCP_HITS_MAX));
	return 0;
}

/* NULL and *e when there is none. */
static const struct local_table *find_table(struct workspace *ws, const char *name,
					    struct local **ret_local, struct err *e)
{
	const struct local_table *table;

	if (local_load(workspace_root(ws), ret_local, e) < 0)
		return NULL;
	table = local_find(*ret_local, name);
	if (table)
		return table;
	(void)err_set(e, ERR_NOT_FOUND, "there is no table '%.200s' here", name);
	(void)err_hint(e, "catalog_search lists the tables; `larder pull` brings new ones");
	return NULL;
}

static int add_columns(struct json_out *o, struct workspace *ws, const struct local_table *table,
		       struct err *e)
{
	AUTO_STRV struct strv paths = STRV_INIT;
	AUTO(duck_file_info_release) struct duck_file_info info = { 0 };

	local_add_paths(workspace_root(ws), table, &paths);
	if (paths.n == 0)
		return err_set(e, ERR_NOT_FOUND, "table '%s' has no file", table->name);
	if (duck_describe(paths.v[0], &info, e) < 0)
		return e->code;
	json_open(o, "columns", '[');
	for (size_t i = 0; i < info.column_count; i++) {
		json_open(o, NULL, '{');
		json_add_text(o, "name", info.columns[i].name);
		json_add_text(o, "type", info.columns[i].type);
		json_close(o);
	}
	json_close(o);
	return 0;
}

/* The rules that name it. */
static int add_rules(struct mcp_result *result, struct workspace *ws, const char *table,
		     struct err *e)
{
	AUTO_RULE_TEXTS struct rule_texts rules = { 0 };
	AUTO_FREE struct mcp_entry *view = NULL;

	if (rule_texts_load(ws, &rules, e) < 0)
		return e->code;
	view = rule_texts_view(&rules);
	mcp_add_rules_of(&result->json, view, rules.n, table);
	return 0;
}

static int add_last_pull(struct json_out *o, struct workspace *ws, struct err *e)
{
	AUTO_STATUS struct status status = { 0 };

	if (workspace_status(ws, &status, e) < 0)
		return e->code;
	add_when(o, "last_success", status.last_success_ms);
	return 0;
}

int mcp_table_describe(void *ctx, const struct json *arguments, struct mcp_result *result,
		       struct err *e)
{
	struct workspace_tools *tools = ctx;
	AUTO_LOCAL struct local *local = NULL;
	const struct local_table *table =
		find_table(tools->ws, mcp_text(arguments, "table"), &local, e);
	int r;

	if (!table)
		return e->code;
	json_add_text(&result->json, "table", table->name);
	add_figures(&result->json, table);
	r = add_last_pull(&result->json, tools->ws, e);
	if (r == 0)
		r = add_columns(&result->json, tools->ws, table, e);
	return r < 0 ? r : add_rules(result, tools->ws, table->name, e);
}

static void add_states(struct json_out *o, const struct local *local)
{
	json_open(o, "tables", '[');
	for (size_t i = 0; i < local->count; i++) {
		const struct local_table *table = &local->tables[i];

		json_open(o, NULL, '{');
		json_add_text(o, "name", table->name);
		json_add_text(o, "updated", *table->updated ? table->updated : NULL);
		json_add_text(o, "state", state_word(table));
		json_close(o);
	}
	json_close(o);
}

int mcp_freshness(void *ctx, const struct json *arguments, struct mcp_result *result, struct err *e)
{
	struct workspace_tools *tools = ctx;
	struct json_out *o = &result->json;
	AUTO_STATUS struct status status = { 0 };
	char ago[TIME_TEXT_MAX];

	(void)arguments; /* it has none */
	if (workspace_status(tools->ws, &status, e) < 0)
		return e->code;
	json_add_text(o, "server", workspace_server(tools->ws));
	add_when(o, "last_pull", status.last_pull_ms);
	add_when(o, "last_success", status.last_success_ms);
	json_add_text(o, "age",
		      status.last_success_ms ? time_format_ago(status.last_success_ms, ago)
					     : "nothing was pulled yet");
	json_add_int(o, "rules", (int64_t)status.rules);
	json_add_int(o, "damaged_files", (int64_t)status.damaged);
	add_states(o, status.local);
	json_add_text(o, "next",
		      status.damaged > 0 ? "`larder verify --repair` mends what is damaged"
					 : "`larder pull` brings what is newer on the hub");
	return 0;
}
