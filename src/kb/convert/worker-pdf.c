/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PDF, by poppler's programs in the same sandbox, so that neither their licence nor their faults are
 * ours: pdfinfo (title, pages, is it encrypted), pdftotext (the text in reading order, a form feed
 * after each page), pdftohtml -xml (which lines are set larger, and the outline: headings), pdfimages
 * (pictures, by page).
 */
#include "base/proc.h"
#include "kb/convert/convert-internal.h"
#include "kb/convert/worker-package.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#define OUTPUT_BYTES_MAX ((size_t)256 << 20) /* pdftohtml writes some ten bytes for one */
/* A heading is a line, or two. */
#define HEADING_BYTES 200
#define HEADINGS_MAX  20000
#define SIZES_MAX     64
#define LEVELS        4
/* Larger than the text by a tenth. */
#define LARGER 1.1
/* A picture that is smaller is a bullet or a rule. */
#define PICTURE_BYTES_MIN 2048

struct heading {
	int64_t page;
	char *text; /* blanks folded */
	double size;
	int level; /* of the outline; 0: told by its size */
};

struct pdf {
	const char *path;
	struct output *out;
	struct heading *headings;
	size_t count, capacity;
	double sizes[SIZES_MAX]; /* of fonts, and how many characters are set in them */
	int64_t weights[SIZES_MAX];
	size_t size_count;
	struct strv font_ids; /* "id=size" of the file so far */
	/* while reading pdftohtml's XML */
	int64_t page;
	double size;
	struct buf text;
	int outline; /* depth */
	bool in_text;
};

/* The output of a program, whole; its status, or -1 when it is not installed. */
static int run(const char *const *argv, struct buf *out, struct buf *errors)
{
	const struct proc_options options = { .argv = argv, .output_max = OUTPUT_BYTES_MAX };
	AUTO_PROC struct proc *p = NULL;
	struct bytes line = { 0 };
	struct err e = { 0 };
	int status = 0;
	int r = proc_start(&options, &p, &e);

	if (r < 0)
		return r == ERR_NOT_FOUND ? -1 : 1;
	while ((r = proc_read_line(p, &line, &e)) > 0) {
		buf_add(out, line.p, line.n);
		buf_addc(out, '\n');
	}
	if (r < 0 || proc_wait(p, &status, &e) < 0)
		return r == ERR_LIMIT ? -2 : 1;
	if (errors)
		buf_adds(errors, proc_errors(p));
	return status;
}

static void fold(struct bytes text, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
			buf_adds(out, out->n && out->p[out->n - 1] != ' ' ? " " : "");
		else
			buf_addc(out, c);
	}
	while (out->n && out->p[out->n - 1] == ' ')
		out->p[--out->n] = '\0';
}

static void add_heading(struct pdf *p, int64_t page, double size, int level)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);

	fold(buf_bytes(&p->text), &text);
	if (text.n == 0 || text.n > HEADING_BYTES || p->count >= HEADINGS_MAX ||
	    !convert_has_text(buf_bytes(&text)))
		return;
	p->headings = xgrow(p->headings, &p->capacity, p->count + 1, sizeof(*p->headings));
	p->headings[p->count++] = (struct heading){ page, buf_take(&text), size, level };
}

static void weigh(struct pdf *p, double size, size_t n)
{
	size_t i = 0;

	while (i < p->size_count && p->sizes[i] != size)
		i++;
	if (i == SIZES_MAX)
		return;
	p->sizes[i] = size;
	p->weights[i] += (int64_t)n;
	p->size_count += i == p->size_count;
}

static double size_of_font(const struct pdf *p, const char *id)
{
	size_t n = strlen(id);

	for (size_t i = p->font_ids.n; i > 0; i--) {
		const char *font = p->font_ids.v[i - 1];

		if (strncmp(font, id, n) == 0 && font[n] == '=')
			return strtod(font + n + 1, NULL);
	}
	return 0;
}

