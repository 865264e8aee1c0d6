/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker-patch.h"

#include "duck/worker-borders.h"
#include "duck/worker-files.h"

#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>

void keyed_add_order(const struct strv *key, const struct strv *columns, struct buf *sql)
{
	buf_adds(sql, " ORDER BY ");
	for (size_t i = 0; i < key->n; i++) {
		sql_quote_name(sql, key->v[i]);
		buf_adds(sql, " ASC NULLS LAST, ");
	}
	buf_adds(sql, "hash(");
	for (size_t i = 0; i < columns->n; i++) {
		buf_adds(sql, i ? ", " : "");
		sql_quote_name(sql, columns->v[i]);
	}
	buf_adds(sql, ")");
}

void keyed_add_target(const char *path, struct buf *sql)
{
	buf_adds(sql, ") TO ");
	sql_quote_text(sql, path);
	buf_addf(sql, " (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION V2, ROW_GROUP_SIZE %d)",
		 BORDERS_GROUP_ROWS);
}

void patch_add_file(const char *path, struct buf *sql)
{
	buf_adds(sql, "read_parquet(");
	sql_quote_text(sql, path);
	buf_adds(sql, ", hive_partitioning = false)");
}

void patch_add_column(const char *table, const char *name, struct buf *sql)
{
	buf_addf(sql, "%s.", table);
	sql_quote_name(sql, name);
}

void patch_add_join(const char *left, const char *right, const struct strv *key, struct buf *sql)
{
	for (size_t i = 0; i < key->n; i++) {
		buf_adds(sql, i ? " AND " : " ON ");
		patch_add_column(left, key->v[i], sql);
		buf_adds(sql, " = ");
		patch_add_column(right, key->v[i], sql);
	}
}

/* What is found out before a patch is written. */
struct difference {
	const struct patch_request *q;
	struct strv changed;
	int64_t inserted, deleted, updated, rows;
};

static void difference_release(struct difference *d)
{
	strv_release(&d->changed);
}

static bool is_key(const struct strv *key, const char *column)
{
	for (size_t i = 0; i < key->n; i++) {
		if (strcmp(key->v[i], column) == 0)
			return true;
	}
	return false;
}

static void add_from(const struct patch_request *q, struct buf *sql)
{
	buf_adds(sql, " FROM ");
	patch_add_file(q->before, sql);
	buf_adds(sql, " o FULL OUTER JOIN ");
	patch_add_file(q->after, sql);
	buf_adds(sql, " n");
	patch_add_join("o", "n", q->key, sql);
}

/* No part has a row without a key: a NULL there comes from the join. */
static void add_lacks(const struct patch_request *q, const char *table, struct buf *sql)
{
	patch_add_column(table, q->key->v[0], sql);
	buf_adds(sql, " IS NULL");
}

static void add_both(const struct patch_request *q, struct buf *sql)
{
	patch_add_column("o", q->key->v[0], sql);
	buf_adds(sql, " IS NOT NULL AND ");
	patch_add_column("n", q->key->v[0], sql);
	buf_adds(sql, " IS NOT NULL");
}

static void add_differs(const char *column, struct buf *sql)
{
	patch_add_column("o", column, sql);
	buf_adds(sql, " IS DISTINCT FROM ");
	patch_add_column("n", column, sql);
}

static void add_any_differs(const struct patch_request *q, const struct strv *columns,
			    struct buf *sql)
{
	buf_adds(sql, "(false");
	for (size_t i = 0; i < columns->n; i++) {
		if (is_key(q->key, columns->v[i]))
			continue;
		buf_adds(sql, " OR ");
		add_differs(columns->v[i], sql);
	}
	buf_addc(sql, ')');
}

static int columns_of(const char *path, duckdb_connection con, struct strv *names,
		      struct strv *types, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&sql, "SELECT * FROM ");
	patch_add_file(path, &sql);
	return files_columns(con, buf_str(&sql), names, types, e);
}

