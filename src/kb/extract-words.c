/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/extract-words.h"

/* Sorted: looked up by halves. */
static const char *const stop[] = {
	"a",       "aber",    "about",   "above",    "after",    "again",   "all",      "alle",
	"allow",   "allows",  "also",    "although", "always",   "am",      "an",       "and",
	"andere",  "any",     "are",     "as",       "at",       "auch",    "auf",      "aus",
	"be",      "because", "been",    "before",   "bei",      "being",   "below",    "between",
	"bis",     "both",    "but",     "by",       "called",   "can",     "cannot",   "could",
	"dann",    "das",     "dass",    "dem",      "den",      "der",     "des",      "did",
	"die",     "do",      "does",    "doing",    "done",     "durch",   "during",   "each",
	"ein",     "eine",    "einen",   "einer",    "eines",    "either",  "else",     "es",
	"etc",     "even",    "every",   "example",  "examples", "few",     "first",    "following",
	"for",     "from",    "further", "für",      "given",    "had",     "has",      "hat",
	"have",    "having",  "he",      "her",      "here",     "him",     "his",      "how",
	"however", "i",       "ich",     "if",       "ihr",      "im",      "in",       "instead",
	"into",    "is",      "ist",     "it",       "its",      "itself",  "just",     "kann",
	"kein",    "less",    "like",    "made",     "make",     "makes",   "man",      "many",
	"may",     "means",   "might",   "mit",      "more",     "most",    "much",     "must",
	"my",      "nach",    "need",    "needs",    "never",    "new",     "nicht",    "no",
	"non",     "nor",     "not",     "note",     "now",      "nur",     "oder",     "of",
	"off",     "often",   "on",      "once",     "one",      "only",    "or",       "other",
	"others",  "our",     "out",     "over",     "own",      "per",     "possible", "rather",
	"same",    "second",  "see",     "sein",     "several",  "shall",   "she",      "should",
	"sich",    "sie",     "since",   "sind",     "so",       "some",    "still",    "such",
	"than",    "that",    "the",     "their",    "them",     "then",    "there",    "therefore",
	"these",   "they",    "this",    "those",    "though",   "through", "thus",     "to",
	"too",     "two",     "und",     "under",    "until",    "up",      "upon",     "us",
	"use",     "used",    "uses",    "using",    "usually",  "very",    "via",      "vom",
	"von",     "was",     "way",     "we",       "well",     "were",    "what",     "when",
	"where",   "whether", "which",   "while",    "who",      "whose",   "why",      "wie",
	"will",    "wird",    "with",    "within",   "without",  "would",   "you",      "your",
	"zu",      "zum",     "zur",
};

static int compare(const void *a, const void *b)
{
	return strcmp(a, *(const char *const *)b);
}

bool words_is_stop(const char *word)
{
	return bsearch(word, stop, ARRAY_LEN(stop), sizeof(*stop), compare) != NULL;
}
