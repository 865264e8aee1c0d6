/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker-value.h"

#include "base/str.h"

static const struct {
	duckdb_type id;
	const char *name;
} simple[] = {
	{ DUCKDB_TYPE_BOOLEAN, "BOOLEAN" },
	{ DUCKDB_TYPE_TINYINT, "TINYINT" },
	{ DUCKDB_TYPE_SMALLINT, "SMALLINT" },
	{ DUCKDB_TYPE_INTEGER, "INTEGER" },
	{ DUCKDB_TYPE_BIGINT, "BIGINT" },
	{ DUCKDB_TYPE_UTINYINT, "UTINYINT" },
	{ DUCKDB_TYPE_USMALLINT, "USMALLINT" },
	{ DUCKDB_TYPE_UINTEGER, "UINTEGER" },
	{ DUCKDB_TYPE_UBIGINT, "UBIGINT" },
	{ DUCKDB_TYPE_HUGEINT, "HUGEINT" },
	{ DUCKDB_TYPE_UHUGEINT, "UHUGEINT" },
	{ DUCKDB_TYPE_FLOAT, "FLOAT" },
	{ DUCKDB_TYPE_DOUBLE, "DOUBLE" },
	{ DUCKDB_TYPE_TIMESTAMP, "TIMESTAMP" },
	{ DUCKDB_TYPE_TIMESTAMP_S, "TIMESTAMP_S" },
	{ DUCKDB_TYPE_TIMESTAMP_MS, "TIMESTAMP_MS" },
	{ DUCKDB_TYPE_TIMESTAMP_NS, "TIMESTAMP_NS" },
	{ DUCKDB_TYPE_TIMESTAMP_TZ, "TIMESTAMP WITH TIME ZONE" },
	{ DUCKDB_TYPE_DATE, "DATE" },
	{ DUCKDB_TYPE_TIME, "TIME" },
	{ DUCKDB_TYPE_TIME_NS, "TIME_NS" },
	{ DUCKDB_TYPE_TIME_TZ, "TIME WITH TIME ZONE" },
	{ DUCKDB_TYPE_INTERVAL, "INTERVAL" },
	{ DUCKDB_TYPE_VARCHAR, "VARCHAR" },
	{ DUCKDB_TYPE_BLOB, "BLOB" },
	{ DUCKDB_TYPE_UUID, "UUID" },
	{ DUCKDB_TYPE_BIT, "BIT" },
	{ DUCKDB_TYPE_SQLNULL, "\"NULL\"" },
};

static const char *simple_name(duckdb_type id)
{
	for (size_t i = 0; i < ARRAY_LEN(simple); i++) {
		if (simple[i].id == id)
			return simple[i].name;
	}
	return NULL;
}

/* A member's name, quoted unless it is plainly a word. */
static void add_member_name(struct buf *out, char *name)
{
	size_t plain = strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789");

	if (plain > 0 && !name[plain] && !strchr("0123456789", name[0]))
		buf_adds(out, name);
	else
		sql_quote_name(out, name);
	duckdb_free(name);
}

static void add_child(struct buf *out, duckdb_logical_type child)
{
	type_add_name(out, child);
	duckdb_destroy_logical_type(&child);
}

static void add_members(struct buf *out, duckdb_logical_type type, bool is_union)
{
	idx_t n = is_union ? duckdb_union_type_member_count(type)
			   : duckdb_struct_type_child_count(type);

	buf_adds(out, is_union ? "UNION(" : "STRUCT(");
	for (idx_t i = 0; i < n; i++) {
		buf_adds(out, i ? ", " : "");
		add_member_name(out, is_union ? duckdb_union_type_member_name(type, i)
					      : duckdb_struct_type_child_name(type, i));
		buf_addc(out, ' ');
		add_child(out, is_union ? duckdb_union_type_member_type(type, i)
					: duckdb_struct_type_child_type(type, i));
	}
	buf_addc(out, ')');
}

static void add_enum(struct buf *out, duckdb_logical_type type)
{
	buf_adds(out, "ENUM(");
	for (uint32_t i = 0, n = duckdb_enum_dictionary_size(type); i < n; i++) {
		char *value = duckdb_enum_dictionary_value(type, i);

		buf_adds(out, i ? ", " : "");
		sql_quote_text(out, value);
		duckdb_free(value);
	}
	buf_addc(out, ')');
}

