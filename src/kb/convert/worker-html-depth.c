/* SPDX-License-Identifier: Apache-2.0 */
/* How deep the tags of a page nest, before a tree is made of them. */
#include "kb/convert/worker-html.h"

#include <ctype.h>

/* Never open for long: they have no end, or the next of their kind is it. */
static const char *const flat[] = { "area",     "base",     "br",     "col",    "embed", "hr",
				    "img",      "input",    "link",   "meta",   "param", "source",
				    "track",    "wbr",      "p",      "li",     "td",    "th",
				    "tr",       "dt",       "dd",     "body",   "html",  "head",
				    "tbody",    "thead",    "tfoot",  "option", "rt",    "rp",
				    "colgroup", "optgroup", "caption" };

#define TAG_MAX 16

static size_t name_at(struct bytes html, size_t at, char name[TAG_MAX])
{
	size_t n = 0;

	while (n < TAG_MAX - 1 && at + n < html.n && isalnum((unsigned char)html.p[at + n])) {
		name[n] = (char)tolower((unsigned char)html.p[at + n]);
		n++;
	}
	name[n] = '\0';
	return n;
}

static bool is_flat(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(flat); i++)
		if (str_eq(name, flat[i]))
			return true;
	return false;
}

/* Behind the next `end`, or the end of all. */
static size_t pass(struct bytes html, size_t at, const char *end)
{
	const char *found = memmem(html.p + at, html.n - at, end, strlen(end));

	return found ? (size_t)(found - html.p) + strlen(end) : html.n;
}

size_t html_nesting(struct bytes html)
{
	size_t depth = 0, deepest = 0;
	char name[TAG_MAX];

	for (size_t i = 0; i + 1 < html.n; i++) {
		bool closes = html.p[i + 1] == '/';

		if (html.p[i] != '<')
			continue;
		if (html.n - i > 4 && memcmp(html.p + i, "<!--", 4) == 0) {
			i = pass(html, i, "-->") - 1;
			continue;
		}
		if (name_at(html, i + 1 + closes, name) == 0 || is_flat(name))
			continue;
		if (!closes && str_eq(name, "script")) {
			i = pass(html, i, "</script") - 1;
			continue;
		}
		depth = closes ? depth - (depth > 0) : depth + 1;
		deepest = depth > deepest ? depth : deepest;
	}
	return deepest;
}
