/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/paths.h"

#include "remote/place.h"
#include "tables/query.h"

#include <strings.h>

struct path {
	struct strv parts;   /* three, or it is none */
	char *text;          /* with dots */
	const char *project; /* NULL: the hub's own */
	bool found;          /* what it is compared with, so far */
	char *id;
	char *expected;   /* the project of a table that the caller may see ... */
	bool is_of_table; /* ... of the same dataset and name */
};

static void path_release(struct path *p)
{
	strv_release(&p->parts);
	free(p->text);
	free(p->id);
	free(p->expected);
}

static bool is_same(const char *a, const char *b)
{
	return a && b && strcasecmp(a, b) == 0;
}

/* A catalog, a schema and a name, or a name with two dots in it. */
static bool read_path(const struct duck_name *name, struct path *p)
{
	if (*name->catalog)
		p->text = xasprintf("%s.%s.%s", name->catalog, name->schema, name->name);
	else if (!*name->schema)
		p->text = xstrdup(name->name);
	else
		return false;
	strv_split(&p->parts, p->text, '.');
	if (p->parts.n != 3)
		return false;
	p->project = is_same(p->parts.v[0], "bq") ? NULL : p->parts.v[0];
	return true;
}

static const char *member(const struct json *spec, const char *key)
{
	return json_text(json_get(spec, key));
}

static void compare(struct path *p, const char *id, const struct json *spec)
{
	const char *project = member(spec, "project");
	bool table = is_same(member(spec, "dataset"), p->parts.v[1]) &&
		     is_same(member(spec, "table"), p->parts.v[2]);

	if (!project)
		project = member(spec, "billing_project");
	p->found = true;
	if (table && !p->id && (!p->project || is_same(project, p->project)))
		p->id = xstrdup(id);
	if (project && (!p->expected || (table && !p->is_of_table))) {
		free(p->expected);
		p->expected = xstrdup(project);
	}
	p->is_of_table = p->is_of_table || table;
}

/* Is the table there for whoever asks? */
static int is_visible(struct db *db, const struct caller *by, const char *name, struct err *e)
{
	AUTO_TABLE struct table t = { 0 };
	struct err absent = { 0 };
	int r = query_find_table(db, by, name, &t, &absent);

	if (r < 0 && r != ERR_NOT_FOUND)
		*e = absent;
	return r == ERR_NOT_FOUND ? 0 : r < 0 ? r : 1;
}

static int compare_all(struct db *db, const struct caller *by, struct path *p, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e,
			 "SELECT table_id, spec FROM remote_place WHERE engine='bigquery'"
			 " ORDER BY table_id",
			 "");

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		AUTO_JSON struct json *spec = NULL;

		r = is_visible(db, by, stmt_text(q, 0), e);
		if (r > 0)
			r = json_parse(stmt_bytes(q, 1), FAR_SPEC_MAX, &spec, e);
		if (r == 0 && spec)
			compare(p, stmt_text(q, 0), spec);
	}
	return r;
}

static int refuse(const struct path *p, struct far_refusal *refusal, struct err *e)
{
	bool cross = p->project && (p->is_of_table || !is_same(p->expected, p->project));

	return far_refuse_path(refusal, p->text, cross ? p->expected : NULL, cross, e);
}

static int find_one(struct db *db, const struct caller *by, struct duck_name *name,
		    struct far_refusal *refusal, struct err *e)
{
	AUTO(path_release) struct path p = { 0 };
	int r;

	free(name->id);
	name->id = NULL;
	if (!read_path(name, &p))
		return 0;
	r = is_visible(db, by, p.text, e);
	if (r != 0)
		return r < 0 ? r : 0;
	r = compare_all(db, by, &p, e);
	if (r < 0)
		return r;
	name->id = TAKE(p.id);
	if (name->id || (p.project && !p.found))
		return 0; /* no table of BigQuery's here: a name like any other */
	return refuse(&p, refusal, e);
}

int far_paths_find(struct db *db, const struct caller *by, struct duck_names *names,
		   struct far_refusal *refusal, struct err *e)
{
	for (size_t i = 0; i < names->n; i++) {
		if (find_one(db, by, &names->v[i], refusal, e) < 0)
			return e->code;
	}
	return 0;
}
