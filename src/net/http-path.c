/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http-path.h"

#include "net/url.h"

/* The path of absolute-form (RFC 9112 section 3.2.2), which every server must accept. */
static const char *skip_authority(const char *target)
{
	size_t scheme = 0;

	if (strncasecmp(target, "http://", 7) == 0)
		scheme = 7;
	else if (strncasecmp(target, "https://", 8) == 0)
		scheme = 8;
	return scheme ? target + scheme + strcspn(target + scheme, "/?#") : target;
}

static bool has_bad_segment(const char *path)
{
	const char *p = path;

	while (*p == '/') {
		size_t n = strcspn(++p, "/");

		if (n == 0 && p[0] == '/')
			return true;
		if ((n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			return true;
		p += n;
	}
	return false;
}

/* Raw blanks, controls and non-ASCII never stand in a request target; an encoded slash is refused
 * as the header says. */
static bool is_raw_path(struct bytes raw)
{
	if (raw.n == 0 || raw.p[0] != '/' || raw.n > 3 * HTTP_PATH_MAX)
		return false;
	for (size_t i = 0; i < raw.n; i++) {
		if (raw.p[i] <= ' ' || raw.p[i] >= 127)
			return false;
		if (raw.n - i >= 3 && strncasecmp(raw.p + i, "%2f", 3) == 0)
			return false;
	}
	return true;
}

int http_path_decode(const char *target, struct buf *out)
{
	const char *path = skip_authority(target);
	struct bytes raw = { path, strcspn(path, "?#") };
	size_t from = out->n;
	struct err e = { 0 };

	if (!is_raw_path(raw) || url_decode(raw, false, out, &e) < 0)
		return -1;
	if (out->n - from > HTTP_PATH_MAX || strchr(out->p + from, '\\'))
		return -1;
	/* Tab and newline pass as clean text, but not as part of a path. */
	if (strpbrk(out->p + from, "\t\n") || has_bad_segment(out->p + from))
		return -1;
	return text_is_clean((struct bytes){ out->p + from, out->n - from }) ? 0 : -1;
}

static void add_pair(struct strv *out, struct bytes key, struct bytes value)
{
	AUTO_BUF struct buf k = BUF_INIT(HTTP_PATH_MAX);
	AUTO_BUF struct buf v = BUF_INIT(HTTP_PATH_MAX);
	struct err e = { 0 };

	if (url_decode(key, true, &k, &e) < 0 || url_decode(value, true, &v, &e) < 0)
		return;
	strv_add(out, buf_str(&k));
	strv_add(out, buf_str(&v));
}

void http_query_decode(const char *target, struct strv *out)
{
	const char *p = strchr(target, '?');

	while (p && *p && *p != '#' && out->n < 2 * (size_t)HTTP_QUERY_MAX) {
		size_t n = strcspn(++p, "&#");
		const char *equals = memchr(p, '=', n);
		size_t key = equals ? (size_t)(equals - p) : n;

		if (n > 0)
			add_pair(out, (struct bytes){ p, key },
				 (struct bytes){ p + key + (equals != NULL),
						 n - key - (equals != NULL) });
		p += n;
	}
}
