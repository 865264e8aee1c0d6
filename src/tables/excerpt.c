/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/excerpt.h"

#include "base/log.h"
#include "base/time.h"
#include "duck/excerpt.h"
#include "engine/journal.h"
#include "tables/columns.h"
#include "tables/objects.h"
#include "tables/registry-internal.h"
#include "tables/room.h"
#include "tables/statistics.h"

#include <fcntl.h>

struct excerpt {
	const struct root *root;
	int64_t version;
	char *rights;
	char *made; /* staged name */
	bool placed;
	char sha256[HASH_HEX_MAX], md5[HASH_HEX_MAX];
	int64_t rows, size_bytes;
	char *columns;
	struct statistics statistics;
};

void excerpt_needs_release(struct excerpt_needs *needs)
{
	for (size_t i = 0; i < needs->n; i++) {
		free(needs->v[i].table);
		free(needs->v[i].rights);
	}
	free(needs->v);
	*needs = (struct excerpt_needs){ 0 };
}

void excerpt_parts_release(struct excerpt_parts *parts)
{
	strv_release(&parts->names);
	strv_release(&parts->files);
}

static int collect(struct stmt *q, struct excerpt_needs *needs, struct err *e)
{
	int r;

	while ((r = stmt_next(q, e)) > 0) {
		needs->v = xgrow(needs->v, &needs->capacity, needs->n + 1, sizeof(*needs->v));
		needs->v[needs->n++] = (struct excerpt_need){ .version = stmt_int(q, 0),
							      .table = xstrdup(stmt_text(q, 1)),
							      .rights = xstrdup(stmt_text(q, 2)) };
	}
	return r;
}

int excerpt_needs(struct db *db, const struct caller *caller, const char *table,
		  struct excerpt_needs *ret_needs, struct err *e)
{
	static const char sql[] =
		"WITH r AS MATERIALIZED (SELECT t.id AS table_id, t.current_version AS version_id, " RIGHTS(
			"?1", "t.id") " AS rights FROM tbl t WHERE t.current_version IS NOT NULL"
				      " AND (?2 IS NULL OR t.id=?2) AND t.id IN "
				      "(SELECT g.resource_id FROM resource_grant g CROSS JOIN"
				      " member m ON m.user_id=?1 AND m.group_id=g.group_id"
				      " WHERE g.rights IS NOT NULL AND g.resource_type='table'))"
				      " SELECT r.version_id, r.table_id, r.rights FROM r"
				      " LEFT JOIN excerpt x ON x.version_id=r.version_id"
				      " AND x.rights=r.rights WHERE r.rights>'' AND x.id IS NULL";
	AUTO_STMT struct stmt *q = NULL;
	int r = 0;

	if (caller->is_admin)
		return 0;
	r = db_query(db, &q, e, sql, "it", caller->user_id, table);
	return r < 0 ? r : collect(q, ret_needs, e);
}

int excerpt_needs_of_table(struct db *db, const char *table, struct excerpt_needs *ret_needs,
			   struct err *e)
{
	static const char sql[] = "SELECT DISTINCT 0, ?1, rights FROM (SELECT " RIGHTS(
		"u.id", "?1") " AS rights FROM user u WHERE u.active=1 AND u.id IN"
			      " (SELECT m.user_id FROM resource_grant g JOIN member m"
			      " ON m.group_id=g.group_id WHERE g.resource_type='table'"
			      " AND g.resource_id=?1 AND g.rights IS NOT NULL))"
			      " WHERE rights>'' ORDER BY rights";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql, "t", table);

	return r < 0 ? r : collect(q, ret_needs, e);
}

