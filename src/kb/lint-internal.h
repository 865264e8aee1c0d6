/* SPDX-License-Identifier: Apache-2.0 */
/* Between lint.c (order, report), lint-pages.c (the wiki) and lint-sources.c (the documents). */
#ifndef LARDER_KB_LINT_INTERNAL_H
#define LARDER_KB_LINT_INTERNAL_H

#include "kb/lint.h"

void lint_add(struct kb_lint *l, const char *check, const char *page, const char *fmt, ...)
	PRINTF(4, 5);

int lint_pages(struct kb *kb, struct kb_lint *l, struct err *e);
int lint_sources(struct kb *kb, struct kb_lint *l, struct err *e);

#endif
