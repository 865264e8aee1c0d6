/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/supervise.h"

#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"

/* This very program, also when its file was replaced since. */
#define SELF "/proc/self/exe"
/* Who lived that long is started again without a pause. */
#define STEADY_MS  10000
#define PAUSE_MS   1000
#define PAUSE_LAST 6 /* doublings: 64 s */

struct supervised {
	struct strv argv, environment;
	struct proc *proc; /* NULL while there is none */
	int64_t started, start_at;
	unsigned failures;
};

struct supervised *supervise_new(const char *url, const char *data, const char *secret)
{
	struct supervised *s = xcalloc(1, sizeof(*s));
	const char *const argv[] = { SELF, "scheduler", "--server", url, "--data", data };

	for (size_t i = 0; i < ARRAY_LEN(argv); i++)
		strv_add(&s->argv, argv[i]);
	if (!log_enabled(LOG_INFO))
		strv_add(&s->argv, "--quiet");
	if (log_format() == LOG_JSON)
		strv_add(&s->argv, "--log-format=json");
	strv_addf(&s->environment, "SCHEDULER_API_TOKEN=%s", secret);
	return s;
}

void supervise_free(struct supervised *s)
{
	if (!s)
		return;
	proc_free(s->proc);
	strv_release(&s->argv);
	for (size_t i = 0; i < s->environment.n; i++)
		explicit_bzero(s->environment.v[i], strlen(s->environment.v[i]));
	strv_release(&s->environment);
	free(s);
}

static void start(struct supervised *s)
{
	const struct proc_options options = {
		.argv = (const char *const *)s->argv.v,
		.environment = (const char *const *)s->environment.v,
		.inherit_stderr = true,
	};
	struct err e = { 0 };

	s->started = time_monotonic();
	if (proc_start(&options, &s->proc, &e) == 0)
		log_event(LOG_INFO, "scheduler", "state=%s", "started");
	else
		log_event(LOG_ERROR, "scheduler", "error=%s", e.msg);
}

static void look_after(struct supervised *s)
{
	int64_t now = time_monotonic();
	struct err e = { 0 };
	int status = -1;

	if (s->proc && !proc_has_ended(s->proc))
		return;
	if (s->proc) {
		(void)proc_wait(s->proc, &status, &e); /* it has ended: this does not wait */
		proc_free(TAKE(s->proc));
	}
	s->failures = now - s->started > STEADY_MS ? 0 : s->failures + 1;
	s->start_at = now;
	if (s->failures > 0)
		s->start_at += PAUSE_MS
			       << (s->failures < PAUSE_LAST ? s->failures - 1 : PAUSE_LAST);
	log_event(LOG_WARN, "scheduler", "state=%s exit=%d again_in_ms=%lld", "ended", status,
		  (long long)(s->start_at - now));
}

int64_t supervise(struct supervised *s)
{
	bool first = s->started == 0;

	if (!first && s->start_at == 0)
		look_after(s);
	if (first || (s->start_at > 0 && time_monotonic() >= s->start_at)) {
		s->start_at = 0;
		start(s);
	}
	return s->start_at > 0 ? s->start_at - time_monotonic() : -1;
}
