/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of jobs: which endpoint of the hub is asked, and when. Built from three sources, each
 * over the one before: what is known here, the SCHEDULER_... variables, and the list `jobs` of the
 * configuration file.
 *
 *	jobs:
 *	- name: data-refresh            one that is known: what is given changes it
 *	  schedule: daily 02:30
 *	  timezone: Europe/Berlin
 *	- name: nightly-check           a new one: path and schedule are needed
 *	  path: /api/health
 *	  method: GET
 *	  schedule: cron 0 5 * * mon-fri
 *	  timeout: 30s
 *	- {name: health-check, disabled: true}
 *
 *	AUTO_CLOCK_TABLE struct clock_table table = { 0 };
 *	if (clock_table_build(&settings.jobs, &table, e) < 0) ...
 *
 * The variables are checked as the earlier system checks them (docs/scheduler.md has the list): one
 * that is set but empty, no whole number, or not positive is an error, and so is
 * SCHEDULER_TICK_SECONDS above the smallest interval; it has no other effect, as nothing here
 * ticks. ERR_USAGE with the variable, or with file and line.
 *
 * Ownership: the table owns its texts. Threads: no state but the environment.
 */
#ifndef LARDER_CLOCK_JOBS_H
#define LARDER_CLOCK_JOBS_H

#include "base/json.h"
#include "base/yaml.h"

/* As in "session-processor:verification". */
#define CLOCK_NAME_MAX 100
#define CLOCK_PATH_MAX 500
/* A job that has worked for a day is not waited for any more; it is not stopped by that. */
#define CLOCK_TIMEOUT_MAX_S 86400
#define CLOCK_TIMEOUT_S     60
/* While the hub starts, nothing is asked of it. */
#define CLOCK_GRACE_S 60

struct clock_job {
	char *name, *schedule;
	char *zone; /* NULL: UTC */
	char *method, *path;
	int64_t timeout_s;
	/* Its first run comes this much before the end of its first interval, at most, by chance: so
	 * that schedulers which start together do not ask together. 0: it comes after the grace. */
	int64_t jitter_s;
	bool disabled;
};

struct clock_table {
	struct clock_job *v;
	size_t n, capacity;
	int64_t grace_s;
	char *warning; /* of a variable that was not used, or NULL */
};
void clock_table_release(struct clock_table *table);
#define AUTO_CLOCK_TABLE AUTO(clock_table_release)

/* For a configuration's YAML_LIST_OF_MAPS `jobs`; its items are struct clock_job. */
extern const struct yaml_map clock_job_map;

int clock_table_build(const struct yaml_maps *jobs, struct clock_table *ret_table, struct err *e);
/* How long a job that is new to the hub waits for its first time; `random`: any number. */
int clock_first_in(const struct clock_job *job, int64_t grace_s, uint32_t random, int64_t *ret_ms,
		   struct err *e);
/* From one slot to the next, at that time. */
int clock_interval(const struct clock_job *job, int64_t now_ms, int64_t *ret_ms, struct err *e);
/* By its name; NULL when the table has none. Lent. */
const struct clock_job *clock_table_find(const struct clock_table *table, const char *name);
/* ERR_USAGE unless it may be the name of a job: it stands in addresses, logs and metrics. */
int clock_check_name(const char *name, struct err *e);
/* Seconds as a schedule that is never sooner: "every 2h", "every 17m". */
char *clock_every(int64_t seconds);

#endif
