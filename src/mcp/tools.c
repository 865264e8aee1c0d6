/* SPDX-License-Identifier: Apache-2.0 */
#include "mcp/tools.h"

#include "base/str.h"

#define SCHEMA(required, properties)                                                               \
	"{\"type\":\"object\",\"properties\":{" properties "},\"required\":[" required             \
	"],\"additionalProperties\":false}"
#define OUTPUT(required, properties)                                                               \
	"{\"type\":\"object\",\"properties\":{" properties "},\"required\":[" required "]}"
#define TEXT(name, about) "\"" name "\":{\"type\":\"string\",\"description\":\"" about "\"}"
#define NUMBER(name, about)                                                                        \
	"\"" name "\":{\"type\":\"integer\",\"minimum\":1,\"description\":\"" about "\"}"
#define LIST(name)  "\"" name "\":{\"type\":\"array\"}"
#define COUNT(name) "\"" name "\":{\"type\":\"integer\"}"
#define FLAG(name)  "\"" name "\":{\"type\":\"boolean\"}"

const struct mcp_tool_info mcp_tools[MCP_TOOLS] = {
	[MCP_CATALOG_SEARCH] = {
		.name = "catalog_search",
		.title = "Find tables",
		.description =
			"Tables you may use, with description, rows, size and age. Words in `query` are looked for "
			"in names and descriptions; without it all tables are listed. Start here when you do not "
			"know which table holds what you need; then table_describe.",
		.input = SCHEMA("", TEXT("query", "words to look for; empty: all tables") ","
				NUMBER("limit", "at most so many tables (default 20, most 100)")),
		.output = OUTPUT("\"tables\",\"total\",\"truncated\"",
				 LIST("tables") "," COUNT("total") "," FLAG("truncated")),
	},
	[MCP_TABLE_DESCRIBE] = {
		.name = "table_describe",
		.title = "Describe a table",
		.description =
			"One table: columns with types (and what is known of their values), rows, size, version, "
			"how fresh it is, and the rules that speak of it. Call it before you write SQL.",
		.input = SCHEMA("\"table\"", TEXT("table", "the table's name, as catalog_search gives it")),
		.output = OUTPUT("\"table\",\"columns\"",
				 "\"table\":{\"type\":\"string\"}," LIST("columns") "," LIST("rules")),
	},
	[MCP_QUERY_RUN] = {
		.name = "query_run",
		.title = "Run SQL",
		.description =
			"Runs one SELECT of DuckDB's SQL over the tables; nothing can be changed. Rows and bytes are "
			"limited: `truncated` says that the result is not whole, and `next` how to get the rest. "
			"Aggregate in SQL rather than fetching rows.",
		.input = SCHEMA("\"sql\"", TEXT("sql", "one SELECT statement") ","
				NUMBER("limit", "at most so many rows (default 200, most 10000)")),
		.output = OUTPUT("\"columns\",\"rows\",\"row_count\",\"truncated\"",
				 LIST("columns") "," LIST("rows") "," COUNT("row_count") "," COUNT("cells_cut") "," FLAG("truncated")),
	},
	[MCP_RULE_SEARCH] = {
		.name = "rule_search",
		.title = "Find rules",
		.description =
			"The team's rules and approved knowledge about its data: definitions, how to join, what to "
			"leave out. Mandatory ones must be kept. Words in `query` narrow the list.",
		.input = SCHEMA("", TEXT("query", "words to look for; empty: all rules") ","
				NUMBER("limit", "at most so many (default 20, most 100)")),
		.output = OUTPUT("\"rules\",\"total\",\"truncated\"",
				 LIST("rules") "," COUNT("total") "," FLAG("truncated")),
	},
	[MCP_PAGE_SEARCH] = {
		.name = "page_search",
		.title = "Find knowledge pages",
		.description =
			"Pages of the team's knowledge base that hold the words, best first, with the passage. Read "
			"one with page_read.",
		.input = SCHEMA("\"query\"", TEXT("query", "words to look for") ","
				NUMBER("limit", "at most so many (default 20, most 100)")),
		.output = OUTPUT("\"pages\",\"total\",\"truncated\"",
				 LIST("pages") "," COUNT("total") "," FLAG("truncated")),
	},
	[MCP_PAGE_READ] = {
		.name = "page_read",
		.title = "Read a knowledge page",
		.description = "One page of the team's knowledge base as Markdown, with its sources.",
		.input = SCHEMA("\"page\"", TEXT("page", "the page, as page_search gives it")),
		.output = OUTPUT("\"page\",\"text\"",
				 "\"page\":{\"type\":\"string\"},\"text\":{\"type\":\"string\"}," FLAG("truncated")),
	},
	[MCP_FRESHNESS] = {
		.name = "freshness_status",
		.title = "How fresh is the data",
		.description =
			"When data was last brought, from where, and the age of each table; what is damaged or "
			"missing. Say so to your user when an answer rests on old data.",
		.input = SCHEMA("", ""),
		.output = OUTPUT("\"tables\"", LIST("tables")),
	},
	[MCP_NOTE_SUBMIT] = {
		.name = "note_submit",
		.title = "Leave a note",
		.description =
			"Keeps what you learned (a definition, a trap in the data) for the team: a person decides "
			"whether it becomes a rule. One fact a note, in a sentence or two; no secrets, no results.",
		.input = SCHEMA("\"text\"", TEXT("text", "the note, at most 4000 bytes") ","
				TEXT("title", "a few words")),
		.output = OUTPUT("\"status\"", "\"status\":{\"type\":\"string\"}"),
		.writes = true,
	},
};

