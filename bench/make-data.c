/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parquet files for the benchmarks: uncompressed columns of hashes, so that bytes on disk are bytes
 * on the wire.
 *
 *	make-data FOLDER COUNT MIN_KB MAX_KB
 *
 * makes FOLDER/t00000.parquet and so on, sizes spread evenly, the content a function of the number.
 */
#include <duckdb.h>
#include <stdio.h>
#include <stdlib.h>

static int run_sql(duckdb_connection connection, const char *sql)
{
	duckdb_result result;
	int bad = duckdb_query(connection, sql, &result) == DuckDBError;

	if (bad)
		(void)fprintf(stderr, "make-data: %s\n", duckdb_result_error(&result));
	duckdb_destroy_result(&result);
	return bad;
}

static int make_file(duckdb_connection connection, const char *folder, long i, long kb)
{
	char sql[1024];

	(void)snprintf(
		sql, sizeof(sql),
		"COPY (SELECT hash(i + %ld) AS a, hash(i * 7 + %ld) AS b FROM range(%ld) t(i)) "
		"TO '%s/t%05ld.parquet' (FORMAT parquet, COMPRESSION uncompressed)",
		i * 100000000, i, kb * 1000 / 16, folder, i);
	return run_sql(connection, sql);
}

int main(int argc, char **argv)
{
	duckdb_database database;
	duckdb_connection connection;
	long count, low, high;
	int bad = 0;

	if (argc != 5)
		return 2;
	count = strtol(argv[2], NULL, 10);
	low = strtol(argv[3], NULL, 10);
	high = strtol(argv[4], NULL, 10);
	if (duckdb_open(NULL, &database) == DuckDBError ||
	    duckdb_connect(database, &connection) == DuckDBError)
		return 1;
	for (long i = 0; i < count && !bad; i++)
		bad = make_file(connection, argv[1], i,
				low + (count > 1 ? (high - low) * i / (count - 1) : 0));
	duckdb_disconnect(&connection);
	duckdb_close(&database);
	return bad;
}
