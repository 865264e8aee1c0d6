/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time zones: what a clock on the wall of a place shows, for any number of places at once and from
 * any thread, which the C library's one TZ cannot do. Read from the system's compiled zone files
 * (TZif, RFC 8536), their closing rule included.
 *
 *	AUTO_ZONE struct zone *z = NULL;
 *	if (zone_open("Europe/Berlin", &z, e) < 0) ...
 *	struct zone_period p = zone_at(z, now_ms / 1000);
 *	local = now_ms / 1000 + p.offset;            seconds, to be split as if they were UTC
 *
 * At p.since the offset changed from p.before: later is smaller, the wall clock was set back, and
 * the local times of [p.since, p.since + p.before - p.offset) are there for the second time; later
 * is larger, and the local times [p.since + p.before, p.since + p.offset) do not exist.
 *
 * Ownership: a zone is its owner's and is not changed after it was made. Threads: any may read.
 * Errors: ERR_USAGE for a name that is not known here, ERR_CORRUPT for a file that is no zone.
 */
#ifndef LARDER_ENGINE_ZONE_H
#define LARDER_ENGINE_ZONE_H

#include "base/buf.h"
#include "base/err.h"

/* The largest of the zone database has 4 KB. */
#define ZONE_BYTES_MAX ((size_t)64 << 10)
/* "America/Argentina/ComodRivadavia" has 32. */
#define ZONE_NAME_MAX 64

struct zone;

struct zone_period {
	int64_t since;          /* seconds since 1970; INT64_MIN for the first one */
	int32_t offset, before; /* seconds east of UTC, now and before `since` */
};

/* NULL and "" are UTC, for which no file is read. TZDIR in the environment says where they lie. */
int zone_open(const char *name, struct zone **ret_zone, struct err *e);
int zone_parse(struct bytes tzif, struct zone **ret_zone, struct err *e);
void zone_free(struct zone *zone);
static inline void zone_auto_(struct zone **p)
{
	zone_free(*p);
}
#define AUTO_ZONE AUTO(zone_auto_)

/* NULL is UTC. */
struct zone_period zone_at(const struct zone *zone, int64_t seconds);

#endif
