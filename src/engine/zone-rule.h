/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The closing rule of a zone file: how the clocks go after the last change that it lists
 * ("CET-1CEST,M3.5.0,M10.5.0/3"; POSIX TZ, with the hours of RFC 8536 section 3.3.1). For zone.c.
 */
#ifndef LARDER_ENGINE_ZONE_RULE_H
#define LARDER_ENGINE_ZONE_RULE_H

#include "base/base.h"

struct zone_day {
	char kind;       /* 'M' month, week, day; 'J' day without 29 February; 'n' day from 0 */
	int month, week; /* of 'M' */
	int day;
	int32_t time; /* seconds of that day */
};

struct zone_rule {
	int32_t standard, summer; /* seconds east of UTC */
	bool has_summer;
	struct zone_day start, end; /* of summer time */
};

/* -1 when it is no rule. */
int zone_rule_parse(const char *text, struct zone_rule *ret_rule);
/* The two changes of a year, in seconds since 1970. */
void zone_rule_year(const struct zone_rule *rule, int year, int64_t *ret_start, int64_t *ret_end);
/* Days from 1970-01-01 to a date of the Gregorian calendar; month 1 to 12. */
int64_t zone_days(int year, int month, int day);

#endif
