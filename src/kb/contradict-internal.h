/* SPDX-License-Identifier: Apache-2.0 */
/* Between contradict.c (asking, keeping) and contradict-pairs.c (which pages, what is known). */
#ifndef LARDER_KB_CONTRADICT_INTERNAL_H
#define LARDER_KB_CONTRADICT_INTERNAL_H

#include "base/hash.h"
#include "kb/contradict.h"

struct judged_page {
	int64_t id;
	char *path; /* below wiki/ */
	char hash[HASH_HEX_MAX];
	char *text; /* below the front matter */
};

/* To be judged; first and second are the same page when its own statements are compared. */
struct judged_pair {
	struct judged_page first, second;
	char *verdict; /* JSON: [{"first", "second", "why"}] */
	int64_t tokens_in, tokens_out, cost_micros;
};

struct pairs {
	struct judged_pair *v;
	size_t n, capacity;
	size_t left; /* that wait for another run */
};
void pairs_release(struct pairs *p);

/* The pairs to ask about, at most `max`; findings of those that were judged go to the lint. */
int pairs_collect(struct kb *kb, size_t max, struct kb_lint *l, struct pairs *ret, struct err *e);
/* A verdict's contradictions as findings. */
void pairs_report(const struct judged_pair *pair, struct kb_lint *l);

#endif
