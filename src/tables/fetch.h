/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file of a table from the hub into staging, verified. What the update's workers do.
 *
 *	worker = fetch_worker_new(&common);		one a thread: a connection, hashes, a buffer
 *	fetch_unit(worker, unit, e);			again after a passing error
 *
 *	us                                            hub
 *	GET /api/data/ID/download?v=SHA256      ->
 *	    Range: bytes=HELD-  If-Range: "SHA256"
 *	                                        <-    206 the rest, or 200 all of it
 *
 * The bytes are hashed as they come and written in pieces of FETCH_WRITE; those already held by a
 * partial file of an earlier run are hashed first. A partial file is named by the hash of the whole
 * (<sha256>.part), so one of another version is never continued, and one that is complete needs no
 * request. What keeps a resumed file whole is its hash; If-Range (the tag seen in this run, or of a
 * server that keeps versions the hash itself) only saves fetching the rest of another file. It is
 * not synced: what a power cut leaves of it is hashed like the rest.
 *
 * Refused: more or fewer bytes than announced or than the manifest says, over MANIFEST_FILE_MAX, a
 * hash that is not the manifest's, a file without Parquet's frame. A wrong hash is thrown away and
 * tried once more from the first byte (ERR_REMOTE, then ERR_CORRUPT).
 *
 * A file with a chunk index (chunks.h) may come in pieces instead: fetch_index() gets the index, copies
 * what the workspace has, and leaves a delta; fetch_unit() brings one range of it into its place, each
 * chunk checked before it is written; whoever brings the last one checks the whole. Where anything
 * about that is wrong (no such index, another hash, no ranges) the file is fetched whole, and `warning`
 * says why. A killed run's pieces are found again by their hashes.
 *
 * A large file of which nothing is here comes in ranges of whole blocks, so that one file has all connections and
 * all cores: a block is hashed as it comes, by the index whose own hash the manifest tells, and when all have
 * come out right no second reading follows (docs/format-chunks.md says why that is enough).
 *
 * A part with a patch (fetch-patch.c) may be made from the part before it, where that is quicker by what is
 * known of the link and of this machine; where the result is another, it comes whole as well.
 *
 * Threads: a worker and the item it works on belong to one thread; `common` is shared and read-only
 * but for its counters.
 */
#ifndef LARDER_TABLES_FETCH_H
#define LARDER_TABLES_FETCH_H

#include "base/progress.h"
#include "duck/patch.h"
#include "engine/root.h"
#include "tables/delta.h"
#include "tables/local.h"
#include "tables/manifest.h"
#include <pthread.h>
#include <stdatomic.h>

/* Large enough that a write costs less than the hash of its bytes, small enough for 64 workers. */
#define FETCH_WRITE ((size_t)256 << 10)
/* How much may be dirty before the kernel is told to start writing: the sync at the end is short.
 */
#define FETCH_WRITE_BACK ((int64_t)8 << 20)

/* Whether a part is made from the one before it and a patch, or comes as bytes. */
enum patches {
	PATCHES_AUTO, /* what is quicker, as far as is known */
	PATCHES_ALWAYS,
	PATCHES_NEVER,
};

/* Another server with the same files (fetch-mirror.c), and what it was like so far. */
struct fetch_mirror {
	const char *url;      /* "": there is none */
	atomic_uint troubles; /* in a row */
	atomic_uint misses;   /* likewise */
	atomic_bool left;     /* not asked any more */
	atomic_llong bytes;   /* that came from it */
	pthread_mutex_t lock;
	char why[ERR_MSG_MAX]; /* its first trouble */
};

/* None of it is used when `url` is NULL or "", or plain HTTP where the server's is not. */
void fetch_mirror_begin(struct fetch_mirror *m, const char *url, const char *server);

