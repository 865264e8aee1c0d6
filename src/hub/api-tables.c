/* SPDX-License-Identifier: Apache-2.0 */
/* What every caller asks of tables: the catalog, a file, whether one may have it. */
#include "hub/api.h"

#include "hub/excerpts.h"
#include "tables/locate.h"
#include "tables/objects.h"
#include "tables/registry.h"

#include <errno.h>
#include <fcntl.h>

/* 10,000 tables with a paragraph each. */
#define CATALOG_MAX ((size_t)64 << 20)

struct catalog {
	struct json_out o;
	int64_t count;
};

static int add_to_catalog(void *ctx, const struct table *t, struct err *e)
{
	struct catalog *c = ctx;

	(void)e;
	json_open(&c->o, NULL, '{');
	api_add_table(&c->o, t);
	json_close(&c->o);
	c->count++;
	return 0;
}

int api_catalog_tables(struct request *q, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(CATALOG_MAX);
	struct catalog c = { .o = json_out(&text) };
	int r;

	json_open(&c.o, NULL, '{');
	json_open(&c.o, "tables", '[');
	r = registry_list(q->db, q->caller, add_to_catalog, &c, e);
	if (r < 0)
		return r;
	json_close(&c.o);
	json_add_int(&c.o, "count", c.count);
	json_close(&c.o);
	return reply_json(q, 200, &text, e);
}

/*
 * For a proxy in front that serves the files itself: 403 for all that is not granted, there or not,
 * so that nobody learns which tables there are; only administrators are told 404.
 */
int api_check_access(struct request *q, struct err *e)
{
	AUTO_TABLE struct table t = { 0 };
	int r = registry_find(q->db, q->caller, q->params[0], &t, e);

	if (r == ERR_NOT_FOUND && name_is_table(q->params[0]) && !q->caller->is_admin)
		return err_set(e, ERR_DENIED, "Access denied to table");
	return r < 0 ? r : reply_nothing(q);
}

static void refuse(struct http_in *in, enum locate_answer answer, const struct wanted *w)
{
	switch (answer) {
	case LOCATE_FOUND:
	case LOCATE_NO_TABLE:
		http_reply_detail(in, 404, "not_found", "Table not found");
		return;
	case LOCATE_NO_VERSION:
		if (w->version)
			http_reply_detail(in, 404, "version_gone", "This version is not kept");
		else
			http_reply_detail(in, 404, "no_version", "Nothing was published yet");
		return;
	case LOCATE_NO_PART:
		http_reply_detail(in, 404, "no_part", "Part not found");
		return;
	case LOCATE_IN_PARTS:
		http_reply_detail(in, 404, "in_parts", "The table is in parts: name one by ?part=");
		return;
	case LOCATE_REMOTE:
		http_reply_detail(in, 404, "remote", "The table stays at its source");
		return;
	}
}

struct finding {
	const struct wanted *wanted;
	/* Of the file, or of what lies beside it. */
	const char *(*path)(const char *sha256, char out[OBJECT_PATH_MAX]);
	enum locate_answer answer;
	struct located found;
	int fd; /* -1 and errno when it could not be opened */
};

static void finding_release(struct finding *f)
{
	auto_fd_(&f->fd);
}

static int open_object(struct request *q, const struct finding *f)
{
	char path[OBJECT_PATH_MAX];

	return openat(hub_dirfd(q->hub), f->path(f->found.sha256, path),
		      O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

static void send_file(struct request *q, const struct located *found, int fd)
{
	AUTO_FREE char *etag = xasprintf("\"%s\"", found->sha256);
	AUTO_FREE char *name = xasprintf("attachment; filename=\"%s.parquet\"", found->table);

	http_reply_add(q->in, "Content-Disposition", name);
	http_reply_add(q->in, "Cache-Control", "private, no-cache"); /* grants are withdrawn */
	http_reply_file(q->in, fd, etag, found->published_ms, "application/octet-stream");
}

static int find_file(struct request *q, struct finding *f, struct err *e)
{
	int r = locate(q->db, q->caller, f->wanted, &f->answer, &f->found, e);

	if (r == 0 && f->answer == LOCATE_FOUND)
		f->fd = open_object(q, f);
	return r;
}

static struct wanted wanted_of(struct request *q)
{
	return (struct wanted){ .table = q->params[0],
				.version = http_query(q->in, "v"),
				.part = http_query(q->in, "part") };
}

/* Twice, when its publish was committed a moment ago and the file is on its way, or retention took
 * it between the answer of the database and the look at the disk. */
static int find_settled(struct request *q, struct finding *f, struct err *e)
{
	int r = find_file(q, f, e);

	if (r < 0 || f->answer != LOCATE_FOUND || f->fd >= 0 || errno != ENOENT)
		return r;
	r = hub_settle(q->hub, e);
	return r < 0 ? r : find_file(q, f, e);
}

/* What lies beside a file; `what` as its ETag and the code of its absence name it. */
static int send_beside(struct request *q, struct finding *f, const char *what, const char *absent,
		       struct err *e)
{
	const struct wanted wanted = wanted_of(q);
	AUTO_FREE char *code = xasprintf("no_%s", what);
	AUTO_FREE char *etag = NULL;
	int r;

	f->wanted = &wanted;
	r = find_settled(q, f, e);
	if (r < 0)
		return r;
	if (f->answer != LOCATE_FOUND) {
		refuse(q->in, f->answer, &wanted);
		return 0;
	}
	if (f->fd < 0) {
		http_reply_detail(q->in, 404, code, absent);
		return 0;
	}
	etag = xasprintf("\"%s.%s\"", f->found.sha256, what);
	http_reply_add(q->in, "Cache-Control", "private, no-cache");
	http_reply_file(q->in, TAKE_FD(f->fd), etag, f->found.published_ms,
			"application/octet-stream");
	return 0;
}

int api_chunks(struct request *q, struct err *e)
{
	AUTO(finding_release) struct finding f = { .path = object_chunks_path, .fd = -1 };

	return send_beside(q, &f, "chunks", "It has no chunk index", e);
}

int api_patch(struct request *q, struct err *e)
{
	AUTO(finding_release) struct finding f = { .path = object_patch_path, .fd = -1 };

	return send_beside(q, &f, "patch", "It has no patch", e);
}

int api_download(struct request *q, struct err *e)
{
	const struct wanted wanted = wanted_of(q);
	AUTO(finding_release)
	struct finding f = { .wanted = &wanted, .path = object_path, .fd = -1 };
	int r = excerpts_first(q, q->params[0], e);

	if (r != 0)
		return r < 0 ? r : 0;
	r = find_settled(q, &f, e);
	if (r < 0)
		return r;
	if (f.answer != LOCATE_FOUND)
		refuse(q->in, f.answer, &wanted);
	else if (f.fd < 0)
		return err_sys(e, "open object %s of table '%s'", f.found.sha256, f.found.table);
	else
		send_file(q, &f.found, TAKE_FD(f.fd));
	return 0;
}
