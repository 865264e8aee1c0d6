/* SPDX-License-Identifier: Apache-2.0 */
/* HTML as Markdown: headings, paragraphs, lists, code, links. Tables: worker-html-table.c. */
#include "kb/convert/worker-html-write.h"

#include "base/file.h"
#include "base/str.h"
#include "kb/convert/convert-internal.h"

#include <ctype.h>
#include <fcntl.h>

#define LIST_DEPTH_MAX 8
#define LINK_BYTES     1000

static void walk(struct html_writer *w, const GumboNode *node);

void html_walk_children(struct html_writer *w, const GumboNode *node)
{
	if (w->depth >= HTML_DEPTH_MAX) {
		if (!w->cut)
			output_warn(w->out, "what nests more than %d elements deep is left out",
				    HTML_DEPTH_MAX);
		w->cut = true;
		return;
	}
	w->depth++;
	for (unsigned i = 0; i < node->v.element.children.length; i++)
		walk(w, node->v.element.children.data[i]);
	w->depth--;
}

/* Runs of blanks are one; no markup arises from text. */
static void add_text(struct html_writer *w, const char *text)
{
	for (; *text; text++) {
		bool blank = isspace((unsigned char)*text);

		if (blank && (w->line.n == 0 || w->line.p[w->line.n - 1] == ' '))
			continue;
		if (*text == '<' || (*text == '[' && text[1] == '['))
			buf_addc(&w->line, '\\');
		buf_addc(&w->line, blank ? ' ' : *text);
	}
}

static void indent(struct html_writer *w)
{
	for (unsigned i = 0; i < w->quote; i++)
		buf_adds(&w->out->text, "> ");
	for (unsigned i = 1; i < w->list_depth; i++)
		buf_adds(&w->out->text, "  ");
}

void html_flush(struct html_writer *w, const char *prefix)
{
	struct buf *out = &w->out->text;

	while (w->line.n > 0 && w->line.p[w->line.n - 1] == ' ')
		w->line.p[--w->line.n] = '\0';
	if (w->in_cell) {
		if (w->line.n > 0)
			buf_addc(&w->line, ' ');
		return;
	}
	if (w->line.n == 0)
		return;
	indent(w);
	if (w->bullet)
		buf_adds(out, w->bullet);
	else if (w->list_depth > 0)
		buf_adds(out, "  ");
	buf_addf(out, "%s%s\n", prefix, buf_str(&w->line));
	if (w->list_depth == 0)
		buf_addc(out, '\n');
	w->bullet = NULL;
	buf_clear(&w->line);
}

static void add_block(struct html_writer *w, const GumboNode *node, const char *prefix)
{
	html_flush(w, "");
	html_walk_children(w, node);
	html_flush(w, prefix);
}

static void add_heading(struct html_writer *w, const GumboNode *node, unsigned level)
{
	static const char marks[] = "###### ";

	add_block(w, node, w->list_depth || w->quote ? "" : marks + (6 - level));
}

static void add_item(struct html_writer *w, const GumboNode *item, int number)
{
	char bullet[16] = "- ";

	if (item->type != GUMBO_NODE_ELEMENT || html_is_boilerplate(item))
		return;
	if (number > 0)
		(void)snprintf(bullet, sizeof(bullet), "%d. ", number);
	w->bullet = bullet;
	html_walk_children(w, item);
	html_flush(w, "");
	w->bullet = NULL;
}

static void add_list(struct html_writer *w, const GumboNode *node, bool numbered)
{
	unsigned outer = w->list_depth;
	int number = 0;

	html_flush(w, "");
	w->list_depth += outer < LIST_DEPTH_MAX;
	for (unsigned i = 0; i < node->v.element.children.length; i++) {
		const GumboNode *item = node->v.element.children.data[i];

		number += numbered && item->type == GUMBO_NODE_ELEMENT;
		add_item(w, item, number);
	}
	w->list_depth = outer;
	if (outer == 0 && !w->in_cell)
		buf_addc(&w->out->text, '\n');
}

static void add_raw(const GumboNode *node, unsigned depth, struct buf *out)
{
	if (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_WHITESPACE ||
	    node->type == GUMBO_NODE_CDATA)
		buf_adds(out, node->v.text.text);
	if (node->type != GUMBO_NODE_ELEMENT || depth > HTML_DEPTH_MAX)
		return;
	for (unsigned i = 0; i < node->v.element.children.length; i++)
		add_raw(node->v.element.children.data[i], depth + 1, out);
}

