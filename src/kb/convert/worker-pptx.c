/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PowerPoint (ECMA-376 part 1, section 19): each slide is a page with its title as heading, its
 * paragraphs as a list by level, tables, pictures, and the speaker's notes quoted.
 */
#include "kb/convert/convert-internal.h"
#include "kb/convert/worker-package.h"

#define PRESENTATION "ppt/presentation.xml"
#define SLIDES_MAX   10000
#define LEVELS       9

struct pptx {
	struct package *package;
	struct output *out;
	struct relations relations; /* of the presentation, then of a slide */
	struct strv slides;         /* parts, in order */
	const char *part;
	struct buf title, body, paragraph, cell;
	struct grid grid;
	bool in_text, in_table, is_title, is_note;
	int level;
};

static void take_slide(void *ctx, const char *name, const char **attributes)
{
	struct pptx *p = ctx;
	const char *id = NULL;
	const char *target;

	if (!str_eq(name, "sldId") || p->slides.n >= SLIDES_MAX)
		return;
	/* It has "id" and "r:id": the one with a prefix names the relation. */
	for (const char **a = attributes; a[0]; a += 2) {
		if (str_ends(a[0], ":id"))
			id = a[1];
	}
	target = relations_find(&p->relations, id);
	if (target)
		strv_adopt(&p->slides, package_resolve(PRESENTATION, target));
}

static void add_image(struct pptx *p, const char *id)
{
	const char *target = relations_find(&p->relations, id);
	AUTO_FREE char *part = target ? package_resolve(p->part, target) : NULL;
	AUTO_FREE char *name = part ? package_image(p->package, part, p->out) : NULL;

	if (name)
		buf_addf(&p->body, "\n![](images/%s)\n\n", name);
}

static void start(void *ctx, const char *name, const char **attributes)
{
	struct pptx *p = ctx;
	const char *type = xml_attribute(attributes, "type");
	const char *level = xml_attribute(attributes, "lvl");

	if (str_eq(name, "sp") || str_eq(name, "graphicFrame"))
		p->is_title = false;
	else if (str_eq(name, "ph"))
		p->is_title = type && (str_eq(type, "title") || str_eq(type, "ctrTitle"));
	else if (str_eq(name, "p"))
		buf_clear(&p->paragraph), p->level = 0;
	else if (str_eq(name, "pPr") && level && level[0] >= '0' && level[0] < '0' + LEVELS)
		p->level = level[0] - '0';
	else if (str_eq(name, "t"))
		p->in_text = true;
	else if (str_eq(name, "br"))
		buf_addc(&p->paragraph, ' ');
	else if (str_eq(name, "tbl"))
		p->in_table = true;
	else if (str_eq(name, "tr"))
		grid_row(&p->grid);
	else if (str_eq(name, "tc"))
		buf_clear(&p->cell);
	else if (str_eq(name, "blip") && !p->is_note)
		add_image(p, xml_attribute(attributes, "embed"));
}

/* Without a placeholder for a title, the first words are it. */
static void end_paragraph(struct pptx *p)
{
	if (!convert_has_text(buf_bytes(&p->paragraph)))
		return;
	if (p->in_table)
		buf_addf(&p->cell, "%s%s", p->cell.n ? " " : "", buf_str(&p->paragraph));
	else if (!p->is_note && (p->is_title || (p->title.n == 0 && p->body.n == 0)))
		buf_addf(&p->title, "%s%s", p->title.n ? " " : "", buf_str(&p->paragraph));
	else if (p->is_note)
		buf_addf(&p->body, "> %s\n", buf_str(&p->paragraph));
	else
		buf_addf(&p->body, "%*s- %s\n", p->level * 2, "", buf_str(&p->paragraph));
}

static void end(void *ctx, const char *name)
{
	struct pptx *p = ctx;

	if (str_eq(name, "t")) {
		p->in_text = false;
	} else if (str_eq(name, "p")) {
		end_paragraph(p);
	} else if (str_eq(name, "tc")) {
		grid_cell(&p->grid, buf_bytes(&p->cell));
	} else if (str_eq(name, "tbl")) {
		p->in_table = false;
		buf_addc(&p->body, '\n');
		grid_write(&p->grid, &p->body);
	}
}

static void text(void *ctx, struct bytes piece)
{
	struct pptx *p = ctx;

	if (p->in_text)
		office_add_text(&p->paragraph, piece);
}

static const struct xml_handler body = { start, end, text };

static void read_relations(struct pptx *p, const char *part)
{
	relations_release(&p->relations);
	p->relations = (struct relations){ 0 };
	package_relations(p->package, part, &p->relations);
}

static void add_notes(struct pptx *p)
{
	AUTO_FREE char *part = NULL;

	for (size_t i = 0; i < p->relations.targets.n && !part; i++) {
		if (strstr(p->relations.targets.v[i], "notesSlide"))
			part = package_resolve(p->part, p->relations.targets.v[i]);
	}
	if (!part)
		return;
	buf_addc(&p->body, '\n');
	p->is_note = true;
	if (package_parse(p->package, part, &body, p) != PART_OK)
		output_warn(p->out, "the notes '%s' cannot be read", part);
	p->is_note = false;
}

static enum part add_slide(struct pptx *p, size_t number)
{
	enum part r;

	p->part = p->slides.v[number - 1];
	buf_clear(&p->title);
	buf_clear(&p->body);
	read_relations(p, p->part);
	r = package_parse(p->package, p->part, &body, p);
	if (r != PART_OK)
		return r;
	add_notes(p);
	output_page(p->out, (int64_t)number);
	buf_addf(&p->out->text, "\n## %s\n\n%s\n",
		 p->title.n ? buf_str(&p->title) : "(a slide without a title)", buf_str(&p->body));
	if (number == 1 && p->title.n && !p->out->title)
		p->out->title = xstrdup(buf_str(&p->title));
	return PART_OK;
}

static void pptx_release(struct pptx *p)
{
	strv_release(&p->slides);
	relations_release(&p->relations);
	buf_release(&p->title);
	buf_release(&p->body);
	buf_release(&p->paragraph);
	buf_release(&p->cell);
	grid_release(&p->grid);
	package_close(p->package);
}

int convert_pptx(const char *path, struct output *out, struct err *e)
{
	static const struct xml_handler order = { .start = take_slide };
	AUTO(pptx_release)
	struct pptx p = {
		.out = out,
		.title = BUF_INIT(CONVERT_TEXT_MAX),
		.body = BUF_INIT(CONVERT_TEXT_MAX),
		.paragraph = BUF_INIT(CONVERT_TEXT_MAX),
		.cell = BUF_INIT(CONVERT_TEXT_MAX),
	};
	enum part r;

	(void)e; /* whatever happens is an outcome */
	if (!package_open(path, out, &p.package))
		return 0;
	package_title(p.package, out);
	read_relations(&p, PRESENTATION);
	r = package_parse(p.package, PRESENTATION, &order, &p);
	if (r != PART_OK)
		return package_refuse(out, PRESENTATION, r);
	for (size_t i = 1; i <= p.slides.n && !out->text.full; i++) {
		r = add_slide(&p, i);
		if (r != PART_OK)
			return package_refuse(out, p.part, r);
	}
	return 0;
}
