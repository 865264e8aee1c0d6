/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/mcp-internal.h"

#include "net/url.h"
#include "tables/local.h"

#define TABLE_URI "larder://table/"
#define RULE_URI  "larder://rule/"

static void add_resource(struct json_out *o, const char *base, const char *name, const char *title,
			 const char *about)
{
	AUTO_BUF struct buf uri = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&uri, base);
	url_add_segment(&uri, name);
	json_open(o, NULL, '{');
	json_add_text(o, "uri", buf_str(&uri));
	json_add_text(o, "name", name);
	json_add_text(o, "title", title);
	json_add_text(o, "description", about);
	json_add_text(o, "mimeType", "text/markdown");
	json_close(o);
}

int mcp_list_resources(void *ctx, struct json_out *out, struct err *e)
{
	struct workspace_tools *tools = ctx;
	AUTO_LOCAL struct local *local = NULL;
	AUTO_RULE_TEXTS struct rule_texts rules = { 0 };

	if (local_load(workspace_root(tools->ws), &local, e) < 0 ||
	    rule_texts_load(tools->ws, &rules, e) < 0)
		return e->code;
	for (size_t i = 0; i < rules.n; i++)
		add_resource(out, RULE_URI, rules.v[i].id, rules.v[i].title,
			     rules.v[i].mandatory ? "a mandatory rule" : "approved knowledge");
	for (size_t i = 0; i < local->count; i++)
		add_resource(out, TABLE_URI, local->tables[i].name, local->tables[i].name,
			     "a table: its columns, its age, its rules");
	return 0;
}

/* What follows `base` in the address, decoded; NULL when it is another one. */
static char *name_in(const char *uri, const char *base)
{
	AUTO_BUF struct buf name = BUF_INIT(URL_MAX);
	struct err ignored = { 0 };

	if (!str_starts(uri, base) ||
	    url_decode(bytes_of(uri + strlen(base)), false, &name, &ignored) < 0)
		return NULL;
	return buf_take(&name);
}

static int read_rule(struct workspace *ws, const char *id, struct buf *text, struct err *e)
{
	AUTO_RULE_TEXTS struct rule_texts rules = { 0 };

	if (rule_texts_load(ws, &rules, e) < 0)
		return e->code;
	for (size_t i = 0; i < rules.n; i++) {
		if (!str_eq(rules.v[i].id, id))
			continue;
		buf_addf(text, "# %s\n", rules.v[i].title);
		buf_adds(text, rules.v[i].text);
		return 0;
	}
	return err_set(e, ERR_NOT_FOUND, "there is no rule '%.200s'", id);
}

/* What table_describe says, as it is: JSON reads well enough. */
static int read_table(struct workspace_tools *tools, const char *name, struct buf *text,
		      struct err *e)
{
	AUTO_JSON struct json *arguments = json_new_object();
	struct mcp_result result = { .text = BUF_INIT(MCP_RESULT_MAX) };
	int r;

	json_put(arguments, "table", json_new_text(name));
	result.json = json_out(&result.text);
	json_open(&result.json, NULL, '{');
	r = mcp_table_describe(tools, arguments, &result, e);
	json_close(&result.json);
	if (r == 0)
		buf_addf(text, "# Table %s\n\n```json\n%s\n```\n", name, buf_str(&result.text));
	buf_release(&result.text);
	return r;
}

int mcp_read_resource(void *ctx, const char *uri, struct buf *text, struct err *e)
{
	struct workspace_tools *tools = ctx;
	AUTO_FREE char *rule = name_in(uri, RULE_URI);
	AUTO_FREE char *table = name_in(uri, TABLE_URI);

	if (rule)
		return read_rule(tools->ws, rule, text, e);
	if (table)
		return read_table(tools, table, text, e);
	return err_set(e, ERR_NOT_FOUND, "there is no resource '%.200s'", uri);
}

struct mcp_backend workspace_mcp(struct workspace_tools *tools)
{
	return (struct mcp_backend){
		.ctx = tools,
		.call = {
			[MCP_CATALOG_SEARCH] = mcp_catalog_search,
			[MCP_TABLE_DESCRIBE] = mcp_table_describe,
			[MCP_QUERY_RUN] = mcp_query_run,
			[MCP_FRESHNESS] = mcp_freshness,
			[MCP_NOTE_SUBMIT] = mcp_note_submit,
		},
		.lend_entries = mcp_lend_entries,
		.list_resources = mcp_list_resources,
		.read_resource = mcp_read_resource,
	};
}
