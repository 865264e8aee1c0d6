/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/watching.h"

#include "base/file.h"
#include "base/time.h"
#include "engine/ledger.h"
#include "engine/watch.h"
#include "kb/convert/convert.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <uthash.h>

#define SPACE "kb-watch"
/* As deep as tree_visit() goes. */
#define DEPTH_MAX 64
/* A server that is down is asked again by then, a watch of one run leaves it. */
#define LATER_MS 60000

struct unsettled {
	char *path;
	char *stamp;
	int64_t since;
	bool seen;  /* in the scan that is running */
	bool later; /* failed in passing: tried again after LATER_MS */
	UT_hash_handle hh;
};

struct watching {
	struct kb *kb;
	const struct kb_watch_options *options;
	struct watch *watch;
	struct unsettled *unsettled;
	struct strv ready;
	struct strv ready_stamps;
	const char *folder; /* that is being scanned */
	size_t folders;     /* below it */
	int64_t next_ms;    /* until the first is settled; -1: none waits */
};

static void forget(struct watching *w, struct unsettled *u)
{
	HASH_DEL(w->unsettled, u);
	free(u->path);
	free(u->stamp);
	free(u);
}

static void watching_release(struct watching *w)
{
	struct unsettled *u, *next;

	HASH_ITER(hh, w->unsettled, u, next)
	{
		forget(w, u);
	}
	watch_free(w->watch);
	strv_release(&w->ready);
	strv_release(&w->ready_stamps);
}

static char *stamp_of(const struct stat *st)
{
	return xasprintf("%lld:%lld.%09ld", (long long)st->st_size, (long long)st->st_mtim.tv_sec,
			 st->st_mtim.tv_nsec);
}

static struct unsettled *note(struct watching *w, const char *path, const char *stamp)
{
	struct unsettled *u = NULL;

	HASH_FIND_STR(w->unsettled, path, u);
	if (u && str_eq(u->stamp, stamp))
		return u;
	if (u)
		forget(w, u);
	u = xcalloc(1, sizeof(*u));
	u->path = xstrdup(path);
	u->stamp = xstrdup(stamp);
	u->since = time_monotonic();
	HASH_ADD_KEYPTR(hh, w->unsettled, u->path, strlen(u->path), u);
	return u;
}

static void judge(struct watching *w, struct unsettled *u)
{
	int64_t left = u->since + w->options->settle_ms - time_monotonic();

	u->seen = true;
	if (u->later && w->options->once)
		return;
	if (left <= 0) {
		strv_add(&w->ready, u->path);
		strv_add(&w->ready_stamps, u->stamp);
	} else if (w->next_ms < 0 || left < w->next_ms) {
		w->next_ms = left;
	}
}

static int visit(void *ctx, const char *path, const struct stat *st, struct err *e)
{
	struct watching *w = ctx;
	AUTO_FREE char *full = xasprintf("%s/%s", w->folder, path);
	AUTO_FREE char *type = convert_type_of(path);
	AUTO_FREE char *stamp = stamp_of(st);
	int r;

	if (!S_ISREG(st->st_mode) || !convert_knows(type) || path[0] == '.' || strstr(path, "/."))
		return 0;
	r = ledger_seen(kb_db(w->kb), SPACE, full, stamp, e);
	if (r == 0)
		judge(w, note(w, full, stamp));
	return r < 0 ? r : 0;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* only read from */
}

