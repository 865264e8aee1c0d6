/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/manifest.h"

#include "base/json.h"
#include "net/url.h"
#include "tables/chunks.h"

#include <strings.h>

/* Of a foreign name, in a warning. */
#define SHOWN_MAX 80

static void warn(struct manifest *m, const char *name, const char *why)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct bytes shown = { name, strnlen(name, SHOWN_MAX) };

	if (m->warnings.n >= MANIFEST_WARNINGS_MAX) {
		m->warnings_left_out++;
		return;
	}
	buf_adds(&text, "table '");
	text_add_clean(&text, shown);
	buf_addf(&text, "%s' is passed over: %s", name[shown.n] ? "..." : "", why);
	strv_adopt(&m->warnings, buf_take(&text));
}

/* Reads an optional text; false when it is there and cannot be used. */
static bool read_text(const struct json *object, const char *key, char **ret_text)
{
	const struct json *v = json_get(object, key);
	const char *text = json_text(v);

	if (json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL)
		text = "";
	if (!text || strlen(text) > MANIFEST_TEXT_MAX || !text_is_clean(bytes_of(text)))
		return false;
	*ret_text = xstrdup(text);
	return true;
}

/* An optional hash of exactly that many digits. */
static bool read_hash(const struct json *object, const char *key, size_t digits,
		      char out[HASH_HEX_MAX])
{
	AUTO_FREE char *text = NULL;

	if (!read_text(object, key, &text) || (*text && !is_hex(text, digits)))
		return false;
	(void)snprintf(out, HASH_HEX_MAX, "%s", text);
	return true;
}

/* An optional number of bytes or rows: -1 when not given. */
static bool read_count(const struct json *object, const char *key, int64_t max, int64_t *ret_value)
{
	const struct json *v = json_get(object, key);
	int64_t value = json_int(v, -1);

	*ret_value = value;
	if (json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL)
		return true;
	return value >= 0 && value <= max;
}

static int compare_files(const void *a, const void *b)
{
	return strcmp(((const struct manifest_file *)a)->path,
		      ((const struct manifest_file *)b)->path);
}

/* Only a hint on how to fetch less: one that cannot be used is as good as none. */
static void read_chunks(const struct json *entry, struct manifest_file *file)
{
	const struct json *chunks = json_get(entry, "chunks");

	if (!*file->sha256 || file->size_bytes < CHUNKS_FILE_MIN ||
	    !read_hash(chunks, "sha256", SHA256_HEX, file->chunks_sha256) ||
	    !read_count(chunks, "size_bytes", (int64_t)CHUNKS_TEXT_MAX, &file->chunks_bytes) ||
	    file->chunks_bytes < 0)
		*file->chunks_sha256 = '\0';
}

static void read_patch(const struct json *part, struct manifest_file *file)
{
	const struct json *patch = json_get(part, "patch");

	if (!*file->sha256 || file->size_bytes <= 0 ||
	    !read_hash(patch, "sha256", SHA256_HEX, file->patch_sha256) ||
	    !read_hash(patch, "from", SHA256_HEX, file->patch_from) || !*file->patch_from ||
	    !read_count(patch, "size_bytes", MANIFEST_PATCH_MAX, &file->patch_bytes) ||
	    file->patch_bytes < 0 || file->patch_bytes > file->size_bytes)
		*file->patch_sha256 = '\0';
}

/* "hash" of a part is its MD5; older hubs give nothing else. */
static const char *read_part(const struct json *part, struct manifest_file *file)
{
	const char *path = json_text(json_get(part, "path"));

	if (!path || !name_is_part(path))
		return "a part's path is no path of a part";
	file->path = xstrdup(path);
	if (!read_hash(part, "sha256", SHA256_HEX, file->sha256) ||
	    !read_hash(part, "hash", MD5_HEX, file->md5))
		return "a part's hash is no hash";
	if (!read_count(part, "size_bytes", MANIFEST_FILE_MAX, &file->size_bytes))
		return "a part's size is no size, or over the limit";
	read_chunks(part, file);
	read_patch(part, file);
	return NULL;
}

