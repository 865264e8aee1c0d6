/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publishing on the hub: uploaded objects become the current version of a table.
 *
 *	publish_prepare(&source, &request, &p, e)      long, outside every lock: converts what is
 *	                                               not Parquet or must be ordered, looks into
 *	                                               the rest
 *	publish_apply(p, root, by, &result, e)         short, in a transaction: rows, moves, the
 *	                                               switch
 *	... the caller commits ...
 *	publish_settled(p)                             after it: removes what was converted away
 *	publish_failed(p, db)                          when it failed: nothing made is needed now
 *	publish_free(p)
 *
 * A version is immutable and named by its content: for one file the file's SHA-256, for a table in
 * parts the SHA-256 of the lines "path sha256\n" in path order (rollup.h). Publishing what is
 * current already makes no version. The replaced one can be fetched until retention takes it.
 *
 * A table with a key (columns that tell each row) is not published as it came: all files together are
 * ordered by the key and written as parts of about 123,000 rows, whose borders are kept from version to
 * version (duck/parts.h), so that unchanged rows are in unchanged parts.
 *
 * Nothing changes when a file is no readable Parquet, when parts disagree about their columns, or
 * when a conversion fails: ERR_CORRUPT says which part and why. A part whose object is not on the
 * hub is ERR_CONFLICT: upload it and ask again. An unknown table is ERR_NOT_FOUND
 * unless `create`.
 *
 * Ownership: publish_prepare() copies the request. Threads: prepare runs on any thread, with a db
 * of its own; apply belongs to the thread of the root.
 */
#ifndef LARDER_TABLES_PUBLISH_H
#define LARDER_TABLES_PUBLISH_H

#include "access/access.h"
#include "base/str.h"
#include "duck/duck.h"
#include "engine/root.h"

/* Days of ten years with a part each, and then some; each is a file in every workspace. */
#define PUBLISH_PARTS_MAX 10000
/* More columns than a hand has fingers order nothing that the first ones have not. */
#define PUBLISH_SORT_MAX 16
/* Longer than any table of a laptop takes, shorter than a night. */
#define PUBLISH_CONVERT_MS ((int64_t)60 * 60 * 1000)

struct publish_part {
	const char *path; /* "" for the one file of a table without parts */
	const char *sha256;
	enum duck_format format;
	bool as_it_is; /* Parquet of an earlier version, in the order of the table: not written anew */
};

struct publish_request {
	const char *table; /* id or name; becomes the id when it is created */
	const struct publish_part *parts;
	size_t part_count;
	const struct strv *sort; /* empty: as the table is ordered already */
	const struct strv *key;  /* as `sort`: columns whose values borders of parts are */
	const char *description; /* NULL: unchanged */
	const char *name;        /* NULL: unchanged, or the id when it is created */
	bool create;             /* when there is no such table */
	int64_t convert_memory;  /* bytes, 0: the converter's own default */
};

struct publish_source {
	const struct root *root; /* of staging and objects only */
	struct db *db;           /* to read with */
};

struct publish_result {
	char table[NAME_MAX_LEN + 1]; /* the id */
	char sha256[65], md5[33];
	int64_t version; /* the row */
	int64_t rows;    /* -1 unknown */
	int64_t size_bytes;
	size_t parts;
	bool unchanged;
	bool created;  /* the table */
	bool replaces; /* there was a version before; of it: */
	int64_t shared_bytes;
	size_t shared_parts;
};

struct publish;

int publish_prepare(const struct publish_source *source, const struct publish_request *request,
		    struct publish **ret_publish, struct err *e);
int publish_apply(struct publish *p, struct root *root, const struct caller *by,
		  struct publish_result *ret_result, struct err *e);
void publish_settled(struct publish *p);
void publish_failed(struct publish *p, struct db *db);
void publish_free(struct publish *p);
static inline void publish_auto_(struct publish **p)
{
	publish_free(*p);
}
#define AUTO_PUBLISH AUTO(publish_auto_)

/* "csv", "tsv", "json", "ndjson" (also "jsonl"), "parquet"; ERR_USAGE names them. */
int publish_format_parse(const char *word, enum duck_format *ret_format, struct err *e);
const char *publish_format_word(enum duck_format format);

#endif
