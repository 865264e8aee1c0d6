/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people and their agents send to a hub, and where it keeps it: one file for each (kind, user,
 * name), of which the newest counts.
 *
 *	<data>/sessions/<email>/<name>         transcripts; of a name that ends in .gz, unpacked
 *	<data>/artifacts/<email>/<name>
 *	<data>/local-md/<email>/CLAUDE.local.md
 *
 *	AUTO_UPLOAD struct upload *u = NULL;
 *	upload_begin(root, &wish, &u, e)       ERR_USAGE for a name that may not be
 *	upload_add(u, piece, e) ...            staged and hashed on its way; any thread
 *	upload_finish(u, e)                    durable, still only staged
 *	upload_record(u, root, &duplicate, e)  inside the hub's write transaction, which is committed
 *	                                       with journal_commit()
 *
 * The same bytes again are a duplicate: nothing is written. Ownership: an upload lends its root.
 * Errors: ERR_CONFLICT when what is kept is not what a tail belongs to, ERR_LIMIT over the size of its kind (for a .gz, of what it unpacks to), ERR_CORRUPT for
 * a gzip stream that is none, the journal's and the db's. Names and sizes are those of the wire
 * contract (docs/http-api.md, "Uploads").
 */
#ifndef LARDER_SESSIONS_UPLOAD_H
#define LARDER_SESSIONS_UPLOAD_H

#include "base/hash.h"
#include "engine/root.h"

extern const struct db_schema uploads_schema;

enum upload_kind { UPLOAD_SESSION, UPLOAD_ARTIFACT, UPLOAD_LOCAL_MD };
const char *upload_kind_word(enum upload_kind kind); /* "session", "artifact", "local-md" */

/* Of the contract: a transcript of a long day has some 20 MB. */
#define UPLOAD_BYTES_MAX ((int64_t)50 << 20)
/* A page or two written by hand. */
#define UPLOAD_LOCAL_MD_MAX  ((size_t)1 << 20)
#define UPLOAD_LOCAL_MD_NAME "CLAUDE.local.md"
#define UPLOAD_NAME_MAX      200

/* ^[A-Za-z0-9._-]{1,200}$, but not "." and "..". */
bool upload_name_is_ok(const char *name);

/*
 * Only what a kept file has grown by: the first `offset` bytes are those that are kept, which is proved
 * by their number and their SHA-256. What is kept is read again for it, so a damaged file is not
 * built upon.
 */
struct upload_tail {
	int64_t offset; /* 0: the whole file comes */
	char sha256[HASH_HEX_MAX];
};
/* Of two header values; ERR_USAGE unless both are there and may be. */
int upload_tail_parse(const char *offset, const char *sha256, struct upload_tail *ret_tail,
		      struct err *e);

struct upload_wish {
	enum upload_kind kind;
	int64_t user_id;
	const char *email;
	const char *name;
	struct upload_tail tail;
};

struct upload;

int upload_begin(const struct root *root, const struct upload_wish *wish,
		 struct upload **ret_upload, struct err *e);
int upload_add(struct upload *u, struct bytes piece, struct err *e);
int upload_finish(struct upload *u, struct err *e);
int upload_record(struct upload *u, struct root *root, bool *ret_duplicate, struct err *e);
/* A write failed because the disk is full. */
bool upload_found_no_space(const struct upload *u);
const char *upload_name(const struct upload *u); /* as kept */
int64_t upload_size(const struct upload *u);     /* as kept */
void upload_free(struct upload *u);              /* throws away what was not recorded */
static inline void upload_auto_(struct upload **p)
{
	upload_free(*p);
}
#define AUTO_UPLOAD AUTO(upload_auto_)

#endif
