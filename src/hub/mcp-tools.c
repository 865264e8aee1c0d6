/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/mcp-tools.h"

#include "base/time.h"
#include "hub/asking.h"
#include "memory/bundle-build.h"
#include "memory/knowledge.h"
#include "net/url.h"
#include "tables/catalog.h"

/* As it is in front of the tools, before what does not fit is cut. */
#define CATALOG_TEXT_MAX ((size_t)64 << 20)

/* Rows of this moment, with the caller's rights of this moment. */
static int begin_read(struct mcp_call *c, struct err *e)
{
	int r = db_begin_read(c->db, e);

	return r < 0 ? r : access_renew(c->db, &c->by, e);
}

/* The catalog's objects, parsed. */
static int load_catalog(struct mcp_call *c, const char *query, struct json **ret, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(CATALOG_TEXT_MAX);
	AUTO_STRV struct strv words = STRV_INIT;
	const struct catalog_wish wish = { .caller = &c->by,
					   .now_ms = time_now(),
					   .interval_s = hub_settings(c->hub)->metadata_s,
					   .words = &words };
	struct json_out o = json_out(&text);
	int r = begin_read(c, e);

	strv_split(&words, query, ' ');
	json_open(&o, NULL, '[');
	if (r == 0)
		r = catalog_list(c->db, &wish, &o, e);
	json_close(&o);
	db_rollback(c->db);
	return r < 0 ? r : json_parse(buf_bytes(&text), CATALOG_TEXT_MAX, ret, e);
}

static void add_raw(struct json_out *o, const char *key, const struct json *value)
{
	AUTO_BUF struct buf text = BUF_INIT(CATALOG_TEXT_MAX);

	json_print(value, &text, false);
	json_add_raw(o, key, buf_bytes(&text));
}

static int catalog_search(void *ctx, const struct json *arguments, struct mcp_result *result,
			  struct err *e)
{
	int64_t limit = mcp_int(arguments, "limit", MCP_HITS_LIMIT, MCP_HITS_MAX);
	AUTO_JSON struct json *tables = NULL;
	struct json_out *o = &result->json;
	size_t given = 0;

	if (load_catalog(ctx, mcp_text(arguments, "query"), &tables, e) < 0)
		return e->code;
	json_open(o, "tables", '[');
	for (; given < json_size(tables) && (int64_t)given < limit; given++) {
		if (result->text.n > MCP_ROWS_BYTES / 2)
			break;
		add_raw(o, NULL, json_at(tables, given));
	}
	json_close(o);
	json_add_int(o, "total", (int64_t)json_size(tables));
	json_add_bool(o, "truncated", given < json_size(tables));
	return 0;
}

/* The caller's bundle as entries; they lend from *ret_doc. The array is the caller's. */
static struct mcp_entry *load_entries(struct mcp_call *c, struct json **ret_doc, size_t *ret_n,
				      struct err *e)
{
	static const char *const lists[] = { "mandatory", "approved" };
	AUTO_BUF struct buf text = BUF_INIT(BUNDLE_BUILD_MAX);
	struct mcp_entry *entries;
	int64_t good_until = 0;
	int r = begin_read(c, e);

	if (r == 0)
		r = bundle_build(c->db, &c->by, time_now(), &text, &good_until, e);
	db_rollback(c->db);
	if (r == 0)
		r = json_parse(buf_bytes(&text), BUNDLE_BUILD_MAX, ret_doc, e);
	if (r < 0)
		return NULL;
	entries = xcalloc(json_size(json_get(*ret_doc, lists[0])) +
				  json_size(json_get(*ret_doc, lists[1])) + 1,
			  sizeof(*entries));
	for (size_t list = 0; list < ARRAY_LEN(lists); list++) {
		const struct json *items = json_get(*ret_doc, lists[list]);

		for (size_t i = 0; i < json_size(items); i++) {
			const struct json *item = json_at(items, i);

			entries[(*ret_n)++] =
				(struct mcp_entry){ mcp_text(item, "id"), mcp_text(item, "title"),
						    mcp_text(item, "content"), list == 0 };
		}
	}
	return entries;
}

static int lend_entries(void *ctx, mcp_use_fn use, void *use_ctx, struct err *e)
{
	AUTO_JSON struct json *doc = NULL;
	size_t n = 0;
	AUTO_FREE struct mcp_entry *entries = load_entries(ctx, &doc, &n, e);

	return entries ? use(use_ctx, entries, n, e) : e->code;
}