static void add_code(struct html_writer *w, const GumboNode *node)
{
	AUTO_BUF struct buf code = BUF_INIT(CONVERT_TEXT_MAX);
	const char *fence = "```";

	html_flush(w, "");
	add_raw(node, 0, &code);
	if (code.full || w->in_cell) {
		add_text(w, buf_str(&code));
		return;
	}
	if (strstr(buf_str(&code), "```"))
		fence = "~~~~~~";
	buf_addf(&w->out->text, "%s\n%s%s%s\n\n", fence, buf_str(&code),
		 code.n && code.p[code.n - 1] == '\n' ? "" : "\n", fence);
}

/* Words in code or emphasis; none around nothing, or around blocks. */
static void add_marked(struct html_writer *w, const GumboNode *node, const char *mark)
{
	size_t before = w->line.n;
	size_t written = w->out->text.n;

	buf_adds(&w->line, mark);
	html_walk_children(w, node);
	if (w->out->text.n != written || w->line.n <= before + strlen(mark)) {
		if (w->line.n == before + strlen(mark))
			w->line.p[w->line.n = before] = '\0';
		return;
	}
	if (w->line.p[w->line.n - 1] == ' ') {
		w->line.p[--w->line.n] = '\0';
		buf_addf(&w->line, "%s ", mark);
		return;
	}
	buf_adds(&w->line, mark);
}

static bool is_address(const char *href)
{
	return href && (str_starts(href, "http://") || str_starts(href, "https://")) &&
	       strlen(href) < LINK_BYTES && !strpbrk(href, " ()<>\n\t");
}

static void add_link(struct html_writer *w, const GumboNode *node)
{
	const char *href = html_attribute(node, "href");
	size_t before = w->line.n;
	size_t written = w->out->text.n;

	if (!is_address(href)) {
		html_walk_children(w, node);
		return;
	}
	buf_addc(&w->line, '[');
	html_walk_children(w, node);
	if (w->out->text.n != written) /* blocks: there is no link around them */
		return;
	if (w->line.n == before + 1) {
		w->line.p[w->line.n = before] = '\0';
		return;
	}
	buf_addf(&w->line, "](%s)", href);
}

static void add_image(struct html_writer *w, const GumboNode *node)
{
	const char *alt = html_attribute(node, "alt");
	const char *src = html_attribute(node, "src");
	AUTO_BUF struct buf words = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf link = BUF_INIT(BUF_OWN_MAX);

	output_cell(&words, bytes_of(alt ? alt : ""));
	if (is_address(src))
		buf_addf(&w->line, "![%s](%s)", buf_str(&words), src);
	else if (html_keep_image(w, src, &link))
		buf_addf(&w->line, "![%s](%s)", buf_str(&words), buf_str(&link));
	else
		add_text(w, buf_str(&words));
}

static void add_quote(struct html_writer *w, const GumboNode *node)
{
	html_flush(w, "");
	w->quote++;
	html_walk_children(w, node);
	html_flush(w, "");
	w->quote--;
}

/* True when the element was a block of its own kind. */
static bool add_known_block(struct html_writer *w, const GumboNode *node)
{
	GumboTag tag = node->v.element.tag;

	if (tag >= GUMBO_TAG_H1 && tag <= GUMBO_TAG_H6)
		add_heading(w, node, (unsigned)(tag - GUMBO_TAG_H1) + 1);
	else if (tag == GUMBO_TAG_UL || tag == GUMBO_TAG_OL)
		add_list(w, node, tag == GUMBO_TAG_OL);
	else if (tag == GUMBO_TAG_PRE)
		add_code(w, node);
	else if (tag == GUMBO_TAG_TABLE)
		html_add_table(w, node);
	else if (tag == GUMBO_TAG_BLOCKQUOTE)
		add_quote(w, node);
	else
		return false;
	return true;
}

static bool is_block(GumboTag tag)
{
	static const GumboTag blocks[] = {
		GUMBO_TAG_P,       GUMBO_TAG_DIV,     GUMBO_TAG_SECTION, GUMBO_TAG_ARTICLE,
		GUMBO_TAG_MAIN,    GUMBO_TAG_HEADER,  GUMBO_TAG_FIGURE,  GUMBO_TAG_FIGCAPTION,
		GUMBO_TAG_DL,      GUMBO_TAG_DD,      GUMBO_TAG_ADDRESS, GUMBO_TAG_DETAILS,
		GUMBO_TAG_SUMMARY, GUMBO_TAG_CAPTION, GUMBO_TAG_FORM,    GUMBO_TAG_BODY,
		GUMBO_TAG_LI,      GUMBO_TAG_HR,      GUMBO_TAG_TR,
	};

	for (size_t i = 0; i < ARRAY_LEN(blocks); i++)
		if (tag == blocks[i])
			return true;
	return false;
}

