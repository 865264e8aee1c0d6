/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/convert/worker-package.h"

#include "base/file.h"

#include <expat.h>
#include <fcntl.h>
#include <zip.h>

#define CHUNK 65536
/* An archive that unpacks to a hundred times its size is not made of texts and pictures. */
#define RATIO_MAX   200
#define RATIO_BYTES ((int64_t)64 << 20) /* ... and smaller ones may */

struct package {
	zip_t *zip;
	int64_t left; /* of PACKAGE_BYTES_MAX */
	struct strv images;
};

/* Old binary documents, and encrypted new ones, are files of the "compound" format. */
static bool is_compound(const char *path, bool *ret_encrypted)
{
	static const char magic[] = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
	/* "EncryptedPackage" as its directory has it, in UTF-16 */
	static const char wanted[] = "E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k";
	AUTO_BUF struct buf head = BUF_INIT(CHUNK * 4);
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	char piece[CHUNK];
	ssize_t n;

	while (fd >= 0 && !head.full && (n = read(fd, piece, sizeof(piece))) > 0)
		buf_add(&head, piece, (size_t)n);
	*ret_encrypted = memmem(buf_str(&head), head.n, wanted, sizeof(wanted) - 1) != NULL;
	return head.n >= 8 && memcmp(head.p, magic, 8) == 0;
}

int package_open(const char *path, struct output *out, struct package **ret_package)
{
	bool encrypted = false;
	int code = 0;
	zip_t *zip = zip_open(path, ZIP_RDONLY, &code);

	if (!zip) {
		bool compound = is_compound(path, &encrypted);

		if (compound && encrypted)
			return output_refuse(out, CONVERT_ENCRYPTED, "it wants a password");
		return output_refuse(out, CONVERT_DAMAGED, "it is no archive of that format%s",
				     compound ? ", but an old binary one: rename it to .doc or .xls"
					      : "");
	}
	if (zip_get_num_entries(zip, 0) > PACKAGE_ENTRIES_MAX) {
		zip_discard(zip);
		return output_refuse(out, CONVERT_TOO_LARGE, "it has more than %d parts",
				     PACKAGE_ENTRIES_MAX);
	}
	*ret_package = xcalloc(1, sizeof(**ret_package));
	(*ret_package)->zip = zip;
	(*ret_package)->left = PACKAGE_BYTES_MAX;
	return 1;
}

void package_close(struct package *p)
{
	if (!p)
		return;
	zip_discard(p->zip);
	strv_release(&p->images);
	free(p);
}

bool package_has(struct package *p, const char *name)
{
	return zip_name_locate(p->zip, name, ZIP_FL_NOCASE) >= 0;
}

static enum part open_part(struct package *p, const char *name, zip_file_t **ret_file)
{
	zip_int64_t index = zip_name_locate(p->zip, name, ZIP_FL_NOCASE);
	zip_stat_t st;

	if (index < 0)
		return PART_MISSING;
	if (zip_stat_index(p->zip, (zip_uint64_t)index, 0, &st) < 0 || !(st.valid & ZIP_STAT_SIZE))
		return PART_DAMAGED;
	if ((int64_t)st.size < 0 || (int64_t)st.size > PACKAGE_PART_MAX)
		return PART_TOO_LARGE;
	if ((int64_t)st.size > RATIO_BYTES && st.comp_size < st.size / RATIO_MAX)
		return PART_TOO_LARGE;
	*ret_file = zip_fopen_index(p->zip, (zip_uint64_t)index, 0);
	return *ret_file ? PART_OK : PART_DAMAGED;
}

