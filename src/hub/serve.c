/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/serve.h"

#include "access/scheduler.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/time.h"
#include "hub/jobs-view.h"
#include "hub/live.h"
#include "hub/notify.h"
#include "hub/query-pool.h"
#include "hub/routes.h"
#include "hub/supervise.h"
#include "hub/upkeep.h"
#include <fcntl.h>
#include <signal.h>

/* A certificate with its whole chain is some 10 KB. */
#define PEM_MAX ((size_t)1 << 20)

/* 43 characters. */
#define SECRET_BYTES 32

struct serving {
	struct hub *hub;
	struct http_server *server;
	char *address;
	char *url; /* once it listens */
	int64_t port;
	struct buf cert, key;
	sigset_t signals;
	struct supervised *scheduler; /* NULL: none of ours */
	enum jobs_presence presence;  /* of any scheduler, as last told */
	int result;                   /* of serve_run() */
};

static void serving_release(struct serving *s)
{
	struct err why = { 0 };

	supervise_free(s->scheduler);
	/* What a conversion still uses is not freed under it: the process ends now, and with it the
	 * conversion, which changed nothing yet. */
	if (!http_server_stop(s->server, SERVE_DRAIN_MS)) {
		log_event(LOG_WARN, "cut", "what=%s", "a publish that was converting");
		_exit(err_exit_code(s->result));
	}
	if (s->hub && live_settle(s->hub, &why) < 0)
		log_event(LOG_WARN, "stopping", "error=%s", why.msg);
	hub_close(s->hub);
	free(s->address);
	free(s->url);
	buf_release(&s->cert);
	if (s->key.p)
		explicit_bzero(s->key.p, s->key.n);
	buf_release(&s->key);
}

/* "127.0.0.1:80" or "[::1]:80". */
static int parse_listen(const char *text, struct serving *s, struct err *e)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;

	if (n > 2 && text[0] == '[' && text[n - 1] == ']')
		s->address = xstrndup(text + 1, n - 2);
	else if (n > 0 && !memchr(text, ':', n))
		s->address = xstrndup(text, n);
	if (!s->address || parse_int64(colon + 1, 0, UINT16_MAX, &s->port, e) < 0)
		return err_set(e, ERR_USAGE, "listen address '%s' is not ADDRESS:PORT", text);
	return 0;
}

static int read_pem(const char *path, struct buf *out, struct err *e)
{
	out->max = PEM_MAX;
	return file_read(AT_FDCWD, path, PEM_MAX, out, e);
}

static int read_tls(const struct serve_options *options, struct serving *s, struct err *e)
{
	int r;

	if (!options->tls_cert && !options->tls_key)
		return 0;
	if (!options->tls_cert || !options->tls_key)
		return err_set(e, ERR_USAGE, "--tls-cert and --tls-key go together");
	r = read_pem(options->tls_cert, &s->cert, e);
	return r < 0 ? r : read_pem(options->tls_key, &s->key, e);
}

/* The library's threads inherit the mask, so that the signals wait for the loop below. */
static void hold_signals(struct serving *s)
{
	(void)sigemptyset(&s->signals); /* these fail only for signals that do not exist */
	(void)sigaddset(&s->signals, SIGTERM);
	(void)sigaddset(&s->signals, SIGINT);
	(void)sigaddset(&s->signals, SIGCHLD);
	(void)sigaddset(&s->signals, SIGHUP); /* its terminal was closed; nohup discards it */
	(void)pthread_sigmask(SIG_BLOCK, &s->signals, NULL);
}

/* What jobs run as children ends with us (hub/child.h). */
static void be_a_parent(void)
{
	char pid[32];

	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	(void)setenv(PROC_PARENT, pid, 1); /* fails only for want of memory */
}

static int start(struct serving *s, struct err *e)
{
	const struct hub_settings *settings = hub_settings(s->hub);
	struct http_server_options o = {
		.address = s->address,
		.port = (uint16_t)s->port,
		.tls_cert = s->cert.p,
		.tls_key = s->key.p,
		.threads = (unsigned)settings->threads,
		.connections = (unsigned)settings->connections,
		.ctx = s->hub,
		.on_request = routes_answer,
	};

	if (!s->cert.p && !str_starts(s->address, "127.") && !str_eq(s->address, "::1"))
		log_event(LOG_WARN, "no-tls", "address=%s advice=%s", s->address,
			  "tokens travel in the clear unless a proxy in front adds TLS");
	return http_server_start(&o, &s->server, e);
}

static char *url_of(const struct serving *s)
{
	bool v6 = strchr(s->address, ':') != NULL;

	return xasprintf("%s://%s%s%s:%u", s->cert.p ? "https" : "http", v6 ? "[" : "", s->address,
			 v6 ? "]" : "", (unsigned)http_server_port(s->server));
}

static int announce(const struct serve_options *options, const struct serving *s, struct err *e)
{
	log_event(LOG_INFO, "serving", "data=%s url=%s", hub_path(s->hub), s->url);
	return options->on_ready(options->ctx, options->data, s->url, e);
}

