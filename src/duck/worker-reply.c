/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker.h"

#include "base/file.h"
#include <fcntl.h>

/* Large enough that a result of a million rows is some hundred writes, small enough that the first
 * rows are seen at once. */
#define FLUSH_AT ((size_t)64 << 10)

int reply_open(struct reply *r, struct err *e)
{
	*r = (struct reply){ .fd = -1, .text = BUF_INIT(BUF_OWN_MAX) };
	r->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (r->fd < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return err_sys(e, "take over stdout");
	return 0;
}

void reply_close(struct reply *r)
{
	auto_fd_(&r->fd);
	buf_release(&r->text);
}

struct json_out *reply_line(struct reply *r)
{
	r->line = json_out(&r->text);
	return &r->line;
}

int reply_flush(struct reply *r, struct err *e)
{
	if (r->text.full)
		return err_set(e, ERR_LIMIT, "the answer is larger than %zu bytes", r->text.max);
	if (file_write_all(r->fd, buf_bytes(&r->text), "answer", e) < 0)
		return e->code;
	buf_clear(&r->text);
	return 0;
}

int reply_end_line(struct reply *r, struct err *e)
{
	buf_addc(&r->text, '\n');
	return r->text.full || r->text.n >= FLUSH_AT ? reply_flush(r, e) : 0;
}

int reply_done(struct reply *r, struct err *e)
{
	struct json_out *o = reply_line(r);

	json_open(o, NULL, '{');
	json_add_bool(o, "done", true);
	json_close(o);
	return reply_end_line(r, e);
}

int reply_error(struct reply *r, const struct err *why, struct err *e)
{
	struct json_out *o;

	if (r->text.full)
		buf_clear(&r->text);
	o = reply_line(r);
	json_open(o, NULL, '{');
	json_add_text(o, "error", why->msg);
	json_add_text(o, "code", err_word(why->code));
	if (why->hint[0])
		json_add_text(o, "hint", why->hint);
	json_close(o);
	return reply_end_line(r, e);
}
