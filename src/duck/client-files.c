/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/client.h"

#define DESCRIBE_DEADLINE_MS 300000 /* 100,000 footers */
#define CONVERT_DEADLINE_MS  600000

void duck_file_info_release(struct duck_file_info *info)
{
	client_free_columns(info->columns, info->column_count);
	free(info->created_by);
	*info = (struct duck_file_info){ 0 };
}

void client_read_info(const struct json *line, struct duck_file_info *ret_info)
{
	const char *created_by = json_text(json_get(line, "created_by"));

	ret_info->rows = json_int(json_get(line, "rows"), 0);
	ret_info->row_groups = json_int(json_get(line, "row_groups"), 0);
	ret_info->created_by = created_by ? xstrdup(created_by) : NULL;
	ret_info->columns = client_read_columns(json_get(line, "columns"), &ret_info->column_count);
}

struct described {
	struct duck_described *results;
	size_t wanted;
	size_t got;
};

static int take_described(void *ctx, const struct json *line, struct err *e)
{
	struct described *d = ctx;
	const char *error = json_text(json_get(line, "error"));

	if (json_get(line, "done"))
		return 0;
	if (d->got >= d->wanted || json_int(json_get(line, "index"), -1) != (int64_t)d->got)
		return err_set(e, ERR_FAILED, "larder-duck answered out of order");
	if (error)
		d->results[d->got].error = xstrdup(error);
	else
		client_read_info(line, &d->results[d->got].info);
	d->got++;
	return 0;
}

static void drop_results(struct described *d)
{
	for (size_t i = 0; i < d->got; i++) {
		duck_file_info_release(&d->results[i].info);
		free(d->results[i].error);
		d->results[i].error = NULL;
	}
}

int duck_describe_many(const struct strv *paths, struct duck_described *ret_results, struct err *e)
{
	AUTO_BUF struct buf request = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = client_request(&request, "describe");
	struct described d = { .results = ret_results, .wanted = paths->n };
	struct client_call call = { .request = &o,
				    .deadline_ms = DESCRIBE_DEADLINE_MS,
				    .ctx = &d,
				    .on_line = take_described };

	for (size_t i = 0; i < paths->n; i++)
		ret_results[i] = (struct duck_described){ 0 };
	json_add_texts(&o, "files", paths);
	if (client_call(&call, e) == 0 && d.got < d.wanted)
		(void)err_set(e, ERR_FAILED, "larder-duck answered for %zu of %zu files", d.got,
			      d.wanted);
	else if (d.got == d.wanted)
		return 0;
	drop_results(&d);
	return e->code;
}

int duck_describe(const char *path, struct duck_file_info *ret_info, struct err *e)
{
	AUTO_STRV struct strv paths = STRV_INIT;
	struct duck_described result = { 0 };
	AUTO_FREE char *error = NULL;

	strv_add(&paths, path);
	if (duck_describe_many(&paths, &result, e) < 0)
		return e->code;
	error = result.error;
	if (error)
		return err_set(e, ERR_CORRUPT, "%s", error);
	*ret_info = result.info;
	return 0;
}

static int take_converted(void *ctx, const struct json *line, struct err *e)
{
	struct duck_file_info *info = ctx;

	(void)e;
	if (json_get(line, "index")) {
		duck_file_info_release(info);
		client_read_info(line, info);
	}
	return 0;
}

const char *client_format_name(enum duck_format format)
{
	switch (format) {
	case DUCK_CSV:
		return "csv";
	case DUCK_TSV:
		return "tsv";
	case DUCK_JSON:
		return "json";
	case DUCK_NDJSON:
		return "ndjson";
	case DUCK_PARQUET:
	default:
		return "parquet";
	}
}

static void add_columns(struct json_out *o, const struct duck_convert *request)
{
	json_open(o, "columns", '[');
	for (size_t i = 0; i < request->column_count; i++) {
		json_open(o, NULL, '{');
		json_add_text(o, "name", request->columns[i].name);
		json_add_text(o, "type", request->columns[i].type);
		json_close(o);
	}
	json_close(o);
}

void client_add_convert(struct json_out *o, const struct duck_convert *request)
{
	json_add_texts(o, "inputs", request->inputs);
	json_add_text(o, "format", client_format_name(request->format));
	json_add_texts(o, "order_by", request->order_by);
	json_add_text(o, "output", request->output);
	if (request->column_count > 0)
		add_columns(o, request);
	if (request->file_bytes > 0)
		json_add_int(o, "file_bytes", request->file_bytes);
	if (request->memory_bytes > 0)
		json_add_int(o, "memory_bytes", request->memory_bytes);
}

int duck_convert(const struct duck_convert *request, struct duck_file_info *ret_info, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO(duck_file_info_release) struct duck_file_info info = { 0 };
	struct json_out o = client_request(&text, "convert");
	struct client_call call = { .request = &o, .ctx = &info, .on_line = take_converted };

	call.deadline_ms = request->deadline_ms ? request->deadline_ms : CONVERT_DEADLINE_MS;
	client_add_convert(&o, request);
	if (client_call(&call, e) < 0)
		return e->code;
	*ret_info = info;
	info = (struct duck_file_info){ 0 };
	return 0;
}
