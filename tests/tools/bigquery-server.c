/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for Google: gives tokens to one service account, and answers as BigQuery's REST interface
 * does. It checks what it is sent (signatures, times, tokens, the shape of each request) and refuses
 * what Google would; it runs no SQL, but answers as its data says.
 *
 *	bigquery-server --account FILE --data FILE --plan FILE [--key FILE] [--log FILE] [--port N]
 *
 * makes a key (which takes a while: the one of --key is used, or kept there), writes the account's JSON to FILE, prints its port and serves until it is killed. The
 * data is read anew for each request:
 *
 *	{"location": "EU", "page_rows": 3,
 *	 "answers": [{"contains": "FROM orders", "bytes": 5000, "schema": {"fields": [...]},
 *	              "rows": [[...], ...], "count": N}],
 *	 "tables": {"shop.orders": {what tables.get gives}}}
 *
 * The first answer whose text the statement contains is the one; values of rows stand as BigQuery
 * sends them ({"v": ...} is put around). With "count" there are N rows, the first one again and again.
 * A line of the plan is
 *
 *	WHAT TIMES ACTION[:ARGUMENT]
 *
 * WHAT is token, dryrun, insert, results, job, cancel, table or '*'; the first line that fits and was used
 * fewer than TIMES times ('-': always) is what goes wrong:
 *
 *	status:CODE[:REASON]   that error        late:CODE[:REASON]  the same, but it is done
 *	torn                   half an answer    nonsense            no JSON
 *	wait:MS                later             expired             every token given is forgotten
 *	running                the job runs      fails:REASON        the job has failed
 *	bytes:TEXT             totalBytesProcessed                   few     rows are left out at the end
 *	endless                pages without rows                    again   the same page again and again
 *	expires:S              of the token      kind:TYPE           the statement's type
 *
 * --log gets one JSON line per request: what, path, query, body, status, wrong (why it was refused).
 */
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/str.h"
#include "jws-check.h"
#include "net/http-server.h"
#include "net/url.h"

#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#define BODY_MAX   ((size_t)8 << 20)
#define DATA_MAX   ((size_t)32 << 20)
#define LINES_MAX  200
#define JOBS_MAX   5000
#define TOKENS_MAX 200
#define EMAIL      "larder@stand-in.iam.gserviceaccount.com"
#define KEY_ID     "key-1"
#define PROJECT    "stand-in"

struct job {
	char *id, *answer; /* the JSON of its answer */
	char *failed;      /* a reason; NULL: it has not */
	bool cancelled;
};

static struct {
	const char *account, *data, *plan, *log, *key_file;
	EVP_PKEY *key;
	char *token_uri;
	pthread_mutex_t lock;
	char *last; /* the plan as it was: another one is counted anew */
	int used[LINES_MAX];
	char tokens[TOKENS_MAX][RANDOM_TEXT_MAX];
	size_t token_count;
	struct job jobs[JOBS_MAX];
	size_t job_count;
} site = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct visit {
	struct http_in *in;
	const char *what; /* of the plan */
	struct bytes body;
	struct json *request; /* NULL without a body */
	struct json *data;
	const char *project, *rest; /* of the path */
	char *action, *argument;    /* NULL: all goes well */
	int status;
	char wrong[300];
	struct buf out;
};

static void fail(const char *what, const char *text)
{
	fprintf(stderr, "bigquery-server: %s '%s'\n", what, text);
	exit(1);
}

static void read_text(const char *path, struct buf *out)
{
	struct err e = { 0 };

	if (file_read(AT_FDCWD, path, DATA_MAX, out, &e) < 0)
		fail(e.msg, path);
}

static bool line_fits(const char *line, const char *what, int used, const char **ret_action)
{
	char name[40], times[20];
	int n = 0;

	if (!*line || *line == '#')
		return false;
	if (sscanf(line, "%39s %19s %n", name, times, &n) != 2 || !n)
		fail("a line that is not understood:", line);
	*ret_action = line + n;
	return (str_eq(name, "*") || str_eq(name, what)) &&
	       (str_eq(times, "-") || used < (int)strtol(times, NULL, 10));
}