static int table_describe(void *ctx, const struct json *arguments, struct mcp_result *result,
			  struct err *e)
{
	struct mcp_call *c = ctx;
	const char *table = mcp_text(arguments, "table");
	const struct catalog_wish wish = { .caller = &c->by,
					   .now_ms = time_now(),
					   .interval_s = hub_settings(c->hub)->metadata_s };
	AUTO_JSON struct json *doc = NULL;
	size_t n = 0;
	AUTO_FREE struct mcp_entry *entries = load_entries(c, &doc, &n, e);
	int r = entries ? begin_read(c, e) : e->code;

	json_add_text(&result->json, "table", table);
	if (r == 0)
		r = catalog_describe(c->db, &wish, table, &result->json, e);
	db_rollback(c->db);
	if (r == ERR_NOT_FOUND)
		return err_hint(e, "catalog_search lists the tables you may use");
	if (r == 0)
		mcp_add_rules_of(&result->json, entries, n, table);
	return r;
}

static int freshness(void *ctx, const struct json *arguments, struct mcp_result *result,
		     struct err *e)
{
	static const char *const keys[] = { "id", "name", "query_mode", "updated",
					    "metadata_freshness" };
	AUTO_JSON struct json *tables = NULL;
	struct json_out *o = &result->json;
	char iso[TIME_TEXT_MAX];
	size_t given = 0;

	(void)arguments; /* it has none */
	if (load_catalog(ctx, "", &tables, e) < 0)
		return e->code;
	json_add_text(o, "now", time_format_iso(time_now(), iso));
	json_open(o, "tables", '[');
	for (; given < json_size(tables) && result->text.n < MCP_ROWS_BYTES; given++) {
		const struct json *table = json_at(tables, given);

		json_open(o, NULL, '{');
		for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
			if (json_get(table, keys[k]))
				add_raw(o, keys[k], json_get(table, keys[k]));
		}
		json_close(o);
	}
	json_close(o);
	json_add_bool(o, "truncated", given < json_size(tables));
	return 0;
}

/* The first words, when the agent gave no title. */
static char *title_of(const struct json *arguments)
{
	const char *title = mcp_text(arguments, "title");
	const char *text = mcp_text(arguments, "text");
	size_t line = strcspn(text, "\n");
	size_t fit = text_fit(text, 80);

	return *title ? xstrdup(title) : xstrndup(text, line < fit ? line : fit);
}

static int note_submit(void *ctx, const struct json *arguments, struct mcp_result *result,
		       struct err *e)
{
	struct mcp_call *c = ctx;
	AUTO_FREE char *title = title_of(arguments);
	const struct knowledge_proposal proposal = { .title = title,
						     .content = mcp_text(arguments, "text"),
						     .source_type = "user_proposal",
						     .source_ref = "mcp",
						     .source_user = c->by.email };
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	struct knowledge_outcome outcome;
	int r;

	if (strlen(proposal.content) + strlen(title) > MCP_NOTE_MAX)
		return err_set(e, ERR_LIMIT, "a note has at most %zu bytes", MCP_NOTE_MAX);
	r = hub_write_begin(c->hub, &w, e);
	if (r == 0)
		r = access_renew(w.db, &c->by, e);
	if (r == 0)
		r = access_need_scope(&c->by, SCOPE_USER, e);
	if (r == 0)
		r = knowledge_propose(w.db, &c->by, &proposal, &outcome, e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	if (r < 0)
		return r;
	json_add_text(&result->json, "status", "proposed");
	json_add_text(&result->json, "id", outcome.id);
	json_add_text(&result->json, "next", "an admin decides whether it becomes a rule");
	return 0;
}

static int take_row(void *ctx, struct bytes row, struct err *e)
{
	(void)e;
	mcp_add_row(ctx, row);
	return 0;
}

static int query_run(void *ctx, const struct json *arguments, struct mcp_result *result,
		     struct err *e)
{
	struct mcp_call *c = ctx;
	struct mcp_rows rows = { .result = result };
	struct asking *a = &c->asking;
	struct duck_run_result end = { 0 };
	int r = ERR_LIMIT;

