/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"

#include "base/str.h"
#include <ctype.h>
#include <inttypes.h>

/* Read at each call rather than once: a long-lived process under test may be told of a new time by
 * its own setenv. */
static int64_t shifted(int64_t real)
{
	const char *text = getenv("LARDER_NOW");
	struct err e;
	int64_t value = 0;

	if (!text || !*text)
		return real;
	if (text[0] == '+' && parse_duration(text + 1, &value, &e) == 0)
		return real + value * 1000;
	if (text[0] == '-' && parse_duration(text + 1, &value, &e) == 0)
		return real - value * 1000;
	return time_parse_iso(text, &value, &e) == 0 ? value : real;
}

static int64_t read_clock(clockid_t id)
{
	struct timespec now;

	(void)clock_gettime(id, &now); /* cannot fail for the clocks named here */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t time_now(void)
{
	return shifted(read_clock(CLOCK_REALTIME));
}

int64_t time_monotonic(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t time_monotonic_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail for a clock that is there */
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static struct tm split(int64_t ms, int *ret_ms)
{
	int64_t seconds = ms / 1000;
	struct tm tm;
	time_t t;

	*ret_ms = (int)(ms % 1000);
	if (*ret_ms < 0) {
		*ret_ms += 1000;
		seconds--;
	}
	t = (time_t)seconds;
	(void)gmtime_r(&t, &tm);
	return tm;
}

const char *time_format_iso(int64_t ms, char out[TIME_TEXT_MAX])
{
	int millis;
	struct tm tm = split(ms, &millis);
	size_t n;

	/* %Y of glibc has no leading zeros. */
	(void)snprintf(out, TIME_TEXT_MAX, "%04d", tm.tm_year + 1900);
	n = strlen(out);
	n += strftime(out + n, TIME_TEXT_MAX - n, "-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(out + n, TIME_TEXT_MAX - n, ".%03dZ", millis);
	return out;
}

const char *time_format_http(int64_t ms, char out[TIME_TEXT_MAX])
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	int millis;
	struct tm tm = split(ms, &millis);

	(void)snprintf(out, TIME_TEXT_MAX, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday],
		       tm.tm_mday, months[tm.tm_mon], (tm.tm_year + 1900) % 10000, tm.tm_hour,
		       tm.tm_min, tm.tm_sec);
	return out;
}

/* ".123456" -> 123 ms; digits past the third are dropped. */
static const char *parse_fraction(const char *s, int64_t *ret_ms)
{
	int64_t scale = 100;

	*ret_ms = 0;
	if (*s != '.')
		return s;
	for (s++; isdigit((unsigned char)*s); s++) {
		*ret_ms += scale * (*s - '0');
		scale /= 10;
	}
	return s;
}

/* "Z", "+02:00", "-0530" or nothing, which counts as UTC. */
static int parse_offset(const char *s, int64_t *ret_ms)
{
	int sign = *s == '-' ? -1 : 1;
	unsigned hours = 0, minutes = 0;
	int used = 0;

	*ret_ms = 0;
	if (!*s || (s[0] == 'Z' && !s[1]))
		return 0;
	if (*s != '+' && *s != '-')
		return -1;
	if ((sscanf(s + 1, "%2u:%2u%n", &hours, &minutes, &used) != 2 &&
	     sscanf(s + 1, "%2u%2u%n", &hours, &minutes, &used) != 2) ||
	    s[1 + used] || hours > 23 || minutes > 59)
		return -1;
	*ret_ms = sign * (int64_t)(hours * 60 + minutes) * 60000;
	return 0;
}

int time_parse_iso(const char *s, int64_t *ret_ms, struct err *e)
{
	struct tm tm = { 0 };
	int64_t fraction, offset, seconds;
	int day;
	const char *rest = strptime(s, "%Y-%m-%d", &tm);

	if (rest && (*rest == 'T' || *rest == ' '))
		rest = strptime(rest + 1, "%H:%M:%S", &tm);
	day = tm.tm_mday;
	if (!rest || tm.tm_year < 0 || tm.tm_year > 8099)
		return err_set(e, ERR_USAGE, "'%.40s' is not a time: write 2026-11-20T12:00:00Z",
			       s);
	rest = parse_fraction(rest, &fraction);
	if (parse_offset(rest, &offset) < 0)
		return err_set(e, ERR_USAGE, "'%.40s' ends in no known offset: write Z or +02:00",
			       s);
	seconds = timegm(&tm);
	if (tm.tm_mday != day) /* strptime takes 31 February, timegm makes 3 March of it */
		return err_set(e, ERR_USAGE, "'%.40s' names a day that its month has not", s);
	*ret_ms = seconds * 1000 + fraction - offset;
	return 0;
}

const char *time_format_ago(int64_t ms, char out[TIME_TEXT_MAX])
{
	int64_t seconds = (time_now() - ms) / 1000;

	if (seconds < 0)
		(void)snprintf(out, TIME_TEXT_MAX, "in the future");
	else if (seconds < 60)
		(void)snprintf(out, TIME_TEXT_MAX, "%" PRId64 " s ago", seconds);
	else if (seconds < 3600)
		(void)snprintf(out, TIME_TEXT_MAX, "%" PRId64 " min ago", seconds / 60);
	else if (seconds < 2 * 86400)
		(void)snprintf(out, TIME_TEXT_MAX, "%" PRId64 " h ago", seconds / 3600);
	else
		(void)snprintf(out, TIME_TEXT_MAX, "%" PRId64 " days ago", seconds / 86400);
	return out;
}
