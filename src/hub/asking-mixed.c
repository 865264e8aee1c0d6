/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/asking-mixed.h"

#include "engine/journal.h"
#include "remote/text.h"
#include "tables/metadata.h"

#include <strings.h>

void mixed_release(struct mixed *m)
{
	for (size_t i = 0; i < m->n; i++)
		extract_release(&m->extracts[i]);
	free(m->extracts);
	places_release(&m->places);
}

/* One statement for each table; the texts are owned, the tables lent. */
struct parts {
	struct far_statement *statements;
	struct far_part *parts;
	struct strv texts;
};

static void parts_release(struct parts *p)
{
	free(p->statements);
	free(p->parts);
	strv_release(&p->texts);
}

static bool is_named(const struct duck_names *names, const char *column)
{
	for (size_t i = 0; i < names->columns.n; i++) {
		if (strcasecmp(names->columns.v[i], column) == 0)
			return true;
	}
	return false;
}

/* Those columns of the table that the statement names, as the source told of them; "*" when it may want all, or
 * nobody knows which there are. */
static int add_columns(struct db *db, const char *id, const struct duck_names *names,
		       struct buf *sql, struct err *e)
{
	AUTO_STRV struct strv known = STRV_INIT;
	size_t added = 0;
	int r = names->all_columns ? 0 : metadata_columns(db, id, &known, e);

	for (size_t i = 0; r == 0 && i < known.n; i++) {
		if (!is_named(names, known.v[i]))
			continue;
		buf_adds(sql, added++ ? ", " : "");
		sql_quote_name(sql, known.v[i]);
	}
	if (added == 0 && known.n > 0) /* count(*): any of them will do */
		sql_quote_name(sql, known.v[0]);
	else if (added == 0)
		buf_addc(sql, '*');
	return r;
}

static int add_part(struct db *db, const struct duck_names *names, struct mixed *m,
		    struct parts *parts, struct err *e)
{
	const struct far_table *table = &m->places.tables[m->n];
	AUTO_BUF struct buf sql = BUF_INIT(FAR_SQL_MAX);

	buf_adds(&sql, "SELECT ");
	if (add_columns(db, table->id, names, &sql, e) < 0)
		return e->code;
	buf_adds(&sql, " FROM ");
	sql_quote_name(&sql, table->name);
	if (sql.full)
		return err_set(e, ERR_LIMIT, "the columns of '%s' are too many", table->name);
	strv_adopt(&parts->texts, buf_take(&sql));
	parts->statements[m->n] = (struct far_statement){ parts->texts.v[m->n], table, 1 };
	parts->parts[m->n] = (struct far_part){ &parts->statements[m->n], &m->extracts[m->n].run };
	return 0;
}

/* DuckDB knows no catalog of that name. */
static int check_names(const struct query_plan *plan, struct err *e)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (!plan->tables[i].by_place)
			continue;
		return err_set(e, ERR_USAGE,
			       "beside tables that are here, '%.128s' has the name '%.128s'",
			       plan->tables[i].name, plan->tables[i].table.name);
	}
	return 0;
}

static int plan_parts(struct asking *a, struct db *db, const struct duck_names *names,
		      struct mixed *m, struct parts *parts, struct err *e)
{
	size_t n = m->places.n;

	m->extracts = xcalloc(n, sizeof(*m->extracts));
	parts->statements = xcalloc(n, sizeof(*parts->statements));
	parts->parts = xcalloc(n, sizeof(*parts->parts));
	while (m->n < n) {
		extract_init(&m->extracts[m->n], a->hub, hub_settings(a->hub)->query_s);
		if (add_part(db, names, m, parts, e) < 0)
			return e->code;
		m->n++;
	}
	return 0;
}

static int end_extracts(struct mixed *m, bool truncated, struct err *e)
{
	for (size_t i = 0; i < m->n; i++) {
		if (extract_end(&m->extracts[i], truncated, e) < 0)
			return err_in(e, "table '%.128s'", m->places.tables[i].name);
	}
	return 0;
}

int mixed_bring(struct asking *a, struct db *db, const struct duck_names *names, struct mixed *m,
		struct err *e)
{
	AUTO(far_answer_release) struct far_answer answer = FAR_ANSWER_INIT;
	AUTO(parts_release) struct parts parts = { 0 };
	struct asking_far far = { a, a->client_fd, 0 };
	int r = check_names(&a->plan, e);

	if (r == 0)
		r = places_find(db, &a->plan, &m->places, e);

	if (r == 0)
		r = plan_parts(a, db, names, m, &parts, e);
	if (r == 0)
		r = asking_far(&far, &m->places, parts.parts, m->n, &answer, e);
	if (r < 0)
		return r;
	m->scanned_bytes = far_scanned(&answer);
	return end_extracts(m, answer.result.truncated, e);
}

static int link_one(const struct mixed *m, const struct asking *a, struct query_table *t,
		    size_t number, struct room *room, struct err *e)
{
	for (size_t i = 0; i < m->n; i++) {
		AUTO_FREE char *file = journal_stage_path(hub_staging(a->hub), m->extracts[i].file);
		AUTO_FREE char *name = xasprintf("%zu/t.parquet", number);

		if (strcasecmp(m->places.tables[i].name, t->name) != 0)
			continue;
		if (room_add(room, name, file, e) < 0)
			return e->code;
		strv_adopt(&t->files, TAKE(name));
		return 0;
	}
	return err_set(e, ERR_FAILED, "there is no extract of '%s'", t->name);
}

int mixed_link(const struct mixed *m, struct asking *a, struct room *room, struct err *e)
{
	for (size_t i = 0; i < a->plan.count; i++) {
		struct query_table *t = &a->plan.tables[i];

		if (t->remote && link_one(m, a, t, i, room, e) < 0)
			return e->code;
	}
	return 0;
}
