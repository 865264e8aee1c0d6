/* SPDX-License-Identifier: Apache-2.0 */
/* What people send: transcripts and artifacts as forms, CLAUDE.local.md as JSON. */
#include "hub/api.h"

#include "net/multipart.h"
#include "sessions/upload.h"
#include "tables/objects.h"

/* What a form adds to its file: boundaries, heads, other fields. */
#define FORM_EXTRA    ((int64_t)64 << 10)
#define REPLY_MAX     ((size_t)4096)
#define FIELD         "file"
#define FIELD_TAIL    "tail" /* what a kept file has grown by: unknown to older hubs, so refused */
#define INVALID_GZIP  "invalid_gzip"
#define OFFSET_HEADER "X-Larder-Offset"
#define PREFIX_HEADER "X-Larder-Prefix-SHA256"

struct receiving {
	struct hub *hub;
	enum upload_kind kind;
	struct upload_tail tail; /* of the head; counts for the field "tail" */
	struct caller caller;    /* who it is; asked again when all has come */
	struct multipart *form;
	struct upload *upload; /* NULL until the field came */
	bool inside;           /* the field's bytes are coming */
	bool broken_gzip;
	struct err failed; /* answered at the end: till then the client is let to send */
};

static int record(struct hub *hub, struct upload *u, struct caller *by, bool *ret_duplicate,
		  struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	int r = hub_write_begin(hub, &w, e);

	if (r == 0)
		r = access_renew(w.db, by, e);
	if (r == 0)
		r = upload_record(u, w.root, ret_duplicate, e);
	if (r < 0 || *ret_duplicate)
		return r;
	r = audit_add(w.db, by, "upload", upload_name(u), NULL, e);
	return r < 0 ? r : hub_write_commit(&w, e);
}

/* Of its wish and its form. 400 for a name, 422 for the form, 413 for the size. */
static int on_part(void *ctx, const char *name, const char *filename, struct err *e)
{
	struct receiving *p = ctx;
	struct upload_wish wish = {
		.kind = p->kind,
		.user_id = p->caller.user_id,
		.email = p->caller.email,
		.name = filename,
	};
	bool tail = str_eq(name, FIELD_TAIL);

	p->inside = tail || str_eq(name, FIELD);
	if (!p->inside)
		return 0;
	if (p->upload)
		return err_set(e, ERR_CORRUPT, "the form has two fields '" FIELD "'");
	if (tail && p->tail.offset == 0)
		return err_set(e, ERR_CORRUPT, "a field '" FIELD_TAIL "' without " OFFSET_HEADER);
	if (tail)
		wish.tail = p->tail;
	return upload_begin(hub_staging(p->hub), &wish, &p->upload, e);
}

static int on_data(void *ctx, struct bytes piece, struct err *e)
{
	struct receiving *p = ctx;
	int r = p->inside ? upload_add(p->upload, piece, e) : 0;

	p->broken_gzip = r == ERR_CORRUPT;
	return r;
}

static int body_piece(void *state, struct http_in *in, struct bytes piece, struct err *e)
{
	struct receiving *p = state;

	(void)in;
	if (p->failed.code == 0 && multipart_feed(p->form, piece, &p->failed) == ERR_LIMIT) {
		*e = p->failed;
		return e->code;
	}
	return 0;
}

static void reply_kept(struct http_in *in, const struct upload *u, bool duplicate)
{
	AUTO_BUF struct buf text = BUF_INIT(REPLY_MAX);
	struct json_out o = json_out(&text);

	json_open(&o, NULL, '{');
	json_add_text(&o, "status", "ok");
	json_add_text(&o, "filename", upload_name(u));
	json_add_int(&o, "size", upload_size(u));
	json_add_bool(&o, "duplicate", duplicate);
	json_close(&o);
	http_reply_bytes(in, 200, "application/json", buf_bytes(&text));
}

/* The disk filled while it came: then, or for the database beside it. */
static bool ran_full(const struct receiving *p, const struct err *e)
{
	struct err ignored = { 0 };

	if (e->code != ERR_IO)
		return false;
	return upload_found_no_space(p->upload) ||
	       objects_check_space(hub_staging(p->hub), 0, &ignored) == ERR_LIMIT;
}

static void reply_failed(const struct receiving *p, struct http_in *in, const struct err *e)
{
	if (ran_full(p, e))
		http_reply_detail(in, 507, "no_space", "the disk of the hub is full");
	else if (p->broken_gzip)
		http_reply_detail(in, 400, INVALID_GZIP, e->msg);
	else
		reply_error(in, e);
}