const struct manifest_file *manifest_file_find(const struct manifest_table *table, const char *path)
{
	const struct manifest_file key = { .path = (char *)(uintptr_t)path };

	return bsearch(&key, table->files, table->file_count, sizeof(key), compare_files);
}

/* Two parts at one path, or one where another needs a folder, cannot both be put on disk. */
static bool paths_collide(const struct manifest_table *table)
{
	for (size_t i = 0; i < table->file_count; i++) {
		const char *path = table->files[i].path;

		if (i > 0 && str_eq(path, table->files[i - 1].path))
			return true;
		for (const char *s = strchr(path, '/'); s; s = strchr(s + 1, '/')) {
			AUTO_FREE char *folder = xstrndup(path, (size_t)(s - path));

			if (manifest_file_find(table, folder))
				return true;
		}
	}
	return false;
}

static const char *read_parts(const struct json *parts, struct manifest_table *table)
{
	size_t n = json_size(parts);
	const char *why = NULL;

	if (json_kind(parts) != JSON_ARRAY)
		return "its parts are no list";
	if (n > MANIFEST_PARTS_MAX)
		return "it has too many parts";
	/* Its folder would have the name of another table's file. */
	if (str_ends(table->name, ".parquet"))
		return "a table in parts may not be called '....parquet'";
	table->in_parts = true;
	table->files = xcalloc(n, sizeof(*table->files));
	for (; !why && table->file_count < n; table->file_count++)
		why = read_part(json_at(parts, table->file_count),
				&table->files[table->file_count]);
	if (why)
		return why;
	qsort(table->files, n, sizeof(*table->files), compare_files);
	return paths_collide(table) ? "two of its parts are in each other's way" : NULL;
}

static const char *read_single(const struct json *entry, struct manifest_table *table)
{
	struct manifest_file *file = xcalloc(1, sizeof(*file));

	table->files = file;
	table->file_count = 1;
	file->path = xstrdup("");
	file->size_bytes = table->size_bytes;
	(void)snprintf(file->sha256, sizeof(file->sha256), "%s", table->version);
	/* What is no MD5 is some other mark of the state; the field "md5" is our own hubs'. */
	if (is_hex(table->hash, MD5_HEX))
		(void)snprintf(file->md5, sizeof(file->md5), "%s", table->hash);
	else if (!read_hash(entry, "md5", MD5_HEX, file->md5))
		return "its md5 is no MD5";
	read_chunks(entry, file);
	return NULL;
}

/* For people: one that is no clean text is none. */
static void read_description(const struct json *entry, struct manifest_table *table)
{
	const char *text = json_text(json_get(entry, "description"));
	size_t n = text ? strlen(text) : 0;

	table->description = xstrdup(
		n <= MANIFEST_DESCRIPTION_MAX && n > 0 && text_is_clean(bytes_of(text)) ? text
											: "");
}

/* NULL, or why the entry cannot be used; what was read so far is the table's either way. */
static const char *read_table(const struct json *entry, struct manifest_table *table)
{
	const struct json *parts = json_get(entry, "parts");

	if (json_kind(entry) != JSON_OBJECT)
		return "it is no object";
	if (!read_text(entry, "id", &table->id) || (*table->id && !name_is_table(table->id)))
		return "its id is no id";
	if (!read_text(entry, "hash", &table->hash))
		return "its hash is no text";
	if (!read_text(entry, "updated", &table->updated))
		return "its time is no text";
	if (!read_text(entry, "query_mode", &table->query_mode))
		return "its query_mode is no text";
	if (!read_hash(entry, "sha256", SHA256_HEX, table->version))
		return "its sha256 is no SHA-256";
	table->pinned = *table->version && json_text(json_get(entry, "version"));
	table->mirrored = json_flag(json_get(entry, "mirror"), true);
	if (!read_count(entry, "size_bytes", INT64_MAX, &table->size_bytes))
		return "its size is no size";
	if (!read_count(entry, "rows", INT64_MAX, &table->rows))
		return "its number of rows is no number";
	if (json_size(parts) > 0 || json_kind(parts) == JSON_TEXT)
		return read_parts(parts, table);
	if (table->size_bytes > MANIFEST_FILE_MAX)
		return "its size is over the limit of a file";
	return read_single(entry, table);
}

