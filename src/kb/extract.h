/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files of the extractive compiler (docs/format-kb.md, "The extractive compiler"):
 *
 *	extract-text.c     a document's sentences, each with its section
 *	extract-terms.c    how often words, phrases and names occur in them
 *	extract.c          what is said with them: summary, concept and entity pages
 *
 * All of it is arithmetic over one document: the same text gives the same pages anywhere.
 */
#ifndef LARDER_KB_EXTRACT_H
#define LARDER_KB_EXTRACT_H

#include "kb/compile.h"

/* A book of 600 pages; what comes behind is still searched, only not counted. */
#define SENTENCES_MAX ((size_t)20000)
/* Shorter is a fragment, longer a list that lost its commas. */
#define SENTENCE_BYTES_MIN 25
#define SENTENCE_BYTES_MAX 420
/* Different phrases that are counted: bounds memory at some 30 MB. */
#define TERMS_MAX ((size_t)200000)
/* The sentences that are remembered of one term. */
#define TERM_SENTENCES 12

struct sentence {
	char *text;
	size_t section;
	double score;
};

struct term {
	char *key;   /* folded, its words joined by '-': what pages are found by */
	char *words; /* as it first stood in the text */
	unsigned count, headings, length;
	bool name;
	double score;
	size_t sentences[TERM_SENTENCES];
	size_t sentence_count;
};

struct digest {
	struct sentence *sentences;
	size_t sentence_count, sentence_capacity;
	struct term *phrases; /* best first */
	size_t phrase_count;
	struct term *names;
	size_t name_count;
};

void extract_sentences(const struct compile_input *in, struct digest *d);
/* Fills the terms, and the sentences' scores. */
void extract_terms(const struct compile_input *in, struct digest *d);

#endif
