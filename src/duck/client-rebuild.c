/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/client.h"
#include "duck/patch.h"

/* A part is made in a tenth of a second. */
#define REBUILD_DEADLINE_MS 60000

static int take_line(void *ctx, const struct json *line, struct err *e)
{
	(void)ctx;
	(void)line;
	(void)e;
	return 0;
}

int duck_rebuild(const struct duck_rebuild *request, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = client_request(&text, "rebuild");
	const struct client_call call = { .request = &o,
					  .deadline_ms = REBUILD_DEADLINE_MS,
					  .on_line = take_line };

	json_add_text(&o, "before", request->before);
	json_add_text(&o, "patch", request->patch);
	json_add_text(&o, "output", request->output);
	json_add_int(&o, "file_bytes", request->output_bytes);
	return client_call(&call, e);
}
