/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker-value.h"

#include "base/str.h"
#include <inttypes.h>
#include <math.h>

void value_column_init(struct value_column *c, duckdb_vector vector)
{
	c->vector = vector;
	c->type = duckdb_vector_get_column_type(vector);
	c->id = duckdb_get_type_id(c->type);
}

void value_column_release(struct value_column *c)
{
	duckdb_destroy_logical_type(&c->type);
}

#define AUTO_COLUMN AUTO(value_column_release)

static void add_raw(struct json_out *o, const char *key, const char *text)
{
	json_add_raw(o, key, bytes_of(text));
}

/* The shortest text that reads back as the same number; `digits` always suffice for the type. */
static void add_real(struct json_out *o, const char *key, double value, int digits)
{
	char text[40];

	if (!isfinite(value)) {
		json_add_text(o, key, isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
		return;
	}
	for (int n = digits == 9 ? 6 : 15; n <= digits; n++) {
		(void)snprintf(text, sizeof(text), "%.*g", n, value);
		if (digits == 9 ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value)
			break;
	}
	if (!strpbrk(text, ".e"))
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), ".0");
	add_raw(o, key, text);
}

static void add_unsigned(struct json_out *o, const char *key, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	if (value > INT64_MAX)
		json_add_text(o, key, text);
	else
		add_raw(o, key, text);
}

/* Numbers, written as numbers; false when the type is none of them. */
static bool add_number(struct json_out *o, const char *key, duckdb_type id, const void *data,
		       idx_t row)
{
	switch ((int)id) {
	case DUCKDB_TYPE_TINYINT:
		json_add_int(o, key, ((const int8_t *)data)[row]);
		return true;
	case DUCKDB_TYPE_SMALLINT:
		json_add_int(o, key, ((const int16_t *)data)[row]);
		return true;
	case DUCKDB_TYPE_INTEGER:
		json_add_int(o, key, ((const int32_t *)data)[row]);
		return true;
	case DUCKDB_TYPE_BIGINT:
		json_add_int(o, key, ((const int64_t *)data)[row]);
		return true;
	case DUCKDB_TYPE_UTINYINT:
		json_add_int(o, key, ((const uint8_t *)data)[row]);
		return true;
	case DUCKDB_TYPE_USMALLINT:
		json_add_int(o, key, ((const uint16_t *)data)[row]);
		return true;
	case DUCKDB_TYPE_UINTEGER:
		json_add_int(o, key, ((const uint32_t *)data)[row]);
		return true;
	case DUCKDB_TYPE_UBIGINT:
		add_unsigned(o, key, ((const uint64_t *)data)[row]);
		return true;
	case DUCKDB_TYPE_FLOAT:
		add_real(o, key, (double)((const float *)data)[row], 9);
		return true;
	case DUCKDB_TYPE_DOUBLE:
		add_real(o, key, ((const double *)data)[row], 17);
		return true;
	default:
		return false;
	}
}

static duckdb_value decimal_value(const struct value_column *c, const void *data, idx_t row)
{
	duckdb_decimal d = { .width = duckdb_decimal_width(c->type),
			     .scale = duckdb_decimal_scale(c->type) };
	int64_t small = 0;

	switch ((int)duckdb_decimal_internal_type(c->type)) {
	case DUCKDB_TYPE_SMALLINT:
		small = ((const int16_t *)data)[row];
		break;
	case DUCKDB_TYPE_INTEGER:
		small = ((const int32_t *)data)[row];
		break;
	case DUCKDB_TYPE_BIGINT:
		small = ((const int64_t *)data)[row];
		break;
	default:
		d.value = ((const duckdb_hugeint *)data)[row];
		return duckdb_create_decimal(d);
	}
	d.value = (duckdb_hugeint){ .lower = (uint64_t)small, .upper = small < 0 ? -1 : 0 };
	return duckdb_create_decimal(d);
}

static duckdb_value uuid_value(duckdb_hugeint stored)
{
	/* kept with its first bit turned over, so that it sorts as a signed number */
	return duckdb_create_uuid((duckdb_uhugeint){
		.lower = stored.lower, .upper = (uint64_t)stored.upper ^ ((uint64_t)1 << 63) });
}

