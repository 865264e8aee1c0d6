/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/zone.h"

#include "base/file.h"
#include "base/str.h"
#include "engine/zone-rule.h"
#include <ctype.h>
#include <fcntl.h>

#define ZONE_FOLDER "/usr/share/zoneinfo"
#define HEAD_BYTES  44
/* More types than any place has had; a type's number is one byte. */
#define TYPES_MAX 256
/* Offsets beyond a day and a bit are no place on Earth (RFC 8536 section 3.2 advises this range). */
#define OFFSET_MIN (-25 * 3600 + 1)
#define OFFSET_MAX (26 * 3600 - 1)
/* The closing rule is written out up to here: no schedule looks further ahead. */
/* Before the Earth, where some compilers put the first change: so sums of times cannot overflow. */
#define TIME_MIN   (-((int64_t)1 << 59))
#define TIME_MAX   ((int64_t)1 << 59)
#define YEAR_FIRST 1970
#define YEAR_LAST  2200

struct change {
	int64_t at;
	int32_t offset; /* from then on */
};

struct zone {
	int32_t first; /* before all changes */
	struct change *changes;
	size_t n, capacity;
};

/* The counts of one block, and the block's bytes behind its head. */
struct block {
	unsigned char version;
	uint32_t utc, std, leap, times, types, chars;
	struct bytes body;
};

void zone_free(struct zone *zone)
{
	if (!zone)
		return;
	free(zone->changes);
	free(zone);
}

static int64_t read_number(const char *p, size_t bytes)
{
	uint64_t value = bytes == 4 && (*p & 0x80) ? UINT64_MAX << 32 : 0;

	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t)(unsigned char)p[i] << 8 * (bytes - 1 - i);
	return (int64_t)value;
}

static size_t body_size(const struct block *b, size_t time_bytes)
{
	return (size_t)b->times * (time_bytes + 1) + (size_t)b->types * 6 + b->chars +
	       (size_t)b->leap * (time_bytes + 4) + b->std + b->utc;
}

/* Takes head and body off the front of `rest`. */
static int take_block(struct bytes *rest, size_t time_bytes, struct block *b)
{
	uint32_t *const counts[] = { &b->utc, &b->std, &b->leap, &b->times, &b->types, &b->chars };
	size_t n;

	if (rest->n < HEAD_BYTES || memcmp(rest->p, "TZif", 4) != 0)
		return -1;
	b->version = (unsigned char)rest->p[4];
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		int64_t count = read_number(rest->p + 20 + 4 * i, 4);

		if (count < 0 || count > (int64_t)ZONE_BYTES_MAX)
			return -1;
		*counts[i] = (uint32_t)count;
	}
	n = body_size(b, time_bytes);
	if (b->types == 0 || b->types > TYPES_MAX || rest->n - HEAD_BYTES < n)
		return -1;
	b->body = (struct bytes){ rest->p + HEAD_BYTES, n };
	*rest = (struct bytes){ rest->p + HEAD_BYTES + n, rest->n - HEAD_BYTES - n };
	return 0;
}

static void add_change(struct zone *z, int64_t at, int32_t offset)
{
	int32_t before = z->n > 0 ? z->changes[z->n - 1].offset : z->first;

	if (offset == before) /* another name, or summer time without another clock */
		return;
	z->changes = xgrow(z->changes, &z->capacity, z->n + 1, sizeof(*z->changes));
	z->changes[z->n++] = (struct change){ at, offset };
}

static int read_offset(const char *types, size_t type, int32_t *ret)
{
	int64_t value = read_number(types + type * 6, 4);

	if (value < OFFSET_MIN || value > OFFSET_MAX)
		return -1;
	*ret = (int32_t)value;
	return 0;
}

static int read_changes(struct zone *z, const struct block *b, size_t time_bytes)
{
	const char *times = b->body.p;
	const char *kinds = times + (size_t)b->times * time_bytes;
	const char *types = kinds + b->times;
	int64_t last = INT64_MIN;

	if (read_offset(types, 0, &z->first) < 0)
		return -1;
	for (size_t i = 0; i < b->times; i++) {
		int64_t at = read_number(times + i * time_bytes, time_bytes);
		unsigned char kind = (unsigned char)kinds[i];
		int32_t offset;

		if ((i > 0 && at <= last) || at < TIME_MIN || at > TIME_MAX || kind >= b->types ||
		    read_offset(types, kind, &offset) < 0)
			return -1;
		add_change(z, at, offset);
		last = at;
	}
	return 0;
}

