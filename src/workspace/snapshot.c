/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/snapshot.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/progress.h"
#include "base/time.h"
#include "engine/journal.h"
#include "net/http-client.h"
#include "tables/commit.h"
#include "tables/parquet-frame.h"
#include "tables/views.h"
#include "workspace/pull.h"

#include <ctype.h>

/* As of a pull: it outlasts the longest extract. */
#define LEASE_MS ((int64_t)6 * 3600 * 1000)
#define WAIT_MS  30000

struct bringing {
	struct workspace *ws;
	struct root *root;
	const char *name, *request; /* request: as sent and kept */
	char *table;                /* its id */
	struct lease *lease;
	struct local *local;
	const struct local_table *have;
	struct progress *progress;
	char staged[80];
	int fd;
	struct hash *hash;
	struct fetch_item item;
	int64_t size, rows;
};

static void bringing_release(struct bringing *b)
{
	struct err ignored = { 0 }; /* what stays is reaped by the next pull */

	auto_fd_(&b->fd);
	if (*b->staged && !b->item.placed)
		(void)journal_stage_remove(b->root, b->staged, &ignored);
	hash_free(b->hash);
	local_free(b->local);
	lease_drop(b->lease);
	free(b->table);
}

void snapshot_done_release(struct snapshot_done *done)
{
	failures_release(&done->failures);
}

static int check_name(const char *name, struct err *e)
{
	size_t n = strlen(name);
	bool good = n > 0 && n <= SNAPSHOT_NAME_MAX && !isdigit((unsigned char)name[0]);

	for (size_t i = 0; good && i < n; i++)
		good = isalnum((unsigned char)name[i]) || name[i] == '_';
	if (good)
		return 0;
	return err_set(e, ERR_USAGE,
		       "a snapshot's name has 1 to %d letters, digits and '_', no digit first",
		       SNAPSHOT_NAME_MAX);
}

static void add_list(struct json_out *o, const char *key, const struct strv *list)
{
	if (list && list->n > 0)
		json_add_texts(o, key, list);
}

static int write_request(const struct snapshot_wish *wish, struct buf *out, struct err *e)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_text(&o, "table_id", wish->table);
	add_list(&o, "select", wish->select);
	if (wish->where)
		json_add_text(&o, "where", wish->where);
	add_list(&o, "order_by", wish->order_by);
	if (wish->limit > 0)
		json_add_int(&o, "limit", wish->limit);
	json_close(&o);
	return out->full ? err_set(e, ERR_LIMIT, "the request is too long") : 0;
}

/* POST to the hub; `body` may take the reply's. */
struct post {
	const char *path;
	struct bytes body;
	void *ctx;
	int (*on_head)(void *ctx, const struct http_reply *reply, struct err *e);
	int (*on_body)(void *ctx, const void *p, size_t n, struct err *e);
};

static int post(struct workspace *ws, const struct post *p, struct http_reply *reply, struct err *e)
{
	const struct http_client_options options = { .stall_s = SNAPSHOT_STALL_S };
	AUTO_CREDENTIALS struct credentials credentials = { 0 };
	AUTO_HTTP struct http_client *client = NULL;
	AUTO_FREE char *url = NULL;
	struct http_request q = { .method = "POST",
				  .content_type = "application/json",
				  .body = p->body,
				  .ctx = p->ctx,
				  .on_head = p->on_head,
				  .on_body = p->on_body };
	int r = workspace_credentials(ws, &credentials, e);

	if (r < 0)
		return r;
	url = xasprintf("%s%s", credentials.server, p->path);
	q.url = url;
	q.token = credentials.token;
	client = http_client_new(&options);
	r = http_request(client, &q, reply, e);
	return r < 0 ? r : http_expect(reply, 200, e);
}

int snapshot_estimate(struct workspace *ws, const struct snapshot_wish *wish,
		      struct json **ret_reply, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(SNAPSHOT_REQUEST_MAX);
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	int r = write_request(wish, &body, e);

	if (r == 0)
		r = post(ws, &(struct post){ "/api/v2/scan/estimate", buf_bytes(&body) }, &reply,
			 e);
	return r < 0 ? r : json_parse(buf_bytes(&reply.body), HTTP_SMALL_BODY_MAX, ret_reply, e);
}

static int on_head(void *ctx, const struct http_reply *reply, struct err *e)
{
	struct bringing *b = ctx;

	if (reply->status != 200)
		return 0;
	if (reply->content_length > MANIFEST_FILE_MAX)
		return err_set(e, ERR_LIMIT, "%lld bytes exceed the limit of a file, %lld",
			       (long long)reply->content_length, (long long)MANIFEST_FILE_MAX);
	if (!reply->etag || strlen(reply->etag) != SHA256_HEX + 2)
		return err_set(e, ERR_REMOTE, "the hub does not say what it sends (no ETag)");
	(void)snprintf(b->item.sha256, sizeof(b->item.sha256), "%.*s", SHA256_HEX, reply->etag + 1);
	return 1;
}

