/* SPDX-License-Identifier: Apache-2.0 */
/* The model client against tests/tools/model-server.c. */
#include "llm/llm.h"

#include "base/file.h"
#include "scratch.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#define SCHEMA                                                                                     \
	"{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{\"name\":{\"type\":"         \
	"\"string\",\"maxLength\":10},\"list\":{\"type\":\"array\",\"maxItems\":2,\"items\":"      \
	"{\"type\":\"integer\"}},\"kind\":{\"type\":\"string\",\"enum\":[\"a\",\"b\"]}}}"

struct site {
	char *folder, *plan, *log, *url;
	pid_t pid;
};

static void clear_environment(void)
{
	static const char *const names[] = { "URL",           "KEY",          "MODEL",
					     "KIND",          "JSON",         "PRICE",
					     "RECORD",        "REPLAY",       "TIMEOUT",
					     "BUDGET_TOKENS", "BUDGET_CALLS", "BUDGET_COST" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO_FREE char *name = xasprintf("LARDER_LLM_%s", names[i]);

		(void)unsetenv(name);
	}
}

static void plan(const struct site *s, const char *text)
{
	struct err e = { 0 };

	CHECK_OK(file_replace(AT_FDCWD, s->plan, bytes_of(text), 0600, &e));
}

static void site_start(struct site *s, const char *text)
{
	int out[2];
	char port[20] = { 0 };

	clear_environment();
	s->folder = scratch_new();
	s->plan = xasprintf("%s/plan", s->folder);
	s->log = xasprintf("%s/log", s->folder);
	plan(s, text);
	CHECK_INT(pipe2(out, O_CLOEXEC), 0);
	s->pid = fork();
	if (s->pid == 0) {
		const char *program = getenv("LARDER_MODEL_SERVER");

		(void)dup2(out[1], 1);
		(void)execl(program, program, "--plan", s->plan, "--log", s->log, NULL);
		_exit(127);
	}
	(void)close(out[1]);
	CHECK(read(out[0], port, sizeof(port) - 1) > 1);
	(void)close(out[0]);
	port[strcspn(port, "\n")] = '\0';
	s->url = xasprintf("http://127.0.0.1:%s", port);
	(void)setenv("LARDER_LLM_URL", s->url, 1);
	(void)setenv("LARDER_LLM_MODEL", "m", 1);
}

static void site_stop(struct site *s)
{
	(void)kill(s->pid, SIGKILL);
	(void)waitpid(s->pid, NULL, 0);
	scratch_free(&s->folder);
	free(s->plan);
	free(s->log);
	free(s->url);
	clear_environment();
}
#define SITE(plan_text)                                                                            \
	AUTO(site_stop) struct site site = { 0 };                                                  \
	__attribute__((unused)) struct err e = { 0 };                                              \
	site_start(&site, plan_text)

static char *log_of(const struct site *s)
{
	struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct err e = { 0 };

	(void)file_read(AT_FDCWD, s->log, BUF_OWN_MAX, &text, &e);
	return buf_take(&text);
}

static int calls(const struct site *s)
{
	AUTO_FREE char *log = log_of(s);
	int n = 0;

	for (const char *p = log; *p; p++)
		n += *p == '\n';
	return n;
}

struct heard {
	struct buf text;
	int restarts;
};

static void hear(void *ctx, struct bytes piece)
{
	struct heard *h = ctx;

	buf_add(&h->text, piece.p, piece.n);
}

static void forget(void *ctx)
{
	struct heard *h = ctx;

	h->restarts++;
	buf_clear(&h->text);
}

static struct llm *client(const struct llm_options *options)
{
	struct llm *llm = NULL;
	struct err e = { 0 };

	CHECK_OK(llm_new(options, &llm, &e));
	return llm;
}

static const struct llm_message hello = { .role = LLM_USER, .text = "hello" };

