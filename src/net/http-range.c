/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http-range.h"

#include <ctype.h>
#include <strings.h>

static const char *skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

/* Digits at *p; more than an int64 holds is taken as INT64_MAX (past every end). -1: no digit. */
static int64_t read_number(const char **p)
{
	int64_t n = 0;

	if (!isdigit((unsigned char)**p))
		return -1;
	for (; isdigit((unsigned char)**p); (*p)++) {
		int digit = **p - '0';

		n = n > (INT64_MAX - digit) / 10 ? INT64_MAX : n * 10 + digit;
	}
	return n;
}

/* The text after "bytes", with `separator` eaten; NULL for another unit. */
static const char *after_unit(const char *header, char separator)
{
	const char *p = skip_blanks(header);

	if (strncasecmp(p, "bytes", 5) != 0 || p[5] != separator)
		return NULL;
	return skip_blanks(p + 6);
}

static enum http_range_kind whole(int64_t size, int64_t *ret_first, int64_t *ret_length)
{
	*ret_first = 0;
	*ret_length = size;
	return HTTP_RANGE_WHOLE;
}

/* One range-spec: "5-9", "5-" or "-5". False when it is not one; *first -1 marks a suffix. */
static bool read_spec(const char *p, int64_t *first, int64_t *last)
{
	*first = read_number(&p);
	if (*p++ != '-')
		return false;
	*last = read_number(&p);
	if (*skip_blanks(p) != '\0' || (*first < 0 && *last < 0))
		return false;
	return *first < 0 || *last < 0 || *first <= *last;
}

enum http_range_kind http_range_parse(const char *header, int64_t size, int64_t *ret_first,
				      int64_t *ret_length)
{
	const char *p = header ? after_unit(header, '=') : NULL;
	int64_t first, last;

	if (!p || !read_spec(p, &first, &last))
		return whole(size, ret_first, ret_length);
	if (first < 0) { /* the last `last` bytes */
		if (last == 0 || size == 0)
			return HTTP_RANGE_UNSATISFIABLE;
		first = last >= size ? 0 : size - last;
		last = size - 1;
	}
	if (first >= size)
		return HTTP_RANGE_UNSATISFIABLE;
	if (last < 0 || last >= size)
		last = size - 1;
	*ret_first = first;
	*ret_length = last - first + 1;
	return HTTP_RANGE_PART;
}

bool http_content_range_parse(const char *header, struct http_content_range *ret_range)
{
	struct http_content_range r = { -1, -1, -1 };
	const char *p = after_unit(header, ' ');

	if (!p)
		return false;
	if (*p == '*') {
		p++;
	} else {
		r.first = read_number(&p);
		if (r.first < 0 || *p++ != '-')
			return false;
		r.last = read_number(&p);
		if (r.last < r.first)
			return false;
	}
	if (*p++ != '/')
		return false;
	if (*p == '*')
		p++;
	else if ((r.total = read_number(&p)) < 0)
		return false;
	if (*skip_blanks(p) != '\0' || (r.total >= 0 && r.last >= r.total))
		return false;
	*ret_range = r;
	return true;
}

/* The length of the entity-tag at p, quotes included, or 0 when there is none. */
static size_t tag_length(const char *p)
{
	const char *end = *p == '"' ? strchr(p + 1, '"') : NULL;

	return end ? (size_t)(end - p) + 1 : 0;
}

bool http_etag_matches(const char *header, const char *etag, bool weak_ok)
{
	const char *p = skip_blanks(header);

	if (*p == '*' && *skip_blanks(p + 1) == '\0')
		return true;
	while (*p) {
		bool weak = p[0] == 'W' && p[1] == '/';
		size_t n;

		if (weak)
			p += 2;
		n = tag_length(p);
		if (n == 0)
			return false; /* not a list of tags: what follows cannot be trusted */
		if (etag && (weak_ok || !weak) && strlen(etag) == n && memcmp(p, etag, n) == 0)
			return true;
		p = skip_blanks(p + n);
		if (*p != ',')
			return false;
		p = skip_blanks(p + 1);
	}
	return false;
}

bool http_date_parse(const char *text, int64_t *ret_ms)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);

	if (!end || *end != '\0')
		return false;
	*ret_ms = (int64_t)timegm(&tm) * 1000;
	return true;
}

/* Dates carry whole seconds: the representation's own time is cut to them before comparing. */
static bool modified_after(const struct http_representation *rep, const char *date)
{
	int64_t ms;

	return http_date_parse(date, &ms) && rep->modified_ms / 1000 * 1000 > ms;
}

static bool fails_match(const struct http_conditions *c, const struct http_representation *rep)
{
	if (c->if_match)
		return !http_etag_matches(c->if_match, rep->etag, false);
	return c->if_unmodified_since && modified_after(rep, c->if_unmodified_since);
}

static bool is_not_modified(const struct http_conditions *c, const struct http_representation *rep)
{
	int64_t ms;

	if (c->if_none_match)
		return http_etag_matches(c->if_none_match, rep->etag, true);
	return c->is_read && c->if_modified_since && http_date_parse(c->if_modified_since, &ms) &&
	       !modified_after(rep, c->if_modified_since);
}

/* If-Range holds one tag or one date; either must match exactly and strongly (section 13.1.5). */
static bool range_applies(const struct http_conditions *c, const struct http_representation *rep)
{
	int64_t ms;

	if (!c->is_read || !c->range)
		return false;
	if (!c->if_range)
		return true;
	if (http_date_parse(c->if_range, &ms))
		return rep->modified_ms / 1000 * 1000 == ms;
	return rep->etag && strcmp(c->if_range, rep->etag) == 0;
}

int http_conditions_decide(const struct http_conditions *c, const struct http_representation *rep,
			   int64_t *ret_first, int64_t *ret_length)
{
	if (fails_match(c, rep))
		return 412;
	if (is_not_modified(c, rep))
		return c->is_read ? 304 : 412;
	switch (http_range_parse(range_applies(c, rep) ? c->range : NULL, rep->size, ret_first,
				 ret_length)) {
	case HTTP_RANGE_PART:
		return 206;
	case HTTP_RANGE_UNSATISFIABLE:
		return 416;
	case HTTP_RANGE_WHOLE:
	default:
		return 200;
	}
}
