/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list `jobs` of a configuration file: whatever is taken makes a table whose every job has a
 * name, a call and a schedule with a next time, and is written for the hub as JSON.
 */
#include "clock/jobs.h"
#include "clock/wire.h"
#include "engine/schedule.h"
#include "engine/zone.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_job(const struct clock_job *job)
{
	AUTO_ZONE struct zone *zone = NULL;
	struct schedule s;
	struct err e = { 0 };
	int r = zone_open(job->zone, &zone, &e);

	assert(clock_check_name(job->name, &e) == 0 && job->path[0] == '/');
	assert(job->timeout_s >= 1 && job->timeout_s <= CLOCK_TIMEOUT_MAX_S && job->jitter_s >= 0);
	if (r == 0)
		r = schedule_parse(job->schedule, zone, &s, &e);
	/* A zone that was given to a known job is judged with its own schedule. */
	assert(r == 0 && schedule_next(&s, 0, 1790000000000) > 1790000000000);
}

static void check_written(const struct clock_table *table)
{
	AUTO_BUF struct buf text = BUF_INIT(CLOCK_CLAIM_MAX);
	AUTO_JSON struct json *doc = NULL;
	struct json_out o = json_out(&text);
	struct err e = { 0 };
	int r;

	json_open(&o, NULL, '{');
	r = clock_add_jobs(&o, table, &e);
	json_close(&o);
	if (r == 0)
		r = json_parse(buf_bytes(&text), CLOCK_CLAIM_MAX, &doc, &e);
	assert(r == 0 && json_size(json_get(doc, "jobs")) <= table->n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_YAML_MAPS struct yaml_maps jobs = YAML_MAPS_INIT(&clock_job_map);
	const struct yaml_field fields[] = { { "jobs", YAML_LIST_OF_MAPS, &jobs }, { NULL } };
	AUTO_CLOCK_TABLE struct clock_table table = { 0 };
	struct err e = { 0 };
	int r;

	if (yaml_read((struct bytes){ (const char *)data, size }, "config.yaml", fields, &e) < 0)
		return 0;
	r = clock_table_build(&jobs, &table, &e);
	assert(r == 0);
	for (size_t i = 0; i < table.n; i++)
		check_job(&table.v[i]);
	check_written(&table);
	return 0;
}
