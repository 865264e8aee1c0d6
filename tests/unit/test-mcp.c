/* SPDX-License-Identifier: Apache-2.0 */
#include "mcp/stdio.h"

#include "base/proc.h"
#include "base/str.h"
#include "test.h"

#include <fcntl.h>
#include <sys/mman.h>

#define MODERN                                                                                     \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                   \
	"\"io.modelcontextprotocol/clientCapabilities\":{}}"

static int search(void *ctx, const struct json *arguments, struct mcp_result *result, struct err *e)
{
	int *calls = ctx;

	(*calls)++;
	if (str_eq(mcp_text(arguments, "query"), "fail")) {
		(void)err_set(e, ERR_NOT_FOUND, "nothing is called so");
		return err_hint(e, "call another");
	}
	if (str_eq(mcp_text(arguments, "query"), "flood")) {
		for (size_t i = 0; i < MCP_RESULT_MAX / 8; i++)
			json_add_text(&result->json, "more", "0123456789");
		return 0;
	}
	json_add_int(&result->json, "limit", mcp_int(arguments, "limit", 7, 50));
	return 0;
}

static int calls;
static const struct mcp_backend backend = { .ctx = &calls,
					    .call = { [MCP_CATALOG_SEARCH] = search } };
static const struct mcp_server server = { .backend = &backend, .instructions = "read this" };

/* The answer to a message; *ret_code may be NULL. */
static struct json *ask(const char *text, int *ret_code)
{
	AUTO_BUF struct buf reply = BUF_INIT(MCP_REPLY_MAX);
	AUTO_JSON struct json *message = NULL;
	struct json *answer = NULL;
	struct err e = { 0 };
	int code;

	CHECK_OK(json_parse(bytes_of(text), MCP_MESSAGE_MAX, &message, &e));
	code = mcp_answer(&server, message, &reply);
	if (ret_code)
		*ret_code = code;
	if (reply.n > 0)
		CHECK_OK(json_parse(buf_bytes(&reply), MCP_REPLY_MAX, &answer, &e));
	return answer;
}

static const struct json *result_of(const struct json *answer)
{
	return json_get(answer, "result");
}

static int64_t code_of(const struct json *answer)
{
	return json_int(json_get(json_get(answer, "error"), "code"), 0);
}

static const char *text_of(const struct json *answer)
{
	const struct json *content = json_get(result_of(answer), "content");

	return json_text(json_get(json_at(content, 0), "text"));
}

TEST(a_known_version_is_taken_an_unknown_one_gets_the_newest)
{
	AUTO_JSON struct json *old = ask("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\","
					 "\"params\":{\"protocolVersion\":\"2024-11-05\"}}",
					 NULL);
	AUTO_JSON struct json *odd =
		ask("{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"initialize\","
		    "\"params\":{\"protocolVersion\":\"1999-01-01\"}}",
		    NULL);

	CHECK_STR(json_text(json_get(result_of(old), "protocolVersion")), "2024-11-05");
	CHECK_STR(json_text(json_get(result_of(old), "instructions")), "read this");
	CHECK(!json_get(result_of(old), "resultType"));
	CHECK_STR(json_text(json_get(result_of(odd), "protocolVersion")), "2025-11-25");
	CHECK_STR(json_text(json_get(odd, "id")), "x");
}

TEST(a_modern_request_needs_no_handshake_and_gets_the_members_of_its_revision)
{
	AUTO_JSON struct json *found =
		ask("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\","
		    "\"params\":{" MODERN "}}",
		    NULL);
	AUTO_JSON struct json *list = ask("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\","
					  "\"params\":{" MODERN "}}",
					  NULL);

	CHECK_STR(json_text(json_get(result_of(found), "resultType")), "complete");
	CHECK_INT(json_size(json_get(result_of(found), "supportedVersions")), 5);
	CHECK_STR(json_text(json_get(result_of(list), "cacheScope")), "private");
	CHECK_INT(json_size(json_get(result_of(list), "tools")), MCP_TOOLS);
}

TEST(a_modern_envelope_that_is_wrong_is_refused)
{
	AUTO_JSON struct json *later = ask(
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"_meta\":{"
		"\"io.modelcontextprotocol/protocolVersion\":\"2031-01-01\"}}}",
		NULL);
	AUTO_JSON struct json *bare = ask(
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"_meta\":{"
		"\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}}}",
		NULL);
	const struct json *data = json_get(json_get(later, "error"), "data");

	CHECK_INT(code_of(later), MCP_UNSUPPORTED_VERSION);
	CHECK_STR(json_text(json_at(json_get(data, "supported"), 0)), "2026-07-28");
	CHECK_INT(code_of(bare), MCP_INVALID_PARAMS);
}