static void layout_start(void *ctx, const char *name, const char **attributes)
{
	struct pdf *p = ctx;
	const char *id = xml_attribute(attributes, "id");
	const char *size = xml_attribute(attributes, "size");
	const char *number = xml_attribute(attributes, "number");
	const char *page = xml_attribute(attributes, "page");
	const char *font = xml_attribute(attributes, "font");

	if (str_eq(name, "page") && number) {
		p->page = strtoll(number, NULL, 10);
	} else if (str_eq(name, "fontspec") && id && size) {
		strv_addf(&p->font_ids, "%s=%s", id, size);
	} else if (str_eq(name, "outline")) {
		p->outline++;
	} else if (str_eq(name, "text") || str_eq(name, "item")) {
		p->in_text = true;
		buf_clear(&p->text);
		p->size = font ? size_of_font(p, font) : 0;
		if (str_eq(name, "item"))
			p->page = page ? strtoll(page, NULL, 10) : 0;
	}
}

static void layout_end(void *ctx, const char *name)
{
	struct pdf *p = ctx;

	if (str_eq(name, "text") && p->in_text) {
		weigh(p, p->size, p->text.n);
		add_heading(p, p->page, p->size, 0);
	} else if (str_eq(name, "item") && p->in_text) {
		add_heading(p, p->page, 0, p->outline);
	} else if (str_eq(name, "outline")) {
		p->outline--;
	} else {
		return; /* <b>, <i>, <a> in a text */
	}
	p->in_text = false;
}

static void layout_text(void *ctx, struct bytes piece)
{
	struct pdf *p = ctx;

	if (p->in_text)
		buf_add(&p->text, piece.p, piece.n);
}

static double body_size(const struct pdf *p)
{
	size_t best = 0;

	for (size_t i = 1; i < p->size_count; i++) {
		if (p->weights[i] > p->weights[best])
			best = i;
	}
	return p->size_count ? p->sizes[best] : 0;
}

/* How many sizes that headings have are larger than this. */
static int level_of_size(const struct pdf *p, double size, double body)
{
	int level = 1;

	for (size_t i = 0; i < p->size_count; i++)
		level += p->sizes[i] > size && p->sizes[i] > body * LARGER;
	return level < LEVELS ? level : LEVELS;
}