static void release_table(struct manifest_table *table)
{
	if (table->files) {
		for (size_t i = 0; i < table->file_count; i++)
			free(table->files[i].path);
	}
	free(table->files);
	free(table->name);
	free(table->id);
	free(table->hash);
	free(table->updated);
	free(table->query_mode);
	free(table->description);
}

static void complete(struct manifest_table *table)
{
	char **texts[] = { &table->id, &table->hash, &table->updated, &table->query_mode };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (!*texts[i])
			*texts[i] = xstrdup("");
	}
	if (!*table->id) {
		free(table->id);
		table->id = xstrdup(table->name);
	}
	if (!*table->query_mode) {
		free(table->query_mode);
		table->query_mode = xstrdup("local");
	}
}

static bool stays_on_server(struct manifest *m, const char *name, const struct json *entry)
{
	const char *mode = json_text(json_get(entry, "query_mode"));
	const char *id = json_text(json_get(entry, "id"));

	if (str_eq(mode, "remote")) {
		strv_add(&m->remote, id ? id : name);
		return true;
	}
	if (!json_flag(json_get(entry, "server_only"), false))
		return false;
	m->kept_on_server++;
	return true;
}

static void take_entry(struct manifest *m, const char *name, const struct json *entry)
{
	struct manifest_table *table = &m->tables[m->count];
	const char *why;

	if (!name_is_table(name)) {
		warn(m, name, "its name cannot be a file's");
		return;
	}
	if (stays_on_server(m, name, entry))
		return;
	*table = (struct manifest_table){ .name = xstrdup(name), .rows = -1, .size_bytes = -1 };
	read_description(entry, table);
	why = read_table(entry, table);
	complete(table);
	m->count++;
	if (!why)
		return;
	table->unusable = true;
	warn(m, name, why);
}

static int compare_tables(const void *a, const void *b)
{
	return strcmp(((const struct manifest_table *)a)->name,
		      ((const struct manifest_table *)b)->name);
}

static int compare_folded(const void *a, const void *b)
{
	const struct manifest_table *x = *(struct manifest_table *const *)a;
	const struct manifest_table *y = *(struct manifest_table *const *)b;
	int order = strcasecmp(x->name, y->name);

	return order ? order : strcmp(x->name, y->name);
}

/* Then there are none; nearly always so, and in a tenth of the time that sorting takes. */
static bool is_in_folded_order(const struct manifest *m)
{
	for (size_t i = 1; i < m->count; i++) {
		if (strcasecmp(m->tables[i - 1].name, m->tables[i].name) >= 0)
			return false;
	}
	return true;
}

/*
 * DuckDB knows no capitals in names: the view of one of two that differ only there would answer for
 * the other. Neither is taken, so that what is here goes on to mean what it meant.
 */
void manifest_refuse_twins(struct manifest *m)
{
	AUTO_FREE struct manifest_table **sorted = NULL;

	if (is_in_folded_order(m))
		return;
	sorted = xcalloc(m->count + 1, sizeof(struct manifest_table *));

	for (size_t i = 0; i < m->count; i++)
		sorted[i] = &m->tables[i];
	qsort(sorted, m->count, sizeof(struct manifest_table *), compare_folded);
	for (size_t i = 1; i < m->count; i++) {
		if (strcasecmp(sorted[i]->name, sorted[i - 1]->name) != 0)
			continue;
		sorted[i - 1]->unusable = true;
		sorted[i]->unusable = true;
		warn(m, sorted[i]->name, "another table has its name, capitals aside");
	}
}

/* One that cannot be used is none, and the hub has everything. */
static void read_mirror(struct manifest *m, const struct json *v)
{
	const char *text = json_text(v);
	const char *fault = "it is no text";
	struct err why = { 0 };

	if (json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL)
		return;
	if (text && strlen(text) > MANIFEST_MIRROR_MAX)
		fault = "it is too long";
	else if (text && url_normalise_server(text, &m->mirror, &why) == 0)
		return;
	else if (text)
		fault = "it is no http:// or https:// address of a server alone";
	m->mirror_fault = fault;
}

