/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/views.h"

#include "base/file.h"
#include "duck/duck.h"
#include "engine/journal.h"
#include "engine/ledger.h"
#include "tables/local.h"

/* Where the views' paths start: (LEDGER_SPACE, LEDGER_KEY) is the root when they were written. */
#define LEDGER_SPACE "views"
#define LEDGER_KEY   "root"
/* The copy that is changed while readers hold the file. */
#define STAGED_COPY "analytics.duckdb"

/* The fingerprint of a name that the user has taken. */
static const char blocked_mark[] = "";

struct views {
	struct root *root;
	struct duck_views_ahead *ahead; /* lent; NULL: the child is started when it is needed */
	struct local *local;
	bool all;
	struct strv names;       /* to be made or dropped */
	struct duck_view *views; /* for each name that needs it */
	struct strv *files;      /* of each view */
	char (*prints)[HASH_HEX_MAX];
	size_t count;
};

void views_report_release(struct views_report *report)
{
	strv_release(&report->blocked);
}

static void views_release(struct views *v)
{
	for (size_t i = 0; v->files && i < v->names.n; i++)
		strv_release(&v->files[i]);
	local_free(v->local);
	strv_release(&v->names);
	free(v->views);
	free(v->files);
	free(v->prints);
}

/* Is the file there, with views that name this folder? */
static int find_out_all(struct views *v, struct err *e)
{
	AUTO_FREE char *made_for = NULL;
	int r = ledger_get(root_db(v->root), LEDGER_SPACE, LEDGER_KEY, &made_for, e);

	v->all = !str_eq(made_for, root_path(v->root)) ||
		 faccessat(root_dirfd(v->root), VIEWS_DATABASE, F_OK, 0) < 0;
	return r < 0 ? r : 0;
}

static int list_names(struct views *v, struct err *e)
{
	static const char sql_all[] = "SELECT name FROM view_todo UNION SELECT name FROM view_made"
				      " UNION SELECT name FROM ws_table ORDER BY 1";
	static const char sql_due[] = "SELECT name FROM view_todo UNION"
				      " SELECT name FROM view_made WHERE files_sha256 = ''"
				      " AND EXISTS (SELECT 1 FROM view_todo) ORDER BY 1";
	AUTO_STMT struct stmt *q = NULL;
	int r = v->all ? db_query(root_db(v->root), &q, e, sql_all, "")
		       : db_query(root_db(v->root), &q, e, sql_due, "");

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		strv_add(&v->names, stmt_text(q, 0));
		r = 0;
	}
	return r;
}

static void fingerprint(const struct strv *files, char out[HASH_HEX_MAX])
{
	AUTO_BUF struct buf lines = BUF_INIT(BUF_OWN_MAX);

	for (size_t i = 0; i < files->n; i++)
		buf_addf(&lines, "%s\n", files->v[i]);
	hash_text(HASH_SHA256, buf_bytes(&lines), out);
}

/* 1 when the view was written with exactly these files. */
static int is_made(const struct views *v, const char *name, const char *print, struct err *e)
{
	static const char sql[] = "SELECT 1 FROM view_made WHERE name = ?1 AND files_sha256 = ?2";
	int64_t made = 0;
	int r = db_get_int(root_db(v->root), &made, 0, e, sql, "tt", name, print);

	return r < 0 ? r : made == 1;
}

static int describe_view(struct views *v, const char *name, struct err *e)
{
	const struct local_table *table = local_find(v->local, name);
	struct strv *files = &v->files[v->count];
	bool hive = table && local_is_hive(table);
	int r;

	if (table) {
		local_add_paths(v->root, table, files);
		fingerprint(files, v->prints[v->count]);
	}
	r = v->all || !table ? 0 : is_made(v, name, v->prints[v->count], e);
	if (r < 0)
		return r;
	if (r == 1) {
		strv_release(files);
		*files = (struct strv)STRV_INIT;
		return 0;
	}
	v->views[v->count++] = (struct duck_view){ .name = name, .files = files, .hive = hive };
	return 0;
}

static int describe_all(struct views *v, struct err *e)
{
	int r = v->all ? local_load(v->root, &v->local, e)
		       : local_load_named(v->root, &v->names, &v->local, e);

	v->views = xcalloc(v->names.n + 1, sizeof(*v->views));
	v->files = xcalloc(v->names.n + 1, sizeof(*v->files));
	v->prints = xcalloc(v->names.n + 1, sizeof(*v->prints));
	for (size_t i = 0; r == 0 && i < v->names.n; i++)
		r = describe_view(v, v->names.v[i], e);
	return r;
}

/* The paths of a request; they are the caller's to free. */
struct place {
	char *database, *ours, *staging;
};

static void place_release(struct place *p)
{
	free(p->database);
	free(p->ours);
	free(p->staging);
}

static void fill_place(const struct root *root, struct place *p)
{
	p->database = xasprintf("%s/%s", root_path(root), VIEWS_DATABASE);
	p->ours = xasprintf("%s/%s/", root_path(root), LOCAL_VERSIONS);
	p->staging = journal_stage_path(root, STAGED_COPY);
}

static int make_room(struct root *root, struct err *e)
{
	int r = dir_make(root_dirfd(root), "user/duckdb", 0755, e);

	return r < 0 ? r : journal_stage_remove(root, STAGED_COPY, e);
}

