/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a converter gives, into its folder. Not durable and not through the journal: the parent
 * reads it, makes it its own, and removes the folder.
 */
#include "base/file.h"
#include "base/json.h"
#include "kb/convert/worker.h"

#include <fcntl.h>

void output_release(struct output *out)
{
	buf_release(&out->text);
	free(out->title);
	free(out->why);
	strv_release(&out->warnings);
}

void output_page(struct output *out, int64_t page)
{
	if (out->text.n > 0 && out->text.p[out->text.n - 1] != '\n')
		buf_addc(&out->text, '\n');
	buf_addf(&out->text, "<!-- page %lld -->\n", (long long)page);
	if (page > out->pages)
		out->pages = page;
}

static int write_file(const struct output *out, const char *path, struct bytes contents,
		      struct err *e)
{
	AUTO_FD int fd = -1;

	if (out->folder < 0)
		return 0;
	fd = openat(out->folder, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return err_sys(e, "create '%s'", path);
	return file_write_all(fd, contents, path, e);
}

int output_image(struct output *out, const char *name, struct bytes contents, struct err *e)
{
	AUTO_FREE char *path = xasprintf("images/%s", name);

	return write_file(out, path, contents, e);
}

void output_warn(struct output *out, const char *fmt, ...)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	if (out->warnings.n < CONVERT_WARNINGS_MAX)
		strv_add(&out->warnings, buf_str(&text));
}

int output_refuse(struct output *out, enum convert_outcome outcome, const char *fmt, ...)
{
	AUTO_BUF struct buf why = BUF_INIT(BUF_OWN_MAX);
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&why, fmt, ap);
	va_end(ap);
	free(out->why);
	out->why = buf_take(&why);
	out->outcome = outcome;
	return 0;
}

static void add_result(const struct output *out, struct buf *text)
{
	struct json_out o = json_out(text);

	json_open(&o, NULL, '{');
	json_add_text(&o, "outcome", convert_outcome_word(out->outcome));
	json_add_text(&o, "error", out->why);
	json_add_text(&o, "title", out->title);
	if (out->pages >= 0)
		json_add_int(&o, "pages", out->pages);
	json_add_texts(&o, "warnings", &out->warnings);
	json_close(&o);
}

int output_finish(struct output *out, struct err *e)
{
	AUTO_BUF struct buf result = BUF_INIT(BUF_OWN_MAX);
	int r = 0;

	if (out->text.full)
		(void)output_refuse(out, CONVERT_TOO_LARGE, "its text is over %zu bytes",
				    CONVERT_TEXT_MAX);
	if (out->outcome == CONVERT_OK)
		r = write_file(out, "document.md", buf_bytes(&out->text), e);
	add_result(out, &result);
	return r < 0 ? r : write_file(out, "result.json", buf_bytes(&result), e);
}

void output_cell(struct buf *out, struct bytes text)
{
	size_t start = out->n;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == '|')
			buf_adds(out, "\\|");
		else if (c && strchr("\r\n\t ", c))
			buf_adds(out, out->n > start && out->p[out->n - 1] != ' ' ? " " : "");
		else if (c)
			buf_addc(out, c);
	}
	while (out->n > start && out->p[out->n - 1] == ' ')
		out->p[--out->n] = '\0';
}