int excerpt_parts_of(struct db *db, const struct root *root, int64_t version,
		     struct excerpt_parts *ret_parts, struct err *e)
{
	AUTO(excerpt_parts_release) struct excerpt_parts parts = { 0 };
	AUTO_STMT struct stmt *q = NULL;
	char path[OBJECT_PATH_MAX];
	int r = db_query(db, &q, e,
			 "SELECT path, sha256 FROM part WHERE version_id=?1 ORDER BY path", "i",
			 version);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		strv_add(&parts.names, stmt_text(q, 0));
		strv_addf(&parts.files, "%s/%s", root_path(root),
			  object_path(stmt_text(q, 1), path));
		r = 0;
	}
	if (r < 0)
		return r;
	if (parts.names.n == 0)
		return err_set(e, ERR_NOT_FOUND, "this version is not kept any more");
	*ret_parts = parts;
	parts = (struct excerpt_parts){ 0 };
	return 0;
}

static bool is_hive(const struct strv *names)
{
	return names->n > 0 && strchr(names->v[0], '=') != NULL;
}

/* Under their names, since folders of key=value are columns. */
static int fill_room(struct room *room, const struct excerpt_parts *parts, struct strv *files,
		     struct err *e)
{
	for (size_t i = 0; i < parts->names.n; i++) {
		const char *name = parts->names.v[i][0] ? parts->names.v[i] : "table.parquet";

		if (room_add(room, name, parts->files.v[i], e) < 0)
			return e->code;
		strv_addf(files, "%s/%s", room_path(room), name);
	}
	return 0;
}

/* Of a filter's making: the words of DuckDB, for those who wrote the filter. */
static int complain(const struct excerpt_need *need, const struct room *room, struct err *e)
{
	char *at = strstr(e->msg, room_path(room));

	if (at)
		*at = '\0';
	if (e->code == ERR_USAGE || e->code == ERR_CORRUPT)
		e->code = ERR_CONFLICT;
	return err_in(e, "the limits of a grant do not fit table '%s'", need->table);
}

static int write_file(struct excerpt *x, const struct excerpt_source *source,
		      const struct excerpt_need *need, const struct excerpt_parts *parts,
		      struct err *e)
{
	AUTO(duck_file_info_release) struct duck_file_info info = { 0 };
	AUTO_STRV struct strv files = STRV_INIT;
	AUTO_ROOM struct room *room = NULL;
	AUTO_FREE char *output = journal_stage_path(x->root, x->made);
	const struct duck_excerpt request = { .files = &files,
					      .hive = is_hive(&parts->names),
					      .rights = need->rights,
					      .output = output,
					      .memory_bytes = source->memory_bytes };

	if (room_open(x->root, &room, e) < 0 || fill_room(room, parts, &files, e) < 0)
		return e->code;
	if (duck_excerpt(&request, &info, e) < 0)
		return complain(need, room, e);
	x->rows = info.rows;
	return columns_describe(&info, &x->columns, e);
}

static int hash_file(struct excerpt *x, struct err *e)
{
	AUTO_HASH struct hash *sha = hash_new(HASH_SHA256);
	AUTO_HASH struct hash *md5 = hash_new(HASH_MD5);
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_FD int fd = -1;
	int r = journal_stage_open(x->root, x->made, O_RDONLY, &fd, e);

	if (r == 0)
		r = hash_fd(fd, sha, md5, &x->size_bytes, e);
	if (r < 0)
		return r;
	hash_hex(sha, x->sha256);
	hash_hex(md5, x->md5);
	strv_add(&names, x->made);
	return journal_sync(x->root, &names, e);
}

/* As of a publish: without figures it is an excerpt all the same. */
static void make_statistics(struct excerpt *x, const struct excerpt_source *source,
			    const char *table)
{
	AUTO_STRV struct strv files = STRV_INIT;
	const struct duck_statistics request = { .files = &files,
						 .memory_bytes = source->memory_bytes };
	struct err why = { 0 };

	strv_adopt(&files, journal_stage_path(x->root, x->made));
	if (duck_statistics(&request, &x->statistics, &why) < 0)
		log_event(LOG_WARN, "no-statistics", "table=%s error=%s", table, why.msg);
}

