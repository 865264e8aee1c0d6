/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/client.h"

#define TRANSFORM_DEADLINE_MS 600000

struct transforming {
	struct duck_file_info *infos;
	size_t wanted, got;
};

static int take_output(void *ctx, const struct json *line, struct err *e)
{
	struct transforming *t = ctx;

	if (json_get(line, "done"))
		return 0;
	if (t->got >= t->wanted || json_int(json_get(line, "index"), -1) != (int64_t)t->got)
		return err_set(e, ERR_FAILED, "larder-duck answered out of order");
	client_read_info(line, &t->infos[t->got++]);
	return 0;
}

static void add_inputs(struct json_out *o, const struct strv *setup, const struct strv *readable,
		       const struct strv *texts)
{
	json_add_texts(o, "setup", setup);
	json_add_texts(o, "readable", readable);
	json_add_texts(o, "texts", texts);
}

int duck_transform(const struct duck_transform *request, struct duck_file_info *ret_infos,
		   struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = client_request(&text, "transform");
	struct transforming t = { ret_infos, request->output_count, 0 };
	struct client_call call = { .request = &o, .ctx = &t, .on_line = take_output };
	int r;

	call.deadline_ms = request->deadline_ms ? request->deadline_ms : TRANSFORM_DEADLINE_MS;
	add_inputs(&o, request->setup, request->readable, request->texts);
	json_open(&o, "outputs", '[');
	for (size_t i = 0; i < request->output_count; i++) {
		ret_infos[i] = (struct duck_file_info){ 0 };
		json_open(&o, NULL, '{');
		json_add_text(&o, "sql", request->outputs[i].sql);
		json_add_text(&o, "path", request->outputs[i].path);
		json_close(&o);
	}
	json_close(&o);
	if (request->memory_bytes > 0)
		json_add_int(&o, "memory_bytes", request->memory_bytes);
	r = client_call(&call, e);
	if (r == 0 && t.got < t.wanted)
		r = err_set(e, ERR_FAILED, "larder-duck answered for %zu of %zu files", t.got,
			    t.wanted);
	for (size_t i = 0; r < 0 && i < t.got; i++)
		duck_file_info_release(&ret_infos[i]);
	return r;
}

static int take_row(void *ctx, const struct json *line, struct err *e)
{
	const struct duck_read *request = ctx;

	return json_kind(line) == JSON_ARRAY ? request->on_row(request->ctx, line, e) : 0;
}

int duck_read(const struct duck_read *request, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = client_request(&text, "read");
	struct duck_read copy = *request;
	const struct client_call call = {
		.request = &o,
		.deadline_ms = request->deadline_ms ? request->deadline_ms : TRANSFORM_DEADLINE_MS,
		.ctx = &copy,
		.on_line = take_row,
	};

	add_inputs(&o, request->setup, request->readable, request->texts);
	json_add_text(&o, "sql", request->sql);
	if (request->memory_bytes > 0)
		json_add_int(&o, "memory_bytes", request->memory_bytes);
	return client_call(&call, e);
}
