/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of schedules. */
#include "engine/schedule.h"

#include "base/str.h"
#include "engine/zone-rule.h"
#include <ctype.h>

static int refuse(const char *text, const char *why, struct err *e)
{
	(void)err_set(e, ERR_USAGE, "schedule '%.*s': %s", SCHEDULE_TEXT_MAX, text, why);
	return err_hint(e, "'every 15m', 'daily 03:00,15:30' or 'cron 0 5 * * mon'");
}

static int parse_every(const char *text, struct schedule *s, struct err *e)
{
	static const char units[] = "smhd";
	static const int64_t seconds[] = { 1, 60, 3600, 86400 };
	const char *p = text + strlen("every ");
	const char *unit;
	int64_t n = 0;

	for (; isdigit((unsigned char)*p) && n <= SCHEDULE_EVERY_MAX_S; p++)
		n = n * 10 + (*p - '0');
	unit = *p ? strchr(units, *p) : NULL;
	if (!unit || p[1] || !isdigit((unsigned char)p[-1]))
		return refuse(text, "a number and s, m, h or d are wanted", e);
	n *= seconds[unit - units];
	if (n < 1 || n > SCHEDULE_EVERY_MAX_S)
		return refuse(text, "it must be 1 second to 3660 days", e);
	s->every_ms = n * 1000;
	return 0;
}

/* "HH:MM" */
static int parse_clock(const char *p, int *ret_hour, int *ret_minute)
{
	for (size_t i = 0; i < 5; i++)
		if (i == 2 ? p[i] != ':' : !isdigit((unsigned char)p[i]))
			return -1;
	*ret_hour = (p[0] - '0') * 10 + p[1] - '0';
	*ret_minute = (p[3] - '0') * 10 + p[4] - '0';
	return *ret_hour < 24 && *ret_minute < 60 ? 0 : -1;
}

static int parse_daily(const char *text, struct schedule *s, struct err *e)
{
	const char *p = text + strlen("daily ");

	for (;; p += 6) {
		int hour, minute;

		if (parse_clock(p, &hour, &minute) < 0 || (p[5] && p[5] != ','))
			return refuse(text, "times are written HH:MM, with a comma between", e);
		s->minutes[hour] |= (uint64_t)1 << minute;
		if (!p[5])
			break;
	}
	s->days = UINT32_MAX;
	s->months = UINT32_MAX;
	s->weekdays = UINT8_MAX;
	return 0;
}

/* One of the five fields. */
struct field {
	const char *what;
	int min, max;
	const char *names; /* three letters each, from `min`; or NULL */
};

static const struct field fields[] = {
	{ "minute", 0, 59, NULL },
	{ "hour", 0, 23, NULL },
	{ "day", 1, 31, NULL },
	{ "month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec" },
	{ "weekday", 0, 7, "sunmontuewedthufrisat" },
};

/* A number or a name, as long as it goes; -1 when there is none. */
static int parse_value(const struct field *f, const char **p)
{
	int value = 0;
	size_t n = 0;

	while (n < 3 && isdigit((unsigned char)(*p)[n]))
		value = value * 10 + ((*p)[n++] - '0');
	if (n > 0) {
		*p += n;
		return value >= f->min && value <= f->max ? value : -1;
	}
	for (size_t i = 0; f->names && f->names[3 * i]; i++)
		if (strncasecmp(*p, f->names + 3 * i, 3) == 0) {
			*p += 3;
			return f->min + (int)i;
		}
	return -1;
}

/* "*", "5", "mon-fri", "1-31/2", "*" "/15"; a step behind a single value goes to the end. */
static int parse_item(const struct field *f, const char **p, uint64_t *bits)
{
	int from = f->min, to = f->max, step = 1;
	bool range = **p == '*';

	if (range) {
		(*p)++;
	} else {
		from = to = parse_value(f, p);
		if (from >= 0 && **p == '-') {
			(*p)++;
			to = parse_value(f, p);
			range = true;
		}
	}
	if (from < 0 || to < from)
		return -1;
	if (**p == '/') {
		static const struct field steps = { "step", 1, 999, NULL };

		(*p)++;
		step = parse_value(&steps, p);
		if (step < 0)
			return -1;
		if (!range)
			to = f->max;
	}
	for (int i = from; i <= to; i += step)
		*bits |= (uint64_t)1 << i;
	return 0;
}

static int parse_field(const struct field *f, const char *text, uint64_t *ret_bits)
{
	uint64_t bits = 0;
	const char *p = text;

	for (;; p++) {
		if (parse_item(f, &p, &bits) < 0)
			return -1;
		if (*p != ',')
			break;
	}
	*ret_bits = bits;
	return *p ? -1 : 0;
}

static int refuse_field(const char *text, const struct field *f, const char *word, struct err *e)
{
	char why[SCHEDULE_TEXT_MAX];

	(void)snprintf(why, sizeof(why), "'%.40s' is no %s of %d to %d", word, f->what, f->min,
		       f->max);
	return refuse(text, why, e);
}

static void set_fields(const uint64_t bits[5], char *const words[5], struct schedule *s)
{
	for (size_t hour = 0; hour < 24; hour++)
		s->minutes[hour] = bits[1] >> hour & 1 ? bits[0] : 0;
	s->days = (uint32_t)bits[2];
	s->months = (uint32_t)bits[3];
	s->weekdays = (uint8_t)(bits[4] | bits[4] >> 7);
	s->either_day = !strchr(words[2], '*') && !strchr(words[4], '*');
	s->any_hour = str_eq(words[1], "*");
}

static int parse_cron(const char *text, struct schedule *s, struct err *e)
{
	AUTO_STRV struct strv words = STRV_INIT;
	uint64_t bits[5] = { 0 };

	strv_split(&words, str_starts(text, "cron ") ? text + strlen("cron ") : text, ' ');
	if (words.n != ARRAY_LEN(fields))
		return refuse(text, "five fields with one blank between them are wanted", e);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (parse_field(&fields[i], words.v[i], &bits[i]) < 0)
			return refuse_field(text, &fields[i], words.v[i], e);
	set_fields(bits, words.v, s);
	return 0;
}

int schedule_parse(const char *text, const struct zone *zone, struct schedule *ret_schedule,
		   struct err *e)
{
	/* Any year will do: all that the calendar can hold comes within the horizon. */
	int64_t since = zone_days(2000, 1, 1) * 86400 * 1000;
	struct schedule s = { .zone = zone };
	int r;

	if (strlen(text) > SCHEDULE_TEXT_MAX || !text_is_clean(bytes_of(text)))
		return err_set(e, ERR_USAGE, "a schedule is a text of up to %d letters",
			       SCHEDULE_TEXT_MAX);
	if (str_starts(text, "every "))
		r = parse_every(text, &s, e);
	else if (str_starts(text, "daily "))
		r = parse_daily(text, &s, e);
	else
		r = parse_cron(text, &s, e);
	if (r == 0 && schedule_next(&s, since, since) == SCHEDULE_NEVER)
		r = refuse(text, "that day never comes", e);
	if (r == 0)
		*ret_schedule = s;
	return r;
}