static int on_body(void *ctx, const void *p, size_t n, struct err *e)
{
	struct bringing *b = ctx;

	if ((int64_t)n > MANIFEST_FILE_MAX - b->size)
		return err_set(e, ERR_LIMIT, "it is longer than the limit of a file, %lld",
			       (long long)MANIFEST_FILE_MAX);
	b->size += (int64_t)n;
	hash_add(b->hash, p, n);
	progress_add(b->progress, (int64_t)n);
	return file_write_all(b->fd, (struct bytes){ p, n }, b->staged, e);
}

static int check_file(struct bringing *b, struct err *e)
{
	char got[HASH_HEX_MAX];
	struct stat st;

	hash_hex(b->hash, got);
	if (!str_eq(got, b->item.sha256))
		return err_set(e, ERR_CORRUPT, "its bytes are wrong: hash %.12s instead of %.12s",
			       got, b->item.sha256);
	if (parquet_frame_check(b->fd, b->size, e) < 0)
		return e->code;
	if (fstat(b->fd, &st) < 0)
		return err_sys(e, "look at '%s'", b->staged);
	b->item.mark = file_mark_of(&st);
	return 0;
}

static int bring_file(struct bringing *b, struct err *e)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	const struct post p = { "/api/v2/scan", bytes_of(b->request), b, on_head, on_body };
	char random[RANDOM_TEXT_MAX];
	struct err ignored = { 0 };
	const char *rows, *table;
	int r;

	random_text(16, random);
	(void)snprintf(b->staged, sizeof(b->staged), "snapshot-%s.part", random);
	b->item.staged = b->staged;
	b->hash = hash_new(HASH_SHA256);
	r = journal_stage_create(b->root, b->staged, &b->fd, e);
	if (r == 0)
		r = post(b->ws, &p, &reply, e);
	if (r < 0)
		return r;
	table = http_reply_header(&reply, "x-larder-table"); /* as the manifest knows it */
	if (!table || !name_is_table(table))
		return err_set(e, ERR_REMOTE, "the hub does not say of which table it is");
	b->table = xstrdup(table);
	rows = http_reply_header(&reply, "x-larder-rows");
	b->rows = -1;
	if (rows)
		(void)parse_int64(rows, 0, INT64_MAX, &b->rows, &ignored);
	return check_file(b, e);
}

static int record(void *ctx, struct db *db, struct err *e)
{
	static const char sql[] =
		"INSERT INTO ws_snapshot(name, request, refreshed_ms) VALUES(?1, ?2, ?3)"
		" ON CONFLICT(name) DO UPDATE SET request=excluded.request,"
		" refreshed_ms=excluded.refreshed_ms";
	const struct bringing *b = ctx;

	return db_exec(db, e, sql, "tti", b->name, b->request, time_now());
}

/* The interface lacks a const that it means. */
static char *lent(const char *text)
{
	return (char *)(uintptr_t)text;
}

static int commit(struct bringing *b, struct err *e)
{
	struct fetch_item *items[] = { &b->item };
	struct manifest_file file = { .path = lent(""), .size_bytes = b->size };
	struct manifest_table want = { .name = lent(b->name),
				       .id = b->table,
				       .hash = lent(""),
				       .updated = lent(""),
				       .description = lent(""),
				       .query_mode = lent(LOCAL_SNAPSHOT),
				       .rows = b->rows,
				       .size_bytes = b->size,
				       .files = &file,
				       .file_count = 1 };
	struct plan_file planned = { .want = &file };
	const struct plan_table plan = {
		.action = PLAN_FETCH, .want = &want, .have = b->have, .files = &planned
	};
	const struct commit_table table = { &plan, items };
	const struct commit c = { .root = b->root,
				  .lease = b->lease,
				  .keep_old_ms = workspace_old_versions_ms(b->ws),
				  .also = record,
				  .ctx = b };

	return commit_tables(&c, &table, 1, e);
}

static int begin(struct workspace *ws, const char *name, struct bringing *b, struct err *e)
{
	const struct lease_wait_options options = { .name = PULL_LEASE,
						    .holder = "larder snapshot",
						    .ttl_ms = LEASE_MS,
						    .wait_ms = WAIT_MS };
	int r = check_name(name, e);

	b->ws = ws;
	b->root = workspace_root(ws);
	b->name = name;
	if (r == 0)
		r = lease_wait(workspace_db(ws), &options, &b->lease, e);
	if (r == 0)
		r = local_load(b->root, &b->local, e);
	if (r == 0)
		b->have = local_find(b->local, name);
	return r;
}

