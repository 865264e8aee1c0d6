/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/commit.h"

#include "base/time.h"
#include "engine/journal.h"
#include "tables/held.h"
#include "tables/retire.h"
#include <assert.h>

/* What a file of the table is from now on. */
struct settled {
	const char *path;
	const char *sha256;
	const char *md5;
	const struct file_mark *mark;
};

static struct settled settled_file(const struct commit_table *table, size_t i)
{
	const struct plan_file *file = &table->plan->files[i];
	const struct fetch_item *item = table->items[i];

	if (file->have)
		return (struct settled){ file->want->path, file->have->sha256, file->have->md5,
					 &file->have->mark };
	return (struct settled){ file->want->path, item->sha256, item->md5, &item->mark };
}

/* Of one file its hash; of parts the hash of the lines "path sha256", in the order of paths. */
static void version_of(const struct commit_table *table, char out[HASH_HEX_MAX])
{
	const struct manifest_table *want = table->plan->want;
	AUTO_BUF struct buf lines = BUF_INIT(BUF_OWN_MAX);

	for (size_t i = 0; i < want->file_count; i++) {
		struct settled file = settled_file(table, i);

		if (!want->in_parts) {
			(void)snprintf(out, HASH_HEX_MAX, "%s", file.sha256);
			return;
		}
		buf_addf(&lines, "%s %s\n", file.path, file.sha256);
	}
	hash_text(HASH_SHA256, buf_bytes(&lines), out);
}

/* The version's bytes to their place; what is there already is kept from a removal that waits. */
static int place(const struct commit *c, const struct fetch_item *item, const struct settled *file,
		 struct err *e)
{
	AUTO_FREE char *target = local_version_path(file->sha256);
	int r;

	if (item && !item->on_disk && !item->placed)
		return journal_move(c->root, item->staged, target, e);
	r = journal_keep(c->root, target, e);
	if (r == 0 && faccessat(root_dirfd(c->root), target, F_OK, 0) < 0)
		return err_set(e, ERR_BUSY, "'%s' was removed meanwhile; run it again", target);
	return r;
}

static int link_file(const struct commit *c, const struct plan_table *plan,
		     const struct settled *file, struct err *e)
{
	AUTO_FREE char *link = local_link_path(plan->want->name, file->path);
	AUTO_FREE char *target = local_link_target(file->path, file->sha256);

	return journal_link(c->root, target, link, e);
}

/* Under the version's own folder, where a view can read key=value from the path. */
static int link_hive(const struct commit *c, const char *version, const struct settled *file,
		     struct err *e)
{
	AUTO_FREE char *link = local_hive_path(version, file->path);
	AUTO_FREE char *target = local_hive_target(file->path, file->sha256);

	return journal_link(c->root, target, link, e);
}

static int insert_file(const struct commit *c, const char *table, const struct settled *file,
		       struct err *e)
{
	static const char sql[] =
		"INSERT INTO ws_file (table_name, path, sha256, md5, size_bytes, mtime_ns, inode)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

	assert(file->mark);
	return db_exec(root_db(c->root), e, sql, "ttttiii", table, file->path, file->sha256,
		       file->md5, file->mark->size, file->mark->mtime_ns, file->mark->inode);
}

static int save_files(const struct commit *c, const struct commit_table *table, const char *version,
		      struct err *e)
{
	static const char sql_clear[] = "DELETE FROM ws_file WHERE table_name = ?1";
	const struct plan_table *plan = table->plan;
	bool hive = false;
	int r = db_exec(root_db(c->root), e, sql_clear, "t", plan->want->name);

	for (size_t i = 0; i < plan->want->file_count; i++)
		hive = hive || strchr(plan->want->files[i].path, '=');
	for (size_t i = 0; r == 0 && i < plan->want->file_count; i++) {
		struct settled file = settled_file(table, i);

		r = place(c, table->items[i], &file, e);
		if (r == 0)
			r = link_file(c, plan, &file, e);
		if (r == 0 && hive)
			r = link_hive(c, version, &file, e);
		if (r == 0)
			r = insert_file(c, plan->want->name, &file, e);
		if (r == 0 && table->items[i] && table->items[i]->chunks)
			r = held_add(root_db(c->root), table->items[i]->chunks, e);
	}
	return r;
}

