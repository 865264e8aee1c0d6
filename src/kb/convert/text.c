/* SPDX-License-Identifier: Apache-2.0 */
/* Markdown and plain text: the bytes as UTF-8, and the images that Markdown shows. */
#include "base/file.h"
#include "engine/journal.h"
#include "kb/convert/convert-internal.h"
#include "kb/front.h"
#include "kb/page.h"

#include <errno.h>
#include <fcntl.h>

/* What Windows-1252 has from 0x80 to 0x9f; 0: nothing. */
static const uint16_t windows[32] = {
	0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
	0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
	0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
};

static bool is_utf8(struct bytes text)
{
	const unsigned char *p = (const unsigned char *)text.p;

	for (size_t i = 0; i < text.n;) {
		size_t n = p[i] < 0x80 ? 1 : p[i] >= 0xf0 ? 4 : p[i] >= 0xe0 ? 3 : 2;

		if (n > text.n - i || (n > 1 && (p[i] < 0xc2 || p[i] > 0xf4)))
			return false;
		for (size_t k = 1; k < n; k++)
			if ((p[i + k] & 0xc0) != 0x80)
				return false;
		i += n;
	}
	return true;
}

static void add_code_point(struct buf *out, unsigned c)
{
	if (c < 0x80)
		buf_addc(out, (char)c);
	else if (c < 0x800)
		buf_addf(out, "%c%c", (char)(0xc0 | c >> 6), (char)(0x80 | (c & 0x3f)));
	else
		buf_addf(out, "%c%c%c", (char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 0x3f)),
			 (char)(0x80 | (c & 0x3f)));
}

static void add_windows(struct bytes raw, struct buf *out)
{
	for (size_t i = 0; i < raw.n; i++) {
		unsigned c = (unsigned char)raw.p[i];

		if (c >= 0x80 && c < 0xa0)
			c = windows[c - 0x80] ? windows[c - 0x80] : 0xfffd;
		add_code_point(out, c);
	}
}

/* Lines end in a newline, form feeds too; other control characters go. */
static void add_lines(struct bytes text, struct buf *out)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c == '\r' && i + 1 < text.n && text.p[i + 1] == '\n')
			continue;
		if (c == '\r' || c == '\f')
			buf_addc(out, '\n');
		else if (c >= 0x20 || c == '\n' || c == '\t')
			buf_addc(out, (char)c);
	}
}

void convert_clean_text(struct bytes raw, struct buf *out)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);

	if (raw.n >= 3 && memcmp(raw.p, "\xef\xbb\xbf", 3) == 0)
		raw = (struct bytes){ raw.p + 3, raw.n - 3 };
	if (is_utf8(raw)) {
		add_lines(raw, out);
		return;
	}
	add_windows(raw, &text);
	add_lines(buf_bytes(&text), out);
}

struct pictures {
	const struct convert_job *job;
	struct converted *c;
	char *folder;            /* of the document; NULL: it lies nowhere */
	struct strv seen, names; /* path in the text, name in the wiki: the same picture once */
	int64_t bytes;
	struct err failed; /* the first that was the disk's */
};

/* A path of the text may not leave the folder it lies in, and is no link out of it. */
static bool is_inside(const char *path)
{
	size_t n;

	for (const char *s = path; *s; s += n + (s[n] == '/')) {
		n = strcspn(s, "/");
		if (n == 2 && memcmp(s, "..", 2) == 0)
			return false;
	}
	return path[0] != '/' && path[0] != '\0';
}

static bool is_remote(const char *path)
{
	return strstr(path, "://") || str_starts(path, "data:") || str_starts(path, "//") ||
	       path[0] == '#' || str_starts(path, "mailto:");
}

/* "%20" in a path is a blank. */
static char *decoded(struct bytes raw)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	for (size_t i = 0; i < raw.n; i++) {
		char digits[3] = "";
		unsigned char byte;

		if (raw.p[i] == '%' && i + 2 < raw.n)
			memcpy(digits, raw.p + i + 1, 2);
		if (digits[0] && hex_decode(digits, 1, &byte) == 0 && byte >= 0x20) {
			buf_addc(&out, (char)byte);
			i += 2;
		} else if (raw.p[i] != '\0') {
			buf_addc(&out, raw.p[i]);
		}
	}
	return buf_take(&out);
}

static char *free_name(const struct pictures *p, const char *path)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *name = xstrdup(slash ? slash + 1 : path);
	const char *dot;

	for (char *c = name; *c; c++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-",
			    *c))
			*c = '_';
	if (name[0] == '.')
		name[0] = '_';
	if (strlen(name) > 150)
		name[150] = '\0';
	dot = strrchr(name, '.');
	for (int n = 0;; n++) {
		char *tried =
			n ? xasprintf("%.*s_%d%s", (int)(dot ? (size_t)(dot - name) : strlen(name)),
				      name, n, dot ? dot : "")
			  : xstrdup(name);

		if (!strv_has(&p->names, tried))
			return tried;
		free(tried);
	}
}

static int copy_fd(int from, int to, const char *name, int64_t *ret_bytes, struct err *e)
{
	char piece[65536];
	ssize_t n;
	int r;

	while ((n = read(from, piece, sizeof(piece))) > 0) {
		r = file_write_all(to, (struct bytes){ piece, (size_t)n }, name, e);
		if (r < 0)
			return r;
		*ret_bytes += n;
	}
	return n < 0 ? err_sys(e, "read '%s'", name) : 0;
}