TEST(methods_belong_to_their_era)
{
	AUTO_JSON struct json *a = ask(
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{" MODERN "}}", NULL);
	AUTO_JSON struct json *b =
		ask("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\"}", NULL);
	AUTO_JSON struct json *c = ask("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", NULL);

	CHECK_INT(code_of(a), MCP_METHOD_NOT_FOUND);
	CHECK_INT(code_of(b), MCP_METHOD_NOT_FOUND);
	CHECK_INT(json_kind(result_of(c)), JSON_OBJECT);
}

TEST(what_is_no_request_is_refused_and_a_notification_is_not_answered)
{
	AUTO_JSON struct json *a = ask("[]", NULL);
	AUTO_JSON struct json *b = ask("{\"id\":1,\"method\":\"ping\"}", NULL);
	AUTO_JSON struct json *c =
		ask("{\"jsonrpc\":\"2.0\",\"id\":[1],\"method\":\"ping\"}", NULL);
	AUTO_JSON struct json *d =
		ask("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}", NULL);

	CHECK_INT(code_of(a), MCP_INVALID_REQUEST);
	CHECK_INT(code_of(b), MCP_INVALID_REQUEST);
	CHECK_INT(code_of(c), MCP_INVALID_REQUEST);
	CHECK(d == NULL);
}

#define CALL(arguments)                                                                            \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":"            \
	"\"catalog_search\",\"arguments\":" arguments "}}"

TEST(a_tool_gives_text_and_structure)
{
	AUTO_JSON struct json *a = ask(CALL("{}"), NULL);
	AUTO_JSON struct json *b = ask(CALL("{\"limit\":49.0,\"query\":null}"), NULL);
	AUTO_JSON struct json *c = ask(CALL("{\"limit\":51}"), NULL);

	CHECK_STR(text_of(a), "{\"limit\":7}");
	CHECK_INT(json_int(json_get(json_get(result_of(a), "structuredContent"), "limit"), 0), 7);
	CHECK_STR(text_of(b), "{\"limit\":49}");
	CHECK_STR(text_of(c), "{\"limit\":50}");
}

TEST(arguments_that_do_not_fit_are_told_and_the_tool_is_not_called)
{
	static const struct {
		const char *message, *words;
	} wrong[] = {
		{ CALL("{\"limit\":\"7\"}"), "must be of type integer" },
		{ CALL("{\"limit\":0}"), "must be positive" },
		{ CALL("{\"limit\":1.5}"), "must be of type integer" },
		{ CALL("{\"query\":7}"), "must be of type string" },
		{ CALL("{\"query\":\"a\\u0000b\"}"), "must be of type string" },
		{ CALL("{\"other\":1}"), "no argument 'other'" },
		{ CALL("[1]"), "must be an object" },
	};
	int before = calls;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		AUTO_JSON struct json *a = ask(wrong[i].message, NULL);

		CHECK(json_flag(json_get(result_of(a), "isError"), false));
		CHECK_HAS(text_of(a), wrong[i].words);
	}
	CHECK_INT(calls, before);
}

TEST(what_a_tool_cannot_do_is_a_result_with_the_next_step)
{
	AUTO_JSON struct json *a = ask(CALL("{\"query\":\"fail\"}"), NULL);
	AUTO_JSON struct json *b = ask(CALL("{\"query\":\"flood\"}"), NULL);

	CHECK_STR(text_of(a), "not_found: nothing is called so\nnext: call another");
	CHECK(json_flag(json_get(result_of(b), "isError"), false));
	CHECK_HAS(text_of(b), "larger than");
	CHECK(!json_get(result_of(b), "structuredContent"));
}

TEST(an_unknown_tool_method_prompt_or_resource_is_an_error)
{
	int code = 0;
	AUTO_JSON struct json *a = ask("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\","
				       "\"params\":{\"name\":\"nothing\"}}",
				       &code);
	AUTO_JSON struct json *c = ask("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"prompts/get\","
				       "\"params\":{\"name\":\"nothing\"}}",
				       &code);
	AUTO_JSON struct json *d =
		ask("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/read\","
		    "\"params\":{\"uri\":\"larder://table/x\"}}",
		    &code);
	AUTO_JSON struct json *b =
		ask("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"nothing\"}", &code);

	CHECK_INT(code_of(a), MCP_INVALID_PARAMS);
	CHECK_INT(code_of(b), MCP_METHOD_NOT_FOUND);
	CHECK_INT(code, MCP_METHOD_NOT_FOUND);
	CHECK_INT(code_of(c), MCP_INVALID_PARAMS);
	CHECK_INT(code_of(d), MCP_RESOURCE_NOT_FOUND);
}