static struct duck_views request_for(const struct place *p)
{
	return (struct duck_views){ .database = p->database,
				    .staging = p->staging,
				    .ours = p->ours };
}

struct duck_views_ahead *views_begin(struct root *root)
{
	AUTO(place_release) struct place place = { 0 };
	struct duck_views_ahead *ahead = NULL;
	struct err said_when_views_are_written = { 0 };
	struct duck_views request;

	if (faccessat(root_dirfd(root), VIEWS_DATABASE, F_OK, 0) == 0 ||
	    dir_make(root_dirfd(root), LOCAL_VERSIONS, 0755, &said_when_views_are_written) < 0 ||
	    make_room(root, &said_when_views_are_written) < 0)
		return NULL; /* (the child can be let into folders that are there) */
	fill_place(root, &place);
	request = request_for(&place);
	(void)duck_views_begin(&request, &ahead, &said_when_views_are_written);
	return ahead;
}

static int write_views(const struct views *v, struct duck_views_result *result, struct err *e)
{
	AUTO(place_release) struct place place = { 0 };
	struct duck_views request;

	if (!v->ahead && make_room(v->root, e) < 0)
		return e->code;
	fill_place(v->root, &place);
	request = request_for(&place);
	request.views = v->views;
	request.count = v->count;
	return v->ahead ? duck_views_end(v->ahead, &request, result, e)
			: duck_views(&request, result, e);
}

/* Failed views come as "name: why". */
static const char *failure_of(const struct duck_views_result *result, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < result->failed.n; i++) {
		const char *text = result->failed.v[i];

		if (str_starts(text, name) && str_starts(text + n, ": "))
			return text + n + 2;
	}
	return NULL;
}

static int note_made(const struct views *v, size_t i, bool blocked, struct err *e)
{
	static const char sql_put[] = "INSERT INTO view_made (name, files_sha256) VALUES (?1, ?2)"
				      " ON CONFLICT (name) DO UPDATE SET"
				      " files_sha256 = excluded.files_sha256";
	static const char sql_drop[] = "DELETE FROM view_made WHERE name = ?1";
	const char *name = v->views[i].name;

	if (v->files[i].n == 0)
		return db_exec(root_db(v->root), e, sql_drop, "t", name);
	return db_exec(root_db(v->root), e, sql_put, "tt", name,
		       blocked ? blocked_mark : v->prints[i]);
}

/* What is done leaves view_todo, what failed enters it. */
static int settle(const struct views *v, const struct duck_views_result *result, struct err *e)
{
	static const char sql_clear[] = "DELETE FROM view_todo";
	static const char sql_again[] = "INSERT INTO view_todo (name) VALUES (?1)";
	struct db *db = root_db(v->root);
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_tx(db, &tx, e);

	if (r == 0)
		r = db_exec(db, e, sql_clear, "");
	for (size_t i = 0; r == 0 && i < v->count; i++) {
		const char *name = v->views[i].name;

		if (failure_of(result, name))
			r = db_exec(db, e, sql_again, "t", name);
		else
			r = note_made(v, i, strv_has(&result->blocked, name), e);
	}
	if (r == 0)
		r = ledger_put(db, LEDGER_SPACE, LEDGER_KEY, root_path(v->root), e);
	return r < 0 ? r : db_commit(db, e);
}

static void report_failed(const struct duck_views_result *result, const struct views *v,
			  struct failures *failures)
{
	for (size_t i = 0; i < v->count; i++) {
		const char *why = failure_of(result, v->views[i].name);
		struct err error = { 0 };

		if (!why)
			continue;
		(void)err_set(&error, ERR_CORRUPT, "DuckDB refuses its view: %s", why);
		failures_add(failures, "views", v->views[i].name, &error);
	}
}

static int list_blocked(struct root *root, struct strv *blocked, struct err *e)
{
	static const char sql[] = "SELECT name FROM view_made WHERE files_sha256 = ''";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(root_db(root), &q, e, sql, "");

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		strv_add(blocked, stmt_text(q, 0));
		r = 0;
	}
	return r;
}

static int make_views(struct views *v, struct views_report *report, struct failures *failures,
		      struct err *e)
{
	AUTO(duck_views_result_release) struct duck_views_result result = { 0 };
	struct err why = { 0 };
	int r = describe_all(v, e);

	if (r < 0)
		return r;
	if ((v->count || v->all) && write_views(v, &result, &why) < 0) {
		failures_add(failures, "views", NULL, &why);
		return 0;
	}
	report->changed = result.changed;
	report_failed(&result, v, failures);
	return settle(v, &result, e);
}

int views_apply(struct root *root, struct duck_views_ahead *given, struct views_report *report,
		struct failures *failures, struct err *e)
{
	AUTO_DUCK_VIEWS struct duck_views_ahead *ahead = given;
	AUTO(views_release) struct views v = { .root = root, .ahead = ahead };
	int r = find_out_all(&v, e);

	if (r == 0)
		r = list_names(&v, e);
	if (r == 0 && (v.all || v.names.n))
		r = make_views(&v, report, failures, e);
	return r < 0 ? r : list_blocked(root, &report->blocked, e);
}
