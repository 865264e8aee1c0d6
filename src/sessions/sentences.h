/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sentences of what somebody wrote, and small questions about them: the ground that the rule-based
 * extractors stand on. English; ASCII letters are compared without their case, all other bytes as
 * they are. Code blocks, quoted lines and tables are no sentences. Pure.
 */
#ifndef LARDER_SESSIONS_SENTENCES_H
#define LARDER_SESSIONS_SENTENCES_H

#include "base/str.h"

/* Longer ones are no plain statement of one thing. */
#define SENTENCE_MAX ((size_t)400)

/* In order, without the white space around them, with their '?' but without a full stop. */
void sentences_split(const char *text, struct strv *out);

/* What follows when the text begins with this phrase as whole words, its punctuation and blanks
 * taken off; NULL when it does not. */
const char *sentence_after(const char *text, const char *phrase);
/* Where the phrase stands as whole words; NULL when it does not. */
const char *sentence_find(const char *text, const char *phrase);
size_t sentence_words(const char *text);
bool sentence_is_question(const char *text);
/*
 * A fact or a rule that says by itself what it is about: 4 to 60 words, with a verb of fact, neither
 * a question nor about the work at hand ("you", "my", "again"), not beginning with "it" or "this".
 */
bool sentence_is_statement(const char *text);
/* First letter upper case, cut between words; the caller owns it. */
char *sentence_title(const char *text, size_t max);

#endif