/* They are sorted by page. */
static size_t first_of_page(const struct pdf *p, int64_t page)
{
	size_t low = 0, high = p->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (p->headings[middle].page < page)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The outline's when it names this line, else by size; 0: no heading. */
static int heading_level(const struct pdf *p, int64_t page, const char *line)
{
	double body = body_size(p);
	int level = 0;

	for (size_t i = first_of_page(p, page); i < p->count && p->headings[i].page == page; i++) {
		const struct heading *h = &p->headings[i];

		if (!str_eq(h->text, line))
			continue;
		if (h->level)
			return h->level < 6 ? h->level : 6;
		if (h->size > body * LARGER)
			level = level_of_size(p, h->size, body);
	}
	return level;
}

static int compare_pages(const void *a, const void *b)
{
	const struct heading *x = a, *y = b;

	return x->page < y->page ? -1 : x->page > y->page;
}

/* Only lines that are larger, and the outline's, are kept: then a page has few. */
static void keep_headings(struct pdf *p)
{
	double body = body_size(p);
	size_t kept = 0;

	for (size_t i = 0; i < p->count; i++) {
		if (p->headings[i].level || p->headings[i].size > body * LARGER)
			p->headings[kept++] = p->headings[i];
		else
			free(p->headings[i].text);
	}
	p->count = kept;
	if (kept > 1)
		qsort(p->headings, kept, sizeof(*p->headings), compare_pages);
}

static void read_layout(struct pdf *p)
{
	static const struct xml_handler handler = { layout_start, layout_end, layout_text };
	const char *const argv[] = { "pdftohtml", "-xml", "-i",    "-stdout", "-hidden",
				     "-nodrm",    "-q",   p->path, NULL };
	AUTO_BUF struct buf xml = BUF_INIT(OUTPUT_BYTES_MAX);

	if (run(argv, &xml, NULL) != 0 || xml_parse(buf_bytes(&xml), &handler, p) != PART_OK)
		output_warn(p->out, "its headings could not be found out");
	keep_headings(p);
}

/* "img-012-003.png" are on page 12. */
static void add_pictures(struct pdf *p, const struct strv *names, int64_t page)
{
	for (size_t i = 0; i < names->n; i++) {
		if (strtoll(names->v[i] + strlen("img-"), NULL, 10) == page)
			buf_addf(&p->out->text, "\n![](images/%s)\n", names->v[i]);
	}
}

static void add_page(struct pdf *p, struct bytes text, int64_t page)
{
	struct buf *out = &p->out->text;
	AUTO_BUF struct buf line = BUF_INIT(CONVERT_TEXT_MAX);

	output_page(p->out, page);
	buf_addc(out, '\n');
	for (size_t at = 0; at < text.n;) {
		const char *end = memchr(text.p + at, '\n', text.n - at);
		size_t n = end ? (size_t)(end - text.p) - at : text.n - at;
		int level;

		fold((struct bytes){ text.p + at, n }, &line);
		level = line.n && line.n <= HEADING_BYTES ? heading_level(p, page, buf_str(&line))
							  : 0;
		if (level)
			buf_addf(out, "\n%.*s ", level, "######");
		office_add_text(out, buf_bytes(&line));
		buf_adds(out, level ? "\n\n" : "\n");
		at += n + 1;
	}
}

static int64_t add_text(struct pdf *p, const struct buf *text, const struct strv *pictures)
{
	int64_t page = 0;
	size_t at = 0;

	while (at < text->n && !p->out->text.full) {
		const char *end = memchr(text->p + at, '\f', text->n - at);
		size_t n = end ? (size_t)(end - text->p) - at : text->n - at;

		if (!end && !convert_has_text((struct bytes){ text->p + at, n }))
			break; /* the newline after the last page */
		add_page(p, (struct bytes){ text->p + at, n }, ++page);
		add_pictures(p, pictures, page);
		at += n + 1;
	}
	return page;
}

/* What it made is in images/; what is too small to be a picture goes. */
static void take_pictures(struct pdf *p, struct strv *names)
{
	DIR *folder = opendir("images");
	struct dirent *entry;
	struct stat st;

	while (folder && (entry = readdir(folder))) {
		AUTO_FREE char *path = xasprintf("images/%s", entry->d_name);

		if (!str_starts(entry->d_name, "img-") || stat(path, &st) < 0)
			continue;
		if (st.st_size < PICTURE_BYTES_MIN || names->n >= CONVERT_IMAGES_MAX)
			(void)unlink(path); /* else it is shown, no harm */
		else
			strv_add(names, entry->d_name);
	}
	if (folder)
		(void)closedir(folder);
	strv_sort(names);
	(void)p;
}

static void read_pictures(struct pdf *p, struct strv *names)
{
	const char *const argv[] = { "pdfimages", "-png", "-p", p->path, "images/img", NULL };
	AUTO_BUF struct buf nothing = BUF_INIT(BUF_OWN_MAX);

	if (p->out->folder < 0 || fchdir(p->out->folder) < 0)
		return;
	if (run(argv, &nothing, NULL) != 0)
		output_warn(p->out, "its pictures could not be taken out");
	take_pictures(p, names);
}

static void take_title(struct pdf *p, const struct buf *info)
{
	const char *at = strstr(buf_str(info), "Title:");
	const char *end = at ? strchr(at, '\n') : NULL;

	if (!end)
		return;
	at += strlen("Title:");
	at += strspn(at, " ");
	if (at < end)
		p->out->title = xstrndup(at, (size_t)(end - at));
}

/* Poppler's exit codes: 1 cannot open, 3 permissions. */
static int refuse(struct pdf *p, int status, const char *words)
{
	if (status == -1)
		return output_refuse(p->out, CONVERT_UNSUPPORTED,
				     "PDF needs the programs of poppler-utils, which are not "
				     "installed");
	if (status == -2)
		return output_refuse(p->out, CONVERT_TOO_LARGE, "its text is over %zu bytes",
				     OUTPUT_BYTES_MAX);
	if (strstr(words, "password") || strstr(words, "Permission") || status == 3)
		return output_refuse(p->out, CONVERT_ENCRYPTED, "it wants a password");
	return output_refuse(p->out, CONVERT_DAMAGED, "it is no readable PDF: %.200s", words);
}

static void pdf_release(struct pdf *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->headings[i].text);
	free(p->headings);
	strv_release(&p->font_ids);
	buf_release(&p->text);
}

