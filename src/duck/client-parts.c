/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/client.h"
#include "duck/parts.h"

#define PARTS_DEADLINE_MS 600000

void duck_parts_release(struct duck_parts_result *result)
{
	for (size_t i = 0; i < result->count; i++)
		duck_file_info_release(&result->parts[i]);
	free(result->parts);
	free(result->patched);
	free(result->borders);
	*result = (struct duck_parts_result){ 0 };
}

static int take_line(void *ctx, const struct json *line, struct err *e)
{
	struct duck_parts_result *made = ctx;
	AUTO_BUF struct buf borders = BUF_INIT(DUCK_BORDERS_MAX);

	if (json_get(line, "done")) {
		json_print(json_get(line, "borders"), &borders, false);
		if (borders.full)
			return err_set(e, ERR_LIMIT, "the borders of the parts are over %zu bytes",
				       DUCK_BORDERS_MAX);
		free(made->borders);
		made->borders = buf_take(&borders);
		return 0;
	}
	if (made->count >= DUCK_PARTS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d parts", DUCK_PARTS_MAX);
	made->parts = xgrow(made->parts, &made->capacity, made->count + 1, sizeof(*made->parts));
	made->patched = xgrow(made->patched, &made->patched_capacity, made->count + 1,
			      sizeof(*made->patched));
	made->patched[made->count] = (int)json_int(json_get(line, "patch"), -1);
	client_read_info(line, &made->parts[made->count++]);
	return 0;
}

int duck_parts(const struct duck_parts *request, struct duck_parts_result *ret_result,
	       struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO(duck_parts_release) struct duck_parts_result made = { 0 };
	struct json_out o = client_request(&text, "parts");
	struct client_call call = { .request = &o, .ctx = &made, .on_line = take_line };

	call.deadline_ms = request->deadline_ms ? request->deadline_ms : PARTS_DEADLINE_MS;
	json_add_texts(&o, "inputs", request->inputs);
	json_add_text(&o, "format", client_format_name(request->format));
	json_add_texts(&o, "key", request->key);
	if (request->borders)
		json_add_raw(&o, "borders", bytes_of(request->borders));
	json_add_texts(&o, "before", request->before);
	json_add_text(&o, "output", request->output);
	if (request->memory_bytes > 0)
		json_add_int(&o, "memory_bytes", request->memory_bytes);
	if (client_call(&call, e) < 0)
		return e->code;
	*ret_result = made;
	made = (struct duck_parts_result){ 0 };
	return 0;
}
