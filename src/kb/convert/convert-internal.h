/* SPDX-License-Identifier: Apache-2.0 */
/* Between convert.c, text.c and child.c. */
#ifndef LARDER_KB_CONVERT_CONVERT_INTERNAL_H
#define LARDER_KB_CONVERT_CONVERT_INTERNAL_H

#include "kb/convert/convert.h"

/* Markdown and plain text, in this process. */
int convert_text(const struct convert_job *job, bool markdown, struct converted *ret,
		 struct err *e);
/* Everything else, in a child. */
int convert_child(const struct convert_job *job, struct converted *ret, struct err *e);
/* A text that is no UTF-8 is taken for Windows-1252; a byte order mark goes, CR LF is a newline. */
void convert_clean_text(struct bytes raw, struct buf *out);
/* Sets the outcome and the sentence. */
void convert_refuse(struct converted *c, enum convert_outcome outcome, const char *fmt, ...)
	PRINTF(3, 4);
bool convert_has_text(struct bytes text);

#endif