static struct llm_request asks(const char *schema)
{
	return (struct llm_request){ .purpose = "test",
				     .system = "be brief",
				     .messages = &hello,
				     .count = 1,
				     .max_tokens = 100,
				     .schema = schema };
}

static void check_both(const char *plan_text, const char *schema, const char *wanted)
{
	static const char *const kinds[] = { "openai", "anthropic" };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		for (int stream = 0; stream < 2; stream++) {
			SITE(plan_text);
			(void)setenv("LARDER_LLM_KIND", kinds[i], 1);
			AUTO_LLM struct llm *llm = client(NULL);
			AUTO_LLM_ANSWER struct llm_answer a = { 0 };
			struct heard heard = { .text = BUF_INIT(BUF_OWN_MAX) };
			struct llm_request q = asks(schema);

			q.ctx = &heard;
			q.on_text = stream ? hear : NULL;
			CHECK_OK(llm_ask(llm, &q, &a, &e));
			CHECK_STR(a.text, wanted);
			if (stream)
				CHECK_STR(buf_str(&heard.text), wanted);
			CHECK_INT(a.usage.calls, 1);
			CHECK(a.usage.input_tokens > 10 && a.usage.output_tokens > 0);
			CHECK_STR(a.model, "stand-in");
			CHECK_INT(calls(&site), 1);
			buf_release(&heard.text);
		}
	}
}

TEST(both_kinds_answer_whole_and_as_a_stream)
{
	check_both("* - text:Gr\xc3\xbc\xc3\x9f dich, \"Welt\"\n", NULL,
		   "Gr\xc3\xbc\xc3\x9f dich, \"Welt\"");
}

TEST(both_kinds_answer_json_of_a_schema)
{
	check_both("* - text:{\"name\":\"x\",\"list\":[1,2]}\n", SCHEMA,
		   "{\"name\":\"x\",\"list\":[1,2]}");
}

TEST(the_key_goes_where_each_kind_wants_it)
{
	static const char *const kinds[] = { "openai", "anthropic" };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		SITE("* - text:x\n");
		(void)setenv("LARDER_LLM_KEY", "open-sesame", 1);
		(void)setenv("LARDER_LLM_KIND", kinds[i], 1);
		AUTO_LLM struct llm *llm = client(NULL);
		AUTO_LLM_ANSWER struct llm_answer a = { 0 };
		struct llm_request q = asks(NULL);

		CHECK_OK(llm_ask(llm, &q, &a, &e));
		AUTO_FREE char *log = log_of(&site);

		CHECK_HAS(log, "\"key\":\"open-sesame\"");
		CHECK_HAS(log, kinds[i]);
	}
}

TEST(json_is_found_between_fences)
{
	SITE("* - file:answer\n");
	AUTO_FREE char *path = xasprintf("%s/answer", site.folder);
	AUTO_FREE char *text = xasprintf("* - file:%s\n", path);

	CHECK_OK(file_replace(AT_FDCWD, path, bytes_of("Sure!\n```json\n{\"name\": \"x\"}\n```\n"),
			      0600, &e));
	plan(&site, text);
	AUTO_LLM struct llm *llm = client(NULL);
	AUTO_LLM_ANSWER struct llm_answer a = { 0 };
	struct llm_request q = asks(SCHEMA);

	CHECK_OK(llm_ask(llm, &q, &a, &e));
	CHECK_STR(json_text(json_get(a.json, "name")), "x");
}

TEST(a_wrong_answer_is_asked_for_once_more_with_what_was_wrong)
{
	SITE("* 1 text:{\"list\":[]}\n* - text:{\"name\":\"x\"}\n");
	AUTO_LLM struct llm *llm = client(NULL);
	AUTO_LLM_ANSWER struct llm_answer a = { 0 };
	struct llm_request q = asks(SCHEMA);

	CHECK_OK(llm_ask(llm, &q, &a, &e));
	AUTO_FREE char *log = log_of(&site);

	CHECK_STR(json_text(json_get(a.json, "name")), "x");
	CHECK_INT(a.usage.calls, 2);
	CHECK_HAS(log, "name is missing");
}

