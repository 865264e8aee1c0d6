/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing, for administrators: uploaded objects become the current version of a table. */
#include "hub/api.h"

#include "base/log.h"
#include "base/time.h"
#include "tables/publish.h"
#include "tables/retention.h"

#define RESULT_MAX ((size_t)4096)

/* All that outlives the request, which ends before the work begins. */
struct publishing {
	struct hub *hub;
	struct caller by; /* who; asked again when the work is done */
	struct publish_request request;
	struct json *json; /* the request's texts are lent from it */
	struct publish_part *parts;
	struct strv sort;
	struct strv key;
	char *table;
};

static void publishing_free(struct publishing *p)
{
	if (!p)
		return;
	caller_release(&p->by);
	json_free(p->json);
	free(p->parts);
	strv_release(&p->sort);
	strv_release(&p->key);
	free(p->table);
	free(p);
}
DEFINE_AUTO(struct publishing, publishing_auto, publishing_free);

static int read_part(const struct json *json, struct publish_part *ret_part, struct err *e)
{
	const char *path = json_text(json_get(json, "path"));
	const char *format = json_text(json_get(json, "format"));
	const char *sha256 = json_text(json_get(json, "sha256"));

	if (!sha256)
		return err_set(e, ERR_USAGE, "each part needs a 'sha256'");
	if (json_get(json, "path") && !path)
		return err_set(e, ERR_USAGE, "the 'path' of a part must be text");
	ret_part->path = path ? path : "";
	ret_part->sha256 = sha256;
	return publish_format_parse(format ? format : "parquet", &ret_part->format, e);
}

static int read_parts(struct publishing *p, struct err *e)
{
	const struct json *parts = json_get(p->json, "parts");
	size_t n = json_kind(parts) == JSON_ARRAY ? json_size(parts) : 0;
	int r = 0;

	if (n == 0)
		return err_set(e, ERR_USAGE, "'parts' must be a list of at least one part");
	if (n > PUBLISH_PARTS_MAX)
		return err_set(e, ERR_LIMIT, "%zu parts, the limit is %d", n, PUBLISH_PARTS_MAX);
	p->parts = xcalloc(n, sizeof(*p->parts));
	for (size_t i = 0; r == 0 && i < n; i++)
		r = read_part(json_at(parts, i), &p->parts[i], e);
	p->request.parts = p->parts;
	p->request.part_count = n;
	return r;
}

static int read_columns(const struct json *columns, const char *what, struct strv *out,
			struct err *e)
{
	if (columns && json_kind(columns) != JSON_ARRAY && json_kind(columns) != JSON_NULL)
		return err_set(e, ERR_USAGE, "'%s' must be a list of column names", what);
	for (size_t i = 0; i < json_size(columns); i++) {
		const char *column = json_text(json_at(columns, i));

		if (!column)
			return err_set(e, ERR_USAGE, "'%s' must be a list of column names", what);
		strv_add(out, column);
	}
	return 0;
}

static int read_request(struct publishing *p, struct err *e)
{
	int r = read_parts(p, e);

	if (r == 0)
		r = read_columns(json_get(p->json, "sort"), "sort", &p->sort, e);
	if (r == 0)
		r = read_columns(json_get(p->json, "key"), "key", &p->key, e);
	p->request.sort = &p->sort;
	p->request.key = &p->key;
	p->request.table = p->table;
	p->request.description = json_text(json_get(p->json, "description"));
	p->request.name = json_text(json_get(p->json, "name"));
	p->request.create = json_flag(json_get(p->json, "create"), false);
	p->request.convert_memory = hub_settings(p->hub)->convert_memory;
	return r;
}

/* One transaction: the version, and what retention lets go meanwhile. */
static int commit(struct publishing *p, struct publish *publish, struct publish_result *ret_result,
		  struct err *e)
{
	int64_t keep_ms = hub_settings(p->hub)->versions_keep_s * 1000;
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	int r = hub_write_begin(p->hub, &w, e);

	if (r == 0)
		r = access_renew(w.db, &p->by, e);
	if (r == 0)
		r = access_need_admin(&p->by, e);
	if (r == 0)
		r = publish_apply(publish, w.root, &p->by, ret_result, e);
	if (r == 0)
		r = retention_sweep(w.root, keep_ms, NULL, e);
	return r < 0 ? r : hub_write_commit(&w, e);
}

static int publish(struct publishing *p, struct db *db, struct publish_result *ret_result,
		   struct err *e)
{
	const struct publish_source source = { .root = hub_staging(p->hub), .db = db };
	AUTO_PUBLISH struct publish *publish = NULL;
	int r = publish_prepare(&source, &p->request, &publish, e);

	if (r < 0)
		return r;
	r = commit(p, publish, ret_result, e);
	if (r == 0)
		publish_settled(publish);
	else
		publish_failed(publish, db);
	return r;
}

static void reply_result(struct http_in *in, const struct publish_result *result)
{
	AUTO_BUF struct buf text = BUF_INIT(RESULT_MAX);
	struct json_out o = json_out(&text);

	json_open(&o, NULL, '{');
	json_add_text(&o, "table", result->table);
	json_add_text(&o, "version", result->sha256);
	json_add_text(&o, "sha256", result->sha256);
	json_add_text(&o, "md5", result->md5);
	json_add_int(&o, "rows", result->rows);
	json_add_int(&o, "size_bytes", result->size_bytes);
	json_add_int(&o, "parts", (int64_t)result->parts);
	json_add_bool(&o, "unchanged", result->unchanged);
	json_add_bool(&o, "created", result->created);
	if (result->replaces) {
		json_add_int(&o, "bytes_shared", result->shared_bytes);
		json_add_int(&o, "parts_shared", (int64_t)result->shared_parts);
	}
	json_close(&o);
	http_reply_bytes(in, result->unchanged ? 200 : 201, "application/json", buf_bytes(&text));
}

/* On a thread of its own: the conversion of a large file takes minutes. */
static void publish_aside(struct http_in *in, void *state)
{
	AUTO(publishing_auto) struct publishing *p = state;
	struct publish_result result = { 0 };
	struct err e = { 0 };
	int64_t started = time_monotonic();
	struct db *db = hub_read_db(p->hub, http_thread_slot(in), &e);
	int r = db ? publish(p, db, &result, &e) : e.code;

	if (r < 0) {
		reply_error(in, &e);
		return;
	}
	log_event(LOG_INFO, "published",
		  "table=%s version=%s parts=%zu rows=%lld unchanged=%d ms=%lld", result.table,
		  result.sha256, result.parts, (long long)result.rows, result.unchanged,
		  (long long)(time_monotonic() - started));
	reply_result(in, &result);
}

/* The request's JSON is copied through its text: a publish outlives its request. */
static int copy_json(const struct json *json, struct json **ret_copy, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(2 * VERSIONS_BODY_MAX);

	json_print(json, &text, false);
	return json_parse(buf_bytes(&text), 2 * VERSIONS_BODY_MAX, ret_copy, e);
}

int api_versions_add(struct request *q, struct err *e)
{
	AUTO(publishing_auto) struct publishing *p = xcalloc(1, sizeof(*p));
	int r = copy_json(q->json, &p->json, e);

	p->hub = q->hub;
	p->by = caller_copy(q->caller);
	p->table = xstrdup(q->params[0]);
	if (r == 0)
		r = read_request(p, e);
	if (r == 0)
		r = http_run_aside(q->in, HTTP_ASIDE_CONVERT, publish_aside, p, e);
	if (r == 0)
		(void)TAKE(p); /* publish_aside() frees it */
	return r;
}