static const char *mark_of(GumboTag tag)
{
	if (tag == GUMBO_TAG_CODE || tag == GUMBO_TAG_TT || tag == GUMBO_TAG_KBD)
		return "`";
	return tag == GUMBO_TAG_STRONG || tag == GUMBO_TAG_B ? "**" : NULL;
}

static void add_inline(struct html_writer *w, const GumboNode *node)
{
	GumboTag tag = node->v.element.tag;

	if (tag == GUMBO_TAG_A) {
		add_link(w, node);
	} else if (tag == GUMBO_TAG_IMG) {
		add_image(w, node);
	} else if (mark_of(tag)) {
		add_marked(w, node, mark_of(tag));
	} else {
		if (tag == GUMBO_TAG_BR || tag == GUMBO_TAG_TD || tag == GUMBO_TAG_TH)
			add_text(w, " ");
		html_walk_children(w, node);
	}
}

static void walk_element(struct html_writer *w, const GumboNode *node)
{
	GumboTag tag = node->v.element.tag;

	if (add_known_block(w, node))
		return;
	if (tag == GUMBO_TAG_DT) {
		html_flush(w, "");
		add_marked(w, node, "**");
		html_flush(w, "");
	} else if (is_block(tag)) {
		add_block(w, node, "");
	} else {
		add_inline(w, node);
	}
}

static void walk(struct html_writer *w, const GumboNode *node)
{
	if (html_is_boilerplate(node) || w->out->text.full || w->line.full)
		return;
	if (node->type == GUMBO_NODE_ELEMENT)
		walk_element(w, node);
	else if (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_WHITESPACE ||
		 node->type == GUMBO_NODE_CDATA)
		add_text(w, node->v.text.text);
}

static const GumboNode *find_tag(const GumboNode *node, GumboTag tag, unsigned depth)
{
	const GumboNode *found = NULL;

	if (node->type != GUMBO_NODE_ELEMENT || depth > HTML_DEPTH_MAX)
		return NULL;
	if (node->v.element.tag == tag)
		return node;
	for (unsigned i = 0; !found && i < node->v.element.children.length; i++)
		found = find_tag(node->v.element.children.data[i], tag, depth + 1);
	return found;
}

static void take_title(struct output *out, const GumboNode *root)
{
	const GumboNode *title = find_tag(root, GUMBO_TAG_TITLE, 0);
	AUTO_BUF struct buf raw = BUF_INIT(CONVERT_TEXT_MAX);
	AUTO_BUF struct buf words = BUF_INIT(CONVERT_TEXT_MAX);

	if (!title)
		return;
	add_raw(title, 0, &raw);
	output_cell(&words, buf_bytes(&raw));
	if (words.n > 0)
		out->title = buf_take(&words);
}

void html_to_markdown(struct bytes html, struct output *out)
{
	GumboOptions options = kGumboDefaultOptions;
	struct html_writer w = { .out = out, .line = BUF_INIT(CONVERT_TEXT_MAX) };
	GumboOutput *parsed;

	if (html_nesting(html) > HTML_NESTING_MAX) {
		(void)output_refuse(out, CONVERT_TOO_LARGE, "its elements nest more than %d deep",
				    HTML_NESTING_MAX);
		return;
	}
	options.max_errors = 0; /* of a page that is all errors the list would be larger than it */
	parsed = gumbo_parse_with_options(&options, html.n ? html.p : "", html.n);
	take_title(out, parsed->root);
	walk(&w, html_main_content(parsed->root));
	if (w.line.full)
		(void)output_refuse(out, CONVERT_TOO_LARGE, "a paragraph is over %zu bytes",
				    CONVERT_TEXT_MAX);
	else
		html_flush(&w, "");
	/* a heading says it without the name of the site */
	if (out->title && str_starts(buf_str(&out->text), "# ")) {
		free(out->title);
		out->title = NULL;
	}
	buf_release(&w.line);
	gumbo_destroy_output(&options, parsed);
}

int convert_html(const char *path, struct output *out, struct err *e)
{
	AUTO_BUF struct buf raw = BUF_INIT(CONVERT_TEXT_MAX);
	AUTO_BUF struct buf text = BUF_INIT(CONVERT_TEXT_MAX);
	int r = file_read(AT_FDCWD, path, CONVERT_TEXT_MAX, &raw, e);

	if (r == ERR_LIMIT)
		return output_refuse(out, CONVERT_TOO_LARGE, "it is over %zu bytes",
				     CONVERT_TEXT_MAX);
	if (r < 0)
		return r;
	convert_clean_text(buf_bytes(&raw), &text);
	html_to_markdown(buf_bytes(&text), out);
	if (out->outcome == CONVERT_OK && !convert_has_text(buf_bytes(&out->text)))
		return output_refuse(out, CONVERT_EMPTY, "there is no text in it");
	return 0;
}