	asking_release(a); /* of none, as a message is one call */
	*a = (struct asking){
		.hub = c->hub,
		.by = caller_copy(&c->by),
		.sql = mcp_text(arguments, "sql"),
		.row_limit = mcp_int(arguments, "limit", MCP_ROW_LIMIT, MCP_ROWS_MAX),
		.byte_limit = (int64_t)MCP_ROWS_BYTES,
		.cell_limit = MCP_CELL_BYTES,
		.client_fd = http_client_fd(c->in),
		.ctx = &rows,
		.on_columns = mcp_take_columns,
		.on_row = take_row,
	};
	if (strlen(a->sql) > MCP_SQL_MAX)
		(void)err_set(e, r, "the statement is longer than %zu bytes", MCP_SQL_MAX);
	else
		r = asking_run(a, http_thread_slot(c->in), &end, e);
	if (r < 0)
		return e->hint[0] ? r
				  : err_hint(e, "table_describe tells the columns and their types");
	mcp_add_end(&result->json,
		    &(struct mcp_end){ rows.given, a->row_limit, end.cells_cut, end.truncated });
	return 0;
}

#define TABLE_URI "larder://table/"
#define RULE_URI  "larder://rule/"

static void add_resource(struct json_out *o, const char *base, const char *id, const char *title)
{
	AUTO_BUF struct buf uri = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&uri, base);
	url_add_segment(&uri, id);
	json_open(o, NULL, '{');
	json_add_text(o, "uri", buf_str(&uri));
	json_add_text(o, "name", id);
	json_add_text(o, "title", title);
	json_add_text(o, "mimeType", "text/markdown");
	json_close(o);
}

static int list_resources(void *ctx, struct json_out *out, struct err *e)
{
	AUTO_JSON struct json *tables = NULL;
	AUTO_JSON struct json *doc = NULL;
	size_t n = 0;
	AUTO_FREE struct mcp_entry *entries = load_entries(ctx, &doc, &n, e);

	if (!entries || load_catalog(ctx, "", &tables, e) < 0)
		return e->code;
	for (size_t i = 0; i < n; i++)
		add_resource(out, RULE_URI, entries[i].id, entries[i].title);
	for (size_t i = 0; i < json_size(tables); i++) {
		const char *name = mcp_text(json_at(tables, i), "name");

		add_resource(out, TABLE_URI, name, name);
	}
	return 0;
}

/* The answer of the tool that reads it, as it is: JSON reads well enough. */
static int read_resource(void *ctx, const char *uri, struct buf *text, struct err *e)
{
	bool rule = str_starts(uri, RULE_URI), table = str_starts(uri, TABLE_URI);
	AUTO_BUF struct buf name = BUF_INIT(URL_MAX);
	AUTO_JSON struct json *arguments = json_new_object();
	struct mcp_result result = { .text = BUF_INIT(MCP_RESULT_MAX) };
	const struct mcp_backend pages = { .ctx = ctx, .lend_entries = lend_entries };
	int r = ERR_NOT_FOUND;

	if (rule || table)
		r = url_decode(bytes_of(uri + strlen(rule ? RULE_URI : TABLE_URI)), false, &name,
			       e);
	if (r < 0)
		return err_set(e, ERR_NOT_FOUND, "there is no resource '%.200s'", uri);
	json_put(arguments, rule ? "page" : "table", json_new_text(buf_str(&name)));
	result.json = json_out(&result.text);
	json_open(&result.json, NULL, '{');
	r = rule ? mcp_call_entries(&pages, MCP_PAGE_READ, arguments, &result, e)
		 : table_describe(ctx, arguments, &result, e);
	json_close(&result.json);
	if (r == 0)
		buf_addf(text, "```json\n%s\n```\n", buf_str(&result.text));
	buf_release(&result.text);
	return r;
}

struct mcp_backend hub_mcp(struct mcp_call *call)
{
	return (struct mcp_backend){
		.ctx = call,
		.call = {
			[MCP_CATALOG_SEARCH] = catalog_search,
			[MCP_TABLE_DESCRIBE] = table_describe,
			[MCP_QUERY_RUN] = query_run,
			[MCP_FRESHNESS] = freshness,
			[MCP_NOTE_SUBMIT] = note_submit,
		},
		.lend_entries = lend_entries,
		.list_resources = list_resources,
		.read_resource = read_resource,
	};
}