static int read_tables(struct manifest *m, const struct json *tables, struct err *e)
{
	if (json_kind(tables) != JSON_OBJECT)
		return err_set(e, ERR_CORRUPT, "the manifest has no object 'tables'");
	if (json_size(tables) > MANIFEST_TABLES_MAX)
		return err_set(e, ERR_LIMIT, "a manifest of %zu tables, the limit is %d",
			       json_size(tables), MANIFEST_TABLES_MAX);
	m->tables = xcalloc(json_size(tables) + 1, sizeof(*m->tables));
	for (struct json_iter it = json_iter(tables); json_next(&it);)
		take_entry(m, it.key, it.value);
	qsort(m->tables, m->count, sizeof(*m->tables), compare_tables);
	manifest_refuse_twins(m);
	return 0;
}

static void read_rest(struct manifest *m, const struct json *doc)
{
	m->batches = json_flag(json_get(doc, "batch"), false);
	read_mirror(m, json_get(doc, "mirror"));
	if (!m->mirror)
		m->mirror = xstrdup("");
	if (!read_text(doc, "bundle_etag", &m->bundle_etag))
		m->bundle_etag = xstrdup("");
}

int manifest_parse(struct bytes text, struct manifest **ret_manifest, struct err *e)
{
	AUTO_MANIFEST struct manifest *m = xcalloc(1, sizeof(*m));
	AUTO_JSON struct json *doc = NULL;
	int r = json_parse(text, MANIFEST_BYTES_MAX, &doc, e);

	if (r < 0)
		return err_in(e, "manifest");
	r = read_tables(m, json_get(doc, "tables"), e);
	if (r < 0)
		return r;
	read_rest(m, doc);
	*ret_manifest = TAKE(m);
	return 0;
}

/* A list of names of tables, or of their ids. */
static int read_names(const struct json *doc, const char *key, struct strv *out, struct err *e)
{
	const struct json *list = json_get(doc, key);

	if (json_kind(list) != JSON_ARRAY)
		return err_set(e, ERR_CORRUPT, "the difference has no list '%s'", key);
	if (json_size(list) > MANIFEST_TABLES_MAX)
		return err_set(e, ERR_LIMIT, "%zu names in '%s', the limit is %d", json_size(list),
			       key, MANIFEST_TABLES_MAX);
	for (size_t i = 0; i < json_size(list); i++) {
		const char *name = json_text(json_at(list, i));

		if (!name || !name_is_table(name))
			return err_set(e, ERR_CORRUPT, "'%s' has what is no name", key);
		strv_add(out, name);
	}
	return 0;
}

int manifest_parse_since(struct bytes text, struct manifest **ret_manifest, struct err *e)
{
	AUTO_MANIFEST struct manifest *m = xcalloc(1, sizeof(*m));
	AUTO_JSON struct json *doc = NULL;
	int r = json_parse(text, MANIFEST_BYTES_MAX, &doc, e);

	if (r == 0)
		r = read_tables(m, json_get(doc, "tables"), e);
	if (r == 0)
		r = read_names(doc, "gone", &m->gone, e);
	if (r == 0)
		r = read_names(doc, "remote", &m->remote, e);
	if (r < 0)
		return r;
	strv_sort(&m->gone);
	read_rest(m, doc);
	if (!read_hash(doc, "digest", SHA256_HEX, m->digest) || !*m->digest)
		return err_set(e, ERR_CORRUPT, "the difference has no digest");
	*ret_manifest = TAKE(m);
	return 0;
}

void manifest_free(struct manifest *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->count; i++)
		release_table(&m->tables[i]);
	free(m->tables);
	free(m->bundle_etag);
	free(m->mirror);
	strv_release(&m->remote);
	strv_release(&m->gone);
	strv_release(&m->warnings);
	free(m);
}