static int finish(struct bringing *b, struct snapshot_done *done, struct err *e)
{
	AUTO_VIEWS_REPORT struct views_report views = { 0 };
	int r = bring_file(b, e);

	if (r == 0)
		r = commit(b, e);
	if (r < 0)
		return err_in(e, "snapshot '%s'", b->name);
	done->rows = b->rows;
	done->size_bytes = b->size;
	(void)snprintf(done->sha256, sizeof(done->sha256), "%s", b->item.sha256);
	return views_apply(b->root, NULL, &views, &done->failures, e);
}

static int refuse_taken(const struct bringing *b, struct err *e)
{
	if (!b->have)
		return 0;
	(void)err_set(e, ERR_CONFLICT, "there is a %s '%s' already",
		      b->have->snapshot ? "snapshot" : "table", b->name);
	return err_hint(e, b->have->snapshot ? "larder snapshot refresh, or drop"
					     : "choose another name");
}

int snapshot_create(struct workspace *ws, const struct snapshot_wish *wish,
		    struct snapshot_done *done, struct err *e)
{
	AUTO(bringing_release) struct bringing b = { .fd = -1 };
	AUTO_BUF struct buf request = BUF_INIT(SNAPSHOT_REQUEST_MAX);
	int r = begin(ws, wish->name, &b, e);

	if (r == 0)
		r = refuse_taken(&b, e);
	if (r == 0)
		r = write_request(wish, &request, e);
	b.request = buf_str(&request);
	b.progress = progress_begin("snapshot", 0, 0, wish->quiet);
	if (r == 0)
		r = finish(&b, done, e);
	progress_end(b.progress);
	return r;
}

static int need_snapshot(const struct bringing *b, struct err *e)
{
	if (b->have && b->have->snapshot)
		return 0;
	(void)err_set(e, ERR_NOT_FOUND, "there is no snapshot '%s'", b->name);
	return err_hint(e, "larder snapshot list");
}

int snapshot_refresh(struct workspace *ws, const char *name, bool quiet, struct snapshot_done *done,
		     struct err *e)
{
	AUTO(bringing_release) struct bringing b = { .fd = -1 };
	AUTO_FREE char *request = NULL;
	int r = begin(ws, name, &b, e);

	if (r == 0)
		r = need_snapshot(&b, e);
	if (r == 0)
		r = db_get_text(workspace_db(ws), &request, e,
				"SELECT request FROM ws_snapshot WHERE name=?1", "t", name);
	if (r == 0 && !request)
		r = err_set(e, ERR_CORRUPT, "what snapshot '%s' was asked for with is lost", name);
	b.request = request;
	b.progress = progress_begin("snapshot", 0, 0, quiet);
	if (r == 0)
		r = finish(&b, done, e);
	progress_end(b.progress);
	return r;
}

int snapshot_drop(struct workspace *ws, const char *name, struct err *e)
{
	AUTO(bringing_release) struct bringing b = { .fd = -1 };
	AUTO_VIEWS_REPORT struct views_report views = { 0 };
	AUTO_FAILURES struct failures failures = { 0 };
	struct plan_table plan = { .action = PLAN_REMOVE };
	const struct commit_table table = { .plan = &plan };
	struct commit c = { 0 };
	int r = begin(ws, name, &b, e);

	if (r == 0)
		r = need_snapshot(&b, e);
	if (r < 0)
		return r;
	plan.have = b.have;
	c = (struct commit){ .root = b.root, .lease = b.lease };
	r = commit_tables(&c, &table, 1, e);
	return r < 0 ? r : views_apply(b.root, NULL, &views, &failures, e);
}

static void add_row(struct json_out *out, const struct stmt *q)
{
	const char *request = stmt_text(q, 4);
	char iso[TIME_TEXT_MAX];

	json_open(out, NULL, '{');
	json_add_text(out, "name", stmt_text(q, 0));
	json_add_text(out, "table", stmt_text(q, 1));
	if (stmt_is_null(q, 2))
		json_add_null(out, "rows");
	else
		json_add_int(out, "rows", stmt_int(q, 2));
	json_add_int(out, "size_bytes", stmt_int(q, 3));
	json_add_text(out, "refreshed",
		      stmt_is_null(q, 5) ? NULL : time_format_iso(stmt_int(q, 5), iso));
	if (request)
		json_add_raw(out, "request", bytes_of(request));
	else
		json_add_null(out, "request");
	json_close(out);
}

int snapshot_list(struct workspace *ws, struct json_out *out, struct err *e)
{
	static const char sql[] =
		"SELECT t.name, t.id, t.rows, t.size_bytes, s.request, s.refreshed_ms FROM ws_table t"
		" LEFT JOIN ws_snapshot s ON s.name=t.name WHERE t.query_mode=?1 ORDER BY t.name";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(workspace_db(ws), &q, e, sql, "t", LOCAL_SNAPSHOT);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		add_row(out, q);
		r = 0;
	}
	return r;
}
