/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of a hub: files named by the SHA-256 of their bytes, written once and never changed.
 *
 *	object_upload_begin(root, &wish, &u, e)        any thread
 *	object_upload_add(u, piece, e) ...             writes to staging, hashes on the way
 *	object_upload_finish(u, e)                     the hash must be the announced one; synced
 *	object_upload_record(u, root, &is_new, e)      in a transaction: it is there from now on
 *	object_upload_free(u)                          what was not recorded leaves no trace
 *
 * An uploaded object waits in staging until a publish stores it under objects/<2
 * hex>/<hash>.parquet or converts it into one that is; abandoned ones are taken away by age. An
 * upload in place of an object whose file was lost or damaged by another hand puts it back.
 *
 * Threads: begin, add, finish and free use only staging, which any thread may; what takes a db or
 * says "in a transaction" belongs to the thread of that db or root.
 * Errors: ERR_CORRUPT for a hash that is not the announced one, ERR_LIMIT over the largest upload,
 * ERR_IO; objects_check_space() says ERR_LIMIT before a disk is filled.
 */
#ifndef LARDER_TABLES_OBJECTS_H
#define LARDER_TABLES_OBJECTS_H

#include "base/hash.h"
#include "base/str.h"
#include "engine/root.h"

#define OBJECTS_FOLDER "objects"
/* "objects/ab/<64 hex>.parquet" */
#define OBJECT_PATH_MAX 96
/* Kept free for the database and for what is being converted: a hub with a full disk cannot even
 * remove a grant. */
#define OBJECTS_KEEP_FREE ((int64_t)64 << 20)
/* An upload whose publish never came: a day is longer than any night's job, and its owner can send
 * it again. */
#define OBJECTS_UPLOAD_KEEP_MS ((int64_t)24 * 3600 * 1000)

const char *object_path(const char *sha256, char out[OBJECT_PATH_MAX]);
/* Its chunk index (chunks.h), beside it. */
const char *object_chunks_path(const char *sha256, char out[OBJECT_PATH_MAX]);
/* The rows in which it differs from another one (docs/format-patch.md). */
const char *object_patch_path(const char *sha256, char out[OBJECT_PATH_MAX]);

struct object {
	char md5[MD5_HEX + 1];
	int64_t size_bytes;
	int64_t rows;  /* -1 unknown */
	char *columns; /* JSON array of {name, type}; NULL until it was looked into */
	char *staged;  /* where it waits; NULL when stored */
	char chunks_sha256[SHA256_HEX + 1]; /* of its chunk index; "" when it has none */
	int64_t chunks_bytes;
};
void object_release(struct object *o);
#define AUTO_OBJECT AUTO(object_release)

/* 1 and the object when its row and its file are there, 0 when either is missing. */
int object_find(const struct root *root, struct db *db, const char *sha256,
		struct object *ret_object, struct err *e);
/* 1 when a publish of these bytes needs no upload: they are there, or what they became is. */
int object_is_known(const struct root *root, struct db *db, const char *sha256, struct err *e);

/* Room for that many bytes and OBJECTS_KEEP_FREE; size unknown: -1. */
int objects_check_space(const struct root *root, int64_t bytes, struct err *e);

struct object_upload;
struct object_wish {
	const char *sha256; /* 64 hex digits; NULL: whatever comes, named when it is whole */
	int64_t max;        /* bytes */
};
/*
 * A file that another program wrote into staging, as if it had been uploaded: read, hashed, synced. From here
 * on it is the upload's. No begin, add or finish.
 */
int object_upload_adopt(const struct root *root, const char *staged,
			struct object_upload **ret_upload, struct err *e);
int object_upload_begin(const struct root *root, const struct object_wish *wish,
			struct object_upload **ret_upload, struct err *e);
int object_upload_add(struct object_upload *u, struct bytes piece, struct err *e);
int object_upload_finish(struct object_upload *u, struct err *e);
int object_upload_record(struct object_upload *u, struct root *root, bool *ret_is_new,
			 struct err *e);
/* To be called when the transaction of the recording was committed: the file stays. */
void object_upload_keep(struct object_upload *u);
int64_t object_upload_size(const struct object_upload *u);
const char *object_upload_sha256(const struct object_upload *u); /* after finish or adopt */
void object_upload_free(struct object_upload *u);
static inline void object_upload_auto_(struct object_upload **p)
{
	object_upload_free(*p);
}
#define AUTO_OBJECT_UPLOAD AUTO(object_upload_auto_)

/*
 * Takes the rows of uploads older than the age away (in a transaction) and names their files, to be
 * removed with journal_stage_remove() after the commit.
 */
int objects_reap_uploads(struct db *db, int64_t age_ms, struct strv *ret_staged, struct err *e);
/* Staged files that no row speaks of. Only while nobody uploads: when a hub starts. */
int objects_clean_staging(struct root *root, size_t *ret_removed, struct err *e);

#endif
