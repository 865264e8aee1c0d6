/* SPDX-License-Identifier: Apache-2.0 */
#include "clock/loop.h"

#include "base/log.h"
#include "base/proc.h"
#include "base/time.h"
#include "clock/wire.h"
#include "net/http-multi.h"
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <sys/queue.h>
#include <sys/signalfd.h>

#define HOLDER "larder scheduler"
/* On their way at once. A hub answers short calls a handful at a time, and more of them only cost both
 * sides time (measured: 256 twice as much as 24); one that takes longer than SLOW_MS is a job at
 * work, of which there may be many. */
#define CALLS_QUICK 24
#define CALLS_MAX   1000
#define SLOW_MS     500
/* Beyond these that wait for their turn, no more runs are claimed: as many as a table can have. */
#define QUEUE_MAX  YAML_MAPS_MAX
#define ASK_MS     10000
#define ASK_GAP_MS 100 /* between questions that only ends of runs are the reason for */
#define PAUSE_MS   1000
#define PAUSE_MAX  10000
#define RELEASE_MS 2000 /* who was told to stop stops, if the hub hangs, by then */
#define DETAIL_MAX 200
#define ENDED_MAX  ((size_t)8 << 20)

/* A run to be called. */
struct call {
	TAILQ_ENTRY(call) link; /* of the queue, then of those on their way */
	bool slow;
	int64_t id, started, timeout_ms;
	char *job, *method, *url;
	struct strv headers;
	struct http_request request;
};

struct loop {
	const struct clock_options *options;
	struct http_multi *multi;
	int signals;
	char owner[PROC_IDENTITY_MAX];
	char host[HOST_NAME_MAX + 1];

	char *token;       /* of the lease; "" before */
	char *table_token; /* the one under which the hub got the table */
	bool leader, told_standby;

	TAILQ_HEAD(calls, call) queue;
	size_t queued;
	struct calls started; /* the oldest first */
	size_t on_way, slow;
	struct buf ended; /* elements of "ended", with a comma behind each */

	bool asking, asked_with_jobs, asked_to_fire;
	size_t ended_sent;
	char *ask_url;
	struct buf ask_body;
	struct http_request ask;
	int64_t ask_at, asked_at, fire_at; /* monotonic */
	unsigned ask_failures;

	bool stop, over; /* over: once is done */
	int failed;
	struct err error; /* of the last question */
};

static void call_free(struct call *c)
{
	free(c->job);
	free(c->method);
	free(c->url);
	strv_release(&c->headers);
	free(c);
}

static void calls_release(struct calls *calls)
{
	struct call *c;

	while ((c = TAILQ_FIRST(calls)) != NULL) {
		TAILQ_REMOVE(calls, c, link);
		call_free(c);
	}
}

static void loop_release(struct loop *l)
{
	http_multi_free(l->multi);
	calls_release(&l->queue);
	calls_release(&l->started);
	free(l->token);
	free(l->table_token);
	buf_release(&l->ended);
	buf_release(&l->ask_body);
	free(l->ask_url);
	if (l->signals >= 0)
		(void)close(l->signals); /* only read from */
}

static void ask_soon(struct loop *l, int64_t at)
{
	if (at < l->ask_at)
		l->ask_at = at;
}

/* Asking. */

static int write_question(struct loop *l, bool with_jobs, struct err *e)
{
	struct json_out o = json_out(&l->ask_body);
	AUTO_BUF struct buf ended = BUF_INIT(ENDED_MAX + 2);
	int r = 0;

	buf_addc(&ended, '[');
	buf_add(&ended, l->ended.p, l->ended.n > 0 ? l->ended.n - 1 : 0);
	buf_addc(&ended, ']');
	json_open(&o, NULL, '{');
	json_add_text(&o, "holder", HOLDER);
	json_add_text(&o, "owner", l->owner);
	json_add_text(&o, "host", l->host);
	json_add_text(&o, "token", l->token);
	json_add_bool(&o, "fire", l->asked_to_fire);
	json_add_raw(&o, "ended", buf_bytes(&ended));
	if (with_jobs)
		r = clock_add_jobs(&o, l->options->table, e);
	json_close(&o);
	return r;
}

