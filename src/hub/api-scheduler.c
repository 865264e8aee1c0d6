/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler's one question: what is due, and am I the one to call it? (clock/wire.h) */
#include "hub/api.h"

#include "base/log.h"
#include "base/time.h"
#include "clock/wire.h"
#include "engine/lease.h"
#include "engine/runs.h"
#include "engine/schedule.h"
#include "hub/live.h"

struct claiming {
	struct request *q;
	struct db *db;
	int64_t now;
	char token[LEASE_TOKEN_MAX];
	bool is_known; /* the scheduler has shown this token: its table is ours */
	struct json_out o;
	size_t n;
};

static const char *field(const struct request *q, const char *key)
{
	const char *text = json_text(json_get(q->json, key));

	return text ? text : "";
}

static int hold(struct claiming *c, struct err *e)
{
	const struct lease_claim claim = {
		.name = CLOCK_LEASE,
		.holder = field(c->q, "holder"),
		.owner = field(c->q, "owner"),
		.host = field(c->q, "host"),
		.token = field(c->q, "token"),
		.ttl_ms = CLOCK_LEASE_MS,
	};
	int r;

	if (!*claim.holder || !*claim.owner)
		return err_set(e, ERR_USAGE, "holder and owner are missing");
	r = lease_hold(c->db, &claim, c->token, e);
	c->is_known = r == 0 && str_eq(c->token, claim.token);
	return r;
}

/* How calls ended that this hub may know nothing of: it was not reached, or refused them. */
static int close_ended(struct claiming *c, struct err *e)
{
	const struct json *list = json_get(c->q->json, "ended");
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_size(list); i++) {
		const struct json *x = json_at(list, i);
		int64_t id = json_int(json_get(x, "id"), 0);
		const struct run_result result =
			live_result((int)json_int(json_get(x, "status"), 0), -1,
				    json_text(json_get(x, "detail")));

		if (live_has_begun(hub_live(c->q->hub), id))
			continue; /* its end will be told by its reply */
		r = runs_finish(c->db, id, &result, c->now, e);
		if (r == ERR_NOT_FOUND)
			r = 0;
	}
	return r;
}

/* The texts of the jobs, kept while they are given to the engine. */
struct table {
	struct runs_job *v;
	size_t n;
	struct strv calls;
	struct strv unavailable;
};

static void table_release(struct table *t)
{
	free(t->v);
	strv_release(&t->calls);
	strv_release(&t->unavailable);
}

static int add_job(struct table *t, const struct json *x, int64_t now, struct err *e)
{
	const struct json *call = json_get(x, "call");
	const char *method = json_text(json_get(call, "method"));
	const char *path = json_text(json_get(call, "path"));
	AUTO_BUF struct buf text = BUF_INIT(CLOCK_CLAIM_MAX);
	struct runs_job job = {
		.name = json_text(json_get(x, "name")),
		.schedule = json_text(json_get(x, "schedule")),
		.zone = json_text(json_get(x, "timezone")),
		.anchor_ms = now + json_int(json_get(x, "first_in_ms"), 0),
	};

	if (!job.name || !*job.name || !job.schedule || !method || !path)
		return err_set(e, ERR_USAGE, "a job lacks its name, schedule, method or path");
	if (clock_check_name(job.name, e) < 0)
		return e->code;
	if (!route_exists(method, path)) {
		strv_add(&t->unavailable, job.name);
		return 0;
	}
	json_print(call, &text, false);
	strv_add(&t->calls, buf_str(&text));
	job.call = t->calls.v[t->calls.n - 1];
	t->v[t->n++] = job;
	return 0;
}

static int set_jobs(struct claiming *c, struct table *t, struct err *e)
{
	const struct json *jobs = json_get(c->q->json, "jobs");
	size_t n = json_size(jobs);
	int r = 0;

	if (json_kind(jobs) != JSON_ARRAY)
		return 0;
	if (n > YAML_MAPS_MAX)
		return err_set(e, ERR_LIMIT, "%zu jobs, the limit is %d", n, YAML_MAPS_MAX);
	t->v = xcalloc(n + 1, sizeof(*t->v));
	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_job(t, json_at(jobs, i), c->now, e);
	if (r == 0)
		r = runs_set_jobs(c->db, t->v, t->n, c->now, e);
	c->is_known = r == 0;
	return r;
}

