/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/client.h"
#include "duck/excerpt.h"

#define EXCERPT_DEADLINE_MS 600000
/* A condition is parsed, nothing more. */
#define FILTER_DEADLINE_MS 20000

static int take_info(void *ctx, const struct json *line, struct err *e)
{
	struct duck_file_info *info = ctx;

	(void)e;
	duck_file_info_release(info);
	client_read_info(line, info);
	return 0;
}

int duck_excerpt(const struct duck_excerpt *request, struct duck_file_info *ret_info, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO(duck_file_info_release) struct duck_file_info info = { 0 };
	struct json_out o = client_request(&text, "excerpt");
	struct client_call call = { .request = &o, .ctx = &info, .on_line = take_info };

	call.deadline_ms = request->deadline_ms ? request->deadline_ms : EXCERPT_DEADLINE_MS;
	json_add_texts(&o, "files", request->files);
	json_add_bool(&o, "hive", request->hive);
	json_add_text(&o, "rights", request->rights);
	json_add_text(&o, "output", request->output);
	if (request->memory_bytes > 0)
		json_add_int(&o, "memory_bytes", request->memory_bytes);
	if (client_call(&call, e) < 0)
		return e->code;
	*ret_info = info;
	info = (struct duck_file_info){ 0 };
	return 0;
}

static int take_canonical(void *ctx, const struct json *line, struct err *e)
{
	char **text = ctx;
	const char *where = json_text(json_get(line, "where"));

	if (!where)
		return err_set(e, ERR_FAILED, "larder-duck does not tell the condition");
	free(*text);
	*text = xstrdup(where);
	return 0;
}

int duck_filter(const char *where, char **ret_canonical, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *canonical = NULL;
	struct json_out o = client_request(&text, "filter");

	json_add_text(&o, "where", where);
	if (client_call(&(struct client_call){ .request = &o,
					       .deadline_ms = FILTER_DEADLINE_MS,
					       .ctx = &canonical,
					       .on_line = take_canonical },
			e) < 0)
		return e->code;
	*ret_canonical = TAKE(canonical);
	return 0;
}
