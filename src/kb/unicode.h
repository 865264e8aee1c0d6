/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Letters of all scripts, as names of pages and search need them. utf8proc is behind it and seen
 * only by unicode.c.
 *
 * Any bytes may be given: what is no UTF-8 becomes U+FFFD. Results are the caller's. No state.
 */
#ifndef LARDER_KB_UNICODE_H
#define LARDER_KB_UNICODE_H

#include "base/str.h"

/* The code point at `at` (U+FFFD for a broken byte), and how many bytes it takes; at < text.n. */
int32_t uni_at(struct bytes text, size_t at, size_t *ret_length);
bool uni_is_letter(int32_t c);
bool uni_is_word(int32_t c);  /* a letter, a number or '_': what \w means */
bool uni_is_upper(int32_t c); /* also titlecase */
/* Han, kana and hangul: written without blanks between words. */
bool uni_is_unspaced(int32_t c);

/* Lower case of NFKC. */
char *uni_fold(struct bytes text);
/* Letters and digits only, folded: what a quote and its source have in common however it is set. */
char *uni_letters(struct bytes text);
/*
 * The name rule of pages and documents: NFKC, each run of what is neither a word character nor '-'
 * becomes '-', ends trimmed of '-'; `otherwise` when nothing is left. At most UNI_SLUG_MAX bytes:
 * a longer one is cut between letters and gets '-' and 8 hex digits of its hash.
 */
#define UNI_SLUG_MAX 180 /* with a folder, a suffix and ".json" still one name of a file system */
char *uni_slug(const char *s, const char *otherwise);
/* By what a link finds a page that is written a little otherwise: NFKC, lower case, '_' is '-',
 * runs of '-' and blanks are one '-'. */
char *uni_link_key(struct bytes target);
/* "write-ahead_log" as words: "write ahead log". */
char *uni_words(const char *slug);

#endif
