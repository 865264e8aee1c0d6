/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/inbox-internal.h"
#include "agents/record.h"
#include "agents/sync.h"

#include "base/uuid.h"
#include "engine/outbox.h"
#include "scratch.h"

static struct json *parse(const char *text)
{
	struct json *doc = NULL;
	struct err e = { 0 };

	CHECK_OK(json_parse(bytes_of(text), 1 << 20, &doc, &e));
	return doc;
}

TEST(each_shape_of_an_answer_is_understood_and_no_other)
{
	static const struct {
		const char *text;
		int items; /* -1: none of the shapes */
	} cases[] = {
		{ "{\"data\":[1,2]}", 2 },
		{ "{\"data\":{\"context\":[1]}}", 1 },
		{ "{\"data\":{\"items\":[1,2,3]}}", 3 },
		{ "{\"data\":{\"memories\":[]}}", 0 },
		{ "{\"context\":[1]}", 1 },
		{ "{\"items\":[1]}", 1 },
		{ "{\"memories\":[1,2]}", 2 },
		{ "{\"data\":{\"context\":[],\"items\":[1]}}", 1 },
		{ "{\"data\":[],\"memories\":[1]}", 1 },
		{ "[1,2]", -1 },
		{ "{}", -1 },
		{ "{\"data\":null}", -1 },
		{ "{\"data\":{\"context\":5}}", -1 },
		{ "\"portal\"", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_JSON struct json *doc = parse(cases[i].text);
		const struct json *items = sync_find_items(doc);

		CHECK_INT(items ? (int)json_size(items) : -1, cases[i].items);
	}
}

TEST(secrets_go_in_the_clear_to_this_machine_only)
{
	static const char *const fine[] = { "https://hub.example",  "http://127.0.0.1:8765",
					    "http://localhost:1/x", "http://[::1]:80",
					    "http://127.9.9.9",     "http://localhost" };
	static const char *const bad[] = { "http://hub.example",
					   "http://127.0.0.1.evil.example",
					   "http://localhost.example",
					   "http://10.0.0.1",
					   "http://[::2]",
					   "http://127.0.0.1x" };
	struct err e = { 0 };

	(void)unsetenv("LARDER_AGENT_INSECURE");
	for (size_t i = 0; i < ARRAY_LEN(fine); i++)
		CHECK_OK(sync_check_server(fine[i], &e));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK_ERR(sync_check_server(bad[i], &e), ERR_USAGE);
	(void)setenv("LARDER_AGENT_INSECURE", "1", 1);
	CHECK_OK(sync_check_server(bad[0], &e));
	(void)unsetenv("LARDER_AGENT_INSECURE");
}

/* tests/data/agent-record-1.json is the contract: what is written here is what a hub reads. */
static void read_fixture(const char *file, struct buf *out)
{
	AUTO_FREE char *path = xasprintf("%s/tests/data/%s", getenv("LARDER_SOURCE"), file);
	struct err e = { 0 };

	CHECK_OK(file_read(AT_FDCWD, path, 1 << 20, out, &e));
	while (out->n > 0 && out->p[out->n - 1] == '\n')
		out->p[--out->n] = '\0';
}

TEST(a_record_is_that_of_the_contract_with_every_field)
{
	AUTO_JSON struct json *report = parse(
		"{\"findings\":[{\"tool\":\"gosec\",\"severity\":\"high\",\"file\":\"a.go\","
		"\"category\":\"errors\",\"message\":\"unchecked error\"}],"
		"\"changes\":{\"files_changed\":2,\"insertions\":3,\"deletions\":1},\"new\":1}");
	AUTO_BUF struct buf wanted = BUF_INIT(100000);
	AUTO_DISPATCH struct dispatch d = { 0 };
	AUTO_BUF struct buf out = BUF_INIT(100000);
	AUTO_JSON struct json *doc = NULL;
	struct inbox_record record = { 0 };
	struct err e = { 0 };

	dispatch_init(&d);
	dispatch_set(&d.id, "01a2166d-bcd4-7f80-ade1-80ff6060b6c0");
	dispatch_set(&d.name, "core/api/task-7");
	dispatch_set(&d.agent, "codex:gpt-5.4");
	dispatch_set(&d.org, "core");
	dispatch_set(&d.repo, "api");
	dispatch_set(&d.task, "fix it");
	dispatch_set(&d.template, "fix");
	dispatch_set(&d.branch, "agent/fix");
	dispatch_set(&d.reason, "asked");
	dispatch_set(&d.question, "which database?");
	dispatch_set(&d.handle, "p-1");
	dispatch_set(&d.pr_url, "https://forge.example/1");
	d.status = AGENT_BLOCKED;
	d.issue = 7;
	d.runs = 2;
	d.revision = 5;
	d.exit_code = 0;
	d.started_ms = 1772359200000;
	d.updated_ms = d.ended_ms = 1772359260500;
	record_render(&d, report, NULL, &out);
	read_fixture("agent-record-1.json", &wanted);
	CHECK_STR(buf_str(&out), buf_str(&wanted));
	doc = parse(buf_str(&wanted));
	CHECK_INT(json_size(doc), 26);
	CHECK_OK(inbox_read_record(doc, &record, &e));
	CHECK_STR(record.id, d.id);
	CHECK_INT(record.revision, 5);
	CHECK_STR(record.workspace, d.name);
	CHECK_STR(record.agent, d.agent);
	CHECK_STR(record.status, "blocked");
}

TEST(a_record_of_the_older_contract_is_taken)
{
	AUTO_BUF struct buf text = BUF_INIT(100000);
	AUTO_JSON struct json *doc = NULL;
	struct inbox_record record = { 0 };
	struct err e = { 0 };

	read_fixture("agent-record-0.json", &text);
	doc = parse(buf_str(&text));
	CHECK_OK(inbox_read_record(doc, &record, &e));
	/* Known by this, whenever and from whatever version it is sent again. */
	CHECK_STR(record.id, "5d061b7d612ebcd940e8ab34f7f19ac4dd5bbbe113df68758746042a99e18f55");
	CHECK_INT(record.revision, 1);
	CHECK_STR(record.agent, "codex:gpt-5.4");
}

static int read_record(const char *text, struct inbox_record *ret, struct json **ret_doc,
		       struct err *e)
{
	*ret_doc = parse(text);
	return inbox_read_record(*ret_doc, ret, e);
}

TEST(an_older_record_gets_the_same_identity_whenever_it_is_sent)
{
	static const char *const same[] = {
		"{\"id\":\"core/x/t\",\"workspace\":\"core/x/t\",\"repo\":\"x\",\"status\":\"failed\","
		"\"runs\":1,\"updated_at\":\"2026-01-01T00:00:00Z\"}",
		"{\"workspace\":\"core/x/t\",\"repo\":\"x\",\"status\":\"failed\",\"agent\":\"a\","
		"\"runs\":1,\"updated_at\":\"2026-01-01T00:00:00Z\"}",
	};
	static const char other[] =
		"{\"workspace\":\"core/x/t\",\"repo\":\"x\",\"status\":\"failed\",\"runs\":2,"
		"\"updated_at\":\"2026-01-01T00:00:00Z\"}";
	struct json *docs[3] = { NULL };
	struct inbox_record a, b, c;
	struct err e = { 0 };

	CHECK_OK(read_record(same[0], &a, &docs[0], &e));
	CHECK_OK(read_record(same[1], &b, &docs[1], &e));
	CHECK_OK(read_record(other, &c, &docs[2], &e));
	CHECK_STR(a.id, b.id);
	CHECK(strcmp(a.id, c.id) != 0);
	CHECK_STR(b.agent, "a");
	json_free(docs[0]);
	json_free(docs[1]);
	json_free(docs[2]);
}

TEST(a_record_that_tells_nothing_is_rejected_with_the_reason)
{
	static const char *const bad[] = {
		"5",
		"{}",
		"{\"repo\":\"x\"}",
		"{\"status\":\"failed\"}",
		"{\"id\":\"01a2166d-bcd4-7f80-ade1-80ff6060b6c0\",\"repo\":\"x\",\"status\":\"failed\",\"revision\":-1}",
		"{\"id\":\"01a2166d-bcd4-7f80-ade1-80ff6060b6c0\",\"repo\":\"x\",\"status\":\"failed\",\"revision\":99999999999}",
		"{\"repo\":\"x\",\"status\":\"0123456789012345678901234567890123\"}",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO_JSON struct json *doc = NULL;
		struct inbox_record record;
		struct err e = { 0 };

		CHECK_ERR(read_record(bad[i], &record, &doc, &e), ERR_USAGE);
		CHECK(e.msg[0]);
	}
}

TEST(a_report_is_counted)
{
	AUTO_JSON struct json *report = parse(
		"{\"findings\":[{\"severity\":\"high\",\"tool\":\"a\"},{\"severity\":\"high\"},5],"
		"\"changes\":{\"insertions\":3},\"clusters\":[1,2],\"new\":4}");
	AUTO_BUF struct buf out = BUF_INIT(10000);
	AUTO_JSON struct json *doc = NULL;

	record_stats(report, &out);
	doc = parse(buf_str(&out));
	CHECK_INT(json_int(json_get(doc, "findings"), 0), 3);
	CHECK_INT(json_int(json_get(json_get(doc, "severity"), "high"), 0), 2);
	CHECK_INT(json_int(json_get(json_get(doc, "severity"), "other"), 0), 1);
	CHECK_INT(json_int(json_get(doc, "insertions"), 0), 3);
	CHECK_INT(json_int(json_get(doc, "clusters"), 0), 2);
	CHECK_INT(json_int(json_get(doc, "new"), 0), 4);
}

TEST(a_report_that_is_none_is_refused)
{
	AUTO_BUF struct buf big = BUF_INIT(REPORT_BYTES_MAX * 2);
	AUTO_JSON struct json *report = NULL;
	struct err e = { 0 };

	CHECK_ERR(report_parse(bytes_of("[]"), &report, &e), ERR_CORRUPT);
	CHECK_ERR(report_parse(bytes_of("{\"findings\":["), &report, &e), ERR_CORRUPT);
	buf_adds(&big, "{\"x\":\"");
	while (big.n < REPORT_BYTES_MAX - 2)
		buf_addc(&big, 'x');
	buf_adds(&big, "\"}");
	CHECK_INT(big.n, REPORT_BYTES_MAX);
	CHECK_OK(report_parse(buf_bytes(&big), &report, &e));
	json_free(report);
	report = NULL;
	buf_addc(&big, ' ');
	CHECK_ERR(report_parse(buf_bytes(&big), &report, &e), ERR_LIMIT);
}

TEST(a_record_that_was_damaged_here_is_not_sent_and_kept_with_the_reason)
{
	AUTO_SCRATCH char *folder = scratch_new();
	const struct agents_options o = { .path = folder, .create = true, .self = "me" };
	const struct sync_peer peer = { "http://127.0.0.1:1", "token" };
	const struct sync_push_options options = { 0 };
	static const char id[] = "01a2166d-bcd4-7f80-ade1-80ff6060b6c0";
	const struct outbox_item item = { .kind = RECORD_KIND,
					  .subject = id,
					  .key = "01a2166d-bcd4-7f80-ade1-80ff6060b6c0:3:"
						 "0123456789abcdef",
					  .payload = "{\"torn\":" };
	AUTO_PUSH struct sync_pushed pushed = { 0 };
	AUTO_AGENTS struct agents *a = NULL;
	struct err e = { 0 };

	CHECK_OK(agents_open(&o, &a, &e));
	CHECK_OK(db_begin(agents_db(a), &e));
	CHECK_INT(outbox_put(agents_db(a), &item, id, &e), 1);
	CHECK_OK(db_commit(agents_db(a), &e));
	CHECK_OK(sync_push(a, &peer, &options, &pushed, &e));
	CHECK_INT(pushed.requests, 0);
	CHECK_INT(pushed.dead, 1);
	CHECK_INT(pushed.failures.n, 1);
	CHECK_HAS(pushed.failures.v[0], "damaged");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(each_shape_of_an_answer_is_understood_and_no_other),
		CASE(secrets_go_in_the_clear_to_this_machine_only),
		CASE(a_record_is_that_of_the_contract_with_every_field),
		CASE(a_record_of_the_older_contract_is_taken),
		CASE(an_older_record_gets_the_same_identity_whenever_it_is_sent),
		CASE(a_record_that_tells_nothing_is_rejected_with_the_reason),
		CASE(a_report_is_counted),
		CASE(a_report_that_is_none_is_refused),
		CASE(a_record_that_was_damaged_here_is_not_sent_and_kept_with_the_reason),
	};

	return RUN(tests);
}
