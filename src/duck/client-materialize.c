/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/client.h"

static int take_made(void *ctx, const struct json *line, struct err *e)
{
	struct duck_file_info *info = ctx;

	(void)e;
	if (json_get(line, "index")) {
		duck_file_info_release(info);
		client_read_info(line, info);
	}
	return 0;
}

int duck_materialize(const struct duck_materialize *m, struct duck_file_info *ret_info,
		     struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO(duck_file_info_release) struct duck_file_info info = { 0 };
	struct json_out o = client_request(&text, "materialize");
	struct client_call call = {
		.request = &o, .deadline_ms = m->deadline_ms, .ctx = &info, .on_line = take_made
	};

	json_add_text(&o, "sql", m->sql);
	client_add_tables(&o, m->tables, m->table_count);
	json_add_text(&o, "output", m->output);
	json_add_int(&o, "file_bytes", m->file_bytes);
	if (m->memory_bytes > 0)
		json_add_int(&o, "memory_bytes", m->memory_bytes);
	if (client_call(&call, e) < 0)
		return e->code;
	*ret_info = info;
	info = (struct duck_file_info){ 0 };
	return 0;
}