/* Calls back for each piece; what a header says of the size is not believed. */
static enum part read_part(struct package *p, const char *name,
			   bool (*take)(void *ctx, const char *piece, size_t n), void *ctx)
{
	zip_file_t *file = NULL;
	enum part r = open_part(p, name, &file);
	char piece[CHUNK];
	zip_int64_t n = 0;

	while (r == PART_OK && (n = zip_fread(file, piece, sizeof(piece))) > 0) {
		p->left -= n;
		if (p->left < 0)
			r = PART_TOO_LARGE;
		else if (!take(ctx, piece, (size_t)n))
			r = PART_DAMAGED;
	}
	if (n < 0)
		r = PART_DAMAGED;
	if (file)
		(void)zip_fclose(file); /* only read */
	return r;
}

static bool take_piece(void *ctx, const char *piece, size_t n)
{
	struct buf *out = ctx;

	buf_add(out, piece, n);
	return !out->full;
}

enum part package_read(struct package *p, const char *name, struct buf *out)
{
	enum part r = read_part(p, name, take_piece, out);

	return out->full ? PART_TOO_LARGE : r;
}

int package_refuse(struct output *out, const char *name, enum part why)
{
	if (why == PART_TOO_LARGE)
		return output_refuse(out, CONVERT_TOO_LARGE, "its part '%s' is too large", name);
	return output_refuse(out, CONVERT_DAMAGED, "its part '%s' is %s", name,
			     why == PART_MISSING ? "missing" : "damaged");
}

struct parsing {
	XML_Parser parser;
	const struct xml_handler *handler;
	void *ctx;
	int depth;
};

static const char *local(const char *name)
{
	const char *colon = strrchr(name, ':');

	return colon ? colon + 1 : name;
}

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
	struct parsing *p = ctx;

	if (++p->depth > XML_DEPTH_MAX)
		(void)XML_StopParser(p->parser, XML_FALSE); /* the parse then fails */
	else if (p->handler->start)
		p->handler->start(p->ctx, local(name), attributes);
}

static void on_end(void *ctx, const XML_Char *name)
{
	struct parsing *p = ctx;

	p->depth--;
	if (p->handler->end)
		p->handler->end(p->ctx, local(name));
}

static void on_text(void *ctx, const XML_Char *text, int n)
{
	struct parsing *p = ctx;

	if (p->handler->text)
		p->handler->text(p->ctx, (struct bytes){ text, (size_t)n });
}

/* None of these formats declares entities; who does wants them to grow. */
static void on_entity(void *ctx, const XML_Char *name, int is_parameter, const XML_Char *value,
		      int length, const XML_Char *base, const XML_Char *system,
		      const XML_Char *public, const XML_Char *notation)
{
	struct parsing *p = ctx;

	(void)name, (void)is_parameter, (void)value, (void)length, (void)base, (void)system;
	(void)public, (void)notation;
	(void)XML_StopParser(p->parser, XML_FALSE);
}

static void parsing_init(struct parsing *p, const struct xml_handler *handler, void *ctx)
{
	*p = (struct parsing){ .parser = XML_ParserCreate(NULL), .handler = handler, .ctx = ctx };
	if (!p->parser)
		abort(); /* as xmalloc() */
	XML_SetUserData(p->parser, p);
	XML_SetElementHandler(p->parser, on_start, on_end);
	XML_SetCharacterDataHandler(p->parser, on_text);
	XML_SetEntityDeclHandler(p->parser, on_entity);
}

static bool feed(void *ctx, const char *piece, size_t n)
{
	struct parsing *p = ctx;

	return XML_Parse(p->parser, piece, (int)n, 0) == XML_STATUS_OK;
}

enum part package_parse(struct package *package, const char *name,
			const struct xml_handler *handler, void *ctx)
{
	struct parsing p;
	enum part r;

	parsing_init(&p, handler, ctx);
	r = read_part(package, name, feed, &p);
	if (r == PART_OK && XML_Parse(p.parser, "", 0, 1) != XML_STATUS_OK)
		r = PART_DAMAGED;
	XML_ParserFree(p.parser);
	return r;
}

enum part xml_parse(struct bytes xml, const struct xml_handler *handler, void *ctx)
{
	struct parsing p;
	bool fine;

