/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of runs share. */
#ifndef LARDER_ENGINE_RUNS_INTERNAL_H
#define LARDER_ENGINE_RUNS_INTERNAL_H

#include "engine/runs.h"
#include "engine/schedule.h"

/* Zones that were opened for the jobs of one call: many jobs, few zones. */
struct zones {
	struct known_zone *v;
	size_t n, capacity;
};
void zones_release(struct zones *zones);
#define AUTO_ZONES AUTO(zones_release)
/* schedule_parse() with the zone of that name, which lives as long as `zones`. */
int zones_parse(struct zones *zones, const char *text, const char *zone,
		struct schedule *ret_schedule, struct err *e);

#endif