int excerpt_make_of(const struct excerpt_source *source, const struct excerpt_need *need,
		    const struct excerpt_parts *parts, struct excerpt **ret_excerpt, struct err *e)
{
	AUTO_EXCERPT struct excerpt *x = xcalloc(1, sizeof(*x));
	char unique[RANDOM_TEXT_MAX];

	random_text(12, unique);
	x->root = source->root;
	x->version = need->version;
	x->rights = xstrdup(need->rights);
	x->made = xasprintf("xp-%s", unique);
	if (objects_check_space(x->root, 0, e) < 0 || write_file(x, source, need, parts, e) < 0 ||
	    hash_file(x, e) < 0)
		return e->code;
	make_statistics(x, source, need->table);
	*ret_excerpt = TAKE(x);
	return 0;
}

int excerpt_make(const struct excerpt_source *source, const struct excerpt_need *need,
		 struct excerpt **ret_excerpt, struct err *e)
{
	AUTO(excerpt_parts_release) struct excerpt_parts parts = { 0 };
	int r = excerpt_parts_of(source->db, source->root, need->version, &parts, e);

	return r < 0 ? r : excerpt_make_of(source, need, &parts, ret_excerpt, e);
}

/* 1 when the version is there and lacks this excerpt: else it came too late, or twice. */
static int is_wanted(const struct excerpt *x, struct db *db, int64_t version, struct err *e)
{
	int64_t wanted = 0;
	int r = db_get_int(db, &wanted, 0, e,
			   "SELECT 1 FROM version v WHERE v.id=?1 AND NOT EXISTS (SELECT 1 FROM"
			   " excerpt x WHERE x.version_id=v.id AND x.rights=?2)",
			   "it", version, x->rights);

	return r < 0 ? r : wanted == 1;
}

static int store_object(struct excerpt *x, struct root *root, struct err *e)
{
	static const char sql[] = "INSERT INTO object(sha256, md5, size_bytes, rows, columns,"
				  " state, created_ms) VALUES(?1, ?2, ?3, ?4, ?5, 'stored', ?6)"
				  " ON CONFLICT(sha256) DO UPDATE SET state='stored', staged=NULL,"
				  " rows=excluded.rows, columns=excluded.columns";
	AUTO_OBJECT struct object o = { 0 };
	char path[OBJECT_PATH_MAX];
	int r = object_find(root, root_db(root), x->sha256, &o, e);

	if (r < 0 || (r == 1 && !o.staged))
		return r < 0 ? r : 0;
	r = db_exec(root_db(root), e, sql, "ttiiti", x->sha256, x->md5, x->size_bytes, x->rows,
		    x->columns, time_now());
	x->placed = r == 0;
	return r < 0 ? r : journal_move(root, x->made, object_path(x->sha256, path), e);
}

int excerpt_apply_to(struct excerpt *x, struct root *root, int64_t version, struct err *e)
{
	static const char sql[] = "INSERT INTO excerpt(version_id, rights, sha256, md5, rows,"
				  " size_bytes, created_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
	struct db *db = root_db(root);
	int r = is_wanted(x, db, version, e);

	if (r <= 0)
		return r;
	r = store_object(x, root, e);
	if (r == 0)
		r = db_exec(db, e, sql, "itttiii", version, x->rights, x->sha256, x->md5, x->rows,
			    x->size_bytes, time_now());
	if (r == 0 && x->statistics.count > 0)
		r = statistics_store(db, x->sha256, &x->statistics, e);
	return r < 0 ? r : generation_bump(db, "tables", e);
}

int excerpt_apply(struct excerpt *x, struct root *root, struct err *e)
{
	return excerpt_apply_to(x, root, x->version, e);
}

void excerpt_free(struct excerpt *x)
{
	struct err ignored = { 0 };

	if (!x)
		return;
	if (x->made && !x->placed) /* else litter for the next start to take away */
		(void)journal_stage_remove(x->root, x->made, &ignored);
	free(x->made);
	free(x->rights);
	free(x->columns);
	statistics_release(&x->statistics);
	free(x);
}
