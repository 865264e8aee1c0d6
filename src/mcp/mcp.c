/* SPDX-License-Identifier: Apache-2.0 */
#include "mcp/mcp.h"

#include "base/str.h"
#include "mcp/words.h"

#define META           "io.modelcontextprotocol/"
#define MODERN_VERSION "2026-07-28"
/* Lists change with the program only; freshness of what resources hold is asked each time. */
#define LIST_TTL_MS 300000

/* The newest first: what is offered to a client that asks for one we do not know. */
static const char *const legacy_versions[] = { "2025-11-25", "2025-06-18", "2025-03-26",
					       "2024-11-05" };

/* One request being answered; `out` is inside the reply's object. */
struct answer {
	const struct mcp_server *server;
	const struct json *params;
	struct json_out *out;
	bool modern;
	enum mcp_error code; /* when it failed */
};

/* Adds the members of the result to a->out, inside an open object. */
typedef int (*method_fn)(struct answer *a, struct err *e);

struct mcp_head mcp_head_of(const struct json *message)
{
	const struct json *params = json_get(message, "params");
	const struct json *meta = json_get(params, "_meta");
	const struct json *id = json_get(message, "id");
	struct mcp_head head = {
		.method = json_text(json_get(message, "method")),
		.version = json_text(json_get(meta, META "protocolVersion")),
		.id = id,
	};
	const char *key = !head.method                            ? NULL
			  : str_eq(head.method, "tools/call")     ? "name"
			  : str_eq(head.method, "prompts/get")    ? "name"
			  : str_eq(head.method, "resources/read") ? "uri"
								  : NULL;
	bool has_id = json_kind(id) == JSON_TEXT || json_kind(id) == JSON_INT;

	head.modern = json_kind(json_get(meta, META "protocolVersion")) != JSON_NONE;
	head.is_request = head.method && has_id;
	head.is_notification = head.method && json_kind(id) == JSON_NONE;
	head.name = key ? json_text(json_get(params, key)) : NULL;
	return head;
}

static void add_id(struct json_out *o, const struct json *id)
{
	struct buf text = BUF_INIT(BUF_OWN_MAX);

	if (json_kind(id) == JSON_TEXT || json_kind(id) == JSON_INT)
		json_print(id, &text, false);
	else
		buf_adds(&text, "null");
	json_add_raw(o, "id", buf_bytes(&text));
	buf_release(&text);
}

static struct json_out open_reply(struct buf *reply, const struct json *id)
{
	struct json_out o = json_out(reply);

	json_open(&o, NULL, '{');
	json_add_text(&o, "jsonrpc", "2.0");
	add_id(&o, id);
	return o;
}

static void add_versions(struct json_out *o, const char *key)
{
	json_open(o, key, '[');
	json_add_text(o, NULL, MODERN_VERSION);
	for (size_t i = 0; i < ARRAY_LEN(legacy_versions); i++)
		json_add_text(o, NULL, legacy_versions[i]);
	json_close(o);
}

void mcp_refuse(const struct json *id, enum mcp_error code, const char *why, struct buf *reply)
{
	struct json_out o;

	buf_clear(reply);
	o = open_reply(reply, id);
	json_open(&o, "error", '{');
	json_add_int(&o, "code", code);
	json_add_text(&o, "message", why);
	if (code == MCP_UNSUPPORTED_VERSION) {
		json_open(&o, "data", '{');
		add_versions(&o, "supported");
		json_close(&o);
	}
	json_close(&o);
	json_close(&o);
}

static void add_server_info(struct json_out *o, const char *key)
{
	json_open(o, key, '{');
	json_add_text(o, "name", "larder");
	json_add_text(o, "title", "Larder");
	json_add_text(o, "version", LARDER_VERSION);
	json_close(o);
}

static void add_capabilities(const struct mcp_server *server, struct json_out *o)
{
	json_open(o, "capabilities", '{');
	json_open(o, "tools", '{');
	json_close(o);
	json_open(o, "prompts", '{');
	json_close(o);
	if (server->backend->list_resources) {
		json_open(o, "resources", '{');
		json_close(o);
	}
	json_close(o);
}

static void add_cacheable(struct answer *a, int64_t ttl_ms)
{
	if (!a->modern)
		return;
	json_add_int(a->out, "ttlMs", ttl_ms);
	json_add_text(a->out, "cacheScope", "private");
}