static void choose_action(struct visit *v)
{
	AUTO_BUF struct buf plan = BUF_INIT(DATA_MAX);
	AUTO_STRV struct strv lines = STRV_INIT;
	const char *action = NULL;

	read_text(site.plan, &plan);
	if (!str_eq(site.last, buf_str(&plan))) {
		free(site.last);
		site.last = xstrdup(buf_str(&plan));
		memset(site.used, 0, sizeof(site.used));
	}
	strv_split(&lines, buf_str(&plan), '\n');
	for (size_t i = 0; i < lines.n && i < LINES_MAX; i++) {
		if (!line_fits(lines.v[i], v->what, site.used[i], &action))
			continue;
		site.used[i]++;
		v->action = xstrdup(action);
		v->argument = v->action + strcspn(v->action, ":");
		if (*v->argument)
			*v->argument++ = '\0';
		return;
	}
}

static bool told(const struct visit *v, const char *action)
{
	return v->action && str_eq(v->action, action);
}

static bool refuse(struct visit *v, int status, const char *reason, const char *message)
{
	struct json_out o = json_out(&v->out);

	buf_clear(&v->out);
	json_open(&o, NULL, '{');
	json_open(&o, "error", '{');
	json_add_int(&o, "code", status);
	json_add_text(&o, "message", message);
	json_open(&o, "errors", '[');
	json_open(&o, NULL, '{');
	json_add_text(&o, "reason", reason);
	json_add_text(&o, "message", message);
	json_close(&o);
	json_close(&o);
	json_close(&o);
	json_close(&o);
	v->status = status;
	return false;
}

/* The request is not what Google takes. */
static bool wrong(struct visit *v, const char *why)
{
	(void)snprintf(v->wrong, sizeof(v->wrong), "%s", why);
	return refuse(v, 400, "invalid", why);
}

static bool refuse_grant(struct visit *v, const char *why)
{
	struct json_out o = json_out(&v->out);

	json_open(&o, NULL, '{');
	json_add_text(&o, "error", "invalid_grant");
	json_add_text(&o, "error_description", why);
	json_close(&o);
	v->status = 400;
	(void)snprintf(v->wrong, sizeof(v->wrong), "%s", why);
	return false;
}

/* The value of a form's field, decoded; NULL: it is not there. The caller owns it. */
static char *form_field(struct bytes form, const char *key)
{
	AUTO_FREE char *text = xstrndup(form.p ? form.p : "", form.n);
	AUTO_STRV struct strv fields = STRV_INIT;
	size_t n = strlen(key);
	struct err e = { 0 };

	strv_split(&fields, text, '&');
	for (size_t i = 0; i < fields.n; i++) {
		AUTO_BUF struct buf out = BUF_INIT(BODY_MAX);

		if (strncmp(fields.v[i], key, n) != 0 || fields.v[i][n] != '=')
			continue;
		if (url_decode(bytes_of(fields.v[i] + n + 1), true, &out, &e) == 0)
			return buf_take(&out);
	}
	return NULL;
}

static bool text_is(const struct json *object, const char *key, const char *wanted)
{
	return str_eq(json_text(json_get(object, key)), wanted);
}

static bool check_claims(struct visit *v, const struct json *header, const struct json *claims)
{
	int64_t now = (int64_t)time(NULL), iat = json_int(json_get(claims, "iat"), 0),
		exp = json_int(json_get(claims, "exp"), 0);

	if (!text_is(header, "alg", "RS256") || !text_is(header, "typ", "JWT") ||
	    !text_is(header, "kid", KEY_ID))
		return refuse_grant(v, "Invalid JWT: its header");
	if (!text_is(claims, "iss", EMAIL))
		return refuse_grant(v, "Invalid JWT: iss");
	if (!text_is(claims, "aud", site.token_uri))
		return refuse_grant(v, "Invalid JWT: aud");
	if (!text_is(claims, "scope", "https://www.googleapis.com/auth/bigquery"))
		return refuse_grant(v, "Invalid JWT: scope");
	if (iat < now - 300 || iat > now + 300 || exp <= now || exp - iat > 3600)
		return refuse_grant(v, "Invalid JWT: Token must be a short-lived token (60 "
				       "minutes) and in a reasonable timeframe.");
	return true;
}

