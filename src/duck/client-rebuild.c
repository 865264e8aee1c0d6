/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proc.h"
#include "duck/client.h"
#include "duck/patch.h"

/* A part is made in a tenth of a second. */
#define REBUILD_DEADLINE_MS 60000

struct duck_rebuilder {
	struct proc *child;
};

void duck_rebuilder_free(struct duck_rebuilder *d)
{
	if (!d)
		return;
	proc_free(d->child);
	free(d);
}

int duck_rebuilder_start(const struct duck_rebuilder_options *options,
			 struct duck_rebuilder **ret_rebuilder, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = client_request(&text, "rebuild");
	AUTO_DUCK_REBUILDER struct duck_rebuilder *d = xcalloc(1, sizeof(*d));

	json_add_text(&o, "versions", options->versions);
	json_add_text(&o, "staging", options->staging);
	json_add_int(&o, "file_bytes", options->file_bytes);
	if (client_start("--stream", &(struct proc_options){ .talk = true }, &d->child, e) < 0)
		return e->code;
	if (client_say(d->child, &o, e) < 0)
		return e->code;
	*ret_rebuilder = TAKE(d);
	return 0;
}

int duck_rebuild(struct duck_rebuilder *d, const struct duck_rebuild *request, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *line = NULL;
	struct json_out o = client_request(&text, "rebuild");
	struct err closed = { 0 }; /* why it takes nothing more, it says itself */
	struct bytes answer;
	int r;

	json_add_text(&o, "before", request->before);
	json_add_text(&o, "patch", request->patch);
	json_add_text(&o, "output", request->output);
	proc_set_deadline(d->child, REBUILD_DEADLINE_MS);
	(void)client_say(d->child, &o, &closed);
	r = proc_read_line(d->child, &answer, e);
	if (r == 0)
		r = client_died(d->child, e);
	if (r < 0)
		return r;
	proc_set_deadline(d->child, 0);
	if (json_parse(answer, PROC_LINE_MAX, &line, e) < 0)
		return err_in(e, "larder-duck answered");
	return client_take_error(line, e);
}