TEST(schemas_and_texts_are_such_that_clients_take_them_whole)
{
	for (size_t i = 0; i < MCP_TOOLS; i++) {
		AUTO_JSON struct json *input = NULL;
		AUTO_JSON struct json *output = NULL;
		struct err e = { 0 };

		CHECK_OK(json_parse(bytes_of(mcp_tools[i].input), MCP_RESULT_MAX, &input, &e));
		CHECK_OK(json_parse(bytes_of(mcp_tools[i].output), MCP_RESULT_MAX, &output, &e));
		CHECK(strlen(mcp_tools[i].description) < MCP_INSTRUCTIONS_MAX);
		CHECK_INT(mcp_tool_find(mcp_tools[i].name), i);
	}
	CHECK_INT(mcp_tool_find("nothing"), MCP_TOOLS);
	CHECK_INT(mcp_tool_find(NULL), MCP_TOOLS);
}

/* What lines come out for these bytes in. */
static char *serve(struct bytes input)
{
	AUTO_BUF struct buf output = BUF_INIT((size_t)64 << 20);
	struct mcp_lines *lines;
	struct err e = { 0 };
	int in = memfd_create("in", 0);
	int out = memfd_create("out", 0);

	CHECK(write(in, input.p, input.n) == (ssize_t)input.n && lseek(in, 0, SEEK_SET) == 0);
	lines = mcp_lines_new(in, out);
	CHECK_OK(mcp_lines_serve(lines, &server, &e));
	mcp_lines_free(lines);
	CHECK(lseek(out, 0, SEEK_SET) == 0);
	for (ssize_t n = 1; n > 0;) {
		char piece[65536];

		n = read(out, piece, sizeof(piece));
		buf_add(&output, piece, n > 0 ? (size_t)n : 0);
	}
	(void)close(in);
	(void)close(out);
	return buf_take(&output);
}

#define PING(id) "{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"method\":\"ping\"}"
#define PONG(id) "{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"result\":{}}\n"

TEST(lines_are_answered_in_order_also_a_last_one_without_an_end)
{
	AUTO_FREE char *a = serve(bytes_of(PING(1) "\r\n\n" PING(2) "\n" PING(3) "\n"));
	AUTO_FREE char *b = serve(bytes_of(PING(1) "\n" PING(2)));

	CHECK_STR(a, PONG(1) PONG(2) PONG(3));
	CHECK_STR(b, PONG(1) PONG(2));
}

TEST(a_request_that_was_cancelled_before_its_turn_is_not_begun)
{
	AUTO_FREE char *a = serve(bytes_of(PING(1) "\n" PING(2) "\n" PING(
		3) "\n"
		   "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":2}}\n"));

	CHECK_STR(a, PONG(1) PONG(3));
}

TEST(a_line_that_is_too_long_is_refused_and_the_next_one_answered)
{
	size_t n = MCP_MESSAGE_MAX + 300000;
	AUTO_BUF struct buf input = BUF_INIT(2 * MCP_MESSAGE_MAX);
	AUTO_FREE char *a = NULL;
	char *room = buf_reserve(&input, n);

	memset(room, 'x', n);
	input.n = n;
	buf_adds(&input, "\n" PING(2) "\n");
	a = serve(buf_bytes(&input));
	CHECK_HAS(a, "too long");
	CHECK_HAS(a, PONG(2));
}

TEST(more_requests_than_are_read_ahead_are_all_answered)
{
	AUTO_BUF struct buf input = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *a = NULL;
	size_t answers = 0;

	for (int i = 0; i < 5 * MCP_PENDING_MAX; i++)
		buf_adds(&input, PING(1) "\n");
	a = serve(buf_bytes(&input));
	for (const char *p = a; (p = strstr(p, PONG(1))); p++)
		answers++;
	CHECK_INT(answers, 5 * MCP_PENDING_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_known_version_is_taken_an_unknown_one_gets_the_newest),
		CASE(a_modern_request_needs_no_handshake_and_gets_the_members_of_its_revision),
		CASE(a_modern_envelope_that_is_wrong_is_refused),
		CASE(methods_belong_to_their_era),
		CASE(what_is_no_request_is_refused_and_a_notification_is_not_answered),
		CASE(a_tool_gives_text_and_structure),
		CASE(arguments_that_do_not_fit_are_told_and_the_tool_is_not_called),
		CASE(what_a_tool_cannot_do_is_a_result_with_the_next_step),
		CASE(an_unknown_tool_method_prompt_or_resource_is_an_error),
		CASE(schemas_and_texts_are_such_that_clients_take_them_whole),
		CASE(lines_are_answered_in_order_also_a_last_one_without_an_end),
		CASE(a_request_that_was_cancelled_before_its_turn_is_not_begun),
		CASE(a_line_that_is_too_long_is_refused_and_the_next_one_answered),
		CASE(more_requests_than_are_read_ahead_are_all_answered),
	};

	return RUN(tests);
}