static void add_map(struct buf *out, duckdb_logical_type type)
{
	buf_adds(out, "MAP(");
	add_child(out, duckdb_map_type_key_type(type));
	buf_adds(out, ", ");
	add_child(out, duckdb_map_type_value_type(type));
	buf_addc(out, ')');
}

static bool add_alias(struct buf *out, duckdb_logical_type type)
{
	char *alias = duckdb_logical_type_get_alias(type);
	bool has = alias && alias[0];

	if (has)
		buf_adds(out, alias); /* JSON, or a type of the user's */
	duckdb_free(alias);
	return has;
}

static void add_composed(struct buf *out, duckdb_logical_type type, duckdb_type id)
{
	switch ((int)id) {
	case DUCKDB_TYPE_DECIMAL:
		buf_addf(out, "DECIMAL(%u,%u)", duckdb_decimal_width(type),
			 duckdb_decimal_scale(type));
		break;
	case DUCKDB_TYPE_ENUM:
		add_enum(out, type);
		break;
	case DUCKDB_TYPE_LIST:
		add_child(out, duckdb_list_type_child_type(type));
		buf_adds(out, "[]");
		break;
	case DUCKDB_TYPE_ARRAY:
		add_child(out, duckdb_array_type_child_type(type));
		buf_addf(out, "[%llu]", (unsigned long long)duckdb_array_type_array_size(type));
		break;
	case DUCKDB_TYPE_MAP:
		add_map(out, type);
		break;
	case DUCKDB_TYPE_STRUCT:
	case DUCKDB_TYPE_UNION:
		add_members(out, type, id == DUCKDB_TYPE_UNION);
		break;
	default:
		buf_addf(out, "TYPE %d", (int)id);
	}
}

void type_add_name(struct buf *out, duckdb_logical_type type)
{
	duckdb_type id = duckdb_get_type_id(type);
	const char *name = simple_name(id);

	if (add_alias(out, type))
		return;
	if (name)
		buf_adds(out, name);
	else
		add_composed(out, type, id);
}

/* The deepest nesting below this type, or -1 when there is a type in it that cannot be read. */
static int depth_of(duckdb_logical_type type);

static int deepest(int deepest_so_far, duckdb_logical_type child)
{
	int depth = depth_of(child);

	duckdb_destroy_logical_type(&child);
	if (depth < 0 || deepest_so_far < 0)
		return -1;
	return depth > deepest_so_far ? depth : deepest_so_far;
}

static int depth_of_members(duckdb_logical_type type, bool is_union)
{
	idx_t n = is_union ? duckdb_union_type_member_count(type)
			   : duckdb_struct_type_child_count(type);
	int depth = 0;

	for (idx_t i = 0; i < n; i++)
		depth = deepest(depth, is_union ? duckdb_union_type_member_type(type, i)
						: duckdb_struct_type_child_type(type, i));
	return depth;
}

static int depth_of(duckdb_logical_type type)
{
	duckdb_type id = duckdb_get_type_id(type);
	int depth;

	switch ((int)id) {
	case DUCKDB_TYPE_LIST:
		depth = deepest(0, duckdb_list_type_child_type(type));
		break;
	case DUCKDB_TYPE_ARRAY:
		depth = deepest(0, duckdb_array_type_child_type(type));
		break;
	case DUCKDB_TYPE_MAP: /* an array of objects: two levels */
		depth = deepest(0, duckdb_map_type_key_type(type));
		depth = deepest(depth, duckdb_map_type_value_type(type));
		depth += depth < 0 ? 0 : 1;
		break;
	case DUCKDB_TYPE_STRUCT:
	case DUCKDB_TYPE_UNION:
		depth = depth_of_members(type, id == DUCKDB_TYPE_UNION);
		break;
	default:
		return simple_name(id) || id == DUCKDB_TYPE_DECIMAL || id == DUCKDB_TYPE_ENUM ? 0
											      : -1;
	}
	return depth < 0 ? -1 : depth + 1;
}

int type_check(duckdb_logical_type type, const char *column, struct err *e)
{
	int depth = depth_of(type);

	if (depth < 0)
		return err_set(e, ERR_USAGE,
			       "column '%s' has a type that cannot be written: cast it to VARCHAR",
			       column);
	if (depth > VALUE_DEPTH_MAX)
		return err_set(e, ERR_LIMIT, "column '%s' is nested deeper than %d levels", column,
			       VALUE_DEPTH_MAX);
	return 0;
}