int convert_pdf(const char *path, struct output *out, struct err *e)
{
	const char *const info_of[] = { "pdfinfo", "-enc", "UTF-8", path, NULL };
	const char *const text_of[] = { "pdftotext", "-enc", "UTF-8", "-eol",
					"unix",      path,   "-",     NULL };
	AUTO(pdf_release)
	struct pdf p = { .path = path, .out = out, .text = BUF_INIT(BUF_OWN_MAX) };
	AUTO_BUF struct buf info = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf text = BUF_INIT(OUTPUT_BYTES_MAX);
	AUTO_BUF struct buf words = BUF_INIT(PROC_ERRORS_MAX);
	AUTO_STRV struct strv pictures = STRV_INIT;
	int status = run(info_of, &info, &words);

	(void)e; /* whatever happens is an outcome */
	if (status == 0)
		status = run(text_of, &text, &words);
	if (status != 0)
		return refuse(&p, status, buf_str(&words));
	take_title(&p, &info);
	if (!convert_has_text(buf_bytes(&text)))
		return output_refuse(out, CONVERT_SCANNED,
				     "its pages are pictures without text: run OCR on it first");
	read_layout(&p);
	read_pictures(&p, &pictures);
	(void)add_text(&p, &text, &pictures);
	return 0;
}

/* Old binary formats, when catdoc is installed. */
static int convert_old(const char *const *argv, struct output *out, struct buf *text)
{
	AUTO_BUF struct buf words = BUF_INIT(PROC_ERRORS_MAX);
	int status = run(argv, text, &words);

	if (status == -1)
		return output_refuse(out, CONVERT_UNSUPPORTED,
				     "old Office files need the program catdoc, which is not "
				     "installed; or save it in a newer format");
	if (status == -2)
		return output_refuse(out, CONVERT_TOO_LARGE, "its text is over %zu bytes",
				     OUTPUT_BYTES_MAX);
	if (status != 0)
		return output_refuse(out, CONVERT_DAMAGED, "%.200s", buf_str(&words));
	if (!convert_has_text(buf_bytes(text)))
		return output_refuse(out, CONVERT_EMPTY, "there is no text in it");
	return 1;
}

int convert_doc(const char *path, struct output *out, struct err *e)
{
	const char *const argv[] = { "catdoc", "-d", "utf-8", "-w", path, NULL };
	AUTO_BUF struct buf text = BUF_INIT(CONVERT_TEXT_MAX);

	(void)e;
	if (convert_old(argv, out, &text))
		office_add_lines(&out->text, buf_bytes(&text));
	return 0;
}

int convert_xls(const char *path, struct output *out, struct err *e)
{
	const char *const argv[] = { "xls2csv", "-d", "utf-8", "-q", "1", path, NULL };
	AUTO_BUF struct buf text = BUF_INIT(CONVERT_TEXT_MAX);
	int sheet = 0;

	(void)e;
	if (!convert_old(argv, out, &text))
		return 0;
	for (size_t at = 0; at < text.n;) {
		const char *end = memchr(text.p + at, '\f', text.n - at);
		size_t n = end ? (size_t)(end - text.p) - at : text.n - at;

		if (convert_has_text((struct bytes){ text.p + at, n })) {
			buf_addf(&out->text, "# Sheet %d\n\n", ++sheet);
			csv_to_markdown((struct bytes){ text.p + at, n }, ',', out);
		}
		at += n + 1;
	}
	return 0;
}
