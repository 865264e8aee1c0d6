/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/find.h"

#include "base/file.h"
#include "sessions/upload.h"
#include <ctype.h>
#include <fcntl.h>

#define ENDING    ".jsonl"
#define SUBAGENTS "/subagents/"

void session_files_release(struct session_files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].name);
		free(f->v[i].path);
	}
	free(f->v);
	*f = (struct session_files){ 0 };
}

static void add_once(struct strv *out, const struct buf *name)
{
	if (!strv_has(out, buf_str(name)))
		strv_add(out, buf_str(name));
}

void sessions_encode(const char *workspace, struct strv *out)
{
	AUTO_BUF struct buf slashes = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf each = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf runs = BUF_INIT(BUF_OWN_MAX);

	for (const char *p = workspace; *p; p++) {
		bool plain = isalnum((unsigned char)*p);

		buf_addc(&slashes, *p == '/' ? '-' : *p);
		buf_addc(&each, plain ? *p : '-');
		if (plain || p == workspace || isalnum((unsigned char)p[-1]))
			buf_addc(&runs, plain ? *p : '-');
	}
	add_once(out, &each);
	add_once(out, &slashes);
	add_once(out, &runs);
}

struct looking {
	struct session_files *files;
	const char *folder;
	bool fallback;
};

/* NULL for what is no transcript. The caller owns it. */
static char *name_of(const struct looking *l, const char *path)
{
	const char *slash = strchr(path, '/');
	const char *agent =
		slash && str_starts(slash, SUBAGENTS) ? slash + strlen(SUBAGENTS) : NULL;

	if (!str_ends(path, ENDING))
		return NULL;
	if (!slash)
		return xstrdup(path);
	if (l->fallback || !agent || !str_starts(agent, "agent-") || strchr(agent, '/'))
		return NULL;
	return xasprintf("%.*s.%s", (int)(slash - path), path, agent);
}

static int look_at(void *ctx, const char *path, const struct stat *st, struct err *e)
{
	struct looking *l = ctx;
	AUTO_FREE char *name = name_of(l, path);
	struct session_files *f = l->files;

	(void)e;
	if (!S_ISREG(st->st_mode) || !upload_name_is_ok(name))
		return 0;
	f->v = xgrow(f->v, &f->capacity, f->n + 1, sizeof(*f->v));
	f->v[f->n++] = (struct session_file){
		.name = TAKE(name),
		.path = xasprintf("%s/%s", l->folder, path),
		.size = st->st_size,
		.mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
		.fallback = l->fallback,
	};
	return 0;
}

static int look_in(struct session_files *files, const char *folder, bool fallback, struct err *e)
{
	struct looking l = { files, folder, fallback };
	int r = tree_visit(AT_FDCWD, folder, look_at, &l, e);

	return r == ERR_NOT_FOUND ? 0 : r;
}

/* By name; of one name those that count more first. */
static int compare(const void *a, const void *b)
{
	const struct session_file *x = a;
	const struct session_file *y = b;
	int r = strcmp(x->name, y->name);

	if (r == 0)
		r = (int)x->fallback - (int)y->fallback;
	if (r == 0)
		r = (x->mtime_ns < y->mtime_ns) - (x->mtime_ns > y->mtime_ns);
	return r;
}

static void keep_one_of_each(struct session_files *f)
{
	size_t kept = 0;

	if (f->n > 0)
		qsort(f->v, f->n, sizeof(*f->v), compare);
	for (size_t i = 0; i < f->n; i++) {
		if (kept > 0 && str_eq(f->v[kept - 1].name, f->v[i].name)) {
			free(f->v[i].name);
			free(f->v[i].path);
			continue;
		}
		f->v[kept++] = f->v[i];
	}
	f->n = kept;
}

static char *config_folder(void)
{
	const char *given = getenv("CLAUDE_CONFIG_DIR");
	const char *home = getenv("HOME");

	if (given && *given)
		return xstrdup(given);
	return xasprintf("%s/.claude", home && *home ? home : "/nonexistent");
}

int sessions_find(const char *workspace, struct session_files *ret_files, struct err *e)
{
	AUTO_SESSION_FILES struct session_files files = { 0 };
	AUTO_FREE char *config = config_folder();
	AUTO_FREE char *own = xasprintf("%s/user/sessions", workspace);
	AUTO_STRV struct strv encoded = STRV_INIT;
	int r = 0;

	sessions_encode(workspace, &encoded);
	for (size_t i = 0; r == 0 && i < encoded.n; i++) {
		AUTO_FREE char *folder = xasprintf("%s/projects/%s", config, encoded.v[i]);

		r = look_in(&files, folder, false, e);
	}
	if (r == 0)
		r = look_in(&files, own, true, e);
	if (r < 0)
		return r;
	keep_one_of_each(&files);
	*ret_files = files;
	files = (struct session_files){ 0 };
	return 0;
}
