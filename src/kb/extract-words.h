/* SPDX-License-Identifier: Apache-2.0 */
/* Words that say nothing of what a text is about, in English and German. */
#ifndef LARDER_KB_EXTRACT_WORDS_H
#define LARDER_KB_EXTRACT_WORDS_H

#include "base/base.h"

/* Lower case. */
bool words_is_stop(const char *word);

#endif
