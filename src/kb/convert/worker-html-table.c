/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/convert/worker-html-write.h"

/* Of a table; the rest of a wider one is left out. */
#define TABLE_COLUMNS_MAX 100

static bool is_cell(const GumboNode *node)
{
	return node->type == GUMBO_NODE_ELEMENT &&
	       (node->v.element.tag == GUMBO_TAG_TD || node->v.element.tag == GUMBO_TAG_TH);
}

static void add_rule(struct html_writer *w, size_t cells)
{
	buf_addc(&w->out->text, '|');
	for (size_t i = 0; i < cells; i++)
		buf_adds(&w->out->text, " --- |");
	buf_addc(&w->out->text, '\n');
}

static void add_row(struct html_writer *w, const GumboNode *row, size_t *rows)
{
	AUTO_BUF struct buf line = BUF_INIT(CONVERT_TEXT_MAX);
	size_t cells = 0;

	for (unsigned i = 0; i < row->v.element.children.length; i++) {
		const GumboNode *cell = row->v.element.children.data[i];

		if (!is_cell(cell) || cells >= TABLE_COLUMNS_MAX)
			continue;
		buf_clear(&w->line);
		html_walk_children(w, cell);
		buf_adds(&line, cells++ == 0 ? "| " : " ");
		output_cell(&line, buf_bytes(&w->line));
		buf_adds(&line, " |");
	}
	buf_clear(&w->line);
	if (cells == 0)
		return;
	buf_addf(&w->out->text, "%s\n", buf_str(&line));
	if ((*rows)++ == 0)
		add_rule(w, cells);
}

static void add_rows(struct html_writer *w, const GumboNode *node, unsigned depth, size_t *rows)
{
	for (unsigned i = 0; i < node->v.element.children.length; i++) {
		const GumboNode *child = node->v.element.children.data[i];

		if (child->type != GUMBO_NODE_ELEMENT || depth > HTML_DEPTH_MAX)
			continue;
		if (child->v.element.tag == GUMBO_TAG_TR)
			add_row(w, child, rows);
		else
			add_rows(w, child, depth + 1, rows);
	}
}

void html_add_table(struct html_writer *w, const GumboNode *node)
{
	size_t rows = 0;

	if (w->in_cell) { /* a table in a table is layout: its words are enough */
		html_walk_children(w, node);
		return;
	}
	html_flush(w, "");
	w->in_cell = true;
	add_rows(w, node, 0, &rows);
	w->in_cell = false;
	if (rows > 0)
		buf_addc(&w->out->text, '\n');
}
