/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Knowledge: what was learned, from its proposal to the rule that goes out with the bundle. An item
 * of knowledge is an item of memory/items.h with a life:
 *
 *	           approve              mandate
 *	pending ------------> approved <--------> mandatory
 *	   |  reject             |  revoke            |  revoke
 *	   v                     v                    |
 *	rejected              revoked <---------------+        (approve brings either back)
 *
 * and besides "expired", which is one of those in force whose time is over. Each step leaves a row
 * of history (who, when, why, what it was before) and an audit row.
 *
 *	struct knowledge_proposal p = { .title = ..., .content = ..., .domain = "finance",
 *		.source_type = "user_verification",
 *		.evidence = { .user = email, .ref = session, .detection = "correction",
 *			      .quote = what_was_said, .position = line } };
 *	struct knowledge_outcome outcome;
 *	knowledge_propose(db, by, &p, &outcome, e)       inside the caller's transaction
 *
 * The same title and content is the same item (its id is made of them), whatever became of it
 * meanwhile: proposed again, it only gains the evidence; a rejected one stays rejected. The same
 * evidence (item, user, ref) counts once, so that a source may be read any number of times.
 *
 * Confidence starts by how the thing was found (correction and unprompted_definition 0.90,
 * confirmation 0.60, anything else 0.50), gains 0.05 for each further user who says the same and
 * 0.20 when an admin approves it, and is 1 when mandated. knowledge_confidence_now() lets it fade.
 *
 * Likely duplicates (same domain, two shared entities or more) are related to each other by
 * themselves; contradictions are told by who finds them. Both wait for a person.
 *
 * Who sees what: admins everything; others what the bundle may show them, and what they proposed
 * themselves; evidence and history are for admins (a quote is out of somebody's session).
 *
 * Threads: as the db. Errors: those of memory/items.h; ERR_CONFLICT for a step that the item's
 * status does not have; ERR_DENIED for an approval by somebody who may not.
 */
#ifndef LARDER_MEMORY_KNOWLEDGE_H
#define LARDER_MEMORY_KNOWLEDGE_H

#include "memory/items.h"

/* Nobody reads through more; the approved ones have RULES_MAX of their own. */
#define KNOWLEDGE_PENDING_MAX 20000
/* Of one user's own proposals (source_type "user_proposal"): more is a machine talking. */
#define KNOWLEDGE_PENDING_USER_MAX 500
/* A sentence or two; a longer quote is cut. */
#define KNOWLEDGE_QUOTE_MAX ((size_t)2000)
/* Of one item: after so many the confidence has long been 1. */
#define KNOWLEDGE_EVIDENCE_MAX 1000
/* A reason for a decision. */
#define KNOWLEDGE_NOTE_MAX ((size_t)2000)
/* Made ones have a prefix of 8 letters at most and 12 digits; admins name theirs as they like. */
#define KNOWLEDGE_ID_MAX (NAME_MAX_LEN + 1)

struct knowledge_evidence {
	const char *user;      /* an email; NULL: no evidence */
	const char *ref;       /* where: a session, a file */
	const char *detection; /* "correction", "confirmation", "unprompted_definition", ... */
	const char *quote;
	int64_t position; /* in ref: a line; -1 unknown */
};

struct knowledge_proposal {
	const char *prefix; /* of the id: "kv" (NULL), "km", "kb", ...; letters only */
	/* An item that says the same in other words: when there is one of that id, it gains the
	 * evidence, and nothing else of the proposal counts. NULL: none is known. */
	const char *known_id;
	const char *title, *content;
	const char *category, *domain, *audience, *sensitivity; /* NULL: none */
	const char *source_type, *source_ref, *source_user;     /* NULL: none */
	const struct strv *tags, *entities;                     /* may be NULL */
	bool personal; /* for its author and admins only, also when approved */
	bool approve;  /* in force at once; `by` must be an admin, or NULL */
	struct knowledge_evidence evidence;
};

struct knowledge_outcome {
	char id[KNOWLEDGE_ID_MAX];
	char status[16];
	bool is_new;
	bool is_new_evidence;
	double confidence;
	size_t duplicates; /* likely ones that were found now */
};

int knowledge_propose(struct db *db, const struct caller *by, const struct knowledge_proposal *p,
		      struct knowledge_outcome *ret, struct err *e);
/* "<prefix>_" and 12 digits of the SHA-256 of "title:content". */
void knowledge_id(const char *prefix, const char *title, const char *content,
		  char out[KNOWLEDGE_ID_MAX]);

/* 1 when there is an item of that id, whatever its status. */
int knowledge_exists(struct db *db, const char *id, struct err *e);
/* What is known and may be shown to a model, the newest first: {"id", "title", "content"} into an
 * open array until it has max_bytes. In force; and pending ones of that source_type. */
struct knowledge_catalog {
	const char *source_type;
	size_t max_bytes;
};
int knowledge_catalog_add(struct db *db, const struct knowledge_catalog *catalog,
			  struct json_out *out, struct err *e);

enum knowledge_step {
	KNOWLEDGE_APPROVE,
	KNOWLEDGE_MANDATE,
	KNOWLEDGE_REJECT,
	KNOWLEDGE_REVOKE,
	KNOWLEDGE_EDIT
};
const char *knowledge_step_word(enum knowledge_step step); /* "approve", ... */

struct knowledge_change {
	enum knowledge_step step;
	const char *id;
	const char *note; /* why; may be NULL */
	/* EDIT: an object with the new values of title, content, category, domain, tags, entities,
	 * audience, confidence, sensitivity, supersedes, valid_from, valid_until; null takes one
	 * away. Other fields of it are refused. */
	const struct json *fields;
};
/* A step that leads where the item is already is done without a trace. */
int knowledge_change(struct db *db, const struct caller *by, const struct knowledge_change *change,
		     struct err *e);

/* What fades: half in twelve months, down to 0.40 (0.50 when mandated). */
double knowledge_confidence_now(double confidence, bool mandatory, int64_t age_ms);

struct knowledge_filter {
	const struct caller *caller;
	const char *status; /* a word of the picture above; NULL any */
	const char *domain; /* NULL any */
	int64_t limit, offset;
};
/* The newest first: whole items as objects, into an open array. */
int knowledge_list(struct db *db, const struct knowledge_filter *filter, struct json_out *out,
		   struct err *e);
/* One as an object, for admins with "evidence", "history" and "relations". */
int knowledge_show(struct db *db, const struct caller *caller, const char *id, struct json_out *out,
		   struct err *e);
/* {"pending": n, ...}: how many of each status. */
int knowledge_count(struct db *db, struct json_out *out, struct err *e);

#endif