static bool check_assertion(struct visit *v)
{
	AUTO_BUF struct buf header = BUF_INIT(BODY_MAX), claims = BUF_INIT(BODY_MAX);
	AUTO_JSON struct json *h = NULL;
	AUTO_JSON struct json *c = NULL;
	AUTO_FREE char *grant = form_field(v->body, "grant_type");
	AUTO_FREE char *assertion = form_field(v->body, "assertion");
	const char *type = http_header(v->in, "Content-Type");
	struct err e = { 0 };

	if (!str_eq(http_method(v->in), "POST") ||
	    !str_eq(type, "application/x-www-form-urlencoded"))
		return refuse_grant(v, "the request is no form");
	if (!str_eq(grant, "urn:ietf:params:oauth:grant-type:jwt-bearer") || !assertion)
		return refuse_grant(v, "the grant is of another type");
	if (!jws_check(site.key, bytes_of(assertion), &header, &claims))
		return refuse_grant(v, "Invalid JWT Signature.");
	if (json_parse(buf_bytes(&header), BODY_MAX, &h, &e) < 0 ||
	    json_parse(buf_bytes(&claims), BODY_MAX, &c, &e) < 0)
		return refuse_grant(v, "Invalid JWT: no JSON");
	return check_claims(v, h, c);
}

static void give_token(struct visit *v)
{
	struct json_out o = json_out(&v->out);
	char *token = site.tokens[site.token_count++ % TOKENS_MAX];

	if (!check_assertion(v))
		return;
	random_text(30, token);
	json_open(&o, NULL, '{');
	json_add_text(&o, "access_token", token);
	json_add_text(&o, "token_type", "Bearer");
	json_add_int(&o, "expires_in", told(v, "expires") ? strtoll(v->argument, NULL, 10) : 3599);
	json_close(&o);
}

static bool check_bearer(struct visit *v)
{
	const char *token = http_bearer(v->in);

	if (told(v, "expired"))
		memset(site.tokens, 0, sizeof(site.tokens));
	for (size_t i = 0; token && i < TOKENS_MAX; i++)
		if (*site.tokens[i] && str_eq(site.tokens[i], token))
			return true;
	return refuse(v, 401, "authError", "Request had invalid authentication credentials.");
}

/* The answer whose text the statement holds. */
static const struct json *answer_for(const struct visit *v, const char *sql)
{
	const struct json *answers = json_get(v->data, "answers");

	for (size_t i = 0; i < json_size(answers); i++) {
		const char *part = json_text(json_get(json_at(answers, i), "contains"));

		if (part && strstr(sql, part))
			return json_at(answers, i);
	}
	return NULL;
}

static bool is_digits(const char *text)
{
	return text && *text && !text[strspn(text, "0123456789")];
}

static bool check_query(struct visit *v, const struct json *configuration, const char *id)
{
	const struct json *query = json_get(configuration, "query");
	const struct json *billed = json_get(query, "maximumBytesBilled");
	const struct json *reference = json_get(v->request, "jobReference");
	bool dry_run = json_flag(json_get(configuration, "dryRun"), false);

	if (!text_is(reference, "projectId", v->project))
		return wrong(v, "jobReference.projectId is not that of the path");
	if (json_kind(json_get(configuration, "dryRun")) != JSON_BOOL)
		return wrong(v, "dryRun is not said");
	if (!json_text(json_get(query, "query")))
		return wrong(v, "there is no query");
	if (json_flag(json_get(query, "useLegacySql"), true))
		return wrong(v, "useLegacySql is not false");
	if (billed && !is_digits(json_text(billed)))
		return wrong(v, "maximumBytesBilled is no count in a text");
	if (dry_run ? id != NULL : (!id || strncmp(id, "larder_", 7) != 0))
		return wrong(v, "jobId must be there, but for a dry run");
	if (!dry_run && json_get(configuration, "jobTimeoutMs") &&
	    !is_digits(json_text(json_get(configuration, "jobTimeoutMs"))))
		return wrong(v, "jobTimeoutMs is no count in a text");
	return true;
}