/* A version we do not know is answered with the newest of ours: the client decides. */
static int initialize(struct answer *a, struct err *e)
{
	const char *wanted = json_text(json_get(a->params, "protocolVersion"));
	const char *version = legacy_versions[0];

	(void)e; /* cannot fail, like the next two */
	for (size_t i = 0; wanted && i < ARRAY_LEN(legacy_versions); i++) {
		if (str_eq(wanted, legacy_versions[i]))
			version = legacy_versions[i];
	}
	json_add_text(a->out, "protocolVersion", version);
	add_capabilities(a->server, a->out);
	add_server_info(a->out, "serverInfo");
	json_add_text(a->out, "instructions", a->server->instructions);
	return 0;
}

static int discover(struct answer *a, struct err *e)
{
	(void)e;
	add_cacheable(a, LIST_TTL_MS);
	add_versions(a->out, "supportedVersions");
	add_capabilities(a->server, a->out);
	json_add_text(a->out, "instructions", a->server->instructions);
	return 0;
}

static int ping(struct answer *a, struct err *e)
{
	(void)a;
	(void)e;
	return 0;
}

static void add_tool(struct json_out *o, const struct mcp_tool_info *tool)
{
	json_open(o, NULL, '{');
	json_add_text(o, "name", tool->name);
	json_add_text(o, "title", tool->title);
	json_add_text(o, "description", tool->description);
	json_add_raw(o, "inputSchema", bytes_of(tool->input));
	json_add_raw(o, "outputSchema", bytes_of(tool->output));
	json_open(o, "annotations", '{');
	json_add_text(o, "title", tool->title);
	json_add_bool(o, "readOnlyHint", !tool->writes);
	json_add_bool(o, "destructiveHint", false);
	json_add_bool(o, "idempotentHint", true);
	json_add_bool(o, "openWorldHint", false);
	json_close(o);
	json_close(o);
}

static int tools_list(struct answer *a, struct err *e)
{
	(void)e;
	add_cacheable(a, LIST_TTL_MS);
	json_open(a->out, "tools", '[');
	for (size_t i = 0; i < MCP_TOOLS; i++)
		add_tool(a->out, &mcp_tools[i]);
	json_close(a->out);
	return 0;
}

static void add_content(struct json_out *o, struct bytes text)
{
	json_open(o, "content", '[');
	json_open(o, NULL, '{');
	json_add_text(o, "type", "text");
	json_add_bytes(o, "text", text);
	json_close(o);
	json_close(o);
}

/* For the agent: what went wrong, and what to do next. */
static void add_failure(struct json_out *o, const struct err *why)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);

	buf_addf(&text, "%s: %s", err_word(why->code), why->msg);
	if (why->hint[0])
		buf_addf(&text, "\nnext: %s", why->hint);
	add_content(o, buf_bytes(&text));
	json_add_bool(o, "isError", true);
}

static int run_tool(struct answer *a, enum mcp_tool tool, struct mcp_result *result, struct err *e)
{
	const struct json *arguments = json_get(a->params, "arguments");
	const struct mcp_backend *backend = a->server->backend;
	int r;

	if (json_kind(arguments) != JSON_NONE && json_kind(arguments) != JSON_OBJECT)
		return err_set(e, ERR_USAGE, "the arguments of %s must be an object",
			       mcp_tools[tool].name);
	r = mcp_check_arguments(tool, arguments, e);
	if (r < 0)
		return r;
	if (backend->call[tool])
		return backend->call[tool](backend->ctx, arguments, result, e);
	if (backend->lend_entries && mcp_is_of_entries(tool))
		return mcp_call_entries(backend, tool, arguments, result, e);
	return err_set(e, ERR_NOT_FOUND, "%s is not to be had here", mcp_tools[tool].name);
}

static int tools_call(struct answer *a, struct err *e)
{
	const char *name = json_text(json_get(a->params, "name"));
	enum mcp_tool tool = mcp_tool_find(name);
	struct mcp_result result = { .text = BUF_INIT(MCP_RESULT_MAX) };
	struct err why = { 0 };
	int r;

	if (tool == MCP_TOOLS) {
		a->code = MCP_INVALID_PARAMS;
		return err_set(e, ERR_USAGE, "there is no tool '%.100s'", name ? name : "");
	}
	result.json = json_out(&result.text);
	json_open(&result.json, NULL, '{');
	r = run_tool(a, tool, &result, &why);
	json_close(&result.json);
	if (r == 0 && result.text.full) {
		r = err_set(&why, ERR_LIMIT, "the result of %s is larger than %zu bytes", name,
			    MCP_RESULT_MAX);
		(void)err_hint(&why, "ask for less: fewer rows, fewer columns, a narrower search");
	}
	if (r < 0) {
		add_failure(a->out, &why);
	} else {
		add_content(a->out, buf_bytes(&result.text));
		json_add_raw(a->out, "structuredContent", buf_bytes(&result.text));
		json_add_bool(a->out, "isError", false);
	}
	buf_release(&result.text);
	return 0;
}

