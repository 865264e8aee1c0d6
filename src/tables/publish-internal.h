/* SPDX-License-Identifier: Apache-2.0 */
/* What publish*.c share: publish.c prepares, -convert.c makes and checks files, -apply.c commits.
 */
#ifndef LARDER_TABLES_PUBLISH_INTERNAL_H
#define LARDER_TABLES_PUBLISH_INTERNAL_H

#include "base/hash.h"
#include "tables/objects.h"
#include "tables/publish.h"
#include "tables/registry-internal.h"
#include "tables/statistics.h"

#define HOW_MAX (TABLE_SORT_MAX + 32)

/* A part on its way from what was uploaded (source) to what is served (sha256). */
struct prepared {
	char *path;
	char source[SHA256_HEX + 1];
	enum duck_format format;
	bool as_it_is;

	char sha256[SHA256_HEX + 1]; /* "" until it is known */
	char md5[MD5_HEX + 1];
	int64_t size_bytes;
	int64_t rows;
	char *columns;
	char *made;  /* staged name of what a conversion wrote; NULL when the source is served */
	bool placed; /* a journal row was written that moves it */
	/* Of the chunk index that was made for it; NULL when it has one already or needs none. */
	char *index;
	char index_sha256[SHA256_HEX + 1];
	int64_t index_bytes;
	bool index_placed;
	/* The rows in which it differs from the part `patch_from`; NULL when there is no such file. */
	char *patch;
	char patch_from[SHA256_HEX + 1];
	char patch_sha256[HASH_HEX_MAX];
	int64_t patch_bytes;
	bool patch_placed;
};

struct publish {
	const struct root *root;
	char *table, *name, *description;
	char *sort; /* "a,-b" or "" */
	bool create, sort_given;
	struct strv order;
	int64_t convert_memory;
	struct prepared *parts;
	size_t n;
	char sha256[HASH_HEX_MAX], md5[HASH_HEX_MAX];
	struct statistics statistics; /* of the contents; no columns when they are there already */
	struct strv used_up;          /* staged sources whose rows are gone */
	/* Of a table with a key: what the parts were made from, and where they are cut. */
	struct strv key;
	char *key_by; /* "a,b" or "" */
	bool key_given;
	char *borders; /* of the version before, then of this one; NULL: none */
	struct prepared *sources;
	size_t source_count;
	int64_t version_before; /* the row; 0: none */
	int64_t shared_bytes;
	size_t shared_parts;
	struct excerpt **excerpts; /* for those whose grants are limited */
	size_t excerpt_count;
};

/* How a conversion is remembered: its result is the same for the same source and this text. */
void publish_how(const struct publish *p, const struct prepared *part, struct buf *out);
static inline bool publish_converts(const struct publish *p, const struct prepared *part)
{
	return part->format != DUCK_PARQUET || (p->order.n > 0 && !part->as_it_is);
}

/* Finds, converts or checks each part, so that all know their object. */
int publish_make_parts(struct publish *p, struct db *db, struct err *e);
/* Figures of the columns, when these contents have none yet. Without them a publish goes on. */
int publish_make_statistics(struct publish *p, struct db *db, struct err *e);
/* The files of all parts, wherever they lie now. */
int publish_add_files(const struct publish *p, struct db *db, struct strv *files, struct err *e);
/* publish-excerpts.c; applied when the version is there. */
int publish_make_excerpts(struct publish *p, struct db *db, struct err *e);
int publish_apply_excerpts(struct publish *p, struct root *root, int64_t version, struct err *e);
void publish_free_excerpts(struct publish *p);
/* After that: a chunk index for each large part whose object has none yet. */
int publish_make_indexes(struct publish *p, struct db *db, struct err *e);
/* In the transaction, when the part's object is stored. */
int publish_store_index(struct root *root, struct prepared *part, struct err *e);
/* The file of an object, wherever it lies just now. */
char *publish_file_of(const struct publish *p, const char *sha256, const struct object *o);
/* The same for a table with a key: parts are made of all sources together. */
int publish_make_keyed(struct publish *p, struct db *db, struct err *e);
/* publish-patch.c: the parts of the version before, and what of each new one differs from its own. */
struct parts_before {
	struct strv hashes, files;
};
void parts_before_release(struct parts_before *b);
int publish_parts_before(const struct publish *p, struct db *db, struct parts_before *b,
			 struct err *e);
int publish_take_patch(const struct publish *p, struct prepared *part, const char *before,
		       struct err *e);
/* In the transaction, when the part's object is stored. */
int publish_store_patch(struct root *root, struct prepared *part, struct err *e);
/* How much of it the version before has. */
int publish_find_shared(struct publish *p, struct db *db, struct err *e);
/* Of files that the child has made: columns as JSON, hashes and size, made durable. */
int publish_describe(const struct duck_file_info *info, char **ret_text, struct err *e);
int publish_hash_made(const struct publish *p, struct prepared *part, struct err *e);
int publish_sync_made(const struct publish *p, struct err *e);
/* A message of the child for who sent the file. */
int publish_complain(const struct prepared *part, const char *file, const struct err *why,
		     struct err *e);
int publish_missing(const struct prepared *part, struct err *e);

#endif