static int start_asking(struct loop *l, struct err *e)
{
	int64_t now = time_monotonic();
	bool with_jobs = l->leader && !str_eq(l->token, l->table_token);
	struct http_call call = { .request = &l->ask, .timeout_ms = ASK_MS, .tag = l };

	buf_clear(&l->ask_body);
	l->asked_to_fire = now >= l->fire_at;
	if (write_question(l, with_jobs, e) < 0)
		return e->code;
	l->asked_with_jobs = with_jobs;
	l->ended_sent = l->ended.n;
	l->ask.body = buf_bytes(&l->ask_body);
	l->asking = true;
	l->asked_at = now;
	return http_multi_start(l->multi, &call, e);
}

static void drop_ended(struct loop *l)
{
	if (l->ended_sent == 0)
		return;
	memmove(l->ended.p, l->ended.p + l->ended_sent, l->ended.n - l->ended_sent + 1);
	l->ended.n -= l->ended_sent;
}

static void queue_run(struct loop *l, const struct clock_run *run)
{
	struct call *c = xcalloc(1, sizeof(*c));

	c->id = run->id;
	c->timeout_ms = run->timeout_s * 1000;
	c->job = xstrdup(run->job);
	c->method = xstrdup(run->method);
	c->url = xasprintf("%s%s", l->options->server, run->path);
	strv_addf(&c->headers, CLOCK_RUN_HEADER ": %" PRId64, run->id);
	c->request = (struct http_request){ .method = c->method,
					    .url = c->url,
					    .token = l->options->token,
					    .headers = &c->headers };
	TAILQ_INSERT_TAIL(&l->queue, c, link);
	l->queued++;
}

static int take_runs(struct loop *l, const struct clock_answer *a, struct err *e)
{
	for (size_t i = 0; i < json_size(a->runs); i++) {
		struct clock_run run;

		if (clock_read_run(json_at(a->runs, i), &run, e) < 0)
			return e->code;
		queue_run(l, &run);
	}
	return 0;
}

static void tell_unavailable(const struct clock_answer *a)
{
	for (size_t i = 0; i < json_size(a->unavailable); i++)
		log_event(LOG_INFO, "unavailable", "job=%s reason=%s",
			  json_text(json_at(a->unavailable, i)), "this hub has no such endpoint");
}

static void stand_by(struct loop *l, const struct clock_answer *a)
{
	if (l->leader || !l->told_standby)
		log_event(LOG_INFO, "standby", "holder=%s", a->holder);
	l->leader = false;
	l->told_standby = true;
}

static int lead(struct loop *l, const struct clock_answer *a, struct err *e)
{
	if (!l->leader)
		log_event(LOG_INFO, "leading", "server=%s", l->options->server);
	l->leader = true;
	l->told_standby = false;
	free(l->token);
	l->token = xstrdup(a->token);
	if (l->asked_with_jobs) {
		free(l->table_token);
		l->table_token = xstrdup(a->token);
		tell_unavailable(a);
	}
	return take_runs(l, a, e);
}

static int use_answer(struct loop *l, const struct http_reply *reply, struct err *e)
{
	AUTO_JSON struct json *doc = NULL;
	struct clock_answer a = { 0 };
	int r = http_expect(reply, 200, e);

	if (r == 0 && json_parse(buf_bytes(&reply->body), CLOCK_CLAIM_MAX, &doc, e) < 0)
		r = err_in(e, "the answer of '%s'", l->options->server);
	if (r == 0)
		r = clock_read_answer(doc, &a, e);
	if (r < 0)
		return r;
	drop_ended(l);
	l->ask_at = time_monotonic() + a.wait_ms;
	if (!a.leader)
		stand_by(l, &a);
	else
		r = lead(l, &a, e);
	l->over = l->options->once && l->asked_to_fire &&
		  (!a.leader || (a.wait_ms > 0 && str_eq(l->token, l->table_token)));
	if (l->over && !a.leader)
		r = err_set(e, ERR_BUSY, "another scheduler leads: %s", a.holder);
	return r;
}