TEST(an_answer_that_is_wrong_twice_is_an_error_and_no_third_try)
{
	static const char *const wrong[] = { "no json at all",
					     "{\"name\":1}",
					     "{\"name\":\"far too long a name\"}",
					     "{\"name\":\"x\",\"list\":[1,2,3]}",
					     "{\"name\":\"x\",\"list\":[\"a\"]}",
					     "{\"name\":\"x\",\"kind\":\"c\"}" };

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		AUTO_FREE char *text = xasprintf("* - text:%s\n", wrong[i]);
		SITE(text);
		AUTO_LLM struct llm *llm = client(NULL);
		AUTO_LLM_ANSWER struct llm_answer a = { 0 };
		struct llm_request q = asks(SCHEMA);

		CHECK_ERR(llm_ask(llm, &q, &a, &e), ERR_CORRUPT);
		CHECK_INT(calls(&site), 2);
		CHECK(!a.text && !a.json);
	}
}

TEST(a_cut_answer_is_never_used)
{
	static const char *const kinds[] = { "openai", "anthropic" };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		for (int stream = 0; stream < 2; stream++) {
			SITE("* - cut:{\"name\":\"x\"}\n");
			(void)setenv("LARDER_LLM_KIND", kinds[i], 1);
			AUTO_LLM struct llm *llm = client(NULL);
			AUTO_LLM_ANSWER struct llm_answer a = { 0 };
			struct heard heard = { .text = BUF_INIT(BUF_OWN_MAX) };
			struct llm_request q = asks(SCHEMA);

			q.ctx = &heard;
			q.on_text = stream ? hear : NULL;
			CHECK_ERR(llm_ask(llm, &q, &a, &e), ERR_LIMIT);
			CHECK_HAS(e.msg, "100 tokens");
			CHECK_INT(calls(&site), 1);
			CHECK(!a.text);
			/* and it was paid for */
			CHECK(llm_totals(llm).output_tokens > 0);
			buf_release(&heard.text);
		}
	}
}

TEST(a_model_that_declines_is_an_error)
{
	SITE("* - decline:no\n");
	AUTO_LLM struct llm *llm = client(NULL);
	AUTO_LLM_ANSWER struct llm_answer a = { 0 };
	struct llm_request q = asks(NULL);

	CHECK_ERR(llm_ask(llm, &q, &a, &e), ERR_FAILED);
	CHECK_INT(calls(&site), 1);
}

