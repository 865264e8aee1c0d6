/* SPDX-License-Identifier: Apache-2.0 */
/* From what was uploaded to what is served: every part ends with a hash, a size and its rows. */
#include "tables/publish-internal.h"

#include "base/json.h"
#include "engine/journal.h"
#include "tables/columns.h"

#include <fcntl.h>

/* Grows when what the hub writes changes, so that old conversions are not taken for new ones. */
#define CONVERSION_EDITION 1

void publish_how(const struct publish *p, const struct prepared *part, struct buf *out)
{
	buf_addf(out, "%d:%s:%s", CONVERSION_EDITION, publish_format_word(part->format),
		 p->sort ? p->sort : "");
}

int publish_missing(const struct prepared *part, struct err *e)
{
	err_set(e, ERR_CONFLICT, "object %.12s... of part '%s' is not on the hub", part->source,
		part->path);
	return err_hint(e, "upload it, then publish again");
}

int publish_describe(const struct duck_file_info *info, char **ret_text, struct err *e)
{
	return columns_describe(info, ret_text, e);
}

static int adopt_object(struct prepared *part, const char *sha256, struct object *o)
{
	(void)snprintf(part->sha256, sizeof(part->sha256), "%s", sha256);
	(void)snprintf(part->md5, sizeof(part->md5), "%s", o->md5);
	part->size_bytes = o->size_bytes;
	part->rows = o->rows;
	part->columns = TAKE(o->columns);
	return 1;
}

/* 1 when this source was converted in this way before and the result is still there. */
static int was_converted(const struct publish *p, struct prepared *part, struct db *db,
			 struct err *e)
{
	AUTO_BUF struct buf how = BUF_INIT(HOW_MAX);
	AUTO_FREE char *result = NULL;
	AUTO_OBJECT struct object o = { 0 };
	int r;

	publish_how(p, part, &how);
	r = db_get_text(db, &result, e,
			"SELECT result_sha256 FROM conversion WHERE source_sha256=?1 AND how=?2",
			"tt", part->source, buf_str(&how));
	if (r == 0 && result)
		r = object_find(p->root, db, result, &o, e);
	return r > 0 ? adopt_object(part, result, &o) : r;
}

char *publish_file_of(const struct publish *p, const char *sha256, const struct object *o)
{
	char path[OBJECT_PATH_MAX];

	return o->staged ? journal_stage_path(p->root, o->staged)
			 : xasprintf("%s/%s", root_path(p->root), object_path(sha256, path));
}

int publish_hash_made(const struct publish *p, struct prepared *part, struct err *e)
{
	AUTO_HASH struct hash *sha = hash_new(HASH_SHA256);
	AUTO_HASH struct hash *md5 = hash_new(HASH_MD5);
	char hex[HASH_HEX_MAX];
	AUTO_FD int fd = -1;
	int r = journal_stage_open(p->root, part->made, O_RDONLY, &fd, e);

	if (r == 0)
		r = hash_fd(fd, sha, md5, &part->size_bytes, e);
	if (r < 0)
		return r;
	hash_hex(sha, hex);
	(void)snprintf(part->sha256, sizeof(part->sha256), "%s", hex);
	hash_hex(md5, hex);
	(void)snprintf(part->md5, sizeof(part->md5), "%.*s", MD5_HEX, hex);
	return 0;
}

/* "part 'x.parquet'", or what a table without parts is made of. */
static void add_shown(const struct prepared *part, struct buf *out)
{
	if (part->path[0])
		buf_addf(out, "part '%s'", part->path);
	else
		buf_adds(out, "the uploaded file");
}

/*
 * A message of the converter for who sent the file: where it says the hub's own path of it, plain
 * or quoted, the part is named instead.
 */
int publish_complain(const struct prepared *part, const char *file, const struct err *why,
		     struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	const char *message = why->msg;
	const char *at = strstr(message, file);

	if (!at) {
		add_shown(part, &out);
		buf_adds(&out, ": ");
	}
	for (; at; at = strstr(message, file)) {
		bool quoted = at > message && strchr("'\"", at[-1]) && at[-1] == at[strlen(file)];

		buf_add(&out, message, (size_t)(at - message) - quoted);
		add_shown(part, &out);
		message = at + strlen(file) + quoted;
	}
	buf_adds(&out, message);
	return err_set(e, (enum err_code)why->code, "%s", buf_str(&out));
}

static int convert(const struct publish *p, struct prepared *part, const char *input, struct err *e)
{
	AUTO(duck_file_info_release) struct duck_file_info info = { 0 };
	AUTO_STRV struct strv inputs = STRV_INIT;
	AUTO_FREE char *output = NULL;
	char unique[RANDOM_TEXT_MAX];
	struct duck_convert request = { .inputs = &inputs,
					.format = part->format,
					.order_by = &p->order,
					.memory_bytes = p->convert_memory,
					.deadline_ms = PUBLISH_CONVERT_MS };
	int r;

	random_text(9, unique);
	part->made = xasprintf("cv-%.16s-%.12s", part->source, unique);
	output = journal_stage_path(p->root, part->made);
	request.output = output;
	strv_add(&inputs, input);
	r = duck_convert(&request, &info, e);
	if (r < 0)
		return r;
	part->rows = info.rows;
	r = publish_describe(&info, &part->columns, e);
	return r < 0 ? r : publish_hash_made(p, part, e);
}

