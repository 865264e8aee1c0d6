/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file from an HTTP(S) server.
 *
 *	us                                            server
 *	GET url                                  ->
 *	    If-None-Match: what was published         304: nothing to do
 *	                                         <-   200, ETag
 *	... cut ...
 *	GET url  Range: bytes=HELD-  If-Range: ETag ->
 *	                                         <-   206 the rest, or 200 all of it
 *
 * What came of a download stays in staging under a name made of the table and the ETag, and the
 * ETag in the ledger, so that a later run goes on from its last byte. Without a strong ETag a cut
 * download starts anew.
 */
#include "refresh/intake.h"

#include "base/file.h"
#include "base/hash.h"
#include "engine/journal.h"
#include "engine/ledger.h"
#include "net/http-client.h"

#include <fcntl.h>
#include <strings.h>

/* Gathered before it is written: libcurl's own pieces are 16 KB. */
#define WRITE_SIZE ((size_t)1 << 20)

struct download {
	struct intake *f;
	const char *url;
	char *token;
	char *etag;   /* of the part that is held, or of what comes; NULL: no strong one */
	char *staged; /* the part's name */
	int fd;
	int64_t held; /* bytes of it on disk */
	struct buf waiting;
	enum duck_format format;
};

static void download_release(struct download *d)
{
	auto_fd_(&d->fd);
	free(d->token);
	free(d->etag);
	free(d->staged);
	buf_release(&d->waiting);
}

static bool is_strong(const char *etag)
{
	return etag && etag[0] == '"' && strlen(etag) < 500;
}

char *intake_part_name(const char *table, const char *etag)
{
	AUTO_FREE char *text = xasprintf("%s\n%s", table, etag);
	char hex[HASH_HEX_MAX];

	hash_text(HASH_SHA256, bytes_of(text), hex);
	return xasprintf("rf-%.32s.part", hex);
}

/* What an earlier run left; nothing when it left nothing that can be continued. */
static int find_part(struct download *d, struct err *e)
{
	int r = ledger_get(root_db(d->f->root), INTAKE_PART_SPACE, d->f->source->table, &d->etag,
			   e);
	struct stat st;

	if (r < 0 || !d->etag)
		return r;
	d->staged = intake_part_name(d->f->source->table, d->etag ? d->etag : "");
	r = journal_stage_open(d->f->root, d->staged, O_RDWR, &d->fd, e);
	if (r < 0 || fstat(d->fd, &st) < 0 || st.st_size == 0)
		return 0; /* gone with a restart of the hub: from the first byte then */
	d->held = st.st_size;
	return 0;
}

static int note_etag(struct download *d, struct err *e)
{
	struct db *db = root_db(d->f->root);
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_tx(db, &tx, e);

	if (r == 0)
		r = d->etag ? ledger_put(db, INTAKE_PART_SPACE, d->f->source->table, d->etag, e)
			    : ledger_forget(db, INTAKE_PART_SPACE, d->f->source->table, e);
	return r < 0 ? r : db_commit(db, e);
}

/* A whole file comes: what was held is of another. */
static int start_anew(struct download *d, const struct http_reply *reply, struct err *e)
{
	struct err ignored = { 0 };
	int r;

	auto_fd_(&d->fd);
	d->fd = -1;
	if (d->staged) /* else litter for the next start to take away */
		(void)journal_stage_remove(d->f->root, d->staged, &ignored);
	free(d->etag);
	free(d->staged);
	d->etag = is_strong(reply->etag) ? xstrdup(reply->etag) : NULL;
	d->staged = intake_part_name(d->f->source->table, d->etag ? d->etag : "");
	d->held = 0;
	(void)journal_stage_remove(d->f->root, d->staged, &ignored);
	r = note_etag(d, e);
	return r < 0 ? r : journal_stage_create(d->f->root, d->staged, &d->fd, e);
}

/* A page to log in, or one that says what is wrong with status 200, is no table of one line. */
static int refuse_page(const struct http_reply *reply, struct err *e)
{
	const char *type = http_reply_header(reply, "content-type");

	if (!type || strncasecmp(type, "text/html", 9) != 0)
		return 0;
	(void)err_set(e, ERR_CORRUPT, "the server answers with a web page, not with a file");
	return err_hint(e,
			"look at it in a browser: does it want a login (token_env, token_file)?");
}