	parsing_init(&p, handler, ctx);
	fine = xml.n <= INT32_MAX && XML_Parse(p.parser, xml.p, (int)xml.n, 1) == XML_STATUS_OK;
	XML_ParserFree(p.parser);
	return fine ? PART_OK : PART_DAMAGED;
}

const char *xml_attribute(const char **attributes, const char *name)
{
	for (; attributes && attributes[0]; attributes += 2) {
		if (str_eq(local(attributes[0]), name))
			return attributes[1];
	}
	return NULL;
}

void relations_release(struct relations *relations)
{
	strv_release(&relations->ids);
	strv_release(&relations->targets);
}

static void take_relation(void *ctx, const char *name, const char **attributes)
{
	struct relations *relations = ctx;
	const char *id = xml_attribute(attributes, "Id");
	const char *target = xml_attribute(attributes, "Target");

	if (!str_eq(name, "Relationship") || !id || !target)
		return;
	strv_add(&relations->ids, id);
	strv_add(&relations->targets, target);
}

void package_relations(struct package *p, const char *part, struct relations *ret)
{
	static const struct xml_handler handler = { .start = take_relation };
	const char *slash = strrchr(part, '/');
	int folder = slash ? (int)(slash - part) + 1 : 0;
	AUTO_FREE char *name = xasprintf("%.*s_rels/%s.rels", folder, part, part + folder);

	(void)package_parse(p, name, &handler, ret); /* what cannot be read refers to nothing */
}

const char *relations_find(const struct relations *relations, const char *id)
{
	for (size_t i = 0; id && i < relations->ids.n; i++) {
		if (str_eq(relations->ids.v[i], id))
			return relations->targets.v[i];
	}
	return NULL;
}

char *package_resolve(const char *part, const char *target)
{
	AUTO_STRV struct strv pieces = STRV_INIT;
	AUTO_STRV struct strv kept = STRV_INIT;
	AUTO_BUF struct buf path = BUF_INIT(BUF_OWN_MAX);
	const char *slash = strrchr(part, '/');

	if (target[0] != '/' && slash)
		buf_add(&path, part, (size_t)(slash - part) + 1);
	buf_adds(&path, target);
	strv_split(&pieces, buf_str(&path), '/');
	for (size_t i = 0; i < pieces.n; i++) {
		if (str_eq(pieces.v[i], "..") && kept.n > 0)
			free(kept.v[--kept.n]);
		else if (*pieces.v[i] && !str_eq(pieces.v[i], ".") && !str_eq(pieces.v[i], ".."))
			strv_add(&kept, pieces.v[i]);
	}
	buf_clear(&path);
	for (size_t i = 0; i < kept.n; i++)
		buf_addf(&path, "%s%s", i ? "/" : "", kept.v[i]);
	return buf_take(&path);
}

struct titling {
	bool inside;
	struct buf text;
};

static void title_start(void *ctx, const char *name, const char **attributes)
{
	struct titling *t = ctx;

	(void)attributes;
	t->inside = str_eq(name, "title") && t->text.n == 0;
}

static void title_end(void *ctx, const char *name)
{
	struct titling *t = ctx;

	(void)name;
	t->inside = false;
}

static void title_text(void *ctx, struct bytes text)
{
	struct titling *t = ctx;

	if (t->inside)
		buf_add(&t->text, text.p, text.n);
}

void package_title(struct package *p, struct output *out)
{
	static const struct xml_handler handler = { title_start, title_end, title_text };
	struct titling t = { .text = BUF_INIT(BUF_OWN_MAX) };

	(void)package_parse(p, "docProps/core.xml", &handler, &t); /* a title may lack */
	if (t.text.n > 0 && !out->title)
		out->title = xstrdup(buf_str(&t.text));
	buf_release(&t.text);
}

