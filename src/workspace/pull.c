/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/pull.h"

#include "base/time.h"
#include "duck/duck.h"
#include "engine/journal.h"
#include "engine/ledger.h"
#include "net/http-warm.h"
#include "tables/update.h"
#include "tables/views.h"
#include "workspace/pull-internal.h"

/*
 * The lease's life. The holder's death is noticed at once on this machine; elsewhere (a shared
 * disk) it must outlast the longest single file, between two of which it is renewed.
 */
#define LEASE_MS ((int64_t)6 * 3600 * 1000)

/* In a longer pull nobody sees the tenth of a second, and a child would be there for all of it. */
#define VIEWS_AHEAD_BYTES ((int64_t)1 << 30)

/* Ledger: (SPACE_RULES_SEEN, server) is the bundle's ETag as that manifest told it; absent: it told none.
 */
#define SPACE_RULES_SEEN "manifest-bundle"

static void pull_release(struct pull *p)
{
	http_client_free(p->http); /* first: the request may still be under way */
	pull_rules_release(p);
	http_warm_free(p->warm);
	duck_views_abandon(p->views);
	credentials_release(&p->credentials);
	local_glance_release(&p->glance);
	local_free(p->local);
	free(p->known);
	free(p->url);
	strv_release(&p->headers);
	plan_free(p->plan);
	manifest_free(p->manifest);
	strv_release(&p->wanted);
	free(p->etag);
	lease_drop(p->lease);
}

unsigned pull_jobs(const struct pull *p)
{
	return p->options->jobs ? p->options->jobs : workspace_jobs(p->ws);
}

static int take_lease(struct pull *p, struct err *e)
{
	const struct lease_wait_options options = {
		.name = PULL_LEASE,
		.holder = "larder pull",
		.ttl_ms = LEASE_MS,
		.wait_ms = p->options->wait_ms,
	};
	int r = p->options->dry_run ? 0 : lease_wait(p->db, &options, &p->lease, e);

	return r < 0 ? err_in(e, "workspace '%s'", workspace_path(p->ws)) : 0;
}

static int make_plan(struct pull *p, struct err *e)
{
	struct pull_report *report = p->report;
	int r;

	if (p->unchanged) {
		report->parquets_total = p->local ? p->local->count : p->glance.tables;
		return 0;
	}
	/* each file in it is good as it is loaded: a glance at all of them said so */
	r = p->local ? 0 : local_load(p->root, &p->local, e);
	if (r < 0)
		return r;
	p->plan = plan_make(p->local, p->manifest);
	report->parquets_total = p->manifest->count + p->manifest->kept_on_server;
	report->steps = xcalloc(p->plan->count + 1, sizeof(*report->steps));
	for (size_t i = 0; i < p->plan->count; i++) {
		const struct plan_table *table = &p->plan->tables[i];

		if (table->action == PLAN_KEEP && !p->options->dry_run)
			continue;
		report->steps[report->step_count++] = (struct pull_step){
			.table = xstrdup(plan_table_name(table)),
			.action = table->action,
			.reason = table->reason,
			.bytes = plan_table_bytes(table),
		};
	}
	return 0;
}

/* From here on the state is on its way to another manifest, and may not get there. */
static int forget_etag(struct pull *p, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_lazy(p->db, e);

	if (r < 0)
		return r;
	tx = p->db;
	r = ledger_forget(p->db, PULL_SPACE_MANIFEST, NULL, e);
	if (r == 0)
		r = ledger_forget(p->db, SPACE_RULES_SEEN, NULL, e);
	return r < 0 ? r : db_commit(p->db, e);
}

/* Both lists are in the order of names. */
static void note_bytes(struct pull *p, const struct update_report *done)
{
	size_t k = 0;

	for (size_t i = 0; i < p->report->step_count; i++) {
		struct pull_step *step = &p->report->steps[i];

		if (k == done->table_count ||
		    !str_eq(step->table, plan_table_name(done->tables[k].plan)))
			continue;
		step->bytes_fetched = done->tables[k].bytes_fetched;
		step->bytes_reused = done->tables[k].bytes_reused;
		k++;
	}
}

static bool fetches_any(const struct pull *p)
{
	for (size_t i = 0; p->plan && i < p->plan->count; i++) {
		if (p->plan->tables[i].action == PLAN_FETCH)
			return true;
	}
	return false;
}