static void on_answer(struct loop *l, const struct http_reply *reply, const struct err *e)
{
	struct err why = *e;
	int r = e->code < 0 ? e->code : use_answer(l, reply, &why);
	int64_t pause;

	l->asking = false;
	l->error = (struct err){ 0 };
	if (r == 0) {
		l->ask_failures = 0;
		return;
	}
	l->error = why;
	/* The hub may have given us runs in an answer that was lost. Under a new token it gives those
	 * again that have not begun. */
	l->token[0] = '\0';
	pause = l->ask_failures < 4 ? PAUSE_MS << l->ask_failures : PAUSE_MAX;
	l->ask_at = time_monotonic() + pause;
	/* The first of a row is told, and one a minute. */
	if (l->ask_failures++ % 6 == 0 && !l->options->once)
		log_event(LOG_WARN, "ask", "error=%s hint=%s", why.msg, why.hint);
	if (l->options->once)
		l->over = true;
}

/* Calling. */

static void note_end(struct loop *l, const struct call *c, int status, const char *detail)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&text);
	struct bytes bytes = { detail, strnlen(detail, DETAIL_MAX) };

	json_open(&o, NULL, '{');
	json_add_int(&o, "id", c->id);
	json_add_int(&o, "status", status);
	json_add_bytes(&o, "detail", bytes);
	json_close(&o);
	if (l->ended.n + text.n + 1 > ENDED_MAX)
		return; /* the next leader's answer to open runs: they are handed out again */
	buf_add(&l->ended, text.p, text.n);
	buf_addc(&l->ended, ',');
}

static void on_end(struct loop *l, struct call *c, const struct http_reply *reply,
		   const struct err *e)
{
	AUTO_JSON struct json *doc = NULL;
	int64_t now = time_monotonic();
	const char *detail = e->code < 0 ? e->msg : NULL;
	bool good = e->code == 0 && reply->status < 400;
	struct err ignored = { 0 };

	if (e->code == 0 && !good) {
		(void)json_parse(buf_bytes(&reply->body), HTTP_SMALL_BODY_MAX, &doc, &ignored);
		detail = json_text(json_get(doc, "detail"));
		if (!detail)
			detail = buf_str(&reply->body);
	}
	log_event(good ? LOG_INFO : LOG_WARN, "run",
		  "job=%s run=%" PRId64 " status=%ld ms=%" PRId64 " detail=%s", c->job, c->id,
		  reply->status, now - c->started, detail ? detail : "-");
	if (!good) {
		note_end(l, c, (int)reply->status, detail ? detail : "");
		l->failed++;
	}
	TAILQ_REMOVE(&l->started, c, link);
	l->on_way--;
	l->slow -= c->slow;
	ask_soon(l, now > l->asked_at + ASK_GAP_MS ? now : l->asked_at + ASK_GAP_MS);
	call_free(c);
}

static void on_done(void *ctx, void *tag, const struct http_reply *reply, const struct err *e)
{
	struct loop *l = ctx;

	if (tag == l)
		on_answer(l, reply, e);
	else
		on_end(l, tag, reply, e);
}

/* Those that have been on their way for long no longer count among the quick ones. */
static void count_slow(struct loop *l, int64_t now)
{
	struct call *c;

	/* The slow ones stand in front. */
	TAILQ_FOREACH(c, &l->started, link)
	{
		if (c->slow)
			continue;
		if (now - c->started < SLOW_MS)
			break;
		c->slow = true;
		l->slow++;
	}
}

static int start_call(struct loop *l, struct call *c, int64_t now, struct err *e)
{
	const struct http_call call = { &c->request, c->timeout_ms, c };
	struct err why = { 0 };

	c->started = now;
	if (http_multi_start(l->multi, &call, &why) == 0) {
		TAILQ_INSERT_TAIL(&l->started, c, link);
		l->on_way++;
		return 0;
	}
	if (why.code == ERR_USAGE) /* a path that is no address */
		note_end(l, c, 400, why.msg);
	else
		*e = why;
	call_free(c);
	return why.code == ERR_USAGE ? 0 : e->code;
}

static int start_calls(struct loop *l, struct err *e)
{
	int64_t now = time_monotonic();
	struct call *c;
	int r = 0;

	count_slow(l, now);
	while (r == 0 && (c = TAILQ_FIRST(&l->queue)) != NULL && l->on_way < CALLS_MAX &&
	       l->on_way - l->slow < CALLS_QUICK) {
		TAILQ_REMOVE(&l->queue, c, link);
		l->queued--;
		r = start_call(l, c, now, e);
	}
	return r;
}

/* The loop. */

static bool is_done(const struct loop *l)
{
	return l->stop || (l->over && l->queued == 0 && http_multi_running(l->multi) == 0);
}

