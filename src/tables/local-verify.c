/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/local-verify.h"

#include "base/file.h"
#include "duck/duck.h"
#include "engine/journal.h"
#include "engine/ledger.h"
#include "engine/pipeline.h"
#include "tables/blocks.h"
#include "tables/held.h"
#include "tables/views.h"

#include <fcntl.h>
#include <limits.h>

struct check {
	const struct local_table *table;
	const struct local_file *file;
	bool hive;
	struct file_mark mark; /* of the bytes that were read */
	struct chunks *chunks; /* of a large file, where there are fewer files than threads */
};

struct checking {
	struct local_verify *v;
	struct failures *findings;
	struct local *local;
	struct check *checks; /* one a file */
	struct progress *progress;
	struct strv views; /* of the analytics file, sorted */
};

static void checking_release(struct checking *c)
{
	progress_end(c->progress);
	for (size_t i = 0; c->checks && i < c->local->file_count; i++)
		chunks_free(c->checks[i].chunks);
	free(c->checks);
	local_free(c->local);
	strv_release(&c->views);
}

static void find(struct checking *c, const char *stage, const char *table, const char *fmt, ...)
	PRINTF(4, 5);

static void find(struct checking *c, const char *stage, const char *table, const char *fmt, ...)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct err why = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	(void)err_set(&why, ERR_CORRUPT, "%s", buf_str(&text));
	failures_add(c->findings, stage, table, &why);
}

/* 1 when its blocks say that it is right: then it need not be hashed from end to end. */
static int check_blocks(struct checking *c, struct check *check, int fd, const struct stat *st,
			struct err *e)
{
	int r = check->chunks ? blocks_check(fd, check->chunks, c->v->jobs, e) : 0;

	if (r <= 0)
		return r;
	(void)atomic_fetch_add(&c->v->bytes, st->st_size);
	progress_add(c->progress, st->st_size);
	check->mark = file_mark_of(st);
	return 1;
}

/* On a thread of the pipeline: reads one file. */
static int prepare(void *ctx, void *worker, size_t i, struct err *e)
{
	struct checking *c = ctx;
	struct check *check = &c->checks[i];
	AUTO_FREE char *path = local_version_path(check->file->sha256);
	AUTO_FD int fd = openat(root_dirfd(c->v->root), path, O_RDONLY | O_CLOEXEC);
	char hex[HASH_HEX_MAX];
	struct stat st;
	int64_t size;
	int r;

	(void)worker;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open '%s'", path);
	r = check_blocks(c, check, fd, &st, e);
	if (r != 0)
		return r < 0 ? err_in(e, "'%s'", path) : 0;
	if (sha256_fd(fd, hex, &size, e) < 0)
		return err_in(e, "'%s'", path);
	(void)atomic_fetch_add(&c->v->bytes, size);
	progress_add(c->progress, size);
	check->mark = file_mark_of(&st);
	if (str_eq(hex, check->file->sha256))
		return 0;
	return err_set(e, ERR_CORRUPT, "'%s' has other bytes: hash %.12s", path, hex);
}

static void check_link(struct checking *c, const char *table, const char *link, const char *wanted)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(root_dirfd(c->v->root), link, target, sizeof(target));

	if (n < 0 || (size_t)n != strlen(wanted) || memcmp(target, wanted, (size_t)n) != 0)
		find(c, "link", table, "'%s' does not lead to its version", link);
}

static void check_links(struct checking *c, const struct check *check)
{
	const struct local_file *file = check->file;
	AUTO_FREE char *link = local_link_path(check->table->name, file->path);
	AUTO_FREE char *target = local_link_target(file->path, file->sha256);
	AUTO_FREE char *hive_link = NULL;
	AUTO_FREE char *hive_target = NULL;

	check_link(c, check->table->name, link, target);
	if (!check->hive)
		return;
	hive_link = local_hive_path(check->table->version, file->path);
	hive_target = local_hive_target(file->path, file->sha256);
	check_link(c, check->table->name, hive_link, hive_target);
}

/* Its bytes were read and are right: after a copy it has a new mark, which the next pull goes by. */
static int check_good(struct checking *c, const struct check *check, struct err *e)
{
	check_links(c, check);
	if (memcmp(&check->mark, &check->file->mark, sizeof(check->mark)) == 0)
		return 0;
	return local_record_mark(c->v->root, check->table, check->file, &check->mark, e);
}

static int take_results(void *ctx, const struct pipeline_result *results, size_t n, struct err *e)
{
	struct checking *c = ctx;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct check *check = &c->checks[results[i].item];

		progress_step(c->progress, check->table->name, results[i].result == 0);
		if (results[i].result < 0)
			find(c, "file", check->table->name, "%s", results[i].error.msg);
		else
			r = check_good(c, check, e);
	}
	return r;
}

/* One large file would keep one core busy: with its index all of them. */
static int load_indexes(struct checking *c, size_t n, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && n < c->v->jobs && i < n; i++) {
		r = held_index(root_db(c->v->root), c->checks[i].file->sha256, &c->checks[i].chunks,
			       e);
		if (r == ERR_CORRUPT)
			r = 0; /* the file's own hash decides */
	}
	return r < 0 ? r : 0;
}

