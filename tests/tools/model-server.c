/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for a language model: answers as it is told, in OpenAI's way at .../chat/completions and
 * in Anthropic's at .../messages, whole or as a stream.
 *
 *	model-server --plan FILE [--log FILE] [--port N]
 *
 * prints its port and serves until it is killed. A line of the plan is
 *
 *	WORD TIMES ACTION[:ARGUMENT]
 *
 * WORD must occur in the request's body ('*': any); the first line that fits and was used fewer than
 * TIMES times ('-': always) is what happens. Lines that start with '#' are skipped; the plan is
 * read anew for each request.
 *
 *	text:WORDS        the answer, as it stands
 *	file:PATH         the file's text is the answer
 *	cut:WORDS         the same, and it says that its limit of tokens was reached
 *	broken:WORDS      the answer breaks off: a stream without its end, a body without its end
 *	decline           the model refuses
 *	echo              the last message of the request is the answer
 *	nonsense          200 and what is no JSON
 *	status:CODE[:S]   that status with an error of that kind, and Retry-After: S
 *	wait:MS:WORDS     the answer, after so long
 *	cached:WORDS      the answer; most of the input came from the cache
 *
 * With a schema the answer goes where it belongs (Anthropic: a tool's input; what is no JSON then
 * becomes {"text": ...}). Without a fitting line the status is 404. --log gets one JSON line per
 * request: path, kind, stream, key, body.
 */
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "net/http-server.h"

#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#define BODY_MAX  ((size_t)32 << 20)
#define PLAN_MAX  ((size_t)1 << 20)
#define LINES_MAX 200

struct model {
	const char *plan;
	const char *log;
	pthread_mutex_t lock;
	char *last; /* the plan as it was: another one is counted anew */
	int used[LINES_MAX];
};

static struct model model = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct answer {
	struct http_in *in;
	const struct json *request;
	struct bytes body;
	bool anthropic, stream, tool;
	const char *finish; /* a word of either kind, set by the action */
	bool broken;
	int64_t cached;
	struct buf text;
};

static void fail(const char *what, const char *text)
{
	fprintf(stderr, "model-server: %s '%s'\n", what, text);
	exit(1);
}

/* The action of the first line that fits, counted as used; the caller owns it. NULL: none. */
static char *next_action(const char *body)
{
	AUTO_BUF struct buf plan = BUF_INIT(PLAN_MAX);
	AUTO_STRV struct strv lines = STRV_INIT;
	struct err e = { 0 };

	if (file_read(AT_FDCWD, model.plan, PLAN_MAX, &plan, &e) < 0)
		fail(e.msg, model.plan);
	if (!str_eq(model.last, buf_str(&plan))) {
		free(model.last);
		model.last = xstrdup(buf_str(&plan));
		memset(model.used, 0, sizeof(model.used));
	}
	strv_split(&lines, buf_str(&plan), '\n');
	for (size_t i = 0; i < lines.n && i < LINES_MAX; i++) {
		char word[200], times[20];
		int n = 0;

		if (!*lines.v[i] || *lines.v[i] == '#')
			continue;
		if (sscanf(lines.v[i], "%199s %19s %n", word, times, &n) != 2 || !n)
			fail("a line that is not understood:", lines.v[i]);
		if (!str_eq(word, "*") && !strstr(body, word))
			continue;
		if (str_eq(times, "-") || model.used[i] < (int)strtol(times, NULL, 10)) {
			model.used[i]++;
			return xstrdup(lines.v[i] + n);
		}
	}
	return NULL;
}

static void note(const struct answer *a, const char *path)
{
	AUTO_BUF struct buf line = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&line);
	const char *key = http_header(a->in, "x-api-key");
	FILE *f = model.log ? fopen(model.log, "ae") : NULL;

	if (!f)
		return;
	json_open(&o, NULL, '{');
	json_add_text(&o, "path", path);
	json_add_text(&o, "kind", a->anthropic ? "anthropic" : "openai");
	json_add_bool(&o, "stream", a->stream);
	json_add_text(&o, "key", key ? key : http_bearer(a->in));
	json_add_raw(&o, "body", a->body);
	json_close(&o);
	(void)fprintf(f, "%s\n", buf_str(&line));
	(void)fclose(f);
}