/* The folder and those below it; also empty ones, since a file may come. */
static int watch_tree(struct watching *w, const char *folder, int depth, struct err *e)
{
	AUTO(close_dir) DIR *dir = opendir(folder);
	const struct dirent *entry;
	int r;

	if (!dir && errno == ENOENT)
		return depth > 0 ? 0 : err_set(e, ERR_NOT_FOUND, "there is no folder '%s'", folder);
	if (!dir)
		return err_sys(e, "open folder '%s'", folder);
	if (w->folders++ >= KB_WATCH_FOLDERS_MAX || depth > DEPTH_MAX)
		return err_set(e, ERR_LIMIT, "more than %d folders to watch", KB_WATCH_FOLDERS_MAX);
	r = watch_folder(w->watch, folder, e);
	while (r == 0 && (entry = readdir(dir)) != NULL) {
		AUTO_FREE char *full = xasprintf("%s/%s", folder, entry->d_name);

		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			r = watch_tree(w, full, depth + 1, e);
	}
	return r;
}

static int scan_folder(struct watching *w, const char *folder, struct err *e)
{
	int r;

	w->folder = folder;
	w->folders = 0;
	r = watch_tree(w, folder, 0, e);
	return r < 0 ? r : tree_visit(AT_FDCWD, folder, visit, w, e);
}

static int scan(struct watching *w, struct err *e)
{
	AUTO_FREE char *raw = xasprintf("%s/raw", kb_path(w->kb));
	struct unsettled *u, *next;
	int r = 0;

	w->next_ms = -1;
	strv_release(&w->ready);
	strv_release(&w->ready_stamps);
	HASH_ITER(hh, w->unsettled, u, next)
	{
		u->seen = false;
	}
	if (w->options->folders->n == 0)
		r = scan_folder(w, raw, e);
	for (size_t i = 0; r == 0 && i < w->options->folders->n; i++)
		r = scan_folder(w, w->options->folders->v[i], e);
	HASH_ITER(hh, w->unsettled, u, next)
	{
		if (!u->seen)
			forget(w, u);
	}
	return r;
}

static bool is_for_later(const struct kb_add_report *report, const char *path)
{
	for (size_t i = 0; i < report->n; i++)
		if (str_eq(report->items[i].input, path))
			return report->items[i].outcome == KB_FAILED &&
			       err_is_passing(report->items[i].error.code);
	return false;
}

/* Tried is tried: what came of it is in the report. But a server that did not answer says nothing of
 * the file. */
static int note_tried(struct watching *w, const struct kb_add_report *report, struct err *e)
{
	struct db *db = kb_db(w->kb);
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_tx(db, &tx, e);

	for (size_t i = 0; r == 0 && i < w->ready.n; i++) {
		struct unsettled *u = NULL;

		HASH_FIND_STR(w->unsettled, w->ready.v[i], u);
		if (u && is_for_later(report, u->path)) {
			u->since = time_monotonic() + LATER_MS;
			u->later = true;
			continue;
		}
		r = ledger_put(db, SPACE, w->ready.v[i], w->ready_stamps.v[i], e);
		if (u)
			forget(w, u);
	}
	return r < 0 ? r : db_commit(db, e);
}

static int add_ready(struct watching *w, struct err *e)
{
	const struct kb_add_options o = { .inputs = &w->ready,
					  .jobs = w->options->jobs,
					  .extractive = w->options->extractive,
					  .quiet = true };
	AUTO_KB_ADD_REPORT struct kb_add_report report = { 0 };
	int r = kb_add(w->kb, &o, &report, e);

	if (r == 0)
		r = note_tried(w, &report, e);
	return r < 0 ? r : w->options->added(w->options->ctx, &report, e);
}

int kb_watch(struct kb *kb, const struct kb_watch_options *options, struct err *e)
{
	AUTO(watching_release)
	struct watching w = {
		.kb = kb,
		.options = options,
		.watch = watch_new(),
	};
	int r = watch_signals(w.watch, e);

	while (r >= 0 && r != WATCH_SIGNAL) {
		r = scan(&w, e);
		if (r == 0 && w.ready.n > 0) {
			r = add_ready(&w, e);
			continue;
		}
		if (r < 0 || (options->once && w.next_ms < 0))
			return r;
		r = watch_wait(w.watch, w.next_ms, e);
	}
	return r < 0 ? r : 0;
}
