/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/query.h"

#include "tables/local.h"
#include <sys/stat.h>

/* What the child is told about the tables; the texts are owned here. */
struct table_list {
	struct duck_table *tables;
	struct strv *files;
	size_t n;
};

static void table_list_release(struct table_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		strv_release(&list->files[i]);
	free(list->files);
	free(list->tables);
}

static void fill(struct table_list *list, const struct root *root, const struct local *local)
{
	list->n = local->count;
	list->tables = xcalloc(local->count, sizeof(*list->tables));
	list->files = xcalloc(local->count, sizeof(*list->files));
	for (size_t i = 0; i < local->count; i++) {
		const struct local_table *table = &local->tables[i];

		local_add_paths(root, table, &list->files[i]);
		list->tables[i] = (struct duck_table){
			.name = table->name,
			.files = &list->files[i],
			.hive = local_is_hive(table),
		};
	}
}

int workspace_query(struct workspace *ws, const struct query_options *options,
		    struct duck_query_result *ret_result, struct err *e)
{
	AUTO_LOCAL struct local *local = NULL;
	AUTO(table_list_release) struct table_list list = { 0 };
	AUTO_FREE char *database = xasprintf("%s/%s", workspace_path(ws), WORKSPACE_DATABASE);
	struct stat st;

	if (local_load(workspace_root(ws), &local, e) < 0)
		return e->code;
	fill(&list, workspace_root(ws), local);
	const struct duck_query query = {
		.sql = options->sql,
		.database = !options->contained && stat(database, &st) == 0 ? database : NULL,
		.tables = list.tables,
		.table_count = list.n,
		.row_limit = options->row_limit,
		.byte_limit = options->byte_limit,
		.cell_limit = options->cell_limit,
		.deadline_ms = options->deadline_ms,
		.contained = options->contained,
		.watch = options->watch,
		.ctx = options->ctx,
		.on_columns = options->on_columns,
		.on_row = options->on_row,
	};

	if (duck_query_run(&query, ret_result, e) == 0)
		return 0;
	if (local->count == 0)
		return err_hint(e, "this workspace has no tables yet: run `larder pull`");
	if (strstr(e->msg, "does not exist"))
		return err_hint(e, "`larder status -v` lists the tables that are here");
	return e->code;
}
