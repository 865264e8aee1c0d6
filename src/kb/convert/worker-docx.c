/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Word (ECMA-376 part 1, section 17): paragraphs with headings by their style, lists, tables, links,
 * pictures, foot- and endnotes. Deleted text of tracked changes is not text; fields show their result.
 */
#include "kb/convert/convert-internal.h"
#include "kb/convert/worker-package.h"

#define DOCUMENT    "word/document.xml"
#define LIST_DEPTH  9 /* Word's own */
#define HEADING_MAX 6
#define STYLES_MAX  5000
#define NUMBERS_MAX 5000

struct style {
	char *id;
	int heading; /* 0: none */
};

/* A list: which of its levels are numbered. */
struct number {
	char *id, *abstract;
	unsigned ordered; /* a bit a level */
};

struct docx {
	struct package *package;
	struct output *out;
	struct relations relations;
	struct style *styles;
	size_t style_count, style_capacity;
	struct number *numbers; /* num and abstractNum, told apart by `abstract` */
	size_t number_count, number_capacity;

	struct buf *text; /* where paragraphs go: the document, or a note */
	struct buf paragraph, run, link;
	int heading, level; /* of the paragraph; level -1: in no list */
	char *number_id;
	bool bold, italic;
	char marks[4]; /* of the run before */
	bool in_run, in_text, in_properties;
	int tables; /* nesting */
	struct buf cell;
	struct grid grid;
	int counts[LIST_DEPTH]; /* of numbered lists */
	struct buf alt;
	char *note;      /* being read: "1" */
	bool after_item; /* of a list */
};

/* "Heading 2", "heading 2", "Überschrift 2" have outlineLvl; older ones only their name. */
static int heading_of_name(const char *name)
{
	size_t n = strlen(name);

	if (n > 8 && strncasecmp(name, "heading ", 8) == 0 && name[8] >= '1' && name[8] <= '6')
		return name[8] - '0';
	return strcasecmp(name, "title") == 0 ? 1 : 0;
}

static int level_of(const char **attributes)
{
	const char *value = xml_attribute(attributes, "val");

	return value && value[0] >= '0' && value[0] <= '8' && !value[1] ? value[0] - '0' : -1;
}

static void style_start(void *ctx, const char *name, const char **attributes)
{
	struct docx *d = ctx;
	const char *id = xml_attribute(attributes, "styleId");
	const char *value = xml_attribute(attributes, "val");
	struct style *last = d->style_count ? &d->styles[d->style_count - 1] : NULL;

	if (str_eq(name, "style") && id && d->style_count < STYLES_MAX) {
		d->styles = xgrow(d->styles, &d->style_capacity, d->style_count + 1,
				  sizeof(*d->styles));
		d->styles[d->style_count++] = (struct style){ .id = xstrdup(id) };
	} else if (str_eq(name, "name") && last && value && last->heading == 0) {
		last->heading = heading_of_name(value);
	} else if (str_eq(name, "outlineLvl") && last && level_of(attributes) >= 0) {
		int level = level_of(attributes) + 1;

		last->heading = level <= HEADING_MAX ? level : HEADING_MAX;
	}
}

static struct number *add_number(struct docx *d, const char *id, bool abstract)
{
	if (!id || d->number_count >= NUMBERS_MAX)
		return NULL;
	d->numbers =
		xgrow(d->numbers, &d->number_capacity, d->number_count + 1, sizeof(*d->numbers));
	d->numbers[d->number_count] =
		(struct number){ .id = xstrdup(id), .abstract = abstract ? NULL : xstrdup("") };
	return &d->numbers[d->number_count++];
}

static void number_start(void *ctx, const char *name, const char **attributes)
{
	struct docx *d = ctx;
	struct number *last = d->number_count ? &d->numbers[d->number_count - 1] : NULL;
	const char *value = xml_attribute(attributes, "val");
	const char *level = xml_attribute(attributes, "ilvl");

	if (str_eq(name, "abstractNum")) {
		(void)add_number(d, xml_attribute(attributes, "abstractNumId"), true);
	} else if (str_eq(name, "num")) {
		(void)add_number(d, xml_attribute(attributes, "numId"), false);
	} else if (str_eq(name, "lvl") && level && level[0] >= '0' && level[0] <= '8') {
		d->level = level[0] - '0';
	} else if (str_eq(name, "numFmt") && last && value && d->level >= 0) {
		if (!str_eq(value, "bullet") && !str_eq(value, "none"))
			last->ordered |= 1U << d->level;
	} else if (str_eq(name, "abstractNumId") && last && last->abstract && value) {
		free(last->abstract);
		last->abstract = xstrdup(value);
	}
}

