/* SPDX-License-Identifier: Apache-2.0 */
/* A conversion whose rows are written to the child while it works. */
#include "duck/client.h"

#include "base/proc.h"

struct duck_stream {
	struct proc *child;
	struct duck_file_info info;
	bool done;
};

void duck_stream_free(struct duck_stream *s)
{
	if (!s)
		return;
	proc_free(s->child);
	duck_file_info_release(&s->info);
	free(s);
}

int duck_stream_begin(const struct duck_convert *request, struct duck_stream **ret_stream,
		      struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = client_request(&text, "convert");
	const struct proc_options options = { .talk = true, .deadline_ms = request->deadline_ms };
	AUTO_DUCK_STREAM struct duck_stream *s = xcalloc(1, sizeof(*s));

	json_add_bool(&o, "stream", true);
	client_add_convert(&o, request);
	json_close(&o);
	buf_addc(&text, '\n');
	if (client_start("--stream", &options, &s->child, e) < 0)
		return e->code;
	if (duck_stream_write(s, buf_bytes(&text), e) < 0)
		return e->code;
	*ret_stream = TAKE(s);
	return 0;
}

static int take(struct duck_stream *s, struct bytes text, struct err *e)
{
	AUTO_JSON struct json *line = NULL;

	if (json_parse(text, PROC_LINE_MAX, &line, e) < 0)
		return err_in(e, "larder-duck answered");
	if (client_take_error(line, e) < 0)
		return e->code;
	s->done = json_get(line, "done") != NULL;
	if (json_get(line, "index")) {
		duck_file_info_release(&s->info);
		client_read_info(line, &s->info);
	}
	return 0;
}

static int read_answer(struct duck_stream *s, struct err *e)
{
	struct bytes line;
	int r;

	while ((r = proc_read_line(s->child, &line, e)) > 0)
		if (take(s, line, e) < 0)
			return e->code;
	if (r < 0)
		return e->code;
	return s->done ? 0 : client_died(s->child, e);
}

int duck_stream_write(struct duck_stream *s, struct bytes rows, struct err *e)
{
	struct err why = { 0 };
	int r = proc_write(s->child, rows, &why);

	/* Who reads no more says why. */
	if (r == ERR_IO && read_answer(s, e) < 0)
		return e->code;
	if (r < 0)
		*e = why;
	return r;
}

int duck_stream_end(struct duck_stream *s, struct duck_file_info *ret_info, struct err *e)
{
	proc_end_input(s->child);
	if (read_answer(s, e) < 0)
		return e->code;
	*ret_info = s->info;
	s->info = (struct duck_file_info){ 0 };
	return 0;
}
