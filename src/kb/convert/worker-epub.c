/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EPUB (3.3, and 2): the chapters of its spine, in order, each a page, read as the HTML they are.
 * Pictures are those of the package; a book under DRM is encrypted.
 */
#include "kb/convert/convert-internal.h"
#include "kb/convert/worker-package.h"

#define CONTAINER    "META-INF/container.xml"
#define ENCRYPTION   "META-INF/encryption.xml"
#define CHAPTERS_MAX 10000
#define CHAPTER_MAX  ((size_t)32 << 20)

struct epub {
	struct package *package;
	struct output *out;
	char *opf;
	struct strv ids, hrefs; /* the manifest */
	struct strv spine;      /* ids */
	struct buf title;
	bool in_title;
	bool locked; /* something other than fonts is encrypted */
};

static void container_start(void *ctx, const char *name, const char **attributes)
{
	struct epub *b = ctx;
	const char *path = xml_attribute(attributes, "full-path");

	if (str_eq(name, "rootfile") && path && !b->opf)
		b->opf = xstrdup(path);
}

/* Fonts are obfuscated in free books too. */
static void encryption_start(void *ctx, const char *name, const char **attributes)
{
	struct epub *b = ctx;
	const char *uri = xml_attribute(attributes, "URI");

	if (str_eq(name, "CipherReference") && uri &&
	    (str_ends(uri, "html") || str_ends(uri, ".htm") || str_ends(uri, ".xml")))
		b->locked = true;
}

static void opf_start(void *ctx, const char *name, const char **attributes)
{
	struct epub *b = ctx;
	const char *id = xml_attribute(attributes, "id");
	const char *href = xml_attribute(attributes, "href");
	const char *ref = xml_attribute(attributes, "idref");

	b->in_title = str_eq(name, "title") && b->title.n == 0;
	if (str_eq(name, "item") && id && href && b->ids.n < CHAPTERS_MAX) {
		strv_add(&b->ids, id);
		strv_add(&b->hrefs, href);
	} else if (str_eq(name, "itemref") && ref && b->spine.n < CHAPTERS_MAX) {
		strv_add(&b->spine, ref);
	}
}

static void opf_end(void *ctx, const char *name)
{
	struct epub *b = ctx;

	(void)name;
	b->in_title = false;
}

static void opf_text(void *ctx, struct bytes piece)
{
	struct epub *b = ctx;

	if (b->in_title)
		buf_add(&b->title, piece.p, piece.n);
}

static const char *href_of(const struct epub *b, const char *id)
{
	for (size_t i = 0; i < b->ids.n; i++) {
		if (str_eq(b->ids.v[i], id))
			return b->hrefs.v[i];
	}
	return NULL;
}

static int hex_of(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* "a%20b.xhtml#part" is the part "a b.xhtml". */
static char *part_of(const char *base, const char *href)
{
	AUTO_FREE char *plain = xstrdup(href);
	char *to = plain;

	for (const char *c = href; *c && *c != '#'; c++) {
		bool escaped = *c == '%' && hex_of(c[1]) > 0 && hex_of(c[2]) >= 0;

		*to++ = escaped ? (char)(hex_of(c[1]) * 16 + hex_of(c[2])) : *c;
		c += escaped ? 2 : 0;
	}
	*to = '\0';
	return package_resolve(base, plain);
}

static enum part add_chapter(struct epub *b, const char *part, int64_t number)
{
	AUTO_BUF struct buf html = BUF_INIT(CHAPTER_MAX);
	AUTO_OUTPUT struct output chapter = OUTPUT_INIT;
	enum part r = package_read(b->package, part, &html);

	if (r != PART_OK)
		return r;
	chapter.folder = b->out->folder;
	chapter.images = b->out->images;
	html_to_markdown(buf_bytes(&html), &chapter);
	b->out->images = chapter.images;
	if (!convert_has_text(buf_bytes(&chapter.text)))
		return PART_OK; /* a cover */
	output_page(b->out, number);
	buf_addc(&b->out->text, '\n');
	buf_add(&b->out->text, chapter.text.p, chapter.text.n);
	buf_addc(&b->out->text, '\n');
	return PART_OK;
}

static int read_book(struct epub *b)
{
	static const struct xml_handler opf = { opf_start, opf_end, opf_text };
	enum part r = package_parse(b->package, b->opf, &opf, b);

	if (r != PART_OK)
		return package_refuse(b->out, b->opf, r);
	if (b->title.n)
		b->out->title = xstrdup(buf_str(&b->title));
	for (size_t i = 0; i < b->spine.n && !b->out->text.full; i++) {
		const char *href = href_of(b, b->spine.v[i]);
		AUTO_FREE char *part = href ? part_of(b->opf, href) : NULL;

		r = part ? add_chapter(b, part, (int64_t)i + 1) : PART_MISSING;
		if (r == PART_TOO_LARGE)
			return package_refuse(b->out, part, r);
		if (r != PART_OK)
			output_warn(b->out, "chapter %zu cannot be read", i + 1);
	}
	return 0;
}

static void epub_release(struct epub *b)
{
	free(b->opf);
	strv_release(&b->ids);
	strv_release(&b->hrefs);
	strv_release(&b->spine);
	buf_release(&b->title);
	package_close(b->package);
}

int convert_epub(const char *path, struct output *out, struct err *e)
{
	static const struct xml_handler container = { .start = container_start };
	static const struct xml_handler encryption = { .start = encryption_start };
	AUTO(epub_release) struct epub b = { .out = out, .title = BUF_INIT(BUF_OWN_MAX) };
	enum part r;

	(void)e; /* whatever happens is an outcome */
	if (!package_open(path, out, &b.package))
		return 0;
	(void)package_parse(b.package, ENCRYPTION, &encryption, &b); /* most have none */
	if (b.locked)
		return output_refuse(out, CONVERT_ENCRYPTED, "its text is encrypted (DRM)");
	r = package_parse(b.package, CONTAINER, &container, &b);
	if (r != PART_OK || !b.opf)
		return package_refuse(out, CONTAINER, r == PART_OK ? PART_DAMAGED : r);
	return read_book(&b);
}
