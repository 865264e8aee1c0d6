/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of an item: one table, from which a put is checked and an answer is written.
 *
 *	item-fields.c        JSON to values, checked; rows to JSON
 *	item-rows.c          values to rows; history; limits
 *	items.c              put, remove, list
 *	knowledge*.c         proposals, evidence, the steps of an item's life
 *	bundle-build.c       who gets which
 */
#ifndef LARDER_MEMORY_ITEMS_INTERNAL_H
#define LARDER_MEMORY_ITEMS_INTERNAL_H

#include "memory/items.h"

/* In the order of the columns of every statement that reads or writes whole items. */
enum item_field {
	ITEM_ID,
	ITEM_TITLE,
	ITEM_CONTENT,
	ITEM_CATEGORY,
	ITEM_TAGS,
	ITEM_STATUS,
	ITEM_CONTRIBUTORS,
	ITEM_SOURCE_USER,
	ITEM_AUDIENCE,
	ITEM_CONFIDENCE,
	ITEM_DOMAIN,
	ITEM_ENTITIES,
	ITEM_SOURCE_TYPE,
	ITEM_SOURCE_REF,
	ITEM_VALID_FROM,
	ITEM_VALID_UNTIL,
	ITEM_SUPERSEDES,
	ITEM_SENSITIVITY,
	ITEM_IS_PERSONAL,
	ITEM_MANDATORY,
	ITEM_FIELDS
};

#define ITEM_COLUMNS                                                                               \
	"id, title, content, category, tags, status, contributors, source_user, audience,"         \
	" confidence, domain, entities, source_type, source_ref, valid_from_ms, valid_until_ms,"   \
	" supersedes, sensitivity, is_personal, mandatory, created_ms, updated_ms"

/* The status as one word, as of the time ?1. */
#define ITEM_STATUS_WORD                                                                           \
	"CASE WHEN status <> 'approved' THEN status"                                               \
	" WHEN valid_until_ms IS NOT NULL AND valid_until_ms <= ?1 THEN 'expired'"                 \
	" WHEN mandatory THEN 'mandatory' ELSE 'approved' END"
/* NULL is fine: any. */
int item_check_status_word(const char *word, struct err *e);

struct item_values {
	char *text[ITEM_FIELDS];     /* owned; NULL null. Numbers as text too */
	int64_t number[ITEM_FIELDS]; /* times (0 none) and flags */
};
void item_values_release(struct item_values *v);
#define AUTO_ITEM_VALUES AUTO(item_values_release)

int item_values_read(const struct json *fields, struct item_values *ret_values, struct err *e);
/* The members of a row of ITEM_COLUMNS, into an open object. */
void item_add_members(const struct stmt *q, struct json_out *out);

/* 1 or 0 */
int item_exists(struct db *db, const char *id, struct err *e);
/* Inserts, or replaces the one of that id; its update time becomes now. */
int item_write(struct db *db, const struct item_values *v, struct err *e);
/* Asked after a write, inside its transaction: what is over a limit is rolled back. */
int item_check_totals(struct db *db, struct err *e);

struct item_event {
	const char *id;
	const char *action; /* of the history: "approve" */
	const char *audit;  /* of the audit row: "knowledge.approve" */
	const char *note;   /* may be NULL, as before */
	const char *before; /* JSON: the old values of what changed */
};
/* The row of history and the audit row of what was just done. */
int item_note(struct db *db, const struct caller *by, const struct item_event *event,
	      struct err *e);

/* Is it meant for this caller? `domains` are those granted to the caller. */
bool item_is_for(const struct caller *caller, const struct strv *domains, const char *audience,
		 const char *domain);

#endif