struct fetch_common {
	struct root *root;
	const char *server;
	const char *token;
	const atomic_bool *cancel; /* may be NULL */
	struct progress *progress; /* may be NULL */
	atomic_llong requests;
	atomic_llong bytes_fetched;
	atomic_llong bytes_reused; /* held by partial files, or on disk as another table's */
	/* The link as measured: of a request until its answer, 0 when not known; of all together. */
	atomic_llong rtt_us;
	int64_t rate;     /* bytes a second */
	unsigned at_once; /* requests */
	/* Files of this size and more come as ranges of at most `range`, also where nothing of them is here. */
	int64_t pieces_from, range;
	struct http_client *near; /* lent: it has a connection; the first worker takes it */
	struct http_warm *warm;   /* lent: connections that were made ahead; may be NULL */
	bool fresh; /* there was no file of any table when this began, and no part of one */
	enum patches patches;
	int64_t rebuild_rate; /* bytes of parts a second that are made from patches */
	pthread_mutex_t rebuilding;
	struct duck_rebuilder *rebuilder; /* used under that; NULL: none, or not any more */
	atomic_llong rebuilt_bytes, rebuild_us;
	atomic_bool patch_failed;
	struct fetch_mirror mirror;
};

struct fetch_item {
	const struct manifest_table *table;
	const struct manifest_file *want;
	char *etag;     /* of the server's last answer, a strong one; owned */
	char *staged;   /* its name in staging; owned */
	bool tried;     /* in this run */
	unsigned wrong; /* times that whole and wrong bytes came */
	bool on_disk;   /* a version on disk has the bytes: nothing is staged */
	bool placed;    /* committed: what was staged is that version now */
	char sha256[HASH_HEX_MAX];
	char md5[HASH_HEX_MAX];
	struct file_mark mark;
	struct chunks *chunks; /* owned; NULL without an index that could be used */
	struct delta *delta;   /* owned; NULL: it comes whole */
	bool by_blocks;        /* all of it comes, in ranges of whole blocks */
	atomic_size_t units_left;
	bool patched;         /* by a patch, not by bytes */
	atomic_bool whole;    /* the delta came to nothing */
	atomic_bool failed;   /* one of its units: the others need not be tried */
	size_t units_missing; /* the caller's */
	bool ready;           /* it came in a batch */
	bool emptied;         /* for coming whole after that */
	atomic_bool only_hub; /* the mirror has failed with it */
	char *warning;        /* why; owned */
	atomic_llong bytes_fetched, bytes_reused;
};

/* What one worker does at a time: a whole file (length 0), or a range of one, or a batch. */
struct fetch_unit {
	struct fetch_item *item;
	int64_t first, length;
	int64_t at; /* up to here it is in place */
	bool done, last;
	struct fetch_item **batch; /* instead: many small ones at once */
	size_t batch_count;
};

#define FETCH_STAGED_END ".part"
/* The name of the partial file; the same for the same bytes. The caller owns it. */
char *fetch_staged_name(const struct manifest_table *table, const struct manifest_file *want);

/* The file comes whole from here on; the first reason is told. Returns 0. */
int fetch_give_up(struct fetch_item *item, const char *fmt, ...) PRINTF(2, 3);

/* The child that makes parts of at most so many bytes from patches. */
int fetch_start_rebuilder(const struct fetch_common *common, int64_t file_bytes,
			  struct duck_rebuilder **ret_rebuilder, struct err *e);

struct fetch_worker;
struct fetch_worker *fetch_worker_new(struct fetch_common *common);
void fetch_worker_free(struct fetch_worker *w);

void fetch_item_release(struct fetch_item *item);

/* Only for a file with an index or a patch. Failing, the item can be fetched whole. */
int fetch_index(struct fetch_worker *w, struct fetch_item *item, struct err *e);
int fetch_unit(struct fetch_worker *w, struct fetch_unit *unit, struct err *e);
int fetch_file(struct fetch_worker *w, struct fetch_item *item, struct err *e);

#endif
