/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/publish.h"

#include "engine/journal.h"
#include "tables/publish-internal.h"
#include "tables/registry-internal.h"
#include "tables/rollup.h"

static const struct {
	const char *word;
	enum duck_format format;
} formats[] = {
	{ "parquet", DUCK_PARQUET }, { "csv", DUCK_CSV },       { "tsv", DUCK_TSV },
	{ "json", DUCK_JSON },       { "ndjson", DUCK_NDJSON }, { "jsonl", DUCK_NDJSON },
};

int publish_format_parse(const char *word, enum duck_format *ret_format, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (str_eq(word, formats[i].word)) {
			*ret_format = formats[i].format;
			return 0;
		}
	return err_set(e, ERR_USAGE, "'%.40s' is not one of parquet, csv, tsv, json, ndjson", word);
}

const char *publish_format_word(enum duck_format format)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (formats[i].format == format)
			return formats[i].word;
	return "parquet";
}

static int check_path(const struct publish_request *request, const char *path, struct err *e)
{
	if (request->part_count == 1 && path[0] == '\0')
		return 0;
	if (name_is_part(path))
		return 0;
	return err_set(e, ERR_USAGE,
		       "'%.200s' cannot be the path of a part: letters, digits, '_', '.', '=' and "
		       "'-' in segments joined by '/', up to %d",
		       path, PART_PATH_MAX);
}

static int check_parts(const struct publish_request *request, struct err *e)
{
	int r = 0;

	if (request->part_count == 0)
		return err_set(e, ERR_USAGE, "a version needs at least one part");
	if (request->part_count > PUBLISH_PARTS_MAX)
		return err_set(e, ERR_LIMIT, "%zu parts, the limit is %d", request->part_count,
			       PUBLISH_PARTS_MAX);
	for (size_t i = 0; r == 0 && i < request->part_count; i++) {
		r = check_path(request, request->parts[i].path, e);
		if (r == 0 && !is_hex(request->parts[i].sha256, SHA256_HEX))
			r = err_set(e, ERR_USAGE, "part '%s' has no SHA-256 in lower-case hex",
				    request->parts[i].path);
	}
	return r;
}

static int check_sort(const struct strv *sort, struct err *e)
{
	size_t total = 0;

	if (sort->n > PUBLISH_SORT_MAX)
		return err_set(e, ERR_LIMIT, "ordered by %zu columns, the limit is %d", sort->n,
			       PUBLISH_SORT_MAX);
	for (size_t i = 0; i < sort->n; i++) {
		const char *column = sort->v[i] + (sort->v[i][0] == '-');

		total += strlen(sort->v[i]) + 1;
		if (!*column || strchr(column, ',') || !text_is_clean(bytes_of(column)))
			return err_set(e, ERR_USAGE, "'%.100s' cannot be ordered by", sort->v[i]);
	}
	if (total > TABLE_SORT_MAX)
		return err_set(e, ERR_LIMIT, "the columns to order by are over %d bytes",
			       TABLE_SORT_MAX);
	return 0;
}

static int check_key(const struct strv *key, struct err *e)
{
	for (size_t i = 0; i < key->n; i++) {
		if (key->v[i][0] == '-')
			return err_set(e, ERR_USAGE, "'%.100s': a key has no direction", key->v[i]);
	}
	return check_sort(key, e);
}