static void follow_rule(struct zone *z, const struct zone_rule *rule)
{
	int64_t last = z->n > 0 ? z->changes[z->n - 1].at : INT64_MIN;

	if (!rule->has_summer)
		return;
	for (int year = YEAR_FIRST; year <= YEAR_LAST; year++) {
		int64_t start, end;
		bool south;

		zone_rule_year(rule, year, &start, &end);
		south = end < start;
		if ((south ? end : start) > last)
			add_change(z, south ? end : start, south ? rule->standard : rule->summer);
		if ((south ? start : end) > last)
			add_change(z, south ? start : end, south ? rule->summer : rule->standard);
	}
}

/* "\nCET-1CEST,...\n" behind the second block; an empty one says nothing of the future. */
static int read_rule(struct zone *z, struct bytes rest)
{
	const char *end =
		rest.n > 1 && rest.p[0] == '\n' ? memchr(rest.p + 1, '\n', rest.n - 1) : NULL;
	AUTO_FREE char *text = NULL;
	struct zone_rule rule;

	if (!end)
		return -1;
	text = xstrndup(rest.p + 1, (size_t)(end - rest.p) - 1);
	if (!*text)
		return 0;
	if (zone_rule_parse(text, &rule) < 0)
		return -1;
	follow_rule(z, &rule);
	return 0;
}

static int read_blocks(struct zone *z, struct bytes tzif)
{
	struct block b = { 0 };

	if (take_block(&tzif, 4, &b) < 0)
		return -1;
	if (b.version < '2')
		return read_changes(z, &b, 4);
	if (take_block(&tzif, 8, &b) < 0 || read_changes(z, &b, 8) < 0)
		return -1;
	return read_rule(z, tzif);
}

int zone_parse(struct bytes tzif, struct zone **ret_zone, struct err *e)
{
	AUTO_ZONE struct zone *z = xcalloc(1, sizeof(*z));

	if (tzif.n > ZONE_BYTES_MAX || read_blocks(z, tzif) < 0)
		return err_set(e, ERR_CORRUPT, "not a time zone file (TZif, RFC 8536)");
	*ret_zone = TAKE(z);
	return 0;
}

/* Such a name cannot lead out of the folder of zones. */
static bool is_zone_name(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("_+-/", name[i]))
			return false;
	return n <= ZONE_NAME_MAX && name[0] != '/';
}

static int refuse(const char *name, struct err *e)
{
	(void)err_set(e, ERR_USAGE, "the time zone '%.64s' is not known here", name);
	return err_hint(e, "a name is like Europe/Berlin; the package tzdata brings them");
}

int zone_open(const char *name, struct zone **ret_zone, struct err *e)
{
	const char *folder = getenv("TZDIR");
	AUTO_BUF struct buf text = BUF_INIT(ZONE_BYTES_MAX);
	AUTO_FREE char *path = NULL;

	if (!name || !*name || str_eq(name, "UTC")) {
		*ret_zone = xcalloc(1, sizeof(**ret_zone));
		return 0;
	}
	if (!is_zone_name(name))
		return refuse(name, e);
	path = xasprintf("%s/%s", folder && *folder ? folder : ZONE_FOLDER, name);
	if (file_read(AT_FDCWD, path, ZONE_BYTES_MAX, &text, e) < 0)
		return refuse(name, e); /* a folder of zones ("Europe") is none either */
	if (zone_parse(buf_bytes(&text), ret_zone, e) < 0)
		return err_in(e, "time zone '%s'", name);
	return 0;
}

struct zone_period zone_at(const struct zone *zone, int64_t seconds)
{
	static const struct zone utc = { 0 };
	const struct zone *z = zone ? zone : &utc;
	size_t low = 0, high = z->n; /* changes before low are in the past */
	struct zone_period p = { INT64_MIN, z->first, z->first };

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (z->changes[middle].at <= seconds)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return p;
	p.since = z->changes[low - 1].at;
	p.offset = z->changes[low - 1].offset;
	p.before = low > 1 ? z->changes[low - 2].offset : z->first;
	return p;
}