static void body_end(void *state, struct http_in *in)
{
	struct receiving *p = state;
	struct err e = p->failed;
	bool duplicate = false;
	int r = e.code < 0 ? e.code : multipart_finish(p->form, &e);

	if (r == 0 && !p->upload)
		r = err_set(&e, ERR_CORRUPT, "the form has no field '" FIELD "'");
	if (r == 0) {
		r = upload_finish(p->upload, &e);
		p->broken_gzip = r == ERR_CORRUPT;
	}
	if (r == 0)
		r = record(p->hub, p->upload, &p->caller, &duplicate, &e);
	if (r < 0)
		reply_failed(p, in, &e);
	else
		reply_kept(in, p->upload, duplicate);
}

static void receiving_free(void *state)
{
	struct receiving *p = state;

	multipart_free(p->form);
	upload_free(p->upload);
	caller_release(&p->caller);
	free(p);
}

static int receive(struct request *q, enum upload_kind kind, struct err *e)
{
	const struct root *root = hub_staging(q->hub);
	struct upload_tail tail = { 0 };
	struct receiving *p;
	struct multipart_sink sink = { .on_part = on_part, .on_data = on_data };
	struct http_body body = {
		.max = UPLOAD_BYTES_MAX + FORM_EXTRA,
		.on_data = body_piece,
		.on_end = body_end,
		.on_free = receiving_free,
	};

	if (objects_check_space(root, http_content_length(q->in), e) == ERR_LIMIT) {
		http_reply_detail(q->in, 507, "no_space", e->msg);
		return 0;
	}
	if (http_header(q->in, OFFSET_HEADER) &&
	    upload_tail_parse(http_header(q->in, OFFSET_HEADER), http_header(q->in, PREFIX_HEADER),
			      &tail, e) < 0)
		return e->code;
	p = xcalloc(1, sizeof(*p));
	p->tail = tail;
	sink.ctx = p;
	p->hub = q->hub;
	p->kind = kind;
	if (multipart_new(http_header(q->in, "Content-Type"), &sink, &p->form, e) < 0) {
		free(p);
		return e->code;
	}
	p->caller = caller_copy(q->caller);
	body.state = p;
	http_reply_add(q->in, "X-Larder-Accepts", "session-gzip, session-tail");
	http_reply_add(q->in, "X-Agnes-Accepts", "session-gzip"); /* of earlier clients */
	http_take_body(q->in, &body);
	return 0;
}

int api_upload_session(struct request *q, struct err *e)
{
	return receive(q, UPLOAD_SESSION, e);
}

int api_upload_artifact(struct request *q, struct err *e)
{
	return receive(q, UPLOAD_ARTIFACT, e);
}

int api_upload_local_md(struct request *q, struct err *e)
{
	const struct upload_wish wish = {
		.kind = UPLOAD_LOCAL_MD,
		.user_id = q->caller->user_id,
		.email = q->caller->email,
		.name = UPLOAD_LOCAL_MD_NAME,
	};
	const struct json *content = json_get(q->json, "content");
	AUTO_UPLOAD struct upload *u = NULL;
	AUTO_BUF struct buf text = BUF_INIT(REPLY_MAX);
	struct json_out o = json_out(&text);
	bool duplicate = false;
	int r;

	if (json_kind(content) != JSON_TEXT)
		return err_set(e, ERR_CORRUPT, "'content' must be a text");
	if (json_bytes(content).n > UPLOAD_LOCAL_MD_MAX)
		return err_set(e, ERR_LIMIT, "'content' exceeds %zu bytes", UPLOAD_LOCAL_MD_MAX);
	r = upload_begin(hub_staging(q->hub), &wish, &u, e);
	if (r == 0)
		r = upload_add(u, json_bytes(content), e);
	if (r == 0)
		r = upload_finish(u, e);
	if (r == 0)
		r = record(q->hub, u, q->caller, &duplicate, e);
	if (r < 0)
		return r;
	json_open(&o, NULL, '{');
	json_add_text(&o, "status", "ok");
	json_add_text(&o, "user", q->caller->email);
	json_add_int(&o, "size", upload_size(u));
	json_add_bool(&o, "duplicate", duplicate);
	json_close(&o);
	return reply_json(q, 200, &text, e);
}
