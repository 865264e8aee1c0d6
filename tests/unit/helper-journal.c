/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What test-crash.c kills: one program that takes a root from generation 0 to generation 1.
 *
 *	helper-journal create ROOT       a root without documents
 *	helper-journal commit ROOT GEN   documents of that generation, in one commit
 *	helper-journal grow ROOT GEN     more rows than the log holds before it is checkpointed
 *	helper-journal replay ROOT       only opens it
 *	helper-journal check ROOT        opens it, reaps, prints the generation; fails when rows and
 *	                                 files do not agree or litter is left
 *
 * A generation g is: files a, deep/er/b and c<g> whose text is "<name> <g>", a link `now` to c<g>,
 * no c<g-1>, and the rows that say so. Exit: 0, or 1 with the error on stderr.
 */
#include "base/file.h"
#include "base/str.h"
#include "engine/journal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const migrations[] = {
	"CREATE TABLE doc(name TEXT PRIMARY KEY, generation INTEGER NOT NULL);"
	"CREATE TABLE filler(generation INTEGER NOT NULL, text TEXT NOT NULL)",
	NULL
};
static const struct db_schema schema = { "helper", migrations };
static const struct db_schema *const schemas[] = { &schema };

struct file {
	char name[32];
	char staged[32];
	char text[64];
};

static void name_files(struct file files[3], int64_t generation)
{
	(void)snprintf(files[0].name, sizeof(files[0].name), "a");
	(void)snprintf(files[1].name, sizeof(files[1].name), "deep/er/b");
	(void)snprintf(files[2].name, sizeof(files[2].name), "c%" PRId64, generation);
	for (int i = 0; i < 3; i++) {
		(void)snprintf(files[i].staged, sizeof(files[i].staged), "s%d-%" PRId64, i,
			       generation);
		(void)snprintf(files[i].text, sizeof(files[i].text), "%s %" PRId64, files[i].name,
			       generation);
	}
}

static int open_root(const char *path, bool create, struct root **ret_root, struct err *e)
{
	struct root_options o = {
		.path = path, .schemas = schemas, .schema_count = 1, .create = create
	};

	return root_open(&o, ret_root, e);
}

static int stage_files(struct root *root, const struct file files[3], struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = 0;

	for (int i = 0; r == 0 && i < 3; i++) {
		r = journal_stage(root, files[i].staged, bytes_of(files[i].text), e);
		strv_add(&names, files[i].staged);
	}
	return r < 0 ? r : journal_sync(root, &names, e);
}

static int record(struct root *root, const struct file files[3], int64_t generation, struct err *e)
{
	AUTO_FREE char *old = xasprintf("c%" PRId64, generation - 1);
	int r = db_exec(root_db(root), e, "DELETE FROM doc", "");

	for (int i = 0; r == 0 && i < 3; i++) {
		r = db_exec(root_db(root), e, "INSERT INTO doc VALUES(?1, ?2)", "ti", files[i].name,
			    generation);
		if (r == 0)
			r = journal_move(root, files[i].staged, files[i].name, e);
	}
	if (r == 0)
		r = journal_link(root, files[2].name, "now", e);
	return r < 0 ? r : journal_remove(root, old, e);
}

static int commit(struct root *root, int64_t generation, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	struct file files[3];
	int r;

	name_files(files, generation);
	r = stage_files(root, files, e);
	if (r == 0)
		r = db_begin_tx(root_db(root), &tx, e);
	if (r == 0)
		r = record(root, files, generation, e);
	return r < 0 ? r : journal_commit(root, e);
}

/* 300 pages in one transaction: a checkpoint follows its commit (db/sqlite.c). */
static int grow(struct root *root, int64_t generation, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_tx(root_db(root), &tx, e);

	if (r == 0)
		r = db_exec(tx, e, "DELETE FROM filler", "");
	for (int i = 0; r == 0 && i < 300; i++)
		r = db_exec(tx, e, "INSERT INTO filler VALUES(?1, hex(zeroblob(2000)))", "i",
			    generation);
	return r < 0 ? r : journal_commit(root, e);
}

