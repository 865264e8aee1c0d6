/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts that people wrote, cleaned as text_add_clean() (base/str.h) does it, but line by line: tabs
 * become blanks; the ends of lines stay, as newlines whatever system they are of, or become blanks
 * too. Pure.
 */
#ifndef LARDER_BASE_LINES_H
#define LARDER_BASE_LINES_H

#include "base/buf.h"

void text_add_lines(struct buf *out, struct bytes text);
void text_add_line(struct buf *out, struct bytes text); /* one line of it */

#endif