static duckdb_value string_value(duckdb_type id, duckdb_string_t *stored)
{
	const void *p = duckdb_string_t_data(stored);
	uint32_t n = duckdb_string_t_length(*stored);

	if (id == DUCKDB_TYPE_BLOB)
		return duckdb_create_blob(p, n);
	return duckdb_create_bit(
		(duckdb_bit){ .data = stored ? (uint8_t *)(uintptr_t)p : NULL, .size = n });
}

static duckdb_value time_value(duckdb_type id, const void *data, idx_t row)
{
	switch ((int)id) {
	case DUCKDB_TYPE_DATE:
		return duckdb_create_date(((const duckdb_date *)data)[row]);
	case DUCKDB_TYPE_TIME:
		return duckdb_create_time(((const duckdb_time *)data)[row]);
	case DUCKDB_TYPE_TIME_NS:
		return duckdb_create_time_ns(((const duckdb_time_ns *)data)[row]);
	case DUCKDB_TYPE_TIME_TZ:
		return duckdb_create_time_tz_value(((const duckdb_time_tz *)data)[row]);
	case DUCKDB_TYPE_TIMESTAMP:
		return duckdb_create_timestamp(((const duckdb_timestamp *)data)[row]);
	case DUCKDB_TYPE_TIMESTAMP_TZ:
		return duckdb_create_timestamp_tz(((const duckdb_timestamp *)data)[row]);
	case DUCKDB_TYPE_TIMESTAMP_S:
		return duckdb_create_timestamp_s(((const duckdb_timestamp_s *)data)[row]);
	case DUCKDB_TYPE_TIMESTAMP_MS:
		return duckdb_create_timestamp_ms(((const duckdb_timestamp_ms *)data)[row]);
	case DUCKDB_TYPE_TIMESTAMP_NS:
		return duckdb_create_timestamp_ns(((const duckdb_timestamp_ns *)data)[row]);
	default:
		return duckdb_create_interval(((const duckdb_interval *)data)[row]);
	}
}

static duckdb_value other_value(const struct value_column *c, void *data, idx_t row)
{
	switch ((int)c->id) {
	case DUCKDB_TYPE_DECIMAL:
		return decimal_value(c, data, row);
	case DUCKDB_TYPE_HUGEINT:
		return duckdb_create_hugeint(((const duckdb_hugeint *)data)[row]);
	case DUCKDB_TYPE_UHUGEINT:
		return duckdb_create_uhugeint(((const duckdb_uhugeint *)data)[row]);
	case DUCKDB_TYPE_UUID:
		return uuid_value(((const duckdb_hugeint *)data)[row]);
	case DUCKDB_TYPE_BLOB:
	case DUCKDB_TYPE_BIT:
		return string_value(c->id, (duckdb_string_t *)data + row);
	default:
		return time_value(c->id, data, row);
	}
}

/* What has no form of its own in JSON: DuckDB's own text, decimals without quotes. */
static void add_printed(struct json_out *o, const char *key, const struct value_column *c,
			idx_t row)
{
	duckdb_value value = other_value(c, duckdb_vector_get_data(c->vector), row);
	char *text = duckdb_get_varchar(value);

	if (c->id == DUCKDB_TYPE_DECIMAL && text)
		add_raw(o, key, text);
	else
		json_add_text(o, key, text);
	duckdb_free(text);
	duckdb_destroy_value(&value);
}

static void add_enum(struct json_out *o, const char *key, const struct value_column *c, idx_t row)
{
	const void *data = duckdb_vector_get_data(c->vector);
	idx_t index;
	char *text;

	switch ((int)duckdb_enum_internal_type(c->type)) {
	case DUCKDB_TYPE_UTINYINT:
		index = ((const uint8_t *)data)[row];
		break;
	case DUCKDB_TYPE_USMALLINT:
		index = ((const uint16_t *)data)[row];
		break;
	default:
		index = ((const uint32_t *)data)[row];
	}
	text = duckdb_enum_dictionary_value(c->type, index);
	json_add_text(o, key, text);
	duckdb_free(text);
}

