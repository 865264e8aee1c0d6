/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/health.h"

#include "base/sandbox.h"
#include "base/time.h"
#include "tables/registry.h"
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* Names of jobs in a sentence: who has more of them looks at the list. */
#define NAMES_MAX 5

void health_release(struct health *h)
{
	jobs_scheduler_release(&h->scheduler);
	strv_release(&h->trouble);
	session_backlog_release(&h->sessions);
}

static void look_at_disk(struct hub *hub, struct health *h)
{
	AUTO_FREE char *path = xasprintf("%s/" ROOT_DB, hub_path(hub));
	struct statvfs fs;
	struct stat st;

	h->disk_free = h->disk_size = h->database_bytes = -1;
	if (fstatvfs(hub_dirfd(hub), &fs) == 0) {
		h->disk_free = (int64_t)(fs.f_bavail * fs.f_frsize);
		h->disk_size = (int64_t)(fs.f_blocks * fs.f_frsize);
	}
	if (stat(path, &st) == 0)
		h->database_bytes = st.st_size;
}

static int count_table(void *ctx, const struct table *t, struct err *e)
{
	struct health *h = ctx;

	(void)e;
	h->tables++;
	if (t->rows > 0)
		h->rows += t->rows;
	if (t->size_bytes > 0)
		h->table_bytes += t->size_bytes;
	if (t->version > 0 && h->now - t->updated_ms > HEALTH_STALE_MS)
		h->stale_tables++;
	return 0;
}

static int count_job(void *ctx, const struct runs_state *state, struct err *e)
{
	struct health *h = ctx;
	const char *word = jobs_state(state, h->now);

	(void)e;
	h->jobs++;
	h->running += str_eq(word, "running");
	h->overdue += str_eq(word, "overdue");
	h->failing += str_eq(word, "failing");
	if (str_eq(word, "overdue") || str_eq(word, "failing"))
		strv_add(&h->trouble, state->name);
	return 0;
}

int health_take(struct hub *hub, struct db *db, struct health *ret_health, struct err *e)
{
	AUTO_HEALTH struct health h = { .now = time_now() };
	int r = registry_list(db, NULL, count_table, &h, e);

	if (r == 0)
		r = runs_list(db, count_job, &h, e);
	if (r == 0)
		r = jobs_look(db, h.now, &h.scheduler, e);
	if (r < 0)
		return r;
	look_at_disk(hub, &h);
	(void)hub_check_write(hub, &h.write); /* a finding */
	*ret_health = h;
	h = (struct health){ 0 };
	return 0;
}

const char *health_level_word(enum health_level level)
{
	static const char *const words[] = { "ok", "info", "warning", "error" };

	return words[level];
}

const char *health_word(enum health_level worst)
{
	static const char *const words[] = { "healthy", "healthy", "degraded", "unhealthy" };

	return words[worst];
}

static char *describe_disk(const struct health *h)
{
	char free[FORMAT_SIZE_MAX], size[FORMAT_SIZE_MAX];

	if (h->disk_free < 0)
		return xstrdup("not known");
	return xasprintf("%s of %s are free", format_size(h->disk_free, free),
			 format_size(h->disk_size, size));
}

static enum health_level disk_level(const struct health *h)
{
	if (h->disk_free < 0)
		return HEALTH_INFO;
	if (h->disk_free < HEALTH_DISK_FULL)
		return HEALTH_ERROR;
	return h->disk_free < HEALTH_DISK_LOW ? HEALTH_WARNING : HEALTH_OK;
}

static char *describe_scheduler(const struct health *h)
{
	char ago[TIME_TEXT_MAX];

	if (h->scheduler.presence == JOBS_NEVER)
		return xstrdup("none has been here: larder serve --with-scheduler, or larder "
			       "scheduler");
	return xasprintf("%s; it last asked %s", jobs_presence_word(h->scheduler.presence),
			 h->scheduler.seen_ms > 0 ? time_format_ago(h->scheduler.seen_ms, ago)
						  : "for nothing yet");
}

static char *describe_jobs(const struct health *h)
{
	struct buf text = BUF_INIT(BUF_OWN_MAX);

	buf_addf(&text,
		 "%" PRId64 " jobs, %" PRId64 " running, %" PRId64 " failing, %" PRId64 " overdue",
		 h->jobs, h->running, h->failing, h->overdue);
	for (size_t i = 0; i < h->trouble.n && i < NAMES_MAX; i++)
		buf_addf(&text, "%s%s", i == 0 ? ": " : ", ", h->trouble.v[i]);
	if (h->trouble.n > NAMES_MAX)
		buf_adds(&text, ", ...");
	return buf_take(&text);
}

static enum health_level scheduler_level(const struct health *h)
{
	/* A hub without one is a choice; one that has gone is not. */
	if (h->scheduler.presence == JOBS_SILENT)
		return HEALTH_WARNING;
	return h->scheduler.presence == JOBS_NEVER ? HEALTH_INFO : HEALTH_OK;
}

void health_list(const struct health *h, void (*visit)(void *ctx, const struct health_finding *f),
		 void *ctx)
{
	AUTO_FREE char *tables = xasprintf("%" PRId64 " tables, %" PRId64 " not replaced for a day",
					   h->tables, h->stale_tables);
	AUTO_FREE char *disk = describe_disk(h);
	AUTO_FREE char *scheduler = describe_scheduler(h);
	AUTO_FREE char *jobs = describe_jobs(h);
	struct health_finding sessions = { .part = "session_pipeline", .for_operators = true };
	AUTO_FREE char *pipeline = health_describe_sessions(h, &sessions);
	bool writes = h->write.code == 0;
	bool confines = sandbox_limits_files();
	const struct health_finding findings[] = {
		{ "database", writes ? HEALTH_OK : HEALTH_ERROR, false,
		  writes ? "can be read and written" : "cannot be written" },
		{ "tables", h->stale_tables > 0 ? HEALTH_INFO : HEALTH_OK, false, tables },
		{ "disk", disk_level(h), true, disk },
		{ "writing", writes ? HEALTH_OK : HEALTH_ERROR, true,
		  writes ? "the last one succeeded" : h->write.msg },
		{ "sandbox", confines ? HEALTH_OK : HEALTH_WARNING, true,
		  confines
			  ? "scripts, queries and conversions see no files but theirs"
			  : "this kernel has no Landlock: queries are refused, and scripts see all that "
			    "the hub's user may read" },
		{ "scheduler", scheduler_level(h), true, scheduler },
		{ "jobs", h->failing + h->overdue > 0 ? HEALTH_WARNING : HEALTH_OK, true, jobs },
	};

	for (size_t i = 0; i < ARRAY_LEN(findings); i++)
		visit(ctx, &findings[i]);
	sessions.text = pipeline;
	visit(ctx, &sessions);
}