static struct job *job_called(const char *id, size_t n)
{
	for (size_t i = 0; i < site.job_count; i++)
		if (strlen(site.jobs[i].id) == n && strncmp(site.jobs[i].id, id, n) == 0)
			return &site.jobs[i];
	return NULL;
}

static void add_job(struct visit *v, const char *id, const char *failed)
{
	struct json_out o = json_out(&v->out);

	json_open(&o, NULL, '{');
	json_open(&o, "jobReference", '{');
	json_add_text(&o, "projectId", v->project);
	json_add_text(&o, "jobId", id);
	json_add_text(&o, "location", json_text(json_get(v->data, "location")));
	json_close(&o);
	json_open(&o, "status", '{');
	json_add_text(&o, "state", failed ? "DONE" : "RUNNING");
	if (failed) {
		json_open(&o, "errorResult", '{');
		json_add_text(&o, "reason", failed);
		json_add_text(&o, "message", "the job failed as told");
		json_close(&o);
	}
	json_close(&o);
	json_close(&o);
}

static void price(struct visit *v, const struct json *answer)
{
	struct json_out o = json_out(&v->out);
	AUTO_FREE char *bytes =
		xasprintf("%lld", (long long)json_int(json_get(answer, "bytes"), 0));

	json_open(&o, NULL, '{');
	json_open(&o, "jobReference", '{');
	json_add_text(&o, "location", json_text(json_get(v->data, "location")));
	json_close(&o);
	json_open(&o, "status", '{');
	json_add_text(&o, "state", "DONE");
	json_close(&o);
	json_open(&o, "statistics", '{');
	json_add_text(&o, "totalBytesProcessed", told(v, "bytes") ? v->argument : bytes);
	json_open(&o, "query", '{');
	json_add_text(&o, "statementType", told(v, "kind") ? v->argument : "SELECT");
	json_close(&o);
	json_close(&o);
	json_close(&o);
}

static void start_job(struct visit *v, const struct json *query, const struct json *answer,
		      const char *id)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	const char *billed = json_text(json_get(query, "maximumBytesBilled"));
	struct job *job = &site.jobs[site.job_count];

	if (job_called(id, strlen(id))) {
		(void)refuse(v, 409, "duplicate", "Already Exists: Job");
		return;
	}
	if (site.job_count == JOBS_MAX)
		fail("too many jobs:", id);
	json_print(answer, &text, false);
	*job = (struct job){ .id = xstrdup(id), .answer = buf_take(&text) };
	site.job_count++;
	if (told(v, "fails"))
		job->failed = xstrdup(v->argument);
	if (billed && strtoll(billed, NULL, 10) < json_int(json_get(answer, "bytes"), 0))
		job->failed = xstrdup("bytesBilledLimitExceeded");
	add_job(v, id, job->failed);
}

static void insert(struct visit *v)
{
	const struct json *configuration = json_get(v->request, "configuration");
	const struct json *query = json_get(configuration, "query");
	const char *sql = json_text(json_get(query, "query"));
	const char *id = json_text(json_get(json_get(v->request, "jobReference"), "jobId"));
	const char *type = http_header(v->in, "Content-Type");
	const struct json *answer;

	if (!str_eq(type, "application/json")) {
		(void)wrong(v, "the body is not said to be JSON");
		return;
	}
	if (!check_query(v, configuration, id))
		return;
	answer = answer_for(v, sql);
	if (!answer)
		(void)refuse(v, 400, "invalidQuery", "Syntax error: nothing is known of that");
	else if (json_flag(json_get(configuration, "dryRun"), false))
		price(v, answer);
	else
		start_job(v, query, answer, id);
}

