/* SPDX-License-Identifier: Apache-2.0 */
/* What a SELECT over the other tables gives, made by a contained child. */
#include "refresh/intake.h"

#include "engine/journal.h"

struct offered {
	struct strv names;
	struct strv *files; /* one list a table */
	size_t n, capacity;
};

static void offered_release(struct offered *o)
{
	for (size_t i = 0; i < o->n; i++)
		strv_release(&o->files[i]);
	free(o->files);
	strv_release(&o->names);
}

static int add_part(struct offered *o, const struct root *root, const struct stmt *q)
{
	char path[OBJECT_PATH_MAX];

	if (o->n == 0 || !str_eq(o->names.v[o->n - 1], stmt_text(q, 0))) {
		strv_add(&o->names, stmt_text(q, 0));
		o->files = xgrow(o->files, &o->capacity, o->n + 1, sizeof(*o->files));
		o->files[o->n++] = (struct strv)STRV_INIT;
	}
	strv_addf(&o->files[o->n - 1], "%s/%s", root_path(root),
		  object_path(stmt_text(q, 1), path));
	return 0;
}

/* All but the table itself, by name: the child keeps those whose names occur in the statement. */
static int list_tables(const struct intake *f, struct offered *o, struct err *e)
{
	static const char sql[] =
		"SELECT t.name, p.sha256 FROM tbl t JOIN part p ON p.version_id=t.current_version"
		" WHERE t.id<>?1 AND instr(lower(?2), lower(t.name)) ORDER BY t.name, p.path";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(root_db(f->root), &q, e, sql, "tt", f->source->table,
			 source_text(f->source, "sql"));

	while (r == 0 && (r = stmt_next(q, e)) > 0)
		r = add_part(o, f->root, q);
	return r;
}

int intake_sql(struct intake *f, struct err *e)
{
	AUTO(duck_file_info_release) struct duck_file_info info = { 0 };
	AUTO(offered_release) struct offered offered = { 0 };
	AUTO_FREE struct duck_table *tables = NULL;
	AUTO_FREE char *made = xstrdup(intake_stage_name(f, ".parquet"));
	AUTO_FREE char *output = journal_stage_path(f->root, made);
	struct duck_materialize m = {
		.sql = source_text(f->source, "sql"),
		.output = output,
		.file_bytes = f->source->max_bytes,
		.memory_bytes = f->refresh->convert_memory,
		.deadline_ms = REFRESH_STEP_MS,
	};

	if (objects_check_space(f->root, 0, e) < 0 || list_tables(f, &offered, e) < 0)
		return e->code;
	tables = xcalloc(offered.n ? offered.n : 1, sizeof(*tables));
	for (size_t i = 0; i < offered.n; i++)
		tables[i] = (struct duck_table){ .name = offered.names.v[i],
						 .files = &offered.files[i] };
	m.tables = tables;
	m.table_count = offered.n;
	if (duck_materialize(&m, &info, e) < 0)
		return e->code;
	return intake_adopt(f, made, "", DUCK_PARQUET, e);
}