static char *copy(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

/* "2024/a.csv" is served as "2024/a.parquet". */
static char *served_path(const struct publish_part *part)
{
	const char *dot = strrchr(part->path, '.');
	const char *slash = strrchr(part->path, '/');

	if (part->path[0] == '\0' || part->format == DUCK_PARQUET)
		return xstrdup(part->path);
	if (!dot || (slash && dot < slash))
		dot = part->path + strlen(part->path);
	return xasprintf("%.*s.parquet", (int)(dot - part->path), part->path);
}

static int by_path(const void *a, const void *b)
{
	const struct prepared *x = a;
	const struct prepared *y = b;

	return strcmp(x->path, y->path);
}

static int copy_parts(struct publish *p, const struct publish_request *request, struct err *e)
{
	p->parts = xcalloc(request->part_count, sizeof(*p->parts));
	for (; p->n < request->part_count; p->n++) {
		const struct publish_part *from = &request->parts[p->n];
		struct prepared *to = &p->parts[p->n];

		to->path = served_path(from);
		to->format = from->format;
		to->as_it_is = from->as_it_is;
		to->rows = -1;
		(void)snprintf(to->source, sizeof(to->source), "%s", from->sha256);
		if (strlen(to->path) > PART_PATH_MAX)
			return err_set(e, ERR_LIMIT, "part path '%.40s...' is over %d bytes",
				       to->path, PART_PATH_MAX);
	}
	qsort(p->parts, p->n, sizeof(*p->parts), by_path);
	for (size_t i = 1; i < p->n; i++)
		if (str_eq(p->parts[i].path, p->parts[i - 1].path))
			return err_set(e, ERR_USAGE, "two parts have the path '%s'",
				       p->parts[i].path);
	return 0;
}

static char *join(const struct strv *columns)
{
	AUTO_BUF struct buf text = BUF_INIT(TABLE_SORT_MAX);

	for (size_t i = 0; i < columns->n; i++)
		buf_addf(&text, "%s%s", i ? "," : "", columns->v[i]);
	return buf_take(&text);
}

static void copy_columns(struct strv *to, const struct strv *from)
{
	for (size_t i = 0; i < from->n; i++)
		strv_add(to, from->v[i]);
}

/* What is asked for, else what the table has; an order and a key are instead of each other. */
static void choose(struct publish *p, const struct publish_request *request, const struct table *t)
{
	p->sort_given = request->sort && request->sort->n > 0;
	p->key_given = request->key && request->key->n > 0;
	if (p->sort_given)
		copy_columns(&p->order, request->sort);
	else if (p->key_given)
		copy_columns(&p->key, request->key);
	else if (t->key_by)
		strv_split(&p->key, t->key_by, ',');
	else if (t->sort_by)
		strv_split(&p->order, t->sort_by, ',');
	p->sort = join(&p->order);
	p->key_by = join(&p->key);
}

static int choose_order(struct publish *p, const struct publish_request *request, struct db *db,
			struct err *e)
{
	AUTO_TABLE struct table t = { 0 };
	int r = registry_find(db, NULL, request->table, &t, e);

	if (r == ERR_NOT_FOUND && request->create && name_is_table(request->table))
		r = 0;
	if (r < 0)
		return r;
	choose(p, request, &t);
	p->version_before = t.version;
	if (p->key.n == 0 || t.version == 0)
		return 0;
	return db_get_text(db, &p->borders, e, "SELECT borders FROM version WHERE id=?1", "i",
			   t.version);
}

static void sum_up(struct publish *p)
{
	AUTO_FREE struct rollup_part *parts = xcalloc(p->n, sizeof(*parts));

	if (p->n == 1 && p->parts[0].path[0] == '\0') {
		(void)snprintf(p->sha256, sizeof(p->sha256), "%s", p->parts[0].sha256);
		(void)snprintf(p->md5, sizeof(p->md5), "%s", p->parts[0].md5);
		return;
	}
	for (size_t i = 0; i < p->n; i++)
		parts[i] = (struct rollup_part){ p->parts[i].path, p->parts[i].sha256 };
	rollup_hash(HASH_SHA256, parts, p->n, p->sha256);
	for (size_t i = 0; i < p->n; i++)
		parts[i] = (struct rollup_part){ p->parts[i].path, p->parts[i].md5 };
	rollup_hash(HASH_MD5, parts, p->n, p->md5);
}

static int check_request(const struct publish_request *request, struct err *e)
{
	int r = check_parts(request, e);

	if (r == 0 && request->sort)
		r = check_sort(request->sort, e);
	if (r == 0 && request->key)
		r = check_key(request->key, e);
	if (r == 0 && request->sort && request->sort->n > 0 && request->key && request->key->n > 0)
		r = err_set(e, ERR_USAGE, "a table has either an order or a key");
	return r;
}

/* Files are made, found or looked into; then what is said of them as a whole. */
static int make(struct publish *p, struct db *db, struct err *e)
{
	int r = p->key.n ? publish_make_keyed(p, db, e) : publish_make_parts(p, db, e);

	if (r == 0)
		r = publish_make_indexes(p, db, e);
	if (r == 0)
		r = publish_find_shared(p, db, e);
	if (r < 0)
		return r;
	sum_up(p);
	r = publish_make_statistics(p, db, e);
	return r < 0 ? r : publish_make_excerpts(p, db, e);
}

int publish_prepare(const struct publish_source *source, const struct publish_request *request,
		    struct publish **ret_publish, struct err *e)
{
	AUTO_PUBLISH struct publish *p = xcalloc(1, sizeof(*p));
	int r = check_request(request, e);

	if (r < 0)
		return r;
	p->root = source->root;
	p->table = xstrdup(request->table);
	p->name = copy(request->name);
	p->description = copy(request->description);
	p->create = request->create;
	p->convert_memory = request->convert_memory;
	r = copy_parts(p, request, e);
	if (r == 0)
		r = choose_order(p, request, source->db, e);
	if (r == 0)
		r = make(p, source->db, e);
	if (r < 0)
		return r;
	*ret_publish = TAKE(p);
	return 0;
}

/* Sources that became something else are not needed any more. */
void publish_settled(struct publish *p)
{
	struct err ignored = { 0 };

	for (size_t i = 0; i < p->used_up.n; i++) /* else litter for the next start to take away */
		(void)journal_stage_remove(p->root, p->used_up.v[i], &ignored);
}

void publish_failed(struct publish *p, struct db *db)
{
	struct err ignored = { 0 };

	for (size_t i = 0; i < p->n; i++) {
		int64_t there = 1;

		if (db_get_int(db, &there, 0, &ignored, "SELECT 1 FROM object WHERE sha256=?1", "t",
			       p->parts[i].sha256) == 0 &&
		    !there)
			p->parts[i].placed = p->parts[i].index_placed = p->parts[i].patch_placed =
				false;
	}
}

static void free_parts(struct publish *p, struct prepared *parts, size_t n)
{
	struct err ignored = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct prepared *part = &parts[i];

		if (part->made && !part->placed) /* else litter for the next start to take away */
			(void)journal_stage_remove(p->root, part->made, &ignored);
		if (part->index && !part->index_placed)
			(void)journal_stage_remove(p->root, part->index, &ignored);
		if (part->patch && !part->patch_placed)
			(void)journal_stage_remove(p->root, part->patch, &ignored);
		free(part->made);
		free(part->index);
		free(part->patch);
		free(part->path);
		free(part->columns);
	}
	free(parts);
}

void publish_free(struct publish *p)
{
	if (!p)
		return;
	free_parts(p, p->parts, p->n);
	free_parts(p, p->sources, p->source_count);
	free(p->table);
	free(p->name);
	free(p->description);
	free(p->sort);
	strv_release(&p->order);
	strv_release(&p->key);
	free(p->key_by);
	free(p->borders);
	strv_release(&p->used_up);
	statistics_release(&p->statistics);
	publish_free_excerpts(p);
	free(p);
}
