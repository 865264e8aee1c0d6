/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Office files and EPUBs are: a zip archive of XML parts. libzip and expat are seen only by
 * worker-package.c.
 *
 *	AUTO_PACKAGE struct package *p = NULL;
 *	if (package_open(path, out, &p) == 0)            out says why: encrypted, damaged, too_large
 *		return 0;
 *	r = package_parse(p, "word/document.xml", &handler, ctx);
 *	if (r != PART_OK)
 *		return package_refuse(out, "word/document.xml", r);
 *
 * Names of elements and attributes come without their prefix ("w:p" is "p"): the formats are known,
 * and no two of theirs that matter here differ in it alone.
 *
 * Bombs: an archive has at most PACKAGE_ENTRIES_MAX parts, one part at most PACKAGE_PART_MAX bytes,
 * all that are read PACKAGE_BYTES_MAX; XML nests XML_DEPTH_MAX deep and declares no entities. The
 * reading is streamed, so a part costs no memory but what its handler keeps.
 */
#ifndef LARDER_KB_CONVERT_WORKER_PACKAGE_H
#define LARDER_KB_CONVERT_WORKER_PACKAGE_H

#include "kb/convert/worker.h"

/* A deck of 1,000 slides has five parts each. */
#define PACKAGE_ENTRIES_MAX 50000
/* A sheet of Excel's million rows. */
#define PACKAGE_PART_MAX  ((int64_t)1 << 30)
#define PACKAGE_BYTES_MAX ((int64_t)2 << 30)
/* Tables in tables in tables; Word itself stops far below. */
#define XML_DEPTH_MAX 256

struct package;

enum part { PART_OK, PART_MISSING, PART_DAMAGED, PART_TOO_LARGE };

/* 1, or 0 when it was refused. */
int package_open(const char *path, struct output *out, struct package **ret_package);
void package_close(struct package *p);
static inline void package_auto_(struct package **p)
{
	package_close(*p);
}
#define AUTO_PACKAGE AUTO(package_auto_)

bool package_has(struct package *p, const char *name);
/* The whole part, appended; PART_TOO_LARGE past the buf's maximum. */
enum part package_read(struct package *p, const char *name, struct buf *out);
/* Says so in `out`, returns 0. */
int package_refuse(struct output *out, const char *name, enum part why);

struct xml_handler {
	/* attributes: name, value, ..., NULL */
	void (*start)(void *ctx, const char *name, const char **attributes);
	void (*end)(void *ctx, const char *name);
	void (*text)(void *ctx, struct bytes text);
};
enum part package_parse(struct package *p, const char *name, const struct xml_handler *handler,
			void *ctx);
/* The same over bytes: what the fuzz target calls. */
enum part xml_parse(struct bytes xml, const struct xml_handler *handler, void *ctx);
const char *xml_attribute(const char **attributes, const char *name); /* NULL when absent */

/* What a part refers to: ids, and the parts (or addresses) they stand for. */
struct relations {
	struct strv ids, targets;
};
void relations_release(struct relations *relations);
#define AUTO_RELATIONS AUTO(relations_release)
/* Of "word/document.xml": from "word/_rels/document.xml.rels". Empty when there are none. */
void package_relations(struct package *p, const char *part, struct relations *ret);
const char *relations_find(const struct relations *relations, const char *id); /* NULL: none */
/* "word/document.xml" and "../media/a.png" -> "media/a.png"; the caller's. */
char *package_resolve(const char *part, const char *target);

/* The title of docProps/core.xml, when there is one. */
void package_title(struct package *p, struct output *out);
/* A picture of the package as images/<its name>, once; the name is the caller's, NULL when it is no
 * picture that a reader of Markdown shows. */
char *package_image(struct package *p, const char *name, struct output *out);

/* Text of a run: what Markdown would take for markup is escaped. */
void office_add_text(struct buf *out, struct bytes text);
/* Lines of text, as they are. */
void office_add_lines(struct buf *out, struct bytes text);

/* A table being read, row by row. */
struct grid {
	struct strv cells;
	size_t columns; /* of the widest row */
	size_t *starts; /* of each row in `cells` */
	size_t rows, capacity;
};
/* More is data, not a table of a text. */
#define GRID_CELLS_MAX 100000
void grid_row(struct grid *g);
void grid_cell(struct grid *g, struct bytes text);
/* Writes it as Markdown, the first row as its head, and empties it. */
void grid_write(struct grid *g, struct buf *out);
void grid_release(struct grid *g);

int convert_docx(const char *path, struct output *out, struct err *e);
int convert_pptx(const char *path, struct output *out, struct err *e);
int convert_xlsx(const char *path, struct output *out, struct err *e);
int convert_epub(const char *path, struct output *out, struct err *e);
int convert_pdf(const char *path, struct output *out, struct err *e);
int convert_doc(const char *path, struct output *out, struct err *e);
int convert_xls(const char *path, struct output *out, struct err *e);

#endif