enum mcp_tool mcp_tool_find(const char *name)
{
	enum mcp_tool tool = 0;

	while (tool < MCP_TOOLS && (!name || !str_eq(mcp_tools[tool].name, name)))
		tool++;
	return tool;
}

static bool has_type(const struct json *value, const char *type)
{
	switch (json_kind(value)) {
	case JSON_TEXT:
		return str_eq(type, "string") && json_text(value);
	case JSON_INT:
		return str_eq(type, "integer");
	case JSON_DOUBLE: /* 20.0, as some clients write 20 */
		return str_eq(type, "integer") && json_int(value, -1) != -1;
	case JSON_BOOL:
		return str_eq(type, "boolean");
	case JSON_NONE:
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT:
		break;
	}
	return false;
}

static int check_each(const struct mcp_tool_info *tool, const struct json *properties,
		      const struct json *arguments, struct err *e)
{
	struct json_iter it = json_iter(arguments);

	while (json_next(&it)) {
		const struct json *property = json_get(properties, it.key);
		const char *type = json_text(json_get(property, "type"));

		if (json_kind(it.value) == JSON_NULL)
			continue; /* as if it were not there */
		if (!type)
			return err_set(e, ERR_USAGE, "%s has no argument '%.100s'", tool->name,
				       it.key);
		if (!has_type(it.value, type))
			return err_set(e, ERR_USAGE, "argument '%s' of %s must be of type %s",
				       it.key, tool->name, type);
		if (json_int(it.value, 1) < json_int(json_get(property, "minimum"), INT64_MIN))
			return err_set(e, ERR_USAGE, "argument '%s' of %s must be positive", it.key,
				       tool->name);
	}
	return 0;
}

int mcp_check_arguments(enum mcp_tool tool, const struct json *arguments, struct err *e)
{
	const struct mcp_tool_info *info = &mcp_tools[tool];
	AUTO_JSON struct json *schema = NULL;
	const struct json *required;
	int r = json_parse(bytes_of(info->input), MCP_RESULT_MAX, &schema, e);

	if (r == 0)
		r = check_each(info, json_get(schema, "properties"), arguments, e);
	required = json_get(schema, "required");
	for (size_t i = 0; r == 0 && i < json_size(required); i++) {
		const char *key = json_text(json_at(required, i));

		if (!*mcp_text(arguments, key))
			r = err_set(e, ERR_USAGE, "%s needs the argument '%s'", info->name, key);
	}
	return r;
}

const char *mcp_text(const struct json *arguments, const char *key)
{
	const char *text = json_text(json_get(arguments, key));

	return text ? text : "";
}

int64_t mcp_int(const struct json *arguments, const char *key, int64_t otherwise, int64_t max)
{
	int64_t value = json_int(json_get(arguments, key), otherwise);

	return value < max ? value : max;
}

int mcp_take_columns(void *ctx, const struct duck_column *columns, size_t n, struct err *e)
{
	struct mcp_rows *rows = ctx;
	struct json_out *o = &rows->result->json;

	(void)e; /* a result that grows too large is told at its end */
	json_open(o, "columns", '[');
	for (size_t i = 0; i < n; i++) {
		json_open(o, NULL, '{');
		json_add_text(o, "name", columns[i].name);
		json_add_text(o, "type", columns[i].type);
		json_close(o);
	}
	json_close(o);
	json_open(o, "rows", '[');
	return 0;
}

void mcp_add_row(struct mcp_rows *rows, struct bytes row)
{
	json_add_raw(&rows->result->json, NULL, row);
	rows->given++;
}

void mcp_add_end(struct json_out *o, const struct mcp_end *end)
{
	static const char more_rows[] =
		"this is not the whole result: raise `limit`, or page with ORDER BY, LIMIT and OFFSET; "
		"better, aggregate in SQL";
	static const char too_large[] =
		"this is not the whole result, it is too large: choose fewer columns, or aggregate in "
		"SQL";
	static const char cells[] = "values are cut, each says how long it is: ask for a part of "
				    "them with substr(), or for their length()";

	json_close(o);
	json_add_int(o, "row_count", end->given);
	json_add_bool(o, "truncated", end->truncated);
	if (end->cells_cut)
		json_add_int(o, "cells_cut", end->cells_cut);
	if (end->truncated)
		json_add_text(o, "next", end->given >= end->limit ? more_rows : too_large);
	else if (end->cells_cut)
		json_add_text(o, "next", cells);
}
