/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two items of knowledge that a person should look at together: likely duplicates (found by
 * knowledge_propose() itself) and contradictions (judged by whoever can, a model as a rule).
 *
 *	relation_candidates(db, &query, &out, e) what to compare an item with
 *	relation_put(db, &relation, e)           in a transaction; the same pair again changes nothing
 *	relation_list(db, kind, open_only, ...)  for people
 *	relation_resolve(db, by, &decision, e)   once
 *
 * A pair is unordered and kept as (smaller id, larger id). Removing an item removes its relations.
 * Threads and errors as memory/knowledge.h; ERR_CONFLICT for a second decision.
 */
#ifndef LARDER_MEMORY_RELATIONS_H
#define LARDER_MEMORY_RELATIONS_H

#include "memory/knowledge.h"

#define RELATION_DUPLICATE     "likely_duplicate"
#define RELATION_CONTRADICTION "contradiction"
/* The newest of the domain: what older ones contradict has been seen before. */
#define RELATION_CANDIDATES_MAX 100
/* Of a model's explanation. */
#define RELATION_TEXT_MAX ((size_t)2000)

struct relation {
	const char *kind;
	const char *a, *b;
	double score;            /* duplicates: Jaccard over the entities */
	const char *explanation; /* contradictions, as the rest; cut and cleaned */
	const char *severity;    /* "hard", "soft" */
	const char *suggestion;  /* "kept_a", "kept_b", "merge", "both_valid" */
};

/* Items of a domain (NULL: of all), as {"id", "title", "content"} into an open array, the newest
 * until it has that many bytes: neither personal nor rejected ones. */
struct relation_query {
	const char *domain;
	size_t max_bytes;
};
int relation_candidates(struct db *db, const struct relation_query *query, struct json_out *out,
			struct err *e);
/* 1 when it is new. */
int relation_put(struct db *db, const struct relation *relation, struct err *e);
/* Duplicates of an item among the newest of its domain, recorded; *ret_found counts new ones. */
int relation_find_duplicates(struct db *db, const char *id, size_t *ret_found, struct err *e);

struct relation_filter {
	const char *kind;
	bool open_only;
	int64_t limit;
};
int relation_list(struct db *db, const struct relation_filter *filter, struct json_out *out,
		  struct err *e);

struct relation_decision {
	const char *kind;
	const char *a, *b;
	/* duplicates: "duplicate", "different", "dismissed"; contradictions: "kept_a", "kept_b",
	 * "merged", "both_valid". What follows for the items is done by knowledge_change(). */
	const char *resolution;
};
int relation_resolve(struct db *db, const struct caller *by,
		     const struct relation_decision *decision, struct err *e);

#endif