/* Of OpenAI's kind: a chunk or the whole, by `member`. */
static void add_openai(const struct answer *a, const char *member, struct bytes text,
		       const char *finish, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_text(&o, "model", "stand-in");
	json_open(&o, "choices", '[');
	json_open(&o, NULL, '{');
	json_open(&o, member, '{');
	json_add_bytes(&o, "content", text);
	json_close(&o);
	json_add_text(&o, "finish_reason", finish);
	json_close(&o);
	json_close(&o);
	if (finish) {
		json_open(&o, "usage", '{');
		json_add_int(&o, "prompt_tokens", (int64_t)a->body.n / 4);
		json_add_int(&o, "completion_tokens", (int64_t)a->text.n / 4 + 1);
		json_open(&o, "prompt_tokens_details", '{');
		json_add_int(&o, "cached_tokens", a->cached);
		json_close(&o);
		json_close(&o);
	}
	json_close(&o);
}

/* In pieces of a few bytes, so that letters are cut. */
static void stream_openai(const struct answer *a, struct buf *out)
{
	for (size_t at = 0; at < a->text.n; at += 7) {
		size_t n = a->text.n - at < 7 ? a->text.n - at : 7;

		buf_adds(out, "data: ");
		add_openai(a, "delta", (struct bytes){ a->text.p + at, n }, NULL, out);
		buf_adds(out, "\n\n");
	}
	if (a->broken)
		return;
	buf_adds(out, ": a comment\n\ndata: ");
	add_openai(a, "delta", (struct bytes){ 0 }, a->finish, out);
	buf_adds(out, "\n\ndata: [DONE]\n\n");
}

static void add_usage(const struct answer *a, struct json_out *o)
{
	json_open(o, "usage", '{');
	json_add_int(o, "input_tokens", (int64_t)a->body.n / 4 - a->cached);
	json_add_int(o, "cache_read_input_tokens", a->cached);
	json_add_int(o, "cache_creation_input_tokens", 0);
	json_add_int(o, "output_tokens", (int64_t)a->text.n / 4 + 1);
	json_close(o);
}

static void add_anthropic(const struct answer *a, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_text(&o, "model", "stand-in");
	json_open(&o, "content", '[');
	json_open(&o, NULL, '{');
	json_add_text(&o, "type", a->tool ? "tool_use" : "text");
	if (a->tool)
		json_add_raw(&o, "input", buf_bytes(&a->text));
	else
		json_add_bytes(&o, "text", buf_bytes(&a->text));
	json_close(&o);
	json_close(&o);
	json_add_text(&o, "stop_reason", a->finish);
	add_usage(a, &o);
	json_close(&o);
}

static void stream_anthropic(const struct answer *a, struct buf *out)
{
	AUTO_BUF struct buf start = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&start);

	json_open(&o, NULL, '{');
	json_add_text(&o, "type", "message_start");
	json_open(&o, "message", '{');
	json_add_text(&o, "model", "stand-in");
	add_usage(a, &o);
	json_close(&o);
	json_close(&o);
	buf_addf(out,
		 "event: message_start\r\ndata: %s\r\n\r\nevent: ping\r\ndata: {\"type\": "
		 "\"ping\"}\r\n\r\n",
		 buf_str(&start));
	for (size_t at = 0; at < a->text.n; at += 7) {
		AUTO_BUF struct buf piece = BUF_INIT(BUF_OWN_MAX);
		struct json_out p = json_out(&piece);
		size_t n = a->text.n - at < 7 ? a->text.n - at : 7;

		json_open(&p, NULL, '{');
		json_add_text(&p, "type", "content_block_delta");
		json_open(&p, "delta", '{');
		json_add_text(&p, "type", a->tool ? "input_json_delta" : "text_delta");
		json_add_bytes(&p, a->tool ? "partial_json" : "text",
			       (struct bytes){ a->text.p + at, n });
		json_close(&p);
		json_close(&p);
		buf_addf(out, "event: content_block_delta\ndata: %s\n\n", buf_str(&piece));
	}
	if (!a->broken)
		buf_addf(out,
			 "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":"
			 "{\"stop_reason\":\"%s\"},\"usage\":{\"output_tokens\":%zu}}\n\n"
			 "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
			 a->finish, a->text.n / 4 + 1);
}

/* A tool's input is JSON, whatever the model says. */
static void make_tool_input(struct answer *a)
{
	AUTO_JSON struct json *json = NULL;
	AUTO_FREE char *text = NULL;
	struct json_out o = json_out(&a->text);
	struct err e = { 0 };

	if (json_parse(buf_bytes(&a->text), BODY_MAX, &json, &e) == 0)
		return;
	text = buf_take(&a->text);
	json_open(&o, NULL, '{');
	json_add_text(&o, "text", text);
	json_close(&o);
}

static void send_answer(struct answer *a)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	if (a->tool)
		make_tool_input(a);
	if (a->stream && a->anthropic)
		stream_anthropic(a, &out);
	else if (a->stream)
		stream_openai(a, &out);
	else if (a->anthropic)
		add_anthropic(a, &out);
	else
		add_openai(a, "message", buf_bytes(&a->text), a->finish, &out);
	if (a->broken && !a->stream)
		out.n /= 2;
	http_reply_bytes(a->in, 200, a->stream ? "text/event-stream" : "application/json",
			 buf_bytes(&out));
}

