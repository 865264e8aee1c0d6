/* SPDX-License-Identifier: Apache-2.0 */
#include "net/multipart.h"

#include "base/str.h"
#include <strings.h>

#define FORM_TYPE "multipart/form-data"

enum where {
	BEFORE,   /* the first boundary */
	BOUNDARY, /* behind one: "--" ends all, a line end starts a part */
	HEAD,
	DATA,
	AFTER, /* the last boundary: whatever comes is nobody's */
};

struct multipart {
	struct multipart_sink sink;
	char mark[MULTIPART_BOUNDARY_MAX + 5]; /* CR LF -- boundary */
	size_t mark_n;
	size_t matched; /* of mark, while BEFORE or DATA */
	enum where where;
	char tail[2]; /* of BOUNDARY */
	size_t tail_n;
	struct buf head;
	unsigned parts;
};

/* ' ' may be inside but not at the end (RFC 2046); nobody sends it, and we refuse it. */
static bool is_boundary(const char *s, size_t n)
{
	static const char allowed[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'()+_,-./:=?";

	return n > 0 && n <= MULTIPART_BOUNDARY_MAX && strspn(s, allowed) >= n;
}

/* The value of `key` behind a ';', quoted or not; the caller owns it. NULL when it is not there. */
static char *parameter(const char *s, const char *key)
{
	AUTO_BUF struct buf value = BUF_INIT(MULTIPART_HEAD_MAX);
	size_t n = strlen(key);

	while ((s = strchr(s, ';')) != NULL) {
		s += 1 + strspn(s + 1, " \t");
		if (strncasecmp(s, key, n) == 0 && s[n] == '=')
			break;
		/* A quoted text may hold a ';': it is not the end of this parameter. */
		for (bool quoted = false; *s && (quoted || *s != ';'); s++) {
			if (quoted && *s == '\\' && s[1])
				s++;
			else if (*s == '"')
				quoted = !quoted;
		}
	}
	if (!s)
		return NULL;
	s += n + 1;
	if (*s != '"')
		return xstrndup(s, strcspn(s, "; \t"));
	for (s++; *s && *s != '"'; s++) {
		if (*s == '\\' && s[1])
			s++;
		buf_addc(&value, *s);
	}
	return *s == '"' ? buf_take(&value) : NULL;
}

int multipart_new(const char *content_type, const struct multipart_sink *sink,
		  struct multipart **ret_multipart, struct err *e)
{
	AUTO_FREE char *boundary = NULL;
	struct multipart *m;

	if (content_type && strncasecmp(content_type, FORM_TYPE, strlen(FORM_TYPE)) == 0)
		boundary = parameter(content_type, "boundary");
	if (!boundary || !is_boundary(boundary, strlen(boundary)))
		return err_set(e, ERR_CORRUPT, "the body is not " FORM_TYPE " with a boundary");
	m = xcalloc(1, sizeof(*m));
	m->sink = *sink;
	m->head = (struct buf)BUF_INIT(MULTIPART_HEAD_MAX);
	(void)snprintf(m->mark, sizeof(m->mark), "\r\n--%s", boundary);
	m->mark_n = strlen(m->mark);
	m->matched = 2; /* the first boundary needs no line before it */
	*ret_multipart = m;
	return 0;
}

void multipart_free(struct multipart *m)
{
	if (!m)
		return;
	buf_release(&m->head);
	free(m);
}

static int give(struct multipart *m, struct bytes piece, struct err *e)
{
	if (piece.n == 0 || m->where != DATA)
		return 0;
	return m->sink.on_data(m->sink.ctx, piece, e);
}

/*
 * Bytes up to the boundary. A CR stands only at the start of the mark, so a match that breaks off
 * was data as a whole, and the byte at hand can only begin a new one. *used is what was taken.
 */
static int take_data(struct multipart *m, struct bytes piece, size_t *used, struct err *e)
{
	size_t i = 0;

	while (i < piece.n && m->matched < m->mark_n) {
		if (piece.p[i] == m->mark[m->matched]) {
			m->matched++;
			i++;
			continue;
		}
		if (m->matched > 0) {
			size_t was = m->matched;

			m->matched = 0;
			if (give(m, (struct bytes){ m->mark, was }, e) < 0)
				return e->code;
			continue;
		}
		const char *cr = memchr(piece.p + i, '\r', piece.n - i);
		size_t n = cr ? (size_t)(cr - piece.p) - i : piece.n - i;

		if (give(m, (struct bytes){ piece.p + i, n }, e) < 0)
			return e->code;
		i += n;
	}
	if (m->matched == m->mark_n) {
		m->where = BOUNDARY;
		m->tail_n = 0;
	}
	*used = i;
	return 0;
}

static int take_tail(struct multipart *m, char c, struct err *e)
{
	if (m->tail_n == 0 && (c == ' ' || c == '\t'))
		return 0; /* padding, which RFC 2046 allows */
	m->tail[m->tail_n++] = c;
	if (m->tail_n < 2)
		return 0;
	if (memcmp(m->tail, "--", 2) == 0) {
		m->where = AFTER;
		return 0;
	}
	if (memcmp(m->tail, "\r\n", 2) != 0)
		return err_set(e, ERR_CORRUPT, "a boundary of the body is followed by other bytes");
	if (++m->parts > MULTIPART_PARTS_MAX)
		return err_set(e, ERR_LIMIT, "the body has more than %d parts",
			       MULTIPART_PARTS_MAX);
	m->where = HEAD;
	buf_clear(&m->head);
	buf_adds(&m->head, "\r\n"); /* so that every line, the first too, has one before it */
	return 0;
}

static int start_part(struct multipart *m, struct err *e)
{
	static const char wanted[] = "\r\nContent-Disposition:";
	const char *line = strcasestr(buf_str(&m->head), wanted);
	AUTO_FREE char *value = NULL;
	AUTO_FREE char *name = NULL;
	AUTO_FREE char *filename = NULL;

	if (memchr(m->head.p, '\0', m->head.n))
		return err_set(e, ERR_CORRUPT, "a part of the body has a NUL in its head");
	if (line) {
		line += strlen(wanted);
		value = xstrndup(line, strcspn(line, "\r"));
		name = parameter(value, "name");
		filename = parameter(value, "filename");
	}
	if (!name)
		return err_set(e, ERR_CORRUPT, "a part of the body has no name");
	m->where = DATA;
	m->matched = 0;
	return m->sink.on_part(m->sink.ctx, name, filename, e);
}

static int take_head(struct multipart *m, char c, struct err *e)
{
	buf_addc(&m->head, c);
	if (m->head.full)
		return err_set(e, ERR_LIMIT, "the head of a part of the body exceeds %zu bytes",
			       MULTIPART_HEAD_MAX);
	if (m->head.n < 4 || memcmp(m->head.p + m->head.n - 4, "\r\n\r\n", 4) != 0)
		return 0;
	return start_part(m, e);
}

int multipart_feed(struct multipart *m, struct bytes piece, struct err *e)
{
	while (piece.n > 0 && m->where != AFTER) {
		size_t used = 1;
		int r;

		if (m->where == BOUNDARY)
			r = take_tail(m, *piece.p, e);
		else if (m->where == HEAD)
			r = take_head(m, *piece.p, e);
		else
			r = take_data(m, piece, &used, e);
		if (r < 0)
			return r;
		piece.p += used;
		piece.n -= used;
	}
	return 0;
}

int multipart_finish(const struct multipart *m, struct err *e)
{
	return m->where == AFTER ? 0 : err_set(e, ERR_CORRUPT, "the body is cut short");
}

void multipart_add_head(struct buf *out, const char *boundary, const char *field,
			const char *filename)
{
	buf_addf(out,
		 "--%s\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"%s\"\r\n"
		 "Content-Type: application/octet-stream\r\n\r\n",
		 boundary, field, filename);
}

void multipart_add_tail(struct buf *out, const char *boundary)
{
	buf_addf(out, "\r\n--%s--\r\n", boundary);
}
