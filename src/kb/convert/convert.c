/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/convert/convert.h"

#include "kb/convert/convert-internal.h"

#include <ctype.h>

enum how { HOW_NONE, HOW_MARKDOWN, HOW_TEXT, HOW_CHILD };

static const struct {
	const char *type;
	enum how how;
} types[] = {
	{ "md", HOW_MARKDOWN }, { "markdown", HOW_MARKDOWN }, { "txt", HOW_TEXT },
	{ "csv", HOW_CHILD },   { "tsv", HOW_CHILD },         { "html", HOW_CHILD },
	{ "htm", HOW_CHILD },   { "xhtml", HOW_CHILD },       { "doc", HOW_CHILD },
	{ "docx", HOW_CHILD },  { "epub", HOW_CHILD },        { "pdf", HOW_CHILD },
	{ "pptx", HOW_CHILD },  { "xls", HOW_CHILD },         { "xlsx", HOW_CHILD },
};

static const char *const words[] = {
	[CONVERT_OK] = "ok",
	[CONVERT_ENCRYPTED] = "encrypted",
	[CONVERT_DAMAGED] = "damaged",
	[CONVERT_EMPTY] = "empty",
	[CONVERT_SCANNED] = "scanned",
	[CONVERT_TOO_LARGE] = "too_large",
	[CONVERT_UNSUPPORTED] = "unsupported",
};

const char *convert_outcome_word(enum convert_outcome outcome)
{
	return words[outcome];
}

static enum how how_of(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_eq(types[i].type, type))
			return types[i].how;
	return HOW_NONE;
}

bool convert_knows(const char *type)
{
	return how_of(type) != HOW_NONE;
}

char *convert_type_of(const char *name)
{
	const char *slash = strrchr(name, '/');
	const char *base = slash ? slash + 1 : name;
	const char *dot = strrchr(base, '.');
	char *type = xstrdup(dot && dot != base ? dot + 1 : "");

	for (char *c = type; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return type;
}

void converted_add_image(struct converted *c, const char *staged, const char *name)
{
	c->images = xgrow(c->images, &c->image_capacity, c->image_count + 1, sizeof(*c->images));
	c->images[c->image_count++] = (struct converted_image){ xstrdup(staged), xstrdup(name) };
}

void converted_release(struct converted *c)
{
	for (size_t i = 0; i < c->image_count; i++) {
		free(c->images[i].staged);
		free(c->images[i].name);
	}
	free(c->images);
	free(c->title);
	free(c->why);
	buf_release(&c->text);
	strv_release(&c->warnings);
	*c = (struct converted)CONVERTED_INIT;
}

void convert_refuse(struct converted *c, enum convert_outcome outcome, const char *fmt, ...)
{
	AUTO_BUF struct buf why = BUF_INIT(BUF_OWN_MAX);
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&why, fmt, ap);
	va_end(ap);
	free(c->why);
	c->why = buf_take(&why);
	c->outcome = outcome;
}

bool convert_has_text(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		if (isalnum((unsigned char)text.p[i]) || (unsigned char)text.p[i] >= 0x80)
			return true;
	return false;
}

int convert_run(const struct convert_job *job, struct converted *ret, struct err *e)
{
	enum how how = how_of(job->type);

	if (how == HOW_NONE) {
		convert_refuse(ret, CONVERT_UNSUPPORTED, "there is no converter for '.%s'",
			       job->type);
		return 0;
	}
	if (how == HOW_CHILD)
		return convert_child(job, ret, e);
	return convert_text(job, how == HOW_MARKDOWN, ret, e);
}