/* 0 and no staged name when there is no such picture, or it is too large: its link stays. */
static int stage_picture(struct pictures *p, const char *path, char **ret_staged, struct err *e)
{
	AUTO_FREE char *full = xasprintf("%s/%s", p->folder, path);
	AUTO_FREE char *staged = NULL;
	AUTO_FD int from = -1, to = -1;
	struct stat st;
	int r;

	from = open(full, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (from < 0 || fstat(from, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size > CONVERT_IMAGE_BYTES_MAX ||
	    p->bytes + st.st_size > CONVERT_IMAGES_BYTES_MAX ||
	    p->c->image_count >= CONVERT_IMAGES_MAX)
		return 0;
	staged = kb_stage_name(p->job->kb, "image");
	r = journal_stage_create(kb_root(p->job->kb), staged, &to, e);
	if (r == 0)
		r = copy_fd(from, to, path, &p->bytes, e);
	if (r == 0)
		*ret_staged = TAKE(staged);
	return r;
}

static void warn(struct pictures *p, const char *path)
{
	if (p->c->warnings.n < CONVERT_WARNINGS_MAX)
		strv_addf(&p->c->warnings, "the picture '%.200s' is not there", path);
}

/* The picture's name in the wiki; NULL keeps what the text says. */
static const char *take_picture(struct pictures *p, const char *path)
{
	AUTO_FREE char *staged = NULL;
	AUTO_FREE char *name = NULL;

	for (size_t i = 0; i < p->seen.n; i++)
		if (str_eq(p->seen.v[i], path))
			return p->names.v[i];
	if (!p->folder || is_remote(path))
		return NULL;
	if (!is_inside(path)) {
		warn(p, path);
		return NULL;
	}
	if (p->failed.code < 0 || stage_picture(p, path, &staged, &p->failed) < 0)
		return NULL;
	if (!staged) {
		warn(p, path);
		return NULL;
	}
	name = free_name(p, path);
	converted_add_image(p->c, staged, name);
	strv_add(&p->seen, path);
	strv_adopt(&p->names, TAKE(name));
	return p->names.v[p->names.n - 1];
}

/* At "![": the whole picture goes to `out` with its new place; 0 when it is none. */
static size_t add_picture(struct pictures *p, struct bytes text, size_t at, struct buf *out)
{
	size_t limit = text.n - at > 2000 ? at + 2000 : text.n;
	size_t close = at + 2, from, end;
	const char *name;

	while (close < limit && text.p[close] != ']' && text.p[close] != '\n')
		close++;
	if (close + 1 >= limit || text.p[close] != ']' || text.p[close + 1] != '(')
		return 0;
	from = close + 2 + (text.p[close + 2] == '<');
	for (end = from; end < limit && !strchr(") \n>", text.p[end]);)
		end++;
	if (end == limit || text.p[end] == '\n')
		return 0;
	AUTO_FREE char *path = decoded((struct bytes){ text.p + from, end - from });

	name = take_picture(p, path);
	if (!name)
		return 0;
	buf_add(out, text.p + at, close + 2 - at);
	buf_addf(out, "sources/images/%s/%s", p->job->doc_name, name);
	return end + (text.p[end] == '>') - at;
}

static int add_pictures(struct pictures *p, struct bytes text, struct buf *out, struct err *e)
{
	for (size_t i = 0; i < text.n;) {
		size_t n = text.p[i] == '!' && i + 2 < text.n && text.p[i + 1] == '['
				   ? add_picture(p, text, i, out)
				   : 0;

		if (n == 0)
			buf_addc(out, text.p[i]);
		i += n ? n : 1;
	}
	if (p->failed.code < 0)
		*e = p->failed;
	return p->failed.code;
}

static int with_pictures(const struct convert_job *job, struct bytes text, struct converted *ret,
			 struct err *e)
{
	struct pictures p = { .job = job, .c = ret };
	const char *slash = job->original ? strrchr(job->original, '/') : NULL;
	int r;

	if (job->original)
		p.folder = slash ? xstrndup(job->original, (size_t)(slash - job->original))
				 : xstrdup(".");
	r = add_pictures(&p, text, &ret->text, e);
	free(p.folder);
	strv_release(&p.seen);
	strv_release(&p.names);
	return r;
}

static int read_staged(const struct convert_job *job, struct buf *raw, struct err *e)
{
	AUTO_FREE char *path = journal_stage_path(kb_root(job->kb), job->staged);

	return file_read(AT_FDCWD, path, CONVERT_TEXT_MAX, raw, e);
}

int convert_text(const struct convert_job *job, bool markdown, struct converted *ret, struct err *e)
{
	AUTO_BUF struct buf raw = BUF_INIT(CONVERT_TEXT_MAX);
	AUTO_BUF struct buf text = BUF_INIT(CONVERT_TEXT_MAX);
	int r = read_staged(job, &raw, e);

	if (r == ERR_LIMIT || (r == 0 && raw.full)) {
		convert_refuse(ret, CONVERT_TOO_LARGE, "its text is over %zu bytes",
			       CONVERT_TEXT_MAX);
		return 0;
	}
	if (r < 0)
		return r;
	if (raw.n > 0 && memchr(raw.p, '\0', raw.n < 8000 ? raw.n : 8000)) {
		convert_refuse(ret, CONVERT_DAMAGED, "it is no text: it has NUL bytes");
		return 0;
	}
	convert_clean_text(buf_bytes(&raw), &text);
	if (text.full) {
		convert_refuse(ret, CONVERT_TOO_LARGE, "its text is over %zu bytes",
			       CONVERT_TEXT_MAX);
		return 0;
	}
	if (!convert_has_text(buf_bytes(&text))) {
		convert_refuse(ret, CONVERT_EMPTY, "there is no text in it");
		return 0;
	}
	if (markdown) {
		ret->title = front_text(buf_bytes(&text), "title");
		if (!ret->title)
			ret->title = page_title(buf_bytes(&text));
		return with_pictures(job, buf_bytes(&text), ret, e);
	}
	buf_add(&ret->text, text.p, text.n);
	return 0;
}