static int resources_list(struct answer *a, struct err *e)
{
	const struct mcp_backend *backend = a->server->backend;
	int r = 0;

	add_cacheable(a, 0);
	json_open(a->out, "resources", '[');
	if (backend->list_resources)
		r = backend->list_resources(backend->ctx, a->out, e);
	json_close(a->out);
	return r;
}

static int resources_templates(struct answer *a, struct err *e)
{
	(void)e;
	add_cacheable(a, LIST_TTL_MS);
	json_open(a->out, "resourceTemplates", '[');
	json_close(a->out);
	return 0;
}

static int resources_read(struct answer *a, struct err *e)
{
	const char *uri = json_text(json_get(a->params, "uri"));
	const struct mcp_backend *backend = a->server->backend;
	AUTO_BUF struct buf text = BUF_INIT(MCP_RESULT_MAX);
	int r = ERR_NOT_FOUND;

	if (uri && backend->read_resource)
		r = backend->read_resource(backend->ctx, uri, &text, e);
	else
		(void)err_set(e, r, "there is no resource '%.200s'", uri ? uri : "");
	if (r < 0) {
		/* The current revision has no code of its own for it. */
		if (r == ERR_NOT_FOUND)
			a->code = a->modern ? MCP_INVALID_PARAMS : MCP_RESOURCE_NOT_FOUND;
		return r;
	}
	add_cacheable(a, 0);
	json_open(a->out, "contents", '[');
	json_open(a->out, NULL, '{');
	json_add_text(a->out, "uri", uri);
	json_add_text(a->out, "mimeType", "text/markdown");
	json_add_bytes(a->out, "text", buf_bytes(&text));
	json_close(a->out);
	json_close(a->out);
	return 0;
}

struct prompt {
	const char *name, *title, *description, *argument, *about, *text;
};

/* %s: the argument's value. */
static const struct prompt prompts[] = {
	{ "answer_from_data", "Answer a question from the data",
	  "Finds the tables, keeps the rules, queries, and says how fresh the answer is.",
	  "question", "the question, in the user's words",
	  "Answer this question from the team's tables: %s\n\nFirst rule_search and catalog_search, then "
	  "table_describe of each table you use. Keep mandatory rules. Query with query_run; aggregate in "
	  "SQL. Give the answer, the SQL, and how old the data is." },
	{ "check_freshness", "Is this data fresh enough?",
	  "Compares the age of a table with what a user needs.", "table", "the table's name",
	  "Say whether the table %s is fresh enough to rely on today: call freshness_status and "
	  "table_describe, name its age, and what to do when it is old (larder pull)." },
};

static int prompts_list(struct answer *a, struct err *e)
{
	(void)e;
	add_cacheable(a, LIST_TTL_MS);
	json_open(a->out, "prompts", '[');
	for (size_t i = 0; i < ARRAY_LEN(prompts); i++) {
		json_open(a->out, NULL, '{');
		json_add_text(a->out, "name", prompts[i].name);
		json_add_text(a->out, "title", prompts[i].title);
		json_add_text(a->out, "description", prompts[i].description);
		json_open(a->out, "arguments", '[');
		json_open(a->out, NULL, '{');
		json_add_text(a->out, "name", prompts[i].argument);
		json_add_text(a->out, "description", prompts[i].about);
		json_add_bool(a->out, "required", true);
		json_close(a->out);
		json_close(a->out);
		json_close(a->out);
	}
	json_close(a->out);
	return 0;
}

static void add_prompt(struct json_out *o, const struct prompt *p, const char *value)
{
	const char *hole = strstr(p->text, "%s");
	AUTO_BUF struct buf text = BUF_INIT(MCP_RESULT_MAX);

	buf_add(&text, p->text, (size_t)(hole - p->text));
	buf_adds(&text, value);
	buf_adds(&text, hole + 2);
	json_add_text(o, "description", p->description);
	json_open(o, "messages", '[');
	json_open(o, NULL, '{');
	json_add_text(o, "role", "user");
	json_open(o, "content", '{');
	json_add_text(o, "type", "text");
	json_add_bytes(o, "text", buf_bytes(&text));
	json_close(o);
	json_close(o);
	json_close(o);
}

