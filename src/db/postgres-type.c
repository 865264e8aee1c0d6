/* SPDX-License-Identifier: Apache-2.0 */
#include "db/postgres-internal.h"

/* Numbers of pg_type.dat, which never change. */
#define OID_NUMERIC 1700

/* DuckDB's widest. */
#define DECIMAL_DIGITS_MAX 38

static const struct {
	Oid oid;
	char kind;
	const char *type;
} types[] = {
	{ 16, POSTGRES_PLAIN, "BOOLEAN" },       { 17, POSTGRES_HEX, "BLOB" },
	{ 20, POSTGRES_PLAIN, "BIGINT" },        { 21, POSTGRES_PLAIN, "SMALLINT" },
	{ 23, POSTGRES_PLAIN, "INTEGER" },       { 25, POSTGRES_PLAIN, "VARCHAR" },
	{ 26, POSTGRES_PLAIN, "UINTEGER" },      { 700, POSTGRES_PLAIN, "FLOAT" },
	{ 701, POSTGRES_PLAIN, "DOUBLE" },       { 1082, POSTGRES_PLAIN, "DATE" },
	{ 1083, POSTGRES_PLAIN, "TIME" },        { 1114, POSTGRES_PLAIN, "TIMESTAMP" },
	{ 1184, POSTGRES_PLAIN, "TIMESTAMPTZ" }, { 2950, POSTGRES_PLAIN, "UUID" },
};

/* numeric(p, s) in its modifier: p in the upper half, s in 11 bits with sign (numeric.c); without
 * one, or wider than a DECIMAL can be, it is a number that people compute with. */
static void numeric(struct postgres_column *column, int modifier)
{
	int digits = modifier >= 4 ? ((modifier - 4) >> 16) & 0xffff : 0;
	int scale = modifier >= 4 ? (((modifier - 4) & 0x7ff) ^ 1024) - 1024 : 0;

	column->type = "DOUBLE";
	if (digits < 1 || digits > DECIMAL_DIGITS_MAX || scale < 0 || scale > digits)
		return;
	(void)snprintf(column->text, sizeof(column->text), "DECIMAL(%d,%d)", digits, scale);
	column->type = NULL; /* `text` has it; the column may still move */
}

void postgres_type(struct postgres_column *column, Oid type, int modifier)
{
	column->kind = POSTGRES_TEXT;
	column->type = "VARCHAR";
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].oid == type) {
			column->kind = types[i].kind;
			column->type = types[i].type;
		}
	if (type == OID_NUMERIC) {
		column->kind = POSTGRES_PLAIN;
		numeric(column, modifier);
	}
}

void postgres_type_name(int64_t type, int64_t modifier, char out[24])
{
	struct postgres_column column = { 0 };

	postgres_type(&column, (Oid)type, (int)modifier);
	(void)snprintf(out, sizeof(column.text), "%s", column.type ? column.type : column.text);
}