static int convert_part(const struct publish *p, struct prepared *part, struct db *db,
			struct err *e)
{
	AUTO_OBJECT struct object o = { 0 };
	AUTO_FREE char *input = NULL;
	struct err why = { 0 };
	int r = was_converted(p, part, db, e);

	if (r != 0)
		return r < 0 ? r : 0;
	r = object_find(p->root, db, part->source, &o, e);
	if (r <= 0)
		return r < 0 ? r : publish_missing(part, e);
	r = objects_check_space(p->root, o.size_bytes, e);
	if (r < 0)
		return r;
	input = publish_file_of(p, part->source, &o);
	r = convert(p, part, input, &why);
	return r < 0 ? publish_complain(part, input, &why, e) : 0;
}

/* A Parquet file served as it is; one that nobody looked into yet is put on the list. */
static int take_part(const struct publish *p, struct prepared *part, struct db *db,
		     struct strv *unread, struct err *e)
{
	AUTO_OBJECT struct object o = { 0 };
	AUTO_FREE char *file = NULL;
	int r = object_find(p->root, db, part->source, &o, e);

	if (r <= 0)
		return r < 0 ? r : publish_missing(part, e);
	file = publish_file_of(p, part->source, &o);
	(void)adopt_object(part, part->source, &o);
	if (!part->columns)
		strv_adopt(unread, TAKE(file));
	return 0;
}

static int use_description(struct prepared *part, const char *file,
			   const struct duck_described *found, struct err *e)
{
	struct err why = { 0 };

	if (found->error) {
		(void)err_set(&why, ERR_CORRUPT, "%s", found->error);
		return publish_complain(part, file, &why, e);
	}
	part->rows = found->info.rows;
	return publish_describe(&found->info, &part->columns, e);
}

/* `unread` has one file for each part that lacks columns, in their order. */
static int read_footers(struct publish *p, const struct strv *unread, struct err *e)
{
	AUTO_FREE struct duck_described *found = NULL;
	size_t k = 0;
	int r;

	if (unread->n == 0)
		return 0;
	found = xcalloc(unread->n, sizeof(*found));
	r = duck_describe_many(unread, found, e);
	for (size_t i = 0; r == 0 && i < p->n; i++)
		if (!p->parts[i].columns) {
			r = use_description(&p->parts[i], unread->v[k], &found[k], e);
			k++;
		}
	for (size_t i = 0; i < unread->n; i++) {
		duck_file_info_release(&found[i].info);
		free(found[i].error);
	}
	return r;
}

static bool has_column(const struct json *columns, const char *name)
{
	for (size_t i = 0; i < json_size(columns); i++)
		if (str_eq(json_text(json_get(json_at(columns, i), "name")), name))
			return true;
	return false;
}

static int check_same(const struct json *first, const struct prepared *part, const char *first_path,
		      struct err *e)
{
	AUTO_JSON struct json *own = NULL;
	int r = json_parse(bytes_of(part->columns), COLUMNS_TEXT_MAX, &own, e);

	for (size_t i = 0; r == 0 && i < json_size(first); i++) {
		const char *name = json_text(json_get(json_at(first, i), "name"));

		if (name && !has_column(own, name))
			r = err_set(e, ERR_CORRUPT, "part '%s' has no column '%s', as '%s' has",
				    part->path, name, first_path);
	}
	if (r == 0 && json_size(own) != json_size(first))
		r = err_set(e, ERR_CORRUPT, "part '%s' has %zu columns, '%s' has %zu", part->path,
			    json_size(own), first_path, json_size(first));
	return r;
}

/* Parts are read as one table: a query must find each column in all of them. */
static int check_columns(const struct publish *p, struct err *e)
{
	AUTO_JSON struct json *first = NULL;
	int r = json_parse(bytes_of(p->parts[0].columns), COLUMNS_TEXT_MAX, &first, e);

	for (size_t i = 1; r == 0 && i < p->n; i++)
		if (!str_eq(p->parts[i].columns, p->parts[0].columns))
			r = check_same(first, &p->parts[i], p->parts[0].path, e);
	return r;
}

int publish_sync_made(const struct publish *p, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;

	for (size_t i = 0; i < p->n; i++) {
		if (p->parts[i].made)
			strv_add(&names, p->parts[i].made);
		if (p->parts[i].patch)
			strv_add(&names, p->parts[i].patch);
	}
	return names.n > 0 ? journal_sync(p->root, &names, e) : 0;
}

int publish_make_parts(struct publish *p, struct db *db, struct err *e)
{
	AUTO_STRV struct strv unread = STRV_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->n; i++)
		r = publish_converts(p, &p->parts[i]) ? convert_part(p, &p->parts[i], db, e)
						      : take_part(p, &p->parts[i], db, &unread, e);
	if (r == 0)
		r = read_footers(p, &unread, e);
	if (r == 0)
		r = check_columns(p, e);
	return r < 0 ? r : publish_sync_made(p, e);
}
