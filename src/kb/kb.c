/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/kb.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/yaml.h"
#include "engine/journal.h"
#include "engine/lease.h"
#include "kb/kb-internal.h"
#include "kb/schema.h"

#include <fcntl.h>
#include <stdatomic.h>

/* A batch holds its names as long as it runs; each commit renews them. */
#define STAGING_TTL_MS ((int64_t)3600 * 1000)
#define OWNER_DIGITS   16
#define LEASE_PREFIX   "kb-staging-"

struct kb {
	struct root *root;
	struct kb_settings settings;
	struct lease *lease;
	char owner[OWNER_DIGITS + 1];
	atomic_uint staged;
};

int kb_find(const char *given, char **ret_path, struct err *e)
{
	static const struct folder_kind kind = {
		.what = "knowledge base",
		.mark = KB_CONFIG,
		.variable = "LARDER_KB",
		.hint = "make one with 'larder kb init DIR', or name one with --kb",
	};

	return folder_find(&kind, given, ret_path, e);
}

static void settings_release(struct kb_settings *s)
{
	free(s->language);
	free(s->server);
	strv_release(&s->entity_types);
}

static int read_settings(struct kb_settings *s, const char *path, struct err *e)
{
	AUTO_FREE char *file = xasprintf("%s/%s", path, KB_CONFIG);
	AUTO_BUF struct buf text = BUF_INIT(YAML_BYTES_MAX);
	const struct yaml_field fields[] = {
		{ "language", YAML_TEXT, &s->language, 0, 0, NULL, "of the wiki" },
		{ "entity_types", YAML_LIST, &s->entity_types, 0, 0, NULL, "of entity pages" },
		{ "pageindex_threshold", YAML_INT, &s->long_pages, 1, INT32_MAX, NULL,
		  "pages from which on a document is long" },
		{ "jobs", YAML_INT, &s->jobs, 0, KB_JOBS_MAX, "LARDER_KB_JOBS",
		  "documents prepared at once" },
		{ "server", YAML_TEXT, &s->server, 0, 0, NULL, "the hub for publish" },
		{ NULL },
	};
	int r = file_read(AT_FDCWD, file, YAML_BYTES_MAX, &text, e);

	s->long_pages = KB_LONG_PAGES;
	if (r == 0)
		r = yaml_read(buf_bytes(&text), file, fields, e);
	if (r == 0)
		r = yaml_environment(fields, e);
	if (r == 0 && !s->language)
		s->language = xstrdup("en");
	if (r == 0 && !strv_has(&s->entity_types, "other"))
		strv_add(&s->entity_types, "other");
	return r;
}

int kb_open_root(const char *path, bool create, bool read_only, struct root **ret_root,
		 struct err *e)
{
	static const struct db_schema *const schemas[] = { &kb_schema };
	const struct root_options options = {
		.path = path,
		.schemas = schemas,
		.schema_count = ARRAY_LEN(schemas),
		.create = create,
		.read_only = read_only,
	};
	int r = root_open(&options, ret_root, e);

	if (r == ERR_CORRUPT && !*e->hint)
		(void)err_hint(e, "move " ROOT_DB " away, with its -wal and -shm, and run "
				  "'larder kb import': it reads the wiki and the documents anew");
	return r;
}

struct litter {
	const struct kb *kb;
	struct db *db;
	struct strv dead;
};

/* Asked inside a transaction. Names that are not of our pattern are of nobody: litter. */
static bool is_alive(void *ctx, const char *name, int64_t size, int64_t age_ms)
{
	struct litter *l = ctx;
	AUTO_FREE char *owner = xstrndup(name, OWNER_DIGITS);
	AUTO_FREE char *lease = xasprintf(LEASE_PREFIX "%s", owner);
	struct lease_view view = { 0 };
	struct err e = { 0 };
	int held;

	(void)size;
	(void)age_ms;
	if (!is_hex(owner, OWNER_DIGITS))
		return false;
	if (str_eq(owner, l->kb->owner))
		return true;
	held = lease_look(l->db, lease, &view, &e);
	lease_view_release(&view);
	if (held != 0)
		return true; /* also when it cannot be told */
	if (!strv_has(&l->dead, lease))
		strv_add(&l->dead, lease);
	return false;
}

/* Takes a dead one's lease and gives it back, so that its row goes too. */
static int bury(struct db *db, const struct strv *dead, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < dead->n; i++) {
		AUTO_LEASE struct lease *lease = NULL;

		r = lease_take(db, dead->v[i], 1000, "larder kb", &lease, e);
		r = r == ERR_BUSY ? 0 : r;
	}
	return r;
}

