/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/turns.h"

#include "base/lines.h"
#include "base/str.h"
#include "sessions/redact.h"
#include <errno.h>
#include <fcntl.h>

#define PIECE ((size_t)64 << 10)

void turns_release(struct turns *turns)
{
	for (size_t i = 0; i < turns->n; i++)
		free(turns->v[i].text);
	free(turns->v);
	*turns = (struct turns){ 0 };
}

static bool is_one_of(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; word && i < n; i++) {
		if (str_eq(word, words[i]))
			return true;
	}
	return false;
}

/* What the harness writes in a user's name begins so. */
static bool is_machine_talk(const char *text)
{
	static const char *const starts[] = {
		"<command-name>",
		"<command-message>",
		"<local-command",
		"<system-reminder>",
		"<task-notification>",
		"<bash-",
		"[Request interrupted",
		"Caveat: The messages below",
		"This session is being continued",
	};

	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		if (str_starts(text, starts[i]))
			return true;
	}
	return false;
}

static bool is_talk(const struct json *line)
{
	static const char *const others[] = { "system", "summary", "file-history-snapshot",
					      "queue-operation", "progress" };

	return json_kind(line) == JSON_OBJECT &&
	       !is_one_of(json_text(json_get(line, "type")), others, ARRAY_LEN(others)) &&
	       !json_flag(json_get(line, "isMeta"), false) &&
	       !json_flag(json_get(line, "isSidechain"), false) &&
	       !json_flag(json_get(line, "isCompactSummary"), false);
}

/* Leaves no half letter behind. */
static void add_cut(struct buf *out, struct bytes text)
{
	size_t left = TURN_TEXT_MAX - out->n;
	size_t n = text.n < left ? text.n : left;

	while (n > 0 && n < text.n && ((unsigned char)text.p[n] & 0xC0) == 0x80)
		n--;
	buf_add(out, text.p, n);
}

static void add_text(struct buf *out, const struct json *text)
{
	struct bytes bytes = json_bytes(text);

	if (bytes.n == 0 || is_machine_talk(bytes.p))
		return;
	if (out->n > 0)
		add_cut(out, BYTES_LITERAL("\n"));
	add_cut(out, bytes);
}

static void read_content(const struct json *content, struct buf *out)
{
	if (json_kind(content) == JSON_TEXT)
		add_text(out, content);
	for (size_t i = 0; json_kind(content) == JSON_ARRAY && i < json_size(content); i++) {
		const struct json *block = json_at(content, i);

		if (str_eq(json_text(json_get(block, "type")), "text"))
			add_text(out, json_get(block, "text"));
	}
}

/* What is made of it is shown to people and models: clean UTF-8, and no token, also of clients that
 * took none out. */
static char *clean(const struct buf *text)
{
	AUTO_BUF struct buf plain = BUF_INIT(BUF_OWN_MAX);
	struct buf out = BUF_INIT(BUF_OWN_MAX);

	(void)redact_text(buf_bytes(text), &plain);
	text_add_lines(&out, buf_bytes(&plain));
	return buf_take(&out);
}

/* Twice the room, so that dropping the oldest is rare. */
static void append(struct turns *turns, bool by_user, char *text)
{
	if (turns->n == TURNS_MAX * (size_t)2) {
		for (size_t i = 0; i < TURNS_MAX; i++)
			free(turns->v[i].text);
		memmove(turns->v, turns->v + TURNS_MAX, TURNS_MAX * sizeof(*turns->v));
		turns->n = TURNS_MAX;
	}
	turns->v = xgrow(turns->v, &turns->capacity, turns->n + 1, sizeof(*turns->v));
	turns->v[turns->n++] =
		(struct turn){ .by_user = by_user, .text = text, .line = turns->lines };
}

void turns_add_line(struct turns *turns, struct bytes line)
{
	AUTO_JSON struct json *json = NULL;
	AUTO_BUF struct buf text = BUF_INIT(TURN_TEXT_MAX);
	const struct json *message;
	const char *role;
	struct err ignored = { 0 }; /* counted instead */

	turns->lines++;
	if (line.n == 0)
		return;
	if (json_parse(line, TURN_LINE_MAX, &json, &ignored) < 0) {
		turns->bad_lines++;
		return;
	}
	if (!is_talk(json))
		return;
	message = json_get(json, "message");
	if (json_kind(message) != JSON_OBJECT)
		message = json;
	role = json_text(json_get(message, "role"));
	if (!str_eq(role, "user") && !str_eq(role, "assistant"))
		return;
	read_content(json_get(message, "content"), &text);
	if (text.n > 0)
		append(turns, str_eq(role, "user"), clean(&text));
}

struct reading {
	struct turns *turns;
	struct buf line; /* full: the line is over its limit, and passed over */
};

static void reading_release(struct reading *r)
{
	buf_release(&r->line);
}

static void end_line(struct reading *r)
{
	if (r->line.full) {
		r->turns->lines++;
		r->turns->bad_lines++;
	} else {
		turns_add_line(r->turns, buf_bytes(&r->line));
	}
	buf_clear(&r->line);
}

static void take_piece(struct reading *r, const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));

		buf_add(&r->line, p, (size_t)((newline ? newline : end) - p));
		if (!newline)
			return;
		end_line(r);
		p = newline + 1;
	}
}

static void keep_newest(struct turns *turns)
{
	size_t extra = turns->n > TURNS_MAX ? turns->n - TURNS_MAX : 0;

	for (size_t i = 0; i < extra; i++)
		free(turns->v[i].text);
	if (extra > 0)
		memmove(turns->v, turns->v + extra, TURNS_MAX * sizeof(*turns->v));
	turns->n -= extra;
}

int turns_read(const char *path, struct turns *ret, struct err *e)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	AUTO(reading_release) struct reading r = { .turns = ret, .line = BUF_INIT(TURN_LINE_MAX) };
	AUTO_FREE char *piece = xmalloc(PIECE);
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "'%s' is gone", path);
	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	while ((n = read(fd, piece, PIECE)) > 0)
		take_piece(&r, piece, (size_t)n);
	if (n < 0)
		return err_sys(e, "read '%s'", path);
	if (r.line.n > 0 || r.line.full)
		end_line(&r); /* without its end: torn, or just the last */
	keep_newest(ret);
	return 0;
}