static int64_t bytes_to_fetch(const struct pull *p)
{
	int64_t bytes = 0;

	for (size_t i = 0; i < p->plan->count; i++)
		bytes += plan_table_bytes(&p->plan->tables[i]);
	return bytes;
}

static int update_tables(struct pull *p, struct err *e)
{
	AUTO_UPDATE_REPORT struct update_report done = { 0 };
	const struct update_options options = {
		.root = p->root,
		.lease = p->lease,
		.server = p->credentials.server,
		.token = p->credentials.token,
		.mirror = p->manifest->mirror,
		.near = p->http,
		.warm = p->warm,
		.jobs = pull_jobs(p),
		.may_add_jobs = p->options->jobs == 0,
		.batches = p->manifest->batches,
		.rtt_us = p->rtt_us,
		.patches = workspace_patches(p->ws),
		.atomic = p->options->atomic,
		.quiet = p->options->quiet,
		.keep_old_ms = workspace_old_versions_ms(p->ws),
	};
	struct pull_report *report = p->report;
	struct err why = { 0 };
	int r = forget_etag(p, e);

	if (r < 0)
		return r;
	if (fetches_any(p) && bytes_to_fetch(p) <= VIEWS_AHEAD_BYTES)
		p->views = views_begin(p->root); /* it starts while files come */
	if (update_run(&options, p->plan, &done, &why) < 0)
		failures_add(&done.failures, "commit", NULL, &why);
	report->tables_updated = done.updated;
	report->tables_removed = done.removed;
	report->bytes_fetched += done.bytes_fetched;
	report->bytes_reused += done.bytes_reused;
	report->bytes_from_mirror += done.bytes_from_mirror;
	report->requests += done.requests;
	note_bytes(p, &done);
	for (size_t i = 0; i < done.warnings.n; i++)
		strv_add(&report->warnings, done.warnings.v[i]);
	p->wanted = done.wanted;
	done.wanted = (struct strv)STRV_INIT;
	failures_release(&report->failures);
	report->failures = done.failures;
	done.failures = (struct failures){ 0 };
	return 0;
}

static int update_views(struct pull *p, struct err *e)
{
	AUTO_VIEWS_REPORT struct views_report done = { 0 };
	int r = views_apply(p->root, TAKE(p->views), &done, &p->report->failures, e);

	p->report->views_changed = done.changed;
	p->report->views_blocked = done.blocked;
	done.blocked = (struct strv)STRV_INIT;
	return r;
}

static int put_etag(struct pull *p, struct err *e)
{
	const char *server = p->credentials.server;
	int r = ledger_put(p->db, PULL_SPACE_MANIFEST, server, p->etag, e);

	if (r == 0 && *p->manifest->bundle_etag)
		r = ledger_put(p->db, SPACE_RULES_SEEN, server, p->manifest->bundle_etag, e);
	return r;
}

/* What there is to say about the tables; and, when all of it is here, that this manifest was reached. */
static int record_manifest(struct pull *p, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	int r;

	if (p->unchanged)
		return 0;
	r = db_begin_lazy(p->db, e);
	if (r < 0)
		return r;
	tx = p->db;
	r = local_describe(p->db, p->local, p->manifest, e);
	if (r == 0 && p->etag && p->report->failures.n == 0 && p->manifest->warnings.n == 0)
		r = put_etag(p, e);
	return r < 0 ? r : db_commit(p->db, e);
}

/* 1 when the rules here are those the hub has now, as far as the manifest tells. */
static int rules_are_current(struct pull *p, struct err *e)
{
	AUTO_FREE char *told = NULL;
	AUTO_FREE char *applied = NULL;
	int r;

	if (!p->rules_intact)
		return 0;
	if (p->unchanged) {
		r = ledger_get(p->db, SPACE_RULES_SEEN, p->credentials.server, &told, e);
		return r < 0 ? r : told != NULL;
	}
	r = rules_etag(p->root, p->credentials.server, &applied, e);
	return r < 0 ? r : applied && str_eq(applied, p->manifest->bundle_etag);
}