static int add_run(void *ctx, const struct runs_open *run, struct err *e)
{
	struct claiming *c = ctx;
	char planned[TIME_TEXT_MAX];

	(void)e;
	c->n++;
	json_open(&c->o, NULL, '{');
	json_add_int(&c->o, "id", run->id);
	json_add_text(&c->o, "job", run->job);
	json_add_text(&c->o, "planned_at", time_format_iso(run->planned_ms, planned));
	json_add_raw(&c->o, "call", bytes_of(run->call));
	json_close(&c->o);
	return 0;
}

static bool has_begun(void *ctx, int64_t id)
{
	const struct claiming *c = ctx;

	return live_has_begun(hub_live(c->q->hub), id);
}

static int64_t wait_until(int64_t next_ms, int64_t now)
{
	int64_t most = CLOCK_LEASE_MS / 3;
	int64_t wait = next_ms > now ? next_ms - now : 0;

	return wait < most ? wait : most;
}

static int add_runs(struct claiming *c, struct err *e)
{
	const struct runs_claim claim = { .now_ms = c->now,
					  .max = CLOCK_RUNS_MAX,
					  .token = c->token,
					  .ctx = c,
					  .visit = add_run };
	struct runs_claimed claimed = { .next_ms = SCHEDULE_NEVER };
	int r = 0;

	json_open(&c->o, "runs", '[');
	if (c->is_known && json_flag(json_get(c->q->json, "fire"), false)) {
		r = runs_adopt(c->db, &claim, has_begun, e);
		if (r == 0)
			r = runs_claim(c->db, &claim, &claimed, e);
	}
	json_close(&c->o);
	json_add_int(&c->o, "wait_ms",
		     c->is_known ? wait_until(claimed.next_ms, c->now) : (int64_t)0);
	return r;
}

static int lead(struct claiming *c, struct err *e)
{
	AUTO(table_release) struct table t = { 0 };
	int r = close_ended(c, e);

	if (r == 0)
		r = set_jobs(c, &t, e);
	if (r < 0)
		return r;
	json_add_bool(&c->o, "leader", true);
	json_add_text(&c->o, "token", c->token);
	json_add_int(&c->o, "lease_ms", CLOCK_LEASE_MS);
	r = add_runs(c, e);
	json_add_texts(&c->o, "unavailable", &t.unavailable);
	return r;
}

/* Another one leads: when it may be gone, and who it is. */
static int stand_by(struct claiming *c, struct err *e)
{
	AUTO(lease_view_release) struct lease_view view = { 0 };
	AUTO_FREE char *holder = NULL;
	int r = lease_look(c->db, CLOCK_LEASE, &view, e);

	if (r < 0)
		return r;
	holder = xasprintf("%s on %s", r > 0 ? view.holder : "nobody", r > 0 ? view.host : "-");
	json_add_bool(&c->o, "leader", false);
	json_add_text(&c->o, "holder", holder);
	json_add_int(&c->o, "wait_ms", wait_until(r > 0 ? view.expires_ms : 0, c->now));
	return 0;
}

int api_scheduler_claim(struct request *q, struct err *e)
{
	AUTO_LIVE_BATCH struct live_batch batch = { 0 };
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	AUTO_BUF struct buf body = BUF_INIT(CLOCK_CLAIM_MAX);
	struct claiming c = { .q = q, .o = json_out(&body) };
	int r = request_write(q, &w, e);

	if (r < 0)
		return r;
	c.db = w.db;
	c.now = time_now();
	json_open(&c.o, NULL, '{');
	r = live_record(hub_live(q->hub), w.db, &batch, e);
	if (r == 0)
		r = hold(&c, e);
	if (r == 0)
		r = lead(&c, e);
	else if (r == ERR_BUSY)
		r = stand_by(&c, e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	batch.written = r == 0;
	json_close(&c.o);
	return r < 0 ? r : reply_json(q, 200, &body, e);
}

int api_scheduler_release(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	int r = request_write(q, &w, e);

	if (r == 0)
		r = lease_release(w.db, CLOCK_LEASE, field(q, "token"), e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	return r < 0 ? r : reply_nothing(q);
}
