/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>

bool str_eq(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

int parse_int64(const char *s, int64_t min, int64_t max, int64_t *ret_value, struct err *e)
{
	char *end = NULL;
	int64_t value;

	errno = 0;
	value = isdigit((unsigned char)s[0]) || (s[0] == '-' && isdigit((unsigned char)s[1]))
			? strtoll(s, &end, 10)
			: 0;
	if (!end || *end || errno == ERANGE)
		return err_set(e, ERR_USAGE, "'%.64s' is not a whole number", s);
	if (value < min || value > max)
		return err_set(e, ERR_USAGE, "%" PRId64 " is out of range: %" PRId64 " to %" PRId64,
			       value, min, max);
	*ret_value = value;
	return 0;
}

/* A number and a unit letter of the list; no letter means the unit given. */
static int parse_with_unit(const char *s, const char *letters, const int64_t *units, int64_t plain,
			   int64_t *ret_value)
{
	char *end = NULL;
	int64_t value, unit = plain;
	const char *letter;

	errno = 0;
	if (!isdigit((unsigned char)s[0]))
		return -1;
	value = strtoll(s, &end, 10);
	if (errno == ERANGE)
		return -1;
	if (*end) {
		letter = strchr(letters, tolower((unsigned char)*end));
		if (!letter || end[1])
			return -1;
		unit = units[letter - letters];
	}
	return __builtin_mul_overflow(value, unit, ret_value) ? -1 : 0;
}

int parse_size(const char *s, uint64_t max, uint64_t *ret_bytes, struct err *e)
{
	static const int64_t units[] = { 1024, 1 << 20, 1 << 30, (int64_t)1 << 40 };
	int64_t value;

	if (parse_with_unit(s, "kmgt", units, 1, &value) < 0)
		return err_set(e, ERR_USAGE, "'%.64s' is not a size: write 500, 64K, 5M or 2G", s);
	if ((uint64_t)value > max)
		return err_set(e, ERR_USAGE, "'%.64s' is over the limit of %" PRIu64 " bytes", s,
			       max);
	*ret_bytes = (uint64_t)value;
	return 0;
}

int parse_duration(const char *s, int64_t *ret_seconds, struct err *e)
{
	static const int64_t units[] = { 1, 60, 3600, 86400 };

	if (parse_with_unit(s, "smhd", units, 1, ret_seconds) < 0)
		return err_set(e, ERR_USAGE, "'%.64s' is not a duration: write 90s, 15m, 24h or 7d",
			       s);
	return 0;
}

const char *format_size(int64_t bytes, char out[FORMAT_SIZE_MAX])
{
	static const char *const units[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
	double value = (double)bytes / 1000;
	size_t unit = 0;

	if (bytes < 1000) {
		(void)snprintf(out, FORMAT_SIZE_MAX, "%" PRId64 " B", bytes);
		return out;
	}
	while (value >= 999.95 && unit + 1 < ARRAY_LEN(units)) {
		value /= 1000;
		unit++;
	}
	(void)snprintf(out, FORMAT_SIZE_MAX, "%.1f %s", value, units[unit]);
	return out;
}

void hex_encode(const void *p, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes = p;

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * n] = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int hex_decode(const char *hex, size_t n, void *out)
{
	unsigned char *bytes = out;

	if (strnlen(hex, 2 * n + 1) != 2 * n)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int high = hex_value(hex[2 * i]), low = hex_value(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return -1;
		bytes[i] = (unsigned char)(high << 4 | low);
	}
	return 0;
}

bool is_hex(const char *s, size_t digits)
{
	return s && strspn(s, "0123456789abcdef") == digits && s[digits] == '\0';
}

#define NAME_FIRST "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

bool name_is_table(const char *s)
{
	size_t n = s ? strspn(s, NAME_FIRST ".-") : 0;

	return n > 0 && n <= NAME_MAX_LEN && s[n] == '\0' && strchr(NAME_FIRST, s[0]);
}

bool name_is_rule(const char *s)
{
	size_t n = s ? strspn(s, NAME_FIRST "-") : 0;

	return n > 0 && n <= NAME_MAX_LEN && s[n] == '\0';
}

bool name_is_part(const char *path)
{
	const char *segment = path;

	if (!path || strnlen(path, PART_PATH_MAX + 1) > PART_PATH_MAX)
		return false;
	for (;;) {
		size_t n = strspn(segment, NAME_FIRST ".=-");

		if (n == 0 || !strchr(NAME_FIRST, segment[0]))
			return false;
		if (segment[n] == '\0')
			return true;
		if (segment[n] != '/')
			return false;
		segment += n + 1;
	}
}

static void add_quoted(struct buf *out, const char *s, char quote)
{
	buf_addc(out, quote);
	for (const char *end; (end = strchr(s, quote)) != NULL; s = end + 1) {
		buf_add(out, s, (size_t)(end + 1 - s));
		buf_addc(out, quote);
	}
	buf_adds(out, s);
	buf_addc(out, quote);
}

void sql_quote_name(struct buf *out, const char *s)
{
	add_quoted(out, s, '"');
}

void sql_quote_text(struct buf *out, const char *s)
{
	add_quoted(out, s, '\'');
}

/* The length of the valid UTF-8 sequence at p, 0 when there is none (RFC 3629: no overlong forms,
 * no surrogates). */
static size_t utf8_length(const unsigned char *p, size_t n)
{
	size_t length = p[0] < 0x80                    ? 1
			: p[0] >= 0xc2 && p[0] <= 0xdf ? 2
			: p[0] >= 0xe0 && p[0] <= 0xef ? 3
			: p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
						       : 0;

	if (length == 0 || length > n)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return length;
}

static bool is_control(const unsigned char *p, size_t length)
{
	return (length == 1 && (p[0] < 0x20 || p[0] == 0x7f)) ||
	       (length == 2 && p[0] == 0xc2 && p[1] < 0xa0); /* C1: a terminal obeys them too */
}

bool text_is_clean(struct bytes text)
{
	const unsigned char *p = (const unsigned char *)text.p;

	for (size_t i = 0; i < text.n;) {
		size_t length = utf8_length(p + i, text.n - i);

		if (length == 0 || (is_control(p + i, length) && p[i] != '\t' && p[i] != '\n'))
			return false;
		i += length;
	}
	return true;
}

void text_add_clean(struct buf *out, struct bytes text)
{
	const unsigned char *p = (const unsigned char *)text.p;

	for (size_t i = 0; i < text.n;) {
		size_t length = utf8_length(p + i, text.n - i);

		if (length == 0 || is_control(p + i, length))
			buf_addc(out, '?');
		else
			buf_add(out, p + i, length);
		i += length ? length : 1;
	}
}

/* Eight letters of ASCII at a time: most texts are nothing else. */
static size_t ascii_length(const unsigned char *p, size_t n)
{
	size_t i = 0;

	for (uint64_t eight; i + sizeof(eight) <= n; i += sizeof(eight)) {
		memcpy(&eight, p + i, sizeof(eight));
		if (eight & 0x8080808080808080U)
			break;
	}
	while (i < n && p[i] < 0x80)
		i++;
	return i;
}

/* How much of the text is UTF-8, from its start. */
static size_t utf8_prefix(struct bytes text)
{
	const unsigned char *p = (const unsigned char *)text.p;
	size_t i = 0, length = 1;

	while (i < text.n && length > 0) {
		i += ascii_length(p + i, text.n - i);
		length = i < text.n ? utf8_length(p + i, text.n - i) : 0;
		i += length;
	}
	return i;
}

bool text_is_utf8(struct bytes text)
{
	return utf8_prefix(text) == text.n;
}

void text_add_utf8(struct buf *out, struct bytes text)
{
	while (text.n > 0) {
		size_t good = utf8_prefix(text);

		buf_add(out, text.p, good);
		if (good < text.n)
			buf_adds(out, "\xef\xbf\xbd");
		good += good < text.n;
		text.p += good;
		text.n -= good;
	}
}
