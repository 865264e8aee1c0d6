/* SPDX-License-Identifier: Apache-2.0 */
/* What BigQuery tells of a table (tables.get), in the catalog's words. */
#include "remote/bigquery-internal.h"
#include "remote/bigquery-value.h"

static const struct {
	const char *theirs, *ours;
} entity_types[] = {
	{ "TABLE", "BASE TABLE" },  { "VIEW", "VIEW" },
	{ "EXTERNAL", "EXTERNAL" }, { "MATERIALIZED_VIEW", "MATERIALIZED VIEW" },
	{ "SNAPSHOT", "SNAPSHOT" },
};

static const char *entity_type(const struct json *table)
{
	const char *type = json_text(json_get(table, "type"));

	if (json_get(table, "cloneDefinition"))
		return "CLONE";
	for (size_t i = 0; i < ARRAY_LEN(entity_types); i++)
		if (str_eq(entity_types[i].theirs, type))
			return entity_types[i].ours;
	return NULL;
}

/* Views are said to have none, which is not a count. */
static bool has_count(const char *entity)
{
	return entity && !strstr(entity, "VIEW") && !str_eq(entity, "EXTERNAL");
}

static void take_figures(const struct json *table, struct far_found *found)
{
	struct err e = { 0 };

	found->rows = found->size_bytes = -1;
	found->entity_type = entity_type(table);
	found->has_figures = true;
	if (!has_count(found->entity_type))
		return;
	if (bigquery_count(json_get(table, "numRows"), "numRows", &found->rows, &e) == 0 &&
	    bigquery_count(json_get(table, "numBytes"), "numBytes", &found->size_bytes, &e) == 0)
		return;
	found->has_figures = false;
	found->missing = e;
}

/* By a column, or by the time of loading, which is a column of its own (a pseudo one). */
static void take_layout(const struct json *table, struct far_found *found)
{
	const struct json *time = json_get(table, "timePartitioning");
	const struct json *range = json_get(table, "rangePartitioning");
	const struct json *clustered = json_get(json_get(table, "clustering"), "fields");
	const char *column = json_text(json_get(time ? time : range, "field"));

	found->has_layout = true;
	if (column || time)
		found->partition_by = xstrdup(column ? column : "_PARTITIONTIME");
	for (size_t i = 0; i < json_size(clustered); i++)
		if (json_text(json_at(clustered, i)))
			strv_add(&found->clustered_by, json_text(json_at(clustered, i)));
}

static void take_columns(const struct json *table, struct far_found *found)
{
	AUTO_BIGQUERY_FIELDS struct bigquery_fields fields = { 0 };
	struct err e = { 0 };

	if (bigquery_fields_read(json_get(table, "schema"), &fields, &e) < 0) {
		found->missing = e;
		return;
	}
	found->has_columns = true;
	found->columns = xcalloc(fields.n ? fields.n : 1, sizeof(*found->columns));
	for (size_t i = 0; i < fields.n; i++) {
		AUTO_BUF struct buf type = BUF_INIT(BUF_OWN_MAX);

		bigquery_type(&fields.v[i], &type);
		found->columns[i].name = xstrdup(fields.v[i].name);
		found->columns[i].type = buf_take(&type);
	}
	found->column_count = fields.n;
}

int bigquery_found(const struct json *table, struct far_found *found, struct err *e)
{
	if (!json_text(json_get(table, "type")))
		return err_set(e, ERR_REMOTE, "BigQuery: its answer describes no table");
	take_figures(table, found);
	take_layout(table, found);
	take_columns(table, found);
	return 0;
}
