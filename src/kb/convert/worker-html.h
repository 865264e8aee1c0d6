/* SPDX-License-Identifier: Apache-2.0 */
/* Between worker-html.c (blocks) and worker-html-main.c (which part of a page is its content). */
#ifndef LARDER_KB_CONVERT_WORKER_HTML_H
#define LARDER_KB_CONVERT_WORKER_HTML_H

#include "base/str.h"

#include <gumbo.h>

/* Deeper nesting is a bomb: a browser's own limit is 512. */
#define HTML_DEPTH_MAX 512
/* Of a page whose elements nest deeper no tree is made: for some tags the parser looks through all that are
 * open, which at 60,000 takes minutes. */
#define HTML_NESTING_MAX 4096
size_t html_nesting(struct bytes html);

/* The element that holds what the page is about. */
const GumboNode *html_main_content(const GumboNode *root);
/* Navigation, advertising, scripts: nothing of the text. */
bool html_is_boilerplate(const GumboNode *node);
const char *html_attribute(const GumboNode *node, const char *name); /* NULL when absent */

#endif
