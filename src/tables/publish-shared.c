/* SPDX-License-Identifier: Apache-2.0 */
/* What a new version has in common with the one before: what a pull will not fetch. */
#include "tables/publish-internal.h"

#include "base/file.h"
#include "engine/journal.h"
#include "tables/chunks.h"

struct known {
	struct strv parts;                   /* SHA-256 of each, sorted */
	unsigned char (*chunks)[CHUNK_HASH]; /* sorted */
	size_t n, capacity;
};

static void known_release(struct known *k)
{
	strv_release(&k->parts);
	free(k->chunks);
}

static int compare_chunks(const void *a, const void *b)
{
	return memcmp(a, b, CHUNK_HASH);
}

/* 1 and the index that lies at the path, 0 when there is none that can be read. */
static int read_index(const struct root *root, const char *path, struct chunks **ret_chunks)
{
	AUTO_BUF struct buf text = BUF_INIT(CHUNKS_TEXT_MAX);
	struct err ignored = { 0 };

	return file_read(root_dirfd(root), path, CHUNKS_TEXT_MAX, &text, &ignored) == 0 &&
	       chunks_parse(buf_bytes(&text), ret_chunks, &ignored) == 0;
}

static int index_of(const struct root *root, const char *sha256, struct chunks **ret_chunks)
{
	char path[OBJECT_PATH_MAX];

	return read_index(root, object_chunks_path(sha256, path), ret_chunks);
}

static void add_chunks(struct known *k, const struct chunks *c)
{
	k->chunks = xgrow(k->chunks, &k->capacity, k->n + c->count + 1, sizeof(*k->chunks));
	for (size_t i = 0; i < c->count; i++)
		memcpy(k->chunks[k->n++], chunks_at(c, i).hash, CHUNK_HASH);
}

static int read_before(const struct publish *p, struct db *db, struct known *k, struct err *e)
{
	static const char sql[] = "SELECT sha256 FROM part WHERE version_id=?1 ORDER BY sha256";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql, "i", p->version_before);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		AUTO_CHUNKS struct chunks *c = NULL;

		strv_add(&k->parts, stmt_text(q, 0));
		if (index_of(p->root, stmt_text(q, 0), &c))
			add_chunks(k, c);
		r = 0;
	}
	if (k->n)
		qsort(k->chunks, k->n, sizeof(*k->chunks), compare_chunks);
	return r;
}

static bool has_part(const struct known *k, const char *sha256)
{
	size_t low = 0;
	size_t high = k->parts.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(sha256, k->parts.v[middle]);

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

static int64_t shared_chunks(const struct publish *p, const struct known *k,
			     const struct prepared *part)
{
	AUTO_CHUNKS struct chunks *c = NULL;
	AUTO_FREE char *staged = part->index ? xasprintf(ROOT_STAGING "/%s", part->index) : NULL;
	int64_t bytes = 0;

	if (k->n == 0 || part->size_bytes < CHUNKS_FILE_MIN ||
	    !(staged ? read_index(p->root, staged, &c) : index_of(p->root, part->sha256, &c)))
		return 0;
	for (size_t i = 0; i < c->count; i++) {
		struct chunk chunk = chunks_at(c, i);

		if (bsearch(chunk.hash, k->chunks, k->n, sizeof(*k->chunks), compare_chunks))
			bytes += chunk.length;
	}
	return bytes;
}

int publish_find_shared(struct publish *p, struct db *db, struct err *e)
{
	AUTO(known_release) struct known k = { 0 };
	int r = p->version_before ? read_before(p, db, &k, e) : 0;

	for (size_t i = 0; r == 0 && p->version_before && i < p->n; i++) {
		bool same = has_part(&k, p->parts[i].sha256);

		p->shared_parts += same;
		p->shared_bytes +=
			same ? p->parts[i].size_bytes : shared_chunks(p, &k, &p->parts[i]);
	}
	return r;
}
