/* SPDX-License-Identifier: Apache-2.0 */
/* The short half of a publish: inside the one transaction that makes it true. */
#include "tables/publish-internal.h"

#include "base/time.h"
#include "engine/journal.h"

struct applying {
	struct publish *p;
	struct root *root;
	struct db *db;
	const struct caller *by;
	int64_t now;
	struct table table;
};

static bool says_something(const struct table_change *c)
{
	return c->name || c->description || c->sort_by || c->key_by;
}

static int find_or_add_table(struct applying *a, bool *ret_created, struct err *e)
{
	const struct publish *p = a->p;
	const struct table_change change = {
		.id = p->table,
		.name = p->name,
		.description = p->description,
		/* One is instead of the other: "" takes it away. */
		.sort_by = p->sort_given || p->key_given ? p->sort : NULL,
		.key_by = p->sort_given || p->key_given ? p->key_by : NULL
	};
	int r = registry_find(a->db, NULL, p->table, &a->table, e);
	bool absent = r == ERR_NOT_FOUND && p->create;

	if (absent) {
		r = registry_add(a->db, &change, e);
		if (r == 0)
			r = registry_find(a->db, NULL, p->table, &a->table, e);
	} else if (r == 0 && says_something(&change)) {
		r = registry_change(a->db, a->table.id, &change, e);
	}
	if (r < 0)
		return r;
	*ret_created = absent;
	if (!str_eq(a->table.query_mode, "remote"))
		return 0;
	return err_set(e, ERR_CONFLICT, "table '%s' stays at its source: its mode is remote",
		       a->table.id);
}

static int store_made(struct applying *a, struct prepared *part, struct err *e)
{
	static const char sql[] = "INSERT INTO object(sha256, md5, size_bytes, rows, columns,"
				  " state, created_ms) VALUES(?1, ?2, ?3, ?4, ?5, 'stored', ?6)"
				  " ON CONFLICT(sha256) DO UPDATE SET state='stored', staged=NULL,"
				  " rows=excluded.rows, columns=excluded.columns";
	char path[OBJECT_PATH_MAX];
	int r = db_exec(a->db, e, sql, "ttiiti", part->sha256, part->md5, part->size_bytes,
			part->rows, part->columns, a->now);

	part->placed = r == 0;
	return r < 0 ? r : journal_move(a->root, part->made, object_path(part->sha256, path), e);
}

static int store_uploaded(struct applying *a, struct prepared *part, const struct object *o,
			  struct err *e)
{
	static const char sql[] = "UPDATE object SET state='stored', staged=NULL, rows=?2,"
				  " columns=?3 WHERE sha256=?1";
	char path[OBJECT_PATH_MAX];
	int r = db_exec(a->db, e, sql, "tit", part->sha256, part->rows, part->columns);

	return r < 0 ? r : journal_move(a->root, o->staged, object_path(part->sha256, path), e);
}

/* Looked at again under the lock: another publish may have stored it, retention taken it. */
static int store_part(struct applying *a, struct prepared *part, struct err *e)
{
	AUTO_OBJECT struct object o = { 0 };
	int r = object_find(a->root, a->db, part->sha256, &o, e);

	if (r < 0)
		return r;
	if (r == 1 && !o.staged)
		return 0;
	if (part->made)
		return store_made(a, part, e);
	return r == 1 ? store_uploaded(a, part, &o, e) : publish_missing(part, e);
}

/* The row of an upload that is not needed any more; its file goes after the commit. */
static int drop_upload(struct applying *a, const struct prepared *part, struct err *e)
{
	AUTO_FREE char *staged = NULL;
	int r = db_get_text(a->db, &staged, e,
			    "SELECT staged FROM object WHERE sha256=?1 AND state='uploaded'", "t",
			    part->source);

	if (r < 0 || !staged)
		return r;
	strv_adopt(&a->p->used_up, TAKE(staged));
	return db_exec(a->db, e, "DELETE FROM object WHERE sha256=?1 AND state='uploaded'", "t",
		       part->source);
}