TEST(passing_failures_are_tried_again_and_others_are_not)
{
	static const struct {
		const char *plan;
		int code, calls;
	} cases[] = {
		{ "* 1 status:503\n* - text:fine\n", 0, 2 },
		{ "* 1 status:429:1\n* - text:fine\n", 0, 2 },
		{ "* 1 nonsense\n* - text:fine\n", 0, 2 },
		{ "* 1 broken:x\n* - text:fine\n", 0, 2 },
		{ "* - status:500\n", ERR_REMOTE, 2 },
		{ "* - status:429\n", ERR_BUSY, 2 },
		{ "* - status:401\n", ERR_AUTH, 1 },
		{ "* - status:403\n", ERR_DENIED, 1 },
		{ "* - status:400\n", ERR_FAILED, 1 },
		{ "nothing-fits - text:x\n", ERR_FAILED, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SITE(cases[i].plan);
		AUTO_LLM struct llm *llm = client(&(struct llm_options){ .attempts = 2 });
		AUTO_LLM_ANSWER struct llm_answer a = { 0 };
		struct llm_request q = asks(NULL);

		if (cases[i].code)
			CHECK_ERR(llm_ask(llm, &q, &a, &e), cases[i].code);
		else
			CHECK_OK(llm_ask(llm, &q, &a, &e));
		CHECK_INT(calls(&site), cases[i].calls);
	}
}

TEST(one_attempt_says_how_long_to_wait)
{
	SITE("* - status:429:7\n");
	AUTO_LLM struct llm *llm = client(NULL);
	AUTO_LLM_ANSWER struct llm_answer a = { 0 };
	struct llm_request q = asks(NULL);

	CHECK_ERR(llm_ask_once(llm, &q, &a, &e), ERR_BUSY);
	CHECK_INT(e.retry_after, 7);
	CHECK_INT(calls(&site), 1);
}

TEST(a_stream_that_breaks_off_starts_again_only_where_that_can_be_said)
{
	SITE("* 1 broken:half of it\n* - text:all of it\n");
	AUTO_LLM struct llm *llm = client(NULL);
	AUTO_LLM_ANSWER struct llm_answer a = { 0 };
	struct heard heard = { .text = BUF_INIT(BUF_OWN_MAX) };
	struct llm_request q = asks(NULL);

	q.ctx = &heard;
	q.on_text = hear;
	CHECK_ERR(llm_ask(llm, &q, &a, &e), ERR_OFFLINE);
	CHECK_INT(calls(&site), 1);
	plan(&site, "* 1 broken:half of that\n* - text:all of it\n");
	q.on_restart = forget;
	CHECK_OK(llm_ask(llm, &q, &a, &e));
	CHECK_STR(buf_str(&heard.text), "all of it");
	CHECK_STR(a.text, "all of it");
	CHECK(heard.restarts >= 1);
	buf_release(&heard.text);
}

TEST(nobody_there_is_offline)
{
	clear_environment();
	(void)setenv("LARDER_LLM_URL", "http://127.0.0.1:1", 1);
	(void)setenv("LARDER_LLM_MODEL", "m", 1);
	AUTO_LLM struct llm *llm = client(&(struct llm_options){ .attempts = 1 });
	AUTO_LLM_ANSWER struct llm_answer a = { 0 };
	struct llm_request q = asks(NULL);
	struct err e = { 0 };

	CHECK_ERR(llm_ask(llm, &q, &a, &e), ERR_OFFLINE);
	clear_environment();
}

TEST(what_looks_like_a_token_does_not_leave)
{
	SITE("* - text:x\n");
	AUTO_LLM struct llm *llm = client(NULL);
	AUTO_LLM_ANSWER struct llm_answer a = { 0 };
	struct llm_request q = asks(NULL);
	const struct llm_message m = {
		.role = LLM_USER,
		.text = "my key is ghp_abcdefghijklmnopqrstuvwxyz0123456789 keep it",
	};

	q.messages = &m;
	CHECK_OK(llm_ask(llm, &q, &a, &e));
	AUTO_FREE char *log = log_of(&site);

	CHECK(!strstr(log, "ghp_abc"));
	CHECK_HAS(log, "[redacted:");
	CHECK_INT(a.redacted, 1);
}

TEST(budgets_hold)
{
	static const struct {
		const char *name, *value, *said;
		int asked;
	} cases[] = {
		{ "LARDER_LLM_BUDGET_CALLS", "2", "2 calls", 2 },
		{ "LARDER_LLM_BUDGET_TOKENS", "250", "250 tokens", 0 },
		{ "LARDER_LLM_BUDGET_COST", "0.000001", "dollars", 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		SITE("* - text:x\n");
		(void)setenv(cases[i].name, cases[i].value, 1);
		(void)setenv("LARDER_LLM_PRICE", "3,15", 1);
		AUTO_LLM struct llm *llm = client(NULL);
		struct llm_request q = asks(NULL);
		int r = 0, done = 0;

		while (r == 0 && done < 10) {
			AUTO_LLM_ANSWER struct llm_answer a = { 0 };

			r = llm_ask(llm, &q, &a, &e);
			done += r == 0;
		}
		CHECK_INT(r, ERR_LIMIT);
		CHECK_HAS(e.msg, cases[i].said);
		CHECK_HAS(e.hint, "LARDER_LLM_BUDGET");
		if (cases[i].asked)
			CHECK_INT(done, cases[i].asked);
		CHECK_INT(calls(&site), done);
	}
}

TEST(costs_follow_the_price_that_was_given)
{
	SITE("* - cached:xxxxxxxx\n");
	(void)setenv("LARDER_LLM_PRICE", "1000000,2000000,0", 1);
	AUTO_LLM struct llm *llm = client(NULL);
	AUTO_LLM_ANSWER struct llm_answer a = { 0 };
	struct llm_request q = asks(NULL);
	double wanted;

	CHECK_OK(llm_ask(llm, &q, &a, &e));
	wanted = (double)(a.usage.input_tokens - a.usage.cache_read_tokens) +
		 2.0 * (double)a.usage.output_tokens;
	CHECK(a.usage.cache_read_tokens > 0);
	CHECK(a.usage.cost > wanted - 0.001 && a.usage.cost < wanted + 0.001);
	CHECK(!a.usage.cost_unknown);
}

TEST(an_unknown_cost_is_said_and_not_zero)
{
	SITE("* - text:x\n");
	AUTO_LLM struct llm *llm = client(NULL);
	AUTO_LLM_ANSWER struct llm_answer a = { 0 };
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&text);
	struct llm_request q = asks(NULL);

	CHECK_OK(llm_ask(llm, &q, &a, &e));
	json_open(&o, NULL, '{');
	llm_add_totals(llm, &o, "model");
	json_close(&o);
	CHECK_HAS(buf_str(&text), "\"cost_usd\":null");
	CHECK_HAS(buf_str(&text), "\"calls\":1");
}

TEST(a_recorded_answer_costs_no_call)
{
	SITE("* - text:{\"name\":\"x\"}\n");
	AUTO_FREE char *record = xasprintf("%s/record", site.folder);
	struct llm_request q = asks(SCHEMA);

	(void)setenv("LARDER_LLM_RECORD", record, 1);
	for (int i = 0; i < 3; i++) {
		AUTO_LLM struct llm *llm = client(NULL);
		AUTO_LLM_ANSWER struct llm_answer a = { 0 };

		if (i == 2) { /* and no server is needed */
			(void)unsetenv("LARDER_LLM_URL");
			(void)setenv("LARDER_LLM_REPLAY", "1", 1);
			llm_free(llm);
			llm = client(NULL);
		}
		CHECK_OK(llm_ask(llm, &q, &a, &e));
		CHECK_STR(json_text(json_get(a.json, "name")), "x");
		CHECK_INT(a.usage.replayed, i > 0);
		CHECK_INT(llm_totals(llm).calls, i == 0);
	}
	CHECK_INT(calls(&site), 1);

	AUTO_LLM struct llm *llm = client(NULL);
	AUTO_LLM_ANSWER struct llm_answer a = { 0 };

	q.system = "another question";
	CHECK_ERR(llm_ask(llm, &q, &a, &e), ERR_NOT_FOUND);
}

TEST(of_a_repaired_answer_the_good_one_is_recorded)
{
	SITE("* 1 text:nothing\n* - text:{\"name\":\"x\"}\n");
	AUTO_FREE char *record = xasprintf("%s/record", site.folder);
	struct llm_request q = asks(SCHEMA);

	(void)setenv("LARDER_LLM_RECORD", record, 1);
	for (int i = 0; i < 2; i++) {
		AUTO_LLM struct llm *llm = client(NULL);
		AUTO_LLM_ANSWER struct llm_answer a = { 0 };

		CHECK_OK(llm_ask(llm, &q, &a, &e));
		CHECK_STR(a.text, "{\"name\":\"x\"}");
	}
	CHECK_INT(calls(&site), 2);
}

TEST(what_comes_again_is_marked_for_the_cache)
{
	SITE("* - text:x\n");
	(void)setenv("LARDER_LLM_KIND", "anthropic", 1);
	AUTO_LLM struct llm *llm = client(NULL);
	AUTO_LLM_ANSWER struct llm_answer a = { 0 };
	struct llm_request q = asks(NULL);
	struct llm_message many[8];
	int marks = 0;

	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = (struct llm_message){ i % 2 ? LLM_ASSISTANT : LLM_USER, "m", true };
	q.messages = many;
	q.count = ARRAY_LEN(many) - 1;
	q.cache_system = true;
	CHECK_OK(llm_ask(llm, &q, &a, &e));
	AUTO_FREE char *log = log_of(&site);

	for (const char *p = log; (p = strstr(p, "cache_control")); p++)
		marks++;
	CHECK_INT(marks, LLM_CACHE_MARKS_MAX);
}

TEST(pictures_go_behind_their_text_to_both_kinds)
{
	SITE("* - text:x\n");
	const struct bytes png = { "\x89PNG\r\n\x1a\nxy", 10 };
	const struct llm_picture picture = { llm_picture_type(png), png };
	struct llm_message shown[] = { { .role = LLM_USER, .text = "look" },
				       { .role = LLM_USER, .text = "what is it?" } };
	struct llm_request q = asks(NULL);

	CHECK_STR(picture.type, "image/png");
	CHECK(!llm_picture_type(bytes_of("<svg>")));
	shown[0].pictures = &picture;
	shown[0].picture_count = 1;
	q.messages = shown;
	q.count = 2;
	for (int anthropic = 0; anthropic < 2; anthropic++) {
		(void)setenv("LARDER_LLM_KIND", anthropic ? "anthropic" : "openai", 1);
		AUTO_LLM struct llm *llm = client(NULL);
		AUTO_LLM_ANSWER struct llm_answer a = { 0 };

		CHECK_OK(llm_ask(llm, &q, &a, &e));
	}
	AUTO_FREE char *log = log_of(&site);

	CHECK(strstr(log, "{\"type\":\"text\",\"text\":\"look\"},{\"type\":\"image_url\","
			  "\"image_url\":{\"url\":\"data:image/png;base64,iVBORw0KGgp4eQ==\"}},"
			  "{\"type\":\"text\",\"text\":\"what is it?\"}"));
	CHECK(strstr(
		log,
		"{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\","
		"\"data\":\"iVBORw0KGgp4eQ==\"}}"));
}

struct many {
	struct llm *llm;
	int good;
};

static void *ask_some(void *ctx)
{
	struct many *m = ctx;

	for (int i = 0; i < 5; i++) {
		AUTO_LLM_ANSWER struct llm_answer a = { 0 };
		struct llm_request q = asks(SCHEMA);
		struct err e = { 0 };

		m->good += llm_ask(m->llm, &q, &a, &e) == 0 && a.json;
	}
	return NULL;
}

TEST(many_threads_ask_at_once)
{
	SITE("* - text:{\"name\":\"x\"}\n");
	AUTO_LLM struct llm *llm = client(NULL);
	pthread_t threads[8];
	struct many many[8];

	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		many[i] = (struct many){ .llm = llm };
		CHECK_INT(pthread_create(&threads[i], NULL, ask_some, &many[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		pthread_join(threads[i], NULL);
		CHECK_INT(many[i].good, 5);
	}
	CHECK_INT(llm_totals(llm).calls, 40);
	CHECK_INT(calls(&site), 40);
}

TEST(a_question_over_the_limit_is_refused_before_it_leaves)
{
	SITE("* - text:x\n");
	AUTO_LLM struct llm *llm = client(NULL);
	AUTO_LLM_ANSWER struct llm_answer a = { 0 };
	AUTO_FREE char *text = xmalloc(LLM_REQUEST_MAX + 2);
	struct llm_request q = asks(NULL);
	struct llm_message m = { .role = LLM_USER };

	memset(text, 'x', LLM_REQUEST_MAX + 1);
	text[LLM_REQUEST_MAX + 1] = '\0';
	m.text = text;
	q.messages = &m;
	q.system = NULL;
	CHECK_ERR(llm_ask(llm, &q, &a, &e), ERR_LIMIT);
	text[LLM_REQUEST_MAX] = '\0';
	CHECK_OK(llm_ask(llm, &q, &a, &e));
	CHECK_INT(calls(&site), 1);
}

TEST(an_address_may_lack_the_path_of_the_call)
{
	static const char *const endings[] = {
		"", "/", "/v1", "/v1/", "/v1/chat/completions", "/proxy/openai"
	};
	SITE("* - text:x\n");

	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		AUTO_FREE char *url = xasprintf("%s%s", site.url, endings[i]);
		struct llm_request q = asks(NULL);
		AUTO_LLM_ANSWER struct llm_answer a = { 0 };

		(void)setenv("LARDER_LLM_URL", url, 1);
		AUTO_LLM struct llm *llm = client(NULL);

		CHECK_OK(llm_ask(llm, &q, &a, &e));
	}
	AUTO_FREE char *log = log_of(&site);

	CHECK_HAS(log, "\"path\":\"/v1/chat/completions\"");
	CHECK_HAS(log, "\"path\":\"/proxy/openai/chat/completions\"");
	CHECK(!strstr(log, "completions/chat"));
}

TEST(wrong_settings_are_told_by_name)
{
	static const char *const wrong[][2] = {
		{ "LARDER_LLM_URL", "localhost" },    { "LARDER_LLM_KIND", "other" },
		{ "LARDER_LLM_JSON", "yes" },         { "LARDER_LLM_PRICE", "3" },
		{ "LARDER_LLM_PRICE", "3,x" },        { "LARDER_LLM_BUDGET_TOKENS", "0" },
		{ "LARDER_LLM_BUDGET_COST", "much" }, { "LARDER_LLM_TIMEOUT", "-1" },
	};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct llm *llm = NULL;
		struct err e = { 0 };

		clear_environment();
		(void)setenv("LARDER_LLM_URL", "http://127.0.0.1:1", 1);
		(void)setenv("LARDER_LLM_MODEL", "m", 1);
		CHECK(llm_configured());
		(void)setenv(wrong[i][0], wrong[i][1], 1);
		CHECK_ERR(llm_new(NULL, &llm, &e), ERR_USAGE);
		CHECK_HAS(e.msg, wrong[i][0]);
	}
	clear_environment();
	CHECK(!llm_configured());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(both_kinds_answer_whole_and_as_a_stream),
		CASE(both_kinds_answer_json_of_a_schema),
		CASE(the_key_goes_where_each_kind_wants_it),
		CASE(json_is_found_between_fences),
		CASE(a_wrong_answer_is_asked_for_once_more_with_what_was_wrong),
		CASE(an_answer_that_is_wrong_twice_is_an_error_and_no_third_try),
		CASE(a_cut_answer_is_never_used),
		CASE(a_model_that_declines_is_an_error),
		CASE(passing_failures_are_tried_again_and_others_are_not),
		CASE(one_attempt_says_how_long_to_wait),
		CASE(a_stream_that_breaks_off_starts_again_only_where_that_can_be_said),
		CASE(nobody_there_is_offline),
		CASE(what_looks_like_a_token_does_not_leave),
		CASE(budgets_hold),
		CASE(costs_follow_the_price_that_was_given),
		CASE(an_unknown_cost_is_said_and_not_zero),
		CASE(a_recorded_answer_costs_no_call),
		CASE(of_a_repaired_answer_the_good_one_is_recorded),
		CASE(what_comes_again_is_marked_for_the_cache),
		CASE(pictures_go_behind_their_text_to_both_kinds),
		CASE(many_threads_ask_at_once),
		CASE(a_question_over_the_limit_is_refused_before_it_leaves),
		CASE(an_address_may_lack_the_path_of_the_call),
		CASE(wrong_settings_are_told_by_name),
	};

	return RUN(tests);
}
