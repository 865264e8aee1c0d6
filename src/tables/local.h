/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables a workspace has: the rows that record them, and what is on disk for them.
 *
 *	<root>/server/versions/<sha256>.parquet       a file of a version; never changes
 *	<root>/server/versions/<version>/<part>       links to those, where part paths carry
 *	                                              key=value folders that a view must see
 *	<root>/server/parquet/<table>.parquet         link to the current version
 *	<root>/server/parquet/<table>/<part>          the same for a table in parts
 *
 *	AUTO_LOCAL struct local *local = NULL;
 *	local_load(root, &local, e);		one SELECT, ordered by name and path
 *	local_check(root, local);		one fstatat a file, no byte is read
 *
 * A file counts as good when its links lead to a file with the size, mtime and inode recorded.
 * What differs is looked at closely by local_examine(): it reads and hashes.
 *
 * Tables (component "local"): ws_table (query_mode "snapshot": an extract, of which ws_snapshot has the request), ws_file, view_made (views as last written; an empty
 * fingerprint: the name is taken by an object of the user), view_todo (views to be written; written
 * in the transaction that changes the table). Threads: as the root.
 */
#ifndef LARDER_TABLES_LOCAL_H
#define LARDER_TABLES_LOCAL_H

#include "base/hash.h"
#include "base/str.h"
#include "engine/root.h"
#include "tables/manifest.h"
#include <sys/stat.h>

#define LOCAL_VERSIONS "server/versions"
#define LOCAL_LINKS    "server/parquet"
/* query_mode of an extract. */
#define LOCAL_SNAPSHOT "snapshot"

extern const struct db_schema local_schema;

enum local_state {
	LOCAL_GOOD,
	LOCAL_UNLINKED, /* the version is there and as recorded; a link to it is not */
	LOCAL_TOUCHED,  /* size, mtime or inode differ from the record: bytes not known */
	LOCAL_MISSING,  /* the version is gone */
};

/* What fstat() says of a file whose bytes were verified. */
struct file_mark {
	int64_t size, mtime_ns, inode;
};

struct local_file {
	char *path; /* of the part; "" for a table of one file */
	char sha256[HASH_HEX_MAX];
	char md5[HASH_HEX_MAX]; /* "" when never computed nor told */
	struct file_mark mark;
	enum local_state state;
};

struct local_table {
	char *name;
	char *id;
	char *version;     /* sha256 of the version */
	char *hash;        /* as the server gave it; "" when it gave none */
	char *updated;     /* the same */
	char *description; /* "" when there is none */
	int64_t rows;      /* -1 unknown, as size_bytes */
	int64_t size_bytes;
	bool in_parts;
	bool snapshot; /* an extract of the remote table `id`, brought by a person (workspace/snapshot.h) */
	struct local_file *files;
	size_t file_count;
};

struct local {
	struct local_table *tables; /* by name */
	size_t count;
	size_t file_count;
	bool all_good; /* after local_check(), local_examine() */
};

int local_load(struct root *root, struct local **ret_local, struct err *e);
/* Those of them that are here; the names are sorted. */
int local_load_named(struct root *root, const struct strv *names, struct local **ret_local,
		     struct err *e);
void local_free(struct local *local);
static inline void local_auto_(struct local **p)
{
	local_free(*p);
}
#define AUTO_LOCAL AUTO(local_auto_)

const struct local_table *local_find(const struct local *local, const char *name);
const struct local_file *local_file_find(const struct local_table *table, const char *path);

/*
 * What the manifest says of the tables that are here now; `before` is what was loaded before they came.
 * Inside a transaction.
 */
int local_describe(struct db *db, const struct local *before, const struct manifest *m,
		   struct err *e);

void local_check(struct root *root, struct local *local);

/*
 * The same question for all files together, without loading what is recorded of them: at 2,000 tables half
 * the time. Links are only looked at when their folder has changed since an earlier run found all of
 * them good; that is recorded inside a transaction. What is not all good is to be loaded and checked.
 */
struct local_glance {
	size_t tables; /* when all_good */
	bool all_good;
	char *links_mark; /* for local_record_links(); NULL when there is nothing to record */
};
int local_glance(struct root *root, struct local_glance *ret_glance, struct err *e);
void local_glance_release(struct local_glance *glance);
int local_record_links(struct root *root, const char *mark, struct err *e);
/*
 * Hashes the version files of what local_check() found TOUCHED: good bytes get their new mark
 * recorded and become GOOD or UNLINKED, others MISSING.
 */
int local_examine(struct root *root, struct local *local, struct err *e);
/* The mark of bytes that the caller has read and found right. */
int local_record_mark(struct root *root, const struct local_table *table,
		      const struct local_file *file, const struct file_mark *mark, struct err *e);

/* Paths below the root; the caller owns them. */
char *local_version_path(const char *sha256);
char *local_link_path(const char *table, const char *part);
/* What that link points to: "../versions/<sha256>.parquet", deeper for parts. */
char *local_link_target(const char *part, const char *sha256);
/* The key=value link of a part, what it points to, and whether a part path asks for such links. */
char *local_hive_path(const char *version, const char *part);
char *local_hive_target(const char *part, const char *sha256);
bool local_is_hive(const struct local_table *table);
/* The absolute paths a query of the table reads, in the order of its parts. */
void local_add_paths(const struct root *root, const struct local_table *table, struct strv *out);

struct file_mark file_mark_of(const struct stat *st);

#endif