static int check_files(struct checking *c, struct err *e)
{
	const struct pipeline p = {
		.ctx = c,
		.items = c->local->file_count,
		.workers = c->v->jobs,
		.batch = 64,
		.window = 256,
		.order = PIPELINE_AS_FINISHED,
		.prepare = prepare,
		.commit = take_results,
	};
	int64_t bytes = 0;
	size_t n = 0;
	int r;

	c->checks = xcalloc(c->local->file_count + 1, sizeof(*c->checks));
	for (size_t i = 0; i < c->local->count; i++) {
		const struct local_table *table = &c->local->tables[i];
		bool hive = local_is_hive(table);

		for (size_t j = 0; j < table->file_count; j++) {
			bytes += table->files[j].mark.size;
			c->checks[n++] = (struct check){ .table = table,
							 .file = &table->files[j],
							 .hive = hive };
		}
	}
	r = load_indexes(c, n, e);
	if (r < 0)
		return r;
	c->progress = progress_begin("verify", bytes, n, c->v->quiet);
	return n ? pipeline_run(&p, e) : 0;
}

static int is_known(struct checking *c, const char *name, struct err *e)
{
	static const char sql_file[] = "SELECT 1 FROM ws_file WHERE sha256 || '.parquet' = ?1"
				       " AND sha256 = substr(?1, 1, 64) LIMIT 1";
	static const char sql_hive[] =
		"SELECT 1 FROM ws_table JOIN ws_file ON table_name = name"
		" WHERE version = substr(?1, 1, 64) AND path = substr(?1, 66)"
		" AND substr(?1, 65, 1) = '/' LIMIT 1";
	bool in_folder = strchr(name, '/') != NULL;
	int64_t known = 0;
	int r = db_get_int(root_db(c->v->root), &known, 0, e, in_folder ? sql_hive : sql_file, "t",
			   name);

	return r < 0 ? r : known == 1;
}

static int visit_version(void *ctx, const char *relative, const struct stat *st, struct err *e)
{
	struct checking *c = ctx;
	AUTO_FREE char *path = xasprintf(LOCAL_VERSIONS "/%s", relative);
	int r = is_known(c, relative, e);

	(void)st;
	if (r == 0)
		r = journal_waits(c->v->root, path, e);
	if (r == 0)
		find(c, "litter", path, "it belongs to no table");
	return r < 0 ? r : 0;
}

static int check_litter(struct checking *c, struct err *e)
{
	int r = tree_visit(root_dirfd(c->v->root), LOCAL_VERSIONS, visit_version, c, e);

	return r == ERR_NOT_FOUND ? 0 : r;
}

static int take_view(void *ctx, const struct json *values, struct err *e)
{
	const char *name = json_text(json_at(values, 0));

	(void)e;
	if (name)
		strv_add(ctx, name);
	return 0;
}

static int is_blocked(struct checking *c, const char *name, struct err *e)
{
	static const char sql[] =
		"SELECT 1 FROM view_made WHERE name = ?1 AND files_sha256 = '' LIMIT 1";
	int64_t blocked = 0;
	int r = db_get_int(root_db(c->v->root), &blocked, 0, e, sql, "t", name);

	return r < 0 ? r : blocked == 1;
}

static int compare_views(struct checking *c, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < c->local->count; i++) {
		const char *name = c->local->tables[i].name;

		if (strv_has(&c->views, name))
			continue;
		r = is_blocked(c, name, e);
		if (r == 0)
			find(c, "views", name, "there is no view of it in '%s'", VIEWS_DATABASE);
	}
	return r < 0 ? r : 0;
}

/* A file that another program holds for writing cannot be looked at: no finding. */
static int check_views(struct checking *c, struct err *e)
{
	AUTO_FREE char *database = xasprintf("%s/%s", root_path(c->v->root), VIEWS_DATABASE);
	AUTO(duck_query_result_release) struct duck_query_result result = { 0 };
	const struct duck_query query = {
		.sql = "SELECT DISTINCT view_name FROM duckdb_views() WHERE NOT internal",
		.database = database,
		.ctx = &c->views,
		.on_row = take_view,
	};
	struct err why = { 0 };

	if (access(database, F_OK) < 0) {
		find(c, "views", NULL, "'%s' is gone", VIEWS_DATABASE);
		return 0;
	}
	if (duck_query_run(&query, &result, &why) < 0) {
		find(c, "views", NULL, "%s", why.msg);
		return 0;
	}
	return result.database_held ? 0 : compare_views(c, e);
}

int local_verify(struct local_verify *v, struct failures *findings, struct err *e)
{
	AUTO(checking_release) struct checking c = { .v = v, .findings = findings };
	int r = local_load(v->root, &c.local, e);

	if (r < 0)
		return r;
	v->tables = c.local->count;
	v->files = c.local->file_count;
	r = check_files(&c, e);
	if (r == 0)
		r = check_litter(&c, e);
	return r < 0 ? r : check_views(&c, e);
}

static int distrust(struct root *root, const struct failure *f, struct err *e)
{
	static const char sql_file[] = "UPDATE ws_file SET mtime_ns = 0 WHERE table_name = ?1";
	static const char sql_view[] = "DELETE FROM view_made WHERE name = ?1";
	static const char sql_todo[] =
		"INSERT INTO view_todo (name) VALUES (?1) ON CONFLICT DO NOTHING";
	struct db *db = root_db(root);
	int r;

	if (!f->table)
		return 0;
	if (str_eq(f->stage, "litter"))
		return journal_remove(root, f->table, e);
	if (!str_eq(f->stage, "views"))
		return db_exec(db, e, sql_file, "t", f->table);
	r = db_exec(db, e, sql_view, "t", f->table);
	return r < 0 ? r : db_exec(db, e, sql_todo, "t", f->table);
}

int local_distrust(struct root *root, const struct failures *findings, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_tx(root_db(root), &tx, e);

	for (size_t i = 0; r == 0 && i < findings->n; i++)
		r = distrust(root, &findings->v[i], e);
	return r < 0 ? r : journal_commit(root, e);
}