static void add_row(struct json_out *o, const struct json *row)
{
	json_open(o, NULL, '{');
	json_open(o, "f", '[');
	for (size_t i = 0; i < json_size(row); i++) {
		AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);

		json_print(json_at(row, i), &text, false);
		json_open(o, NULL, '{');
		json_add_raw(o, "v", buf_bytes(&text));
		json_close(o);
	}
	json_close(o);
	json_close(o);
}

static void add_page(struct visit *v, const struct json *answer, int64_t from, int64_t n)
{
	const struct json *rows = json_get(answer, "rows");
	int64_t total = json_int(json_get(answer, "count"), (int64_t)json_size(rows));
	AUTO_BUF struct buf schema = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *total_text = xasprintf("%lld", (long long)total);
	AUTO_FREE char *bytes =
		xasprintf("%lld", (long long)json_int(json_get(answer, "bytes"), 0));
	struct json_out o = json_out(&v->out);
	int64_t to = from + n < total ? from + n : total;
	char token[RANDOM_TEXT_MAX];

	json_print(json_get(answer, "schema"), &schema, false);
	json_open(&o, NULL, '{');
	json_add_bool(&o, "jobComplete", true);
	json_add_raw(&o, "schema", buf_bytes(&schema));
	json_add_text(&o, "totalRows", total_text);
	json_add_text(&o, "totalBytesProcessed", bytes);
	json_add_bool(&o, "cacheHit", false);
	if (told(v, "few"))
		to = total;
	(void)snprintf(token, sizeof(token), "from-%lld",
		       (long long)(told(v, "again") ? from : to));
	if (told(v, "endless"))
		random_text(9, token);
	if (to < total || told(v, "endless"))
		json_add_text(&o, "pageToken", token);
	json_open(&o, "rows", '[');
	for (int64_t i = from; i < to && !told(v, "endless"); i++)
		if (i > 0 || !told(v, "few"))
			add_row(&o, json_at(rows, json_get(answer, "count") ? 0 : (size_t)i));
	json_close(&o);
	json_close(&o);
}

static bool check_results(struct visit *v)
{
	const char *location = json_text(json_get(v->data, "location"));

	if (!is_digits(http_query(v->in, "maxResults")) ||
	    strtoll(http_query(v->in, "maxResults"), NULL, 10) > 10000)
		return wrong(v, "maxResults is no count up to 10000");
	if (!is_digits(http_query(v->in, "timeoutMs")))
		return wrong(v, "timeoutMs is no count");
	if (!str_eq(http_query(v->in, "formatOptions.useInt64Timestamp"), "true"))
		return wrong(v, "times are not asked for in whole numbers");
	if (!str_eq(http_query(v->in, "location"), location))
		return refuse(v, 404, "notFound", "Not found: Job, in that location");
	return true;
}

static void results(struct visit *v, const struct job *job)
{
	AUTO_JSON struct json *answer = NULL;
	const char *token = http_query(v->in, "pageToken");
	int64_t page = json_int(json_get(v->data, "page_rows"), 10000), from = 0, n;
	struct err e = { 0 };

	if (!check_results(v))
		return;
	if (job->failed) {
		(void)refuse(v, 400, job->failed, "the job failed as told");
		return;
	}
	if (told(v, "running")) {
		buf_adds(&v->out, "{\"jobComplete\":false}");
		return;
	}
	if (json_parse_deep(bytes_of(job->answer), DATA_MAX, 200, &answer, &e) < 0)
		fail(e.msg, job->answer);
	if (token && sscanf(token, "from-%lld", (long long *)&from) != 1 && !told(v, "endless")) {
		(void)wrong(v, "pageToken is none of ours");
		return;
	}
	n = strtoll(http_query(v->in, "maxResults"), NULL, 10);
	add_page(v, answer, from, n < page ? n : page);
}