static bool is_ordered(const struct docx *d, const char *id, int level)
{
	const char *abstract = NULL;

	for (size_t i = 0; i < d->number_count; i++) {
		if (d->numbers[i].abstract && str_eq(d->numbers[i].id, id))
			abstract = d->numbers[i].abstract;
	}
	for (size_t i = 0; abstract && i < d->number_count; i++) {
		if (!d->numbers[i].abstract && str_eq(d->numbers[i].id, abstract))
			return (d->numbers[i].ordered >> level) & 1;
	}
	return false;
}

static int heading_of_style(const struct docx *d, const char *id)
{
	for (size_t i = 0; id && i < d->style_count; i++) {
		if (str_eq(d->styles[i].id, id))
			return d->styles[i].heading;
	}
	return 0;
}

/* **bold** *italic*; a run like the one before it goes into the same marks. Blanks stay outside. */
static void end_run(struct docx *d)
{
	const char *marks = d->heading             ? ""
			    : d->bold && d->italic ? "***"
			    : d->bold              ? "**"
			    : d->italic            ? "*"
						   : "";
	const char *text = buf_str(&d->run);
	size_t lead = strspn(text, " "), n = d->run.n;
	size_t was = strlen(d->marks);

	while (n > lead && text[n - 1] == ' ')
		n--;
	if (n == lead)
		marks = "";
	if (*marks && str_eq(marks, d->marks) && d->paragraph.n >= was && lead == 0 &&
	    str_ends(buf_str(&d->paragraph), marks))
		d->paragraph.p[d->paragraph.n -= was] = '\0';
	else
		buf_addf(&d->paragraph, "%.*s%s", (int)lead, text, marks);
	buf_add(&d->paragraph, text + lead, n - lead);
	buf_adds(&d->paragraph, marks);
	buf_adds(&d->paragraph, text + n);
	(void)snprintf(d->marks, sizeof(d->marks), "%s", n < d->run.n ? "" : marks);
	buf_clear(&d->run);
}

static void open_link(struct docx *d, const char **attributes)
{
	const char *target = relations_find(&d->relations, xml_attribute(attributes, "id"));

	buf_clear(&d->link);
	if (!target || (!str_starts(target, "http://") && !str_starts(target, "https://") &&
			!str_starts(target, "mailto:")))
		return;
	buf_adds(&d->link, target);
	buf_addc(&d->paragraph, '[');
}

static void close_link(struct docx *d)
{
	if (d->link.n == 0)
		return;
	buf_addf(&d->paragraph, "](%s)", buf_str(&d->link));
	buf_clear(&d->link);
	d->marks[0] = '\0';
}

static void add_image(struct docx *d, const char *id)
{
	const char *target = relations_find(&d->relations, id);
	AUTO_FREE char *part = target ? package_resolve(DOCUMENT, target) : NULL;
	AUTO_FREE char *name = part ? package_image(d->package, part, d->out) : NULL;

	if (!name)
		return;
	buf_adds(&d->run, "![");
	output_cell(&d->run, buf_bytes(&d->alt));
	buf_addf(&d->run, "](images/%s)", name);
	buf_clear(&d->alt);
}