static int begin_staging(struct kb *kb, struct err *e)
{
	struct litter litter = { .kb = kb, .db = kb_db(kb) };
	AUTO_FREE char *name = NULL;
	unsigned char random[OWNER_DIGITS / 2];
	int r;

	random_bytes(random, sizeof(random));
	hex_encode(random, sizeof(random), kb->owner);
	name = xasprintf(LEASE_PREFIX "%s", kb->owner);
	r = lease_take(kb_db(kb), name, STAGING_TTL_MS, "larder kb", &kb->lease, e);
	if (r == 0)
		r = journal_reap(kb->root, is_alive, &litter, NULL, e);
	if (r == 0)
		r = bury(kb_db(kb), &litter.dead, e);
	strv_release(&litter.dead);
	return r;
}

static bool is_staging_lease(const char *name)
{
	return str_starts(name, LEASE_PREFIX);
}

/*
 * What a crash left is finished by whoever comes, a reader too. A writer that is at work finishes it
 * itself; what cannot be written, or stands in the way, stays as it is.
 */
static int finish_left(struct kb *kb, struct err *e)
{
	AUTO_ROOT struct root *writer = NULL;
	struct err ignored = { 0 };
	size_t due = 0, future = 0;
	int r = journal_pending(kb->root, &due, &future, e);

	if (r == 0 && due > 0)
		r = lease_any(kb_db(kb), is_staging_lease, e);
	if (r == 0 && due > 0)
		(void)kb_open_root(kb_path(kb), false, false, &writer, &ignored);
	return r < 0 ? r : 0;
}

int kb_open(const struct kb_options *options, struct kb **ret_kb, struct err *e)
{
	AUTO_KB struct kb *kb = xcalloc(1, sizeof(*kb));
	AUTO_FREE char *path = NULL;
	int r = kb_find(options->path, &path, e);

	if (r == 0)
		r = read_settings(&kb->settings, path, e);
	if (r == 0)
		r = kb_open_root(path, false, options->read_only, &kb->root, e);
	if (r == 0)
		r = options->read_only ? finish_left(kb, e) : begin_staging(kb, e);
	if (r < 0)
		return r;
	*ret_kb = TAKE(kb);
	return 0;
}

struct kb *kb_adopt_root(struct root *root)
{
	struct kb *kb = xcalloc(1, sizeof(*kb));

	kb->root = root;
	kb->settings.long_pages = KB_LONG_PAGES;
	return kb;
}

void kb_close(struct kb *kb)
{
	if (!kb)
		return;
	lease_drop(kb->lease);
	root_close(kb->root);
	settings_release(&kb->settings);
	free(kb);
}

struct root *kb_root(const struct kb *kb)
{
	return kb->root;
}

struct db *kb_db(const struct kb *kb)
{
	return root_db(kb->root);
}

const char *kb_path(const struct kb *kb)
{
	return root_path(kb->root);
}

const struct kb_settings *kb_settings(const struct kb *kb)
{
	return &kb->settings;
}

unsigned kb_jobs(const struct kb *kb, int64_t asked)
{
	int64_t jobs = asked ? asked : kb->settings.jobs;

	if (jobs == 0)
		jobs = sysconf(_SC_NPROCESSORS_ONLN);
	return jobs < 1 ? 1 : jobs > KB_JOBS_MAX ? KB_JOBS_MAX : (unsigned)jobs;
}

char *kb_stage_name(const struct kb *kb, const char *what)
{
	/* the counter is the one thing that changes in a kb that is shared with workers */
	atomic_uint *staged = &((struct kb *)(uintptr_t)kb)->staged;

	return xasprintf("%s-%u-%.40s", kb->owner, atomic_fetch_add(staged, 1), what);
}

int kb_check_staging(struct kb *kb, struct err *e)
{
	int r = lease_check(kb->lease, e);

	return r < 0 ? err_in(e, "this run was taken for dead") : 0;
}

int kb_read(const struct kb *kb, const char *path, size_t max, struct buf *out, bool *ret_there,
	    struct err *e)
{
	struct err why = { 0 };
	int r = file_read(root_dirfd(kb->root), path, max, out, &why);

	*ret_there = r == 0;
	if (r == 0 || r == ERR_NOT_FOUND)
		return 0;
	*e = why;
	return r;
}
