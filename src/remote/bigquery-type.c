/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/bigquery-value.h"

#include "base/str.h"

/* DuckDB's widest DECIMAL. */
#define DECIMAL_DIGITS_MAX 38

struct known_type {
	const char *name;
	enum bigquery_kind kind;
	const char *type; /* DuckDB's */
};

/* Both spellings: the API's and SQL's. What is not here (GEOGRAPHY, JSON, INTERVAL, RANGE, and what is
 * to come) is text. */
static const struct known_type known_types[] = {
	{ "STRING", BIGQUERY_TEXT, "VARCHAR" },
	{ "BYTES", BIGQUERY_BYTES, "BLOB" },
	{ "INTEGER", BIGQUERY_INT, "BIGINT" },
	{ "INT64", BIGQUERY_INT, "BIGINT" },
	{ "FLOAT", BIGQUERY_FLOAT, "DOUBLE" },
	{ "FLOAT64", BIGQUERY_FLOAT, "DOUBLE" },
	{ "NUMERIC", BIGQUERY_NUMERIC, "DECIMAL" },
	{ "BIGNUMERIC", BIGQUERY_NUMERIC, "DECIMAL" },
	{ "BOOLEAN", BIGQUERY_BOOL, "BOOLEAN" },
	{ "BOOL", BIGQUERY_BOOL, "BOOLEAN" },
	{ "TIMESTAMP", BIGQUERY_TIMESTAMP, "TIMESTAMPTZ" },
	{ "DATE", BIGQUERY_DATE, "DATE" },
	{ "TIME", BIGQUERY_TIME, "TIME" },
	{ "DATETIME", BIGQUERY_DATETIME, "TIMESTAMP" },
	{ "RECORD", BIGQUERY_RECORD, "STRUCT" },
	{ "STRUCT", BIGQUERY_RECORD, "STRUCT" },
};

void bigquery_fields_release(struct bigquery_fields *fields)
{
	for (size_t i = 0; i < fields->n; i++) {
		free(fields->v[i].name);
		bigquery_fields_release(&fields->v[i].fields);
	}
	free(fields->v);
	*fields = (struct bigquery_fields){ 0 };
}

static const struct known_type *type_named(const char *name)
{
	static const struct known_type other = { "", BIGQUERY_TEXT, "VARCHAR" };

	for (size_t i = 0; i < ARRAY_LEN(known_types); i++)
		if (str_eq(known_types[i].name, name))
			return &known_types[i];
	return &other;
}

/* "precision" and "scale" are texts with numbers, and absent for the type's own. */
static int64_t number_of(const struct json *v, int64_t otherwise)
{
	struct err ignored = { 0 };
	int64_t n = otherwise;

	if (json_text(v) && parse_int64(json_text(v), 0, 1000, &n, &ignored) < 0)
		n = otherwise;
	return json_text(v) ? n : json_int(v, otherwise);
}

static void read_digits(const struct json *v, const char *type, struct bigquery_field *f)
{
	bool big = str_eq(type, "BIGNUMERIC");
	int64_t precision = number_of(json_get(v, "precision"), big ? 77 : 38);
	int64_t scale = number_of(json_get(v, "scale"), json_get(v, "precision") ? 0
							: big                    ? 38
										 : 9);

	if (precision < 1 || precision > DECIMAL_DIGITS_MAX || scale < 0 || scale > precision)
		return;
	f->precision = (int)precision;
	f->scale = (int)scale;
}

static int read_fields(const struct json *list, struct bigquery_fields *ret, size_t *total,
		       int depth, struct err *e);

static int read_field(const struct json *v, struct bigquery_field *f, size_t *total, int depth,
		      struct err *e)
{
	const char *name = json_text(json_get(v, "name")), *type = json_text(json_get(v, "type"));

	if (!name || !*name || strlen(name) > BIGQUERY_NAME_MAX || !type)
		return err_set(e, ERR_REMOTE, "the schema holds a field without name or type");
	f->name = xstrdup(name);
	f->kind = type_named(type)->kind;
	f->repeated = str_eq(json_text(json_get(v, "mode")), "REPEATED");
	if (f->kind == BIGQUERY_NUMERIC)
		read_digits(v, type, f);
	if (f->kind != BIGQUERY_RECORD)
		return 0;
	if (json_size(json_get(v, "fields")) == 0)
		return err_set(e, ERR_REMOTE, "the schema's record '%.100s' has no fields", name);
	return read_fields(json_get(v, "fields"), &f->fields, total, depth + 1, e);
}

static int read_fields(const struct json *list, struct bigquery_fields *ret, size_t *total,
		       int depth, struct err *e)
{
	size_t n = json_kind(list) == JSON_ARRAY ? json_size(list) : 0;
	int r = 0;

	*total += n;
	if (depth > BIGQUERY_DEPTH_MAX || *total > BIGQUERY_FIELDS_MAX)
		return err_set(e, ERR_LIMIT, "the schema has over %d fields or %d levels",
			       BIGQUERY_FIELDS_MAX, BIGQUERY_DEPTH_MAX);
	ret->v = xcalloc(n ? n : 1, sizeof(*ret->v));
	for (size_t i = 0; r == 0 && i < n; i++, ret->n = i)
		r = read_field(json_at(list, i), &ret->v[i], total, depth, e);
	return r;
}

int bigquery_fields_read(const struct json *schema, struct bigquery_fields *ret_fields,
			 struct err *e)
{
	AUTO_BIGQUERY_FIELDS struct bigquery_fields fields = { 0 };
	size_t total = 0;
	int r = read_fields(json_get(schema, "fields"), &fields, &total, 1, e);

	if (r < 0)
		return r;
	*ret_fields = fields;
	fields = (struct bigquery_fields){ 0 };
	return 0;
}

const char *bigquery_plain_type(enum bigquery_kind kind)
{
	for (size_t i = 0; i < ARRAY_LEN(known_types); i++)
		if (known_types[i].kind == kind)
			return known_types[i].type;
	return "VARCHAR";
}

void bigquery_type(const struct bigquery_field *field, struct buf *out)
{
	if (field->kind == BIGQUERY_RECORD) {
		buf_adds(out, "STRUCT(");
		for (size_t i = 0; i < field->fields.n; i++) {
			buf_adds(out, i ? ", " : "");
			sql_quote_name(out, field->fields.v[i].name);
			buf_addc(out, ' ');
			bigquery_type(&field->fields.v[i], out);
		}
		buf_addc(out, ')');
	} else if (field->kind == BIGQUERY_NUMERIC && field->precision) {
		buf_addf(out, "DECIMAL(%d,%d)", field->precision, field->scale);
	} else if (field->kind == BIGQUERY_NUMERIC) {
		buf_adds(out, "DOUBLE"); /* as for PostgreSQL: a number to compute with */
	} else {
		buf_adds(out, bigquery_plain_type(field->kind));
	}
	if (field->repeated)
		buf_adds(out, "[]");
}