static int64_t pause_of(const struct loop *l)
{
	int64_t now = time_monotonic();
	int64_t until = l->ask_at;

	if (l->queued > 0)
		return SLOW_MS; /* by then a place is free, or calls are known to be slow */
	if (l->asking || l->over)
		return PAUSE_MAX; /* what moves is what we wait for */
	if (l->fire_at > now && l->fire_at < until)
		until = l->fire_at;
	return until > now ? until - now : 0;
}

static int step(struct loop *l, struct err *e)
{
	int64_t now = time_monotonic();
	struct signalfd_siginfo info;
	bool grace_ends = !l->asked_to_fire && now >= l->fire_at;
	int r = 0;

	if (!l->asking && !l->over && l->queued < QUEUE_MAX && (now >= l->ask_at || grace_ends))
		r = start_asking(l, e);
	if (r == 0)
		r = start_calls(l, e);
	if (r == 0)
		r = http_multi_wait(l->multi, l->signals, pause_of(l), e);
	if (r > 0 && read(l->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		log_event(LOG_INFO, "stopping", "signal=%u", info.ssi_signo);
		l->stop = true;
	}
	return r < 0 ? r : 0;
}

static void released(void *ctx, void *tag, const struct http_reply *reply, const struct err *e)
{
	(void)ctx;
	(void)tag;
	(void)reply;
	(void)e; /* then it lapses by itself */
}

/* So that another one need not wait for the lease's end. Calls on their way are left: the hub knows
 * what it is at work on. */
static void release(struct loop *l)
{
	AUTO_FREE char *url = xasprintf("%s" CLOCK_RELEASE_PATH, l->options->server);
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	AUTO_HTTP_MULTI struct http_multi *m = NULL;
	struct http_multi_options o = { .done = released };
	struct http_request q = { .method = "POST",
				  .url = url,
				  .token = l->options->token,
				  .content_type = "application/json" };
	struct http_call call = { .request = &q, .timeout_ms = RELEASE_MS, .tag = l };
	struct json_out out = json_out(&body);
	struct err ignored = { 0 };

	json_open(&out, NULL, '{');
	json_add_text(&out, "token", l->token);
	json_close(&out);
	q.body = buf_bytes(&body);
	m = http_multi_new(&o);
	if (http_multi_start(m, &call, &ignored) < 0)
		return;
	while (http_multi_running(m) > 0 && http_multi_wait(m, -1, RELEASE_MS, &ignored) >= 0)
		;
}

static int prepare(struct loop *l, struct err *e)
{
	const struct http_multi_options o = { .connections = CALLS_QUICK,
					      .ctx = l,
					      .done = on_done };
	sigset_t set;

	(void)sigemptyset(&set); /* these fail only for signals that do not exist */
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	l->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (l->signals < 0)
		return err_sys(e, "wait for signals");
	proc_identity(getpid(), l->owner);
	if (gethostname(l->host, sizeof(l->host) - 1) < 0)
		l->host[0] = '\0';
	l->multi = http_multi_new(&o);
	l->ask_url = xasprintf("%s" CLOCK_CLAIM_PATH, l->options->server);
	l->ask = (struct http_request){ .method = "POST",
					.url = l->ask_url,
					.token = l->options->token,
					.content_type = "application/json",
					.max_body = CLOCK_CLAIM_MAX };
	l->ask_at = time_monotonic();
	l->fire_at = l->ask_at + (l->options->once ? 0 : l->options->table->grace_s * 1000);
	return 0;
}

int clock_run(const struct clock_options *options, struct err *e)
{
	AUTO(loop_release)
	struct loop l = {
		.options = options,
		.signals = -1,
		.token = xstrdup(""),
		.table_token = xstrdup(""),
		.ended = BUF_INIT(ENDED_MAX),
		.ask_body = BUF_INIT(CLOCK_CLAIM_MAX),
	};
	int r;

	TAILQ_INIT(&l.queue);
	TAILQ_INIT(&l.started);
	r = prepare(&l, e);
	while (r == 0 && !is_done(&l))
		r = step(&l, e);
	if (l.leader)
		release(&l);
	if (r == 0 && options->once && l.error.code < 0) {
		*e = l.error;
		r = e->code;
	}
	if (r == 0 && options->once && l.failed > 0)
		r = err_set(e, ERR_FAILED, "%d runs did not succeed", l.failed);
	return r;
}
