/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/statistics.h"

static char *copy(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static int64_t int_or_unknown(const struct stmt *q, int column)
{
	return stmt_is_null(q, column) ? -1 : stmt_int(q, column);
}

static void read_column(const struct stmt *q, struct column_statistics *c)
{
	c->name = xstrdup(stmt_text(q, 0));
	c->type = xstrdup(stmt_text(q, 1));
	c->nulls = int_or_unknown(q, 2);
	c->distinct = int_or_unknown(q, 3);
	c->min = copy(stmt_text(q, 4));
	c->max = copy(stmt_text(q, 5));
	c->values = xstrdup(stmt_text(q, 6));
}

int statistics_find(struct db *db, const char *sha256, struct statistics *ret_statistics,
		    struct err *e)
{
	static const char sql[] =
		"SELECT name, type, nulls, distinct_values, min, max, common, rows"
		" FROM column_statistics WHERE sha256=?1 ORDER BY position";
	AUTO(statistics_release) struct statistics s = { 0 };
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql, "t", sha256);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		s.rows = stmt_int(q, 7);
		read_column(q, statistics_add(&s));
		r = 0;
	}
	if (r < 0 || s.count == 0)
		return r;
	*ret_statistics = s;
	s = (struct statistics){ 0 };
	return 1;
}

int statistics_store(struct db *db, const char *sha256, const struct statistics *s, struct err *e)
{
	static const char sql[] =
		"INSERT INTO column_statistics(sha256, position, name, type, nulls, distinct_values,"
		" min, max, common, rows) VALUES(?1, ?2, ?3, ?4, nullif(?5, -1), nullif(?6, -1), ?7,"
		" ?8, ?9, ?10)";
	int r = statistics_forget(db, sha256, e);

	for (size_t i = 0; r == 0 && i < s->count; i++) {
		const struct column_statistics *c = &s->columns[i];

		r = db_exec(db, e, sql, "tittiittti", sha256, (int64_t)i, c->name, c->type,
			    c->nulls, c->distinct, c->min, c->max, c->values, s->rows);
	}
	return r;
}

int statistics_forget(struct db *db, const char *sha256, struct err *e)
{
	return db_exec(db, e, "DELETE FROM column_statistics WHERE sha256=?1", "t", sha256);
}

static void add_known(struct json_out *out, const char *key, int64_t value)
{
	if (value < 0)
		json_add_null(out, key);
	else
		json_add_int(out, key, value);
}

void statistics_add_columns(const struct statistics *s, struct json_out *out)
{
	json_open(out, "columns", '[');
	for (size_t i = 0; i < s->count; i++) {
		const struct column_statistics *c = &s->columns[i];

		json_open(out, NULL, '{');
		json_add_text(out, "name", c->name);
		json_add_text(out, "type", c->type);
		add_known(out, "nulls", c->nulls);
		add_known(out, "distinct", c->distinct);
		json_add_text(out, "min", c->min);
		json_add_text(out, "max", c->max);
		json_add_raw(out, "values", bytes_of(c->values));
		json_close(out);
	}
	json_close(out);
}
