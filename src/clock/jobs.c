/* SPDX-License-Identifier: Apache-2.0 */
#include "clock/jobs.h"

#include "clock/jobs-environment.h"
#include "engine/schedule.h"
#include "engine/zone.h"
#include <ctype.h>

/* One with a variable has an interval in seconds, the others a schedule that only the configuration
 * file changes. */
struct known {
	const char *name, *method, *path;
	int64_t timeout_s;
	const char *schedule, *variable;
	int64_t interval_s;
};

static const struct known known[] = {
	{ "data-refresh", "POST", "/api/sync/trigger", 120, NULL, "SCHEDULER_DATA_REFRESH_INTERVAL",
	  900 },
	{ "health-check", "GET", "/api/health", 30, NULL, "SCHEDULER_HEALTH_CHECK_INTERVAL", 300 },
	{ "script-runner", "POST", "/api/scripts/run-due", 600, NULL,
	  "SCHEDULER_SCRIPT_RUN_INTERVAL", 60 },
	{ "marketplaces", "POST", "/api/marketplaces/sync-all", 900, "daily 03:00", NULL, 0 },
	{ "session-collector", "POST", "/api/admin/run-session-collector", 300, NULL,
	  "SCHEDULER_SESSION_COLLECTOR_INTERVAL", 600 },
	{ "session-processor:verification", "POST",
	  "/api/admin/run-session-processor?processor=verification", 900, NULL,
	  "SCHEDULER_VERIFICATION_DETECTOR_INTERVAL", 900 },
	{ "session-processor:usage", "POST", "/api/admin/run-session-processor?processor=usage",
	  300, NULL, "SCHEDULER_USAGE_PROCESSOR_INTERVAL", 600 },
	{ "corporate-memory", "POST", "/api/admin/run-corporate-memory", 900, NULL,
	  "SCHEDULER_CORPORATE_MEMORY_INTERVAL", 1020 },
	{ "store-blocked-purge", "POST", "/api/admin/run-blocked-purge", 600, "daily 04:00", NULL,
	  0 },
	{ "store-reap-stuck-reviews", "POST", "/api/admin/run-reap-stuck-reviews", 60, "every 15m",
	  NULL, 0 },
	{ "bq-metadata-refresh", "POST", "/api/admin/run-bq-metadata-refresh", 1800, NULL,
	  "SCHEDULER_BQ_METADATA_REFRESH_INTERVAL", 14400 },
	{ "backup", "POST", "/api/admin/run-backup", 3600, "daily 02:00", NULL, 0 },
};

static void job_release(void *item)
{
	struct clock_job *job = item;

	free(job->name);
	free(job->schedule);
	free(job->zone);
	free(job->method);
	free(job->path);
}

void clock_table_release(struct clock_table *table)
{
	for (size_t i = 0; i < table->n; i++)
		job_release(&table->v[i]);
	free(table->v);
	free(table->warning);
	*table = (struct clock_table){ 0 };
}

/* The configuration file. */

static void list_job_fields(void *item, struct yaml_field *ret_fields)
{
	struct clock_job *job = item;
	const struct yaml_field fields[] = {
		{ "name", YAML_TEXT, &job->name },
		{ "schedule", YAML_TEXT, &job->schedule },
		{ "timezone", YAML_TEXT, &job->zone },
		{ "method", YAML_TEXT, &job->method },
		{ "path", YAML_TEXT, &job->path },
		{ "timeout", YAML_DURATION, &job->timeout_s, 1, CLOCK_TIMEOUT_MAX_S, NULL, NULL },
		{ "jitter", YAML_DURATION, &job->jitter_s, 0, CLOCK_TIMEOUT_MAX_S, NULL, NULL },
		{ "disabled", YAML_BOOL, &job->disabled },
		{ 0 },
	};

	memcpy(ret_fields, fields, sizeof(fields));
}

static const struct known *find_known(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_eq(known[i].name, name))
			return &known[i];
	return NULL;
}

