/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker-views.h"

#include "duck/worker-files.h"
#include "duck/worker-limits.h"
#include "duck/worker-viewfile.h"
#include "duck/worker.h"
#include <assert.h>

/* The catalogue of 10,000 views needs 100 MiB of it. */
#define VIEWS_MEMORY GIB

struct change {
	char *database; /* links resolved: a rename must not replace a link */
	char *staging;
	struct views views;
	bool replaced_file;
	struct engine ahead; /* on `staging`, opened before the views were told */
};

static void change_release(struct change *c)
{
	engine_close(&c->ahead);
	free(c->database);
	free(c->staging);
	views_release(&c->views);
}

static int parse_paths(const struct json *request, struct change *c, struct err *e)
{
	const char *database = json_text(json_get(request, "database"));
	const char *staging = json_text(json_get(request, "staging"));

	if (!database || !staging)
		return err_set(e, ERR_USAGE, "request: database and staging are needed");
	c->database = realpath(database, NULL);
	if (!c->database)
		c->database = worker_absolute_path(database);
	c->staging = worker_absolute_path(staging);
	return 0;
}

static void add_folder(struct strv *folders, const char *path)
{
	assert(path); /* absolute, so there is a slash as well */
	strv_adopt(folders, xstrndup(path, (size_t)(strrchr(path, '/') - path)));
}

/* One rule for the folder of all that a workspace has, which may be thousands of files. */
static int confine(const struct change *c, const char *ours, struct err *e)
{
	AUTO_STRV struct strv readable = STRV_INIT, writable = STRV_INIT;
	size_t n = strlen(ours);
	const char *slash = n > 0 && ours[n - 1] == '/' ? "" : "/";
	AUTO_FREE char *below = xasprintf("%s%s", ours, slash);
	struct limits limits = { .memory_bytes = VIEWS_MEMORY,
				 .confine = true,
				 .readable = &readable,
				 .writable = &writable };

	add_folder(&writable, c->database);
	add_folder(&writable, c->staging);
	strv_add(&readable, ours);
	strv_add(&readable, "/proc"); /* who holds the database */
	for (size_t i = 0; i < c->views.n; i++) {
		const struct strv *files = &c->views.v[i].files;

		for (size_t k = 0; k < files->n; k++) {
			if (!str_starts(files->v[k], below))
				strv_add(&readable, files->v[k]);
		}
	}
	return limits_apply(&limits, e);
}

static int open_file(const char *path, struct engine *ret_engine, struct err *e)
{
	const struct engine_options options = {
		.database = path,
		.memory_bytes = VIEWS_MEMORY,
		.threads = 1,
	};

	return engine_open(&options, ret_engine, e);
}

/* Opens a file that nobody else holds, changes it, closes it. */
static int change_file(const char *path, struct change *c, struct err *e)
{
	AUTO_ENGINE struct engine en = c->ahead;

	c->ahead = (struct engine){ 0 };
	if (!en.db && open_file(path, &en, e) < 0)
		return e->code;
	if (views_plan(en.con, &c->views, e) < 0 || views_apply(&en, &c->views, e) < 0)
		return e->code;
	return engine_run(en.con, "CHECKPOINT", e);
}

/* A database is born whole: a kill while DuckDB makes it leaves a file it could not open again. */
static int make_database(struct change *c, struct err *e)
{
	if (!c->ahead.db)
		viewfile_discard(c->staging);
	if (change_file(c->staging, c, e) < 0 ||
	    viewfile_publish_new(c->staging, c->database, e) < 0) {
		viewfile_discard(c->staging);
		return e->code;
	}
	return 0;
}

static int change_copy(struct change *c, struct err *e)
{
	AUTO_FD int lock = -1;

	if (viewfile_copy(c->database, c->staging, &lock, e) < 0 ||
	    change_file(c->staging, c, e) < 0 || viewfile_publish(c->staging, c->database, e) < 0) {
		viewfile_discard(c->staging);
		return e->code;
	}
	c->replaced_file = true;
	return 0;
}

static void close_ahead(struct change *c)
{
	if (!c->ahead.db)
		return;
	engine_close(&c->ahead);
	viewfile_discard(c->staging);
}

static int change(struct change *c, struct err *e)
{
	int r = ERR_CONFLICT;

	if (access(c->database, F_OK) == 0)
		close_ahead(c);
	else
		r = make_database(c, e);
	if (r == ERR_CONFLICT) /* it is there, or just appeared */
		r = change_file(c->database, c, e);
	if (r == ERR_BUSY && !viewfile_is_read(c->database)) {
		r = viewfile_wait(c->database, e);
		if (r == 0)
			r = change_file(c->database, c, e);
		else
			return r;
	}
	return r == ERR_BUSY ? change_copy(c, e) : r;
}

static void add_names(struct json_out *o, const char *key, const struct views *views,
		      enum view_work work)
{
	json_open(o, key, '[');
	for (size_t i = 0; i < views->n; i++) {
		const struct view *view = &views->v[i];
		AUTO_FREE char *failed = NULL;

		if (view->work != work)
			continue;
		if (view->failure)
			failed = xasprintf("%s: %s", view->name, view->failure);
		json_add_text(o, NULL, failed ? failed : view->name);
	}
	json_close(o);
}

static int answer(struct reply *r, const struct change *c, struct err *e)
{
	struct json_out *o = reply_line(r);
	int64_t changed = 0;

	for (size_t i = 0; i < c->views.n; i++) {
		enum view_work work = c->views.v[i].work;

		changed += work == VIEW_NEW || work == VIEW_REPLACE || work == VIEW_DROP;
	}
	json_open(o, NULL, '{');
	json_add_bool(o, "done", true);
	json_add_int(o, "changed", changed);
	json_add_bool(o, "replaced_file", c->replaced_file);
	add_names(o, "blocked", &c->views, VIEW_BLOCKED);
	add_names(o, "failed", &c->views, VIEW_FAILED);
	json_close(o);
	return reply_end_line(r, e);
}

/*
 * A request without its views, which follow when they are known: meanwhile DuckDB is started, on a database
 * that nobody else has, as it is not there yet. (One that is there would be locked for that long.)
 */
static int begin_ahead(struct change *c, const struct json *request, struct json **ret_rest,
		       struct err *e)
{
	const char *ours = json_text(json_get(request, "ours"));
	struct err said_again_when_it_is_needed = { 0 };

	if (parse_paths(request, c, e) < 0)
		return e->code;
	if (!ours)
		return err_set(e, ERR_USAGE, "request: ours is needed");
	if (confine(c, ours, e) < 0)
		return e->code;
	if (access(c->database, F_OK) < 0) {
		viewfile_discard(c->staging);
		(void)open_file(c->staging, &c->ahead, &said_again_when_it_is_needed);
	}
	/* Given up, what lies in staging stays: that name may be another's by now. */
	return worker_read_rest(ret_rest, e) < 0 ? e->code : views_parse(*ret_rest, &c->views, e);
}

static int begin(struct change *c, const struct json *request, struct err *e)
{
	if (parse_paths(request, c, e) < 0 || views_parse(request, &c->views, e) < 0)
		return e->code;
	return confine(c, c->views.ours, e);
}

int operation_views(struct reply *r, const struct json *request, struct err *e)
{
	AUTO(change_release) struct change c = { 0 };
	AUTO_JSON struct json *rest = NULL; /* the views are lent from it */
	bool ahead = json_flag(json_get(request, "ahead"), false);

	if ((ahead ? begin_ahead(&c, request, &rest, e) : begin(&c, request, e)) < 0 ||
	    change(&c, e) < 0)
		return e->code;
	return answer(r, &c, e);
}
