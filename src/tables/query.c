/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/query.h"

#include "tables/objects.h"
#include <strings.h>

static void query_table_release(struct query_table *t)
{
	free(t->name);
	table_release(&t->table);
	strv_release(&t->parts);
	strv_release(&t->objects);
	strv_release(&t->files);
}

void query_plan_release(struct query_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		query_table_release(&plan->tables[i]);
	free(plan->tables);
	*plan = (struct query_plan){ 0 };
}

/* DuckDB's own words for where everything is that has no other place. */
static bool is_default(const char *word)
{
	return !*word || strcasecmp(word, "main") == 0 || strcasecmp(word, "memory") == 0;
}

/* "a.b.c" as written; with_place false: without what is only DuckDB's default. */
static char *join(const struct duck_name *name, bool with_place)
{
	bool catalog = *name->catalog && (with_place || !is_default(name->catalog));
	bool schema = *name->schema && (with_place || !is_default(name->schema));

	return xasprintf("%s%s%s%s%s", catalog ? name->catalog : "", catalog ? "." : "",
			 schema ? name->schema : "", schema ? "." : "", name->name);
}

/* The id of the table of that name or id, whatever the capitals; NULL when there is none. */
static int find_id(struct db *db, const char *name, char **ret_id, struct err *e)
{
	return db_get_text(db, ret_id, e,
			   "SELECT id FROM tbl WHERE name=?1 COLLATE NOCASE UNION ALL"
			   " SELECT id FROM tbl WHERE id=?1 COLLATE NOCASE LIMIT 1",
			   "t", name);
}

int query_find_table(struct db *db, const struct caller *caller, const char *name,
		     struct table *ret_table, struct err *e)
{
	AUTO_FREE char *id = NULL;
	int r = name_is_table(name) ? find_id(db, name, &id, e) : 0;

	if (r < 0)
		return r;
	return registry_find(db, caller, id ? id : "", ret_table, e);
}

static int no_table(const char *name, struct err *e)
{
	(void)err_set(e, ERR_NOT_FOUND, "table '%.*s' not found", NAME_MAX_LEN, name);
	return err_hint(e, "larder catalog lists the tables you may ask");
}

static int find_files(struct db *db, struct query_table *t, struct err *e)
{
	static const char sql[] =
		"SELECT path, sha256 FROM part WHERE version_id=?1 AND ?2=0"
		" UNION ALL SELECT '', sha256 FROM excerpt WHERE id=?2 ORDER BY 1";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql, "ii", t->table.version, t->table.excerpt);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		strv_add(&t->parts, stmt_text(q, 0));
		strv_add(&t->objects, stmt_text(q, 1));
		r = 0;
	}
	return r;
}

static int look_up(struct db *db, const struct caller *caller, const struct duck_name *name,
		   struct query_table *t, struct err *e)
{
	AUTO_FREE char *full = join(name, true);
	int r;

	if (name->id) {
		t->name = TAKE(full);
		t->by_place = true;
		return registry_find(db, caller, name->id, &t->table, e);
	}
	t->name = join(name, false);
	r = query_find_table(db, caller, full, &t->table, e);
	if (r == ERR_NOT_FOUND && !str_eq(full, t->name))
		return query_find_table(db, caller, t->name, &t->table, e) < 0 ? no_table(full, e)
									       : 0;
	if (r == 0) {
		free(t->name);
		t->name = TAKE(full);
	}
	return r == ERR_NOT_FOUND ? no_table(full, e) : r;
}

static int resolve_one(struct db *db, const struct caller *caller, const struct duck_name *name,
		       struct query_table *t, struct err *e)
{
	int r = look_up(db, caller, name, t, e);

	if (r < 0)
		return r;
	t->remote = str_eq(t->table.query_mode, "remote");
	t->lacks_excerpt = !t->remote && t->table.rights && !t->table.excerpt;
	if (t->remote || t->lacks_excerpt)
		return 0;
	if (!t->table.version)
		return err_set(e, ERR_NOT_FOUND, "nothing was published for table '%s' yet",
			       t->name);
	return find_files(db, t, e);
}

int query_resolve(struct db *db, const struct caller *caller, const struct duck_names *names,
		  struct query_plan *ret_plan, struct err *e)
{
	AUTO(query_plan_release) struct query_plan plan = { 0 };
	int r = 0;

	plan.tables = xcalloc(names->n + 1, sizeof(*plan.tables));
	while (r == 0 && plan.count < names->n) {
		plan.count++;
		r = resolve_one(db, caller, &names->v[plan.count - 1], &plan.tables[plan.count - 1],
				e);
	}
	if (r < 0)
		return r;
	*ret_plan = plan;
	plan = (struct query_plan){ 0 };
	return 0;
}

/* A table's files lie in a folder that is its number, under the paths of its parts. */
static int fill_table(struct query_table *t, size_t number, const struct root *root,
		      struct room *room, struct err *e)
{
	for (size_t i = 0; i < t->objects.n; i++) {
		char object[OBJECT_PATH_MAX];
		AUTO_FREE char *file =
			xasprintf("%s/%s", root_path(root), object_path(t->objects.v[i], object));
		AUTO_FREE char *name =
			xasprintf("%zu/%s", number, t->parts.v[i][0] ? t->parts.v[i] : "t.parquet");

		if (room_add(room, name, file, e) < 0)
			return e->code;
		strv_adopt(&t->files, TAKE(name));
	}
	return 0;
}

int query_fill(struct query_plan *plan, const struct root *root, struct room *room, struct err *e)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (fill_table(&plan->tables[i], i, root, room, e) < 0)
			return e->code;
	}
	return 0;
}

int64_t query_bytes(const struct query_plan *plan)
{
	int64_t bytes = 0;

	for (size_t i = 0; i < plan->count; i++)
		bytes +=
			plan->tables[i].table.size_bytes > 0 ? plan->tables[i].table.size_bytes : 0;
	return bytes;
}