/* 1 when both parts have the columns by name and type, and none is called as ours is. */
static int have_same_columns(const struct patch_request *q, duckdb_connection con, struct err *e)
{
	AUTO_STRV struct strv old_names = STRV_INIT;
	AUTO_STRV struct strv old_types = STRV_INIT;
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_STRV struct strv types = STRV_INIT;
	bool same;
	int r = columns_of(q->before, con, &old_names, &old_types, e);

	if (r == 0)
		r = columns_of(q->after, con, &names, &types, e);
	same = names.n == old_names.n && names.n == q->columns->n;
	for (size_t i = 0; r == 0 && same && i < names.n; i++)
		same = strcmp(names.v[i], old_names.v[i]) == 0 &&
		       strcmp(types.v[i], old_types.v[i]) == 0 &&
		       strcasecmp(names.v[i], PATCH_OP) != 0;
	return r < 0 ? r : same;
}

/* 1 when the key names one row each: else a row has no name by which to be changed. */
static int is_unique(const struct patch_request *q, const char *path, duckdb_connection con,
		     struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);
	AUTO_RESULT duckdb_result row = { 0 };

	buf_adds(&sql, "SELECT count(*) FROM (SELECT 1 FROM ");
	patch_add_file(path, &sql);
	buf_adds(&sql, " GROUP BY ");
	for (size_t i = 0; i < q->key->n; i++) {
		buf_adds(&sql, i ? ", " : "");
		sql_quote_name(&sql, q->key->v[i]);
	}
	buf_adds(&sql, " HAVING count(*) > 1)");
	if (engine_ask(con, buf_str(&sql), &row, e) < 0)
		return e->code;
	return duckdb_value_int64(&row, 0, 0) == 0;
}

static int count(struct difference *d, duckdb_connection con, struct err *e)
{
	const struct patch_request *q = d->q;
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);
	AUTO_RESULT duckdb_result row = { 0 };

	buf_adds(&sql, "SELECT count(*), count(*) FILTER (WHERE ");
	add_lacks(q, "o", &sql);
	buf_adds(&sql, "), count(*) FILTER (WHERE ");
	add_lacks(q, "n", &sql);
	buf_adds(&sql, "), count(*) FILTER (WHERE ");
	add_both(q, &sql);
	buf_adds(&sql, " AND ");
	add_any_differs(q, q->columns, &sql);
	for (size_t i = 0; i < q->columns->n; i++) {
		buf_adds(&sql, "), count(*) FILTER (WHERE ");
		add_both(q, &sql);
		buf_adds(&sql, " AND ");
		add_differs(q->columns->v[i], &sql);
	}
	buf_addc(&sql, ')');
	add_from(q, &sql);
	if (engine_ask(con, buf_str(&sql), &row, e) < 0)
		return e->code;
	d->rows = duckdb_value_int64(&row, 0, 0);
	d->inserted = duckdb_value_int64(&row, 1, 0);
	d->deleted = duckdb_value_int64(&row, 2, 0);
	d->updated = duckdb_value_int64(&row, 3, 0);
	for (size_t i = 0; i < q->columns->n; i++) {
		if (duckdb_value_int64(&row, 4 + i, 0) > 0)
			strv_add(&d->changed, q->columns->v[i]);
	}
	return 0;
}

/* What who applies it has to know, as the file's own metadata. */
static void add_metadata(const struct difference *d, struct buf *sql)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&text);

	json_open(&o, NULL, '{');
	json_add_int(&o, "version", PATCH_VERSION);
	json_add_text(&o, "engine", duckdb_library_version());
	json_add_texts(&o, "key", d->q->key);
	json_add_texts(&o, "changed", &d->changed);
	json_add_bool(&o, "inserts", d->inserted > 0);
	json_close(&o);
	buf_adds(sql, ", KV_METADATA {" PATCH_KV ": ");
	sql_quote_text(sql, buf_str(&text));
	buf_addc(sql, '}');
}

