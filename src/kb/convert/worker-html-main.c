/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main content of a page: <main>, <article> or role="main" when it has a good part of the text;
 * else the body, without what its element or its class says is navigation.
 */
#include "kb/convert/worker-html.h"

#include "base/str.h"

#include <ctype.h>

/* A teaser in <article> is not the page: the third part of the text is asked for. */
#define CONTENT_SHARE 3

const char *html_attribute(const GumboNode *node, const char *name)
{
	const GumboAttribute *a;

	if (node->type != GUMBO_NODE_ELEMENT)
		return NULL;
	a = gumbo_get_attribute(&node->v.element.attributes, name);
	return a ? a->value : NULL;
}

/* One of its words, parted by blanks, '-' and '_'? "main-nav" has "nav". */
static bool has_word(const char *names, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = names; (at = strcasestr(at, word)) != NULL; at += n) {
		bool starts = at == names || !isalnum((unsigned char)at[-1]);
		bool ends = !isalnum((unsigned char)at[n]);

		if (starts && ends)
			return true;
	}
	return false;
}

static bool is_named(const GumboNode *node)
{
	static const char *const names[] = { "nav",          "navbar",     "navigation",  "menu",
					     "sidebar",      "breadcrumb", "breadcrumbs", "cookie",
					     "cookies",      "footer",     "related",     "share",
					     "advert",       "ads",        "headerlink",  "skip",
					     "sphinxsidebar" };
	const char *class = html_attribute(node, "class");
	const char *id = html_attribute(node, "id");

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if ((class && has_word(class, names[i])) || (id && str_eq(id, names[i])))
			return true;
	return false;
}

bool html_is_boilerplate(const GumboNode *node)
{
	static const GumboTag tags[] = { GUMBO_TAG_SCRIPT,   GUMBO_TAG_STYLE,   GUMBO_TAG_NAV,
					 GUMBO_TAG_FOOTER,   GUMBO_TAG_ASIDE,   GUMBO_TAG_NOSCRIPT,
					 GUMBO_TAG_TEMPLATE, GUMBO_TAG_IFRAME,  GUMBO_TAG_BUTTON,
					 GUMBO_TAG_SELECT,   GUMBO_TAG_SVG,     GUMBO_TAG_HEAD,
					 GUMBO_TAG_INPUT,    GUMBO_TAG_TEXTAREA };
	const char *role = html_attribute(node, "role");
	GumboTag tag;

	if (node->type != GUMBO_NODE_ELEMENT)
		return node->type == GUMBO_NODE_COMMENT;
	tag = node->v.element.tag;
	for (size_t i = 0; i < ARRAY_LEN(tags); i++)
		if (tag == tags[i])
			return true;
	if (tag == GUMBO_TAG_BODY || tag == GUMBO_TAG_HTML || tag == GUMBO_TAG_MAIN ||
	    tag == GUMBO_TAG_ARTICLE)
		return false;
	return is_named(node) || html_attribute(node, "hidden") ||
	       (role && (str_eq(role, "navigation") || str_eq(role, "search") ||
			 str_eq(role, "contentinfo")));
}

static size_t text_length(const GumboNode *node, unsigned depth)
{
	size_t n = 0;

	if (node->type == GUMBO_NODE_TEXT)
		return strlen(node->v.text.text);
	if (node->type != GUMBO_NODE_ELEMENT || depth > HTML_DEPTH_MAX || html_is_boilerplate(node))
		return 0;
	for (unsigned i = 0; i < node->v.element.children.length; i++)
		n += text_length(node->v.element.children.data[i], depth + 1);
	return n;
}

static bool is_content(const GumboNode *node)
{
	const char *role = html_attribute(node, "role");

	return node->v.element.tag == GUMBO_TAG_MAIN || node->v.element.tag == GUMBO_TAG_ARTICLE ||
	       (role && str_eq(role, "main"));
}

struct best {
	const GumboNode *node;
	size_t length;
};

static void find(const GumboNode *node, unsigned depth, struct best *best)
{
	if (node->type != GUMBO_NODE_ELEMENT || depth > HTML_DEPTH_MAX)
		return;
	if (is_content(node)) {
		size_t length = text_length(node, depth);

		if (length > best->length)
			*best = (struct best){ node, length };
		return; /* what lies inside is a part of it */
	}
	for (unsigned i = 0; i < node->v.element.children.length; i++)
		find(node->v.element.children.data[i], depth + 1, best);
}

const GumboNode *html_main_content(const GumboNode *root)
{
	struct best best = { 0 };

	find(root, 0, &best);
	return best.node && best.length * CONTENT_SHARE >= text_length(root, 0) ? best.node : root;
}
