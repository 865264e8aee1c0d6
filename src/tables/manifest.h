/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest: what a hub offers this caller, as GET /api/sync/manifest answers it.
 *
 *	AUTO_MANIFEST struct manifest *m = NULL;
 *	if (manifest_parse(body, &m, e) < 0)			not a manifest at all
 *		...
 *	for (i < m->warnings.n) ...				entries that were passed over
 *
 * The sender is not trusted: names become file names only through name_is_table() and
 * name_is_part(), hashes and sizes are checked, everything has a named limit. A bad entry is passed
 * over with one warning and never fatal; when at least its name is good it is listed `unusable`, so
 * that the copy already here is kept, not taken for revoked. Unknown fields are ignored. Older
 * servers give no sha256, no id and no parts, and their `hash` may be any text: only 32 hex digits
 * are taken for an MD5, else it merely tells one state from another.
 *
 * Tables that stay on the server (query_mode "remote", server_only) are not listed.
 *
 * `mirror` is where files may be had by their hashes (fetch-mirror.c); one that is no plain address of
 * a server is none, and `mirror_fault` says why: no warning, since nothing is missing for it.
 *
 * Pure; fuzzed. Format: docs/http-api.md, "The manifest". Ownership: texts belong to the manifest.
 */
#ifndef LARDER_TABLES_MANIFEST_H
#define LARDER_TABLES_MANIFEST_H

#include "base/hash.h"
#include "base/str.h"

/* 100,000 tables at 600 bytes each. */
#define MANIFEST_BYTES_MAX ((size_t)64 << 20)
/* Ten times the largest set that was measured. */
#define MANIFEST_TABLES_MAX 100000
/* Of a table: 2.5 billion rows at 125,000 rows a part. */
#define MANIFEST_PARTS_MAX 20000
/* Of an id's, a hash's or a time's text: the longest known is 64. */
#define MANIFEST_TEXT_MAX 200
/* Of a table's description: as much as a list shows, and some more. */
#define MANIFEST_DESCRIPTION_MAX 1000
/* Larger than any Parquet file that DuckDB is used on; a mistaken size must not fill a disk. */
#define MANIFEST_FILE_MAX ((int64_t)256 << 30)
/* A patch is in memory once, and many times shorter than its part. */
#define MANIFEST_PATCH_MAX ((int64_t)64 << 20)
/* Of the mirror's address: a bucket's name, a host's (253) and a folder or two. */
#define MANIFEST_MIRROR_MAX 1000
/* What a person reads; the rest is counted. */
#define MANIFEST_WARNINGS_MAX 50

struct manifest_file {
	char *path;                /* of the part; "" for a table of one file */
	char sha256[HASH_HEX_MAX]; /* "" when not given, as md5 */
	char md5[HASH_HEX_MAX];
	int64_t size_bytes; /* -1 when not given */
	/* Of its chunk index (chunks.h); "" when there is none. */
	char chunks_sha256[HASH_HEX_MAX];
	int64_t chunks_bytes;
	/* Of its patch (docs/format-patch.md), and of the file that it changes; "" when there is none. */
	char patch_sha256[HASH_HEX_MAX];
	char patch_from[HASH_HEX_MAX];
	int64_t patch_bytes;
};

struct manifest_table {
	char *name;
	char *id;      /* the name when none is given */
	char *hash;    /* as given, "" when not */
	char *updated; /* the same */
	char *query_mode;
	char *description;          /* "" when there is none that can be shown */
	char version[HASH_HEX_MAX]; /* sha256 of the version, "" when not given */
	int64_t rows;               /* -1 when not given, as size_bytes */
	int64_t size_bytes;
	bool in_parts;
	bool unusable;
	bool as_before; /* of a difference: as the workspace has it, and nothing else is told */
	bool pinned; /* the server keeps versions: ?v= is understood, the entity tag is the hash */
	bool mirrored;               /* may be asked of the mirror */
	struct manifest_file *files; /* by path */
	size_t file_count;
};

struct manifest {
	struct manifest_table *tables; /* by name */
	size_t count;
	size_t kept_on_server; /* server_only: counted, never fetched */
	struct strv remote;    /* ids of tables that stay at their source */
	char *bundle_etag;     /* of the rules now, "" when the server does not say */
	bool batches;          /* POST /api/data/batch is there */
	char *mirror;          /* without a slash at its end; "" when there is none */
	/* Why the one that was named is not that; a literal, or NULL. */
	const char *mirror_fault;
	/* Of a difference (manifest-since.h): names that are no tables any more, sorted; the digest of all. */
	struct strv gone;
	char digest[HASH_HEX_MAX];
	struct strv warnings;
	size_t warnings_left_out;
};

int manifest_parse(struct bytes text, struct manifest **ret_manifest, struct err *e);
/* A difference of two: the tables are those that changed. For manifest-apply.c. */
int manifest_parse_since(struct bytes text, struct manifest **ret_manifest, struct err *e);
/* Those whose names differ in capitals alone are unusable, with a warning; the tables are sorted. */
void manifest_refuse_twins(struct manifest *m);
void manifest_free(struct manifest *m);
static inline void manifest_auto_(struct manifest **p)
{
	manifest_free(*p);
}
#define AUTO_MANIFEST AUTO(manifest_auto_)

const struct manifest_file *manifest_file_find(const struct manifest_table *table,
					       const char *path);

#endif