static int check_filler(struct root *root, struct err *e)
{
	int64_t rows = 0;
	int64_t generations = 0;
	int r = db_get_int(root_db(root), &rows, 0, e, "SELECT count(*) FROM filler", "");

	if (r == 0)
		r = db_get_int(root_db(root), &generations, 0, e,
			       "SELECT count(DISTINCT generation) FROM filler", "");
	if (r == 0 && rows != generations * 300)
		return err_set(e, ERR_CORRUPT, "%" PRId64 " rows of %" PRId64 " generations", rows,
			       generations);
	return r;
}

static int check_file(struct root *root, const char *name, const char *text, struct err *e)
{
	AUTO_BUF struct buf found = BUF_INIT(BUF_OWN_MAX);
	int r = file_read(root_dirfd(root), name, 4096, &found, e);

	if (r == 0 && strcmp(buf_str(&found), text) != 0)
		return err_set(e, ERR_CORRUPT, "'%s' is '%s', not '%s'", name, buf_str(&found),
			       text);
	return r;
}

static int check_absent(struct root *root, const char *name, struct err *e)
{
	struct stat st;

	if (fstatat(root_dirfd(root), name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(e, ERR_CORRUPT, "'%s' is there", name);
	return 0;
}

static int count_entry(void *ctx, const char *path, const struct stat *st, struct err *e)
{
	(void)st;
	(void)e;
	*(size_t *)ctx += strncmp(path, ".larder/", 8) != 0 || strstr(path, "/staging/") != NULL;
	return 0;
}

/* No file but those of the generation, and nothing in staging. */
static int check_count(struct root *root, size_t expected, struct err *e)
{
	size_t found = 0;
	int r = tree_visit(root_dirfd(root), ".", count_entry, &found, e);

	if (r == 0 && found != expected)
		return err_set(e, ERR_CORRUPT, "%zu files, not %zu", found, expected);
	return r;
}

static int check_generation(struct root *root, int64_t generation, struct err *e)
{
	AUTO_FREE char *old = xasprintf("c%" PRId64, generation - 1);
	struct file files[3];
	int r = 0;

	name_files(files, generation);
	for (int i = 0; r == 0 && i < 3; i++)
		r = check_file(root, files[i].name, files[i].text, e);
	if (r == 0)
		r = check_file(root, "now", files[2].text, e);
	return r < 0 ? r : check_absent(root, old, e);
}

static int check(struct root *root, struct err *e)
{
	size_t due = 0;
	size_t later = 0;
	int64_t rows = 0;
	int64_t generation = 0;
	int r = journal_reap(root, NULL, NULL, NULL, e);

	if (r == 0)
		r = db_check(root_db(root), e);
	if (r == 0)
		r = check_filler(root, e);
	if (r == 0)
		r = journal_pending(root, &due, &later, e);
	if (r == 0 && due + later > 0)
		r = err_set(e, ERR_CORRUPT, "operations are left");
	if (r == 0)
		r = db_get_int(root_db(root), &rows, 0, e, "SELECT count(*) FROM doc", "");
	if (r == 0)
		r = db_get_int(root_db(root), &generation, 0, e,
			       "SELECT min(generation) FROM doc WHERE"
			       " (SELECT count(DISTINCT generation) FROM doc)=1",
			       "");
	if (r == 0 && rows != (generation > 0 ? 3 : 0))
		r = err_set(e, ERR_CORRUPT, "%" PRId64 " rows", rows);
	if (r == 0 && generation > 0)
		r = check_generation(root, generation, e);
	if (r == 0)
		r = check_count(root, generation > 0 ? 4 : 0, e);
	if (r == 0)
		printf("%" PRId64 "\n", generation);
	return r;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	int r = argc < 3 ? err_set(&e, ERR_USAGE, "helper-journal VERB ROOT [GENERATION]") : 0;
	const char *verb = r == 0 ? argv[1] : "";
	AUTO_ROOT struct root *root = NULL;

	if (r == 0)
		r = open_root(argv[2], strcmp(verb, "create") == 0, &root, &e);
	if (r == 0 && strcmp(verb, "commit") == 0 && argc == 4)
		r = commit(root, strtol(argv[3], NULL, 10), &e);
	if (r == 0 && strcmp(verb, "grow") == 0 && argc == 4)
		r = grow(root, strtol(argv[3], NULL, 10), &e);
	if (r == 0 && strcmp(verb, "check") == 0)
		r = check(root, &e);
	if (r == 0)
		return 0;
	fprintf(stderr, "%s: %s\n", err_word(r), e.msg);
	return 1;
}
