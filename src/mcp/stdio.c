/* SPDX-License-Identifier: Apache-2.0 */
#include "mcp/stdio.h"

#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include <errno.h>
#include <poll.h>

#define CHUNK ((size_t)64 << 10)

struct mcp_lines {
	int in, out;
	struct buf text; /* read, not yet a whole line */
	bool skipping;   /* the rest of a line that is too long */
	bool ended;
	struct json *pending[MCP_PENDING_MAX]; /* NULL: was cancelled */
	size_t pending_count;
	const struct json *running; /* NULL between requests */
	bool cancelled;             /* ... it was */
	struct err failure;         /* of writing, inside the watch */
	struct proc_watch watch;
};

static int send_line(struct mcp_lines *l, struct buf *reply, struct err *e)
{
	if (reply->n == 0)
		return 0;
	buf_addc(reply, '\n');
	return file_write_all(l->out, buf_bytes(reply), "the client", e);
}

static void refuse_line(struct mcp_lines *l, enum mcp_error code, const char *why)
{
	AUTO_BUF struct buf reply = BUF_INIT(MCP_REPLY_MAX);

	mcp_refuse(NULL, code, why, &reply);
	(void)send_line(l, &reply, &l->failure); /* looked at by the loop */
}

static bool same_id(const struct json *a, const struct json *b)
{
	if (json_kind(a) != json_kind(b))
		return false;
	if (json_kind(a) == JSON_TEXT)
		return bytes_equal(json_bytes(a), json_bytes(b));
	return json_kind(a) == JSON_INT && json_int(a, 0) == json_int(b, 1);
}

static const struct json *id_of(const struct json *message)
{
	return json_get(message, "id");
}

/* True when the notification cancels something that runs or waits. */
static void cancel(struct mcp_lines *l, const struct json *message)
{
	const struct json *id = json_get(json_get(message, "params"), "requestId");

	if (l->running && same_id(id_of(l->running), id))
		l->cancelled = true;
	for (size_t i = 0; i < l->pending_count; i++) {
		if (!same_id(id_of(l->pending[i]), id))
			continue;
		json_free(l->pending[i]);
		l->pending[i] = NULL;
	}
}

static void take_message(struct mcp_lines *l, struct bytes line)
{
	AUTO_JSON struct json *message = NULL;
	struct mcp_head head;
	struct err why = { 0 };

	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (line.n == 0)
		return;
	if (json_parse(line, MCP_MESSAGE_MAX, &message, &why) < 0) {
		refuse_line(l, MCP_PARSE_ERROR, why.msg);
		return;
	}
	head = mcp_head_of(message);
	if (head.is_notification && str_eq(head.method, "notifications/cancelled"))
		cancel(l, message);
	else
		l->pending[l->pending_count++] = TAKE(message);
}

/* Whole lines become messages, as long as there is room for them. */
static void take_lines(struct mcp_lines *l)
{
	size_t given = 0;
	const char *newline;

	while (l->pending_count < MCP_PENDING_MAX &&
	       (newline = memchr(buf_str(&l->text) + given, '\n', l->text.n - given))) {
		const char *from = buf_str(&l->text) + given;
		size_t n = (size_t)(newline - from);

		if (!l->skipping)
			take_message(l, (struct bytes){ from, n });
		l->skipping = false;
		given += n + 1;
	}
	l->text.n -= given;
	if (given > 0)
		memmove(l->text.p, l->text.p + given, l->text.n);
	if (l->text.n <= MCP_MESSAGE_MAX || l->pending_count == MCP_PENDING_MAX)
		return;
	if (!l->skipping)
		refuse_line(l, MCP_INVALID_REQUEST, "the message is too long");
	l->skipping = true;
	buf_clear(&l->text);
}

static bool wants_more(const struct mcp_lines *l)
{
	return !l->ended && l->pending_count < MCP_PENDING_MAX;
}

static int read_some(struct mcp_lines *l, struct err *e)
{
	char *room = buf_reserve(&l->text, CHUNK);
	ssize_t n = room ? read(l->in, room, CHUNK) : 0;

	if (n < 0 && errno != EINTR)
		return err_sys(e, "read from the client");
	if (n > 0)
		l->text.n += (size_t)n;
	if (n == 0) {
		l->ended = true;
		if (l->text.n > 0 && !l->skipping)
			buf_addc(&l->text, '\n'); /* the last line lacks it */
	}
	take_lines(l);
	return 0;
}

/* A child of the running tool is waited for, and the client has something to say. */
static bool heard(void *ctx)
{
	struct mcp_lines *l = ctx;
	struct err ignored = { 0 };

	if (wants_more(l) && read_some(l, &ignored) < 0)
		l->ended = true; /* nobody is left to answer */
	if (!wants_more(l))
		l->watch.fd = -1;
	return l->cancelled;
}

struct mcp_lines *mcp_lines_new(int in, int out)
{
	struct mcp_lines *l = xcalloc(1, sizeof(*l));

	l->in = in;
	l->out = out;
	l->text.max = MCP_MESSAGE_MAX + 2 * CHUNK;
	l->watch = (struct proc_watch){ .fd = in, .ctx = l, .heard = heard };
	return l;
}

void mcp_lines_free(struct mcp_lines *lines)
{
	if (!lines)
		return;
	for (size_t i = 0; i < lines->pending_count; i++)
		json_free(lines->pending[i]);
	buf_release(&lines->text);
	free(lines);
}

const struct proc_watch *mcp_lines_watch(struct mcp_lines *lines)
{
	return &lines->watch;
}

/* NULL at the end of the input, or for a request that was cancelled meanwhile. */
static struct json *first_pending(struct mcp_lines *l)
{
	struct json *first = l->pending[0];

	l->pending_count--;
	memmove(l->pending, l->pending + 1, l->pending_count * sizeof(*l->pending));
	take_lines(l);
	return first;
}

static int answer(struct mcp_lines *l, const struct mcp_server *server, const struct json *message,
		  struct err *e)
{
	AUTO_BUF struct buf reply = BUF_INIT(MCP_REPLY_MAX);

	l->running = message;
	l->cancelled = false;
	l->watch.fd = wants_more(l) ? l->in : -1;
	(void)mcp_answer(server, message, &reply); /* the code is for HTTP's status */
	l->running = NULL;
	return l->cancelled ? 0 : send_line(l, &reply, e);
}

int mcp_lines_serve(struct mcp_lines *l, const struct mcp_server *server, struct err *e)
{
	while (!l->failure.code) {
		AUTO_JSON struct json *message = NULL;

		if (l->pending_count == 0) {
			if (l->ended)
				return 0;
			if (read_some(l, e) < 0)
				return e->code;
			continue;
		}
		message = first_pending(l);
		if (message && answer(l, server, message, e) < 0)
			return e->code;
	}
	*e = l->failure;
	return e->code;
}
