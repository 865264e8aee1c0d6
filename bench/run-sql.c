/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs SQL statements in an in-memory DuckDB, one an argument; a SELECT's first cell is printed.
 * For the benchmarks, which make their own data.
 *
 *	run-sql "COPY (SELECT ...) TO 'x.parquet'" ...
 */
#include <duckdb.h>
#include <stdio.h>

static int run(duckdb_connection connection, const char *sql)
{
	duckdb_result result;
	int bad = duckdb_query(connection, sql, &result) == DuckDBError;

	if (bad) {
		(void)fprintf(stderr, "run-sql: %s\n", duckdb_result_error(&result));
	} else if (duckdb_row_count(&result) > 0) {
		char *text = duckdb_value_varchar(&result, 0, 0);

		(void)printf("%s\n", text ? text : "");
		duckdb_free(text);
	}
	duckdb_destroy_result(&result);
	return bad;
}

int main(int argc, char **argv)
{
	duckdb_database database;
	duckdb_connection connection;
	int bad = 0;

	if (duckdb_open(NULL, &database) == DuckDBError ||
	    duckdb_connect(database, &connection) == DuckDBError)
		return 1;
	for (int i = 1; i < argc && !bad; i++)
		bad = run(connection, argv[i]);
	duckdb_disconnect(&connection);
	duckdb_close(&database);
	return bad;
}
