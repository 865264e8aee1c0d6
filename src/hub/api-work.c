/* SPDX-License-Identifier: Apache-2.0 */
/* What the scheduler asks for beside refresh, scripts and processors: collector, backup, upkeep. */
#include "hub/api.h"

#include "base/time.h"
#include "hub/child.h"
#include "hub/work.h"

/* Ten minutes of reading transcripts is a machine with thousands of them. */
#define COLLECT_DEADLINE_MS ((int64_t)30 * 60 * 1000)
/* Four at once, each answered or given up within half a minute: thousands of tables. */
#define METADATA_DEADLINE_MS ((int64_t)25 * 60 * 1000)
/* The first one copies everything there is. */
#define BACKUP_DEADLINE_MS ((int64_t)6 * 3600 * 1000)

int api_run_collector(struct request *q, struct err *e)
{
	static const char *const argv[] = { "collect", NULL };
	const struct child_job job = { .argv = argv,
				       .action = "run_session_collector",
				       .resource = "job:session-collector",
				       .deadline_ms = COLLECT_DEADLINE_MS,
				       .as_details = true };

	return child_run(q, &job, e);
}

static int reply_skipped(struct request *q, const char *why, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(ROUTE_BODY_MAX);
	struct json_out o = json_out(&text);

	json_open(&o, NULL, '{');
	json_add_bool(&o, "ok", true);
	json_open(&o, "details", '{');
	json_add_bool(&o, "skipped", true);
	json_add_text(&o, "reason", why);
	json_close(&o);
	json_close(&o);
	return reply_json(q, 200, &text, e);
}

int api_run_backup(struct request *q, struct err *e)
{
	const struct hub_settings *settings = hub_settings(q->hub);
	char keep[24];
	const char *argv[] = { "backup", settings->backup_folder, "--keep", keep, NULL };
	struct child_job job = { .argv = argv,
				 .action = "run_backup",
				 .resource = "job:backup",
				 .deadline_ms = BACKUP_DEADLINE_MS,
				 .as_details = true };

	if (!settings->backup_folder || !*settings->backup_folder)
		return reply_skipped(q, "backup.folder is not set in the hub's config.yaml", e);
	(void)snprintf(keep, sizeof(keep), "%lld", (long long)settings->backup_keep);
	return child_run(q, &job, e);
}

int api_run_purge(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	AUTO_BUF struct buf text = BUF_INIT((size_t)1 << 20);
	AUTO_STRV struct strv ids = STRV_INIT;
	struct json_out o = json_out(&text);
	int64_t after_ms = hub_settings(q->hub)->purge_s * 1000;
	int r = request_write(q, &w, e);

	if (r == 0 && after_ms > 0)
		r = work_purge(w.root, time_now() - after_ms, &ids, e);
	if (r == 0)
		r = audit_add(w.db, q->caller, "run_blocked_purge", "job:store-blocked-purge", NULL,
			      e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	if (r < 0)
		return r;
	json_open(&o, NULL, '{');
	json_add_bool(&o, "ok", true);
	json_open(&o, "details", '{');
	json_add_int(&o, "purged", (int64_t)ids.n);
	json_add_texts(&o, "ids", &ids);
	if (after_ms == 0)
		json_add_bool(&o, "skipped", true);
	json_close(&o);
	json_close(&o);
	return reply_json(q, 200, &text, e);
}

int api_run_reap(struct request *q, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	AUTO_BUF struct buf text = BUF_INIT(ROUTE_BODY_MAX);
	struct json_out o = json_out(&text);
	int64_t grace_s = hub_settings(q->hub)->reap_s;
	int64_t reaped = 0;
	int r = request_write(q, &w, e);

	if (r == 0 && grace_s > 0)
		r = work_reap(w.root, grace_s * 1000, &reaped, e);
	if (r == 0)
		r = audit_add(w.db, q->caller, "run_reap_stuck_reviews",
			      "job:store-reap-stuck-reviews", NULL, e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	if (r < 0)
		return r;
	json_open(&o, NULL, '{');
	json_add_bool(&o, "skipped", grace_s == 0);
	json_add_int(&o, "reaped", reaped);
	json_add_int(&o, "grace_seconds", grace_s);
	json_close(&o);
	return reply_json(q, 200, &text, e);
}

int api_run_metadata(struct request *q, struct err *e)
{
	static const char *const argv[] = { "metadata", NULL };
	const struct child_job job = { .argv = argv,
				       .action = "run_bq_metadata_refresh",
				       .resource = "job:bq-metadata-refresh",
				       .deadline_ms = METADATA_DEADLINE_MS };

	return child_run(q, &job, e);
}