int clock_check_name(const char *name, struct err *e)
{
	size_t n = 0;

	while (isalnum((unsigned char)name[n]) || (name[n] && strchr("_.:-", name[n])))
		n++;
	if (name[n] || n == 0 || n > CLOCK_NAME_MAX)
		return err_set(e, ERR_USAGE,
			       "the name '%.100s' is not up to %d letters, digits, '_', '.', ':', "
			       "'-'",
			       name, CLOCK_NAME_MAX);
	return 0;
}

static int check_call(const struct clock_job *job, struct err *e)
{
	size_t n = 0;

	if (job->method && !str_eq(job->method, "GET") && !str_eq(job->method, "POST"))
		return err_set(e, ERR_USAGE, "job '%s': the method is GET or POST, not '%.20s'",
			       job->name, job->method);
	if (!job->path)
		return 0;
	while (job->path[n] > ' ' && job->path[n] < 0x7f)
		n++;
	if (job->path[0] != '/' || job->path[n] || n > CLOCK_PATH_MAX)
		return err_set(e, ERR_USAGE,
			       "job '%s': the path '%.100s' is not of the form /api/...", job->name,
			       job->path);
	return 0;
}

static int check_times(const struct clock_job *job, struct err *e)
{
	AUTO_ZONE struct zone *zone = NULL;
	struct schedule ignored;
	int r = zone_open(job->zone, &zone, e);

	if (r == 0 && job->schedule)
		r = schedule_parse(job->schedule, zone, &ignored, e);
	return r < 0 ? err_in(e, "job '%s'", job->name) : 0;
}

static int check_job(const void *item, struct err *e)
{
	const struct clock_job *job = item;
	int r = clock_check_name(job->name, e);

	if (r == 0)
		r = check_call(job, e);
	if (r == 0)
		r = check_times(job, e);
	if (r == 0 && !find_known(job->name) && (!job->path || !job->schedule))
		r = err_set(e, ERR_USAGE, "job '%s' is new here: it needs a path and a schedule",
			    job->name);
	return r;
}

const struct yaml_map clock_job_map = { sizeof(struct clock_job), "name", list_job_fields,
					check_job, job_release };

/* The table. */

char *clock_every(int64_t seconds)
{
	int64_t minutes = (seconds + 59) / 60;

	if (seconds % 3600 == 0 && seconds > 0)
		return xasprintf("every %lldh", (long long)(seconds / 3600));
	return xasprintf("every %lldm", (long long)(minutes > 0 ? minutes : 1));
}

static struct clock_job *add(struct clock_table *table)
{
	table->v = xgrow(table->v, &table->capacity, table->n + 1, sizeof(*table->v));
	table->v[table->n] = (struct clock_job){ 0 };
	return &table->v[table->n++];
}

static int add_known(struct clock_table *table, int64_t *smallest, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		const struct known *k = &known[i];
		struct clock_job *job = add(table);
		int64_t seconds = 0;

		job->name = xstrdup(k->name);
		job->method = xstrdup(k->method);
		job->path = xstrdup(k->path);
		job->timeout_s = k->timeout_s;
		if (k->schedule) {
			job->schedule = xstrdup(k->schedule);
			continue;
		}
		if (environment_seconds(k->variable, k->interval_s, NUMBER_POSITIVE, &seconds, e) <
		    0)
			return e->code;
		job->schedule = clock_every(seconds);
		if (*smallest == 0 || seconds < *smallest)
			*smallest = seconds;
	}
	return 0;
}

/* The known ones come first, and a list holds each name once: nothing else need be looked for. */
static struct clock_job *find(const struct clock_table *table, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_eq(table->v[i].name, name))
			return &table->v[i];
	return NULL;
}

static int check_tick(int64_t smallest, struct err *e)
{
	int64_t tick;
	int r = environment_seconds("SCHEDULER_TICK_SECONDS", smallest < 30 ? smallest : 30,
				    NUMBER_POSITIVE, &tick, e);

	if (r == 0 && tick > smallest)
		return err_set(e, ERR_USAGE,
			       "SCHEDULER_TICK_SECONDS: a tick of %lld s is longer than the "
			       "smallest interval, %lld s",
			       (long long)tick, (long long)smallest);
	return r;
}