/* What a source became is remembered; the source itself goes, unless it is served somewhere. */
static int use_up_source(struct applying *a, struct prepared *part, struct err *e)
{
	static const char sql[] = "INSERT INTO conversion(source_sha256, how, result_sha256)"
				  " VALUES(?1, ?2, ?3) ON CONFLICT(source_sha256, how)"
				  " DO UPDATE SET result_sha256=excluded.result_sha256";
	AUTO_BUF struct buf how = BUF_INIT(HOW_MAX);
	int r;

	if (!publish_converts(a->p, part))
		return 0;
	publish_how(a->p, part, &how);
	r = db_exec(a->db, e, sql, "ttt", part->source, buf_str(&how), part->sha256);
	return r < 0 ? r : drop_upload(a, part, e);
}

static int add_parts(struct applying *a, int64_t version, struct err *e)
{
	static const char sql[] =
		"INSERT INTO part(version_id, path, sha256, md5, size_bytes, rows)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->p->n; i++) {
		const struct prepared *part = &a->p->parts[i];

		r = db_exec(a->db, e, sql, "itttii", version, part->path, part->sha256, part->md5,
			    part->size_bytes, part->rows);
	}
	return r;
}

static int switch_to(struct applying *a, const struct publish_result *result, struct err *e)
{
	static const char sql_add[] =
		"INSERT INTO version(table_id, sha256, md5, rows, size_bytes, parts, created_ms,"
		" created_by, borders) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
	int64_t version;
	int r = db_exec(a->db, e, sql_add, "tttiiiitt", a->table.id, result->sha256, result->md5,
			result->rows, result->size_bytes, (int64_t)result->parts, a->now,
			a->by ? a->by->email : NULL, a->p->borders);

	if (r < 0)
		return r;
	version = db_last_id(a->db);
	r = add_parts(a, version, e);
	if (r == 0)
		r = publish_apply_excerpts(a->p, a->root, version, e);
	if (r == 0)
		r = db_exec(a->db, e, "UPDATE version SET retired_ms=?2 WHERE id=?1", "ii",
			    a->table.version, a->now);
	if (r == 0)
		r = db_exec(a->db, e, "UPDATE tbl SET current_version=?2 WHERE id=?1", "ti",
			    a->table.id, version);
	return r < 0 ? r : generation_bump(a->db, "tables", e);
}

static void fill_result(const struct applying *a, struct publish_result *result)
{
	const struct publish *p = a->p;

	(void)snprintf(result->table, sizeof(result->table), "%s", a->table.id);
	(void)snprintf(result->sha256, sizeof(result->sha256), "%s", p->sha256);
	(void)snprintf(result->md5, sizeof(result->md5), "%.*s", MD5_HEX, p->md5);
	result->parts = p->n;
	result->unchanged = str_eq(a->table.sha256, p->sha256);
	result->replaces = p->version_before != 0;
	result->shared_bytes = p->shared_bytes;
	result->shared_parts = p->shared_parts;
	for (size_t i = 0; i < p->n; i++) {
		result->size_bytes += p->parts[i].size_bytes;
		result->rows += p->parts[i].rows;
	}
}

static int apply_all(struct applying *a, struct publish_result *result, struct err *e)
{
	int r = find_or_add_table(a, &result->created, e);

	if (r < 0)
		return r;
	fill_result(a, result);
	for (size_t i = 0; r == 0 && i < a->p->n; i++) {
		r = store_part(a, &a->p->parts[i], e);
		if (r == 0)
			r = publish_store_index(a->root, &a->p->parts[i], e);
		if (r == 0)
			r = publish_store_patch(a->root, &a->p->parts[i], e);
		if (r == 0)
			r = use_up_source(a, &a->p->parts[i], e);
	}
	if (r == 0 && a->p->statistics.count > 0)
		r = statistics_store(a->db, result->sha256, &a->p->statistics, e);
	for (size_t i = 0; r == 0 && i < a->p->source_count; i++)
		r = drop_upload(a, &a->p->sources[i], e);
	if (r == 0 && !result->unchanged)
		r = switch_to(a, result, e);
	if (r == 0 && !result->unchanged)
		r = audit_add(a->db, a->by, "publish", result->table, result->sha256, e);
	return r;
}

int publish_apply(struct publish *p, struct root *root, const struct caller *by,
		  struct publish_result *ret_result, struct err *e)
{
	struct applying a = {
		.p = p, .root = root, .db = root_db(root), .by = by, .now = time_now()
	};
	struct publish_result result = { 0 };
	int r = apply_all(&a, &result, e);

	table_release(&a.table);
	if (r < 0)
		return r;
	*ret_result = result;
	return 0;
}
