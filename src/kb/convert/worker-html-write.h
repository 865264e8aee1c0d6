/* SPDX-License-Identifier: Apache-2.0 */
/* The writer of Markdown that worker-html.c and worker-html-table.c share. */
#ifndef LARDER_KB_CONVERT_WORKER_HTML_WRITE_H
#define LARDER_KB_CONVERT_WORKER_HTML_WRITE_H

#include "kb/convert/worker-html.h"
#include "kb/convert/worker.h"

struct html_writer {
	struct output *out;
	struct buf line; /* the text of the block that is being gathered */
	unsigned depth, list_depth, quote;
	bool cut;           /* something was too deep */
	bool in_cell;       /* of a table: blocks are words there */
	const char *bullet; /* that the next line begins with, or NULL */
};

/* Ends the block: its line, and an empty one, but for items of lists. */
void html_flush(struct html_writer *w, const char *prefix);
void html_walk_children(struct html_writer *w, const GumboNode *node);
/* The link of a picture that stands in the address itself, once it is kept; else false. */
bool html_keep_image(struct html_writer *w, const char *src, struct buf *ret_link);
void html_add_table(struct html_writer *w, const GumboNode *node);

#endif