static void send_status(struct answer *a, const char *argument)
{
	AUTO_STRV struct strv parts = STRV_INIT;
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	strv_split(&parts, argument, ':');
	if (parts.n > 1)
		http_reply_add(a->in, "Retry-After", parts.v[1]);
	buf_addf(&out, "{\"error\":{\"type\":\"told\",\"message\":\"told to fail\"}}");
	http_reply_bytes(a->in, (int)strtol(parts.v[0], NULL, 10), "application/json",
			 buf_bytes(&out));
}

static const char *last_message(const struct answer *a)
{
	const struct json *messages = json_get(a->request, "messages");
	const struct json *content =
		json_get(json_at(messages, json_size(messages) - 1), "content");
	const char *text =
		json_text(a->anthropic ? json_get(json_at(content, 0), "text") : content);

	return text ? text : "";
}

static void read_file(const char *path, struct buf *out)
{
	struct err e = { 0 };

	if (file_read(AT_FDCWD, path, PLAN_MAX, out, &e) < 0)
		fail(e.msg, path);
}

/* False when the action has replied by itself. */
static bool act(struct answer *a, const char *verb, const char *argument)
{
	if (str_eq(verb, "status")) {
		send_status(a, argument);
		return false;
	}
	if (str_eq(verb, "nonsense")) {
		http_reply_bytes(a->in, 200, "text/html", BYTES_LITERAL("<html>hello"));
		return false;
	}
	a->finish = a->anthropic ? (a->tool ? "tool_use" : "end_turn") : "stop";
	if (str_eq(verb, "cut"))
		a->finish = a->anthropic ? "max_tokens" : "length";
	if (str_eq(verb, "decline"))
		a->finish = a->anthropic ? "refusal" : "content_filter";
	a->broken = str_eq(verb, "broken");
	if (str_eq(verb, "cached"))
		a->cached = (int64_t)a->body.n / 8;
	if (str_eq(verb, "wait")) {
		char *words = NULL;

		(void)poll(NULL, 0, (int)strtol(argument, &words, 10));
		argument = *words == ':' ? words + 1 : words;
	}
	if (str_eq(verb, "file"))
		read_file(argument, &a->text);
	else
		buf_adds(&a->text, str_eq(verb, "echo") ? last_message(a) : argument);
	return true;
}

static void answer(struct http_in *in, struct bytes body)
{
	AUTO_JSON struct json *request = NULL;
	AUTO_FREE char *text = xstrndup(body.p, body.n);
	AUTO_FREE char *action = NULL;
	struct answer a = { .in = in, .body = body, .text = BUF_INIT(BUF_OWN_MAX) };
	struct err e = { 0 };
	size_t verb;

	if (json_parse(body, BODY_MAX, &request, &e) < 0) {
		http_reply_detail(in, 400, "usage", e.msg);
		return;
	}
	a.request = request;
	a.anthropic = str_ends(http_path(in), "/messages");
	a.stream = json_flag(json_get(request, "stream"), false);
	a.tool = json_size(json_get(request, "tools")) > 0;
	pthread_mutex_lock(&model.lock);
	note(&a, http_path(in));
	action = next_action(text);
	pthread_mutex_unlock(&model.lock);
	if (!action) {
		http_reply_detail(in, 404, "not_found", "the plan has no answer to that");
		return;
	}
	verb = strcspn(action, ":");
	const char *argument = action[verb] ? action + verb + 1 : "";

	action[verb] = '\0';
	if (act(&a, action, argument))
		send_answer(&a);
	buf_release(&a.text);
}

static void route(void *ctx, struct http_in *in)
{
	(void)ctx;
	http_take_small_body(in, BODY_MAX, answer);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "plan", 1, NULL, 'p' }, { "log", 1, NULL, 'l' }, { "port", 1, NULL, 'n' }, { 0 }
	};
	struct http_server_options o = { .address = "127.0.0.1",
					 .threads = 16,
					 .on_request = route };
	struct http_server *server = NULL;
	struct err e = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'p')
			model.plan = optarg;
		else if (c == 'l')
			model.log = optarg;
		else if (c == 'n')
			o.port = (uint16_t)strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	if (!model.plan)
		fail("usage: --plan FILE [--log FILE] [--port N]; no plan", "");
	if (http_server_start(&o, &server, &e) < 0)
		fail(e.msg, "start");
	printf("%u\n", http_server_port(server));
	(void)fflush(stdout);
	for (;;)
		(void)pause();
}
