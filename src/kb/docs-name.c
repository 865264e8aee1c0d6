/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/docs.h"

#include "kb/unicode.h"

#include <uthash.h>

struct entry {
	char *name;
	char *path;
	UT_hash_handle hh;
};

struct name_set {
	struct entry *entries;
};

struct name_set *name_set_new(void)
{
	return xcalloc(1, sizeof(struct name_set));
}

void name_set_add(struct name_set *s, const char *name, const char *path)
{
	struct entry *entry = NULL;

	HASH_FIND_STR(s->entries, name, entry);
	if (entry)
		return;
	entry = xcalloc(1, sizeof(*entry));
	entry->name = xstrdup(name);
	entry->path = xstrdup(path);
	HASH_ADD_KEYPTR(hh, s->entries, entry->name, strlen(entry->name), entry);
}

void name_set_free(struct name_set *s)
{
	struct entry *entry, *next;

	if (!s)
		return;
	HASH_ITER(hh, s->entries, entry, next)
	{
		HASH_DEL(s->entries, entry);
		free(entry->name);
		free(entry->path);
		free(entry);
	}
	free(s);
}

static bool set_has(const struct name_set *s, const char *name, const char *path)
{
	struct entry *entry = NULL;

	if (s)
		HASH_FIND_STR(s->entries, name, entry);
	return entry && !str_eq(entry->path, path);
}

/* 1 when another document owns the name, registered or in this batch. */
static int is_owned(struct db *db, const struct name_set *set, const char *name, const char *path,
		    struct err *e)
{
	int64_t owned = 0;
	int r = db_get_int(db, &owned, 0, e,
			   "SELECT 1 FROM kb_doc WHERE doc_name=?1 AND (path IS NULL OR path<>?2)",
			   "tt", name, path);

	return r < 0 ? r : owned == 1 || set_has(set, name, path);
}

static char *stem_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	return xstrndup(name, dot && dot != name ? (size_t)(dot - name) : strlen(name));
}

/* A registry of an earlier program may not know where a document came from: the file of the same
 * name is that document. */
static int adopt_legacy(struct db *db, const char *slug, const char *name, char **ret_name,
			struct err *e)
{
	return db_get_text(db, ret_name, e,
			   "SELECT doc_name FROM kb_doc WHERE path IS NULL AND doc_name=?1"
			   " AND name=?2",
			   "tt", slug, name);
}

int doc_name_for(struct db *db, const struct name_set *set, const char *path, const char *name,
		 char **ret_name, struct err *e)
{
	AUTO_FREE char *stem = stem_of(name);
	AUTO_FREE char *slug = uni_slug(stem, "document");
	AUTO_FREE char *found = NULL;
	char hex[HASH_HEX_MAX];
	int r = db_get_text(db, &found, e, "SELECT doc_name FROM kb_doc WHERE path=?1", "t", path);

	if (r == 0 && !found)
		r = adopt_legacy(db, slug, name, &found, e);
	if (r == 0 && !found) {
		r = is_owned(db, set, slug, path, e);
		if (r == 0)
			found = TAKE(slug);
	}
	hash_text(HASH_SHA256, bytes_of(path), hex);
	for (int digits = 8; r >= 0 && !found && digits <= SHA256_HEX; digits += 8) {
		AUTO_FREE char *longer = xasprintf("%s-%.*s", slug, digits, hex);

		r = is_owned(db, set, longer, path, e);
		if (r == 0)
			found = TAKE(longer);
	}
	if (r < 0)
		return r;
	if (!found)
		return err_set(e, ERR_CONFLICT, "no name is free for '%s'", path);
	*ret_name = TAKE(found);
	return 0;
}