static void start_inline(struct docx *d, const char *name, const char **attributes)
{
	const char *value = xml_attribute(attributes, "val");
	bool on = !value || (!str_eq(value, "0") && !str_eq(value, "false"));
	const char *alt = xml_attribute(attributes, "descr");

	if (str_eq(name, "t"))
		d->in_text = true;
	else if (str_eq(name, "b") && d->in_run)
		d->bold = on;
	else if (str_eq(name, "i") && d->in_run)
		d->italic = on;
	else if (str_eq(name, "tab"))
		buf_addc(&d->run, ' ');
	else if (str_eq(name, "br") || str_eq(name, "cr"))
		buf_adds(&d->run, d->tables ? " " : "  \n");
	else if (str_eq(name, "noBreakHyphen"))
		buf_addc(&d->run, '-');
	else if (str_eq(name, "footnoteReference") && xml_attribute(attributes, "id"))
		buf_addf(&d->run, "[^%s]", xml_attribute(attributes, "id"));
	else if (str_eq(name, "endnoteReference") && xml_attribute(attributes, "id"))
		buf_addf(&d->run, "[^e%s]", xml_attribute(attributes, "id"));
	else if (str_eq(name, "docPr") && alt)
		buf_clear(&d->alt), buf_adds(&d->alt, alt);
	else if (str_eq(name, "blip"))
		add_image(d, xml_attribute(attributes, "embed"));
}

static void start_paragraph(struct docx *d)
{
	buf_clear(&d->paragraph);
	d->heading = 0;
	d->level = -1;
	d->marks[0] = '\0';
	free(d->number_id);
	d->number_id = NULL;
}

static void start_block(struct docx *d, const char *name, const char **attributes)
{
	const char *value = xml_attribute(attributes, "val");

	if (str_eq(name, "p"))
		start_paragraph(d);
	else if (str_eq(name, "pStyle"))
		d->heading = heading_of_style(d, value);
	else if (str_eq(name, "outlineLvl") && level_of(attributes) >= 0)
		d->heading = level_of(attributes) < HEADING_MAX ? level_of(attributes) + 1 : 0;
	else if (str_eq(name, "ilvl"))
		d->level = level_of(attributes);
	else if (str_eq(name, "numId") && value && !str_eq(value, "0") && !d->number_id)
		d->number_id = xstrdup(value);
	else if (str_eq(name, "tbl"))
		d->tables++, d->after_item = false;
	else if (str_eq(name, "tr") && d->tables == 1)
		grid_row(&d->grid);
	else if (str_eq(name, "tc") && d->tables == 1)
		buf_clear(&d->cell);
}

static void start(void *ctx, const char *name, const char **attributes)
{
	struct docx *d = ctx;

	if (str_eq(name, "r")) {
		d->in_run = true;
		d->bold = d->italic = false;
	} else if (str_eq(name, "hyperlink")) {
		open_link(d, attributes);
	} else if (d->in_run) {
		start_inline(d, name, attributes);
	} else {
		start_block(d, name, attributes);
	}
}

static void write_list_mark(struct docx *d)
{
	int level = d->level < 0 ? 0 : d->level;

	buf_addf(d->text, "%*s", level * 3, "");
	if (!is_ordered(d, d->number_id, level)) {
		buf_adds(d->text, "- ");
		return;
	}
	for (int i = level + 1; i < LIST_DEPTH; i++)
		d->counts[i] = 0;
	buf_addf(d->text, "%d. ", ++d->counts[level]);
}

static void end_paragraph(struct docx *d)
{
	if (!convert_has_text(buf_bytes(&d->paragraph)))
		return;
	if (d->tables > 0) {
		buf_addf(&d->cell, "%s%s", d->cell.n ? " " : "", buf_str(&d->paragraph));
		return;
	}
	if (!d->number_id || d->heading)
		memset(d->counts, 0, sizeof(d->counts));
	if (d->after_item && (!d->number_id || d->heading))
		buf_addc(d->text, '\n');
	d->after_item = d->number_id && !d->heading;
	if (d->heading)
		buf_addf(d->text, "%.*s ", d->heading, "######");
	else if (d->number_id)
		write_list_mark(d);
	buf_addf(d->text, "%s\n%s", buf_str(&d->paragraph), d->after_item ? "" : "\n");
}

static void end_table(struct docx *d)
{
	if (--d->tables > 0)
		return;
	d->tables = 0;
	buf_addc(d->text, '\n');
	grid_write(&d->grid, d->text);
}