static void add_items(struct json_out *o, const char *key, duckdb_vector vector,
		      duckdb_list_entry range)
{
	AUTO_COLUMN struct value_column child;

	value_column_init(&child, vector);
	json_open(o, key, '[');
	for (idx_t i = 0; i < range.length; i++)
		value_add(o, NULL, &child, range.offset + i);
	json_close(o);
}

/* row(1, 2) is a struct whose members have no names: an array here. */
static bool has_names(duckdb_logical_type type)
{
	char *name = duckdb_struct_type_child_name(type, 0);
	bool named = name && name[0];

	duckdb_free(name);
	return named;
}

static void add_struct(struct json_out *o, const char *key, const struct value_column *c, idx_t row)
{
	bool named = has_names(c->type);

	json_open(o, key, named ? '{' : '[');
	for (idx_t i = 0, n = duckdb_struct_type_child_count(c->type); i < n; i++) {
		AUTO_COLUMN struct value_column child;
		char *name = duckdb_struct_type_child_name(c->type, i);

		value_column_init(&child, duckdb_struct_vector_get_child(c->vector, i));
		value_add(o, named ? name : NULL, &child, row);
		duckdb_free(name);
	}
	json_close(o);
}

/* A union is stored as a struct: first which member it is, then the members. */
static void add_union(struct json_out *o, const char *key, const struct value_column *c, idx_t row)
{
	AUTO_COLUMN struct value_column member;
	duckdb_vector tags = duckdb_struct_vector_get_child(c->vector, 0);
	idx_t tag = ((const uint8_t *)duckdb_vector_get_data(tags))[row];

	value_column_init(&member, duckdb_struct_vector_get_child(c->vector, tag + 1));
	value_add(o, key, &member, row);
}

static void add_nested(struct json_out *o, const char *key, const struct value_column *c, idx_t row)
{
	duckdb_list_entry range = { 0 };

	switch ((int)c->id) {
	case DUCKDB_TYPE_LIST:
	case DUCKDB_TYPE_MAP:
		range = ((const duckdb_list_entry *)duckdb_vector_get_data(c->vector))[row];
		add_items(o, key, duckdb_list_vector_get_child(c->vector), range);
		break;
	case DUCKDB_TYPE_ARRAY:
		range.length = duckdb_array_type_array_size(c->type);
		range.offset = row * range.length;
		add_items(o, key, duckdb_array_vector_get_child(c->vector), range);
		break;
	case DUCKDB_TYPE_STRUCT:
		add_struct(o, key, c, row);
		break;
	default:
		add_union(o, key, c, row);
	}
}

static void add_string(struct json_out *o, const char *key, duckdb_string_t *stored)
{
	json_add_bytes(
		o, key,
		(struct bytes){ duckdb_string_t_data(stored), duckdb_string_t_length(*stored) });
}

void value_add(struct json_out *o, const char *key, const struct value_column *c, idx_t row)
{
	uint64_t *valid = duckdb_vector_get_validity(c->vector);
	void *data = duckdb_vector_get_data(c->vector);

	if (c->id == DUCKDB_TYPE_SQLNULL || !duckdb_validity_row_is_valid(valid, row)) {
		json_add_null(o, key);
		return;
	}
	if (add_number(o, key, c->id, data, row))
		return;
	switch ((int)c->id) {
	case DUCKDB_TYPE_BOOLEAN:
		json_add_bool(o, key, ((const bool *)data)[row]);
		break;
	case DUCKDB_TYPE_VARCHAR:
		add_string(o, key, (duckdb_string_t *)data + row);
		break;
	case DUCKDB_TYPE_ENUM:
		add_enum(o, key, c, row);
		break;
	case DUCKDB_TYPE_LIST:
	case DUCKDB_TYPE_MAP:
	case DUCKDB_TYPE_ARRAY:
	case DUCKDB_TYPE_STRUCT:
	case DUCKDB_TYPE_UNION:
		add_nested(o, key, c, row);
		break;
	default:
		add_printed(o, key, c, row);
	}
}