static void add_values(const struct difference *d, struct buf *sql)
{
	const struct patch_request *q = d->q;

	for (size_t i = 0; i < q->columns->n; i++) {
		const char *column = q->columns->v[i];
		bool keyed = is_key(q->key, column);
		bool changed = is_key(&d->changed, column);

		if (!keyed && !changed && d->inserted == 0)
			continue;
		buf_adds(sql, keyed ? ", coalesce(" : changed ? ", " : ", CASE WHEN ");
		if (!keyed && !changed) {
			add_lacks(q, "o", sql);
			buf_adds(sql, " THEN ");
		}
		patch_add_column("n", column, sql);
		if (keyed) {
			buf_adds(sql, ", ");
			patch_add_column("o", column, sql);
			buf_addc(sql, ')');
		}
		buf_adds(sql, keyed || changed ? " AS " : " END AS ");
		sql_quote_name(sql, column);
	}
}

static int write_patch(const struct difference *d, duckdb_connection con, struct err *e)
{
	const struct patch_request *q = d->q;
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&sql, "COPY (SELECT CASE WHEN ");
	add_lacks(q, "o", &sql);
	buf_adds(&sql, " THEN 'i' WHEN ");
	add_lacks(q, "n", &sql);
	buf_adds(&sql, " THEN 'd' ELSE 'u' END AS " PATCH_OP);
	add_values(d, &sql);
	add_from(q, &sql);
	buf_adds(&sql, " WHERE ");
	add_lacks(q, "o", &sql);
	buf_adds(&sql, " OR ");
	add_lacks(q, "n", &sql);
	buf_adds(&sql, " OR ");
	add_any_differs(q, &d->changed, &sql);
	for (size_t i = 0; i < q->key->n; i++) {
		buf_adds(&sql, i ? ", " : " ORDER BY ");
		sql_quote_name(&sql, q->key->v[i]);
	}
	buf_adds(&sql, ") TO ");
	sql_quote_text(&sql, q->path);
	buf_adds(&sql, " (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION V2");
	add_metadata(d, &sql);
	buf_addc(&sql, ')');
	return engine_run(con, buf_str(&sql), e);
}

static bool is_short(const struct patch_request *q)
{
	struct stat patch, part;

	return stat(q->path, &patch) == 0 && stat(q->after, &part) == 0 &&
	       patch.st_size < part.st_size / PATCH_BYTES_SHARE;
}

/* Most parts of a version are those of the version before. */
static bool same_bytes(const char *a, const char *b)
{
	AUTO_FD int left = open(a, O_RDONLY | O_CLOEXEC);
	AUTO_FD int right = open(b, O_RDONLY | O_CLOEXEC);
	static char pieces[2][1 << 16]; /* one thread */
	struct stat sa, sb;

	if (left < 0 || right < 0 || fstat(left, &sa) < 0 || fstat(right, &sb) < 0 ||
	    sa.st_size != sb.st_size)
		return false;
	for (off_t at = 0; at < sa.st_size; at += sizeof(pieces[0])) {
		ssize_t n = pread(left, pieces[0], sizeof(pieces[0]), at);

		if (n <= 0 || pread(right, pieces[1], sizeof(pieces[1]), at) != n ||
		    memcmp(pieces[0], pieces[1], (size_t)n) != 0)
			return false;
	}
	return true;
}

int patch_make(const struct patch_request *request, duckdb_connection con, struct err *e)
{
	AUTO(difference_release) struct difference d = { .q = request, .changed = STRV_INIT };
	int64_t changed;
	int r = same_bytes(request->before, request->after) ? 0
							    : have_same_columns(request, con, e);

	if (r > 0)
		r = is_unique(request, request->before, con, e);
	if (r > 0)
		r = is_unique(request, request->after, con, e);
	if (r <= 0 || count(&d, con, e) < 0)
		return r > 0 ? e->code : r;
	changed = d.inserted + d.deleted + d.updated;
	if (changed == 0 || changed > d.rows / PATCH_ROWS_SHARE)
		return 0;
	if (write_patch(&d, con, e) < 0)
		return e->code;
	return is_short(request);
}