/* One that cannot be read costs the variable, not the job. */
static void follow_verification(struct clock_table *table)
{
	const char *text = getenv("SCHEDULER_VERIFICATION_SCHEDULE");
	struct clock_job *job = find(table, "session-processor:verification");
	struct schedule ignored;
	struct err e = { 0 };

	if (!text || !*text)
		return;
	if (schedule_parse(text, NULL, &ignored, &e) < 0) {
		table->warning =
			xasprintf("SCHEDULER_VERIFICATION_SCHEDULE is not used: %s", e.msg);
		return;
	}
	free(job->schedule);
	job->schedule = xstrdup(text);
}

static int follow_environment(struct clock_table *table, int64_t smallest, struct err *e)
{
	struct clock_job *metadata = find(table, "bq-metadata-refresh");
	int r = check_tick(smallest, e);

	if (r == 0)
		r = environment_seconds("SCHEDULER_STARTUP_GRACE_SECONDS", CLOCK_GRACE_S,
					NUMBER_NOT_NEGATIVE, &table->grace_s, e);
	if (r == 0)
		r = environment_seconds("SCHEDULER_BQ_METADATA_INITIAL_OFFSET_MAX_SECONDS", 900,
					NUMBER_ANY, &metadata->jitter_s, e);
	if (metadata->jitter_s < 0)
		metadata->jitter_s = 0;
	follow_verification(table);
	return r;
}

static void replace(char **text, const char *given)
{
	if (!given)
		return;
	free(*text);
	*text = xstrdup(given);
}

static void follow_file(struct clock_table *table, const struct clock_job *given)
{
	struct clock_job *job = find(table, given->name);

	if (!job) {
		job = add(table);
		job->name = xstrdup(given->name);
		job->method = xstrdup("POST");
		job->timeout_s = CLOCK_TIMEOUT_S;
	}
	replace(&job->schedule, given->schedule);
	replace(&job->zone, given->zone);
	replace(&job->method, given->method);
	replace(&job->path, given->path);
	if (given->timeout_s > 0)
		job->timeout_s = given->timeout_s;
	if (given->jitter_s > 0)
		job->jitter_s = given->jitter_s;
	job->disabled = given->disabled;
}

int clock_table_build(const struct yaml_maps *jobs, struct clock_table *ret_table, struct err *e)
{
	AUTO_CLOCK_TABLE struct clock_table table = { 0 };
	int64_t smallest = 0;
	int r = add_known(&table, &smallest, e);

	if (r == 0)
		r = follow_environment(&table, smallest, e);
	for (size_t i = 0; r == 0 && i < jobs->n; i++)
		follow_file(&table, yaml_maps_at(jobs, i));
	if (r < 0)
		return r;
	*ret_table = table;
	table = (struct clock_table){ 0 };
	return 0;
}

int clock_first_in(const struct clock_job *job, int64_t grace_s, uint32_t random, int64_t *ret_ms,
		   struct err *e)
{
	AUTO_ZONE struct zone *zone = NULL;
	struct schedule s;
	int64_t spread = job->jitter_s * 1000;
	int64_t first = grace_s * 1000;
	int r = zone_open(job->zone, &zone, e);

	if (r == 0)
		r = schedule_parse(job->schedule, zone, &s, e);
	if (r < 0)
		return r;
	if (spread > s.every_ms)
		spread = s.every_ms;
	if (spread > 0 && s.every_ms - random % (spread + 1) > first)
		first = s.every_ms - random % (spread + 1);
	*ret_ms = first;
	return 0;
}

int clock_interval(const struct clock_job *job, int64_t now_ms, int64_t *ret_ms, struct err *e)
{
	AUTO_ZONE struct zone *zone = NULL;
	struct schedule s;
	int64_t next;
	int r = zone_open(job->zone, &zone, e);

	if (r == 0)
		r = schedule_parse(job->schedule, zone, &s, e);
	if (r < 0)
		return r;
	next = schedule_next(&s, 0, now_ms);
	*ret_ms = next == SCHEDULE_NEVER ? SCHEDULE_NEVER : schedule_next(&s, 0, next) - next;
	return 0;
}

const struct clock_job *clock_table_find(const struct clock_table *table, const char *name)
{
	for (size_t i = 0; i < table->n; i++)
		if (str_eq(table->v[i].name, name))
			return &table->v[i];
	return NULL;
}
