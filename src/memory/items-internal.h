/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of an item: one table, from which a put is checked and an answer is written.
 *
 *	item-fields.c    JSON to values, checked; rows to JSON
 *	items.c          put, remove, list
 *	bundle-build.c   who gets which
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

struct item_values {
	char *text[ITEM_FIELDS];     /* owned; NULL null. Numbers as text too */
	int64_t number[ITEM_FIELDS]; /* times (0 none) and flags */
};
void item_values_release(struct item_values *v);
#define AUTO_ITEM_VALUES AUTO(item_values_release)

int item_values_read(const struct json *fields, struct item_values *ret_values, struct err *e);
/* The members of a row of ITEM_COLUMNS, into an open object. */
void item_add_members(const struct stmt *q, struct json_out *out);

#endif