/* What fails for want of disk is told and tried again; a lease that is gone ends the hub, since
 * another one serves this folder now. */
static int tick(struct hub *hub, struct err *e)
{
	struct err why = { 0 };
	bool lost = false;
	int r = hub_tick(hub, &lost, &why);

	if (r < 0 && lost) {
		*e = why;
		return err_in(e, "hub '%s'", hub_path(hub));
	}
	if (r == 0)
		r = hub_settle(hub, &why);
	if (r == 0)
		r = live_settle(hub, &why);
	query_pool_warm(hub_queries(hub)); /* before anybody asks */
	if (r < 0)
		log_event(LOG_ERROR, "tick", "error=%s", why.msg);
	return 0;
}

static void keep_up(struct hub *hub)
{
	struct err why = { 0 };

	if (hub_upkeep(hub, &why) < 0)
		log_event(LOG_WARN, "upkeep", "error=%s", why.msg);
}

/* The next signal but SIGCHLD, or 0 when the time is over. A child that ended may be the scheduler. */
static int next_signal(struct serving *s, int64_t until)
{
	for (;;) {
		int64_t again = s->scheduler ? supervise(s->scheduler) : -1;
		int64_t left = until - time_monotonic();
		int64_t ms = again >= 0 && again < left ? again : left;
		struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
		int signal = 0;

		if (left <= 0)
			return 0;
		signal = sigtimedwait(&s->signals, NULL, &pause);
		if (signal > 0 && signal != SIGCHLD)
			return signal;
	}
}

/* A scheduler that asks no more, or again, is told once. */
static void watch_scheduler(struct serving *s)
{
	AUTO_JOBS_SCHEDULER struct jobs_scheduler now = { 0 };
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	char seen[TIME_TEXT_MAX];
	struct err why = { 0 }; /* what is wrong with the database is told by others */

	if (hub_write_try(s->hub, &w, &why) != 1 || jobs_look(w.db, time_now(), &now, &why) < 0 ||
	    now.presence == s->presence)
		return;
	if (now.presence == JOBS_SILENT)
		log_event(LOG_WARN, "scheduler", "state=%s last_question=%s", "silent",
			  time_format_iso(now.seen_ms, seen));
	else
		log_event(LOG_INFO, "scheduler", "state=%s", jobs_presence_word(now.presence));
	s->presence = now.presence;
}

static int wait_for_signal(struct serving *s, struct err *e)
{
	int64_t upkeep = 0;

	watch_scheduler(s);
	while (next_signal(s, time_monotonic() + HUB_TICK_MS) == 0) {
		int r = tick(s->hub, e);

		watch_scheduler(s);

		if (r < 0)
			return r;
		if (time_monotonic() < upkeep)
			continue;
		keep_up(s->hub);
		upkeep = time_monotonic() + UPKEEP_MS;
	}
	return 0;
}

/* The secret that hub and scheduler share: the environment's, or one of our own when the scheduler is
 * our child. */
static int share_secret(const struct serve_options *options, struct serving *s, struct err *e)
{
	const char *given = getenv("SCHEDULER_API_TOKEN");
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	char made[RANDOM_TEXT_MAX] = "";
	int r = hub_write_begin(s->hub, &w, e);

	s->url = url_of(s);
	if (r == 0)
		r = scheduler_set_secret(w.db, given, e);
	if (r == 0 && given && *given)
		log_event(LOG_WARN, "secret", "variable=%s error=%s", "SCHEDULER_API_TOKEN",
			  "it is too short and not used: at least 32 characters");
	if (r == 0 && options->with_scheduler) {
		random_text(SECRET_BYTES, made);
		r = scheduler_set_secret(w.db, made, e);
	}
	if (r >= 0)
		r = hub_write_commit(&w, e);
	if (r == 0 && options->with_scheduler)
		s->scheduler = supervise_new(s->url, hub_path(s->hub), *made ? made : given);
	explicit_bzero(made, sizeof(made));
	(void)unsetenv("SCHEDULER_API_TOKEN"); /* no child of ours has any business with it */
	return r;
}

int serve_run(const struct serve_options *options, struct err *e)
{
	struct hub_options hub = { .path = options->data, .serve = true };
	AUTO(serving_release) struct serving s = { 0 };
	int r = parse_listen(options->listen, &s, e);

	if (r == 0)
		r = read_tls(options, &s, e);
	if (r < 0)
		return r;
	hold_signals(&s);
	be_a_parent();
	r = hub_open(&hub, &s.hub, e);
	if (r == 0)
		r = start(&s, e);
	if (r == 0)
		r = share_secret(options, &s, e);
	if (r == 0)
		r = announce(options, &s, e);
	if (r < 0)
		return r;
	notify_supervisor("READY=1");
	r = wait_for_signal(&s, e);
	notify_supervisor("STOPPING=1");
	log_event(LOG_INFO, "stopping", "drain_ms=%d", SERVE_DRAIN_MS);
	/* The next one is meant: it ends the process in the middle of the drain. */
	(void)pthread_sigmask(SIG_UNBLOCK, &s.signals, NULL);
	s.result = r;
	return r;
}
