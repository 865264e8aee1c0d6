/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/zone-rule.h"

#include <ctype.h>

#define HOUR 3600
#define DAY  86400

int64_t zone_days(int year, int month, int day)
{
	/* Years from March, so that the leap day comes last; 719468 days from 0000-03-01 to 1970. */
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t century = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - century * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return century * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_of_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

static int parse_number(const char **p, int min, int max, int *ret)
{
	int value = 0;
	size_t n = 0;

	while (n < 4 && isdigit((unsigned char)(*p)[n]))
		value = value * 10 + ((*p)[n++] - '0');
	*p += n;
	*ret = value;
	return n > 0 && value >= min && value <= max ? 0 : -1;
}

/* "<+03>" or "CET". */
static int skip_name(const char **p)
{
	const char *s = *p;
	size_t n;

	if (*s == '<') {
		n = strcspn(s, ">");
		if (s[n] != '>')
			return -1;
		*p = s + n + 1;
		return 0;
	}
	for (n = 0; isalpha((unsigned char)s[n]);)
		n++;
	*p = s + n;
	return n >= 3 ? 0 : -1;
}

/* [+-]h[h[h]][:mm[:ss]] */
static int parse_time(const char **p, int32_t *ret)
{
	int sign = **p == '-' ? -1 : 1;
	int hours = 0, minutes = 0, seconds = 0;

	if (**p == '-' || **p == '+')
		(*p)++;
	if (parse_number(p, 0, 167, &hours) < 0)
		return -1;
	if (**p == ':' && ((*p)++, parse_number(p, 0, 59, &minutes) < 0))
		return -1;
	if (**p == ':' && ((*p)++, parse_number(p, 0, 59, &seconds) < 0))
		return -1;
	*ret = sign * (hours * HOUR + minutes * 60 + seconds);
	return 0;
}

static int parse_month_day(const char **p, struct zone_day *d)
{
	if (parse_number(p, 1, 12, &d->month) < 0 || *(*p)++ != '.' ||
	    parse_number(p, 1, 5, &d->week) < 0 || *(*p)++ != '.')
		return -1;
	return parse_number(p, 0, 6, &d->day);
}

/* ",M3.5.0/2", ",J60", ",59/-1" */
static int parse_day(const char **p, struct zone_day *d)
{
	int r;

	if (*(*p)++ != ',')
		return -1;
	d->kind = **p == 'M' || **p == 'J' ? *(*p)++ : 'n';
	d->time = 2 * HOUR;
	if (d->kind == 'M')
		r = parse_month_day(p, d);
	else
		r = parse_number(p, d->kind == 'J', 365, &d->day);
	if (r == 0 && **p == '/') {
		(*p)++;
		r = parse_time(p, &d->time);
	}
	return r;
}

int zone_rule_parse(const char *text, struct zone_rule *ret_rule)
{
	struct zone_rule rule = { 0 };
	const char *p = text;

	/* POSIX counts west of Greenwich. */
	if (skip_name(&p) < 0 || parse_time(&p, &rule.standard) < 0)
		return -1;
	rule.standard = -rule.standard;
	rule.summer = rule.standard + HOUR;
	rule.has_summer = *p != '\0';
	if (rule.has_summer) {
		if (skip_name(&p) < 0)
			return -1;
		if (*p != ',') {
			if (parse_time(&p, &rule.summer) < 0)
				return -1;
			rule.summer = -rule.summer;
		}
		if (parse_day(&p, &rule.start) < 0 || parse_day(&p, &rule.end) < 0)
			return -1;
	}
	if (*p)
		return -1;
	*ret_rule = rule;
	return 0;
}

static int64_t month_day(const struct zone_day *d, int year)
{
	int64_t first = zone_days(year, d->month, 1);
	int weekday = (int)(((first + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
	int day = (d->day - weekday + 7) % 7 + (d->week - 1) * 7;

	while (day >= days_of_month(year, d->month)) /* week 5 is the last one */
		day -= 7;
	return first + day;
}

static int64_t moment(const struct zone_day *d, int year, int32_t offset)
{
	int64_t day;

	if (d->kind == 'M')
		day = month_day(d, year);
	else if (d->kind == 'J')
		day = zone_days(year, 1, 1) + d->day - 1 + (is_leap(year) && d->day >= 60);
	else
		day = zone_days(year, 1, 1) + d->day;
	return day * DAY + d->time - offset;
}

void zone_rule_year(const struct zone_rule *rule, int year, int64_t *ret_start, int64_t *ret_end)
{
	*ret_start = moment(&rule->start, year, rule->standard);
	*ret_end = moment(&rule->end, year, rule->summer);
}