/* Letters, digits, '-', '_', '.'; the rest becomes '_'. */
static char *clean_name(const char *name)
{
	const char *slash = strrchr(name, '/');
	char *clean = xstrdup(slash ? slash + 1 : name);

	for (char *c = clean; *c; c++) {
		bool fine = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			    (*c >= '0' && *c <= '9') || *c == '-' || (*c == '.' && c != clean);

		*c = fine ? *c : '_';
	}
	return clean;
}

static bool is_shown(const char *name)
{
	static const char *const types[] = { ".png", ".jpg",  ".jpeg", ".gif",
					     ".svg", ".webp", ".bmp" };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (str_ends(name, types[i]))
			return true;
	}
	return false;
}

char *package_image(struct package *p, const char *name, struct output *out)
{
	AUTO_BUF struct buf bytes = BUF_INIT((size_t)CONVERT_IMAGE_BYTES_MAX);
	AUTO_FREE char *clean = clean_name(name);
	struct err e = { 0 };

	for (char *c = clean; *c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
	if (!is_shown(clean) || p->images.n >= CONVERT_IMAGES_MAX)
		return NULL;
	if (strv_has(&p->images, clean))
		return TAKE(clean);
	if (package_read(p, name, &bytes) != PART_OK) {
		output_warn(out, "picture '%s' cannot be read", name);
		return NULL;
	}
	if (output_image(out, clean, buf_bytes(&bytes), &e) < 0) {
		output_warn(out, "%s", e.msg);
		return NULL;
	}
	strv_add(&p->images, clean);
	return TAKE(clean);
}

void office_add_text(struct buf *out, struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == '*' || c == '<' || c == '\\' || c == '`' ||
		    (c == '[' && i + 1 < text.n && text.p[i + 1] == '['))
			buf_addc(out, '\\');
		buf_addc(out, c == '\r' || c == '\n' || c == '\0' ? ' ' : c);
	}
}

void office_add_lines(struct buf *out, struct bytes text)
{
	for (size_t at = 0; at < text.n;) {
		const char *end = memchr(text.p + at, '\n', text.n - at);
		size_t n = end ? (size_t)(end - text.p) - at : text.n - at;

		office_add_text(out, (struct bytes){ text.p + at, n });
		buf_addc(out, '\n');
		at += n + 1;
	}
}

void grid_row(struct grid *g)
{
	g->starts = xgrow(g->starts, &g->capacity, g->rows + 1, sizeof(*g->starts));
	g->starts[g->rows++] = g->cells.n;
}

void grid_cell(struct grid *g, struct bytes text)
{
	AUTO_FREE char *copy = xstrndup(text.n ? text.p : "", text.n);

	if (g->cells.n >= GRID_CELLS_MAX)
		return;
	if (g->rows == 0)
		grid_row(g);
	strv_add(&g->cells, copy);
	if (g->cells.n - g->starts[g->rows - 1] > g->columns)
		g->columns = g->cells.n - g->starts[g->rows - 1];
}

static void write_row(const struct grid *g, size_t row, struct buf *out)
{
	size_t from = g->starts[row];
	size_t to = row + 1 < g->rows ? g->starts[row + 1] : g->cells.n;

	buf_addc(out, '|');
	for (size_t i = 0; i < g->columns; i++) {
		buf_addc(out, ' ');
		if (from + i < to)
			output_cell(out, bytes_of(g->cells.v[from + i]));
		buf_adds(out, " |");
	}
	buf_addc(out, '\n');
}

void grid_write(struct grid *g, struct buf *out)
{
	for (size_t i = 0; i < g->rows && g->columns > 0; i++) {
		write_row(g, i, out);
		if (i > 0)
			continue;
		buf_addc(out, '|');
		for (size_t k = 0; k < g->columns; k++)
			buf_adds(out, " --- |");
		buf_addc(out, '\n');
	}
	if (g->rows > 0)
		buf_addc(out, '\n');
	grid_release(g);
}

void grid_release(struct grid *g)
{
	strv_release(&g->cells);
	free(g->starts);
	*g = (struct grid){ 0 };
}