/* "queries/ID", "jobs/ID", "jobs/ID/cancel" */
static void with_job(struct visit *v, const char *id)
{
	size_t n = strcspn(id, "/");
	struct job *job = job_called(id, n);

	if (!job) {
		(void)refuse(v, 404, "notFound", "Not found: Job");
	} else if (str_eq(v->what, "cancel")) {
		job->cancelled = true;
		add_job(v, job->id, "stopped");
	} else if (str_eq(v->what, "job")) {
		add_job(v, job->id, job->failed);
	} else {
		results(v, job);
	}
}

/* "datasets/DATASET/tables/TABLE" */
static void table(struct visit *v)
{
	AUTO_STRV struct strv parts = STRV_INIT;
	AUTO_FREE char *name = NULL;
	const struct json *found;

	strv_split(&parts, v->rest, '/');
	if (parts.n != 4 || !str_eq(parts.v[2], "tables")) {
		(void)wrong(v, "no such address");
		return;
	}
	name = xasprintf("%s.%s", parts.v[1], parts.v[3]);
	found = json_get(json_get(v->data, "tables"), name);
	if (found)
		json_print(found, &v->out, false);
	else
		(void)refuse(v, 404, "notFound", "Not found: Table");
}

static const char *what_of(const struct visit *v)
{
	const struct json *configuration = json_get(v->request, "configuration");

	if (str_eq(http_path(v->in), "/token"))
		return "token";
	if (str_starts(v->rest, "queries/"))
		return "results";
	if (str_starts(v->rest, "datasets/"))
		return "table";
	if (str_ends(v->rest, "/cancel"))
		return "cancel";
	if (str_starts(v->rest, "jobs/"))
		return "job";
	return json_flag(json_get(configuration, "dryRun"), false) ? "dryrun" : "insert";
}

static void do_it(struct visit *v)
{
	const char *slash = strchr(v->rest, '/');

	if (str_eq(v->what, "token"))
		give_token(v);
	else if (!check_bearer(v))
		return;
	else if (str_eq(v->what, "table"))
		table(v);
	else if (slash)
		with_job(v, slash + 1);
	else if (str_eq(http_method(v->in), "POST") && str_eq(v->rest, "jobs"))
		insert(v);
	else
		(void)wrong(v, "no such address");
}

static void act(struct visit *v)
{
	AUTO_STRV struct strv parts = STRV_INIT;

	if (!told(v, "status"))
		do_it(v);
	if (told(v, "status") || told(v, "late")) {
		strv_split(&parts, v->argument, ':');
		(void)refuse(v, (int)strtol(parts.v[0], NULL, 10),
			     parts.n > 1 ? parts.v[1] : "unknown", "told to fail");
	}
	if (told(v, "nonsense")) {
		buf_clear(&v->out);
		buf_adds(&v->out, "<html>hello");
	}
	if (told(v, "torn"))
		v->out.n /= 2;
}

static void note(const struct visit *v)
{
	static const char *const keys[] = { "maxResults", "pageToken", "location" };
	AUTO_BUF struct buf line = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&line);
	FILE *f = site.log ? fopen(site.log, "ae") : NULL;

	if (!f)
		return;
	json_open(&o, NULL, '{');
	json_add_text(&o, "what", v->what);
	json_add_text(&o, "path", http_path(v->in));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		json_add_text(&o, keys[i], http_query(v->in, keys[i]));
	if (v->request)
		json_add_raw(&o, "body", v->body);
	json_add_int(&o, "status", v->status);
	json_add_text(&o, "wrong", *v->wrong ? v->wrong : NULL);
	json_close(&o);
	(void)fprintf(f, "%s\n", buf_str(&line));
	(void)fclose(f);
}

static void read_request(struct visit *v, struct buf *data)
{
	struct err e = { 0 };

	read_text(site.data, data);
	if (json_parse_deep(buf_bytes(data), DATA_MAX, 200, &v->data, &e) < 0)
		fail(e.msg, site.data);
	if (json_parse(v->body, BODY_MAX, &v->request, &e) < 0)
		v->request = NULL;
}