static void end(void *ctx, const char *name)
{
	struct docx *d = ctx;

	if (str_eq(name, "t")) {
		d->in_text = false;
	} else if (str_eq(name, "r")) {
		end_run(d);
		d->in_run = false;
	} else if (str_eq(name, "hyperlink")) {
		close_link(d);
	} else if (str_eq(name, "p") && !d->in_run) {
		end_paragraph(d);
	} else if (str_eq(name, "tc") && d->tables == 1) {
		grid_cell(&d->grid, buf_bytes(&d->cell));
	} else if (str_eq(name, "tbl")) {
		end_table(d);
	}
}

static void text(void *ctx, struct bytes piece)
{
	struct docx *d = ctx;

	if (d->in_text && d->in_run)
		office_add_text(&d->run, piece);
}

static const struct xml_handler body = { start, end, text };

/* Notes begin where their element does; -1 and 0 are separators. */
static void note_start(void *ctx, const char *name, const char **attributes)
{
	struct docx *d = ctx;
	const char *id = xml_attribute(attributes, "id");

	if (!str_eq(name, "footnote") && !str_eq(name, "endnote")) {
		start(ctx, name, attributes);
		return;
	}
	free(d->note);
	d->note = !id || xml_attribute(attributes, "type") ? NULL
		  : str_eq(name, "endnote")                ? xasprintf("e%s", id)
							   : xstrdup(id);
	buf_clear(d->text);
}

static void note_end(void *ctx, const char *name)
{
	struct docx *d = ctx;
	AUTO_BUF struct buf line = BUF_INIT(CONVERT_TEXT_MAX);

	if (!str_eq(name, "footnote") && !str_eq(name, "endnote")) {
		end(ctx, name);
		return;
	}
	output_cell(&line, buf_bytes(d->text));
	if (d->note && line.n > 0)
		buf_addf(&d->out->text, "[^%s]: %s\n", d->note, buf_str(&line));
}

static void add_notes(struct docx *d, const char *part)
{
	static const struct xml_handler handler = { note_start, note_end, text };
	AUTO_BUF struct buf note = BUF_INIT(CONVERT_TEXT_MAX);

	if (!package_has(d->package, part))
		return;
	relations_release(&d->relations);
	d->relations = (struct relations){ 0 };
	package_relations(d->package, part, &d->relations);
	d->text = &note;
	if (package_parse(d->package, part, &handler, d) != PART_OK)
		output_warn(d->out, "its notes ('%s') cannot be read", part);
	d->text = &d->out->text;
}

static void docx_release(struct docx *d)
{
	for (size_t i = 0; i < d->style_count; i++)
		free(d->styles[i].id);
	for (size_t i = 0; i < d->number_count; i++) {
		free(d->numbers[i].id);
		free(d->numbers[i].abstract);
	}
	free(d->styles);
	free(d->numbers);
	free(d->number_id);
	free(d->note);
	buf_release(&d->paragraph);
	buf_release(&d->run);
	buf_release(&d->link);
	buf_release(&d->cell);
	buf_release(&d->alt);
	grid_release(&d->grid);
	relations_release(&d->relations);
	package_close(d->package);
}

int convert_docx(const char *path, struct output *out, struct err *e)
{
	static const struct xml_handler styles = { .start = style_start };
	static const struct xml_handler numbers = { .start = number_start };
	AUTO(docx_release)
	struct docx d = {
		.out = out,
		.text = &out->text,
		.paragraph = BUF_INIT(CONVERT_TEXT_MAX),
		.run = BUF_INIT(CONVERT_TEXT_MAX),
		.link = BUF_INIT(BUF_OWN_MAX),
		.cell = BUF_INIT(CONVERT_TEXT_MAX),
		.alt = BUF_INIT(BUF_OWN_MAX),
	};
	enum part r;

	(void)e;
	if (!package_open(path, out, &d.package))
		return 0;
	package_title(d.package, out);
	package_relations(d.package, DOCUMENT, &d.relations);
	/* Without them the text is there, with plainer headings and lists. */
	(void)package_parse(d.package, "word/styles.xml", &styles, &d);
	(void)package_parse(d.package, "word/numbering.xml", &numbers, &d);
	r = package_parse(d.package, DOCUMENT, &body, &d);
	if (r != PART_OK)
		return package_refuse(out, DOCUMENT, r);
	buf_addc(&out->text, '\n');
	add_notes(&d, "word/footnotes.xml");
	add_notes(&d, "word/endnotes.xml");
	return 0;
}