static int on_head(void *ctx, const struct http_reply *reply, struct err *e)
{
	struct download *d = ctx;
	int64_t announced = reply->content_length > 0 ? reply->content_length : 0;
	int r = 0;

	if (reply->status != 200 && reply->status != 206)
		return 0;
	if (refuse_page(reply, e) < 0)
		return e->code;
	if (reply->status == 206 && (reply->range_first != d->held || d->fd < 0))
		return err_set(e, ERR_REMOTE, "the server sent another range than was asked for");
	if (reply->status == 200)
		r = start_anew(d, reply, e);
	if (r == 0 && lseek(d->fd, d->held, SEEK_SET) < 0)
		r = err_sys(e, "continue '%s'", d->staged);
	if (r == 0 && d->held + announced > d->f->source->max_bytes) {
		d->f->bytes = 0;
		r = intake_count(d->f, d->held + announced, e);
	}
	if (r == 0)
		r = objects_check_space(d->f->root, announced, e);
	d->f->bytes = d->held;
	return r < 0 ? r : 1;
}

static int write_waiting(struct download *d, struct err *e)
{
	int r = file_write_all(d->fd, buf_bytes(&d->waiting), d->staged, e);

	d->held += (int64_t)d->waiting.n;
	buf_clear(&d->waiting);
	return r;
}

static int on_body(void *ctx, const void *p, size_t n, struct err *e)
{
	struct download *d = ctx;

	if (intake_count(d->f, (int64_t)n, e) < 0)
		return e->code;
	buf_add(&d->waiting, p, n);
	return d->waiting.n >= WRITE_SIZE ? write_waiting(d, e) : 0;
}

static int ask(struct download *d, struct http_client *http, struct http_reply *reply,
	       struct err *e)
{
	const struct source *s = d->f->source;
	struct http_request q = {
		.method = "GET",
		.url = d->url,
		.token = d->token,
		.if_none_match = d->held == 0 && d->f->table.version ? s->seen : NULL,
		.if_range = d->held > 0 ? d->etag : NULL,
		.range_first = d->held,
		.ctx = d,
		.on_head = on_head,
		.on_body = on_body,
	};
	int r = http_request(http, &q, reply, e);
	struct err ignored = { 0 };

	/* What came before the cut is kept for the next attempt. */
	if (d->fd >= 0 && d->waiting.n > 0 && write_waiting(d, r < 0 ? &ignored : e) < 0 && r == 0)
		r = e->code;
	if (r < 0 || reply->status == 304 || reply->status == 200 || reply->status == 206)
		return r;
	if (reply->status != 416)
		return http_expect(reply, 200, e);
	/* All of it was here, or the file has become shorter: from the first byte. */
	free(TAKE(d->etag));
	(void)journal_stage_remove(d->f->root, d->staged, &ignored);
	r = note_etag(d, e);
	return r < 0 ? r : err_set(e, ERR_REMOTE, "the server has no more of the file");
}

/* By what is said, else by the path's ending, else by the reply. */
static int find_format(struct download *d, const struct http_reply *reply, struct err *e)
{
	static const struct {
		const char *type;
		enum duck_format format;
	} types[] = { { "text/csv", DUCK_CSV },
		      { "text/tab-separated-values", DUCK_TSV },
		      { "application/json", DUCK_JSON },
		      { "application/x-ndjson", DUCK_NDJSON },
		      { "application/vnd.apache.parquet", DUCK_PARQUET } };
	const char *given = source_text(d->f->source, "format");
	const char *host = strstr(d->url, "://") + 3;
	AUTO_FREE char *path = xstrndup(host, strcspn(host, "?#"));
	const char *dot = strchr(path, '/') ? strrchr(path, '.') : NULL;
	const char *type = reply->content_type ? reply->content_type : "";

	if (given)
		return publish_format_parse(given, &d->format, e);
	if (dot && !strchr(dot, '/') && publish_format_parse(dot + 1, &d->format, e) == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_starts(type, types[i].type)) {
			d->format = types[i].format;
			return 0;
		}
	(void)err_set(e, ERR_USAGE, "'%s' does not tell its format", d->url);
	return err_hint(e, "name it in 'format': parquet, csv, tsv, json or ndjson");
}

static int finish(struct download *d, struct err *e)
{
	int r;

	d->f->seen = d->etag ? xstrdup(d->etag) : NULL;
	r = intake_adopt(d->f, d->staged, "", d->format, e);
	free(TAKE(d->etag));
	return r < 0 ? r : note_etag(d, e);
}

int intake_http(struct intake *f, struct err *e)
{
	AUTO(download_release)
	struct download d = { .f = f, .fd = -1, .waiting = BUF_INIT(4 * WRITE_SIZE) };
	const struct http_client_options o = { .cancel = f->refresh->cancel };
	AUTO_HTTP struct http_client *http = http_client_new(&o);
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	int r;

	d.url = source_text(f->source, "url");
	r = intake_secret(f, "token", &d.token, e);
	if (r == 0)
		r = find_part(&d, e);
	if (r == 0)
		r = ask(&d, http, &reply, e);
	if (r < 0)
		return r;
	if (reply.status == 304) {
		f->unchanged = true;
		f->seen = xstrdup(f->source->seen);
		return 0;
	}
	r = find_format(&d, &reply, e);
	return r < 0 ? r : finish(&d, e);
}
