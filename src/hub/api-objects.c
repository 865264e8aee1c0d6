/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads, for administrators: is it there, and take it in while hashing. */
#include "hub/api.h"

#include "tables/objects.h"

#define OBJECT_REPLY_MAX ((size_t)4096)

static int no_object(struct request *q)
{
	http_reply_detail(q->in, 404, "not_found", "Object not found");
	return 0;
}

/*
 * Needs a publish of these bytes no upload? With ?bytes=1: are the bytes themselves there? A source
 * that was converted is known without being there.
 */
int api_objects_get(struct request *q, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(OBJECT_REPLY_MAX);
	AUTO_OBJECT struct object o = { 0 };
	struct json_out out = json_out(&text);
	const struct root *root = hub_staging(q->hub);
	const char *sha256 = q->params[0];
	int r = object_find(root, q->db, sha256, &o, e);
	bool bytes = r > 0;

	if (r == 0 && !str_eq(http_query(q->in, "bytes"), "1"))
		r = object_is_known(root, q->db, sha256, e);
	if (r <= 0)
		return r < 0 ? r : no_object(q);
	json_open(&out, NULL, '{');
	json_add_text(&out, "sha256", sha256);
	json_add_bool(&out, "bytes", bytes);
	json_close(&out);
	return reply_json(q, 200, &text, e);
}

struct putting {
	struct hub *hub;
	struct object_upload *upload;
};

static int put_piece(void *state, struct http_in *in, struct bytes piece, struct err *e)
{
	struct putting *p = state;

	(void)in;
	return object_upload_add(p->upload, piece, e);
}

static int record(struct putting *p, bool *ret_is_new, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	int r = hub_write_begin(p->hub, &w, e);

	if (r == 0)
		r = object_upload_record(p->upload, w.root, ret_is_new, e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	if (r == 0 && *ret_is_new)
		object_upload_keep(p->upload);
	return r;
}

static void put_end(void *state, struct http_in *in)
{
	AUTO_BUF struct buf text = BUF_INIT(OBJECT_REPLY_MAX);
	struct json_out o = json_out(&text);
	struct putting *p = state;
	struct err e = { 0 };
	bool is_new = false;
	int r = object_upload_finish(p->upload, &e);

	if (r == 0)
		r = record(p, &is_new, &e);
	if (r < 0) {
		reply_error(in, &e);
		return;
	}
	json_open(&o, NULL, '{');
	json_add_int(&o, "size_bytes", object_upload_size(p->upload));
	json_close(&o);
	http_reply_bytes(in, is_new ? 201 : 200, "application/json", buf_bytes(&text));
}

static void put_free(void *state)
{
	struct putting *p = state;

	object_upload_free(p->upload);
	free(p);
}

int api_objects_put(struct request *q, struct err *e)
{
	const struct root *root = hub_staging(q->hub);
	struct object_wish wish = { .sha256 = q->params[0],
				    .max = hub_settings(q->hub)->upload_max };
	struct http_body body = {
		.max = wish.max,
		.on_data = put_piece,
		.on_end = put_end,
		.on_free = put_free,
	};
	struct putting *p;
	struct object_upload *upload = NULL;
	int r = objects_check_space(root, http_content_length(q->in), e);

	if (r == ERR_LIMIT) {
		http_reply_detail(q->in, 507, "no_space", e->msg);
		return 0;
	}
	if (r == 0)
		r = object_upload_begin(root, &wish, &upload, e);
	if (r < 0)
		return r;
	p = xcalloc(1, sizeof(*p));
	*p = (struct putting){ q->hub, upload };
	body.state = p;
	http_take_body(q->in, &body);
	return 0;
}