static int prompts_get(struct answer *a, struct err *e)
{
	const char *name = json_text(json_get(a->params, "name"));
	const struct json *arguments = json_get(a->params, "arguments");

	a->code = MCP_INVALID_PARAMS;
	for (size_t i = 0; name && i < ARRAY_LEN(prompts); i++) {
		const char *value = mcp_text(arguments, prompts[i].argument);

		if (!str_eq(prompts[i].name, name))
			continue;
		if (!*value)
			return err_set(e, ERR_USAGE, "prompt '%s' needs the argument '%s'", name,
				       prompts[i].argument);
		add_prompt(a->out, &prompts[i], value);
		return 0;
	}
	return err_set(e, ERR_USAGE, "there is no prompt '%.100s'", name ? name : "");
}

enum era { LEGACY = 1, MODERN = 2, BOTH = 3 };

static const struct method {
	const char *name;
	method_fn answer;
	enum era era;
} methods[] = {
	{ "initialize", initialize, LEGACY },
	{ "ping", ping, LEGACY },
	{ "prompts/get", prompts_get, BOTH },
	{ "prompts/list", prompts_list, BOTH },
	{ "resources/list", resources_list, BOTH },
	{ "resources/read", resources_read, BOTH },
	{ "resources/templates/list", resources_templates, BOTH },
	{ "server/discover", discover, MODERN },
	{ "tools/call", tools_call, BOTH },
	{ "tools/list", tools_list, BOTH },
};

static method_fn find_method(const struct mcp_head *head)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		if (str_eq(methods[i].name, head->method))
			return methods[i].era & (head->modern ? MODERN : LEGACY) ? methods[i].answer
										 : NULL;
	}
	return NULL;
}

static int refuse(const struct json *id, enum mcp_error code, const char *why, struct buf *reply)
{
	mcp_refuse(id, code, why, reply);
	return code;
}

/* The envelope of a modern request: its version is ours, and it has what it must. */
static int check_envelope(const struct json *message, const struct mcp_head *head,
			  struct buf *reply)
{
	const struct json *meta = json_get(json_get(message, "params"), "_meta");

	if (!head->modern)
		return 0;
	if (!head->version)
		return refuse(head->id, MCP_INVALID_PARAMS,
			      "_meta[\"" META "protocolVersion\"] must be a string", reply);
	if (!str_eq(head->version, MODERN_VERSION))
		return refuse(head->id, MCP_UNSUPPORTED_VERSION,
			      "this protocol version is not spoken here", reply);
	if (json_kind(json_get(meta, META "clientCapabilities")) != JSON_OBJECT)
		return refuse(head->id, MCP_INVALID_PARAMS,
			      "_meta[\"" META "clientCapabilities\"] must be an object", reply);
	return 0;
}

static int answer_request(const struct mcp_server *server, const struct json *message,
			  const struct mcp_head *head, struct buf *reply)
{
	method_fn method = find_method(head);
	struct json_out o = open_reply(reply, head->id);
	struct answer a = {
		.server = server,
		.params = json_get(message, "params"),
		.out = &o,
		.modern = head->modern,
		.code = MCP_INTERNAL_ERROR,
	};
	struct err e = { 0 };

	if (!method)
		return refuse(head->id, MCP_METHOD_NOT_FOUND, "there is no such method", reply);
	json_open(&o, "result", '{');
	if (head->modern) {
		json_add_text(&o, "resultType", "complete");
		json_open(&o, "_meta", '{');
		add_server_info(&o, META "serverInfo");
		json_close(&o);
	}
	if (method(&a, &e) < 0) {
		mcp_refuse(head->id, a.code, e.msg, reply);
		return 0; /* the method's, not the protocol's */
	}
	json_close(&o);
	json_close(&o);
	if (reply->full)
		return refuse(head->id, MCP_INTERNAL_ERROR, "the reply is too large", reply);
	return 0;
}

int mcp_answer(const struct mcp_server *server, const struct json *message, struct buf *reply)
{
	struct mcp_head head = mcp_head_of(message);
	const char *version = json_text(json_get(message, "jsonrpc"));
	int r;

	buf_clear(reply);
	if (!version || !str_eq(version, "2.0") || (!head.is_request && !head.is_notification))
		return refuse(head.id, MCP_INVALID_REQUEST, "this is no request of JSON-RPC 2.0",
			      reply);
	if (head.is_notification)
		return 0;
	r = check_envelope(message, &head, reply);
	return r ? r : answer_request(server, message, &head, reply);
}
