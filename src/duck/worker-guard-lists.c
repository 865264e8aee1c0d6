/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker-guard-lists.h"

#include "base/base.h"
#include <string.h>
#include <strings.h>

static bool is_listed(const char *const *list, const char *name)
{
	for (; *list; list++) {
		if (strcasecmp(*list, name) == 0)
			return true;
	}
	return false;
}

static bool begins(const char *const *list, const char *name)
{
	for (; *list; list++) {
		if (strncasecmp(*list, name, strlen(*list)) == 0)
			return true;
	}
	return false;
}

bool guard_is_table_function(const char *name)
{
	static const char *const list[] = { "range",      "generate_series", "unnest",    "repeat",
					    "repeat_row", "json_each",       "json_tree", NULL };

	return is_listed(list, name);
}

bool guard_is_denied_function(const char *name)
{
	/* Files, settings, logs, the system's own tables, switches; and what extensions of these kinds
	 * are called, should one ever be built in. */
	static const char *const families[] = { "duckdb_",    "pragma_",      "enable_",
						"disable_",   "read_",        "write_",
						"sniff_",     "parquet_",     "pg_",
						"copy_",      "install_",     "load_",
						"set_config", "json_execute", NULL };
	static const char *const steady[] = { "pg_typeof", "pg_size_pretty", NULL };
	static const char *const list[] = { "getenv",
					    "getvariable",
					    "current_setting",
					    "current_query",
					    "current_query_id",
					    "current_connection_id",
					    "current_transaction_id",
					    "txid_current",
					    "json_serialize_sql",
					    "json_serialize_plan",
					    "json_deserialize_sql",
					    "parse_duckdb_log_message",
					    "query",
					    "query_table",
					    "checkpoint",
					    "force_checkpoint",
					    "glob",
					    "which_secret",
					    "sleep_ms",
					    "setseed",
					    "stats",
					    "nextval",
					    "currval",
					    "format_pg_type",
					    "map_to_pg_oid",
					    "truncate_duckdb_logs",
					    "sql_auto_complete",
					    "histogram_values",
					    NULL };

	if (is_listed(steady, name))
		return false;
	return begins(families, name) || is_listed(list, name);
}

bool guard_is_unsteady(const char *name)
{
	static const char *const list[] = { "now",
					    "today",
					    "random",
					    "uuid",
					    "uuidv4",
					    "uuidv7",
					    "gen_random_uuid",
					    "current_date",
					    "current_time",
					    "current_timestamp",
					    "current_localtime",
					    "current_localtimestamp",
					    "localtime",
					    "localtimestamp",
					    "get_current_time",
					    "get_current_timestamp",
					    "transaction_timestamp",
					    "statement_timestamp",
					    "clock_timestamp",
					    "age",
					    "user",
					    "current_user",
					    "session_user",
					    "current_role",
					    "current_catalog",
					    "current_database",
					    "current_schema",
					    "current_schemas",
					    "in_search_path",
					    "version",
					    NULL };

	return is_listed(list, name);
}

bool guard_is_system(const char *catalog, const char *schema, const char *name)
{
	static const char *const schemas[] = { "information_schema", "pg_catalog", NULL };
	static const char *const catalogs[] = { "system", "temp", NULL };
	static const char *const families[] = { "duckdb_", "pragma_", NULL };
	static const char *const names[] = { "sqlite_master", "sqlite_schema", "sqlite_temp_master",
					     "sqlite_temp_schema", NULL };

	return is_listed(schemas, schema) || is_listed(catalogs, catalog) ||
	       is_listed(catalogs, schema) || is_listed(schemas, catalog) ||
	       (!*schema && (begins(families, name) || is_listed(names, name)));
}

bool guard_is_known_node(const char *type)
{
	static const char *const list[] = { "SELECT_NODE",
					    "SET_OPERATION_NODE",
					    "RECURSIVE_CTE_NODE",
					    "CTE_NODE",
					    "SUBQUERY",
					    "JOIN",
					    "EXPRESSION_LIST",
					    "EMPTY",
					    "EMPTY_FROM",
					    "PIVOT",
					    "ORDER_MODIFIER",
					    "LIMIT_MODIFIER",
					    "LIMIT_PERCENT_MODIFIER",
					    "DISTINCT_MODIFIER",
					    "ORDER_DEFAULT",
					    "ASCENDING",
					    "DESCENDING",
					    "ORDER_ASCENDING",
					    "ORDER_DESCENDING",
					    NULL };

	for (const char *const *known = list; *known; known++) {
		if (strcmp(*known, type) == 0)
			return true;
	}
	/* What describes the type of a value: DECIMAL_TYPE_INFO, UNBOUND_TYPE_INFO, ... */
	return strlen(type) > 10 && strcmp(type + strlen(type) - 10, "_TYPE_INFO") == 0;
}
