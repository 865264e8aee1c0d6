/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON object with one long array in it, read as it comes: the members before the array at once,
 * then its elements one after the other, in the end the members behind it.
 *
 *	struct json_rows_options o = { .member = "rows", .row_max = ..., .rest_max = ...,
 *				       .ctx = ctx, .on_head = on_head, .on_row = on_row };
 *	AUTO_JSON_ROWS struct json_rows *rows = json_rows_new(&o);
 *	json_rows_add(rows, piece, e)         as often as pieces come, cut anywhere
 *	json_rows_end(rows, &rest, e)         ERR_CORRUPT when it is not at its end
 *	json_rows_broken(rows)                of one that broke off: what stands behind the array, if
 *	                                      it is readable; else NULL
 *
 * Memory holds one element. Elements are arrays or objects. An object without that member is all head
 * and has no rows.
 *
 * Errors: ERR_CORRUPT for what is no such object, ERR_LIMIT for a row over row_max or other members
 * over rest_max, and those of the functions, which end it. Threads: one.
 */
#ifndef LARDER_BASE_JSON_ROWS_H
#define LARDER_BASE_JSON_ROWS_H

#include "base/json.h"

struct json_rows;

struct json_rows_options {
	const char *member; /* lent for its life */
	size_t row_max, rest_max;
	int depth; /* of nesting; 0: JSON_DEPTH_MAX */
	void *ctx;
	int (*on_head)(void *ctx, const struct json *head, struct err *e);
	/* NULL: they are passed over, and their inside is not looked at. */
	int (*on_row)(void *ctx, const struct json *row, struct err *e);
};

struct json_rows *json_rows_new(const struct json_rows_options *options);
void json_rows_free(struct json_rows *rows);
static inline void json_rows_auto_(struct json_rows **p)
{
	json_rows_free(*p);
}
#define AUTO_JSON_ROWS AUTO(json_rows_auto_)

int json_rows_add(struct json_rows *rows, struct bytes piece, struct err *e);
/* The members behind the array; the caller owns the object. */
int json_rows_end(struct json_rows *rows, struct json **ret_rest, struct err *e);
struct json *json_rows_broken(const struct json_rows *rows);

#endif
