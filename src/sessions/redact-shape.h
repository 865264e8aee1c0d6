/* SPDX-License-Identifier: Apache-2.0 */
/* The shapes of tokens, for redact.c: pure. */
#ifndef LARDER_SESSIONS_REDACT_SHAPE_H
#define LARDER_SESSIONS_REDACT_SHAPE_H

#include "base/buf.h"

/* Letters, digits, '-', '_', '.': what tokens are made of, and what words are cut at. */
bool shape_is_word(char c);
/* The length of the token that `text` (word characters) starts with, 0 for none; *ret_kind is a
 * literal. */
size_t shape_match(struct bytes text, const char **ret_kind);

#endif