static int update_rules(struct pull *p, struct err *e)
{
	struct err why = { 0 };
	int r = rules_are_current(p, e);

	if (r < 0)
		return r;
	if (r == 0 && pull_rules(p, &why) < 0)
		failures_add(&p->report->failures, "memory_bundle", NULL, &why);
	return rules_count(p->root, &p->report->rules_count, e);
}

/* Far from the server the rules are asked for while files come, by a connection of their own. */
static int ask_rules_ahead(struct pull *p, struct err *e)
{
	int r;

	if (p->rtt_us <= UPDATE_FAR_US || !fetches_any(p))
		return 0;
	r = rules_are_current(p, e);
	return r == 0 ? pull_rules_begin(p, e) : r < 0 ? r : 0;
}

static bool is_wanted(void *ctx, const char *name, int64_t size, int64_t age_ms)
{
	const struct pull *p = ctx;

	(void)size;
	(void)age_ms;
	return strv_has(&p->wanted, name);
}

static int save_run(struct pull *p, int64_t started_ms, struct err *e)
{
	static const char sql_put[] = "INSERT INTO pull_run (started_ms, duration_ms, result)"
				      " VALUES (?1, ?2, ?3)";
	static const char sql_prune[] = "DELETE FROM pull_run WHERE id <= ?1";
	AUTO_BUF struct buf result = BUF_INIT(BUF_OWN_MAX);
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_lazy(p->db, e);

	if (r < 0)
		return r;
	tx = p->db;
	pull_report_json(p->report, workspace_path(p->ws), &result);
	r = db_exec(p->db, e, sql_put, "iit", started_ms, p->report->duration_ms, buf_str(&result));
	if (r == 0 && p->unchanged && p->glance.links_mark)
		r = local_record_links(p->root, p->glance.links_mark, e);
	if (r == 0)
		r = db_exec(p->db, e, sql_prune, "i", db_last_id(p->db) - (int64_t)PULL_RUNS_KEPT);
	return r < 0 ? r : db_commit(p->db, e);
}

static int bring(struct pull *p, struct err *e)
{
	int r = p->unchanged ? 0 : ask_rules_ahead(p, e);

	if (r == 0 && !p->unchanged)
		r = update_tables(p, e);
	if (r == 0)
		r = update_views(p, e);
	if (r == 0)
		r = update_rules(p, e);
	if (r == 0)
		r = record_manifest(p, e);
	if (r == 0)
		r = journal_reap(p->root, is_wanted, p, NULL, e);
	p->report->unchanged = p->unchanged && !p->rules_applied && p->report->views_changed == 0;
	return r;
}

static int add_next_step(struct err *why)
{
	if (why->hint[0])
		return why->code;
	if (why->code == ERR_OFFLINE)
		return err_hint(why, "what was pulled before stays, and queries go on working");
	if (why->code == ERR_AUTH)
		return err_hint(why, "get a new token, then: larder init --token T");
	return why->code;
}

static int run(struct pull *p, struct err *e)
{
	struct err why = { 0 };
	int r = take_lease(p, e);

	if (r == 0)
		r = pull_ask_begin(p, e);
	if (r == 0)
		r = pull_look(p, e);
	if (r < 0)
		return r;
	if (pull_ask_end(p, &why) < 0) {
		(void)add_next_step(&why);
		failures_add(&p->report->failures, "manifest", NULL, &why);
		p->manifest_failed = true;
		return rules_count(p->root, &p->report->rules_count, e);
	}
	r = make_plan(p, e);
	if (r < 0)
		return r;
	return p->options->dry_run ? rules_count(p->root, &p->report->rules_count, e) : bring(p, e);
}

int pull_run(struct workspace *ws, const struct pull_options *options, struct pull_report *report,
	     struct err *e)
{
	AUTO(pull_release)
	struct pull p = {
		.ws = ws,
		.root = workspace_root(ws),
		.db = workspace_db(ws),
		.options = options,
		.report = report,
		.http = options->http,
	};
	int64_t started_ms = time_now();
	int64_t begun = time_monotonic();
	int r = workspace_credentials(ws, &p.credentials, e);

	if (r < 0)
		return r;
	if (!p.http)
		p.http = http_client_new(&(struct http_client_options){ .load_ahead = true });
	r = run(&p, e);
	report->duration_ms = time_monotonic() - begun;
	if (r < 0 || options->dry_run || p.manifest_failed)
		return r;
	return save_run(&p, started_ms, e);
}
