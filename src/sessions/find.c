/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/find.h"

#include "base/file.h"
#include "base/json.h"
#include "sessions/upload.h"
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>

#define ENDING    ".jsonl"
#define SUBAGENTS "/subagents/"
/* Where agents cut the name of a project's folder. */
#define FOLDER_CUT ((size_t)200)
/* The first lines of a transcript, long ones included, say where it works. */
#define HEAD_MAX ((size_t)256 << 10)

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

struct belonging {
	const char *folder;
	struct bytes mark; /* "cwd":"/the/workspace */
	bool found;
};

/* Does a line at the beginning of this transcript say that its work was in the workspace? */
static int look_for_mark(void *ctx, const char *path, const struct stat *st, struct err *e)
{
	struct belonging *b = ctx;
	AUTO_FREE char *full = xasprintf("%s/%s", b->folder, path);
	AUTO_FREE char *head = xmalloc(HEAD_MAX);
	AUTO_FD int fd = -1;
	const char *at = head;
	ssize_t n;

	(void)e;
	if (b->found || !S_ISREG(st->st_mode) || !str_ends(path, ENDING))
		return 0;
	fd = open(full, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, head, HEAD_MAX);
	while (n > 0 && !b->found &&
	       (at = memmem(at, (size_t)(head + n - at), b->mark.p, b->mark.n))) {
		at += b->mark.n;
		b->found = at < head + n && (*at == '"' || *at == '/');
	}
	return 0;
}

/* A folder of the projects whose name was cut: another path may begin with the same letters. */
static int look_in_cut(struct session_files *files, const char *folder, const char *workspace,
		       struct err *e)
{
	AUTO_BUF struct buf mark = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&mark);
	struct belonging b = { .folder = folder };
	int r;

	json_open(&o, NULL, '{');
	json_add_text(&o, "cwd", workspace);
	json_close(&o);
	/* {"cwd":"/the/workspace"} without its ends */
	b.mark = (struct bytes){ buf_str(&mark) + 1, mark.n - 3 };
	r = tree_visit(AT_FDCWD, folder, look_for_mark, &b, e);
	return r == 0 && b.found ? look_in(files, folder, false, e) : r == ERR_NOT_FOUND ? 0 : r;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* only read from */
}

/* Very long names are cut, and a hash is put behind: found by what they begin with. */
static int find_cut(struct session_files *files, const char *projects, const char *encoded,
		    const char *workspace, struct err *e)
{
	AUTO(close_dir) DIR *dir = strlen(encoded) > FOLDER_CUT ? opendir(projects) : NULL;
	struct dirent *entry;
	int r = 0;

	while (r == 0 && dir && (entry = readdir(dir))) {
		AUTO_FREE char *folder = xasprintf("%s/%s", projects, entry->d_name);

		if (strncmp(entry->d_name, encoded, FOLDER_CUT) == 0 &&
		    !str_eq(entry->d_name, encoded))
			r = look_in_cut(files, folder, workspace, e);
	}
	return r;
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
	AUTO_FREE char *projects = xasprintf("%s/projects", config);
	AUTO_STRV struct strv encoded = STRV_INIT;
	int r = 0;

	sessions_encode(workspace, &encoded);
	for (size_t i = 0; r == 0 && i < encoded.n; i++) {
		AUTO_FREE char *folder = xasprintf("%s/%s", projects, encoded.v[i]);

		if (strlen(encoded.v[i]) <= NAME_MAX)
			r = look_in(&files, folder, false, e);
		if (r == 0)
			r = find_cut(&files, projects, encoded.v[i], workspace, e);
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

struct projects {
	struct session_files *files;
	const char *folder;
	struct strv seen;
};

/* Of each file's path the first segment is a project. */
static int note_project(void *ctx, const char *path, const struct stat *st, struct err *e)
{
	struct projects *p = ctx;
	AUTO_FREE char *name = xstrndup(path, strcspn(path, "/"));

	(void)st;
	(void)e;
	/* Names come sorted: a project's files stand together. */
	if (strchr(path, '/') && (p->seen.n == 0 || !str_eq(p->seen.v[p->seen.n - 1], name)))
		strv_add(&p->seen, name);
	return 0;
}

static int look_in_projects(struct projects *p, struct err *e)
{
	int r = tree_visit(AT_FDCWD, p->folder, note_project, p, e);

	if (r == ERR_NOT_FOUND)
		return 0;
	for (size_t i = 0; r == 0 && i < p->seen.n; i++) {
		AUTO_FREE char *folder = xasprintf("%s/%s", p->folder, p->seen.v[i]);

		r = look_in(p->files, folder, false, e);
	}
	return r;
}

int sessions_find_home(const char *home, struct session_files *ret_files, struct err *e)
{
	AUTO_SESSION_FILES struct session_files files = { 0 };
	AUTO_FREE char *folder = xasprintf("%s/.claude/projects", home);
	AUTO_FREE char *own = xasprintf("%s/user/sessions", home);
	struct projects p = { .files = &files, .folder = folder };
	int r = look_in_projects(&p, e);

	strv_release(&p.seen);
	if (r == 0)
		r = look_in(&files, own, true, e);
	if (r < 0)
		return r;
	keep_one_of_each(&files);
	*ret_files = files;
	files = (struct session_files){ 0 };
	return 0;
}
