/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BigQuery's schemas and values, in our words. Pure.
 *
 *	AUTO_BIGQUERY_FIELDS struct bigquery_fields fields = { 0 };
 *	bigquery_fields_read(json_get(answer, "schema"), &fields, e);
 *	bigquery_type(&fields.v[0], &text)           DuckDB's name: "STRUCT(\"a\" BIGINT)[]"
 *	AUTO_BIGQUERY_ROW struct bigquery_row values = BIGQUERY_ROW_INIT;
 *	bigquery_row_read(&fields, row, &values, e)  values.v[i], as engine.h wants them
 *
 * A row is {"f": [{"v": ...}, ...]}, where each value is text, null, a list of {"v": ...} for a
 * repeated field, or another row for a record. They come out as DuckDB reads them for the column's type:
 * numbers in digits, times in UTC, bytes in hex digits, records and what is repeated as JSON (bytes in
 * there with \xHH for what is not printable).
 *
 * Errors: ERR_REMOTE for what is not of the announced shape, with the field named; ERR_LIMIT for a
 * row longer than FAR_ROW_MAX. Threads: no state.
 */
#ifndef LARDER_REMOTE_BIGQUERY_VALUE_H
#define LARDER_REMOTE_BIGQUERY_VALUE_H

#include "remote/engine.h"

/* BigQuery's own limits of a table: columns in all, and how deep records nest. */
#define BIGQUERY_FIELDS_MAX 10000
#define BIGQUERY_DEPTH_MAX  15
/* A name has 300 letters at most. */
#define BIGQUERY_NAME_MAX 1200

enum bigquery_kind {
	BIGQUERY_TEXT,
	BIGQUERY_BYTES,
	BIGQUERY_INT,
	BIGQUERY_FLOAT,
	BIGQUERY_NUMERIC,
	BIGQUERY_BOOL,
	BIGQUERY_TIMESTAMP,
	BIGQUERY_DATE,
	BIGQUERY_TIME,
	BIGQUERY_DATETIME,
	BIGQUERY_RECORD
};

struct bigquery_field {
	char *name;
	enum bigquery_kind kind;
	bool repeated;
	int precision, scale; /* NUMERIC; precision 0: more than a DECIMAL holds */
	struct bigquery_fields {
		struct bigquery_field *v;
		size_t n;
	} fields; /* RECORD */
};

/* Of {"fields": [...]}; NULL counts as none. */
int bigquery_fields_read(const struct json *schema, struct bigquery_fields *ret_fields,
			 struct err *e);
void bigquery_fields_release(struct bigquery_fields *fields);
#define AUTO_BIGQUERY_FIELDS AUTO(bigquery_fields_release)

void bigquery_type(const struct bigquery_field *field, struct buf *out);
/* Of a field that is neither repeated nor a record, for messages. */
const char *bigquery_plain_type(enum bigquery_kind kind);

struct bigquery_row {
	struct bytes *v; /* lent from text; p NULL is null */
	size_t n;
	size_t *ends; /* of each in text */
	struct buf text;
};
#define BIGQUERY_ROW_INIT                                                                          \
	{                                                                                          \
		.text = BUF_INIT(FAR_ROW_MAX)                                                      \
	}
void bigquery_row_release(struct bigquery_row *row);
#define AUTO_BIGQUERY_ROW AUTO(bigquery_row_release)
/* The same object serves one row after the other. */
int bigquery_row_read(const struct bigquery_fields *fields, const struct json *json,
		      struct bigquery_row *row, struct err *e);

#endif
