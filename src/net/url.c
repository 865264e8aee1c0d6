/* SPDX-License-Identifier: Apache-2.0 */
#include "net/url.h"

#include <ctype.h>

/* RFC 3986 section 2.3: the characters that mean themselves everywhere. */
static bool is_unreserved(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '.' || c == '_' || c == '~';
}

static void add_encoded(struct buf *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (is_unreserved(*p))
			buf_addc(out, *p);
		else
			buf_addf(out, "%%%02X", (unsigned)(unsigned char)*p);
	}
}

void url_add_segment(struct buf *out, const char *text)
{
	/* These two would be taken out of the path by whoever normalises it: escaping the dots does
	 * not help there, but our own server then refuses the name instead of serving another. */
	if (str_eq(text, ".") || str_eq(text, "..")) {
		for (const char *p = text; *p; p++)
			buf_adds(out, "%2E");
		return;
	}
	add_encoded(out, text);
}

void url_add_query(struct buf *out, const char *key, const char *value)
{
	buf_addc(out, strchr(buf_str(out), '?') ? '&' : '?');
	add_encoded(out, key);
	buf_addc(out, '=');
	add_encoded(out, value);
}

int url_decode(struct bytes text, bool plus_is_blank, struct buf *out, struct err *e)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c == '+' && plus_is_blank) {
			c = ' ';
		} else if (c == '%') {
			char lower[3] = { 0 };

			if (text.n - i < 3)
				return err_set(e, ERR_USAGE, "decode URL: an escape is cut short");
			lower[0] = (char)tolower((unsigned char)text.p[i + 1]);
			lower[1] = (char)tolower((unsigned char)text.p[i + 2]);
			if (hex_decode(lower, 1, &c) < 0)
				return err_set(e, ERR_USAGE, "decode URL: a bad escape");
			i += 2;
		}
		if (c == '\0')
			return err_set(e, ERR_USAGE, "decode URL: it holds a NUL");
		buf_addc(out, (char)c);
	}
	return out->full ? err_set(e, ERR_LIMIT, "decode URL: over %zu bytes", out->max) : 0;
}

static size_t scheme_length(const char *text)
{
	if (strncasecmp(text, "http://", 7) == 0)
		return 7;
	return strncasecmp(text, "https://", 8) == 0 ? 8 : 0;
}

/* Why `text` cannot be the address of a server, or NULL. */
static const char *fault_of_server(const char *text, size_t scheme)
{
	size_t authority = strcspn(text + scheme, "/?#");

	if (scheme == 0)
		return "it must start with http:// or https://";
	if (authority == 0 || text[scheme] == ':')
		return "it names no host";
	if (memchr(text + scheme, '@', authority))
		return "a user name or password does not belong in it; use a token";
	if (strpbrk(text, "?#"))
		return "a query or fragment does not belong in it";
	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p >= 127 || strchr("\"<>\\^`{|}", *p))
			return "it holds a blank or a character that a URL cannot";
	return NULL;
}

int url_normalise_server(const char *text, char **ret_url, struct err *e)
{
	AUTO_FREE char *url = NULL;
	const char *fault = NULL;
	size_t scheme, n;

	if (strlen(text) > URL_MAX)
		return err_set(e, ERR_LIMIT, "server address is over %zu bytes", URL_MAX);
	scheme = scheme_length(text);
	fault = fault_of_server(text, scheme);
	if (fault)
		return err_set(e, ERR_USAGE, "server address '%s': %s", text, fault);

	url = xstrdup(text);
	n = scheme + strcspn(url + scheme, "/");
	for (size_t i = 0; i < n; i++)
		url[i] = (char)tolower((unsigned char)url[i]);
	for (n = strlen(url); n > scheme && url[n - 1] == '/'; n--)
		url[n - 1] = '\0';
	*ret_url = TAKE(url);
	return 0;
}