static void answer(struct http_in *in, struct bytes body)
{
	static const char start[] = "/bigquery/v2/projects/";
	struct visit v = { .in = in, .body = body, .status = 200, .out = BUF_INIT(BUF_OWN_MAX) };
	AUTO_BUF struct buf data = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *project = NULL;
	const char *path = http_path(in);

	v.rest = "";
	if (str_starts(path, start)) {
		path += strlen(start);
		project = xstrndup(path, strcspn(path, "/"));
		v.rest = path + strlen(project) + (path[strlen(project)] == '/');
	}
	v.project = project;
	pthread_mutex_lock(&site.lock);
	read_request(&v, &data);
	v.what = what_of(&v);
	choose_action(&v);
	pthread_mutex_unlock(&site.lock);
	if (told(&v, "wait"))
		(void)poll(NULL, 0, (int)strtol(v.argument, NULL, 10));
	pthread_mutex_lock(&site.lock);
	act(&v);
	note(&v);
	pthread_mutex_unlock(&site.lock);
	http_reply_bytes(in, v.status, "application/json", buf_bytes(&v.out));
	free(v.action);
	json_free(v.request);
	json_free(v.data);
	buf_release(&v.out);
}

static void route(void *ctx, struct http_in *in)
{
	(void)ctx;
	http_take_small_body(in, BODY_MAX, answer);
}

static void write_account(void)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *pem = jws_pem(site.key, NULL);
	struct json_out o = json_out(&out);
	struct err e = { 0 };

	json_open(&o, NULL, '{');
	json_add_text(&o, "type", "service_account");
	json_add_text(&o, "project_id", PROJECT);
	json_add_text(&o, "private_key_id", KEY_ID);
	json_add_text(&o, "private_key", pem);
	json_add_text(&o, "client_email", EMAIL);
	json_add_text(&o, "token_uri", site.token_uri);
	json_close(&o);
	if (file_replace(AT_FDCWD, site.account, buf_bytes(&out), 0600, &e) < 0)
		fail(e.msg, site.account);
}

static EVP_PKEY *find_key(void)
{
	AUTO_FREE char *pem = NULL;
	FILE *f = site.key_file ? fopen(site.key_file, "re") : NULL;
	EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
	struct err e = { 0 };

	if (f)
		(void)fclose(f);
	if (key)
		return key;
	key = jws_new_key();
	pem = jws_pem(key, NULL);
	if (site.key_file && file_replace(AT_FDCWD, site.key_file, bytes_of(pem), 0600, &e) < 0)
		fail(e.msg, site.key_file);
	return key;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "account", 1, NULL, 'a' },
						 { "data", 1, NULL, 'd' },
						 { "plan", 1, NULL, 'p' },
						 { "key", 1, NULL, 'k' },
						 { "log", 1, NULL, 'l' },
						 { "port", 1, NULL, 'n' },
						 { 0 } };
	struct http_server_options o = { .address = "127.0.0.1",
					 .threads = 8,
					 .on_request = route };
	struct http_server *server = NULL;
	struct err e = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'n')
			o.port = (uint16_t)strtoul(optarg, NULL, 10);
		else if (c == '?')
			return 2;
		else
			*(c == 'a'   ? &site.account
			  : c == 'd' ? &site.data
			  : c == 'k' ? &site.key_file
			  : c == 'p' ? &site.plan
				     : &site.log) = optarg;
	}
	if (!site.account || !site.data || !site.plan)
		fail("usage: --account FILE --data FILE --plan FILE [--key FILE] [--log FILE] [--port N]",
		     "");
	site.key = find_key();
	if (http_server_start(&o, &server, &e) < 0)
		fail(e.msg, "start");
	site.token_uri = xasprintf("http://127.0.0.1:%u/token", http_server_port(server));
	write_account();
	printf("%u\n", http_server_port(server));
	(void)fflush(stdout);
	for (;;)
		(void)pause();
}