/* -1 stands for "not told" and becomes null. */
static int save_table(const struct commit *c, const struct manifest_table *want,
		      const char *version, struct err *e)
{
	static const char sql[] =
		"INSERT INTO ws_table (name, id, version, hash, rows, size_bytes, updated,"
		" query_mode, parts, changed_ms)"
		" VALUES (?1, ?2, ?3, ?4, nullif(?5, -1), nullif(?6, -1), ?7, ?8, ?9, ?10)"
		" ON CONFLICT (name) DO UPDATE SET id = excluded.id, version = excluded.version,"
		" hash = excluded.hash, rows = excluded.rows, size_bytes = excluded.size_bytes,"
		" updated = excluded.updated, query_mode = excluded.query_mode,"
		" parts = excluded.parts, changed_ms = excluded.changed_ms";
	int64_t parts = want->in_parts ? (int64_t)want->file_count : 0;

	return db_exec(root_db(c->root), e, sql, "ttttiittii", want->name, want->id, version,
		       want->hash, want->rows, want->size_bytes, want->updated, want->query_mode,
		       parts, time_now());
}

/* Facts about the table that changed while its bytes did not. */
static int save_record(const struct commit *c, const struct manifest_table *want, struct err *e)
{
	static const char sql[] =
		"UPDATE ws_table SET id = ?2, hash = ?3, rows = nullif(?4, -1),"
		" size_bytes = nullif(?5, -1), updated = ?6, query_mode = ?7 WHERE name = ?1";

	return db_exec(root_db(c->root), e, sql, "tttiitt", want->name, want->id, want->hash,
		       want->rows, want->size_bytes, want->updated, want->query_mode);
}

static int want_view(const struct commit *c, const char *table, struct err *e)
{
	static const char sql[] = "INSERT INTO view_todo (name) VALUES (?1) ON CONFLICT DO NOTHING";

	return db_exec(root_db(c->root), e, sql, "t", table);
}

static int forget_table(const struct commit *c, const char *table, struct err *e)
{
	static const char sql_files[] = "DELETE FROM ws_file WHERE table_name = ?1";
	static const char sql_table[] = "DELETE FROM ws_table WHERE name = ?1";
	int r = db_exec(root_db(c->root), e, sql_files, "t", table);

	return r < 0 ? r : db_exec(root_db(c->root), e, sql_table, "t", table);
}

static int switch_table(const struct commit *c, const struct commit_table *table, struct err *e)
{
	const struct plan_table *plan = table->plan;
	char version[HASH_HEX_MAX];
	int r = 0;

	if (plan->action == PLAN_RECORD)
		return save_record(c, plan->want, e);
	if (plan->have)
		r = retire_links(c->root, plan->have, plan->want, e);
	if (r < 0)
		return r;
	if (plan->action == PLAN_REMOVE) {
		assert(plan->have); /* or there is nothing to remove */
		r = forget_table(c, plan->have->name, e);
	} else {
		version_of(table, version);
		r = save_files(c, table, version, e);
		if (r == 0)
			r = save_table(c, plan->want, version, e);
	}
	return r < 0 ? r : want_view(c, plan_table_name(plan), e);
}

/* After all have switched: only then is it known which old versions nobody uses. */
static int retire_old(const struct commit *c, const struct commit_table *tables, size_t n,
		      struct err *e)
{
	int64_t due = time_now() + c->keep_old_ms;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct plan_table *plan = tables[i].plan;

		if (plan->have && plan->action == PLAN_REMOVE)
			r = retire_version(c->root, plan->have, 0, e);
		else if (plan->have && plan->action == PLAN_FETCH)
			r = retire_version(c->root, plan->have, due, e);
	}
	return r;
}

static int sync_staged(const struct commit *c, const struct commit_table *tables, size_t n,
		       struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;

	for (size_t i = 0; i < n; i++) {
		size_t files = tables[i].items ? tables[i].plan->want->file_count : 0;

		for (size_t j = 0; j < files; j++) {
			const struct fetch_item *item = tables[i].items[j];

			if (item && !item->on_disk && !item->placed)
				strv_add(&names, item->staged);
		}
	}
	return journal_sync(c->root, &names, e);
}

static void note_placed(const struct commit_table *tables, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t files = tables[i].items ? tables[i].plan->want->file_count : 0;

		for (size_t j = 0; j < files; j++) {
			if (tables[i].items[j])
				tables[i].items[j]->placed = true;
		}
	}
}

int commit_tables(const struct commit *c, const struct commit_table *tables, size_t n,
		  struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	int r = sync_staged(c, tables, n, e);

	if (r == 0)
		r = db_begin_tx(root_db(c->root), &tx, e);
	if (r == 0)
		r = lease_check(c->lease, e);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = switch_table(c, &tables[i], e);
	if (r == 0 && c->also)
		r = c->also(c->ctx, root_db(c->root), e);
	if (r == 0)
		r = retire_old(c, tables, n, e);
	if (r < 0)
		return r;
	note_placed(tables, n);
	return journal_commit(c->root, e);
}
